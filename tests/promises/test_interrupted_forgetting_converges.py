"""kill -9 before and after every step of forgetting, on both engines: a tip is whole or gone, what
was begun is ended by whoever runs next, and no key outlives what it opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from hotline.assembly import PublicLine, assemble_public
from hotline.jobs.forgetting import Forget, finish
from hotline.log import Log
from hotline.store.keystore import Grant
from hotline.store.tables import ReceiptRow, TipRow
from hotline.tips import HOLD, Channel, Contact, State
from hotline.triage.approvals import Deed, Request
from hotline.triage.audit import balanced, ledger
from hotline.triage.carrying import DEEDS
from hotline.vault.small import random_id
from tests.forgetting import key_files, on_disk, rows, sealed, to_wipe
from tests.promises import canaries
from tests.promises.test_acknowledged_means_durable import Scene, scene

__all__ = ["scene"]
# Between two commits nothing lasts: of a night's many steps each commit is tried inside and after.
_NIGHT = ("before _wiped_later", "after write", "after wipe_journal")
_DEED = ("before", "after write", "after erase")
OLD = "2019-01"  # a month whose last tip may live no longer


class Tip:
    """A tip of a fresh reporter, with an addition; and its bytes."""

    public: PublicLine

    def __init__(self, scene: Scene) -> None:
        self.scene, line = scene, scene.staff
        self.shredded = line.audit.count("shredded")
        public = self.public
        web = Contact(channel=Channel.WEB, text="Boca de fumo na rua das Flores em Niterói RJ")
        code = public.pipeline.receive(web).code
        public.pipeline.append(code, Contact(channel=Channel.WEB, text="são três homens"))
        self.receipt = public.pipeline.receipts.open(code).lookup
        (row,) = line.tips.queue(list(line.profile.queues), list(State))
        self.id, self.sealed = row.id, sealed(line, row.id)
        assert {name.split()[0] for name in self.sealed} >= {"body", "wrap", "receipt"}

    @property
    def whole(self) -> bool:
        """Whether it is there with all its parts; if it is not, nothing of it may be."""
        line = self.scene.staff
        left = sealed(line, self.id)
        there = line.tips.one(self.id) is not None
        if there:
            assert left.items() >= self.sealed.items(), "a row whose keys or words are gone"
        else:
            assert not [n for n in left if n != "receipt"], "keys or words whose row is gone"
        assert balanced(ledger(line))
        return there

    def gone(self) -> None:
        """From every table, counted once, and on SQLite from every byte of the home."""
        line = self.scene.staff
        assert not self.whole
        assert line.tips.receipt(self.receipt) is None
        assert rows(line).keys() <= {"outbox"}
        assert line.audit.count("shredded") == self.shredded + 1
        assert not to_wipe(line)
        if self.scene.settings.sqlite:
            assert on_disk(self.sealed, canaries.files(self.scene.settings.home)) == []


@pytest.fixture(scope="module", autouse=True)
def public(scene: Scene) -> Iterator[None]:
    """One public line for all reporters: reading the list of keys takes longer than a report."""
    Tip.public = assemble_public(scene.settings, scene.clock, pool=0)
    yield
    Tip.public.close()


def instants(scene: Scene, **request: str) -> list[int]:
    """The steps of one undisturbed run, at which the next ones are killed."""
    events = ask(scene, None, **request)
    told = _NIGHT if request["scenario"] == "night" else _DEED
    return [n for n, event in enumerate(events) if event.startswith(told)]


def ask(scene: Scene, fault: int | None, **request: str) -> list[str]:
    """Runs one child, which kills itself at step ``fault``; the steps it passed when it lived."""
    answered = scene.request(request.pop("scenario"), "word", fault, **request)
    events: list[str] = answered["events"]
    return events


def agreed(scene: Scene, deed: Deed, tip: Tip) -> Request:
    """Two people have agreed; one of them is the scene's."""
    approvals = scene.staff.approvals
    facts = {"tip": tip.id.hex()}
    other = next(p for p in approvals.deciders(deed) if p != scene.who.person.id)
    request = approvals.ask(other, deed, facts, "court_order")
    return approvals.approve(scene.who.person.id, request.id)


def carry(scene: Scene, deed: Deed, tip: Tip, fault: int | None) -> Request:
    request = agreed(scene, deed, tip)
    cookie = scene.who.cookie.value
    ask(scene, fault, scenario="carry", request=request.id.hex(), cookie=cookie)
    return request


