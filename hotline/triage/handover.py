"""Handover: short notes from one shift of a queue to the next, sealed to the queue's key.

They stand on the desk of everybody who may open the queue for a day, or until one of them deletes
the note. A note belongs to no tip: what is to stay with a tip is written as a note beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from hotline.errors import BadInput, NotAllowed
from hotline.store.shift import Handover, Shift
from hotline.tips import Redacted
from hotline.triage.access import NoCertificate, SignedIn
from hotline.triage.opening import Bench
from hotline.vault import format as fmt
from hotline.vault.envelope import queue_recipient
from hotline.vault.format import Damaged

LONGEST = 500  # characters, of at most four bytes
HOUR, LIFE_SECONDS = 3600, 24 * 3600


class BadHandover(BadInput):
    """Without words, too long, or for a queue that is not one's own."""

    code = "bad_handover"
    message = "The note was not kept."
    hint = "Choose one of your queues and write at most 500 characters."


@dataclass(frozen=True, slots=True, repr=False)
class Told(Redacted):
    """A note as the next shift reads it; ``by`` is the hex id of its writer."""

    id: bytes
    queue: str
    by: str
    text: str
    until: int


def write(bench: Bench, shift: Shift, who: SignedIn, queue: str, text: str) -> None:
    """Raises BadHandover, NoKey."""
    text = text.strip()
    if queue not in bench.access.queues(who) or not 0 < len(text) <= LONGEST:
        raise BadHandover
    by = who.person.id
    identity, month, sealed = bench.envelope.handover(queue, {"by": by.hex(), "text": text})
    until = -(-(int(bench.clock.seconds()) + LIFE_SECONDS) // HOUR) * HOUR
    shift.hand_over(Handover(identity, queue, month, until, sealed), by)


def told(bench: Bench, shift: Shift, who: SignedIn, queues: Sequence[str]) -> list[Told]:
    """What was left for these queues. What does not open is left out: it is gone in a day."""
    found = []
    for one in shift.handovers(list(queues), int(bench.clock.seconds())):
        recipient = queue_recipient(one.queue)
        with suppress(Damaged, KeyError, NoCertificate):
            raw = bench.access.open_small(who, fmt.SHIFT, one.id, recipient, one.epoch, one.sealed)
            note = json.loads(raw)
            found.append(Told(one.id, one.queue, note["by"], note["text"], one.until))
    return found


def end(bench: Bench, shift: Shift, who: SignedIn, note: bytes) -> None:
    """Deletes a note of one's own queues. Raises NotAllowed."""
    queues = bench.access.queues(who)
    notes = shift.handovers(list(queues), int(bench.clock.seconds()))
    one = next((one for one in notes if one.id == note), None)
    if one is None:
        raise NotAllowed
    shift.end_handover(one, who.person.id)
