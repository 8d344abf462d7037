"""Packages: what an agency asks of the line by its own key, without anybody signing in.

Only for agencies that hold their own key: the line cannot open what it hands out here, so where
the reporter is told stands inside the package, and comes back signed. The package's id commits to
it (``envelope.package_id``): an agency that turns bad may write a status of the closed list to the
reporters of its own packages, which it may do anyway, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hotline.clock import Clock
from hotline.delivery import agencies, outcomes
from hotline.delivery.outcomes import Outcome
from hotline.errors import BadInput, NotAllowed
from hotline.intake.limits import Limits, Rate
from hotline.intake.once import Once
from hotline.routing.answering import UNCONFIRMED
from hotline.store.desk import DONE, Package
from hotline.store.tips import Mark
from hotline.tips import Redacted
from hotline.triage import messages
from hotline.triage.opening import Bench
from hotline.vault.directory import HELD
from hotline.vault.envelope import package_id
from hotline.vault.format import Damaged
from hotline.vault.signatures import AGENCY_TAG, Forged, key_named, verify
from hotline.vault.small import mac, random_key

MEDIA_TYPE = "application/vnd.hotline.package"
# A machine that asks every minute and answers what came; a hundred at once after a night.
RATE = Rate(burst=200, per_second=1)


class BadReply(BadInput):
    """Where to tell the reporter is not what stands in the package."""

    code = "bad_reply"
    message = "This is not the reply address of this package."
    hint = "Send “reply” as it stands in the opened package."


@dataclass(frozen=True, slots=True, repr=False)
class Reply(Redacted):
    """Where the reporter of a package is told, as it stands inside."""

    lookup: bytes
    key: bytes
    salt: bytes

    @classmethod
    def read(cls, raw: object) -> Reply:
        """Raises BadReply."""
        try:
            if not isinstance(raw, Mapping) or raw.keys() != {"lookup", "key", "salt"}:
                raise BadReply
            found = cls(*(bytes.fromhex(raw[name]) for name in ("lookup", "key", "salt")))
        except (ValueError, TypeError):
            raise BadReply from None
        if len(found.lookup) != 32 or len(found.salt) != 32 or len(found.key) > 2048:
            raise BadReply
        return found


@dataclass(frozen=True, slots=True)
class Asking:
    """A request whose signature holds: whose it is, and the mark that refuses it a second time."""

    agency: str
    mark: Mark


class Signed:
    """The door for agencies' keys. One of a process."""

    def __init__(self, bench: Bench, once: Once, clock: Clock) -> None:
        self._bench, self._once, self._clock = bench, once, clock
        self._limits = Limits(clock, one=RATE)
        self._nobody = random_key()

    def enter(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Asking:
        """Whose request this is. Raises NotAllowed for every kind of wrong request alike, Busy for
        an agency that asks too often (only once its signature holds: nobody else can use up its
        budget)."""
        named = key_named(headers, AGENCY_TAG) or ""
        # A key nobody has: an unknown name costs the same and fails the same.
        public = signing_key_of(self._bench, named) or mac(self._nobody, "nobody", named)
        try:
            now = int(self._clock.seconds())
            nonce = verify(public, named, method, url, headers, body, now, AGENCY_TAG)
        except Forged:
            raise NotAllowed from None
        identity = f"agency:{named}:{nonce}"
        if self._once.recall(identity) is not None:
            raise NotAllowed
        self._limits.spend(named)
        return Asking(named, self._once.mark(identity, b""))


def signing_key_of(bench: Bench, agency: str) -> bytes | None:
    """The 32 bytes that verify what an agency signs; None for one that holds no key, or whose key
    is from before keys signed."""
    return bench.directory.signers.get(agency)


def waiting(bench: Bench, asking: Asking) -> list[Package]:
    """What an agency can fetch and has not answered, earliest due first."""
    bench.tips.mark(asking.mark)
    rows = [p for p in bench.desk.packages(asking.agency) if p.state not in DONE]
    held = {w.subject for w in bench.tips.wraps([p.id for p in rows]) if w.epoch == HELD}
    return [row for row in rows if row.id in held]


def fetch(bench: Bench, asking: Asking, identity: bytes) -> bytes:
    """The sealed file. Raises NotAllowed alike for what is not there and what is another's."""
    row = _row(bench, asking, identity)
    body = bench.tips.body(identity)
    if body is None:
        raise NotAllowed
    state = "opened" if row.state == "sent" else row.state
    bench.desk.step_by_key(row, state, "package_fetched", asking.mark)
    return agencies.packed(bench, row, body)


def confirm(bench: Bench, asking: Asking, identity: bytes, reply: Reply | None) -> None:
    """The agency has it; said twice it is once. Raises NotAllowed, BadReply."""
    row = _row(bench, asking, identity)
    if row.state not in UNCONFIRMED:
        bench.tips.mark(asking.mark)
        return
    told = _told(bench, row, reply, "confirmed")
    step = outcomes.confirming(row, bench.clock.today())
    event = "package_confirmed_by_key"
    bench.desk.step_by_key(row, "confirmed", event, asking.mark, told, step=step)


def answer(
    bench: Bench, asking: Asking, identity: bytes, outcome: str, reply: Reply | None
) -> None:
    """What became of it; may be said again when more is known. Raises NotAllowed, BadOutcome,
    BadReply."""
    row = _row(bench, asking, identity)
    state, until, step = outcomes.what_follows(bench, row, Outcome.told(outcome), None)
    told = _told(bench, row, reply, outcome)
    event = "outcome_recorded_by_key"
    bench.desk.step_by_key(row, state, event, asking.mark, told, until, step)


def _row(bench: Bench, asking: Asking, identity: bytes) -> Package:
    row = bench.desk.package(identity)
    if row is None or row.agency != asking.agency:
        raise NotAllowed
    if not any(wrap.epoch == HELD for wrap in bench.tips.wraps([identity])):
        raise NotAllowed
    return row


def _told(bench: Bench, row: Package, reply: Reply | None, code: str) -> messages.Reply | None:
    """The reporter's status, sealed. Nothing, and no word of it, when the receipt is gone: whether
    there is one is the reporter's business. Raises BadReply."""
    if reply is None:
        return None
    if package_id(reply.salt, reply.lookup, reply.key) != row.id:
        raise BadReply
    try:
        sealed = messages.status(reply.lookup, reply.key, code, bench.clock.day())
    except Damaged:
        raise BadReply from None
    # Who is only informed does not speak for those who act.
    return sealed if row.role == "lead" and bench.tips.receipt(reply.lookup) else None
