"""Who may open what: every route of every app, for every role, key and certificate, from the code's
own declarations; and what somebody kept from before is worth nothing from the next request on."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from hotline.assembly import PublicLine, StaffLine
from hotline.intake.attachments import clean
from hotline.store.keystore import Grant
from hotline.store.tables import BodyRow, CertificateRow, ClaimRow, TipRow
from hotline.synthetic import contacts
from hotline.tips import QueueKind, State, queue_kind
from hotline.triage import opening
from hotline.triage.access import ROLES
from hotline.triage.pages.door import ANYONE, READERS, SIGNED_IN
from hotline.vault.keys import grant, open_grant
from hotline.web import apps
from tests import pictures
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.promises.console_routes import CHILD, Ground

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "access"))
SPECIAL = [kind for kind in QueueKind if kind.special]
FUTURE, PAST = "2027-12-31", "2026-03-09"

# Routes that no page of the console declares, each with who may use it and why that is safe.
REPORTERS = "anybody: what reporters see and send; this process holds no private key"
PROVIDER = "the telephone provider, by the signature of each request"
COUNTS = "anybody: signed counts of whole months; the files are written by others"
HEALTH = "anybody: alive or not, and codes of what is missing"
AGENCIES = "the machine of an agency with its own key, by the signature of each request"
FILES = "anybody: style, script and icons"
OUTSIDE: dict[str, dict[str, str]] = {
    "console_app": {
        "static": FILES,
        "health.healthz": HEALTH,
        "health.readyz": HEALTH,
        # tests/unit/test_agency_by_key.py: every other key, and none, gets one and the same 404.
        **dict.fromkeys(
            (f"agencies.{name}" for name in ("listed", "fetch", "confirm", "answer")), AGENCIES
        ),
        # tests/unit/test_status.py: anybody else gets the 404 of a page that is not there.
        "metrics.show": "this machine, and through no proxy, or the token of the settings",
        "agencies.described": "anybody: the schema of a package, the same at every line",
    },
    "analyst_app": {
        "static": FILES,
        "health.healthz": HEALTH,
        "health.readyz": HEALTH,
        # What the door of the site declares; tests/unit/test_analyst_site.py asks each.
        "analyst.home": "anybody: the months that were released, and figures by year",
        "analyst.quality": "anybody: shares of the whole line; an account: any period, and states",
        **dict.fromkeys(
            ("analyst.codebook", "analyst.crosswalk_file"),
            "anybody: what columns and codes mean, no figure",
        ),
        **dict.fromkeys(("analyst.sign_in_page", "analyst.sign_in"), "anybody: the door"),
        **dict.fromkeys(
            ("analyst.join_page", "analyst.join", "analyst.first_code"),
            "whoever holds a link that works once",
        ),
        **dict.fromkeys(
            (
                "analyst.ask",
                "analyst.charts",
                "analyst.chart_file",
                "analyst.comparison",
                "analyst.account",
                "analyst.token",
                "analyst.language",
                "analyst.sign_out",
            ),
            "an analyst's account, in a session",
        ),
        "analyst.extract": "an analyst's account, in a session or by its token",
    },
    "public_app": {
        "static": FILES,
        "health.healthz": HEALTH,
        "health.readyz": HEALTH,
        **dict.fromkeys(("sms", "ivr", "operators", "ringing"), PROVIDER),
        **dict.fromkeys(("form", "api"), REPORTERS),
        "ledger": COUNTS,
    },
}


def undeclared(app: Flask, outside: dict[str, str]) -> set[str]:
    """Endpoints for which no rule says who may use them. The public app's are ruled by room."""
    declared = set(app.extensions.get("console_access", {}))
    found = {rule.endpoint for rule in app.url_map.iter_rules()} - declared - outside.keys()
    return {name for name in found if name.partition(".")[0] not in outside or "." not in name}


def every_app(public: PublicLine, staff: StaffLine) -> dict[str, Flask]:
    """Whatever ``web.apps`` makes: an app that is added stands here by itself."""
    brings = {"public_app": public, "console_app": staff, "analyst_app": staff.settings}
    names = [name for name in vars(apps) if name.endswith("_app")]
    assert set(names) == brings.keys() == OUTSIDE.keys(), "an app without rules"
    return {name: getattr(apps, name)(brings[name]) for name in names}


