"""Certificates: they end, somebody is reminded, trainers renew them, and roles are changed."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from hotline.assembly import StaffLine
from hotline.cli import root
from hotline.demo import PASSPHRASE
from hotline.errors import HotlineError, NotAllowed
from hotline.triage import certificates, procedures
from hotline.triage.access import OwnCertificate, TooFewOfficers
from hotline.triage.approvals import TwoNeeded
from hotline.triage.certificates import BadCertificate, Certificate
from tests.conftest import MovableClock
from tests.desk import Office

TODAY = "2026-03-10"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


@pytest.mark.parametrize(
    ("until", "days", "reminder"),
    [
        ("2026-04-10", 31, 0),
        ("2026-04-09", 30, 30),
        ("2026-03-18", 8, 30),
        ("2026-03-17", 7, 7),
        ("2026-03-12", 2, 7),
        ("2026-03-11", 1, 1),
        ("2026-03-10", 0, 1),
        ("2026-03-09", -1, 1),
    ],
)
def test_a_reminder_is_due_30_7_and_1_days_before(until: str, days: int, reminder: int) -> None:
    (one,) = certificates.read({"gbv": until}, TODAY)
    assert one == Certificate("gbv", until, days)
    assert (one.reminder, one.over) == (reminder, days < 0)
    assert bool(certificates.due([one])) is bool(reminder)


def test_the_desk_reminds_and_the_trainers_page_lists_who_ends_first(
    staff_line: StaffLine, office: Office
) -> None:
    access, olga = staff_line.access, staff_line.access.people.named("olga")
    gabi, tereza = (access.people.named(name) for name in ("gabi", "tereza"))
    access.certify(olga.id, gabi, "gbv", "2026-03-11")
    access.certify(olga.id, gabi, "children", "2026-04-09")
    desk, tito = office("gabi"), office("tito")
    assert desk.get("/desk").status_code == 200
    assert "termina amanhã" in desk.html and "2026-04-09: 30" in desk.html
    tito.get("/certificates")
    names = re.findall(r'<th scope="row">(\w+)</th>', tito.html)
    assert names[0] == "gabi" and "paulo" in names and "ana" not in names
    assert tito.html.index("2026-04-09") < tito.html.index(tereza.name)
    access.certify(olga.id, gabi, "gbv", "2027-03-11")
    access.certify(olga.id, gabi, "children", "2027-04-09")
    desk.get("/desk")
    assert "termina amanhã" not in desk.html, "renewed"


def again(office: Office, clock: MovableClock, name: str) -> dict[str, str]:
    clock.advance(31)
    return {"passphrase": PASSPHRASE, "code": office.codes.code(name)}


def test_a_trainer_renews_for_others_only_and_reads_no_tip_by_that_role(
    staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    people = staff_line.access.people
    gabi, tito = people.named("gabi"), people.named("tito")
    people.certify(gabi.id, "gbv", "2026-03-09")
    desk, hand = office("gabi"), office("tito")
    assert "gbv:BR-RJ" not in desk.get("/tips").get_data(as_text=True)

    def post(person: bytes, until: str = "2027-01-31", kind: str = "gbv") -> int:
        hand.get("/certificates")
        fields = {"kind": kind, "until": until, **again(office, clock, "tito")}
        return hand.post(f"/certificates/{person.hex()}", **fields).status_code

    assert post(tito.id) == 403
    for until in ("2026-03-09", "tomorrow", "20270131", ""):
        assert post(gabi.id, until) == 400 or post(gabi.id, until) == 422, until
    assert post(gabi.id, kind="general") in (400, 422)
    assert post(bytes(16)) == 404
    assert people.certificates(gabi.id)["gbv"] == "2026-03-09"
    assert post(gabi.id) == 200
    assert people.certificates(gabi.id)["gbv"] == "2027-01-31"
    assert "gbv:BR-RJ" in desk.get("/tips").get_data(as_text=True), "open with the next request"
    for page in ("/desk", "/tips", "/board", "/officers", "/inbox", f"/tips/{'ab' * 16}"):
        assert hand.get(page).status_code == 404, page


def test_only_trainers_and_officers_vouch_and_only_for_who_is_there(staff_line: StaffLine) -> None:
    access = staff_line.access
    olga, paulo, gabi = (access.people.named(n) for n in ("olga", "paulo", "gabi"))

    def certify(by: object, whom: object) -> None:
        certificates.certify(access, by, whom, "gbv", "2027-01-01", TODAY)

    with pytest.raises(NotAllowed):
        certify(paulo, gabi)
    with pytest.raises(OwnCertificate):
        certify(olga, olga)
    with pytest.raises(NotAllowed):
        certify(olga, None)
    access.people.change(gabi.id, active=False)
    with pytest.raises(NotAllowed):
        certify(olga, access.people.get(gabi.id))
    with pytest.raises(BadCertificate):
        certificates.certify(access, olga, paulo, "gbv", "2026-03-09", TODAY)


def test_roles_are_changed_by_officers_and_power_by_two(
    staff_line: StaffLine, office: Office
) -> None:
    people = staff_line.access.people
    olga, otavio, paulo = (people.named(name) for name in ("olga", "otavio", "paulo"))
    hand = office("paulo")

    def change(*roles: str, by: tuple[object, ...] = (olga,), whom: object = paulo) -> None:
        procedures.change_roles(staff_line, by, people.get(whom.id), roles)

    with pytest.raises(TwoNeeded):
        change("operator", "trainer")
    with pytest.raises(TwoNeeded):
        change("operator", "trainer", by=(olga, olga))
    change("operator", "trainer", by=(olga, otavio))
    assert people.get(paulo.id).roles == ("operator", "trainer")
    assert hand.get("/certificates").status_code == 200, "in the session that runs"
    change("analyst")
    assert hand.get("/certificates").status_code == 404
    assert hand.get("/desk").status_code == 404
    with pytest.raises(procedures.Themselves):
        change("officer", "operator", whom=olga)
    with pytest.raises(TooFewOfficers):
        change("operator", whom=otavio)
    with pytest.raises(procedures.NoAgency):
        change("agency")
    assert staff_line.audit.count("roles_changed") == 2


def test_the_command_line_lists_gives_and_changes(
    staff_line: StaffLine,
    office: Office,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hotline.commands import certificates as commands

    monkeypatch.setattr(commands.settings_module, "load", lambda: staff_line.settings)
    monkeypatch.setattr(commands, "assemble_staff", lambda settings: staff_line)
    monkeypatch.setattr(type(staff_line), "close", lambda line: None)

    def run(*command: str, said: tuple[str, ...] = ()) -> str:
        typed = ""
        for name in said:
            clock.advance(31)
            typed += f"{PASSPHRASE}\n{office.codes.code(name)}\n"
        outcome = CliRunner().invoke(root, command, input=typed)
        if isinstance(outcome.exception, HotlineError):
            return outcome.exception.code
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    give = ("users", "certify", "gabi", "gbv", "--by")
    assert run(*give, "paulo", "--until", "2026-03-30", said=("paulo",)) == "bad_input"
    assert "until 2026-03-30" in run(*give, "tito", "--until", "2026-03-30", said=("tito",))
    assert re.search(r"2026-03-30 +gbv +gabi +renew", run("users", "certificates"))
    assert '"reminder": 30' in run("users", "certificates", "--json")
    roles = ("users", "roles", "gabi", "--role", "supervisor", "--by", "olga")
    assert run(*roles, said=("olga",)) == "two_needed"
    assert "gabi: supervisor" in run(*roles, "--and", "otavio", said=("olga", "otavio"))
