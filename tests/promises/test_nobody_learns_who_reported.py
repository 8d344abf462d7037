"""Promise 1: nobody can learn who reported, from us. Proved on bytes.

Canaries stand in every identifying field of every channel; whole journeys are driven through the
real assembly with their jobs; then everything on disk and in Redis is searched in all encodings.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
import secrets
import sqlite3
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import psycopg
import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import insert
from twilio.request_validator import RequestValidator

from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.delivery.senders import RecordingProvider
from hotline.errors import NotAllowed
from hotline.intake.attachments import MOST_FILES
from hotline.intake.voice.ear import Ear
from hotline.jobs import rq
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import FILES_AGAIN, runner
from hotline.log import Log
from hotline.settings import Settings
from hotline.store.tables import AuditRow, Base
from hotline.tips import State
from hotline.triage.attachments import seen
from hotline.triage.opening import SealedElsewhere, open_tip
from hotline.vault.keys import open_body, open_wrap
from hotline.web.apps import public_app
from tests import pictures
from tests.conftest import MovableClock
from tests.forms import Walk
from tests.line import ACCOUNT, PUBLIC_URL, TOKEN, SignIn, with_redis
from tests.promises import canaries
from tests.promises.canaries import Aviary, Before
from tests.promises.ground import engines, line_on, read_once  # noqa: F401 - a fixture

# What the provider itself calls personal, as its webhooks would spell it; and every parameter by
# which a message or a call could be joined to a person (https://www.twilio.com/docs, messaging and
# voice webhooks; ``ExternalUserId`` and ``ChannelMetadata`` are WhatsApp's). Bodies are the tip.
PERSONAL = sorted(
    {
        "".join(part.title() for part in field.split("_"))
        for fields in json.loads(
            (Path(__file__).parents[1] / "vectors" / "twilio_pii_fields.json").read_text()
        )["fields"].values()
        for field in fields
    }
)
NUMBERS = (
    *("From", "To", "Caller", "Called", "ForwardedFrom", "FromFormatted", "ToFormatted"),
    *("WaId", "OriginalRepliedMessageSender", "PhoneNumber"),
)
SIDS = {
    "AccountSid": "AC",
    "SmsSid": "SM",
    "SmsMessageSid": "SM",
    "MessagingServiceSid": "MG",
    "ParentCallSid": "CA",
    "OriginalRepliedMessageSid": "SM",
    "SipDomainSid": "SD",
    "TranscriptionSid": "TR",
}
TELLTALES = (
    *("ProfileName", "ExternalUserId", "Author", "ChannelMetadata", "CallerName", "CallToken"),
    *("StirVerstat", "StirPassportToken", "SipCallId", "SipDomain", "P-Asserted-Identity"),
    *("SipHeader_X-Caller", "SipHeader_From", "Latitude", "Longitude", "Address", "Label"),
    *("ReferralSourceUrl", "ReferralSourceId", "ReferralHeadline", "ReferralBody", "AddOns"),
    *("ReferralMediaUrl", "ReferralCtwaClid", "Forwarded", "FrequentlyForwarded", "OptOutType"),
    *("SpeechResult", "StableSpeechResult", "ErrorMessage", "RawDlrDoneDate"),
    *(whose + what for whose in ("From", "Caller", "To", "Called")
      for what in ("City", "State", "Zip", "Country")),
)  # fmt: skip

REFUSED = 4  # of the five files that a conversation may bring, the one that is no picture
TIP = "Boca de fumo na rua das Acácias em Niterói RJ, toda noite. Meu número é {number}."


@dataclass(slots=True)
class World:
    """A line, everything it writes to, and the reporters' canaries."""

    settings: Settings
    public: PublicLine
    staff: StaffLine
    client: FlaskClient
    birds: Aviary
    temp: Path
    logs: StringIO
    provider: RecordingProvider
    ear: Ear | None = None
    before: Before = field(default_factory=Before)

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """All bytes that are there now and were not there before the first report."""
        return self.before.news(self._places())

    def _places(self) -> Iterator[tuple[str, bytes]]:
        yield from canaries.files(self.settings.home)
        yield from canaries.files(self.temp)
        yield "the logs", self.logs.getvalue().encode()
        if not self.settings.sqlite:
            yield from canaries.postgres(self.settings.database_url)
        if self.settings.redis_url:
            yield from canaries.redis_keys(self.settings.redis_url)

    def work(self) -> None:
        """Every errand, by the engine this line has."""
        log = Log(self.staff.clock, public=False, out=self.logs)
        does = runner(self.staff, self.provider, log, self.ear)
        if self.settings.redis_url is None:
            EmbeddedJobs(does).drain()
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rq, "_runner", lambda: does)
            sweeper = rq.Pusher(rq.connect(self.settings.redis_url))
            sweeper.sweep(does.ready)
            rq.work(self.settings.redis_url, burst=True)


