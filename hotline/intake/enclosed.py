"""Enclosed: the files of a text message: what they leave to be done, and how a tip tells of them.

Nothing is fetched here: the public process puts down what the provider keeps, sealed to the worker,
in the commit that stores the words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from hotline.tips import Contact, Doubt, Errand, Language, Tip
from hotline.vault.envelope import Envelope
from hotline.vault.small import random_id

# While the conversation runs the queue may still change, and what is sealed to one cannot be read
# by the other. The longest conversation and the time until its closer comes; then nobody waits.
LONGEST_TALK = 2 * 3600 + 600
BARRED = "barred"  # in place of a file's own reason


def errands(envelope: Envelope, contact: Contact, tip: bytes, language: Language) -> list[Errand]:
    """Fetches each file and has the provider forget everything else of the contact: the message,
    with which its files would go, after they are fetched."""
    until = int(envelope.clock.seconds()) + LONGEST_TALK
    fetches = [
        envelope.errand(
            "media",
            random_id(),
            {
                "tip": tip.hex(),
                "message": media.message,
                "media": media.sid,
                "type": media.type,
                "channel": contact.channel,
                "language": language,
                "until": str(until),
            },
        )
        for media in contact.media
    ]
    taken = {media.sid for media in contact.media}
    rest = (trace for trace in contact.traces if trace.sid not in taken)
    return [*fetches, *(envelope.erasure(trace, fetches) for trace in rest)]


def supplement(
    text: str, language: Language, doubts: Sequence[Doubt], day: str, refused: str = ""
) -> bytes:
    """Words that come to a tip later, as ``opening.Addition`` reads them; ``refused`` is why a
    file that came with them was not taken."""
    document = {
        "text": text,
        "language": language,
        "doubts": [[d.token, d.kind, d.reason, d.text] for d in doubts],
        "day": day,
    }
    if refused:
        document["refused"] = refused
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def told_later(tip: Tip, day: str, *, barred: bool) -> bytes | None:
    """What a stripped message adds to a tip in words; None when it brings files only."""
    if not (tip.words or tip.ticked or barred):
        return None
    return supplement(tip.words, tip.language, tip.doubts, day, BARRED if barred else "")


def barred_mark(tip: bytes) -> str:
    """By which the worker learns that a conversation turned out to be one that may bring no
    files, after it had brought some."""
    return f"{BARRED}:{tip.hex()}"
