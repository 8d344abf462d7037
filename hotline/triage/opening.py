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
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.desk import Desk, Package
from hotline.store.outbox import Outbox
from hotline.store.tips import Listed, Tips
from hotline.tips import Body, Doubt, Language, QueueKind, Redacted, queue_kind
from hotline.triage.access import Access, NoCertificate, SignedIn
from hotline.vault.content import TipContent, decode
from hotline.vault.directory import Directory
from hotline.vault.envelope import Envelope, TipKey, queue_recipient, summary_id
from hotline.vault.format import Damaged, Kind
from hotline.vault.keys import open_body


class Bench(Protocol):
    """What the desk needs of the staff line."""

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
class Addition(Redacted):
    """What the reporter added later with the receipt, still apart from the tip; or (``number``)
    the whole tip as retold by a conversation that ran on while a person rewrote it."""

    id: bytes
    text: str
    language: Language
    day: str
    doubts: tuple[Doubt, ...]
    key: bytes
    sealed: Body
    number: int = 0


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
class Note(Redacted):
    """What the desk wrote beside a tip. ``kind``: note, question, reply, close_request,
    close_refused, closed, listened or destroyed; ``reason`` is a code; ``by`` the hex id of its
    writer; ``about`` the hex id of the recording it speaks of."""

    kind: str
    text: str
    reason: str
    by: str
    day: str
    number: int
    about: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Opened(Redacted):
    """A tip in an operator's hands. ``elsewhere`` counts additions and recordings that did not
    open; ``summaries`` are those a rewriting replaces, ``included`` the last of them."""

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
    included: int = 0

    @property
    def recused(self) -> frozenset[str]:
        return frozenset(recusal.agency for recusal in self.content.decision.recused)

    @property
    def close_request(self) -> Note | None:
        """The last word on closing, when it is a request that nobody has answered."""
        said = [n for n in self.notes if n.kind in ("close_request", "close_refused", "closed")]
        return said[-1] if said and said[-1].kind == "close_request" else None


def visible(bench: Bench, who: SignedIn, tip: bytes) -> Listed:
    """The clear facts of a tip in a queue this person may open now. Raises NotAllowed."""
    row = bench.tips.one(tip)
    if row is None or row.queue not in bench.access.queues(who):
        raise NotAllowed
    return row


def read_tip(bench: Bench, who: SignedIn, tip: bytes) -> Opened:
    """Opens a tip to be read by a person: an event of the audit tree (promise 11)."""
    opened = open_tip(bench, who, tip)
    bench.audit.note("read", tip=tip.hex(), by=who.person.id.hex())
    return opened


def open_tip(bench: Bench, who: SignedIn, tip: bytes) -> Opened:
    """Raises NotAllowed, SealedElsewhere."""
    row = visible(bench, who, tip)
    bodies = bench.tips.bodies(tip)
    whole = next((body for body in bodies if body.kind == Kind.TIP), None)
    if whole is None:
        raise NotAllowed
    key = _key(bench, who, whole, [row.queue])
    content, included, retold = _told(tip, key, whole, bodies)
    additions, elsewhere = _additions(bench, who, row.queue, bodies)
    notes = _notes(key, bodies)
    recordings = _recordings(bench, who, row.queue, bodies, notes)
    return Opened(
        row=row,
        content=content,
        key=TipKey(tip, key),
        whole=whole,
        summaries=summaries_to(tip, included),
        included=included,
        additions=(*additions, *retold),
        elsewhere=elsewhere + sum(recording.key is None for recording in recordings),
        notes=notes,
        packages=tuple(bench.desk.packages_of(tip)),
        recordings=recordings,
    )


def _key(bench: Bench, who: SignedIn, body: Body, queues: Sequence[str]) -> bytes:
    """The key of a body, by the first wrap that opens, in the order of ``queues``."""
    wraps = bench.tips.wraps([body.id])
    for queue in queues:
        for wrap in (w for w in wraps if w.recipient == queue_recipient(queue)):
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
            key = _key(bench, who, body, queues)
        except SealedElsewhere:
            elsewhere += 1
            continue
        raw: dict[str, Any] = json.loads(open_body(key, body))
        doubts = tuple(Doubt(*doubt) for doubt in raw["doubts"])
        language = Language(raw["language"])
        found.append(Addition(body.id, raw["text"], language, raw["day"], doubts, key, body))
    return tuple(sorted(found, key=lambda addition: addition.day)), elsewhere


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
            key = _key(bench, who, body, queues)
        found.append(Recording(body.id, key, body, body.id.hex() in heard))
    return tuple(sorted(found, key=lambda recording: recording.id))


def _notes(key: bytes, bodies: Iterable[Body]) -> tuple[Note, ...]:
    notes = [Note(**json.loads(open_body(key, body))) for body in bodies if body.kind == Kind.NOTE]
    return tuple(sorted(notes, key=lambda note: (note.day, note.number)))


def opens_facts(queue: str) -> bool:
    """Whether a queue's tips may show type and place in clear (DESIGN §10)."""
    kind = queue_kind(queue)
    return not kind.special and kind is not QueueKind.UNRESOLVED
