"""Tables: what is at rest. Clear columns are only what queues need; the rest is sealed.

No sequences and no time-ordered ids. On SQLite every table is WITHOUT ROWID, so that rows lie in
the order of their random ids and not of their arrival.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_RANDOM_ORDER = {"sqlite_with_rowid": False}


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
    )


class Meta(Base):
    """``directory``: the fingerprint of the key directory this database belongs to, and
    ``directory_serial`` the highest number of one that was used with it; ``provider_sweep``: how
    the last nightly sweep at the provider ended; ``forgot``: the day of the last night's
    forgetting, ``sampled`` of the last draw; ``to_wipe``: deleted rows whose bytes are still to be
    overwritten; ``rung`` and ``rung_watch``: when people on duty were last told of lateness or of
    an alarm; ``canaries``: the sealed list of planted tips; ``lease:…``: which process leads."""

    __tablename__ = "meta"
    __table_args__ = _RANDOM_ORDER
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class TipRow(Base):
    """A tip. ``type_group`` and ``municipality`` are empty for special and unresolved queues.

    ``until`` is the last month in which it may live, "" before the first night. It must stand in
    clear: at night nobody is signed in whose key would open a sealed one. With ``month`` and
    ``state`` it tells how the tip ended, as coarsely as the table of terms; the audit record of
    that decision says the same outright, beside the tip's id. No day, no hour, no new order."""

    __tablename__ = "tips"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    queue: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(16))
    priority: Mapped[str] = mapped_column(String(2))
    month: Mapped[str] = mapped_column(String(7))
    type_group: Mapped[str | None] = mapped_column(String(16))
    municipality: Mapped[str | None] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer, default=1)
    until: Mapped[str] = mapped_column(String(7), default="", server_default=text("''"))
    __table_args__ = (Index(None, "queue", "state", "priority", "id"), _RANDOM_ORDER)


class DeadlineRow(Base):
    """When a decision is due, coarse; deleted at the first decision. Seconds since 1970.

    There is a row for each undecided tip and no other. ``queue``, ``state`` and ``priority`` are
    the tip's own, changed in the same commit: with them the index alone answers what the desk asks
    on every page, however many decided tips lie beside it. ``stage`` is how far its lateness was
    raised (store.deadlines.Stage): it follows from ``due_at`` and from the line having run."""

    __tablename__ = "deadlines"
    tip: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    due_at: Mapped[int] = mapped_column(BigInteger)
    queue: Mapped[str] = mapped_column(String(80), default="", server_default=text("''"))
    state: Mapped[str] = mapped_column(String(16), default="", server_default=text("''"))
    priority: Mapped[str] = mapped_column(String(2), default="", server_default=text("''"))
    stage: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    __table_args__ = (
        Index(None, "queue", "state", "priority", "due_at", "tip"),
        Index(None, "due_at"),
        _RANDOM_ORDER,
    )


class BodyRow(Base):
    """Ciphertext of a tip (``id`` = ``tip``) or of a part of it."""

    __tablename__ = "bodies"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    tip: Mapped[bytes] = mapped_column(LargeBinary(16))
    kind: Mapped[int] = mapped_column(SmallInteger)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "tip"), _RANDOM_ORDER)


class WrapRow(Base):
    """A body's key sealed to one recipient's key of one month."""

    __tablename__ = "wraps"
    subject: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    recipient: Mapped[str] = mapped_column(String(96), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(7), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "recipient", "epoch"), _RANDOM_ORDER)


class SketchRow(Base):
    """What sessions compare an opened tip by, and what they were told of its likeness: ``sealed``
    is of one size, under a key that only the members of ``recipient`` have, of month ``epoch``.
    Beside the tip's own queue the row tells that somebody has opened the tip, as the audit does."""

    __tablename__ = "sketches"
    recipient: Mapped[str] = mapped_column(String(96), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(7), primary_key=True)
    tip: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "tip"), _RANDOM_ORDER)


class ReceiptRow(Base):
    """``until``: as of a tip. Nothing clear joins the two, so at night a receipt can only go by a
    month of its own; it is set with the tip's, and thousands of receipts share it."""

    __tablename__ = "receipts"
    __table_args__ = _RANDOM_ORDER
    lookup: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(1216))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    until: Mapped[str] = mapped_column(String(7), default="", server_default=text("''"))


