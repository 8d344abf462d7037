"""Queue: lists by address, what is counted beside them, the board of ages: clear facts only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from hotline.store.tips import UNDECIDED, Listed
from hotline.store.waiting import Group, Spot, Waiting, Wanted, spot_of
from hotline.tips import Priority, State
from hotline.web.i18n import N_

PAGE = 50
COUNT_MOST = 1000  # decided tips are millions: nobody needs to know how many exactly

QUEUE_NAMES = {
    "general": N_("General desk"),
    "gbv": N_("Violence against women"),
    "trafficking": N_("Trafficking in persons"),
    "children": N_("Children and adolescents"),
    "integrity": N_("Integrity"),
    "vulnerable": N_("Vulnerable people"),
    "environment": N_("Environment"),
    "unresolved": N_("To be clarified"),
}
STATE_NAMES = {
    "open": N_("still being told"),
    "waiting": N_("waiting"),
    "forwarded": N_("forwarded"),
    "closed": N_("closed"),
}
PRIORITY_NAMES = {
    "P0": N_("Danger now"),
    "P1": N_("Within 30 minutes"),
    "P2": N_("Within 4 hours"),
    "P3": N_("Within 24 hours"),
    "P4": N_("Within 3 days"),
}


# How long a tip is late, in hours. When it came is not kept anywhere, only when it is due.
LATE_NAMES = {
    "0": N_("late"),
    "24": N_("late by a day"),
    "72": N_("late by three days"),
    "168": N_("late by a week"),
}
SORT_NAMES = {"urgency": N_("most urgent first"), "deadline": N_("first deadline first")}
STATES = ("waiting", "open", "forwarded", "closed", "all")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows, as its address says it. Unknown values are left out.

    ``after`` and ``before`` are places between two pages (``0.1773147600.<id>``): unlike page
    numbers they neither skip nor repeat a tip when others come and go, and cost the same anywhere.
    They are no part of a saved view."""

    queue: str = ""
    state: str = "waiting"
    priority: str = ""
    late: str = ""
    mine: str = ""
    sort: str = "urgency"
    after: Spot | None = None
    before: Spot | None = None

    @classmethod
    def read(cls, args: Mapping[str, str], queues: Sequence[str]) -> Filter:
        def one_of(name: str, known: Sequence[str], default: str = "") -> str:
            value = args.get(name, default)
            return value if value in known else default

        return cls(
            queue=one_of("queue", queues),
            state=one_of("state", STATES, "waiting"),
            priority=one_of("priority", list(Priority)),
            late=one_of("late", list(LATE_NAMES)),
            mine=one_of("mine", ["yes"]),
            sort=one_of("sort", list(SORT_NAMES), "urgency"),
            after=_spot(args.get("after", "")),
            before=_spot(args.get("before", "")),
        )

    @property
    def codes(self) -> str:
        """The filter as an address has it, without the page: what a saved view keeps."""
        plain = Filter()
        names = ("queue", "state", "priority", "late", "mine", "sort")
        given = {name: getattr(self, name) for name in names}
        return urlencode({n: v for n, v in given.items() if v != getattr(plain, n)})

    def page(self, *, after: Spot | None = None, before: Spot | None = None) -> str:
        """The address of another page of the same list."""
        spot = after or before
        name = "after" if after else "before"
        place = f"{name}={spot.rank}.{spot.due_at}.{spot.tip.hex()}" if spot else ""
        return "?".join(("/tips", "&".join(filter(None, (self.codes, place)))))

    def wanted(self, queues: Sequence[str], now: int) -> Wanted:
        return Wanted(
            queues=[self.queue] if self.queue else list(queues),
            states=list(State) if self.state == "all" else [State(self.state)],
            priorities=[Priority(self.priority)] if self.priority else list(Priority),
            due_by=now - int(self.late) * 3600 if self.late else None,
        )

    def fits(self, row: Listed, queues: Sequence[str], now: int) -> bool:
        """Whether a row is one that this filter wants."""
        wanted = self.wanted(queues, now)
        late = wanted.due_by is None or (row.state in UNDECIDED and row.due_at <= wanted.due_by)
        here = row.queue in wanted.queues and row.priority in wanted.priorities
        return late and here and row.state in wanted.states


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; ``earlier`` and ``later`` are addresses, or empty."""

    rows: list[Listed]
    earlier: str
    later: str


def paged(
    waiting: Waiting, queues: Sequence[str], wanted: Filter, mine: Sequence[bytes], now: int
) -> Page:
    """``mine``: the tips this person holds."""
    urgent = wanted.sort == "urgency"
    if wanted.mine:  # a handful
        found = [row for row in waiting.some(mine) if wanted.fits(row, queues, now)]
        return Page(sorted(found, key=lambda row: spot_of(row, by_priority=urgent)), "", "")
    rows = waiting.page(
        wanted.wanted(queues, now),
        PAGE + 1,
        by_priority=urgent,
        after=wanted.after,
        before=wanted.before,
    )
    more, back = len(rows) > PAGE, wanted.before is not None
    rows = rows[-PAGE:] if back else rows[:PAGE]
    if not rows:
        return Page([], wanted.page() if wanted.after or back else "", "")
    first, last = (spot_of(row, by_priority=urgent) for row in (rows[0], rows[-1]))
    earlier = wanted.page(before=first) if (more if back else wanted.after) else ""
    return Page(rows, earlier, wanted.page(after=last) if back or more else "")


def counted(
    waiting: Waiting,
    queues: Sequence[str],
    wanted: Filter,
    groups: Sequence[Group],
    mine: Sequence[Listed],
    now: int,
) -> int:
    """How many tips a view has, at most ``COUNT_MOST`` of decided ones. ``groups`` are of the
    whole desk: most views are sums of them."""
    if wanted.mine:
        return sum(wanted.fits(row, queues, now) for row in mine)
    seen = wanted.wanted(queues, now)
    decided = [state for state in seen.states if state not in UNDECIDED]
    if wanted.late not in ("", "0"):
        return waiting.count(seen, 1 << 30)
    total = sum(
        group.late if wanted.late else group.count
        for group in groups
        if group.queue in seen.queues
        and group.state in seen.states
        and group.priority in seen.priorities
    )
    if decided and not wanted.late:
        total += waiting.count(replace(seen, states=decided), COUNT_MOST)
    return total


def _spot(text: str) -> Spot | None:
    rank, _, rest = text.partition(".")
    due, _, tip = rest.partition(".")
    try:
        spot = Spot(int(rank), int(due), bytes.fromhex(tip))
    except ValueError:
        return None
    return spot if len(spot.tip) == 16 and abs(spot.due_at) < 1 << 62 else None


@dataclass(frozen=True, slots=True)
class Age:
    """One row of the board: a queue and, with ``priority``, one of its priorities; never a person.
    ``oldest`` is the earliest deadline, 0 without one."""

    queue: str
    priority: str
    waiting: int
    late: int
    oldest: int


def board(groups: Sequence[Group], queues: Sequence[str]) -> list[Age]:
    """Undecided tips by queue, those past their deadline, and the earliest deadline."""
    return [_age(queue, "", [g for g in groups if g.queue == queue]) for queue in queues]


def ages(groups: Sequence[Group], queue: str) -> list[Age]:
    """The same of one queue by priority, without empty ones."""
    mine = [group for group in groups if group.queue == queue]
    by = {p: [g for g in mine if g.priority is p] for p in Priority}
    return [_age(queue, priority, found) for priority, found in by.items() if found]


def _age(queue: str, priority: str, groups: Sequence[Group]) -> Age:
    oldest = min((group.oldest for group in groups), default=0)
    late = sum(group.late for group in groups)
    return Age(queue, priority, sum(group.count for group in groups), late, oldest)
