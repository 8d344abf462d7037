"""Agencies: a body's inbox: packages opened with its key, receipt confirmed, outcome recorded.

Every step that the reporter may see is sealed to the receipt in the same commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hotline.delivery import outcomes
from hotline.delivery.outcomes import Outcome
from hotline.errors import HotlineError, NotAllowed
from hotline.routing.answering import UNCONFIRMED
from hotline.store.desk import DONE, Answered, Package
from hotline.tips import Body, Redacted, Wrap
from hotline.triage import messages
from hotline.triage.access import SignedIn
from hotline.triage.attachments import seen
from hotline.triage.opening import Bench, Said
from hotline.vault.attachments import Card, pages_id
from hotline.vault.directory import HELD
from hotline.vault.envelope import agency_recipient
from hotline.vault.format import Damaged, Kind
from hotline.vault.held import pack
from hotline.vault.keys import open_body
from hotline.vault.line import line_signer
from hotline.web.i18n import N_

STATE_NAMES: Mapping[str, str] = {
    "leaving": N_("leaves now"),
    "sent": N_("new"),
    "opened": N_("opened"),
    "confirmed": N_("receipt confirmed"),
    "working": N_("being worked on"),
    "answered": N_("outcome recorded"),
    "returned": N_("given back"),
    "transferred": N_("passed on"),
}


class PassedOn(HotlineError):
    """A package whose body gave it to another: it is that body's alone now."""

    code = "passed_on"
    status = 410
    message = "You passed this report on."
    hint = "It is no longer here. Nothing more is asked of you."


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
    return sorted(packages, key=lambda p: (p.state in DONE, p.due, p.id))


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
    day, reply = bench.clock.day(), None
    if (row := held(bench, who, identity)) is None:
        package = open_package(bench, who, identity)
        row = package.row
        reply = package.reply("confirmed", day) if row.role == "lead" else None
    if row.state not in UNCONFIRMED:
        return
    with suppress(Answered):  # by a colleague, in the same moment
        step = outcomes.confirming(row, bench.clock.today())
        by = who.person.id
        bench.desk.advance(identity, "confirmed", "package_confirmed", by, reply, None, step)


def record_outcome(
    bench: Bench, who: SignedIn, identity: bytes, outcome: str, band: str = "", question: str = ""
) -> None:
    """What became of it: the status the reporter reads next, but of a package that the line cannot
    open. May be recorded again when more is known. Raises BadOutcome, QuestionTooLong, Answered,
    PassedOn."""
    told = Outcome.told(outcome, band, question)
    if (row := held(bench, who, identity)) is not None:
        if row.state == outcomes.TRANSFERRED:
            raise PassedOn
        outcomes.record(bench, who.person.id, row, told, None, None)
        return
    package = open_package(bench, who, identity)
    reply = package.reply(outcome, bench.clock.day())
    row = bench.desk.package(identity) or package.row  # opened by now
    outcomes.record(bench, who.person.id, row, told, reply, said(bench, who, row))


def said(bench: Bench, who: SignedIn, row: Package) -> tuple[Said, ...]:
    """What this person's agency said of a package, in order, as far as they can open it."""

    def opened(wrap: Wrap, body: Body) -> bytes | None:
        with suppress(Damaged, KeyError):
            return bench.access.open_wrap(who, wrap, body)
        return None

    return outcomes.history(bench, opened, row)


def _open(bench: Bench, who: SignedIn, identity: bytes) -> OpenPackage:
    row = _row(bench, who, identity)
    if row.state == outcomes.TRANSFERRED:
        raise PassedOn
    return OpenPackage(row, json.loads(_payload(bench, who, row)))


def _row(bench: Bench, who: SignedIn, identity: bytes) -> Package:
    row = bench.desk.package(identity)
    if row is None or row.agency != inbox_of(bench, who):
        raise NotAllowed
    return row


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
