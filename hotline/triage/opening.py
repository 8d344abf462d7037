"""Opening: a sealed tip becomes readable in the session of a person who may read it.

Session seed → epoch seed of the queue → tip key → body. Whoever may not open a tip's queue gets
the same answer as for a tip that does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from hotline.clock import Clock
from hotline.errors import HotlineError, NotAllowed
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.route import Router
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.desk import Desk, Package
from hotline.store.outbox import Outbox
from hotline.store.tips import Listed, Tips
from hotline.tips import (
    HOLD,
    Body,
    Doubt,
    Language,
    QueueKind,
    Recusal,
    Redacted,
    Tip,
    queue_kind,
)
from hotline.triage.access import Access, NoCertificate, SignedIn
from hotline.vault.attachments import Card, read_card
from hotline.vault.content import TipContent, decode, decode_tip
from hotline.vault.directory import Directory
from hotline.vault.envelope import Envelope, TipKey, queue_recipient, summary_id
from hotline.vault.format import Damaged, Kind
from hotline.vault.keys import open_body


class Bench(Protocol):
    """What the desk needs of the staff line."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def places(self) -> Places: ...
    @property
    def types(self) -> Types: ...
    @property
    def router(self) -> Router: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def envelope(self) -> Envelope: ...
    @property
    def tips(self) -> Tips: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def access(self) -> Access: ...
    @property
    def audit_key(self) -> bytes: ...


class SealedElsewhere(HotlineError):
    """No wrap of this body opens with the keys of this session."""

    code = "sealed_elsewhere"
    status = 409
    message = "This tip is sealed to keys that you do not hold."
    hint = "Tell an officer: the tip may just be moving to another queue."