class ReplyRow(Base):
    """A message to a reporter, sealed to the receipt's key. ``id`` is its slot."""

    __tablename__ = "replies"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    lookup: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "lookup"), _RANDOM_ORDER)


class SeenRow(Base):
    """A sign that some message was read: 16 random bytes that only the message and the desk's note
    of it hold, both sealed. Each opening of a receipt leaves two rows, of which one, both or none
    is such a sign: who holds no key sees that somebody asked, never who, about what or whether
    there was an answer. ``month`` is empty until the day's rows are written anew, all at once and
    in the order of their ids, so that not even the order of arrival stays."""

    __tablename__ = "seen"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), server_default=text("''"))
    __table_args__ = (Index(None, "month"), _RANDOM_ORDER)


class ObservationRow(Base):
    """One sealed count for statistics; only the tip's sealed body knows its id."""

    __tablename__ = "observations"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    month: Mapped[str] = mapped_column(String(7))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "month"), _RANDOM_ORDER)


class MarkRow(Base):
    """Keyed mark of a message id, form id or idempotency key with the sealed answer; 48 h."""

    __tablename__ = "marks"
    mark: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    day: Mapped[str] = mapped_column(String(10))
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "day"), _RANDOM_ORDER)


class OutboxRow(Base):
    """A side effect committed with the state change that caused it; deleted when done.

    ``due_at`` in seconds since 1970 (0: at once; of a buried row the day's beginning); ``state``
    ready, running, buried, or done: an emptied row that only waits to be counted at night.
    ``lane`` follows from kind and urgency (hotline.lanes)."""

    __tablename__ = "outbox"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    subject: Mapped[bytes] = mapped_column(LargeBinary(16))
    epoch: Mapped[str] = mapped_column(String(7))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    urgent: Mapped[bool] = mapped_column(Boolean)
    lane: Mapped[str] = mapped_column(String(12), server_default="other")
    state: Mapped[str] = mapped_column(String(8), default="ready")
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[int] = mapped_column(BigInteger, default=0)
    problem: Mapped[str] = mapped_column(String(40), default="")
    __table_args__ = (
        Index(None, "state", "due_at"),
        Index(None, "lane", "state", "due_at"),
        _RANDOM_ORDER,
    )


class PackageRow(Base):
    """A masked copy for an agency. ``state``: leaving (decided seconds ago, no inbox shows it),
    sent, opened, confirmed, working (something was said, not yet the last), answered, returned (not
    theirs), transferred. ``stage`` is how far its lateness was raised (routing.answering.Stage): it
    follows from ``day``, ``state`` and the line having run. What the body answered is sealed.
    ``delivered``: the day on which the agency's webhook signed that it has it, or empty."""

    __tablename__ = "packages"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    tip: Mapped[bytes] = mapped_column(LargeBinary(16))
    agency: Mapped[str] = mapped_column(String(96))
    role: Mapped[str] = mapped_column(String(4))
    state: Mapped[str] = mapped_column(String(12))
    day: Mapped[str] = mapped_column(String(10))
    due: Mapped[str] = mapped_column(String(10))
    stage: Mapped[int] = mapped_column(SmallInteger, default=-1, server_default=text("0"))
    delivered: Mapped[str] = mapped_column(String(10), default="", server_default=text("''"))
    __table_args__ = (
        Index(None, "agency", "state"),
        Index(None, "stage", "state", "day"),
        Index(None, "tip"),
        _RANDOM_ORDER,
    )


