"""Sampling: a share of what was closed without being forwarded is read again by a supervisor.

Each closing draws a random number from the system, u ** (1 / weight); at the draw the highest of
each desk win. That is a weighted sample without replacement (Efraimidis and Spirakis, 2006), and
neither who closes nor who knows when the draw is can tell or move what is drawn. The reason weighs
at the closing, where it is known, so that nothing at rest has to name it.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hotline.errors import HotlineError
from hotline.store.samples import Samples
from hotline.tips import State
from hotline.triage.access import SignedIn
from hotline.triage.opening import Bench, Opened

_BITS = 53  # of a random fraction; the lot is an integer below 2 ** 53


class OwnClosing(HotlineError):
    """Whoever closed a tip, or asked to, agrees with themselves."""

    code = "own_closing"
    status = 409
    message = "You closed this tip yourself."
    hint = "Another supervisor of this queue has to read it again."


@dataclass(frozen=True, slots=True)
class Rate:
    """``share`` in percent; ``least`` tips of each desk; ``weight`` by reason."""

    share: float
    least: int
    weight: Mapping[str, float]


@cache
def rate() -> Rate:
    """sample.toml."""
    raw = tomllib.loads((files("hotline.routing") / "data/sample.toml").read_text("utf-8"))
    return Rate(raw["share"], raw["least"], raw["weight"])


def lot(reason: str) -> int:
    """The lot of a closing: 0 to 2 ** 53."""
    fraction = secrets.SystemRandom().random()
    return int(fraction ** (1 / rate().weight.get(reason, 1)) * 2**_BITS)


def how_many(closed: int) -> int:
    """Of so many closed tips of one desk, how many are drawn: the share, rounded up."""
    share = -(-closed * rate().share // 100)
    return min(closed, max(int(share), rate().least))


def draw(bench: Bench, queues: frozenset[str] | None = None, spared: Collection[bytes] = ()) -> int:
    """Draws from what was closed since the last time, of these desks or of all, but for ``spared``
    tips: planted ones, which must lead nobody to them. How many."""
    return Samples(bench.database).draw(how_many, queues, spared)


def agree(bench: Bench, who: SignedIn, opened: Opened) -> None:
    """The supervisor finds the closing right. Raises OwnClosing."""
    me = who.person.id.hex()
    if any(n.by == me for n in opened.notes if n.kind in ("closed", "close_request")):
        raise OwnClosing
    Samples(bench.database).agree(opened.row.id, who.person.id)


def drawn(bench: Bench, opened: Opened) -> bool:
    """Whether this tip waits to be read again."""
    return opened.row.state is State.CLOSED and Samples(bench.database).drawn(opened.row.id)
