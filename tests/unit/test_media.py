"""A file of a message is fetched from the provider and from nowhere else, whatever it answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from hotline.delivery import media, senders
from hotline.delivery.media import _onward
from hotline.delivery.senders import ProviderProblem, TwilioProvider
from hotline.settings import load
from tests.promises.canaries import sid

ACCOUNT = "AC" + "0a" * 16
TOKEN = "a token of the provider"
MESSAGE, MEDIA = "MM" + "1b" * 16, "ME" + "2c" * 16
FILE = b"\xff\xd8\xff" + bytes(range(256)) * 400
Answer = Callable[[BaseHTTPRequestHandler], None]


class Place:
    """A server on loopback: answers as told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answers: list[Answer] = []
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place.asked.append((self.path, self.headers["Authorization"]))
                with suppress(OSError):  # who asked may have gone away
                    place.answers.pop(0)(self)

            def log_message(self, *args: object) -> None:
                del args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.server.shutdown()
    place.server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Place]:
    place = Place()
    place.answers = [gives(b"secret of another service")] * 3
    yield place
    place.server.shutdown()
    place.server.server_close()


@pytest.fixture
def provider(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> TwilioProvider:
    for name, value in (
        ("HOME", str(tmp_path)),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_API_URL", place.url),
        ("PUBLIC_URL", "https://denuncia.example"),
    ):
        monkeypatch.setenv(f"HOTLINE_{name}", value)
    return TwilioProvider(load())


def gives(body: bytes, kind: str = "image/jpeg", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def sends_to(address: str, status: int = 307) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", address)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def problem(provider: TwilioProvider, message: str = MESSAGE, file: str = MEDIA) -> str:
    with pytest.raises(ProviderProblem) as raised:
        provider.media(message, file)
    said = f"{raised.value} {raised.value.hint} {raised.value.args}"
    assert message not in said and TOKEN not in said and "127.0.0.1" not in said
    return raised.value.reason


def test_a_file_is_fetched_with_our_token(place: Place, provider: TwilioProvider) -> None:
    place.answers = [gives(FILE, "image/JPEG; charset=x")]
    assert provider.media(MESSAGE, MEDIA) == ("image/jpeg", FILE)
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{MESSAGE}/Media/{MEDIA}"
    assert [asked[0] for asked in place.asked] == [path]
    assert (place.asked[0][1] or "").startswith("Basic ")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_one_redirect_within_the_api_is_followed(
    place: Place, provider: TwilioProvider, status: int
) -> None:
    place.answers = [sends_to("/kept/there", status), gives(FILE)]
    assert provider.media(MESSAGE, MEDIA)[1] == FILE
    place.answers = [sends_to(place.url + "/a"), sends_to(place.url + "/b"), gives(FILE)]
    assert problem(provider) == "redirected_twice"


def test_to_the_shelf_our_token_does_not_go(
    place: Place, provider: TwilioProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = "https://mms.twiliocdn.com/AC1/abc?signed=1"
    calls: list[tuple[str, str | None]] = []
    really = requests.Session.send

    def send(self: requests.Session, request: requests.PreparedRequest, **options: object):
        calls.append((request.url or "", request.headers.get("Authorization")))
        if request.url == shelf:  # no such host here: the API answers in its place
            request.url = place.url + "/shelf"
        return really(self, request, **options)

    monkeypatch.setattr(requests.Session, "send", send)
    place.answers = [sends_to(shelf), gives(FILE)]
    assert provider.media(MESSAGE, MEDIA)[1] == FILE
    assert calls[1] == (shelf, None) and calls[0][1] is not None


@pytest.mark.parametrize(
    "location",
    [
        "{elsewhere}/latest/meta-data",
        "//{authority}/x",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://mms.twiliocdn.com/x",
        "https://mms.twiliocdn.com:{port}/x",
        "https://mms.twiliocdn.com@127.0.0.1:{port}/x",
        "https://user:word@mms.twiliocdn.com/x",
        "https://127.0.0.1:{port}/.twiliocdn.com",
        "https://twiliocdn.com.example/x",
        "https://eviltwiliocdn.com/x",
        "https://127.0.0.1:{port}\\@mms.twiliocdn.com/x",
        "https://127.0.0.1:{port}#.twiliocdn.com",
        "https://127.0.0.1:{port}?.twiliocdn.com",
        "https://mms.twiliocdn.com\t@127.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data",
        "https://[::1",
        "{api}@127.0.0.1:{port}/",
        "{api}.example/",
    ],
)
def test_a_redirect_anywhere_else_is_refused(
    place: Place, elsewhere: Place, provider: TwilioProvider, location: str
) -> None:
    authority = elsewhere.url.removeprefix("http://")
    where = location.format(
        elsewhere=elsewhere.url,
        api=place.url,
        authority=authority,
        port=elsewhere.server.server_port,
    )
    place.answers = [sends_to(where)]
    assert problem(provider) in ("redirected_elsewhere", "unreachable")
    assert elsewhere.asked == [] and len(place.asked) == 1


def test_the_shelves_of_the_provider_are_known() -> None:
    for host in ("mms.twiliocdn.com", "media.twiliocdn.com", "a.b-1.twiliocdn.com"):
        assert _onward("https://api.twilio.com", f"https://{host}/x") == f"https://{host}/x"
    assert _onward("https://api.twilio.com", "https://api.twilio.com/x")
    with pytest.raises(ProviderProblem):
        _onward("https://api.twilio.com", "http://api.twilio.com/x")


@pytest.mark.parametrize(
    ("message", "file"),
    [
        ("", MEDIA),
        (MESSAGE, ""),
        (MESSAGE, MEDIA + "/../../x"),
        ("../../Recordings", MEDIA),
        (MESSAGE, MEDIA + "\n"),
        (MESSAGE, "ME" + "g" * 32),
        (MESSAGE, f"http://127.0.0.1/{MEDIA}"),
        (MEDIA, MESSAGE),
    ],
)
def test_what_is_no_identifier_is_not_asked_for(
    place: Place, provider: TwilioProvider, message: str, file: str
) -> None:
    with pytest.raises(ProviderProblem) as raised:
        provider.media(message, file)
    assert raised.value.reason == "no_such_file" and place.asked == []


def test_a_huge_file_is_not_read_to_its_end(
    place: Place, provider: TwilioProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "LARGEST_FILE", 300_000)
    sent: list[int] = []

    def pours(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(4000):
            handler.wfile.write(bytes(65536))
            sent.append(65536)

    place.answers = [pours]
    assert problem(provider) == "too_large"
    assert sum(sent) < 100 * 2**20
    place.answers = [gives(bytes(300_000))]
    assert len(provider.media(MESSAGE, MEDIA)[1]) == 300_000


def test_a_slow_file_is_given_up(
    place: Place, provider: TwilioProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "LONGEST_SECONDS", 0.4)

    def drips(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(60):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    place.answers = [drips]
    began = time.monotonic()
    assert problem(provider) == "slow"
    assert time.monotonic() - began < 2
    monkeypatch.setattr(media, "TIMEOUT_SECONDS", 0.2)
    place.answers = [lambda handler: time.sleep(1)]
    assert problem(provider) == "unreachable"


def test_the_body_of_a_redirect_is_not_read(place: Place, provider: TwilioProvider) -> None:
    sent: list[int] = []

    def pours(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/there")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(bytes(65536))
            sent.append(65536)

    place.answers = [pours, gives(FILE)]
    assert provider.media(MESSAGE, MEDIA)[1] == FILE
    assert sum(sent) < 30 * 2**20


def test_what_goes_wrong_is_a_problem_of_the_provider(
    place: Place, provider: TwilioProvider
) -> None:
    place.answers = [lambda handler: handler.send_error(404)]
    assert problem(provider) == "http_404"
    place.answers = [gives(FILE, Content_Length=str(len(FILE) + 5))]
    assert problem(provider) == "unreachable"
    place.answers = [lambda handler: handler.wfile.write(b"nonsense\r\n\r\n")]
    assert problem(provider) == "unreachable"


def test_a_packed_answer_stays_packed(place: Place, provider: TwilioProvider) -> None:
    """Otherwise a small answer could fill the memory."""
    place.answers = [gives(b"\x1f\x8b\x08 not for us", "weird type", Content_Encoding="gzip")]
    assert provider.media(MESSAGE, MEDIA) == ("", b"\x1f\x8b\x08 not for us")


def test_nothing_of_it_is_logged(
    place: Place, provider: TwilioProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        place.answers = [sends_to("/kept/there"), gives(FILE)]
        provider.media(MESSAGE, MEDIA)
    assert caplog.text == ""


def test_the_doubles_do_the_same() -> None:
    double = senders.RecordingProvider()
    double.files[MEDIA] = ("image/png", b"x")
    assert double.media(MESSAGE, MEDIA) == ("image/png", b"x")
    with pytest.raises(ProviderProblem):
        double.media(MESSAGE, sid("ME"))
    said: list[str] = []
    assert senders.ConsoleProvider(said.append).media(MESSAGE, MEDIA) == ("", b"")
    assert said == ["provider: would fetch one file"]
