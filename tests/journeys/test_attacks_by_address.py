"""Attacks by address: what a webhook would have us call, and things of one tip named at another."""

from __future__ import annotations

import http.server
import io
import re
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.mail import mail_server
from hotline.delivery.media import Account, fetched
from hotline.delivery.senders import ProviderProblem, TwilioProvider
from hotline.delivery.ways import NotDelivered, Webhook
from hotline.delivery.webhooks import post
from hotline.intake.attachments import clean
from hotline.intake.signature import HEADER, sign
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.settings import Settings
from hotline.simulate.phone import new_sid
from tests import pictures
from tests.conftest import MovableClock
from tests.doors import House, house_of, sqlite_line
from tests.promises.console_routes import CHILD, Ground
from tests.promises.ground import read_once  # noqa: F401 - a fixture


@pytest.fixture
def settings(founded_home: Path, tmp_path: Path) -> Settings:
    return sqlite_line(founded_home, tmp_path)


@pytest.fixture
def house(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> House:
    return house_of(public_line, staff_line, clock)


@pytest.fixture
def ground(house: House, clock: MovableClock) -> Ground:
    line = house.public.extensions["line"]
    made = Ground(line, house.office.line, clock)
    made.office = house.office
    return made


@dataclass(slots=True)
class Listener:
    """Somebody on this machine who should never be called."""

    called: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.called.append(self.path)
            self.send_error(404)

        do_POST = do_DELETE = do_GET

        def log_message(self, *args: object) -> None:
            del args

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield heard
    server.shutdown()
    server.server_close()


def test_no_address_of_a_webhook_is_ever_called(
    house: House, ground: Ground, listener: Listener, clock: MovableClock
) -> None:
    """Even signed, even with our provider's identifiers in it: addresses are built, not taken. The
    provider stands at another port of the same server, and is asked at its own paths alone."""
    api = replace(ground.staff.settings, twilio_api_url=f"{listener.url}/provider")
    client, media = house.public.test_client(), new_sid("ME")
    message, call = new_sid("MM"), new_sid("CA")
    lure = f"{listener.url}/lure/{media}"
    sms = {"MessageSid": message, "From": "+5521987650001", "To": "+552122530000", "NumMedia": "3"}
    sms |= {"Body": "Vendem drogas na praça em Niterói, RJ", "MediaContentType0": "image/jpeg"}
    sms |= {
        "MediaUrl0": lure,
        "MediaUrl1": f"{listener.url}/lure/..%2f..",
        "MediaUrl2": "file:///etc",
    }
    sms |= {"StatusCallback": lure, "ApiVersion": "../lure", "AccountSid": "../../lure"}
    stop = {**sms, "MessageSid": new_sid("SM"), "Body": "PARAR", "NumMedia": "0"}
    heard = {"CallSid": call, "RecordingSid": new_sid("RE"), "RecordingUrl": lure}
    heard |= {"RecordingStatus": "completed", "TranscriptionUrl": lure}
    ended = {"CallSid": call, "CallStatus": "completed", "RecordingUrl": lure}
    for path, params in (
        ("/twilio/sms", sms),
        ("/twilio/sms", stop),
        ("/twilio/recording", heard),
        ("/twilio/status", ended),
    ):
        signed = sign(api.tokens[0], api.public_url, path, params)
        answer = client.post(path, data=params, headers={HEADER: signed})
        assert answer.status_code < 400, path
        assert listener.url not in answer.text, path
    log = Log(clock, public=False, out=io.StringIO())
    jobs = EmbeddedJobs(runner(ground.staff, TwilioProvider(api), log))
    for _ in range(6):
        jobs.drain()
        clock.advance(900)
    assert any(f"/Messages/{message}/Media/{media}" in path for path in listener.called)
    own = re.compile(rf"/provider/2010-04-01/Accounts/{api.twilio_account_sid}/\w+/\w+[\w/.?=]*")
    strange = [path for path in listener.called if not own.fullmatch(path)]
    assert not strange and "lure" not in "".join(listener.called)


def test_a_thing_of_one_tip_is_not_reached_by_another(ground: Ground) -> None:
    """paulo may read his own tips and not gabi's. What is hers, named at his by every deed there
    is: as if it were not there; and it stays as it was, with no mark of him."""
    hers = ground.taken(CHILD, "gabi", files=[clean(pictures.jpeg())])
    file = re.findall(r'name="file" value="([0-9a-f]{32})"', ground.hand("gabi").html)[0]
    voice = ground.recorded(hers)
    mine, paulo = ground.taken(), ground.hand("paulo")
    before, marks = kept(ground, hers), named(ground, hers)
    named_by = {"file": file, "recording": voice, "addition": voice}
    named_by |= dict.fromkeys(("other", "tip", "tips", "package", "note"), hers)
    deeds = [
        rule
        for rule in ground.office.app.url_map.iter_rules()
        if {"tip"} <= rule.arguments <= {"tip", "deed"} and "POST" in rule.methods
    ]
    assert len(deeds) > 25
    for rule in deeds:
        for fields in (named_by, {"other": hers}):
            path = rule.build({"tip": mine, "deed": "hold"})[1]
            data = {"token": paulo.token, "version": "0", "page": "1", **fields}
            answer = paulo.client.post(path, data=data)
            assert answer.status_code < 500, (rule.endpoint, *fields)
            assert "padrasto" not in answer.get_data(as_text=True), (rule.endpoint, *fields)
            assert not answer.mimetype.startswith(("image", "audio")), (rule.endpoint, *fields)
    for path in (f"/tips/{mine}/files/{file}/1", f"/tips/{hers}/files/{file}/1"):
        assert paulo.client.get(path).status_code == 404, path
    assert kept(ground, hers) == before and named(ground, hers) == marks


def kept(ground: Ground, tip: str) -> list[tuple[bytes, int]]:
    bodies = ground.staff.tips.bodies(bytes.fromhex(tip))
    return sorted((body.id, body.kind) for body in bodies)


def named(ground: Ground, tip: str) -> int:
    """How many audit records name a tip."""
    return sum(tip in mark.values() for mark in ground.marks().values())


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """A server under TLS that signed for itself, and what it was told."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    day = timedelta(days=1)
    today = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(today - day).not_valid_after(today + day)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    pem = tmp_path / "impostor.pem"
    form = serialization.Encoding.PEM
    pem.write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.sign(key, hashes.SHA256()).public_bytes(form)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    heard: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as told:
                heard.append(told.recv(4096))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1], heard
        server.shutdown()


def test_a_server_that_cannot_prove_its_name_gets_nothing(
    impostor: tuple[int, list[bytes]],
) -> None:
    port, heard = impostor
    limits = Webhook(connect=5, silence=5, total=20, longest_answer=1000, waits=())
    with pytest.raises(NotDelivered) as refused:
        post(f"https://localhost:{port}/", {}, b"a sealed package", limits)
    assert refused.value.reason == "no_tls"
    with pytest.raises(ssl.SSLError):
        mail_server("smtps", "localhost", port)
    account = Account(f"https://localhost:{port}", "AC" + "0" * 32, "a token")
    with pytest.raises(ProviderProblem) as unreachable:
        fetched(account, new_sid("MM"), new_sid("ME"))
    assert unreachable.value.reason == "unreachable"
    assert not heard or not any(heard), "not one byte of ours"
    trusting = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port)) as line, trusting.wrap_socket(line) as told:
        told.sendall(b"whoever believes it is heard")
    assert eventually(lambda: b"whoever believes it is heard" in heard)


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()
