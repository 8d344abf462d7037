"""Queue: counts, lists and the board of ages: clear facts only, of queues a person may open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.store.tips import Listed, Tips
from hotline.tips import Priority, State
from hotline.web.i18n import N_

PAGE = 50

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


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows, as its address says it. Unknown values are left out."""

    queue: str = ""
    state: str = "waiting"
    priority: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str], queues: Sequence[str]) -> Filter:
        def one_of(name: str, known: Sequence[str], default: str = "") -> str:
            value = args.get(name, default)
            return value if value in known else default

        return cls(
            queue=one_of("queue", queues),
            state=one_of("state", [*State, "all"], "waiting"),
            priority=one_of("priority", list(Priority)),
        )


def listed(tips: Tips, queues: Sequence[str], wanted: Filter) -> list[Listed]:
    """At most ``PAGE`` tips, most urgent and longest waiting first."""
    states = list(State) if wanted.state == "all" else [State(wanted.state)]
    priorities = [Priority(wanted.priority)] if wanted.priority else list(Priority)
    chosen = [wanted.queue] if wanted.queue else list(queues)
    return tips.queue(chosen, states, PAGE, priorities)


@dataclass(frozen=True, slots=True)
class Age:
    """One row of the board: a queue, never a person. ``oldest`` is the earliest deadline."""

    queue: str
    waiting: int
    late: int
    oldest: int


def board(tips: Tips, queues: Sequence[str], now: int) -> list[Age]:
    """Waiting tips by queue, those past their deadline, and the earliest deadline (0: none)."""
    ages = tips.ages(now)
    return [Age(queue, *ages.get(queue, (0, 0, 0))) for queue in queues]
