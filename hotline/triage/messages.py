"""Messages: what the desk says to a reporter: status, questions, replies, whole sentences only.

A reporter has eight slots: one for the status, which is overwritten, and seven for messages, the
oldest overwritten first. All are sealed to the receipt's key: the desk keeps its own copy as a
note under the tip's key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from hotline.errors import BadInput
from hotline.tips import Language
from hotline.vault import format as fmt
from hotline.vault.receipts import REPLY_BYTES, REPLY_SLOTS, seal_reply
from hotline.web.i18n import N_

LONGEST = 1500  # characters; a slot holds 4,092 bytes of JSON

Reply = tuple[bytes, bytes, bytes]

OUTCOMES: Mapping[str, str] = {
    "under_investigation": N_("The people who received your report are looking into it."),
    "needs_information": N_("The people who received your report would like to know more."),
    "arrest": N_("Your report led to an arrest."),
    "seizure": N_("Your report led to something being seized."),
    "rescue": N_("Your report led to people being brought to safety."),
    "prevented": N_("Your report helped to prevent a crime."),
    "known": N_("The people who received your report already know of this."),
    "unfounded": N_("Your report was checked and could not be confirmed."),
    "not_ours": N_("The body that received your report cannot act on it. We will look again."),
    "other": N_("Your report was dealt with."),
}

STATUSES: Mapping[str, str] = {
    "waiting": N_("Your report is waiting to be read."),
    "asked": N_("We have a question for you."),
    "forwarded": N_("Your report was sent to the people who can act on it."),
    "confirmed": N_("The people who can act on your report have it."),
    "transferred": N_("Your report was passed on to others who can act on it."),
    "closed": N_("Your report was read and closed."),
    "emergency": N_("This is for the emergency number. If somebody is in danger, call it now."),
    "restart": N_("We could not use your report as it came. Please send it again as a new report."),
    **OUTCOMES,
}


class TooLong(BadInput):
    """A message that does not fit its slot."""

    code = "message_too_long"
    message = "This message is too long."
    hint = "Use at most 1,500 characters, or send two messages."


class Empty(BadInput):
    """A message without words."""

    code = "message_empty"
    message = "There is no message to send."
    hint = "Write it, or choose one of the prepared sentences."


def status(lookup: bytes, key: bytes, code: str, day: str) -> Reply:
    """The status a reporter sees: a code of ``STATUSES``, in a slot of its own."""
    slot = fmt.digest(b"hotline/status" + lookup)[: fmt.ID_BYTES]
    document = {"kind": "status", "text": code, "language": "", "at": day}
    return slot, lookup, seal_reply(lookup, key, slot, json.dumps(document).encode())


def message(
    lookup: bytes,
    key: bytes,
    kind: str,
    text: str,
    language: Language,
    day: str,
    number: int,
    sign: bytes = b"",
) -> Reply:
    """A question or a reply, the ``number``-th of its tip from 0; ``sign`` is what is kept once it
    was read (see ``store.seen``). Raises Empty, TooLong."""
    text = text.strip()
    if not text:
        raise Empty
    place = bytes([number % (REPLY_SLOTS - 1)])
    slot = fmt.digest(b"hotline/message" + place + lookup)[: fmt.ID_BYTES]
    # Good enough to sort, too coarse to tell when the desk works.
    document = {"kind": kind, "text": text, "language": language, "at": f"{day}.{number:04d}"}
    document["sign"] = sign.hex()
    payload = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    if len(text) > LONGEST or len(payload) > REPLY_BYTES - 4:
        raise TooLong
    return slot, lookup, seal_reply(lookup, key, slot, payload)
