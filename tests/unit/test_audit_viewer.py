"""Audit viewer: an officer finds records and takes them out; both are records; no text is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from hotline import settings as settings_module
from hotline.assembly import PublicLine, StaffLine
from hotline.cli import root
from hotline.errors import BadInput
from hotline.store.alarms import Alarm, Alarms
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.tables import AuditRow
from hotline.tips import Channel, Contact, Language, State
from hotline.triage.audit import AuditBroken, sequence_and_sign
from hotline.triage.proofs import NotProved, export
from hotline.triage.tree import Frontier, inclusion_ranges, leaf_hash, nodes_of, roots_of
from tests.conftest import MovableClock
from tests.desk import Hand, Office

TOLD = "Venda de drogas na praça em Niterói, RJ, por um homem de berinjela na mão"
DAY = 86400


@pytest.fixture
def tip(public_line: PublicLine, staff_line: StaffLine) -> str:
    public_line.pipeline.receive(Contact(channel=Channel.WEB, text=TOLD, language=Language.PT))
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    return row.id.hex()


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


@pytest.fixture
def olga(office: Office, staff_line: StaffLine, tip: str, clock: MovableClock) -> Hand:
    """An officer, after paulo has read a tip."""
    paulo = office("paulo")
    paulo.next()
    paulo.get(f"/tips/{tip}")
    clock.advance(31)
    hand = office("olga")
    sequence_and_sign(staff_line)
    return hand


def rows(page: str) -> list[str]:
    return (
        page.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0].split("<tr>")[1:]
        if "<tbody>" in page
        else []
    )


def test_records_are_found_by_person_event_day_and_tip(
    olga: Hand, staff_line: StaffLine, tip: str
) -> None:
    paulo = staff_line.access.people.named("paulo").id.hex()
    day = staff_line.clock.day()
    every = rows(olga.get("/audit").get_data(as_text=True))
    assert len(every) == 50
    reads = rows(olga.get(f"/audit?event=read&person={paulo}").get_data(as_text=True))
    assert len(reads) >= 2 and all("paulo" in row and tip[:8] in row for row in reads)
    of_tip = rows(olga.get(f"/audit?tip={tip}").get_data(as_text=True))
    assert {"received", "claimed", "read"} <= {
        event for event in ("received", "claimed", "read") if any(event in row for row in of_tip)
    }
    assert rows(olga.get(f"/audit?tip={tip}&day={day}").get_data(as_text=True))
    assert not rows(olga.get(f"/audit?tip={tip}&day=2026-03-09").get_data(as_text=True))
    assert not rows(olga.get(f"/audit?tip={'0' * 32}").get_data(as_text=True))
    for nonsense in ("day=2026-99-99", "before=-1", "person=%27", "tip=%25%25", "event=x"):
        assert len(rows(olga.get(f"/audit?{nonsense}").get_data(as_text=True))) == 50


def test_pages_go_back_to_the_first_record(olga: Hand, staff_line: StaffLine) -> None:
    sequence_and_sign(staff_line)
    size, seen, address = staff_line.audit.head()[0], set[int](), "/audit?before=" + str(10**9)
    while address:
        page = olga.get(address).get_data(as_text=True)
        seen |= {int(row.split('class="n">')[1].split("<")[0]) for row in rows(page)}
        found = page.split('<p><a href="/audit?before=')
        address = f"/audit?before={found[1].split(chr(34))[0]}" if len(found) > 1 else ""
    assert set(range(size)) <= seen


def test_only_officers_look(office: Office, olga: Hand, clock: MovableClock, tip: str) -> None:
    for name in ("paulo", "sofia", "samuel"):
        clock.advance(31)
        hand = office(name)
        assert hand.get("/audit").status_code == 404
        assert hand.post("/audit/export").status_code == 404


def test_looking_and_taking_out_are_records(olga: Hand, staff_line: StaffLine, tip: str) -> None:
    by = staff_line.access.people.named("olga").id.hex()
    olga.get("/audit")
    olga.get(f"/audit?tip={tip}")
    olga.post("/audit/export", tip=tip)
    looks = [json.loads(said) for said in staff_line.audit.told(["audit_viewed"])]
    assert [look.get("about", "") for look in sorted(looks, key=lambda one: "about" in one)] == [
        "",
        tip,
    ]
    (taken,) = (json.loads(said) for said in staff_line.audit.told(["audit_exported"]))
    assert (taken["by"], taken["about"]) == (by, tip) and int(taken["count"]) >= 3


def test_no_word_of_a_tip_is_anywhere_in_it(olga: Hand, tip: str) -> None:
    for page in ("/audit", f"/audit?tip={tip}", f"/tips/{tip}/readers", "/alarms"):
        text = olga.get(page).get_data(as_text=True)
        assert "berinjela" not in text and "drogas" not in text.casefold()
    taken = olga.post("/audit/export").get_data(as_text=True)
    assert "berinjela" not in taken and "paulo" not in taken, "ids and codes only"


def check(tmp_path: Path, proof: str, note: str, key: str) -> tuple[int, str]:
    for name, text in (("proof", proof), ("checkpoint", note), ("key", key)):
        (tmp_path / name).write_text(text, newline="")
    done = CliRunner().invoke(
        root,
        [
            "audit",
            "check-proof",
            str(tmp_path / "proof"),
            "--checkpoint",
            str(tmp_path / "checkpoint"),
            "--public-key",
            str(tmp_path / "key"),
        ],
    )
    failed = done.exception is not None and not isinstance(done.exception, SystemExit)
    return int(failed or done.exit_code != 0), done.output


def test_what_is_taken_out_is_checked_by_the_command_without_the_line(
    olga: Hand, staff_line: StaffLine, tip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "load", lambda: staff_line.settings)
    key = CliRunner().invoke(root, ["audit", "key"]).output
    note = CliRunner().invoke(root, ["audit", "checkpoint"]).output
    taken = olga.post("/audit/export").get_data(as_text=True)
    monkeypatch.delattr(settings_module, "load")
    count, size = taken.count("\n") - 1, json.loads(taken.splitlines()[0])["size"]
    assert check(tmp_path, taken, note, key) == (
        0,
        f"All {count} records of the export are among the {size} under your checkpoint.\n",
    )
    lines = taken.splitlines(keepends=True)
    read = next(line for line in lines[1:] if '\\"read\\"' in line)
    for altered in (
        taken.replace(tip, "0" * 32),
        taken.replace(read, ""),
        "".join([lines[0], *lines[:0:-1]]),
        taken.replace(note[-20:-4], "A" * 16),
    ):
        assert altered != taken
        assert check(tmp_path, altered, note, key)[0] == 1
    proof = olga.client.post(
        f"/audit/{json.loads(json.loads(read)['record'])['id']}/proof", data={"token": olga.token}
    )
    assert check(tmp_path, proof.get_data(as_text=True), note, key)[0] == 0


def test_nothing_is_taken_out_over_altered_records(olga: Hand, staff_line: StaffLine) -> None:
    found = list(staff_line.audit.rows())
    row = found[3]
    forged = row.record.replace(row.id.hex(), row.id.hex())[:-1] + " }"
    staff_line.database.write(
        lambda c: c.execute(update(AuditRow).where(AuditRow.id == row.id).values(record=forged))
    )
    with pytest.raises((AuditBroken, NotProved)):
        "".join(export(staff_line, list(staff_line.audit.rows())[5:9]))


def test_who_has_read_a_tip_is_seen_without_opening_it(
    office: Office, olga: Hand, staff_line: StaffLine, tip: str, clock: MovableClock
) -> None:
    before = staff_line.audit.count("read")
    page = olga.get(f"/tips/{tip}/readers").get_data(as_text=True)
    assert sum("paulo" in row and "read" in row for row in rows(page)) >= 2
    clock.advance(31)
    sofia = office("sofia")
    assert "paulo" in sofia.get(f"/tips/{tip}/readers").get_data(as_text=True)
    assert staff_line.audit.count("read") == before
    assert olga.get(f"/tips/{'0' * 32}/readers").status_code == 404
    assert sofia.get(f"/tips/{'0' * 32}/readers").status_code == 404
    staff_line.keys.revoke(staff_line.access.people.named("sofia").id, "queue:general:BR-RJ")
    assert sofia.get(f"/tips/{tip}/readers").status_code == 404, "not of a desk she may not open"


def test_where_a_time_begins_is_found_among_records_that_tell_the_hour_or_nothing(
    migrated_url: str, clock: MovableClock
) -> None:
    """``began`` may name a place too early and never one too late: what it skips is never seen."""
    database = Database(migrated_url, clock)
    log, latest = AuditLog(database), list[float]()
    for number in range(60):
        seconds = clock.seconds()
        if number % 3 == 0:
            log.note("read", tip=f"{number:032x}", by="11" * 16)
            latest.append(seconds)
        elif number % 3 == 1:
            log.note("duty_rung", count="1")
            latest.append(seconds // 3600 * 3600 + 3599)
        else:
            log.note("lapsed", tip=f"{number:032x}")
            latest.append(0)
        log.sequence()
        clock.advance(1500)
    for since in range(int(latest[0]) - 700, int(clock.seconds()), 700):
        late = next((n for n, seconds in enumerate(latest) if seconds >= since), len(latest))
        told_before = max((n for n in range(late) if latest[n]), default=-1)
        assert told_before < log.began(since) <= late
    database.close()


def test_many_paths_at_once_are_each_path_alone() -> None:
    for size in (1, 2, 3, 7, 8, 13, 33):
        leaves = [leaf_hash(bytes([n])) for n in range(size)]
        wanted = {run for n in range(size) for run in inclusion_ranges(n, size)}
        nodes = nodes_of(wanted, leaves)
        for n in range(size):
            path = inclusion_ranges(n, size)
            assert [nodes[run] for run in path] == roots_of(path, leaves)
        tree = Frontier()
        for leaf in leaves:
            tree.add(leaf)
        assert nodes_of({(0, size)}, leaves)[0, size] == tree.root()


def test_the_command_lists_and_acknowledges(
    staff_line: StaffLine, office: Office, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotline.demo import PASSPHRASE

    monkeypatch.setattr(settings_module, "load", lambda: staff_line.settings)
    monkeypatch.setattr(
        "hotline.commands.alarms.assemble_staff", lambda settings: _open(staff_line, clock)
    )
    paulo = staff_line.access.people.named("paulo").id
    alarm = Alarm(b"\x01" * 16, "spree", paulo, "2026-03-10", b"\x02" * 16)
    assert Alarms(staff_line.database).ring(alarm, [])
    listed = CliRunner().invoke(root, ["alarms", "list", "--json"])
    ((one),) = json.loads(listed.output)
    assert (one["person"], one["kind"], one["state"]) == ("paulo", "spree", "new")
    command = ["alarms", "acknowledge", "01010101", "--by", "olga", "--reason"]
    wrong = CliRunner().invoke(root, [*command, "because"])
    assert isinstance(wrong.exception, BadInput)
    typed = f"{PASSPHRASE}\n{office.codes.code('olga')}\n"
    done = CliRunner().invoke(root, [*command, "busy_day"], input=typed)
    assert (done.exit_code, done.output) == (0, "acknowledged\n"), done.exception
    assert "by olga: busy_day" in CliRunner().invoke(root, ["alarms", "list"]).output


def _open(line: StaffLine, clock: MovableClock) -> StaffLine:
    from hotline.assembly import assemble_staff

    return assemble_staff(line.settings, clock)
