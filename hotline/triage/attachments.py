"""Attachments: pictures and documents of a tip: shown only when asked, kept or removed by a person.

Each look leaves a mark in the audit tree. What is not kept is not forwarded; what is removed is
gone for everyone, also for those who were sent it.
"""

from __future__ import annotations

from hotline.errors import HotlineError, NotAllowed
from hotline.store.tips import Change
from hotline.tips import Body
from hotline.triage.access import SignedIn
from hotline.triage.dispositions import seal_note
from hotline.triage.opening import Attached, Bench, Opened
from hotline.vault.attachments import Card, page_of, pages_id, picture
from hotline.vault.format import Kind
from hotline.vault.keys import open_body


class FileGone(HotlineError):
    """The pages of a file that was removed."""

    code = "file_gone"
    status = 410
    message = "This file was removed."
    hint = "Somebody of the line found that it shows too much. Go on without it."


def look(bench: Bench, who: SignedIn, opened: Opened, identity: bytes, page: int) -> bytes:
    """A page of a file, from 1, or its blurred thumbnail (0), as a JPEG: after the audit tree
    knows of it (promise 11). Raises NotAllowed, FileGone, Damaged."""
    file = find(opened, identity)
    event = "file_opened" if page else "file_previewed"
    bench.audit.note(event, tip=opened.row.id.hex(), by=who.person.id.hex())
    return seen(bench, file.card, page)


def seen(bench: Bench, card: Card, page: int) -> bytes:
    """The picture that a card gives access to. Raises NotAllowed, FileGone, Damaged."""
    if not page:
        return picture(card.thumbnail)
    if page > card.pages:
        raise NotAllowed
    body = bench.tips.body(pages_id(card.id))
    if body is None:
        raise FileGone
    # The id says what it is; the row is believed nothing else.
    sealed = Body(pages_id(card.id), body.tip, Kind.ATTACHMENT, body.sealed)
    return page_of(open_body(card.key, sealed), page)


def keep(bench: Bench, who: SignedIn, opened: Opened, identity: bytes) -> None:
    """It may be forwarded with the tip. Raises NotAllowed, StaleTip."""
    find(opened, identity)
    _decided(bench, who, opened, identity, "file_kept")


def remove(bench: Bench, who: SignedIn, opened: Opened, identity: bytes) -> None:
    """Card and pages are gone for good. Raises NotAllowed, StaleTip."""
    find(opened, identity)
    _decided(bench, who, opened, identity, "file_removed", (identity, pages_id(identity)))
    bench.database.wipe_journal()


def _decided(
    bench: Bench,
    who: SignedIn,
    opened: Opened,
    identity: bytes,
    kind: str,
    drop: tuple[bytes, ...] = (),
) -> None:
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            bodies=(seal_note(bench, opened, who, kind, about=identity.hex()),),
            drop_bodies=drop,
            events=((kind, {"by": who.person.id.hex()}),),
        )
    )


def find(opened: Opened, identity: bytes) -> Attached:
    """A file of this tip. Raises NotAllowed."""
    for file in opened.files:
        if file.card.id == identity:
            return file
    raise NotAllowed