@pytest.fixture(params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest,
    founded_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> Iterator[World]:
    """On SQLite with everything in the process; on PostgreSQL with Redis and workers."""
    if request.param == "postgres" and engines(request):
        request.getfixturevalue("postgres")  # before it would take our temporary directory
    temp, logs = tmp_path / "temp", StringIO()
    temp.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    monkeypatch.setenv("TMPDIR", str(temp))
    monkeypatch.setattr("sys.stderr", logs)
    handler = logging.StreamHandler(logs)
    logging.getLogger().addHandler(handler)
    lines = line_on(request.param, request, founded_home, tmp_path / "home")
    settings, told = next(lines), lambda errands: None
    if request.param == "postgres":
        settings = with_redis(settings, request.getfixturevalue("redis_url"))
        told = rq.Pusher(rq.connect(settings.redis_url or "")).told
    staff = assemble_staff(settings, clock)
    public = assemble_public(settings, clock, pool=0, told=told)
    client = public_app(public).test_client()
    world = World(settings, public, staff, client, Aviary(), temp, logs, RecordingProvider())
    world.before.remember(world._places())
    yield world
    public.close()
    staff.close()
    logging.getLogger().removeHandler(handler)
    next(lines, None)


def dress(world: World, channel: str) -> dict[str, str]:
    """The headers by which a request could betray its sender, all canaries."""
    birds = world.birds
    address = birds.address(f"{channel} address", f"2001:db8:{channel.encode().hex()[:4]}:7::beef")
    world.client.environ_base["REMOTE_ADDR"] = address
    headers = {
        "User-Agent": birds.word(f"{channel} user agent"),
        "Referer": "https://" + birds.word(f"{channel} referer") + ".example/",
        "Cookie": "session=" + birds.word(f"{channel} cookie"),
        "X-Forwarded-For": birds.address(f"{channel} forwarded address", "203.0.113.177"),
        "X-Real-Ip": "203.0.113.177",
        "Forwarded": "for=" + birds.word(f"{channel} forwarded"),
        "X-Request-Id": birds.word(f"{channel} request id"),
        "From": birds.word(f"{channel} from header") + "@example.org",
        "Sec-Ch-Ua-Model": birds.word(f"{channel} device"),
    }
    world.client.environ_base |= {
        "HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()
    }
    return headers


def telltales(world: World, webhook: str, **own: str) -> dict[str, str]:
    """Every parameter that could betray somebody, each with a canary of its own; ``own`` are the
    values that the webhook itself needs."""
    birds, fields = world.birds, {}
    for name in NUMBERS:
        fields[name] = birds.number(f"{webhook} {name}")
    for name, prefix in SIDS.items():
        fields[name] = birds.sid(f"{webhook} {name}", prefix)
    for name in {*TELLTALES, *PERSONAL} - set(NUMBERS):
        fields[name] = birds.word(f"{webhook} {name}")
    # As the provider packs them.
    fields["AddOns"] = json.dumps({"results": {"caller": fields["AddOns"]}})
    fields["ChannelMetadata"] = json.dumps({"data": {"name": fields["ChannelMetadata"]}})
    fields["WaId"] = fields["WaId"].removeprefix("+")
    return fields | own


def webhook(world: World, path: str, fields: dict[str, str], *, signed: bool = True) -> str:
    url = PUBLIC_URL + path
    signature = RequestValidator(TOKEN).compute_signature(url, fields)
    headers = {"X-Twilio-Signature": signature if signed else "forged"}
    # Twilio signs the address without knowing how we are mounted; the client posts to the path.
    response = world.client.post(path, data=fields, headers=headers)
    assert response.status_code == (200 if signed else 403) or response.status_code == 204
    return response.get_data(as_text=True)


def message(world: World, channel: str, person: dict[str, str], text: str, n: int) -> str:
    birds = world.birds
    ident = birds.sid(f"{channel} message {n}", "SM")
    media = birds.sid(f"{channel} media {n}", "ME")
    base = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/{ident}/Media/{media}"
    picture = pictures.jpeg(birds.word(f"{channel} EXIF {n}")) + person["From"].encode()
    file = refusable(birds, f"{channel} {n}") if n == REFUSED else picture
    world.provider.files[media] = ("image/jpeg", file)
    return webhook(
        world,
        "/twilio/sms",
        {
            **person,
            "MessageSid": ident,
            "Body": text,
            "NumMedia": "1",
            "MediaUrl0": base,
            "MediaContentType0": "image/jpeg",
        },
    )


def by_text(world: World, channel: str) -> None:
    """The whole conversation, a repeat, a forged message, and coming back with the receipt."""
    dress(world, channel)
    birds = world.birds
    number = birds.number(f"{channel} number")
    sender = f"whatsapp:{number}" if channel == "whatsapp" else number
    person = telltales(world, channel, From=sender)
    said = message(world, channel, person, TIP.format(number=number), 0)
    receipt = "".join(re.findall(r"\d", re.search(r"(?:\d{4} ){4}\d{4}", said)[0]))
    for n, text in enumerate(
        ("agora não", "Niterói RJ", "toda noite", "o Zé da padaria", "não"), 1
    ):
        message(world, channel, person, text, n)
    message(world, channel, person, f"{receipt} mudaram de rua, me liga {number}", 8)
    message(world, channel, person, "sair", 9)
    for state in ("queued", "sent", "delivered", "undelivered"):
        ours = birds.sid(f"{channel} our message {state}", "SM")
        status = telltales(world, f"{channel} status", MessageSid=ours, MessageStatus=state)
        webhook(world, "/twilio/status", status)
    fields = {"From": number, "Body": birds.word(f"{channel} forged"), "MessageSid": "SMx"}
    webhook(world, "/twilio/sms", fields, signed=False)


def by_phone(world: World) -> None:
    """A call through the menu with something spoken, its recording, and hanging up."""
    dress(world, "phone")
    birds = world.birds
    number, call = birds.number("phone number"), birds.sid("phone call", "CA")
    recording = birds.sid("phone recording", "RE")
    world.provider.sounds[recording] = birds.word("voice").encode() * 50
    base = {"CallSid": call, "From": number, "Caller": number, "CallStatus": "in-progress"}
    person = telltales(world, "phone", **base)
    said = webhook(world, "/twilio/voice", person)
    for keys in ("1", "2", "4", "24020091", "1"):
        action = re.search(r'action="[^"]*?(/twilio/voice/[^"]+)"', said)[1]
        said = webhook(world, action, {**person, "Digits": keys})
    assert "<Record" in said
    action = re.search(r'action="[^"]*?(/twilio/voice/[^"]+)"', said)[1]
    spoken = {
        "RecordingSid": recording,
        "RecordingUrl": f"https://api.twilio.com/{birds.word('phone recording url')}/{recording}",
        "RecordingDuration": "12",
    }
    webhook(world, action, {**person, **spoken, "Digits": "#"})
    ready = telltales(world, "recording", **base, **spoken, RecordingStatus="completed")
    webhook(world, "/twilio/recording", ready)
    over = telltales(world, "phone status", **(base | {"CallStatus": "completed"}))
    webhook(world, "/twilio/status", over)


def hiding(birds: Aviary, channel: str) -> list[bytes]:
    """Files with canaries beside what they show, so large that they would be spooled to a disk."""
    picture = pictures.jpeg(birds.word(f"{channel} EXIF"))
    number = birds.number(f"{channel} number in a picture").encode()
    return [
        picture + bytes(600_000) + number,
        pictures.png(birds.word(f"{channel} PNG text")),
        pictures.pdf(2, birds.word(f"{channel} PDF author")),
    ]


def refusable(birds: Aviary, channel: str) -> bytes:
    return b"MZ" + birds.word(f"{channel} refused file").encode() * 60_000


def by_form(world: World) -> None:
    dress(world, "web")
    headers = {"Accept-Language": "pt-BR"}
    walk = Walk(world.client, headers)
    number = world.birds.number("web number")
    walk.to_check(what=TIP.format(number=number), where="Niterói RJ")
    sent = [
        (f"file-{n}", world.birds.word(f"web file name {n}"), data)
        for n, data in enumerate(hiding(world.birds, "web"), 1)
    ]
    fields = {k: v for k, v in walk.page.fields.items() if not k.startswith("file-")}
    refused = [("file-4", world.birds.word("web refused name"), refusable(world.birds, "web"))]
    for files in (sent + refused, sent):
        body, kind = pictures.multipart(fields | {"go": "send"}, files)
        walk.response = world.client.post("/", data=body, content_type=kind, headers=headers)
    receipt = walk.page.receipt
    assert len(receipt) == 20
    walk.response = world.client.get("/follow-up", headers=headers)
    walk.press(path="/follow-up", receipt=receipt)
    world.client.get("/" + world.birds.word("web path") + "?q=" + world.birds.word("web query"))


def by_app(world: World) -> None:
    headers = dress(world, "api")
    number = world.birds.number("api number")
    key = {"Idempotency-Key": world.birds.word("api idempotency key")}
    files = [
        {
            "filename": world.birds.word(f"api file name {n}"),
            "content_type": world.birds.word(f"api file type {n}"),
            "data": base64.b64encode(data).decode(),
        }
        for n, data in enumerate(hiding(world.birds, "api"), 1)
    ]
    body = {
        "description": TIP.format(number=number),
        "place": "Niterói RJ",
        "attachments": files,
    }
    post = lambda path, body: world.client.post(  # noqa: E731
        "/api/v1/" + path, json=body, headers=headers | key
    )
    first, again = post("tips", body), post("tips", body)
    assert (first.status_code, first.json) == (201, again.json)
    receipt = first.json["receipt"]
    assert post("follow-ups", {"receipt": receipt}).status_code == 200
    key["Idempotency-Key"] = world.birds.word("api second key")
    later = {"receipt": receipt, "message": f"Voltaram, meu zap é {number}"}
    assert post("follow-ups/messages", later).status_code == 201
    wrong = {"data": base64.b64encode(refusable(world.birds, "api")).decode()}
    assert post("tips", {"description": "x", "attachments": [wrong]}).status_code == 422
    assert post("tips", {"description": 7, world.birds.word("api field"): 1}).status_code == 422


def with_a_bug(world: World) -> None:
    """What nobody expected, raised with a reporter's number in its words."""
    number = world.birds.number("number in a traceback")
    pipeline = world.public.pipeline

    def bug(*_: object) -> None:
        raise RuntimeError(f"cannot handle {number}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(pipeline.router), "decide", bug)
        answer = world.client.post("/api/v1/tips", json={"description": f"bug {number}"})
    assert answer.status_code == 500
    assert number not in answer.get_data(as_text=True)
    assert '"incident"' in world.logs.getvalue()


def opened(world: World, clock: Clock) -> Iterator[tuple[str, bytes]]:
    """Everything that an officer with every key can read."""
    who = SignIn(world.staff)("olga")
    for tip in world.staff.tips.queue(list(world.staff.profile.queues), list(State)):
        with suppress(SealedElsewhere, NotAllowed):
            for file in open_tip(world.staff, who, tip.id).files:
                yield "a thumbnail", file.card.thumbnail
                for page in range(1, file.card.pages + 1):
                    yield "a page of a file", seen(world.staff, file.card, page)
    for tip in world.staff.tips.queue(list(world.staff.profile.queues), list(State)):
        for body in world.staff.tips.bodies(tip.id):
            for wrap in world.staff.tips.wraps([body.id]):
                seed = world.staff.access.epoch_seed(who, wrap.recipient, wrap.epoch)
                try:
                    key = open_wrap(seed, wrap, body)
                except Exception:
                    continue
                yield f"an opened body of kind {body.kind}", open_body(key, body)
                break


def test_no_trace_of_a_reporter_is_at_rest(world: World, clock: Clock) -> None:
    by_text(world, "sms")
    by_text(world, "whatsapp")
    by_phone(world)
    by_form(world)
    by_app(world)
    with_a_bug(world)
    assert sum(world.staff.tips.counts().values()) == 5
    assert any(kind == "erase" for kind, _ in world.staff.outbox.counts())
    assert world.birds.found(world.everything()) == [], "before the jobs"
    for _ in range(3):
        world.work()
        # A recording waits for the end of its call, which may lie behind it in the outbox.
        clock.advance(61)
    clock.advance(FILES_AGAIN)  # a message waits for its files
    world.work()
    assert ("media", "ready") not in world.staff.outbox.counts()
    assert {name for name, _ in world.provider.erased} == {"message", "media", "call", "recording"}
    assert world.birds.found(world.everything()) == [], "after the jobs"
    # Also inside what is sealed: nothing of the channel got into a tip (the voice is sealed apart
    # until an operator has heard it).
    inside = dict.fromkeys(name for name in world.birds.planted if name != "voice")
    birds = Aviary({name: world.birds.planted[name] for name in inside})
    read = [(place, raw) for place, raw in opened(world, clock) if not place.endswith("kind 4")]
    assert len(read) >= 5
    assert sum(place == "a page of a file" for place, _ in read) == 8 + 2 * (MOST_FILES - 1)
    assert sum(b'"refused": "unknown_kind"' in raw for _, raw in read) == 2
    assert birds.found(read) == []


@pytest.mark.parametrize("mode", ["both", "transcribe"])
def test_nothing_of_a_voice_that_was_transcribed_is_at_rest(
    world: World, clock: MovableClock, mode: str
) -> None:
    """Neither the sound nor the words, with the engine in its own process; and inside the seal
    the words alone, without what points to the caller."""
    settings = replace(world.staff.settings, voice=mode)
    world.staff = replace(world.staff, settings=settings)
    number, words = world.birds.number("number said"), world.birds.word("words said")
    text = f"Vendem drogas na rua {words} em Niterói. Meu número é {number}, me liga."
    told = json.dumps({"text": text, "language": "pt"})
    world.ear = Ear((sys.executable, "-B", "-m", "tests.voice.doubles", "say", told))
    by_phone(world)
    for _ in range(3):
        world.work()
        clock.advance(61)
    assert ("recording", "erase") not in world.staff.outbox.counts()
    assert "recording" in {name for name, _ in world.provider.erased}
    assert world.birds.found(world.everything()) == []
    inside = dict(opened(world, clock))
    heard = [raw for place, raw in inside.items() if place.endswith("kind 2")]
    assert len(heard) == 1 and words.encode() in heard[0]
    del world.birds.planted["words said"]
    if mode == "both":
        del world.birds.planted["voice"]  # sealed apart until an operator has heard it
    assert world.birds.found(inside.items()) == []


PLACES = {
    "as it is": lambda value: value.encode(),
    "in hex": lambda value: value.encode().hex().encode(),
    "in base64": lambda value: b"xy" + base64.b64encode(b"[" + value.encode() + b"]"),
    "in UTF-16": lambda value: value.encode("utf-16"),
    "hashed": lambda value: hashlib.sha256(value.encode()).digest(),
    "hashed in hex": lambda value: hashlib.md5(value.encode()).hexdigest().encode(),
    "hashed and cut": lambda value: hashlib.sha1(value.encode()).hexdigest()[:32].encode(),
    "in JSON": lambda value: json.dumps({"from": value}).encode(),
    "reversed": lambda value: value.encode()[::-1],
}


@pytest.mark.parametrize("encoding", PLACES)
@pytest.mark.parametrize("kind", ["number", "sid", "word", "address"])
def test_the_search_finds_what_is_planted(tmp_path: Path, kind: str, encoding: str) -> None:
    birds = Aviary()
    value = {
        "number": lambda: birds.number("it"),
        "sid": lambda: birds.sid("it", "SM"),
        "word": lambda: birds.word("it"),
        "address": lambda: birds.address("it", "2001:db8::77:beef"),
    }[kind]()
    (tmp_path / "page").write_bytes(bytes(5000) + PLACES[encoding](value) + bytes(5000))
    assert birds.found(canaries.files(tmp_path)) == ["it in page"]
    (tmp_path / "page").write_bytes(bytes(5000))
    assert birds.found(canaries.files(tmp_path)) == []


def test_the_search_finds_numbers_as_people_write_them() -> None:
    birds = Aviary()
    digits = birds.number("it")[3:]
    for text in (
        f"({digits[:2]}) {digits[2:7]}-{digits[7:]}",
        f"0{digits}",
        digits[2:],
        f"{digits[2:7]} {digits[7:]}",
    ):
        assert birds.found([("a page", b"tel " + text.encode() + b".")]) == ["it in a page"]
    raw = int("55" + digits).to_bytes(8, "little")
    assert birds.found([("a page", b"\1" + raw)]) == ["it in a page"]


def test_the_search_reaches_the_databases_and_redis(world: World) -> None:
    birds = world.birds
    number, name = birds.number("number"), birds.word("name")
    assert birds.found(world.everything()) == []
    if world.settings.sqlite:
        with sqlite3.connect(world.settings.home / "hotline.db") as connection:
            connection.execute("INSERT INTO meta VALUES ('x', ?)", (f"from {number}",))
        connection.close()
        hits = birds.found(world.everything())
        assert hits[0].startswith("number in hotline.db")
        return
    with psycopg.connect(world.settings.database_url) as connection:
        connection.execute("INSERT INTO meta VALUES ('x', %s)", (f"from {number}",))
    hits = birds.found(world.everything())
    assert any("PostgreSQL's base" in hit for hit in hits)
    assert any("PostgreSQL's pg_wal" in hit for hit in hits)
    with redis.Redis.from_url(world.settings.redis_url or "") as client:
        client.hset("job", "args", name)
        client.set("packed", zlib.compress(b"x"))
    assert any("name in a Redis" in hit for hit in birds.found(world.everything()))


@pytest.mark.parametrize("encoded", [False, True], ids=["as it is", "hashed"])
def test_each_field_would_be_found_if_it_were_stored(world: World, encoded: bool) -> None:
    """The list is worth nothing when a canary of it could lie there unseen."""
    fields = telltales(world, "a")
    for value in fields.values():
        raw = value.encode()
        leak = hashlib.sha256(raw).hexdigest() if encoded else value
        if not value.startswith("{"):
            # The audit log itself refuses anything but an id, so the row is put there by force.
            row = {"id": secrets.token_bytes(16), "event": "received", "record": leak}
            world.staff.database.write(lambda c, row=row: c.execute(insert(AuditRow).values(row)))
    found = {hit.partition(" in ")[0] for hit in world.birds.found(world.everything())}
    assert found == {f"a {name}" for name in fields} - {"a AddOns", "a ChannelMetadata"}
    assert {f"a {name}" for name in PERSONAL} <= found
    assert len(PERSONAL) >= 12


def test_no_column_is_made_to_hold_a_reporter() -> None:
    """A second look, at names: nothing in the schema even has a place for one."""
    columns = {f"{t.name}.{c.name}" for t in Base.metadata.tables.values() for c in t.columns}
    suspicious = {"phone", "number", "from", "sender", "ip", "agent", "sid", "address", "email"}
    suspicious |= {"caller", "cookie", "created", "updated", "at", "time", "header", "city"}
    parts = {name for name in columns if suspicious & set(name.partition(".")[2].split("_"))}
    # Deadlines are coarse; errands' retries; when a person of the line asked for a second one.
    assert parts == {"deadlines.due_at", "outbox.due_at", "requests.asked_at"}
