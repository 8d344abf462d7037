"""Attacks on the web: headers that are missing, hosts and addresses that lie, stolen sessions and
forged forms, at every door of the three applications."""

from __future__ import annotations

import re
from itertools import cycle, islice
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hotline.analysts.access import Accounts
from hotline.assembly import PublicLine, StaffLine
from hotline.demo import PASSPHRASE
from hotline.settings import Settings
from hotline.tips import Channel, Contact, Language, State
from hotline.vault.sessions import Cookie
from tests.conftest import MovableClock
from tests.doors import METHODS, House, house_of, path_of, sqlite_line
from tests.promises.ground import read_once  # noqa: F401 - a fixture

EVIL = "evil.example"
# Names that other sites take an address to go to from, and that ours might.
ONWARD = ("next", "url", "to", "return", "return_to", "redirect", "continue", "done", "language")
ELSEWHERE = (f"https://{EVIL}/", f"//{EVIL}/", f"/\\{EVIL}/", f"javascript:alert('{EVIL}')")
INJECTED = "x\r\nSet-Cookie: evil=1\r\n\r\n<script>evil</script>"
# Written anew: what the program's own table lost, a test that reads that table would not miss.
WANTED = {
    "Cache-Control": "no-store",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
# What may be kept, and by whom: tests/journeys/test_api.py has why.
KEPT = {"static", "api.questions"}


@pytest.fixture
def settings(founded_home: Path, tmp_path: Path) -> Settings:
    return sqlite_line(founded_home, tmp_path)


@pytest.fixture
def house(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> House:
    return house_of(public_line, staff_line, clock)


def check_headers(app: str, endpoint: str, answer: TestResponse) -> None:
    for name, value in WANTED.items():
        found = answer.headers.getlist(name)
        assert len(found) == 1, (app, endpoint, name)
        if name == "Cache-Control" and endpoint in KEPT:
            continue
        assert value in found[0], (app, endpoint, name)
    csp = answer.headers["Content-Security-Policy"]
    policy = dict(part.strip().split(" ", 1) for part in csp.split(";"))
    assert policy["default-src"] == "'none'", (app, endpoint)
    assert not re.search(r"unsafe|\*|https?:", csp), (app, endpoint)
    assert ("script-src" in policy) == (app == "console"), (app, endpoint)
    for name in ("frame-ancestors", "base-uri"):
        assert policy[name] == "'none'", (app, endpoint)
    if answer.get_data():
        kind = answer.headers["Content-Type"]
        assert not kind.startswith("text/") or "charset=utf-8" in kind, (app, endpoint)
    told = {"server", "x-powered-by", "via", "access-control-allow-origin"}
    assert not told & {name.lower() for name, _ in answer.headers}, (app, endpoint)


def test_every_answer_of_every_door_has_every_header(house: House) -> None:
    """By every method, wrong ones too; and of what is not there."""
    for name, rule, client in house.doors():
        for method in METHODS:
            answer = client.open(path_of(rule), method=method)
            assert answer.status_code < 500 or rule.endpoint == "health.readyz", rule.endpoint
            check_headers(name, rule.endpoint if answer.status_code == 200 else "", answer)
            assert name != "public" or "Set-Cookie" not in answer.headers, "the public has none"
            if method == "TRACE":
                assert answer.status_code == 405, rule.endpoint
    for name, app in house.apps.items():
        for path in ("/nowhere", "/.git/config", "/static/", "/static/../apps.py", "/%00"):
            answer = app.test_client().get(path)
            assert answer.status_code == 404, path
            check_headers(name, "", answer)


def test_what_a_member_is_shown_has_every_header_too(house: House) -> None:
    hand = house.office("olga")
    for rule in house.office.app.url_map.iter_rules():
        if "GET" in rule.methods:
            answer = hand.client.get(path_of(rule))
            check_headers("console", rule.endpoint if answer.status_code == 200 else "", answer)


def test_the_check_sees_an_answer_without_them(house: House) -> None:
    app = Flask("bare")
    app.add_url_rule("/", "bare", lambda: "everything")
    with pytest.raises(AssertionError):
        check_headers("public", "bare", app.test_client().get("/"))


def test_no_answer_repeats_a_host_that_lies(house: House) -> None:
    lies = {"Host": EVIL, "X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL}", "Origin": EVIL}
    lies |= {"X-Original-URL": f"https://{EVIL}", "Referer": f"https://{EVIL}/"}
    for _, rule, client in house.doors():
        path = path_of(rule)
        # Doubled and missing slashes: routers like to correct those by an absolute address.
        for wanted in (path, path + "/", path.rstrip("/") or "/", "/" + path, f"//{EVIL}{path}"):
            for method in ("GET", "POST"):
                answer = client.open(wanted, method=method, headers=lies)
                assert EVIL not in str(answer.headers), (rule.endpoint, wanted)
                if wanted != f"//{EVIL}{path}":  # a page may say at which path it was asked
                    assert EVIL not in answer.get_data(as_text=True), (rule.endpoint, wanted)


def goes(answer: TestResponse) -> str:
    """Where an answer leads, if it leads out of this house."""
    there = answer.headers.get("Location", "")
    return "" if re.match(r"/(?![/\\])", there) else there


def test_nobody_is_sent_to_an_address_of_the_senders(house: House) -> None:
    neutral = house.office.line.profile.leave
    hand = house.office("olga")
    clients = [(rule, client) for _, rule, client in house.doors()]
    clients += [(rule, hand.client) for rule in house.office.app.url_map.iter_rules()]
    for rule, client in clients:
        for turn in range(2):
            addresses = islice(cycle(ELSEWHERE), turn, None)
            fields = dict(zip(ONWARD, addresses, strict=False))
            for method in {"GET", "POST"} & rule.methods:
                data = fields | {"token": hand.token} if method == "POST" else None
                if rule.endpoint == "console.sign_out":
                    continue  # the session is still needed; where it leads is a constant
                answer = client.open(path_of(rule), method=method, query_string=fields, data=data)
                assert goes(answer) == (neutral if rule.endpoint == "form.leave" else "")


def test_signing_in_leads_to_ones_own_desk_only(house: House, clock: MovableClock) -> None:
    for address in ELSEWHERE:
        clock.advance(31)
        code = house.office.codes.code("paulo")
        fields = {"name": "paulo", "passphrase": PASSPHRASE, "code": code}
        fields |= dict.fromkeys(ONWARD, address)
        answer = house.office.app.test_client().post(f"/sign-in?next={address}", data=fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_no_word_of_a_request_becomes_a_header(house: House) -> None:
    hand = house.office("olga")
    clients = [(rule, client) for _, rule, client in house.doors()]
    clients += [(rule, hand.client) for rule in house.office.app.url_map.iter_rules()]
    names = (*ONWARD, "from", "by", "format", "dialect", "kind", "view", "q", "code", "crime_types")
    fields = dict.fromkeys(names, INJECTED)
    for rule, client in clients:
        thing = "ab" * 16 if rule.endpoint == "static" else f"ab{INJECTED}"
        for method in {"GET", "POST"} & rule.methods:
            if rule.endpoint == "console.sign_out":
                continue
            data = fields | {"token": hand.token} if method == "POST" else None
            answer = client.open(
                path_of(rule, thing), method=method, query_string=fields, data=data
            )
            assert answer.status_code < 500 or rule.endpoint == "health.readyz", rule.endpoint
            assert "evil" not in answer.headers.get("Set-Cookie", ""), rule.endpoint
            assert not any("\n" in value for _, value in answer.headers), rule.endpoint
            assert "<script>evil" not in answer.get_data(as_text=True), rule.endpoint


def test_an_id_written_with_line_ends_is_an_id_and_no_header(house: House) -> None:
    """Python reads hexadecimal digits over any white space: it must not reach an address."""
    line = house.office.line
    pipeline = house.public.extensions["line"].pipeline
    told = "Vendem drogas na praça em Niterói, RJ"
    pipeline.receive(Contact(channel=Channel.WEB, text=told, language=Language.PT))
    (row,) = line.tips.queue(list(line.profile.queues), list(State))
    tip, hand = row.id.hex(), house.office("paulo")
    split = f"{tip[:8]}%0d%0a%20{tip[8:]}"
    for deed in ("take", "release", "heartbeat"):
        answer = hand.client.post(f"/tips/{split}/{deed}", data={"token": hand.token})
        assert not any("\r" in value or "\n" in value for _, value in answer.headers)
        assert goes(answer) == ""


def planted(app: Flask, cookie: str, value: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie(cookie, value, secure=True)
    return client


def test_a_session_planted_by_another_is_never_the_victims(
    house: House, clock: MovableClock
) -> None:
    """Fixation: with the attacker's own running session, and with a value that was never given."""
    access, cookie = house.office.line.access, "__Host-hotline"
    attacker = house.office("ana").client.get_cookie(cookie).value
    for value in (attacker, Cookie.new().value, "", "x" * 43):
        clock.advance(31)
        victim = planted(house.office.app, cookie, value)
        code = house.office.codes.code("paulo")
        fields = {"name": "paulo", "passphrase": PASSPHRASE, "code": code}
        assert victim.post("/sign-in", data=fields).status_code == 303
        mine = victim.get_cookie(cookie).value
        assert mine != value and access.resume(mine).person.name == "paulo"
        assert access.resume(value) is None, "nobody works in a session that another knows"


def test_an_analysts_session_is_not_fixed_either(house: House, clock: MovableClock) -> None:
    folder = house.office.line.settings.home / "releases"
    folder.mkdir(exist_ok=True)
    accounts = Accounts(folder, clock)
    secret, words = pyotp.random_base32(), "four quiet rivers bend"
    accounts.enrol("rita", words, "en", secret)
    value = Cookie.new().value
    victim = planted(house.analyst, "__Host-hotline-trends", value)
    code = pyotp.TOTP(secret).at(int(clock.seconds()))
    form = {"name": "rita", "passphrase": words, "code": code}
    assert victim.post("/sign-in", data=form).status_code == 303
    assert victim.get_cookie("__Host-hotline-trends").value != value
    assert accounts.resume(value) is None
    accounts.store.close()


def test_no_form_of_another_site_does_anything_at_the_analysts_site(
    house: House, clock: MovableClock
) -> None:
    """The console's: tests/promises/test_who_may_open_what.py. The public pages know nobody, so
    there is nothing that another site could do in somebody's name."""
    folder = house.office.line.settings.home / "releases"
    folder.mkdir(exist_ok=True)
    accounts = Accounts(folder, clock)
    client, tokens = house.analyst.test_client(), []
    for name in ("rita", "rui"):
        secret, words = pyotp.random_base32(), "four quiet rivers bend"
        accounts.enrol(name, words, "en", secret)
        code = pyotp.TOTP(secret).at(int(clock.seconds()))
        form = {"name": name, "passphrase": words, "code": code}
        browser = house.analyst.test_client()
        assert browser.post("/sign-in", data=form).status_code == 303
        tokens.append(re.findall(r'name="token" value="(\w+)"', browser.get("/account").text)[0])
        client = browser
    theirs, mine = tokens
    posts = [r for r in house.analyst.url_map.iter_rules() if "POST" in r.methods]
    assert posts
    for rule in posts:
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert client.post(path_of(rule), data={"token": mine}, headers=foreign).status_code == 403
        if rule.rule not in ("/sign-in", "/join", "/join/code"):
            for token in ("", theirs, mine[:-1], mine + "0"):
                assert client.post(path_of(rule), data={"token": token}).status_code == 403
    assert accounts.store.named("rui").token is None
    accounts.store.close()
