"""Answering: how an answer to the relay's call reaches the worker.

The staff process rings, the public process is told what was pressed, and they share no secret but
the marks of messages (once.py): under a one-time reference that only the call's address holds lies
what to say, and beside it whether it was taken or is over. The public process reads no tip, no
relay and no number; it tells the worker to look, by an errand sealed to it.
"""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass

from hotline.intake.once import Once
from hotline.store.database import AlreadyThere
from hotline.store.tips import Tips
from hotline.tips import Redacted
from hotline.vault.envelope import Envelope
from hotline.vault.small import random_id

REF = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, repr=False)
class Offer(Redacted):
    """What one call may say, and the digit that only somebody who listens can know."""

    relay: str
    digit: str
    type: str
    place: str
    language: str


def digit() -> str:
    return str(1 + secrets.randbelow(9))


def offer(once: Once, tips: Tips, ref: str, what: Offer) -> None:
    tips.add(once.mark("ring:" + ref, json.dumps(asdict(what)).encode()))


def offered(once: Once, ref: str) -> Offer | None:
    found = once.recall("ring:" + ref) if REF.fullmatch(ref) else None
    return Offer(**json.loads(found)) if found else None


def take(once: Once, tips: Tips, envelope: Envelope, ref: str, what: Offer) -> None:
    """A human took it, by this call. Safe to repeat. Raises Unavailable kinds: then it is not."""
    _tell(once, tips, envelope, f"ring:{ref}:taken", what)


def end(once: Once, tips: Tips, envelope: Envelope, ref: str, what: Offer) -> None:
    """The call is over, or was passed on. Safe to repeat."""
    _tell(once, tips, envelope, f"ring:{ref}:ended", what)


def _tell(once: Once, tips: Tips, envelope: Envelope, identity: str, what: Offer) -> None:
    if once.recall(identity) is not None:
        return
    look = envelope.errand("answered", random_id(), {"relay": what.relay}, urgent=True)
    with suppress(AlreadyThere):
        tips.add(once.mark(identity, b"yes"), errands=[look])


def taken(once: Once, ref: str) -> bool:
    return once.recall(f"ring:{ref}:taken") is not None


def ended(once: Once, ref: str) -> bool:
    return once.recall(f"ring:{ref}:ended") is not None


def acknowledge(once: Once, tips: Tips, envelope: Envelope, relay: bytes, person: bytes) -> None:
    """Somebody signed in has it. The first who said so is remembered."""
    look = envelope.errand("answered", random_id(), {"relay": relay.hex()}, urgent=True)
    with suppress(AlreadyThere):
        tips.add(once.mark(f"relay:{relay.hex()}:desk", person), errands=[look])


def acknowledged(once: Once, relay: bytes) -> bytes | None:
    """Who said in the console that they have it."""
    return once.recall(f"relay:{relay.hex()}:desk")
