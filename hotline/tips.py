"""Tips: the words of the trade as types. Types change when guarantees change.

``Contact`` may hold identity and lives only in memory → ``Tip`` has no field that could →
``ClassifiedTip`` → ``SealedTip`` is ciphertext. The store accepts only the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn


class Language(StrEnum):
    """The five languages of the line, as ISO 639-1 codes."""

    PT = "pt"
    ES = "es"
    EN = "en"
    FR = "fr"
    HT = "ht"

    @property
    def locale(self) -> str:
        """The name of the translation catalogue."""
        return "pt_BR" if self is Language.PT else str(self.value)

    @property
    def tag(self) -> str:
        """The BCP 47 tag for ``lang`` attributes."""
        return "pt-BR" if self is Language.PT else str(self.value)

    @classmethod
    def parse(cls, value: str | None) -> Language | None:
        """``pt``, ``pt-BR`` and ``pt_BR`` are one language; anything unknown is None."""
        head = (value or "").strip().lower().replace("_", "-").partition("-")[0]
        return next((language for language in cls if language.value == head), None)


class Channel(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    PHONE = "phone"
    OPERATOR = "operator"
    WEB = "web"
    API = "api"


class Urgency(StrEnum):
    NOW = "now"
    SOON = "soon"
    PAST = "past"
    PATTERN = "pattern"
    UNKNOWN = "unknown"


class Priority(StrEnum):
    """P0 is relayed at once; P1 30 min, P2 4 h, P3 24 h, P4 72 h to the first decision."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"

    @property
    def minutes(self) -> int:
        return {"P0": 2, "P1": 30, "P2": 240, "P3": 1440, "P4": 4320}[self.value]


class State(StrEnum):
    """Where a tip stands. ``shredded`` tips have no row; the audit tree counts them."""

    OPEN = "open"  # the conversation still runs; only the unresolved desk sees it
    WAITING = "waiting"
    FORWARDED = "forwarded"
    CLOSED = "closed"


class QueueKind(StrEnum):
    GENERAL = "general"
    GBV = "gbv"
    TRAFFICKING = "trafficking"
    CHILDREN = "children"
    INTEGRITY = "integrity"
    VULNERABLE = "vulnerable"
    ENVIRONMENT = "environment"
    UNRESOLVED = "unresolved"

    @property
    def special(self) -> bool:
        """Whether a current certificate is needed to open it (promise 8), and whether the clear
        columns of its tips name neither type nor place (DESIGN §10)."""
        return self not in (QueueKind.GENERAL, QueueKind.UNRESOLVED)


def queue_kind(queue: str) -> QueueKind:
    """``gbv:BR-RJ`` → ``QueueKind.GBV``. Raises ValueError for an unknown kind."""
    return QueueKind(queue.partition(":")[0])


# The recipient to whom a tip under legal hold is sealed as well. Its wrap is the hold's only mark:
# whoever keeps the tip alive must find that key, and a column beside it would say no less.
HOLD = "hold"


class Question(StrEnum):
    """What the conversation asks in words; every one may be skipped."""

    WHAT = "what"
    WHERE = "where"
    WHEN = "when"
    WHO = "who"
    MORE = "more"