def test_no_route_of_any_app_is_without_a_rule(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    for name, app in every_app(public_line, staff_line).items():
        assert not undeclared(app, OUTSIDE[name]), name
        ruled = {rule.endpoint for rule in app.url_map.iter_rules()}
        rooms = {endpoint.partition(".")[0] for endpoint in ruled}
        assert OUTSIDE[name].keys() <= ruled | rooms, "a rule for what is not there"


def test_a_bare_route_is_seen_in_each_app_and_refused_by_the_door(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    for name, app in every_app(public_line, staff_line).items():
        for bare in ("bare", "console.bare", "agency.packages"):
            app.add_url_rule(f"/{bare}", bare, lambda: "everything")
        assert undeclared(app, OUTSIDE[name]) == {"bare", "console.bare", "agency.packages"}, name
    client = every_app(public_line, staff_line)["console_app"].test_client()
    app = client.application
    app.add_url_rule("/bare", "console.bare", lambda: "everything")
    assert client.get("/bare").status_code == 404


def test_the_table_in_the_documentation_is_current() -> None:
    command = [sys.executable, ROOT / "scripts" / "access", "--check"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


def test_what_stands_in_an_address_has_a_written_rule(staff_line: StaffLine) -> None:
    app = apps.console_app(staff_line)
    for rule in console_rules(app):
        assert rule.arguments <= SCRIPT["OPENS"].keys() | SCRIPT["PLAIN"], rule.rule


# One person, whose role, keys and certificates change between two requests of one session


@dataclass(slots=True)
class Somebody:
    """``ana`` in one session that began before anything was given to her."""

    line: StaffLine
    hand: Hand
    person: bytes
    grants: dict[str, Grant]

    @classmethod
    def of(cls, line: StaffLine, office: Office) -> Somebody:
        hand, olga = office("ana"), office.codes("olga")
        ana, month = line.access.people.named("ana"), line.clock.month()
        found = {}
        for held in line.keys.of(olga.person.id):
            if held.epoch == month:
                seed = open_grant(olga.seed, held.recipient, month, held.person, held.sealed)
                sealed = grant(seed, held.recipient, month, ana.id, ana.public)
                found[held.recipient] = Grant(held.recipient, month, ana.id, sealed, held.key)
        return cls(line, hand, ana.id, found)

    def be(
        self, *roles: str, without: str = "", certificates: dict[str, str] | None = None
    ) -> None:
        """From the next request on: these roles, every queue's key but one, these certificates."""
        everything = dict.fromkeys(SPECIAL, FUTURE)
        wanted = everything if certificates is None else certificates
        self.line.access.people.change(self.person, roles=",".join(roles))
        self.line.keys.revoke(self.person)
        self.line.keys.add([g for name, g in self.grants.items() if name != f"queue:{without}"])
        mine = delete(CertificateRow).where(CertificateRow.person == self.person)
        self.line.database.write(lambda c: c.execute(mine))
        for kind, until in wanted.items():
            self.line.access.people.certify(self.person, kind, until)

    def use(self, rule: Rule, address: dict[str, str], **form: str) -> TestResponse:
        path = rule.build(address)[1]
        if "POST" not in rule.methods:
            return self.hand.client.get(path)
        things = dict.fromkeys(("file", "recording", "addition"), "ab" * 16)
        fields = {"token": self.hand.token, "version": "1", **things, **form}
        return self.hand.client.post(path, data=fields)


def console_rules(app: Flask) -> list[Rule]:
    access = app.extensions["console_access"]
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in access]
    assert {rule.endpoint for rule in rules} == set(access)
    return sorted(rules, key=lambda rule: rule.endpoint)


def anywhere(rule: Rule) -> dict[str, str]:
    """An address of the kind, of nothing that is there."""
    plain = {"page": "1", "deed": "hold"}
    return {name: plain.get(name, "ab" * 16) for name in rule.arguments}


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def test_at_the_door_every_route_lets_in_exactly_the_roles_it_declares(
    staff_line: StaffLine, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Route by role, with a real session; the views behind the door only say that they were
    reached. A form of another session or site reaches none."""
    app, ana = office.app, Somebody.of(staff_line, office)
    for endpoint in app.extensions["console_access"]:
        monkeypatch.setitem(app.view_functions, endpoint, lambda **_: ("reached", 299))
    for role in ("", *ROLES):
        ana.be(*filter(None, [role]))
        for rule in console_rules(app):
            declared = app.extensions["console_access"][rule.endpoint]
            expected = bool(declared & {ANYONE, SIGNED_IN, role})
            answer = ana.use(rule, anywhere(rule))
            assert answer.status_code == (299 if expected else 404), (role, rule.endpoint)
    ana.be(*ROLES)
    for rule in console_rules(app):
        if "POST" not in rule.methods:
            continue
        path, token = rule.build(anywhere(rule))[1], ana.hand.token
        sent = ana.hand.client.post(
            path, data={"token": token}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert sent.status_code == 403, rule.endpoint
        if ANYONE not in app.extensions["console_access"][rule.endpoint]:
            assert ana.use(rule, anywhere(rule), token="0" * 64).status_code == 403
    nobody = Hand(app.test_client())
    for rule in console_rules(app):
        posting, path = "POST" in rule.methods, rule.build(anywhere(rule))[1]
        answer = nobody.client.post(path) if posting else nobody.client.get(path)
        if ANYONE in app.extensions["console_access"][rule.endpoint]:
            assert answer.status_code == 299, rule.endpoint
        else:
            assert answer.status_code == (401 if posting else 303), rule.endpoint


# Tips: route by role, key and certificate, for every kind of queue


@pytest.fixture
def tips(public_line: PublicLine, staff_line: StaffLine) -> dict[str, str]:
    """The id of a tip in each kind of queue, by the queue's id."""
    for contact in contacts(24):
        public_line.pipeline.receive(contact)
    rows = staff_line.tips.queue(list(staff_line.profile.queues), list(State), most=100)
    found = {row.queue: row.id.hex() for row in rows}
    assert {queue_kind(queue) for queue in found} == set(QueueKind), sorted(found)
    return found


@dataclass(slots=True)
class Keys:
    """Counts the keys of bodies that anybody came by."""

    found: int = 0


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    seen, real = Keys(), opening.body_key

    def counting(*args: object) -> bytes:
        key: bytes = real(*args)  # type: ignore[arg-type]
        seen.found += 1
        return key

    monkeypatch.setattr(opening, "body_key", counting)
    return seen


def lacking(queue: str) -> Iterator[dict[str, object]]:
    """Everything but what this queue needs: its key, its certificate."""
    yield {"without": queue}
    kind = queue_kind(queue)
    if kind.special:
        others = {other: FUTURE for other in SPECIAL if other is not kind}
        yield {"certificates": others}
        yield {"certificates": {**others, kind: PAST}}


def about(app: Flask, name: str) -> list[Rule]:
    return [rule for rule in console_rules(app) if name in rule.arguments]


def test_a_tip_is_there_only_with_role_key_and_certificate(
    staff_line: StaffLine, office: Office, tips: dict[str, str], keys: Keys
) -> None:
    ana, rules = Somebody.of(staff_line, office), about(office.app, "tip")
    assert len(rules) > 20
    before = everything(staff_line)
    for queue, tip in tips.items():
        for lack in lacking(queue):
            keys.found = 0
            for role in READERS:
                ana.be(role, **lack)
                for rule in rules:
                    answer = ana.use(rule, {**anywhere(rule), "tip": tip})
                    assert answer.status_code == 404, (role, queue, lack, rule.endpoint)
            assert not keys.found, (queue, lack)
            ana.be(*READERS, **lack)
            never_named(ana, office.app, tip)
    assert everything(staff_line) == before, "a refused request changed something"


def never_named(ana: Somebody, app: Flask, tip: str) -> None:
    """No list shows it, nobody is handed it, and no form that names it reaches it."""
    declared = app.extensions["console_access"]
    for rule in console_rules(app):
        mine = {*READERS, SIGNED_IN}.intersection(declared[rule.endpoint])
        if rule.arguments or not mine or rule.endpoint in _ELSEWHERE:
            continue
        if rule.endpoint == "console.tips":
            answer = ana.hand.client.get("/tips?state=all")
        else:
            answer = ana.use(rule, {}, tip=tip, tips=tip)
        said = answer.get_data(as_text=True) + answer.headers.get("Location", "")
        assert tip not in said, rule.endpoint


# Of tips that a draw chose, and of no other: tests/journeys/test_samples.py.
_DRAWN = {"console.agree_sample", "console.disagree_sample"}
# What ends the session or asks for a passphrase; and what hands out tips, a test of its own.
_ELSEWHERE = {"console.sign_out", "console.passphrase", "console.next_tip"}


def everything(line: StaffLine) -> list[object]:
    """What a deed on a tip would change."""
    with line.database.read() as connection:
        return [
            sorted(connection.execute(select(*columns)).all())
            for columns in (
                (TipRow.id, TipRow.queue, TipRow.state, TipRow.version),
                (BodyRow.id,),
                (ClaimRow.tip, ClaimRow.person),
            )
        ]


def test_with_role_key_and_certificate_every_route_of_a_tip_answers(
    staff_line: StaffLine, office: Office, tips: dict[str, str], keys: Keys
) -> None:
    """The other half of the matrix: whoever holds all is not told that there is nothing. A deed
    without its form is refused as such, after the tip was opened."""
    ana, rules = Somebody.of(staff_line, office), about(office.app, "tip")
    for role, tip in zip(READERS * len(tips), tips.values(), strict=False):
        ana.be(role)
        for rule in rules:
            if role not in office.app.extensions["console_access"][rule.endpoint]:
                continue
            if rule.endpoint in _DRAWN:
                continue
            keys.found = 0
            answer = ana.use(rule, {**anywhere(rule), "tip": tip})
            assert answer.status_code != 404 or keys.found, (role, tip, rule.endpoint)


def test_nobody_is_handed_a_tip_of_a_queue_they_may_not_open(
    staff_line: StaffLine, office: Office, tips: dict[str, str]
) -> None:
    ana = Somebody.of(staff_line, office)
    for queue, tip in tips.items():
        alone = [f"queue:{other}" for other in staff_line.profile.queues if other != queue]
        for lack in lacking(queue):
            ana.be("operator", **lack)
            for name in alone:
                staff_line.keys.revoke(ana.person, name)
            ana.hand.get("/desk")
            assert ana.hand.next() == "", (queue, lack)
            assert tip not in ana.hand.html


def test_a_package_is_there_only_for_its_agency_and_with_its_key(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    ground = Ground(public_line, staff_line, clock)
    package, samuel = ground.package(), ground.hand("samuel")
    own = staff_line.access.people.named("samuel")
    rules = about(ground.office.app, "package")
    address = {"package": package, "file": "ab" * 16, "page": "1"}

    def statuses() -> set[int]:
        found = set()
        for rule in rules:
            path = rule.build(address)[1]
            data = {"token": samuel.token, "outcome": "arrest", "file": "ab" * 16}
            posting, client = "POST" in rule.methods, samuel.client
            answer = client.post(path, data=data) if posting else client.get(path)
            found.add(answer.status_code)
        return found

    held = staff_line.keys.of(own.id)
    staff_line.keys.revoke(own.id)
    assert statuses() == {404}, "without the key"
    staff_line.keys.add(held)
    for agency in ("", "mprj"):
        staff_line.access.people.change(own.id, agency=agency)
        assert statuses() == {404}, agency
    staff_line.access.people.change(own.id, agency=own.agency)
    assert samuel.client.get(f"/inbox/{package}").status_code == 200


# Removed from a queue, with everything kept from before


@dataclass(slots=True)
class Kept:
    """All that gabi could keep of a child's tip with a file and a recording, which she works on:
    her session, the tokens of its forms, every address, the version she read, her lease."""

    ground: Ground
    hand: Hand
    tip: str
    file: str
    voice: str

    @classmethod
    def of(cls, ground: Ground) -> Kept:
        ground.hand("gabi")
        tip = ground.told(CHILD, files=[clean(pictures.jpeg())])
        voice = ground.recorded(tip)
        hand = ground.hand("gabi")
        hand.post(f"/tips/{tip}/take")
        file = re.findall(r'name="file" value="([0-9a-f]{32})"', hand.html)[0]
        assert f'name="recording" value="{voice}"' in hand.html
        return cls(ground, hand, tip, file, voice)

    def answers(self) -> dict[str, TestResponse]:
        """Everything kept, used again."""
        form = {"file": self.file, "recording": self.voice, "page": "1", "reason": "hoax"}
        data = {"token": self.hand.token, "version": self.hand.version, "text": "Nota", **form}
        found = {}
        for rule in about(self.ground.office.app, "tip"):
            kept = {"tip": self.tip, "file": self.file}
            path = rule.build({**anywhere(rule), **kept})[1]
            posting, client = "POST" in rule.methods, self.hand.client
            found[rule.endpoint] = client.post(path, data=data) if posting else client.get(path)
        return found

    def again(self) -> None:
        """Another session of hers, with its own tokens, on the tip she still has."""
        self.ground.hands.pop("gabi")
        self.hand = self.ground.hand("gabi")
        assert self.hand.get(f"/tips/{self.tip}").status_code == 200


def test_removed_from_a_queue_nothing_kept_from_before_opens_its_tips(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock, keys: Keys
) -> None:
    ground = Ground(public_line, staff_line, clock)
    kept = Kept.of(ground)
    picture = f"/tips/{kept.tip}/files/{kept.file}/1"
    assert kept.hand.client.get(picture).status_code == 200
    line, gabi, olga = staff_line, ground.person("gabi"), ground.person("olga")
    person, people = line.access.people.get(gabi), line.access.people
    (queue,) = [q for q in line.profile.queues if queue_kind(q) is QueueKind.CHILDREN]
    grants = line.keys.of(gabi, f"queue:{queue}")

    def nothing(way: str, *statuses: int) -> None:
        keys.found, before, marks = 0, everything(line), ground.marks().keys()
        for endpoint, answer in kept.answers().items():
            assert answer.status_code in statuses, (way, endpoint)
            assert "padrasto" not in answer.get_data(as_text=True), (way, endpoint)
        new = [mark for id, mark in ground.marks().items() if id not in marks]
        assert not [mark for mark in new if mark.get("tip") == kept.tip], way
        assert not keys.found and everything(line) == before, way

    line.keys.revoke(gabi, f"queue:{queue}")
    nothing("the grant was revoked", 404)
    line.keys.add(grants)
    line.access.certify(olga, person, "children", line.clock.day())
    assert kept.hand.client.get(picture).status_code == 200, "its last day"
    people.certify(gabi, "children", PAST)
    nothing("the certificate has run out", 404)
    line.access.certify(olga, person, "children", FUTURE)
    people.change(gabi, roles="analyst")
    nothing("the role was taken", 404)
    people.change(gabi, roles="operator")
    assert kept.hand.client.get(picture).status_code == 200, "given back, it opens again"
    people.change(gabi, active=False)
    nothing("switched off", 303, 401)
    people.change(gabi, active=True)
    kept.again()
    line.access.revoke(olga, person, f"queue:{queue}")
    nothing("as an officer does it", 303, 401)


def test_a_certificate_ends_with_its_day_in_a_session_that_goes_on(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    """The clock stands at noon UTC, nine in the morning here: the session is used until midnight
    has passed."""
    ground = Ground(public_line, staff_line, clock)
    clock.advance(14 * 3600 + 55 * 60)  # five minutes to midnight
    tip = ground.told(CHILD)
    hand, olga = ground.hand("gabi"), ground.person("olga")
    person = staff_line.access.people.named("gabi")
    staff_line.access.certify(olga, person, "children", staff_line.clock.day())
    assert hand.get(f"/tips/{tip}").status_code == 200
    clock.advance(10 * 60)
    assert hand.get(f"/tips/{tip}").status_code == 404
    assert hand.get("/desk").status_code == 200, "the session itself goes on"
