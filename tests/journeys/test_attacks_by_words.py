"""Attacks by words: templates, scripts and formats told as a report, bombs of JSON and of XML."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import pytest
from markupsafe import escape

from hotline.assembly import PublicLine, StaffLine
from hotline.settings import Settings
from hotline.tips import State
from tests.conftest import MovableClock
from tests.doors import House, house_of, sqlite_line
from tests.forms import ENGLISH, Walk
from tests.promises.console_routes import Ground
from tests.promises.ground import read_once  # noqa: F401 - a fixture

# One line for each engine that might run it: Jinja, Mako, Ruby, Java, Python's formats, a browser.
TEMPLATES = "{{7*191}} {%print(7*191)%} ${7*191} #{7*191} <%=7*191%> {0.__class__} %(x)s %s %n"
SCRIPTS = "<script>boom()</script> '\"><img src=x onerror=boom()> javascript:boom() &lt;b&gt; ]]>"
HOSTILE = f"{TEMPLATES} {SCRIPTS}"
TOLD = f"Vendem drogas na praça em Niterói, RJ, atrás do bar {HOSTILE} toda noite"
TIPS, FOLLOW_UPS = "/api/v1/tips", "/api/v1/follow-ups"
JSON = {"Content-Type": "application/json"}
PACKED = {**JSON, "Content-Encoding": "gzip"}


def harmless(html: str, where: str) -> None:
    """No word of it became markup, and none was worked out."""
    assert "1337" not in html, where
    assert "<script>boom" not in html and "<img src=x" not in html, where
    assert "&lt;class" not in html, where
    assert not re.search(r"(?:href|src|action)=\"?javascript:", html), where


def shown(html: str, where: str) -> None:
    """It is there, as it was told."""
    harmless(html, where)
    for part in (TEMPLATES, SCRIPTS):
        assert str(escape(part)) in html, where


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


def test_words_of_a_report_are_words_on_every_page(house: House, ground: Ground) -> None:
    client = house.public.test_client()
    body = {"description": TOLD, "answers": {"who": HOSTILE, "more": HOSTILE}, "language": "pt"}
    receipt = client.post(TIPS, json=body).json["receipt"]
    (row,) = ground.staff.tips.queue(list(ground.staff.profile.queues), list(State))
    tip, paulo = row.id.hex(), ground.hand("paulo")
    assert paulo.next() == tip
    shown(paulo.html, "the tip")
    for deed, fields in (
        ("note", {"text": HOSTILE}),
        ("ask", {"prepared": "", "text": HOSTILE, "sure": "1"}),
        ("correct", {"type": "PRP-01", "place": HOSTILE}),
    ):
        paulo.post(f"/tips/{tip}/{deed}", **fields)
        shown(paulo.html, deed)
    page = client.post("/follow-up", data={"receipt": receipt}, headers=ENGLISH)
    harmless(page.text, "to the reporter")
    paulo.post("/handover", queue=row.queue, text=HOSTILE)
    shown(paulo.html, "handover")
    paulo.get(f"/tips/{tip}")
    package = ground.package(tip)
    samuel = ground.hand("samuel")
    for path in (f"/inbox/{package}", f"/inbox/{package}/print", "/inbox"):
        samuel.get(path)
        (harmless if path == "/inbox" else shown)(samuel.html, path)


def test_words_on_the_form_are_words_again_and_again(house: House) -> None:
    walk = Walk(house.public.test_client())
    check = walk.to_check(what=HOSTILE, who=HOSTILE, more=HOSTILE, spot=HOSTILE, where=HOSTILE)
    shown(check.html, "the answers to check")
    shown(walk.press("change=what").html, "one answer again")
    shown(walk.press("language=fr").html, "in another language")
    for path in ("/follow-up", "/"):
        again = walk.client.post(path, data={"receipt": HOSTILE, "what": HOSTILE})
        harmless(again.text, path)


def test_what_a_stranger_types_at_the_doors_is_words(house: House) -> None:
    names = ("name", "code", "ticket", "passphrase", "again", "q", "from", "by", "kind")
    fields = dict.fromkeys(names, HOSTILE)
    for app in (house.office.app, house.analyst):
        for path in ("/sign-in", "/join", "/join/code"):
            for answer in (
                app.test_client().post(path, data=fields),
                app.test_client().get(path, query_string=fields),
            ):
                assert answer.status_code < 500
                harmless(answer.text, path)


BOMBS = {
    "deep lists": b"[" * 400_000,
    "deep objects": b'{"description":' * 100_000,
    "deep and closed": b'{"answers":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a number without end": b'{"description":' + b"9" * 1_000_000 + b"}",
    "a float without end": b'{"description":1e' + b"9" * 100_000 + b"}",
    "no number": b'{"description":NaN,"urgency":Infinity}',
    "many fields": json.dumps({f"x{n}": n for n in range(60_000)}).encode(),
    "many types": json.dumps({"description": "x", "crime_types": ["ORG-01"] * 90_000}).encode(),
    "many answers": json.dumps({"answers": {f"a{n}": "x" for n in range(60_000)}}).encode(),
    "a prototype": b'{"__proto__":{"admin":true},"__class__":"x","constructor":{}}',
    "not UTF-8": b'{"description":"\xff\xfe\xc0\x80"}',
    "packed": gzip.compress(b'{"description":"' + b"a" * 5_000_000 + b'"}'),
}


def test_a_bomb_of_json_is_refused_and_nothing_is_stored(house: House) -> None:
    client, machine = house.public.test_client(), house.office.app.test_client()
    outcome = f"/agency/v1/packages/{'ab' * 16}/outcome"
    for name, bomb in BOMBS.items():
        headers = PACKED if name == "packed" else JSON
        for path in (TIPS, FOLLOW_UPS, f"{FOLLOW_UPS}/messages"):
            answer = client.post(path, data=bomb, headers=headers)
            assert 400 <= answer.status_code < 500, (name, path)
            assert answer.mimetype == "application/problem+json", (name, path)
            assert len(answer.data) < 2000, (name, path)
        unsigned = machine.post(outcome, data=bomb, headers=headers)
        assert unsigned.status_code == 404, "no body is read before its signature"
    assert nothing_stored(house)


def nothing_stored(house: House) -> bool:
    line = house.office.line
    return line.tips.queue(list(line.profile.queues), list(State)) == []


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">%s]>
<svg xmlns="http://www.w3.org/2000/svg"><text>&a9;</text></svg>""" % b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (str(n - 1).encode() if n > 1 else b"") * 10)
    for n in range(1, 10)
)
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]>
<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>"""


def test_no_door_reads_xml(house: House) -> None:
    client = house.public.test_client()
    for xml in (LAUGHS, OUTSIDE):
        for path in ("/", "/follow-up", TIPS, FOLLOW_UPS, "/twilio/sms", "/twilio/voice"):
            for kind in ("text/xml", "application/xml", "image/svg+xml"):
                answer = client.post(path, data=xml, content_type=kind)
                assert answer.status_code == 415, (path, kind)
        data = base64.b64encode(xml).decode()
        file = {"filename": "x.png", "content_type": "image/png", "data": data}
        answer = client.post(TIPS, json={"description": TOLD, "attachments": [file]})
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == "/attachments/0"
    assert nothing_stored(house)
