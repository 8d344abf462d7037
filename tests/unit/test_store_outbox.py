"""Store: the outbox: claimed once, back when its worker dies, counted when given up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hotline.store.database import Database
from hotline.store.outbox import LEASE_SECONDS, Outbox
from hotline.tips import Errand
from hotline.vault.small import random_id


@pytest.fixture
def outbox(migrated_url: str):
    database = Database(migrated_url)
    yield Outbox(database)
    database.close()


def errand(*, urgent: bool = False) -> Errand:
    return Errand(random_id(), "notify", random_id(), "2026-03", b"sealed", urgent)


def test_many_workers_claim_each_errand_exactly_once(outbox: Outbox) -> None:
    errands = [errand() for _ in range(24)]
    outbox.add(*errands)

    def worker(_: int) -> list[bytes]:
        return [id_ for id_ in outbox.ready(1000) if outbox.claim(id_, 1000) is not None]

    with ThreadPoolExecutor(8) as pool:
        claimed = [id_ for ids in pool.map(worker, range(8)) for id_ in ids]
    assert sorted(claimed) == sorted(e.id for e in errands)


def test_a_claim_hides_an_errand_until_the_lease_ends(outbox: Outbox) -> None:
    one = errand()
    outbox.add(one)
    assert outbox.claim(one.id, 1000) == (one, 0)
    assert outbox.ready(1000 + LEASE_SECONDS - 1) == []
    assert outbox.claim(one.id, 1000 + LEASE_SECONDS - 1) is None
    assert outbox.claim(one.id, 1000 + LEASE_SECONDS) == (one, 1), "its worker died: it comes back"


def test_done_deletes_and_adds_what_follows_in_one_commit(outbox: Outbox) -> None:
    one, more = errand(), errand()
    outbox.add(one)
    outbox.done(one.id, more)
    assert outbox.ready(0) == [more.id]
    assert outbox.claim(one.id, 1e9) is None


def test_again_waits_and_buried_stays(outbox: Outbox) -> None:
    one = errand()
    outbox.add(one)
    outbox.claim(one.id, 1000)
    outbox.again(one.id, 1030, "unreachable")
    assert outbox.ready(1029) == []
    assert outbox.ready(1030) == [one.id]
    outbox.bury(one.id, "unreachable")
    assert outbox.ready(1e9) == []
    assert outbox.claim(one.id, 1e9) is None
    assert outbox.buried() == [(one.id, "notify", "unreachable")]
    assert outbox.counts() == {("notify", "buried"): 1}
    outbox.retry(one.id)
    assert outbox.claim(one.id, 1031) == (one, 0)


def test_danger_comes_first(outbox: Outbox) -> None:
    plain, danger = errand(), errand(urgent=True)
    outbox.add(plain, danger)
    assert outbox.ready(0) == [danger.id, plain.id]
