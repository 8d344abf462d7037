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
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_RANDOM_ORDER = {"sqlite_with_rowid": False}


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
    )


class Meta(Base):
    """``directory``: the fingerprint of the key directory this database belongs to."""

    __tablename__ = "meta"
    __table_args__ = _RANDOM_ORDER
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class TipRow(Base):
    """A tip. ``type_group`` and ``municipality`` are empty for special and unresolved queues."""

    __tablename__ = "tips"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    queue: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(16))
    priority: Mapped[str] = mapped_column(String(2))
    month: Mapped[str] = mapped_column(String(7))
    type_group: Mapped[str | None] = mapped_column(String(16))
    municipality: Mapped[str | None] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer, default=1)
    __table_args__ = (Index(None, "queue", "state", "priority"), _RANDOM_ORDER)


class DeadlineRow(Base):
    """When a decision is due, coarse; deleted at the first decision. Seconds since 1970."""

    __tablename__ = "deadlines"
    __table_args__ = _RANDOM_ORDER
    tip: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    due_at: Mapped[int] = mapped_column(BigInteger)


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


class ReceiptRow(Base):
    __tablename__ = "receipts"
    __table_args__ = _RANDOM_ORDER
    lookup: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(1216))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ReplyRow(Base):
    """A message to a reporter, sealed to the receipt's key. ``id`` is its slot."""

    __tablename__ = "replies"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    lookup: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index(None, "lookup"), _RANDOM_ORDER)


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

    ``due_at`` in seconds since 1970 (0: at once); ``state`` ready, running or buried."""

    __tablename__ = "outbox"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    subject: Mapped[bytes] = mapped_column(LargeBinary(16))
    epoch: Mapped[str] = mapped_column(String(7))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    urgent: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(8), default="ready")
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[int] = mapped_column(BigInteger, default=0)
    problem: Mapped[str] = mapped_column(String(40), default="")
    __table_args__ = (Index(None, "state", "due_at"), _RANDOM_ORDER)


class PackageRow(Base):
    """A masked copy for an agency. ``state``: sent, opened, confirmed, answered."""

    __tablename__ = "packages"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    tip: Mapped[bytes] = mapped_column(LargeBinary(16))
    agency: Mapped[str] = mapped_column(String(96))
    role: Mapped[str] = mapped_column(String(4))
    state: Mapped[str] = mapped_column(String(12))
    day: Mapped[str] = mapped_column(String(10))
    due: Mapped[str] = mapped_column(String(10))
    __table_args__ = (Index(None, "agency", "state"), Index(None, "tip"), _RANDOM_ORDER)


class ClaimRow(Base):
    """An operator's lease on a tip. Seconds since 1970."""

    __tablename__ = "claims"
    __table_args__ = _RANDOM_ORDER
    tip: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    person: Mapped[bytes] = mapped_column(LargeBinary(16))
    until: Mapped[int] = mapped_column(BigInteger)


class PersonRow(Base):
    """Somebody who signs in. ``sealed`` is the key seed under the passphrase, ``totp`` the
    second factor's secret under that seed. ``agency`` for agency staff."""

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


class AuditRow(Base):
    """A content-free record. ``position`` is its leaf in the tree, given by the sequencer."""

    __tablename__ = "audit"
    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    event: Mapped[str] = mapped_column(String(24))
    record: Mapped[str] = mapped_column(Text)
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    __table_args__ = (Index(None, "event"), _RANDOM_ORDER)


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
