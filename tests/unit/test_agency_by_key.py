"""By key: what an agency's signed requests may do; every wrong one gets the same answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hotline.assembly import StaffLine, assemble_public, assemble_staff
from hotline.delivery.reading import page, schema
from hotline.intake.limits import Rate
from hotline.intake.thread import Receipt
from hotline.keyring import directory_change, held_change, hold
from hotline.settings import Settings
from hotline.store.desk import Package
from hotline.tips import Channel, Contact, State
from hotline.triage.approvals import Deed
from hotline.triage.opening import open_tip
from hotline.vault.canonical import canonical
from hotline.vault.held import (
    Halves,
    KeyFile,
    NotAKeyFile,
    NotAPackage,
    NotFromTheLine,
    check_line,
    line_file,
    read_line,
    signing_seed,
    unpack,
)
from hotline.vault.line import line_signer
from hotline.vault.signatures import AGENCY_TAG, PACKAGE_TAG, public_half, sign
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import SignIn
from tests.terminal import agree

AGENCY, OTHER = "semsp-3304904", "mprj"
WORDS = "only for the agency itself"
TOLD = "Boca de fumo em São Gonçalo, RJ"
HOST = "http://localhost"


@dataclass(slots=True)
class Machine:
    """An agency's machine, with the key the line knows."""

    line: StaffLine
    client: FlaskClient
    seed: bytes
    signs: bytes
    count: int = field(default=0)

    def ask(self, method: str, path: str, body: Any = None, **changed: Any) -> TestResponse:
        self.count += 1
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if raw else {}
        said = {
            "seed": self.signs,
            "key_id": AGENCY,
            "created": int(self.line.clock.seconds()),
            "nonce": f"nonce-number-{self.count}",
            "tag": AGENCY_TAG,
        } | changed
        url = f"{HOST}/agency/v1{path}"
        added = sign(method=method, url=url, headers=headers, body=raw, **said)
        return self.send(method, path, {**headers, **added}, raw)

    def send(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> TestResponse:
        return self.client.open(f"/agency/v1{path}", method=method, headers=headers, data=raw)

    def document(self, package: Package) -> dict[str, Any]:
        sealed = self.ask("GET", f"/packages/{package.id.hex()}").data
        return unpack(sealed, AGENCY, self.seed).document


@pytest.fixture(scope="module")
def key() -> tuple[KeyFile, bytes]:
    made = KeyFile.new(AGENCY, WORDS, 1)
    return made, made.seed(WORDS)


@pytest.fixture
def machine(
    settings: Settings, clock: MovableClock, key: tuple[KeyFile, bytes]
) -> Iterator[Machine]:
    made, seed = key
    signs = signing_seed(seed)
    line = assemble_staff(settings, clock)
    change = held_change(AGENCY, made.key.public, public_half(signs))
    by = agree(line, Deed.DIRECTORY, directory_change(settings, change))
    hold(settings, line.access, AGENCY, made.key.public, by, public_half(signs))
    line.close()
    line = assemble_staff(settings, clock)
    yield Machine(line, apps.console_app(line).test_client(), seed, signs)
    line.close()


def forwarded(line: StaffLine, agency: str = AGENCY) -> tuple[Package, Receipt]:
    public = assemble_public(line.settings, line.clock, pool=0)
    receipt = public.pipeline.receive(Contact(channel=Channel.WEB, text=TOLD))
    public.close()
    line.clock.advance(60)  # type: ignore[attr-defined]  # a code works once
    hand = Office.of(line)("paulo")
    tip = hand.next()
    assert hand.post(f"/tips/{tip}/forward", other=agency, reason="credible").status_code == 200
    known = {p.id: p for p in line.desk.packages_of(bytes.fromhex(tip)) if p.agency == agency}
    (package,) = known.values()
    return package, receipt


def status(line: StaffLine, receipt: Receipt) -> str:
    public = assemble_public(line.settings, line.clock, pool=0)
    found = public.pipeline.follow_up(receipt.code)
    public.close()
    assert found is not None
    return str(found.status)


def test_from_the_list_to_the_reporters_status(machine: Machine) -> None:
    assert machine.ask("GET", "/packages").json == {"packages": []}
    package, receipt = forwarded(machine.line)
    path = f"/packages/{package.id.hex()}"
    (row,) = machine.ask("GET", "/packages").json["packages"]
    assert row == {
        "id": package.id.hex(),
        "role": package.role,
        "state": "sent",
        "day": package.day,
        "due": package.due,
    }
    answer = machine.ask("GET", path)
    assert answer.mimetype == "application/vnd.hotline.package"
    line_public = public_half(line_signer(machine.line.settings.staff))
    assert check_line(answer.data, line_public) == (AGENCY, package.id)
    document = unpack(answer.data, AGENCY, machine.seed).document
    reply = document["reply"]
    assert machine.line.desk.package(package.id).state == "opened"
    said = machine.ask("POST", f"{path}/receipt", {"reply": reply})
    assert (said.status_code, said.json) == (200, {"state": "confirmed"})
    assert status(machine.line, receipt) == "confirmed"
    for outcome in ("under_investigation", "rescue"):
        said = machine.ask("POST", f"{path}/outcome", {"outcome": outcome, "reply": reply})
        assert (said.status_code, said.json) == (200, {"state": "answered"})
        assert status(machine.line, receipt) == outcome
    assert machine.ask("POST", f"{path}/receipt", {"reply": reply}).status_code == 200
    assert status(machine.line, receipt) == "rescue", "never a step back"
    assert machine.ask("GET", "/packages").json == {"packages": []}
    machine.line.audit.sequence()
    records = [r for r in machine.line.audit.records() if package.id.hex() in r and AGENCY in r]
    events = ("package_fetched", "package_confirmed_by_key", "outcome_recorded_by_key")
    assert [sum(f'"{event}"' in r for r in records) for event in events] == [1, 1, 2]
    assert not any("rescue" in record for record in records)


def test_every_wrong_request_gets_one_and_the_same_answer(machine: Machine) -> None:
    package, _ = forwarded(machine.line)
    theirs, _ = forwarded(machine.line, OTHER)
    path = f"/packages/{package.id.hex()}"
    stranger = bytes(range(32))
    now = int(machine.line.clock.seconds())
    wrong = [
        machine.ask("GET", path, seed=stranger),
        machine.ask("GET", path, key_id=OTHER),
        machine.ask("GET", path, key_id="nobody"),
        machine.ask("GET", path, tag=PACKAGE_TAG),
        machine.ask("GET", path, created=now - 301),
        machine.ask("GET", path, created=now + 301),
        machine.ask("GET", path, nonce="short"),
        machine.ask("GET", f"/packages/{theirs.id.hex()}"),
        machine.ask("GET", f"/packages/{bytes(16).hex()}"),
        machine.ask("GET", "/packages/zz"),
        machine.ask("POST", f"/packages/{theirs.id.hex()}/outcome", {"outcome": "arrest"}),
        machine.ask("POST", f"/packages/{theirs.id.hex()}/receipt", {}),
        machine.send("GET", path, {}, b""),
        machine.send("GET", path, {"Signature-Input": "\xff", "Signature": "x"}, b""),
        machine.send("POST", f"{path}/receipt", {}, b"x" * 20_000),
    ]
    assert {answer.status_code for answer in wrong} == {404}
    assert len({answer.data for answer in wrong}) == 1
    assert wrong[0].mimetype == "application/problem+json"
    assert {answer.headers.get("Retry-After") for answer in wrong} == {None}
    assert machine.line.desk.package(package.id).state == "sent"
    assert machine.line.desk.package(theirs.id).state == "sent"


def test_what_was_said_once_is_not_said_again(machine: Machine, clock: MovableClock) -> None:
    package, _ = forwarded(machine.line)
    path = f"/packages/{package.id.hex()}"
    for method, what, body in (
        ("GET", "/packages", None),
        ("GET", path, None),
        ("POST", f"{path}/receipt", {}),
        ("POST", f"{path}/receipt", {}),
        ("POST", f"{path}/outcome", {"outcome": "arrest"}),
    ):
        once = {"nonce": f"once-{what}-{machine.count}", "created": int(clock.seconds())}
        assert machine.ask(method, what, body, **once).status_code == 200
        clock.advance(299)
        assert machine.ask(method, what, body, **once).status_code == 404, what
    # Another process of the line, which has just started, remembers too.
    machine.client = apps.console_app(machine.line).test_client()
    assert machine.ask(method, what, body, **once).status_code == 404


def test_a_key_names_the_reporters_of_its_own_packages_only(machine: Machine) -> None:
    one, first = forwarded(machine.line)
    two, second = forwarded(machine.line)
    mine, other = machine.document(one)["reply"], machine.document(two)["reply"]
    path = f"/packages/{one.id.hex()}/outcome"
    bad: list[Any] = [
        other,
        {**mine, "lookup": other["lookup"]},
        {**mine, "key": other["key"]},
        {**mine, "salt": other["salt"]},
        {**mine, "salt": "00"},
        {**mine, "more": ""},
        {"lookup": mine["lookup"]},
        {**mine, "key": 5},
        [],
        "x",
    ]
    answers = [machine.ask("POST", path, {"outcome": "arrest", "reply": reply}) for reply in bad]
    assert {answer.status_code for answer in answers} == {422}
    assert len({answer.data for answer in answers}) == 1, "not even whether there is a receipt"
    assert machine.line.desk.package(one.id).state != "answered"
    assert status(machine.line, first) == status(machine.line, second) == "forwarded"


def test_a_receipt_that_is_gone_is_not_told(machine: Machine) -> None:
    from sqlalchemy import delete

    from hotline.store.tables import ReceiptRow

    package, _ = forwarded(machine.line)
    reply = machine.document(package)["reply"]
    gone = delete(ReceiptRow).where(ReceiptRow.lookup == bytes.fromhex(reply["lookup"]))
    machine.line.database.write(lambda connection: connection.execute(gone))
    path = f"/packages/{package.id.hex()}/outcome"
    answer = machine.ask("POST", path, {"outcome": "arrest", "reply": reply})
    assert (answer.status_code, answer.json) == (200, {"state": "answered"})
    assert not machine.line.tips.replies(bytes.fromhex(reply["lookup"]), 0)


def test_a_wrong_body_is_told_without_its_words(machine: Machine) -> None:
    package, _ = forwarded(machine.line)
    bodies: list[Any] = [{"outcome": "gossip"}, {}, {"outcome": "arrest", "why": "x"}, [], "x", 5]
    for body in bodies:
        answer = machine.ask("POST", f"/packages/{package.id.hex()}/outcome", body)
        assert answer.status_code == 422, body
        assert "gossip" not in answer.get_data(as_text=True)
        assert answer.mimetype == "application/problem+json"


def test_not_ours_brings_the_tip_back_to_a_person(machine: Machine) -> None:
    package, _ = forwarded(machine.line)
    machine.ask("POST", f"/packages/{package.id.hex()}/outcome", {"outcome": "not_ours"})
    news = machine.line.outbox.pending("news")
    assert len(news) == (1 if package.role == "lead" else 0)


def test_an_agency_that_asks_too_often_waits_and_nobody_else(
    machine: Machine, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotline.delivery import packages

    monkeypatch.setattr(packages, "RATE", Rate(burst=3, per_second=1))
    machine.client = apps.console_app(machine.line).test_client()
    for _ in range(10):  # no budget is used up by who has no key
        assert machine.ask("GET", "/packages", seed=bytes(32)).status_code == 404
    found = [machine.ask("GET", "/packages").status_code for _ in range(4)]
    assert found == [200, 200, 200, 503]
    assert machine.ask("GET", "/packages").headers["Retry-After"]
    clock.advance(1)
    assert machine.ask("GET", "/packages").status_code == 200


def test_an_agency_without_a_key_has_no_door(staff_line: StaffLine) -> None:
    client = apps.console_app(staff_line).test_client()
    stranger = Machine(staff_line, client, b"", bytes(32))
    assert stranger.ask("GET", "/packages").status_code == 404


def test_a_package_is_as_its_schema_says(machine: Machine) -> None:
    served = machine.client.get("/agency/v1/package-2.schema.json")
    assert served.data == schema() and served.mimetype == "application/schema+json"
    described = json.loads(schema())
    validator = jsonschema_rs.validator_for(described)
    package, _ = forwarded(machine.line)
    document = machine.document(package)
    validator.validate(document)
    # What a person sent says whom it may not be passed on to; what rules sent was passed by nobody.
    assert document.keys() - {"guard"} == set(described["required"]), "nothing else is optional"
    for name in described["required"]:
        assert not validator.is_valid({n: v for n, v in document.items() if n != name}), name
    assert not validator.is_valid(document | {"status": "verified"})
    assert not validator.is_valid(document | {"more": 1})


def test_the_sealed_words_are_canonical(machine: Machine) -> None:
    from hotline.vault.envelope import package_document

    public = assemble_public(machine.line.settings, machine.line.clock, pool=0)
    public.pipeline.receive(Contact(channel=Channel.WEB, text=TOLD))
    public.close()
    (row,) = machine.line.tips.queue(["general:BR-RJ"], list(State))
    opened = open_tip(machine.line, SignIn(machine.line)("gabi"), row.id)
    document = package_document(
        opened.content, bytes(16), AGENCY, "lead", "2026-03-20", salt=bytes(32), day="2026-03-10"
    )
    raw = canonical(document)
    assert raw == canonical(json.loads(raw)) and b": " not in raw.replace(b"\\u", b"")
    assert list(json.loads(raw)) == sorted(document)


def test_a_page_of_a_package_runs_and_loads_nothing(machine: Machine) -> None:
    package, _ = forwarded(machine.line)
    evil = "</p><script src=//evil.example></script><img src=x onerror=alert(1)>"
    document = machine.document(package) | {
        "text": evil,
        "answers": {"what": evil},
        "language": '"><script>',
        "details": {evil: evil},
        "ticked": [evil],
        "rules": [evil],
    }
    html = page(document, {'a".jpg': b"\xff\xd8\xff"})
    assert "<script" not in html and "<img src=x" not in html and "default-src 'none'" in html
    assert html.count("<img ") == 1 and 'src="data:image/jpeg;base64,' in html
    assert "UNVERIFIED" in html
    old = {n: v for n, v in document.items() if n not in ("forwarded", "files", "details")}
    assert "UNVERIFIED" in page(old | {"version": 1}, {})


def test_only_the_line_signs_and_every_byte_counts(machine: Machine) -> None:
    package, _ = forwarded(machine.line)
    sealed = machine.ask("GET", f"/packages/{package.id.hex()}").data
    line = public_half(line_signer(machine.line.settings.staff))
    assert read_line(line_file(line)) == line
    raw = json.loads(sealed)
    changed = [
        raw | {"agency": OTHER},
        raw | {"id": raw["wrap"]},
        raw | {"body": raw["wrap"]},
        raw | {"files": {"00": "AA=="}},
        raw | {"more": 1},
        raw | {"signature": "A" * 86 + "=="},
    ]
    for document in changed:
        with pytest.raises(NotFromTheLine):
            check_line(json.dumps(document).encode(), line)
    with pytest.raises(NotFromTheLine):
        check_line(sealed, public_half(bytes(32)))
    for rubbish in (b"", b"[]", b"{}"):
        with pytest.raises(NotAPackage):
            check_line(rubbish, line)
        with pytest.raises(NotAKeyFile):
            read_line(rubbish)


def test_the_line_has_one_signing_key_even_if_it_was_founded_without(settings: Settings) -> None:
    file = settings.staff / "line.key"
    founded = line_signer(settings.staff)
    assert len(founded) == 32
    file.unlink()
    fresh = line_signer(settings.staff)
    assert fresh != founded and line_signer(settings.staff) == fresh
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(settings.staff.glob("*.tmp"))


def test_a_public_file_without_the_half_that_signs_is_still_read(
    key: tuple[KeyFile, bytes],
) -> None:
    made, seed = key
    old = Halves(AGENCY, made.key.public)
    assert Halves.read(old.file()) == old and b"signs" not in old.file()
    new = Halves(AGENCY, made.key.public, public_half(signing_seed(seed)))
    assert Halves.read(new.file()) == new and new.fingerprint != old.fingerprint
    with pytest.raises(NotAKeyFile):
        Halves.read(Halves(AGENCY, made.key.public, b"short").file())


def test_a_step_that_came_between_is_seen_the_next_time(machine: Machine) -> None:
    """The package went on between reading and writing: nothing is put over it."""
    from hotline.errors import Busy

    package, _ = forwarded(machine.line)
    mark = machine.line.once.mark("agency:x:one", b"")
    machine.line.desk.step_by_key(package, "answered", "outcome_recorded_by_key", mark)
    late = machine.line.once.mark("agency:x:two", b"")
    with pytest.raises(Busy):
        machine.line.desk.step_by_key(package, "confirmed", "package_confirmed_by_key", late)
    assert machine.line.desk.package(package.id).state == "answered"
    assert machine.line.once.recall("agency:x:two") is None