class TallyRow(Base):
    """How many packages of a queue, sent to an agency in ``month``, came to ``what``: received, in
    time, late, each outcome. Counted as it happens, so that a score of millions is read at once and
    outlives them. Which package is not in it; where there was but one, its row beside tells."""

    __tablename__ = "tallies"
    __table_args__ = _RANDOM_ORDER
    queue: Mapped[str] = mapped_column(String(80), primary_key=True)
    agency: Mapped[str] = mapped_column(String(96), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    what: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class WayRow(Base):
    """How it stands with an agency that packages are sent to: failures in a row, until when it is
    left alone (seconds since 1970), and up to which hour of a fixed table it was told by e-mail
    that something waits. No package, no count."""

    __tablename__ = "ways"
    __table_args__ = _RANDOM_ORDER
    agency: Mapped[str] = mapped_column(String(96), primary_key=True)
    failures: Mapped[int] = mapped_column(SmallInteger)
    until: Mapped[int] = mapped_column(BigInteger)
    told: Mapped[str] = mapped_column(String(32))


class ClaimRow(Base):
    """An operator's lease on a tip. Seconds since 1970."""

    __tablename__ = "claims"
    __table_args__ = _RANDOM_ORDER
    tip: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    person: Mapped[bytes] = mapped_column(LargeBinary(16))
    until: Mapped[int] = mapped_column(BigInteger)


class PresenceRow(Base):
    """Who has a tip before them, ``editing`` or only reading, until seconds since 1970. One row a
    person and tip, overwritten and deleted: there is no history in it."""

    __tablename__ = "presences"
    __table_args__ = _RANDOM_ORDER
    tip: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    person: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    editing: Mapped[bool] = mapped_column(Boolean)
    until: Mapped[int] = mapped_column(BigInteger)


class PreferenceRow(Base):
    """How a person's desk is set: ``view``, the codes of a filter that they saved, or ``holds``,
    how many tips they may hold. In clear: a view names queues and priorities, never a tip, a word
    or a name of its own, and which queues somebody opens is told by their grants."""

    __tablename__ = "preferences"
    __table_args__ = _RANDOM_ORDER
    person: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(8), primary_key=True)
    value: Mapped[str] = mapped_column(String(160), primary_key=True)


class HandoverRow(Base):
    """A note from one shift to the next, sealed to its queue's key of ``epoch``; gone after
    ``until``, seconds since 1970, by the hour."""

    __tablename__ = "handovers"
    __table_args__ = _RANDOM_ORDER
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    queue: Mapped[str] = mapped_column(String(80))
    epoch: Mapped[str] = mapped_column(String(7))
    until: Mapped[int] = mapped_column(BigInteger)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SampleRow(Base):
    """A tip closed without being forwarded, until the next draw, or drawn for a supervisor to read
    again. ``lot`` is a random number; the highest are drawn and have -1 from then on.

    It tells nothing that does not stand beside it: that a tip was closed, its state says; on which
    day, and for which reason (which makes a high lot likelier), the audit record. No reader, no
    closer, no time."""

    __tablename__ = "samples"
    __table_args__ = _RANDOM_ORDER
    tip: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    lot: Mapped[int] = mapped_column(BigInteger)


class PersonRow(Base):
    """Somebody who signs in. ``sealed`` is the key seed under the passphrase, ``totp`` the
    second factor's secret under that seed. ``agency`` for agency staff. ``limits``: how much of
    what they want to see in a shift, sealed under their seed, always of one length."""

    __tablename__ = "people"
    __table_args__ = _RANDOM_ORDER
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    roles: Mapped[str] = mapped_column(String(80))
    agency: Mapped[str] = mapped_column(String(96), default="")
    language: Mapped[str] = mapped_column(String(2), default="pt")
    public: Mapped[bytes] = mapped_column(LargeBinary(1216))
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    totp: Mapped[bytes] = mapped_column(LargeBinary)
    totp_last: Mapped[int] = mapped_column(BigInteger, default=0)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    failures: Mapped[int] = mapped_column(SmallInteger, default=0)
    locked_until: Mapped[int] = mapped_column(BigInteger, default=0)
    shortcuts: Mapped[bool] = mapped_column(Boolean, default=True)
    limits: Mapped[bytes | None] = mapped_column(LargeBinary)


class CertificateRow(Base):
    """Training for one kind of special queue, until a day (``YYYY-MM-DD``)."""

    __tablename__ = "certificates"
    __table_args__ = _RANDOM_ORDER
    person: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    until: Mapped[str] = mapped_column(String(10))


class SessionRow(Base):
    """A signed-in person. ``sealed`` opens only with the cookie. Seconds since 1970."""

    __tablename__ = "sessions"
    __table_args__ = _RANDOM_ORDER
    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    person: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    started: Mapped[int] = mapped_column(BigInteger)
    seen: Mapped[int] = mapped_column(BigInteger)


class RequestRow(Base):
    """What one person asked for and a second must approve. ``facts`` is JSON of ids and codes, no
    content; ``asked_at`` is in seconds since 1970; ``state``: asked, approved, done, refused,
    withdrawn."""

    __tablename__ = "requests"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    deed: Mapped[str] = mapped_column(String(16))
    facts: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(40))
    by: Mapped[bytes] = mapped_column(LargeBinary(16))
    asked_at: Mapped[int] = mapped_column(BigInteger)
    approver: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    state: Mapped[str] = mapped_column(String(10), default="asked")
    __table_args__ = (Index(None, "state"), _RANDOM_ORDER)


