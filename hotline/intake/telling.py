"""Telling: one report by form or API, received once however often it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.intake.files import Sent, cleaned
from hotline.intake.merge import strip_contact
from hotline.pipeline import Pipeline
from hotline.tips import Contact, Priority, Redacted
from hotline.vault.receipts import DIGITS


@dataclass(frozen=True, slots=True, repr=False)
class Told(Redacted):
    """What the reporter is answered. ``changed``: sent before under the same name, but with other
    content, of which nothing was stored now."""

    code: str
    urgent: bool
    types: tuple[str, ...]
    changed: bool = False


def fingerprint(content: bytes, files: Sequence[Sent] = ()) -> str:
    """64 hex digits. Kept only sealed under the name of the message, for 48 h (see once.py)."""
    told = hashlib.sha256(content)
    for file in files:
        told.update(hashlib.sha256(file.data).digest())
    return told.hexdigest()


def tell(
    pipeline: Pipeline,
    contact: Contact,
    once: str | None,
    content: bytes,
    files: Sequence[Sent] = (),
) -> Told:
    """Receives ``contact``; a repeat under the same ``once`` gives the first receipt and the same
    answer, also after a restart. ``content`` are the bytes that, with the files, tell a repeat
    from a change. Raises WrongFile; then nothing was stored."""
    print_ = fingerprint(content, files)
    # Seconds of work for a file: not again for a repeat.
    repeated = once is not None and pipeline.recall(once) is not None
    clean = () if repeated else cleaned(files)
    receipt = pipeline.receive(contact, once, lambda code: (code + print_).encode(), clean)
    if not receipt.repeated:
        return Told(receipt.code, receipt.urgent, receipt.types)
    said = receipt.answer.decode()
    tip, _ = strip_contact(contact)
    classified = pipeline.classify(tip)
    urgent = pipeline.router.decide(classified).priority is Priority.P0
    types = tuple(act.code for act in classified.classification.acts)
    return Told(said[:DIGITS], urgent, types, changed=said[DIGITS:] != print_)
