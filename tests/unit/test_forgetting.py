"""Forgetting: what goes when its time is over, what two people erase or keep, and the keys."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, insert, select, update

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery import agencies
from hotline.errors import NotAllowed
from hotline.founding import worker_keys
from hotline.intake.attachments import clean
from hotline.jobs.forgetting import Forget, finish
from hotline.log import Log
from hotline.store import tips
from hotline.store.forgetting import Forgetting
from hotline.store.tables import AuditRow, MarkRow, ReceiptRow, TipRow, WrapRow
from hotline.store.tips import Listed
from hotline.tips import HOLD, Channel, Contact, State, Trace
from hotline.triage import corrections, dispositions, forgetting
from hotline.triage.approvals import Deed, NotApproved
from hotline.triage.audit import ledger
from hotline.triage.carrying import DEEDS
from hotline.triage.opening import SealedElsewhere, open_tip
from hotline.vault.envelope import WORKER
from hotline.vault.small import random_id
from tests.conftest import MovableClock
from tests.desk import leave
from tests.forgetting import key_files, months_pass, night, on_disk, rows, sealed, to_wipe
from tests.line import SignIn
from tests.pictures import jpeg
from tests.promises import canaries
from tests.promises.ground import read_once  # noqa: F401 - a fixture

DRUGS = "Boca de fumo na rua das Acácias em Niterói, RJ, toda noite"
GENERAL = "queue:general:BR-RJ"


def free(connection: object) -> None:
    """Nobody asks for an approval: what is tested is the deed."""


def report(line: PublicLine, text: str = DRUGS) -> str:
    return line.pipeline.receive(Contact(channel=Channel.WEB, text=text)).code


def every(line: StaffLine) -> list[Listed]:
    return line.tips.queue(list(line.profile.queues), list(State))


def only(line: StaffLine) -> Listed:
    (row,) = every(line)
    return row


def close(line: StaffLine, me: object, row: Listed, reason: str) -> None:
    assert dispositions.close(line, me, open_tip(line, me, row.id), reason=reason)


def test_nothing_goes_before_its_month_is_over_and_everything_after(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    code = report(public_line)
    public_line.pipeline.append(code, Contact(channel=Channel.WEB, text="são três homens"))
    me = sign_in("paulo")
    row = only(staff_line)
    dispositions.write_note(staff_line, me, open_tip(staff_line, me, row.id), text="visto antes")
    dispositions.say(
        staff_line, me, open_tip(staff_line, me, row.id), kind="question", text="Onde?"
    )
    close(staff_line, me, row, "hoax")
    assert only(staff_line).until == "2026-06"
    months_pass(clock, 3)
    night(staff_line)
    assert public_line.pipeline.follow_up(code).status == "closed"
    assert ledger(staff_line)["closed"] == 1
    months_pass(clock, 1)
    night(staff_line)
    assert rows(staff_line) == {}
    assert not to_wipe(staff_line)
    assert ledger(staff_line) == {
        "received": 1,
        "waiting": 0,
        "forwarded": 0,
        "closed": 0,
        "shredded": 1,
    }


def test_the_receipt_of_what_is_gone_is_like_one_that_never_was(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    code = report(public_line)
    close(staff_line, sign_in("paulo"), only(staff_line), "abuse")
    months_pass(clock, 4)
    night(staff_line)
    assert public_line.pipeline.follow_up(code) == public_line.pipeline.follow_up("0" * 20)
    public_line.pipeline.append(code, Contact(channel=Channel.WEB, text=DRUGS))
    fresh = only(staff_line)
    assert (fresh.state, fresh.month) == (State.WAITING, "2026-07"), "it reaches somebody"


def test_terms_follow_what_is_decided(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    report(public_line)
    me, samuel = sign_in("paulo"), sign_in("samuel")
    row = only(staff_line)
    assert row.until == ""
    night(staff_line)
    assert only(staff_line).until == "2028-03"
    opened = open_tip(staff_line, me, row.id)
    dispositions.forward(staff_line, me, opened, leads=[samuel.person.agency], reason="credible")
    leave(staff_line)
    assert only(staff_line).until == "2029-03"
    months_pass(clock, 1)
    package = staff_line.desk.packages_of(row.id)[0]
    samuel = sign_in("samuel")
    agencies.record_outcome(staff_line, samuel, package.id, "seizure")
    assert only(staff_line).until == "2027-04"
    me = sign_in("paulo")
    dispositions.reopen(staff_line, me, open_tip(staff_line, me, row.id))
    assert only(staff_line).until == "2028-04"
    with staff_line.database.read() as connection:
        untils = set(connection.execute(select(ReceiptRow.until)).scalars())
    assert untils == {"2028-04"}, "the receipt lives as long as its tip"


def test_a_receipt_never_outlives_a_tip_that_nobody_decided(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    report(public_line)
    night(staff_line)
    with staff_line.database.read() as connection:
        receipts = connection.execute(select(ReceiptRow.until)).scalar_one()
    assert "2026-03" < receipts <= only(staff_line).until


def test_a_tip_that_another_desk_takes_over_has_that_desks_term(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    report(public_line)
    me = sign_in("sofia")
    close(staff_line, me, only(staff_line), "no_crime")
    before = only(staff_line).until
    opened = open_tip(staff_line, me, only(staff_line).id)
    corrections.correct(staff_line, me, opened, types=["CHD-01"], place="Niterói, RJ")
    after = only(staff_line)
    assert after.queue.startswith("children")
    assert (before, after.until) == ("2026-09", "2029-03")


def test_a_tip_nobody_decided_does_not_go_silently(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    report(public_line)
    night(staff_line)
    months_pass(clock, 25)
    assert '"event": "forgotten_undecided", "count": 1' in night(staff_line)
    assert ledger(staff_line)["shredded"] == 1


def test_errands_of_a_tip_go_with_it_but_what_the_provider_must_forget_stays(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    traces = (Trace("message", "SM" + "1" * 32),)
    text = "Vão matar o vizinho agora em Niterói RJ"
    public_line.pipeline.receive(Contact(channel=Channel.SMS, text=text, traces=traces), "sms:1")
    kinds = {kind for kind, _ in staff_line.outbox.counts()}
    assert {"relay", "erase"} <= kinds
    forgetting.erase(staff_line, sign_in("paulo"), only(staff_line).id, free)
    assert {kind for kind, _ in staff_line.outbox.counts()} == {"erase"}


def test_files_and_their_pages_go_too(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    file = clean(jpeg(), "image/jpeg")
    code = public_line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS), files=[file]).code
    public_line.pipeline.append(
        code, Contact(channel=Channel.WEB, text="mais uma"), files=[clean(jpeg(), "image/jpeg")]
    )
    assert rows(staff_line)["bodies"] >= 6
    forgetting.erase(staff_line, sign_in("paulo"), only(staff_line).id, free)
    assert rows(staff_line) == {}


def test_what_was_added_in_the_instant_of_the_erasure_is_found(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    code = report(public_line)
    keys = public_line.pipeline.receipts.open(code)
    receipt = staff_line.tips.receipt(keys.lookup)
    forgetting.erase(staff_line, sign_in("paulo"), only(staff_line).id, free)
    public_line.pipeline.tips.receipt = lambda lookup: receipt  # type: ignore[method-assign]
    public_line.pipeline.append(code, Contact(channel=Channel.WEB, text="são três"))
    assert set(rows(staff_line)) >= {"bodies", "wraps"}
    night(staff_line)
    assert set(rows(staff_line)) <= {"outbox"}


def test_deleted_tips_are_in_no_byte_of_the_home(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    """On PostgreSQL they are, until the space is used again: see the next test."""
    report(public_line)
    me = sign_in("paulo")
    agency = sign_in("samuel").person.agency
    row = only(staff_line)
    dispositions.forward(
        staff_line, me, open_tip(staff_line, me, row.id), leads=[agency], reason="credible"
    )
    there = sealed(staff_line, row.id)
    assert len(there) >= 7
    for _ in range(3):  # else its pages are the last, and PostgreSQL gives those back at once
        report(public_line)
    home = staff_line.settings.home
    database = Path(staff_line.database.engine.url.database or "")
    if staff_line.settings.sqlite:
        beside = database.parent
        assert on_disk(there, canaries.files(beside)), "the bytes were there to be found"
    forgetting.erase(staff_line, me, row.id, free)
    assert on_disk(there, canaries.files(home)) == []
    if staff_line.settings.sqlite:
        assert on_disk(there, canaries.files(beside)) == []
        return
    bodies = {name: blob for name, blob in there.items() if name.startswith("body")}
    url = staff_line.settings.database_url
    kept = on_disk(bodies, canaries.postgres(url))
    assert any("base/" in place for place in kept), "VACUUM alone leaves bytes in the pages"
    with staff_line.database.engine.connect() as connection:
        every_byte = connection.execution_options(isolation_level="AUTOCOMMIT")
        every_byte.exec_driver_sql("VACUUM FULL bodies, wraps")
    kept = on_disk(bodies, canaries.postgres(url))
    assert not any("base/" in place for place in kept), "VACUUM FULL writes the tables anew"


def test_a_reader_in_the_way_puts_off_the_wiping_and_no_more(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    if not staff_line.settings.sqlite:
        return
    report(public_line)
    me, row = sign_in("paulo"), only(staff_line)
    staff_line.database.engine.pool.dispose()
    with public_line.database.engine.connect() as reader:
        reader.execute(select(TipRow.id)).all()  # holds a snapshot of the journal
        forgetting.erase(staff_line, me, row.id, free)
        assert to_wipe(staff_line)
    finish(staff_line)
    assert not to_wipe(staff_line)


def test_two_people_erase_and_nobody_alone(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    report(public_line)
    sofia, ana = sign_in("sofia"), sign_in("olga")
    row = only(staff_line)
    facts = {"tip": row.id.hex()}
    request = staff_line.approvals.ask(sofia.person.id, Deed.ERASE, facts, "reporter_at_risk")
    with pytest.raises(NotApproved):
        DEEDS[Deed.ERASE](staff_line, sofia, request)
    assert only(staff_line) == row
    assert staff_line.keys.erased() == [], "nobody finishes what nobody agreed on"
    staff_line.approvals.approve(ana.person.id, request.id)
    DEEDS[Deed.ERASE](staff_line, sofia, staff_line.approvals.get(request.id))
    assert rows(staff_line) == {}
    assert staff_line.approvals.get(request.id).state == "done"
    assert ledger(staff_line)["shredded"] == 1


def test_who_cannot_open_a_tip_cannot_erase_it(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    report(public_line, "Ele bate na esposa em Niterói RJ")
    row = only(staff_line)
    assert row.queue.startswith("gbv")
    with pytest.raises((NotAllowed, SealedElsewhere)):
        forgetting.erase(staff_line, sign_in("paulo"), row.id, free)
    assert only(staff_line) == row


def test_a_restored_backup_brings_no_erased_tip_back(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    code = report(public_line)
    row, body = only(staff_line), staff_line.tips.bodies(only(staff_line).id)
    wraps = staff_line.tips.wraps([row.id])
    receipt = staff_line.tips.receipt(public_line.pipeline.receipts.open(code).lookup)
    assert receipt is not None
    forgetting.erase(staff_line, sign_in("paulo"), row.id, free)

    def restore(connection: object) -> None:
        values = {"queue": row.queue, "state": row.state, "priority": row.priority}
        connection.execute(insert(TipRow).values(id=row.id, month=row.month, version=1, **values))  # type: ignore[attr-defined]
        tips.put_parts(connection, body, wraps)  # type: ignore[arg-type]
        connection.execute(delete(AuditRow).where(AuditRow.event == "shredded"))  # type: ignore[attr-defined]
        connection.execute(  # type: ignore[attr-defined]
            insert(ReceiptRow).values(lookup=receipt.lookup, key=receipt.key, sealed=receipt.sealed)
        )

    staff_line.database.write(restore)
    assert finish(staff_line) == 1
    assert rows(staff_line) == {}
    months_pass(clock, 4)
    night(staff_line)
    assert staff_line.keys.erased() == [], "it is remembered while a backup may live"


@pytest.fixture
def held(public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn) -> SimpleNamespace:
    """A closed tip with an addition, under legal hold."""
    code = report(public_line)
    public_line.pipeline.append(code, Contact(channel=Channel.WEB, text="são três homens"))
    close(staff_line, sign_in("sofia"), only(staff_line), "hoax")
    olga = sign_in("olga")
    forgetting.hold(staff_line, sign_in_again(sign_in, "sofia"), only(staff_line).id, free)
    return SimpleNamespace(code=code, tip=only(staff_line).id, officer=olga)


def sign_in_again(sign_in: SignIn, name: str):  # type: ignore[no-untyped-def]
    """A one-time code works once: the next is thirty seconds later."""
    sign_in.line.clock.advance(31)  # type: ignore[attr-defined]
    return sign_in(name)


def test_a_held_tip_outlives_its_term_and_its_months_keys(
    held: SimpleNamespace,
    public_line: PublicLine,
    staff_line: StaffLine,
    sign_in: SignIn,
    clock: MovableClock,
) -> None:
    lasting(staff_line)
    months_pass(clock, 61)
    night(staff_line)
    assert (GENERAL, "2026-03") not in staff_line.keys.epochs()
    assert {wrap.recipient for wrap in staff_line.tips.wraps([held.tip])} == {HOLD}
    olga = sign_in("olga")
    opened = open_tip(staff_line, olga, held.tip)
    assert opened.content.tip.text.startswith("Boca de fumo")
    assert [a.text for a in opened.additions] == ["são três homens"]
    assert ledger(staff_line)["closed"] == 1
    with pytest.raises(SealedElsewhere):
        open_tip(staff_line, sign_in("paulo"), held.tip)


def lasting(line: StaffLine) -> None:
    """Certificates and membership for longer than the tests' years."""
    for person in line.access.people.all():
        for kind in line.access.people.certificates(person.id):
            line.access.people.certify(person.id, kind, "2099-12-31")