@dataclass(frozen=True, slots=True, repr=False)
class Heard(Redacted):
    """What a machine heard in a recording: how sure it was (0 to 1), what stripping found beside
    the words, and whom they keep from learning of the tip."""

    confidence: float
    tip: Tip
    recused: tuple[Recusal, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Addition(Redacted):
    """What the reporter added later with the receipt, still apart from the tip; what a machine
    heard (``machine``) in a recording; or (``number``) the whole tip as retold by a conversation
    that ran on while a person rewrote it. ``refused`` is the code of why a file was not taken."""

    id: bytes
    text: str
    language: Language
    day: str
    doubts: tuple[Doubt, ...]
    key: bytes
    sealed: Body
    number: int = 0
    machine: Heard | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Recording(Redacted):
    """A caller's voice, sealed until somebody has typed what was said. ``key`` is None when it is
    sealed to a queue that this person cannot open."""

    id: bytes
    key: bytes | None
    sealed: Body
    heard: bool

    @property
    def waits(self) -> bool:
        """Whether this person could hear it and nobody has."""
        return self.key is not None and not self.heard


@dataclass(frozen=True, slots=True, repr=False)
class Attached(Redacted):
    """A picture or document that came with a tip; its pages stay sealed. ``own`` is the key of a
    card that came later, sealed apart from the tip; ``kept``: to be forwarded with the tip."""

    card: Card
    sealed: Body
    own: bytes | None
    kept: bool


@dataclass(frozen=True, slots=True, repr=False)
class Note(Redacted):
    """What the desk wrote beside a tip. ``kind``: note, question, reply, close_request,
    close_refused, closed, second_reader, checked, listened, destroyed, file_kept, file_removed or
    language; ``reason`` is a code; ``by`` the hex id of its writer; ``about`` the hex id of the
    recording or file it speaks of, the kind of a closing or, of a question or reply, the sign that
    it was read."""

    kind: str
    text: str
    reason: str
    by: str
    day: str
    number: int
    about: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Said(Redacted):
    """What a body said of a package: a code of its outcomes, or ``transferred``; ``band`` how many
    people or things, ``question`` what it would ask the reporter, ``to`` whom it passed it on to.
    ``key`` is its own, for whoever seals it to another desk."""

    package: str
    agency: str
    code: str
    band: str
    question: str
    to: str
    day: str
    number: int
    key: bytes
    sealed: Body


@dataclass(frozen=True, slots=True, repr=False)
class Opened(Redacted):
    """A tip in an operator's hands. ``elsewhere`` counts additions, recordings and files that did
    not open; ``summaries`` are those a rewriting replaces, ``included`` the last of them. ``held``
    whether it is under legal hold, ``unheld`` how many additions to it are not."""

    row: Listed
    content: TipContent
    key: TipKey
    whole: Body
    summaries: tuple[bytes, ...]
    additions: tuple[Addition, ...]
    elsewhere: int
    notes: tuple[Note, ...]
    packages: tuple[Package, ...]
    recordings: tuple[Recording, ...] = ()
    files: tuple[Attached, ...] = ()
    said: tuple[Said, ...] = ()
    included: int = 0
    held: bool = False
    unheld: int = 0

    @property
    def recusals(self) -> tuple[Recusal, ...]:
        """Who must not learn of the tip, by the tip itself and by what a machine heard beside."""
        found = {recusal.agency: recusal for recusal in self.content.decision.recused}
        for heard in (addition.machine for addition in self.additions):
            for recusal in heard.recused if heard else ():
                found.setdefault(recusal.agency, recusal)
        return tuple(found.values())

    @property
    def recused(self) -> frozenset[str]:
        return frozenset(recusal.agency for recusal in self.recusals)

    @property
    def close_request(self) -> Note | None:
        """The last word on closing, when it is a request that nobody has answered."""
        said = [n for n in self.notes if n.kind in ("close_request", "close_refused", "closed")]
        return said[-1] if said and said[-1].kind == "close_request" else None

    @property
    def needed_second(self) -> bool:
        """Whether it once could not be closed by one person, whatever it is called now."""
        return any(note.kind == "second_reader" for note in self.notes)

    @property
    def closed_for(self) -> str:
        """The reason for which it was closed last, or an empty text."""
        return next((n.reason for n in reversed(self.notes) if n.kind == "closed"), "")


def visible(bench: Bench, who: SignedIn, tip: bytes) -> Listed:
    """The clear facts of a tip in a queue this person may open now. Raises NotAllowed."""
    row = bench.tips.one(tip)
    if row is None or row.queue not in bench.access.queues(who):
        raise NotAllowed
    return row


def read_tip(bench: Bench, who: SignedIn, tip: bytes) -> Opened:
    """Opens a tip to be read by a person: an event of the audit tree (promise 11). At its first
    opening, and when it has changed since, a sketch of it is kept."""
    from hotline.triage.destinations import hush
    from hotline.triage.sketches import keep  # which is about opened tips

    opened = open_tip(bench, who, tip)
    bench.audit.note("read", tip=tip.hex(), by=who.person.id.hex())
    hush(bench, opened)
    keep(bench, who, opened)
    return opened


def open_tip(bench: Bench, who: SignedIn, tip: bytes) -> Opened:
    """Raises NotAllowed, SealedElsewhere."""
    row = visible(bench, who, tip)
    bodies = bench.tips.bodies(tip, without=(Kind.ATTACHMENT,))
    whole = next((body for body in bodies if body.kind == Kind.TIP), None)
    if whole is None:
        raise NotAllowed
    key = body_key(bench, who, whole, [row.queue])
    content, included, retold = _told(tip, key, whole, bodies)
    additions, elsewhere = _additions(bench, who, row.queue, bodies)
    notes = _notes(key, bodies)
    recordings = _recordings(bench, who, row.queue, bodies, notes)
    files, shut = _files(bench, who, row.queue, key, bodies, notes)
    elsewhere += shut + sum(recording.key is None for recording in recordings)
    apart = apart_of(bench, bodies)
    held = tip in apart and HOLD in apart[tip]
    return Opened(
        row=row,
        content=content,
        key=TipKey(tip, key),
        whole=whole,
        summaries=summaries_to(tip, included),
        included=included,
        additions=(*additions, *retold),
        elsewhere=elsewhere,
        notes=notes,
        packages=tuple(bench.desk.packages_of(tip)),
        recordings=recordings,
        files=files,
        said=_said(bench, who, row.queue, bodies),
        held=held,
        unheld=sum(HOLD not in recipients for recipients in apart.values()) if held else 0,
    )


_HELD = (Kind.TIP, Kind.SUMMARY, Kind.SUPPLEMENT, Kind.CARD)


def apart_of(bench: Bench, bodies: Iterable[Body]) -> dict[bytes, set[str]]:
    """Whom each part of a tip that has a key of its own is sealed to, by the part's id. Not what
    a legal hold leaves alone: recordings, which end within 72 hours whatever a court wants kept,
    because a voice is the reporter; and packages, which are sealed to others."""
    kept = [body.id for body in bodies if body.kind in _HELD]
    found: dict[bytes, set[str]] = {}
    for wrap in bench.tips.wraps(kept):
        found.setdefault(wrap.subject, set()).add(wrap.recipient)
    return found


def body_key(bench: Bench, who: SignedIn, body: Body, queues: Sequence[str]) -> bytes:
    """The key of a body, by the first wrap that opens, in the order of ``queues``; the hold key
    comes last, for a tip that outlives its queue's month. Raises SealedElsewhere."""
    wraps = bench.tips.wraps([body.id])
    for recipient in (*map(queue_recipient, queues), HOLD):
        for wrap in (w for w in wraps if w.recipient == recipient):
            try:
                return bench.access.open_wrap(who, wrap, body)
            except (Damaged, KeyError, NoCertificate):
                continue
    raise SealedElsewhere


def _told(
    tip: bytes, key: bytes, whole: Body, bodies: Iterable[Body]
) -> tuple[TipContent, int, tuple[Addition, ...]]:
    """The tip as it stands, the last summary in it, and what came after a person rewrote it.

    A running conversation writes the whole tip again with each answer and knows nothing of what a
    person changed. So once somebody has, what comes later stands beside the tip and not over it."""
    found = {body.id: body for body in bodies if body.kind == Kind.SUMMARY}
    numbered = {n: found[i] for n in range(1, 256) if (i := summary_id(tip, n)) in found}
    base, last = decode(open_body(key, whole)), max(numbered, default=0)
    if base.included is None:
        return (decode(open_body(key, numbered[last])) if last else base), last, ()
    if last <= base.included:
        return base, base.included, ()
    later = decode(open_body(key, numbered[last]))
    retold = Addition(
        numbered[last].id,
        later.tip.words,
        later.tip.language,
        later.day,
        later.tip.doubts,
        key,
        numbered[last],
        last,
    )
    return base, base.included, (retold,)


def summaries_to(tip: bytes, number: int) -> tuple[bytes, ...]:
    """The ids of a tip's summaries up to a number."""
    return tuple(summary_id(tip, n) for n in range(1, number + 1))


def _additions(
    bench: Bench, who: SignedIn, queue: str, bodies: Iterable[Body]
) -> tuple[tuple[Addition, ...], int]:
    """A stray may be sealed to the queue the tip was in when it came: any queue this person may
    open will do, the tip's own first."""
    found, elsewhere = [], 0
    queues = [queue, *(q for q in bench.access.queues(who) if q != queue)]
    for body in bodies:
        if body.kind != Kind.SUPPLEMENT:
            continue
        try:
            key = body_key(bench, who, body, queues)
        except SealedElsewhere:
            elsewhere += 1
            continue
        raw: dict[str, Any] = json.loads(open_body(key, body))
        doubts = tuple(Doubt(*doubt) for doubt in raw["doubts"])
        language = Language(raw["language"])
        machine = _heard(raw["machine"]) if "machine" in raw else None
        found.append(
            Addition(
                body.id,
                raw["text"],
                language,
                raw["day"],
                doubts,
                key,
                body,
                machine=machine,
                refused=raw.get("refused", ""),
            )
        )
    return tuple(sorted(found, key=lambda addition: addition.day)), elsewhere


def _heard(raw: dict[str, Any]) -> Heard:
    recused = tuple(Recusal(*recusal) for recusal in raw["recused"])
    return Heard(raw["confidence"], decode_tip(raw["tip"]), recused)


def _recordings(
    bench: Bench, who: SignedIn, queue: str, bodies: Iterable[Body], notes: Iterable[Note]
) -> tuple[Recording, ...]:
    """The voices kept with a tip, each with its key; the sound itself stays sealed."""
    heard = {note.about for note in notes if note.kind == "listened"}
    queues = [queue, *(q for q in bench.access.queues(who) if q != queue)]
    found = []
    for body in (b for b in bodies if b.kind == Kind.RECORDING):
        key = None
        with suppress(SealedElsewhere):
            key = body_key(bench, who, body, queues)
        found.append(Recording(body.id, key, body, body.id.hex() in heard))
    return tuple(sorted(found, key=lambda recording: recording.id))


def _files(
    bench: Bench,
    who: SignedIn,
    queue: str,
    key: bytes,
    bodies: Iterable[Body],
    notes: Iterable[Note],
) -> tuple[tuple[Attached, ...], int]:
    """The files of a tip by their cards, and how many did not open. A card that came with the tip
    has the tip's key; one that came later is sealed to a queue like an addition."""
    kept = {note.about for note in notes if note.kind == "file_kept"}
    queues = [queue, *(q for q in bench.access.queues(who) if q != queue)]
    cards = [body for body in bodies if body.kind == Kind.CARD]
    apart = {wrap.subject for wrap in bench.tips.wraps([body.id for body in cards])}
    found, shut = [], 0
    for body in cards:
        try:
            own = body_key(bench, who, body, queues) if body.id in apart else None
        except SealedElsewhere:
            shut += 1
            continue
        card = read_card(body.id, open_body(own or key, body))
        found.append(Attached(card, body, own, body.id.hex() in kept))
    return tuple(sorted(found, key=lambda file: file.sealed.id)), shut


def read_said(key: bytes, body: Body) -> Said:
    """Raises Damaged."""
    raw: dict[str, Any] = json.loads(open_body(key, body))
    return Said(**raw, key=key, sealed=body)


def _said(bench: Bench, who: SignedIn, queue: str, bodies: Iterable[Body]) -> tuple[Said, ...]:
    """What bodies said of their packages, as far as this person's keys open it."""
    queues = [queue, *(q for q in bench.access.queues(who) if q != queue)]
    found = []
    for body in (b for b in bodies if b.kind == Kind.ANSWER):
        with suppress(SealedElsewhere):
            found.append(read_said(body_key(bench, who, body, queues), body))
    return tuple(sorted(found, key=lambda said: (said.day, said.number)))


def _notes(key: bytes, bodies: Iterable[Body]) -> tuple[Note, ...]:
    notes = [Note(**json.loads(open_body(key, body))) for body in bodies if body.kind == Kind.NOTE]
    return tuple(sorted(notes, key=lambda note: (note.day, note.number)))


def opens_facts(queue: str) -> bool:
    """Whether a queue's tips may show type and place in clear (DESIGN §10)."""
    kind = queue_kind(queue)
    return not kind.special and kind is not QueueKind.UNRESOLVED
