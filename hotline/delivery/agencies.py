"""Agencies: a body's inbox: packages opened with its key, receipt confirmed, outcome recorded.

Every step that the reporter may see is sealed to the receipt in the same commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hotline.errors import BadInput, NotAllowed
from hotline.routing.retention import OUTCOME
from hotline.store.desk import Package
from hotline.tips import Body, Redacted, State
from hotline.triage import messages
from hotline.triage.access import SignedIn
from hotline.triage.attachments import seen
from hotline.triage.opening import Bench
from hotline.triage.terms import last_month
from hotline.vault.attachments import Card, pages_id
from hotline.vault.directory import HELD
from hotline.vault.envelope import agency_recipient
from hotline.vault.format import Damaged, Kind
from hotline.vault.held import pack
from hotline.vault.keys import open_body
from hotline.vault.line import line_signer
from hotline.vault.small import random_id
from hotline.web.i18n import N_

OUTCOME_NAMES: Mapping[str, str] = {
    "under_investigation": N_("Under investigation"),
    "arrest": N_("Arrest"),
    "seizure": N_("Seizure"),
    "rescue": N_("Rescue"),
    "prevented": N_("Crime prevented"),
    "unfounded": N_("Checked, not confirmed"),
    "not_ours": N_("Not our responsibility"),
    "other": N_("Dealt with in another way"),
}
STATE_NAMES: Mapping[str, str] = {
    "sent": N_("new"),
    "opened": N_("opened"),
    "confirmed": N_("receipt confirmed"),
    "answered": N_("outcome recorded"),
}
_ORDER = ("sent", "opened", "confirmed", "answered")


class BadOutcome(BadInput):
    """An outcome that is not in the list."""

    code = "bad_outcome"
    message = "No outcome was chosen."
    hint = "Choose the outcome that fits best."


@dataclass(frozen=True, slots=True, repr=False)
class OpenPackage(Redacted):
    """A package as its agency reads it: UNVERIFIED, without the reporter. ``document`` is the
    JSON of ``vault.envelope.package_document``."""

    row: Package
    document: Mapping[str, Any]

    @property
    def files(self) -> tuple[Card, ...]:
        """Pictures and documents that the line kept; none in packages from before there were."""
        return tuple(Card.read(raw) for raw in self.document.get("files", ()))

    def reply(self, code: str, day: str) -> messages.Reply:
        """The status the reporter sees."""
        to = self.document["reply"]
        return messages.status(bytes.fromhex(to["lookup"]), bytes.fromhex(to["key"]), code, day)


def inbox_of(bench: Bench, who: SignedIn) -> str:
    """Whose inbox this person reads. Raises NotAllowed for people of no agency."""
    try:
        return bench.profile.inbox(who.person.agency)
    except KeyError:
        raise NotAllowed from None


def inbox(bench: Bench, who: SignedIn) -> list[Package]:
    """What waits for an answer first, earliest due first."""
    packages = bench.desk.packages(inbox_of(bench, who))
    return sorted(packages, key=lambda p: (p.state == "answered", p.due, p.id))


def open_package(bench: Bench, who: SignedIn, identity: bytes) -> OpenPackage:
    """Opens a package of this person's agency; the first time is recorded as its state, every
    time as an event. Raises NotAllowed, alike for what is not there and what is another's."""
    package = _open(bench, who, identity)
    if package.row.state == "sent":
        bench.desk.advance(identity, "opened", "package_opened", who.person.id)
    else:
        bench.audit.note("package_read", package=identity.hex(), by=who.person.id.hex())
    return package


def print_package(bench: Bench, who: SignedIn, identity: bytes) -> OpenPackage:
    """As ``open_package``, for paper: that it left the screen is an event of its own. Raises
    NotAllowed."""
    package = open_package(bench, who, identity)
    bench.audit.note("package_printed", package=identity.hex(), by=who.person.id.hex())
    return package


def held(bench: Bench, who: SignedIn, identity: bytes) -> Package | None:
    """A package of this person's agency that is sealed to the agency's own key, so that nobody
    opens it here; None for one that opens. Raises NotAllowed."""
    row = _row(bench, who, identity)
    wraps = bench.tips.wraps([identity])
    return row if any(wrap.epoch == HELD for wrap in wraps) else None


def download(bench: Bench, who: SignedIn, identity: bytes) -> bytes:
    """The ciphertext of a package that only the agency opens; each time is an event. Raises
    NotAllowed."""
    row, body = held(bench, who, identity), bench.tips.body(identity)
    if row is None or body is None:
        raise NotAllowed
    if row.state == "sent":
        bench.desk.advance(identity, "opened", "package_downloaded", who.person.id)
    else:
        bench.audit.note("package_downloaded", package=identity.hex(), by=who.person.id.hex())
    return packed(bench, row, body)


