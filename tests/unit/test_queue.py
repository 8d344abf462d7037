"""Queue: the order of the next tip, lists and counts beside a plain model of them."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from hotline.store.database import Database
from hotline.store.tables import DeadlineRow, TipRow
from hotline.store.tips import UNDECIDED, Change, Listed, Tips
from hotline.store.waiting import Spot, Waiting, Wanted, spot_of
from hotline.tips import Priority, State
from hotline.triage.order import TURNS, by_urgency, ranked
from hotline.triage.queue import PAGE, Filter, counted, paged
from hotline.vault.small import random_id
from tests.unit.test_store_database import sealed_tip

NOW = 1_773_144_000
QUEUES = ("general:BR-RJ", "gbv:BR-RJ")


def tip(number: int, priority: str, due_at: int) -> Listed:
    return Listed(
        number.to_bytes(16, "big"),
        QUEUES[0],
        State.WAITING,
        Priority(priority),
        "2026-03",
        None,
        None,
        1,
        due_at,
    )


facts = st.tuples(st.sampled_from(list(Priority)), st.integers(NOW - 10**5, NOW + 10**5))
many = st.lists(facts, max_size=30).map(
    lambda found: [tip(number, *fact) for number, fact in enumerate(found)]
)


# The order of the next tip (triage/order.py states the rule)


@given(many, st.integers(0, 50))
def test_everything_is_offered_once_and_danger_first(free: list[Listed], pulled: int) -> None:
    order = ranked([], free, pulled=pulled, now=NOW)
    assert sorted(order, key=by_urgency) == sorted(free, key=by_urgency)
    dangers = sum(one.priority is Priority.P0 for one in free)
    assert all(one.priority is Priority.P0 for one in order[:dangers])


@given(many, many, st.integers(0, 50))
def test_what_is_held_comes_before_anything_but_danger(
    held: list[Listed], others: list[Listed], pulled: int
) -> None:
    free = [tip(1000 + n, one.priority, one.due_at) for n, one in enumerate(others)]
    first = ranked(held, free, pulled=pulled, now=NOW)[:1]
    if first and held and first[0].priority is not Priority.P0:
        assert first[0] in held


@given(many, st.integers(0, 50))
def test_urgency_decides_but_for_each_fourth(free: list[Listed], pulled: int) -> None:
    order = ranked([], free, pulled=pulled, now=NOW)
    if pulled % TURNS != TURNS - 1:
        assert order == sorted(free, key=by_urgency)
        return
    calm = [one for one in free if one.priority is not Priority.P0]
    late = [one for one in calm if one.due_at <= NOW]
    if late and len(calm) == len(free):
        assert order[0].due_at == min(one.due_at for one in late)


@given(many, st.integers(0, TURNS - 1), st.integers(600, 1800))
def test_no_tip_starves_beside_an_endless_stream_of_urgent_ones(
    backlog: list[Listed], pulled: int, every: int
) -> None:
    """A P1 comes with each pull, so urgency alone would never reach the backlog."""
    waiting = [one for one in backlog if one.priority is not Priority.P0]
    old, now = {one.id for one in waiting}, NOW
    due_last = max((one.due_at for one in waiting), default=NOW)
    flood = max(due_last - NOW, 0) // every + 2  # pulls until the last of them is late
    for turn in range(flood + TURNS * (len(waiting) + flood + 2)):
        waiting.append(tip(10_000 + turn, "P1", now + 1800))
        chosen = ranked([], waiting, pulled=pulled + turn, now=now)[0]
        waiting.remove(chosen)
        old.discard(chosen.id)
        now += every
        if not old:
            break
    assert not old


# Lists and counts


@pytest.fixture
def database(migrated_url: str):
    database = Database(migrated_url)
    yield database
    database.close()


def filled(database: Database, count: int = 400) -> list[Listed]:
    """Tips of two queues in every state, with few different deadlines, so that ids decide."""
    draw = random.Random(3)
    tips, due = [], []
    for _ in range(count):
        row = {
            "id": draw.randbytes(16),
            "queue": draw.choice(QUEUES),
            "state": draw.choice([*State, State.WAITING, State.WAITING]).value,
            "priority": draw.choice(list(Priority)).value,
            "month": "2026-03",
        }
        tips.append(row)
        if row["state"] in UNDECIDED:
            at = NOW + 3600 * draw.randrange(-200, 30)
            part = {name: row[name] for name in ("queue", "state", "priority")}
            due.append({"tip": row["id"], "due_at": at, **part})
    database.write(lambda c: (c.execute(insert(TipRow), tips), c.execute(insert(DeadlineRow), due)))
    return Tips(database).queue(QUEUES, list(State), count)


CASES = [
    Filter(),
    Filter(state="all"),
    Filter(state="all", sort="deadline"),
    Filter(state="forwarded", priority="P3"),
    Filter(sort="deadline", queue=QUEUES[1]),
    Filter(late="24", sort="deadline"),
    Filter(late="0", priority="P2"),
    Filter(state="closed", late="0"),
]


def test_pages_forwards_and_backwards_are_the_list(database: Database) -> None:
    everything, waiting = filled(database), Waiting(database)
    for wanted in CASES:
        urgent = wanted.sort == "urgency"
        model = sorted(
            (row for row in everything if wanted.fits(row, QUEUES, NOW)),
            key=lambda row, urgent=urgent: spot_of(row, by_priority=urgent),
        )
        page, seen, pages = paged(waiting, QUEUES, wanted, [], NOW), [], []
        assert not page.earlier
        while True:
            seen += page.rows
            pages.append([row.id for row in page.rows])
            if not page.later:
                break
            page = opened(waiting, page.later)
            assert page.rows, "a next page that is empty"
        assert [row.id for row in seen] == [row.id for row in model], wanted
        for before in reversed(pages[:-1]):
            page = opened(waiting, page.earlier)
            assert [row.id for row in page.rows] == before


def opened(waiting: Waiting, address: str):
    from urllib.parse import parse_qsl, urlsplit

    args = dict(parse_qsl(urlsplit(address).query))
    return paged(waiting, QUEUES, Filter.read(args, QUEUES), [], NOW)


def test_counts_are_what_the_lists_hold(database: Database) -> None:
    everything, waiting = filled(database), Waiting(database)
    groups, mine = waiting.groups(NOW), everything[:7]
    for wanted in (*CASES, Filter(mine="yes", state="all")):
        among = mine if wanted.mine else everything
        model = sum(wanted.fits(row, QUEUES, NOW) for row in among)
        assert counted(waiting, QUEUES, wanted, groups, mine, NOW) == model, wanted
    assert waiting.count(Wanted(QUEUES, list(State)), 5) == 5
    assert sum(group.count for group in groups) == sum(r.state in UNDECIDED for r in everything)


def test_a_tip_beside_the_spot_is_neither_repeated_nor_skipped_when_others_go(
    database: Database,
) -> None:
    filled(database)
    waiting, tips = Waiting(database), Tips(database)
    first = paged(waiting, QUEUES, Filter(), [], NOW)
    expected = [row.id for row in opened(waiting, first.later).rows]
    for row in first.rows[: PAGE // 2]:
        tips.apply(Change(row.id, row.version, state=State.CLOSED))
    assert [row.id for row in opened(waiting, first.later).rows] == expected


@pytest.mark.parametrize("codes", [filter.codes for filter in CASES])
def test_an_address_says_the_filter_and_nothing_else(codes: str) -> None:
    from urllib.parse import parse_qsl

    read = Filter.read({**dict(parse_qsl(codes)), "text": "x", "done": "none"}, QUEUES)
    assert read.codes == codes
    assert Filter.read({"state": "x", "priority": "P9", "queue": "other", "late": "x"}, QUEUES) == (
        Filter()
    )


@pytest.mark.parametrize("spot", ["", "x", "1.2", "1.2.zz", "1.2.aa", f"1.{'9' * 40}.{'a' * 32}"])
def test_a_spot_that_is_none_is_the_first_page(spot: str) -> None:
    assert Filter.read({"after": spot}, QUEUES).after is None


def test_the_deadline_of_a_tip_says_what_the_tip_says(database: Database) -> None:
    """Whatever is changed, in the same commit: the desk lists by it."""
    tips, draw = Tips(database), random.Random(5)
    stored = [sealed_tip() for _ in range(6)]
    for one in stored:
        tips.store(one)
    for _ in range(120):
        row = tips.one(draw.choice(stored).id)
        state = draw.choice([None, *State])
        undecided = state in UNDECIDED
        change = Change(
            row.id,
            row.version,
            queue=draw.choice([None, *QUEUES]),
            state=state,
            priority=draw.choice([None, *Priority]),
            due_at=draw.choice([None, NOW]) if undecided else None,
        )
        tips.apply(change)
        told = select(TipRow.id, TipRow.queue, TipRow.state, TipRow.priority)
        index = select(DeadlineRow.tip, DeadlineRow.queue, DeadlineRow.state, DeadlineRow.priority)
        with database.read() as connection:
            open_ = {tuple(r) for r in connection.execute(told) if r.state in UNDECIDED}
            assert {tuple(r) for r in connection.execute(index)} == open_


def test_spots_order_as_the_list_does() -> None:
    rows = [tip(n, priority, NOW + n % 3) for n, priority in enumerate([*Priority] * 4)]
    spots = sorted(spot_of(row) for row in rows)
    assert all(one < other for one, other in pairwise(spots))
    assert Spot(0, 1, random_id()) < Spot(0, 2, bytes(16))