def test_a_lifted_hold_ends_it_with_the_next_month(
    held: SimpleNamespace, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    months_pass(clock, 6)
    night(staff_line)
    assert only(staff_line).until == "2026-06"
    me = sign_in("sofia")
    with pytest.raises(forgetting.UnderHold):
        forgetting.erase(staff_line, me, held.tip, free)
    forgetting.lift(staff_line, me, held.tip, free)
    wraps = staff_line.tips.wraps([body.id for body in staff_line.tips.bodies(held.tip)])
    assert {(wrap.recipient, wrap.epoch) for wrap in wraps} == {(GENERAL, "2026-09")}
    night(staff_line)
    assert only(staff_line).until == "2026-09"
    assert open_tip(staff_line, me, held.tip).additions
    with pytest.raises(forgetting.NotUnderHold):
        forgetting.lift(staff_line, me, held.tip, free)
    months_pass(clock, 1)
    night(staff_line)
    assert every(staff_line) == []


def test_what_comes_after_a_hold_is_counted_and_kept_until_it_is_held_too(
    public_line: PublicLine,
    staff_line: StaffLine,
    sign_in: SignIn,
    clock: MovableClock,
) -> None:
    code = report(public_line)
    me = sign_in("sofia")
    tip = only(staff_line).id
    forgetting.hold(staff_line, me, tip, free)
    assert not open_tip(staff_line, me, tip).unheld
    public_line.pipeline.append(code, Contact(channel=Channel.WEB, text="são três homens"))
    assert open_tip(staff_line, me, tip).unheld == 1
    then = clock.seconds()
    months_pass(clock, 61)
    assert '"event": "epoch_kept"' in night(staff_line), "nothing under hold dies with a month"
    assert (GENERAL, "2026-03") in staff_line.keys.epochs()
    clock.source.seconds = then
    forgetting.hold(staff_line, me, tip, free)
    assert not open_tip(staff_line, me, tip).unheld
    months_pass(clock, 62)
    night(staff_line)
    assert (GENERAL, "2026-03") not in staff_line.keys.epochs()


def test_a_hold_stays_on_what_is_rewritten_or_moved(
    held: SimpleNamespace, staff_line: StaffLine, sign_in: SignIn
) -> None:
    me = sign_in_again(sign_in, "sofia")
    opened = open_tip(staff_line, me, held.tip)
    corrections.fold(staff_line, me, opened, opened.additions[0].id)
    opened = open_tip(staff_line, me, held.tip)
    assert opened.held
    assert not opened.unheld
    dispositions.reroute(staff_line, me, opened, queue="unresolved:BR-RJ", reason="wrong_queue")
    assert open_tip(staff_line, me, held.tip).held


def test_the_keys_of_a_month_die_in_every_backup(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    report(public_line)
    me, row = sign_in("paulo"), only(staff_line)
    close(staff_line, me, row, "hoax")
    body = staff_line.tips.body(row.id)
    (wrap,) = staff_line.tips.wraps([row.id])
    assert body is not None
    assert staff_line.access.open_wrap(me, wrap, body)
    seeds = {
        f"{grant.recipient} {grant.person.hex()}": grant.sealed
        for person in staff_line.access.people.all()
        for grant in staff_line.keys.of(person.id)
        if grant.epoch == "2026-03" and grant.recipient.startswith("queue:")
    }
    assert len(seeds) > 20
    home = staff_line.settings.home
    assert len(on_disk(seeds, key_files(home))) >= len(seeds)
    months_pass(clock, 60)
    night(staff_line)
    assert staff_line.access.open_wrap(me, wrap, body), "its last month is not over"
    months_pass(clock, 1)
    night(staff_line)
    assert on_disk(seeds, key_files(home)) == []
    with pytest.raises(KeyError):  # a backup's rows and today's key store
        staff_line.access.open_wrap(me, wrap, body)
    left = {epoch for recipient, epoch in staff_line.keys.epochs() if recipient == GENERAL}
    assert "2026-04" in left
    assert ("statistics", "2026-03") in staff_line.keys.epochs(), "that one ends with its release"
    destroyed = [json.loads(record) for record in staff_line.audit.told(["epoch_destroyed"])]
    (one,) = [record for record in destroyed if record["recipients"] != WORKER]
    assert one["epoch"] == "2026-03"


def test_the_workers_keys_end_when_nothing_is_sealed_to_them(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    """They open without a person: a server seized later must not open what old backups hold."""

    def kept() -> set[str]:
        file, known = worker_keys(staff_line.settings), staff_line.worker
        assert set(file) == set(known)
        on_sheets = {month for name, month in staff_line.keys.epochs() if name == WORKER}
        assert on_sheets == set(known)
        return set(known)

    founded = kept()
    errand = staff_line.envelope.errand("notify", random_id(), {})
    staff_line.outbox.add(errand)
    months_pass(clock, 3)
    night(staff_line)
    assert kept() == founded, "a restored backup may still need them"
    months_pass(clock, 2)
    night(staff_line)
    assert founded - kept() == {"2026-04"}, "an errand of 2026-03 still waits"
    staff_line.outbox.done(errand.id)
    night(staff_line)
    assert founded - kept() == {"2026-03", "2026-04"}
    assert staff_line.audit.count("epoch_destroyed") == 2


def test_months_that_something_still_needs_are_kept_and_said(
    public_line: PublicLine,
    staff_line: StaffLine,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report(public_line)
    months_pass(clock, 61)
    monkeypatch.setattr(Forgetting, "over", lambda *_: [])
    assert f'"kind": "{GENERAL}", "code": "2026-03"' in night(staff_line)
    assert (GENERAL, "2026-03") in staff_line.keys.epochs()


def test_a_night_is_done_once(staff_line: StaffLine, clock: MovableClock) -> None:
    forget = Forget(staff_line, Log(clock, public=False))
    assert forget.run()
    assert not forget.run()
    clock.advance(86400)
    assert Forget(staff_line, Log(clock, public=False)).run()


def test_rows_from_before_there_were_terms_get_the_longest(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    report(public_line)
    close(staff_line, sign_in("paulo"), only(staff_line), "hoax")
    staff_line.database.write(lambda c: c.execute(update(TipRow).values(until="")))
    night(staff_line)
    assert only(staff_line).until == "2031-03"


def test_a_hold_is_one_more_wrap_and_no_other_mark(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    report(public_line)
    before = only(staff_line)
    forgetting.hold(staff_line, sign_in("paulo"), before.id, free)
    assert replace(only(staff_line), version=before.version) == before
    with staff_line.database.read() as connection:
        marks = connection.execute(select(WrapRow.recipient)).scalars().all()
        assert sorted(marks) == sorted([HOLD, GENERAL])
        assert connection.execute(select(MarkRow)).all() == []