def packed(bench: Bench, row: Package, body: Body) -> bytes:
    """The sealed file of a package that only its agency opens, signed by the line: the same bytes
    by every way."""
    (wrap,) = (wrap for wrap in bench.tips.wraps([row.id]) if wrap.epoch == HELD)
    files = [b for b in bench.tips.bodies(row.tip) if b.kind == Kind.ATTACHMENT]
    return pack(row.agency, body, wrap, files, line_signer(bench.settings.staff))


def look(bench: Bench, who: SignedIn, identity: bytes, file: bytes, page: int) -> bytes:
    """A page of a file in a package, from 1, or its blurred thumbnail (0), as a JPEG; each look
    is an event. Raises NotAllowed, FileGone, Damaged."""
    card = next((card for card in _open(bench, who, identity).files if card.id == file), None)
    if card is None:
        raise NotAllowed
    event = "package_file_opened" if page else "package_file_previewed"
    bench.audit.note(event, package=identity.hex(), by=who.person.id.hex())
    return seen(bench, card, page)


def still_there(bench: Bench, package: OpenPackage) -> set[bytes]:
    """The files of a package that the line has not removed since."""
    pages = {pages_id(card.id): card.id for card in package.files}
    return {pages[body] for body in bench.tips.present(pages)}


def confirm(bench: Bench, who: SignedIn, identity: bytes) -> None:
    """The agency has it. Only ever a step forward. Of a package that the line cannot open the
    reporter hears nothing: where to tell them is inside."""
    if (row := held(bench, who, identity)) is not None:
        if _ORDER.index(row.state) < _ORDER.index("confirmed"):
            bench.desk.advance(identity, "confirmed", "package_confirmed", who.person.id)
        return
    package = open_package(bench, who, identity)
    if _ORDER.index(package.row.state) >= _ORDER.index("confirmed"):
        return
    _advance(bench, who, package, "confirmed", "package_confirmed", "confirmed")


def record_outcome(bench: Bench, who: SignedIn, identity: bytes, outcome: str) -> None:
    """What became of it: the status the reporter reads next. May be recorded again when more is
    known. Raises BadOutcome."""
    if outcome not in OUTCOME_NAMES:
        raise BadOutcome
    package = open_package(bench, who, identity)
    look_again(bench, package.row, outcome)
    _advance(bench, who, package, "answered", "outcome_recorded", outcome)


def look_again(bench: Bench, row: Package, outcome: str) -> None:
    """Of a lead's ``not_ours`` the reporter is told that we will look again: a decided tip waits
    for a person. Put down before the outcome, so that a crash leaves the outcome to be recorded
    again and not a promise."""
    if outcome == "not_ours" and row.role == "lead":
        facts = {"tip": row.tip.hex()}
        bench.outbox.add(bench.envelope.errand("news", random_id(), facts))


def lives_until(bench: Bench, package: Package) -> str | None:
    """The last month of a tip of which this package is the last lead's to be answered."""
    row = bench.tips.one(package.tip)
    if row is None or row.state is not State.FORWARDED:
        return None
    asked = [p for p in bench.desk.packages_of(row.id) if p.role == "lead"]
    if all(p.state == "answered" or p.id == package.id for p in asked):
        return last_month(bench, row, OUTCOME)
    return None


def further(state: str, than: str) -> bool:
    """Whether a step leads on."""
    return _ORDER.index(state) > _ORDER.index(than)


def _open(bench: Bench, who: SignedIn, identity: bytes) -> OpenPackage:
    row = _row(bench, who, identity)
    return OpenPackage(row, json.loads(_payload(bench, who, row)))


def _row(bench: Bench, who: SignedIn, identity: bytes) -> Package:
    row = bench.desk.package(identity)
    if row is None or row.agency != inbox_of(bench, who):
        raise NotAllowed
    return row


def _advance(
    bench: Bench, who: SignedIn, package: OpenPackage, state: str, event: str, status: str
) -> None:
    reply = package.reply(status, bench.clock.day())
    until = lives_until(bench, package.row) if state == "answered" else None
    bench.desk.advance(package.row.id, state, event, who.person.id, reply, until)


def _payload(bench: Bench, who: SignedIn, row: Package) -> bytes:
    body = bench.tips.body(row.id)
    recipient = agency_recipient(row.agency)
    for wrap in bench.tips.wraps([row.id]) if body else ():
        if wrap.recipient != recipient or body is None:
            continue
        try:
            return open_body(bench.access.open_wrap(who, wrap, body), body)
        except (Damaged, KeyError):
            continue
    raise NotAllowed
