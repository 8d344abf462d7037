"""Lanes: which errands wait in which line, so that what is slow never stands before danger.

An outbox row carries the name of its lane, workers on Redis have one RQ queue for each, and the
embedded engine threads of its own for each.
"""

from __future__ import annotations

from dataclasses import dataclass

URGENT, OTHER = "urgent", "other"


@dataclass(frozen=True, slots=True)
class Lane:
    """``kinds`` of errands; ``threads`` the embedded engine gives it; ``why`` it stands alone."""

    name: str
    kinds: frozenset[str]
    threads: int
    why: str


# In the order in which a worker of several lanes looks at them.
LANES = (
    Lane(
        URGENT, frozenset({"relay", "answered", "late"}), 1, "danger: and whatever is marked urgent"
    ),
    Lane(
        OTHER,
        frozenset({"settle", "news", "watch", "relay_over"}),
        1,
        "short work on the line's own database",
    ),
    Lane("deliver", frozenset({"notify", "deliver"}), 4, "agencies, who may be slow or away"),
    Lane(
        "erase",
        frozenset({"erase", "forget_recording", "end_recording"}),
        1,
        "the provider, who limits how often it is called",
    ),
    Lane("recordings", frozenset({"recording", "media"}), 1, "minutes of listening each"),
)
NAMES = tuple(lane.name for lane in LANES)
_BY_KIND = {kind: lane.name for lane in LANES for kind in lane.kinds}


def lane_of(kind: str, urgent: bool = False) -> str:
    """The lane of an errand; of a kind that nobody knows, the one where it is buried soonest."""
    return URGENT if urgent else _BY_KIND.get(kind, OTHER)