def to_carry(scene: Scene, deed: Deed) -> list[int]:
    tip = Tip(scene)
    if deed is Deed.LIFT:
        carry(scene, Deed.HOLD, tip, None)
    request, cookie = agreed(scene, deed, tip), scene.who.cookie.value
    found = instants(scene, scenario="carry", request=request.id.hex(), cookie=cookie)
    clear(scene, tip)
    return found


def clear(scene: Scene, tip: Tip) -> None:
    """The tip's time is over, and a night passes."""
    if scene.staff.tips.one(tip.id) is None:
        return
    if HOLD in {wrap.recipient for wrap in scene.staff.tips.wraps([tip.id])}:
        DEEDS[Deed.LIFT](scene.staff, scene.who, agreed(scene, Deed.LIFT, tip))
    over(scene)
    night(scene)


def over(scene: Scene) -> None:
    """The month of every tip and receipt is over."""
    for table in (TipRow, ReceiptRow):
        scene.staff.database.write(
            lambda c, table=table: c.execute(update(table).values(until="2026-02"))
        )


def night(scene: Scene) -> None:
    Forget(scene.staff, Log(scene.clock, public=False)).work()


def old_keys(scene: Scene) -> dict[str, bytes]:
    """A month of a desk that is over for good, held by two people."""
    grants = [
        Grant(
            f"queue:general:{random_id().hex()[:8]}", OLD, person, random_id() * 8, random_id()[:8]
        )
        for person in list(scene.staff.approvals.deciders(Deed.ERASE))[:2]
    ]
    scene.staff.keys.add(grants)
    return {grant.recipient: grant.sealed for grant in grants}


def test_a_night_killed_anywhere_is_finished_by_the_next(scene: Scene) -> None:
    tip = Tip(scene)
    over(scene)
    old_keys(scene)
    faults = instants(scene, scenario="night")
    tip.gone()
    assert len(faults) > 12
    for fault in faults:
        tip, seeds = Tip(scene), old_keys(scene)
        over(scene)
        ask(scene, fault, scenario="night")
        assert tip.whole in (True, False)
        night(scene)
        tip.gone()
        assert OLD not in {epoch for _, epoch in scene.staff.keys.epochs()}
        assert on_disk(seeds, key_files(scene.settings.home)) == []


def test_an_erasure_killed_anywhere_is_finished_or_can_be_asked_again(scene: Scene) -> None:
    faults = to_carry(scene, Deed.ERASE)
    assert len(faults) > 8
    begun = 0
    for fault in faults:
        tip = Tip(scene)
        request = carry(scene, Deed.ERASE, tip, fault)
        assert tip.whole in (True, False)
        begun += bool(scene.staff.keys.erased())
        finish(scene.staff)
        if tip.whole:  # nothing had begun: the approval is still there
            DEEDS[Deed.ERASE](scene.staff, scene.who, request)
        night(scene)
        tip.gone()
    assert begun > 0


@pytest.mark.parametrize("deed", [Deed.HOLD, Deed.LIFT])
def test_a_hold_killed_anywhere_is_whole_or_not_there(scene: Scene, deed: Deed) -> None:
    for fault in to_carry(scene, deed):
        tip = Tip(scene)
        if deed is Deed.LIFT:
            carry(scene, Deed.HOLD, tip, None)
        request = carry(scene, deed, tip, fault)
        for _ in range(2):
            bodies = scene.staff.tips.bodies(tip.id)
            wraps = list(wrapped(scene, [body.id for body in bodies]))
            assert len(set(map(len, wraps))) == 1, "one part is held and another is not"
            done = scene.staff.approvals.get(request.id).state == "done"
            assert (HOLD in wraps[0]) is ((deed is Deed.HOLD) is done)
            if done:
                break
            DEEDS[deed](scene.staff, scene.who, request)
        clear(scene, tip)
        tip.gone()


def wrapped(scene: Scene, subjects: list[bytes]) -> Iterator[set[str]]:
    """Whom each part with a key of its own is sealed to."""
    wraps = scene.staff.tips.wraps(subjects)
    for subject in subjects:
        if found := {wrap.recipient for wrap in wraps if wrap.subject == subject}:
            yield found
