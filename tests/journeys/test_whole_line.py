"""The same journeys through real processes: one process with embedded jobs on SQLite, and two
public processes with two RQ workers on PostgreSQL and Redis; a provider on loopback beside them."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import pyotp
import pytest
import requests

from hotline import demo
from hotline import settings as settings_module
from hotline.clock import Clock
from hotline.intake.signature import sign
from hotline.routing.profile import Profile
from hotline.serve import free_port
from tests import services
from tests.forms import Page
from tests.journeys.test_serve import _descendants as descendants
from tests.journeys.test_serve import environ, gone

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "7" * 32
PATIENCE = 90.0
DRUGS = "Boca de fumo na rua das Acacias em Niteroi RJ, toda noite, o Magrelo vende"


class Provider(ThreadingHTTPServer):
    """Forgets what it is asked to forget, and says what that was."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        super().__init__(("127.0.0.1", 0), _Records)


class _Records(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Lists, of which all are empty."""
        name = self.path.partition(".json")[0].rpartition("/")[2].lower()
        body = json.dumps({name: [], "page": 0, "next_page_uri": None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self) -> None:
        self.server.forgotten.append(self.path)  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@dataclass
class World:
    """A served line and what a test may do with it from outside."""

    home: Path
    public: str
    console: str
    env: dict[str, str]
    provider: Provider
    used: set[str] = field(default_factory=set)

    def twilio(self, path: str, **params: str) -> bytes:
        """A signed webhook over a connection of its own, so that any process may get it."""
        headers = {"X-Twilio-Signature": sign(TOKEN, self.public, path, params)}
        answer = requests.post(self.public + path, data=params, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.content

    def sms(self, number: str, body: str, sid: str) -> str:
        twiml = self.twilio(
            "/twilio/sms",
            AccountSid=ACCOUNT,
            MessageSid=sid,
            From=number,
            To="+552130000000",
            Body=body,
            NumMedia="0",
        )
        return " ".join(ElementTree.fromstring(twiml).itertext())

    def code(self, name: str) -> str:
        """A one-time code that nobody used yet: each works once."""
        rows = json.loads((self.home / demo.LOGINS).read_text())
        totp = pyotp.TOTP(next(row[2] for row in rows if row[0] == name))
        while (code := totp.now()) in self.used:
            time.sleep(1)
        self.used.add(code)
        return code

    def hotline(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "hotline.cli", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ledger(self) -> dict[str, int]:
        counts: dict[str, int] = json.loads(self.hotline("ledger", "check", "--json"))
        return counts


@pytest.fixture(scope="module", params=["embedded-sqlite", "redis-postgres"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    many = request.param == "redis-postgres"
    home = tmp_path_factory.mktemp("whole")
    ports = [free_port() for _ in range(3)]
    provider = Provider()
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    public = f"http://127.0.0.1:{ports[0]}"
    env = environ(home) | {
        "HOTLINE_PUBLIC_URL": public,
        "HOTLINE_TWILIO_ACCOUNT_SID": ACCOUNT,
        "HOTLINE_TWILIO_AUTH_TOKEN": TOKEN,
        "HOTLINE_TWILIO_API_URL": f"http://127.0.0.1:{provider.server_port}",
    }
    if many:
        server: services.Postgres = request.getfixturevalue("postgres")
        env["HOTLINE_DATABASE_URL"] = server.url(server.create())
        env["HOTLINE_REDIS_URL"] = request.getfixturevalue("redis_server")
    settings = settings_module.load(env)
    clock = Clock(Profile.load(settings.jurisdiction).zone)
    demo.seed_others(settings, clock, demo.seed_officers(settings, clock))
    cli = [sys.executable, "-m", "hotline.cli"]
    if many:  # the public processes add rows by a role of their own, and can do nothing else
        word = secrets.token_hex(16)
        role = f"intake_{word[:8]}"
        made = [*cli, "db", "role", role, "--password-file", "-"]
        subprocess.run(made, env=env, input=word.encode(), check=True, capture_output=True)
        host = env["HOTLINE_DATABASE_URL"].rpartition("@")[2]
        env["HOTLINE_PUBLIC_DATABASE_URL"] = f"postgresql://{role}:{word}@{host}"
    names = zip(("public", "console", "analyst"), ports, strict=True)
    serve = [*cli, "serve", *(part for n, p in names for part in (f"--{n}-port", str(p)))]
    serve += ["--public-workers", "2"] if many else []
    processes = [subprocess.Popen(serve, env=env, start_new_session=True)]
    if many:
        processes += [
            subprocess.Popen([*cli, "worker"], env=env, start_new_session=True) for _ in range(2)
        ]
    found = World(home, public, f"http://127.0.0.1:{ports[1]}", env, provider)
    try:
        until(lambda: answers(public + "/readyz") and answers(found.console + "/healthz"))
        yield found
    finally:
        family = [pid for p in processes for pid in (p.pid, *descendants(p.pid))]
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
        provider.shutdown()
        provider.server_close()
    assert gone(family)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def receipt_in(text: str) -> str:
    found = re.search(r"(?:\d{4}\s?){5}", text)
    assert found, text
    return "".join(found[0].split())


class Desk:
    """Somebody at the console, over HTTP."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.session, self.html = world, requests.Session(), ""
        signed = self.session.post(
            world.console + "/sign-in",
            data={"name": name, "passphrase": demo.PASSPHRASE, "code": world.code(name)},
            timeout=30,
        )
        assert signed.ok, signed.text
        self.html = signed.text

    def get(self, path: str) -> str:
        self.html = self.session.get(self.world.console + path, timeout=30).text
        return self.html

    def post(self, path: str, **fields: str) -> requests.Response:
        token = re.search(r'data-token="([0-9a-f]+)"', self.html)
        version = re.search(r'name="version" value="(\d+)"', self.html)
        data = {"token": token[1] if token else "", "version": version[1] if version else ""}
        answer = self.session.post(self.world.console + path, data=data | fields, timeout=30)
        self.html = answer.text
        return answer

    def next_with(self, words: str) -> str:
        """Pulls tips until one holds ``words``; its path."""
        for _ in range(12):
            path = requests.utils.urlparse(self.post("/next").url).path
            if words in self.html:
                return path
            assert path.startswith("/tips/"), "the desk is empty"
            self.post(path + "/release")
            self.get("/")
        raise AssertionError("not on this desk")


def follow_up(world: World, code: str) -> Page:
    fields = {"receipt": code, "go": "next", "spoken": "pt"}
    return Page(requests.post(world.public + "/follow-up", data=fields, timeout=30).text)


def test_a_text_conversation_is_told_read_answered_and_followed(world: World) -> None:
    number, before = "+5521990001111", world.ledger()["received"]
    first = world.sms(number, DRUGS, "SM" + "a" * 32)
    code = receipt_in(first)
    assert world.sms(number, DRUGS, "SM" + "a" * 32) == first, "a repeat gets the same answer"
    for turn in range(6):
        world.sms(number, "nao sei", f"SM{turn}" + "b" * 31)
    assert world.ledger()["received"] == before + 1
    paulo = Desk(world, "paulo")
    until(lambda: "general:BR-RJ" in paulo.get("/") or "general" in paulo.html)
    tip = paulo.next_with("Magrelo")
    assert paulo.post(tip + "/ask", prepared="", text="Ele anda armado?").ok
    page = follow_up(world, code)
    assert "Ele anda armado?" in page.words
    added = page.fields | {"message": "Sim, com uma pistola", "go": "send"}
    assert requests.post(world.public + "/follow-up", data=added, timeout=30).ok
    until(lambda: "Sim, com uma pistola" in paulo.get(tip))
    # A decision that outruns the errand which tells of an addition is brought back to the desk.
    until(lambda: '"other"' not in world.hotline("jobs", "list", "--json"))
    samuel = Desk(world, "samuel")
    inbox = re.search(r'value="(semsp-3304904|[^"]*3304904[^"]*)"', paulo.html)
    assert inbox, "the agency is offered"
    assert paulo.post(tip + "/forward", other=inbox[1], reason="credible").ok
    # It could be undone for ten seconds: then it is there.
    until(lambda: re.search(r'href="(/inbox/[0-9a-f]{32})"', samuel.get("/inbox")))
    package = re.search(r'href="(/inbox/[0-9a-f]{32})"', samuel.html)
    assert package
    assert "Magrelo" in samuel.get(package[1])
    samuel.post(package[1] + "/outcome", outcome="arrest")
    assert world.ledger()["forwarded"] >= 1
    told = follow_up(world, code).words
    assert told != follow_up(world, "0" * 20).words


def test_the_provider_is_told_to_forget_every_message(world: World) -> None:
    sid = "SM" + "c" * 32
    world.sms("+5521990002222", "rinha de galo em Teresopolis RJ domingo", sid)
    until(lambda: any(sid in path for path in world.provider.forgotten))


def test_a_call_by_keys_alone_ends_with_the_receipt(world: World) -> None:
    before, call = world.ledger()["received"], "CA" + "d" * 32
    common = {
        "AccountSid": ACCOUNT,
        "CallSid": call,
        "From": "+5521990003333",
        "CallStatus": "in-progress",
        "To": "+552130000000",
    }
    twiml = world.twilio("/twilio/voice", **common)
    heard = ""
    for keys in ("1", "2", "4", "24020000", "0", "*"):
        gather = ElementTree.fromstring(twiml).find(".//Gather")
        assert gather is not None, twiml
        path = gather.attrib["action"].removeprefix(world.public)
        twiml = world.twilio(path, Digits=keys, **common)
        heard += " ".join(ElementTree.fromstring(twiml).itertext())
    digits = re.findall(r"(?:\d[ ,.]+){19}\d", heard)
    assert digits, heard
    world.twilio("/twilio/voice", **(common | {"CallStatus": "completed"}))
    assert world.ledger()["received"] == before + 1
    until(lambda: any(call in path for path in world.provider.forgotten))


def test_the_form_and_the_api_give_receipts_that_open(world: World) -> None:
    page = Page(requests.get(world.public + "/", timeout=30).text)
    for _ in range(9):
        if ("go", "send") in page.buttons:
            break
        typed = {"what": "Desmanche de carros na rua 9"} if "what" in page.fields else {}
        go = "next" if typed else "skip"
        answer = requests.post(
            world.public + "/", data=page.fields | typed | {"go": go}, timeout=30
        )
        page = Page(answer.text)
    sent = requests.post(world.public + "/", data=page.fields | {"go": "send"}, timeout=30)
    assert follow_up(world, Page(sent.text).receipt).title
    body = {"description": DRUGS, "language": "pt", "place": "Niterói, RJ"}
    headers = {"Idempotency-Key": "whole-line-1"}
    twice = [
        requests.post(world.public + "/api/v1/tips", json=body, headers=headers, timeout=30)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in twice] == [201, 201]
    assert twice[0].content == twice[1].content
    code = twice[0].json()["receipt"]
    status = requests.post(world.public + "/api/v1/follow-ups", json={"receipt": code}, timeout=30)
    assert set(status.json()) == {"status", "messages"}


def test_nothing_was_lost_or_altered(world: World) -> None:
    counts = world.ledger()
    received = counts.pop("received")
    assert received == sum(counts.values()) > 0
    assert world.hotline("audit", "verify").startswith("sound")