class InvitationRow(Base):
    """Somebody who may come in, until seconds since 1970.

    ``secret`` is a hash of the one-time code; once a passphrase was chosen, of the ticket in the
    page that asks for the first code of the authenticator. ``pending`` is then the account, sealed
    under that ticket. ``second`` is the other officer where two must agree."""

    __tablename__ = "invitations"
    __table_args__ = _RANDOM_ORDER
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    roles: Mapped[str] = mapped_column(String(80))
    agency: Mapped[str] = mapped_column(String(96))
    language: Mapped[str] = mapped_column(String(2))
    by: Mapped[bytes] = mapped_column(LargeBinary(16))
    second: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    until: Mapped[int] = mapped_column(BigInteger)
    pending: Mapped[bytes | None] = mapped_column(LargeBinary)


class AuditRow(Base):
    """A content-free record. ``position`` is its leaf in the tree, given by the sequencer."""

    __tablename__ = "audit"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    event: Mapped[str] = mapped_column(String(24))
    record: Mapped[str] = mapped_column(Text)
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    __table_args__ = (Index(None, "event"), _RANDOM_ORDER)


class AlarmRow(Base):
    """Reading that somebody must look at: who, what kind, the day, and the audit record that made
    it ring. Never the tip: only the record names it, and it stands in the tree anyway. ``id``
    follows from what rang, so that it rings once; ``state`` is new or acknowledged."""

    __tablename__ = "alarms"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    person: Mapped[bytes] = mapped_column(LargeBinary(16))
    day: Mapped[str] = mapped_column(String(10))
    record: Mapped[bytes] = mapped_column(LargeBinary(16))
    state: Mapped[str] = mapped_column(String(12), default="new")
    by: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    reason: Mapped[str] = mapped_column(String(40), default="")
    __table_args__ = (Index(None, "state"), _RANDOM_ORDER)


class LineAlarmRow(Base):
    """What is wrong with the line itself, a row a code of a closed list: when people were last
    told, and who looked. Names no tip, agency, desk or errand; whole hours since 1970, because
    danger that nobody takes rings in a known time after it was reported."""

    __tablename__ = "line_alarms"
    __table_args__ = _RANDOM_ORDER
    code: Mapped[str] = mapped_column(String(24), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    rung: Mapped[int]
    by: Mapped[bytes | None] = mapped_column(LargeBinary(16))


class HoursRow(Base):
    """When a person works, in minutes since midnight of the jurisdiction; past midnight when they
    begin later than they end. Without a row the profile's hours hold."""

    __tablename__ = "hours"
    __table_args__ = _RANDOM_ORDER
    person: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    begins: Mapped[int] = mapped_column(SmallInteger)
    ends: Mapped[int] = mapped_column(SmallInteger)


class HeadRow(Base):
    """A signed checkpoint of the audit tree (C2SP tlog-checkpoint)."""

    __tablename__ = "heads"
    __table_args__ = _RANDOM_ORDER
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(Text)


class KeyBase(DeclarativeBase):
    """The key store: a file of its own, outside the database and its backups (DESIGN §9)."""

    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


class GrantRow(KeyBase):
    """An epoch seed sealed to one member. Destroying an epoch here kills it in every backup.

    ``key`` names the public key it belongs to: after a rotation a month has two, and what was
    sealed to the older one must still open."""

    __tablename__ = "grants"
    __table_args__ = _RANDOM_ORDER
    recipient: Mapped[str] = mapped_column(String(96), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(7), primary_key=True)
    person: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class RecoveryRow(KeyBase):
    """One row: the signed public half of the recovery key (``vault.recovery``). It lies beside the
    seeds sealed to it, so that no crash and no restored copy can part them."""

    __tablename__ = "recovery"
    __table_args__ = _RANDOM_ORDER
    name: Mapped[str] = mapped_column(String(8), primary_key=True, default="current")
    record: Mapped[bytes] = mapped_column(LargeBinary)


class ErasedRow(KeyBase):
    """The id of a tip, or the lookup id of a receipt, that two people had erased early. Here and
    not in the database, so that a restored backup of that does not bring it back. ``month`` of the
    erasure: forgotten itself when no backup can hold it any more."""

    __tablename__ = "erased"
    __table_args__ = _RANDOM_ORDER
    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    month: Mapped[str] = mapped_column(String(7))