class Redacted:
    """Mixin: never printed, never pickled."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} redacted>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} lives in memory only")

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} lives in memory only")


@dataclass(frozen=True, slots=True, repr=False)
class Trace(Redacted):
    """Something the provider keeps about this contact and must forget (promise 7).

    ``resource`` is ``message``, ``media``, ``recording`` or ``call``; ``sid`` the provider's
    identifier; ``parent`` the message's identifier for media."""

    resource: str
    sid: str
    parent: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Media(Redacted):
    """A file that came with a message and lies at the provider until a worker fetches it: the
    provider's identifiers of both, and what its sender says it is."""

    sid: str
    message: str
    type: str


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Contact(Redacted):
    """One arrival on a channel. May hold identity; lives only in memory.

    ``identity`` is what the channel itself knows to be the reporter's own (number, profile
    name): it is only ever used to remove it from the text. ``municipality`` is a place key the
    reporter chose, ``implicates`` agency ids the reporter named from a list. A ``transcript`` is
    what somebody said, and ``machine`` whether no person wrote it down. ``media`` are the files to
    be fetched; ``barred`` says that files came which this kind of report may not bring."""

    channel: Channel
    text: str = ""
    language: Language | None = None
    answers: Mapping[Question, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    ticked: tuple[str, ...] = ()
    crime_types: tuple[str, ...] = ()
    municipality: str | None = None
    urgency: Urgency = Urgency.UNKNOWN
    implicates: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    media: tuple[Media, ...] = ()
    barred: bool = False
    transcript: bool = False
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing stripping took out: what kind and why. Never the words."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Doubt(Redacted):
    """A span nobody could attribute. ``token`` stands for it in the text until an operator
    decides; ``text`` is sealed with the tip and shown to nobody else."""

    token: str
    kind: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """What remains after stripping. No field here can hold the reporter. ``heard`` are the crime
    types, ``alarms`` the reasons of threats, ``heard_place`` the municipality that only the removed
    words told ("my husband", "I live in Barbacena")."""

    channel: Channel
    language: Language
    text: str
    answers: Mapping[Question, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    ticked: tuple[str, ...] = ()
    crime_types: tuple[str, ...] = ()
    municipality: str | None = None
    urgency: Urgency = Urgency.UNKNOWN
    implicates: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    risk: int = 0
    held: bool = False
    hold_reasons: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    heard_place: str | None = None

    @property
    def words(self) -> str:
        """Everything told in words, one answer a line, in the order it is asked."""
        told = [self.text, *(self.answers[q] for q in Question if q in self.answers)]
        told += self.details.values()
        return "\n".join(part for part in told if part)


@dataclass(frozen=True, slots=True)
class Act:
    """One crime type within a tip, with its score in 0..1 and the reasons in words."""

    code: str
    score: float
    reasons: tuple[str, ...] = ()


class Certainty(StrEnum):
    CERTAIN = "certain"
    PROBABLE = "probable"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened. ``municipality`` is ``ISO2:scheme:code`` or None; ``state`` ``BR-RJ``."""

    municipality: str | None = None
    name: str | None = None
    state: str | None = None
    country: str | None = None
    certainty: Certainty = Certainty.NONE
    reasons: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """What the text is about. ``acts`` best first, never empty; ``threats`` are the reasons of
    the threat-word net (they raise priority and force a second reader)."""

    acts: tuple[Act, ...]
    tags: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassifiedTip:
    tip: Tip
    classification: Classification
    place: Place

    @property
    def primary(self) -> str:
        return self.classification.acts[0].code


@dataclass(frozen=True, slots=True)
class Recusal:
    agency: str
    reason: str


@dataclass(frozen=True, slots=True)
class RowRef:
    table: str
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where a tip goes and why. ``queue``, ``leads``, ``copies`` are ids of the profile;
    ``deadline`` is minutes to the first decision; ``automatic`` whether the masked package may
    leave without a person (never when held)."""

    priority: Priority
    queue: str
    leads: tuple[str, ...]
    copies: tuple[str, ...] = ()
    recused: tuple[Recusal, ...] = ()
    rules: tuple[RowRef, ...] = ()
    deadline: int
    automatic: bool = False
    version: str = ""


@dataclass(frozen=True, slots=True)
class Wrap:
    """A key sealed to one recipient's key of one month."""

    subject: bytes
    recipient: str
    epoch: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """Ciphertext of a tip or of a part of it. ``kind``: see vault.format.Kind."""

    id: bytes
    tip: bytes
    kind: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Observation:
    """A fixed-length sealed row for statistics, under an id only the tip's body knows."""

    id: bytes
    month: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Errand:
    """A side effect to be committed with the state change that causes it (outbox row).

    ``payload`` is sealed to the worker's key of ``epoch`` or empty. ``due_at`` is the second since
    1970 before which it is not done; it stands in clear, so what waits long is due on the hour."""

    id: bytes
    kind: str
    subject: bytes
    epoch: str = ""
    payload: bytes = b""
    urgent: bool = False
    due_at: int = 0


@dataclass(frozen=True, slots=True)
class SealedReceipt:
    """What the server keeps of a receipt: no code, no clear link to the tip."""

    lookup: bytes
    key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SealedPackage:
    """A masked copy for one agency, sealed to its key. ``day`` is the forwarding day."""

    id: bytes
    tip: bytes
    agency: str
    role: str
    day: str
    due: str
    body: Body
    wrap: Wrap


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedTip:
    """Ciphertext and the few clear facts queues need. Only ``pipeline`` makes one."""

    id: bytes
    queue: str
    state: State
    priority: Priority
    month: str
    due_at: int
    type_group: str | None
    municipality: str | None
    bodies: tuple[Body, ...]
    wraps: tuple[Wrap, ...]
    observation: Observation
    receipt: SealedReceipt | None
    packages: tuple[SealedPackage, ...] = ()
    errands: tuple[Errand, ...] = ()
