"""Lanes: what is slow never stands before danger."""

from __future__ import annotations

import io
import threading

import pytest

from hotline.clock import Clock
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.runner import Runner, Task
from hotline.lanes import LANES, NAMES, OTHER, URGENT, lane_of
from hotline.log import Log
from hotline.store.database import Database
from hotline.store.outbox import Outbox
from hotline.tips import Errand
from hotline.vault.small import random_id

PATIENCE = 90.0  # seconds


def errand(kind: str, *, urgent: bool = False) -> Errand:
    return Errand(random_id(), kind, random_id(), "2026-03", b"sealed", urgent)


@pytest.fixture
def outbox(migrated_url: str):
    database = Database(migrated_url)
    yield Outbox(database)
    database.close()


def test_a_kind_has_one_lane_and_what_is_urgent_its_own() -> None:
    kinds = [kind for lane in LANES for kind in lane.kinds]
    assert len(kinds) == len(set(kinds))
    assert NAMES[0] == URGENT, "workers look at danger first"
    assert {lane_of(kind, urgent=True) for kind in kinds} == {URGENT}
    assert lane_of("unheard_of") == OTHER


def test_a_lane_gives_its_own_errands_only(outbox: Outbox) -> None:
    slow, danger = errand("deliver"), errand("deliver", urgent=True)
    outbox.add(slow, danger)
    assert outbox.ready(0, lane="deliver") == [slow.id]
    assert outbox.ready(0, lane=URGENT) == [danger.id]
    assert outbox.ready(0) == [danger.id, slow.id]
    assert outbox.waiting() == {("deliver", "ready"): 1, (URGENT, "ready"): 1}


def test_danger_is_told_while_everything_else_hangs(outbox: Outbox) -> None:
    told, over = threading.Event(), threading.Event()

    def hang(_: Errand) -> tuple[Errand, ...]:
        over.wait(PATIENCE)
        return ()

    def tell(_: Errand) -> tuple[Errand, ...]:
        told.set()
        return ()

    slow = [kind for lane in LANES if lane.name != URGENT for kind in lane.kinds]
    tasks = {kind: Task(hang, ()) for kind in slow} | {"relay": Task(tell, ())}
    clock = Clock()
    jobs = EmbeddedJobs(Runner(outbox, clock, tasks, Log(clock, public=False, out=io.StringIO())))
    outbox.add(*[errand(kind) for kind in slow for _ in range(200)])
    jobs.start()
    try:
        outbox.add(errand("relay", urgent=True))
        assert told.wait(PATIENCE)
    finally:
        over.set()
        jobs.stop(PATIENCE)


def test_what_was_given_up_is_shown_by_kind_and_tried_again(outbox: Outbox) -> None:
    day = 86_400
    for kind, problem, at in (
        ("deliver", "unreachable", 3 * day + 5),
        ("deliver", "unreachable", 2 * day + 7),
        ("erase", "provider_20003", 9 * day),
    ):
        one = errand(kind)
        outbox.add(one)
        outbox.bury(one.id, problem, at)
    assert outbox.given_up() == [
        ("deliver", "unreachable", 2, 2 * day),
        ("erase", "provider_20003", 1, 9 * day),
    ]
    assert outbox.retry_all("deliver", "forged") == 0
    assert outbox.retry_all("deliver", "unreachable") == 2
    assert outbox.retry_all() == 1
    assert outbox.given_up() == []
    assert len(outbox.ready(0)) == 3
