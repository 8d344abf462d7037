"""Duty: the one-time codes by which an operator on the telephone proves to be one.

The console gives a code out, the public process takes it, and they share no secret but the marks
of messages (once.py): nothing says who asked for it, and no operator's number is kept. A code has
twelve digits, works once and for ten minutes: 40 bits, each guess at the price of a call.
"""

from __future__ import annotations

import secrets

from hotline.clock import Clock
from hotline.intake.once import Once
from hotline.store.database import AlreadyThere
from hotline.store.tips import Tips

DIGITS = 12
SECONDS = 600


def give(once: Once, tips: Tips, clock: Clock) -> str:
    """A fresh code."""
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    until = int(clock.seconds()) + SECONDS
    tips.add(once.mark("duty:" + code, str(until).encode()))
    return code


def take(once: Once, tips: Tips, clock: Clock, typed: str) -> bool:
    """Whether ``typed`` is a code that is still good. It is none afterwards."""
    if not (len(typed) == DIGITS and typed.isascii() and typed.isdigit()):
        return False
    until, spent = once.recall("duty:" + typed), f"duty:{typed}:spent"
    if until is None or int(until) <= clock.seconds() or once.recall(spent) is not None:
        return False
    try:
        tips.add(once.mark(spent, b"spent"))
    except AlreadyThere:
        return False
    return True
