"""Transfer: a body passes a package on to another that should have had it.

Whom a tip implicates the passing body never learns, and not by trying either: every body that has
an inbox is accepted alike, with the same answer, the same record and the same work. What differs
stays inside: where recusal keeps the other body out, or the tip has changed since, or cannot be
checked here, the tip goes back to the desk, where a person sees for whom it was meant.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hotline.delivery import agencies, outcomes
from hotline.errors import BadInput, HotlineError
from hotline.routing.answering import OPEN
from hotline.routing.profile import Agency
from hotline.store.desk import Step
from hotline.tips import SealedPackage, State
from hotline.triage.access import SignedIn
from hotline.triage.destinations import as_seen
from hotline.triage.opening import Bench
from hotline.vault.envelope import agency_recipient, package_id
from hotline.vault.errands import open_guard
from hotline.vault.format import Damaged, Kind
from hotline.vault.small import random_id, random_key

MOST_FOUND = 20


class Line(Bench, Protocol):
    """A bench that holds the worker's keys too."""

    @property
    def worker(self) -> dict[str, bytes]: ...


class NoReceiver(BadInput):
    """A body that receives nothing here, as anybody may know, or the one that passes on."""

    code = "no_receiver"
    message = "This body has no inbox here."
    hint = "Choose one of those that the search finds."


class NotToPass(HotlineError):
    """A package of which the outcome stands, or that was given away."""

    code = "not_to_pass"
    status = 409
    message = "This report was answered already."
    hint = "Record another outcome instead, or say that it is not your responsibility."


@dataclass(frozen=True, slots=True)
class Guard:
    """Whom the tip implicated when it was sent, and what it was made of."""

    recused: frozenset[str]
    seen: str


def receivers(bench: Bench, wanted: str, but: str) -> list[Agency]:
    """Bodies with an inbox of their own whose name or id has every word of ``wanted``. By the
    public profile alone: what no tip could change tells nothing of one."""
    words = _plain(wanted).split()
    found = [
        body
        for body in bench.profile.agencies.values()
        if _receives(bench, body.id)
        and bench.profile.inbox(body.id) != but
        and all(word in _plain(f"{body.name} {body.id}") for word in words)
    ]
    return sorted(found, key=lambda body: (body.name, body.id))[:MOST_FOUND]


def transfer(line: Line, who: SignedIn, identity: bytes, to: str) -> None:
    """Seals the package to the other body's inbox and takes it from this one, or sends the tip back
    to the desk; nobody who asks for it can tell which. Raises NotAllowed, PassedOn, NoReceiver,
    NotToPass, Answered."""
    package = agencies.open_package(line, who, identity)
    if not _receives(line, to):
        raise NoReceiver
    row = line.desk.package(identity) or package.row
    inbox = line.profile.inbox(to)
    if inbox == row.agency:
        raise NoReceiver
    if row.state not in OPEN:
        raise NotToPass
    tip = line.tips.one(row.tip)
    if tip is None:
        raise NotToPass
    # Sealed before anything is decided: both ways take the same time.
    sealed = resealed(line, row.day, package.document, row.tip, inbox)
    facts = {"agency": inbox, "role": row.role}
    notice = line.envelope.errand("notify", sealed.id, facts)
    news = line.envelope.errand("news", random_id(), {"tip": row.tip.hex()})
    passes = tip.state is State.FORWARDED and may_pass(line, package.document, row.tip, to)
    body, wraps = outcomes.said_to_desk(line, row, tip.queue, outcomes.TRANSFERRED, inbox)
    confirmed = outcomes.confirming(row, line.clock.today())
    counts = confirmed.counts if row.state in confirmed.seen else ()
    step = Step(
        seen=(row.state,),
        counts=(*counts, ("outcome_transferred", 1)),
        bodies=(body,),
        wraps=wraps,
        errands=(notice,) if passes else (news,),
        packages=(sealed,) if passes else (),
    )
    status = "transferred" if passes else "waiting"
    reply = package.reply(status, line.clock.day()) if row.role == "lead" else None
    line.desk.advance(
        row.id, "transferred", "package_transferred", who.person.id, reply, None, step
    )


def resealed(
    line: Line, day: str, document: Mapping[str, Any], tip: bytes, inbox: str
) -> SealedPackage:
    """The same document for another body. Its days begin anew where the profile says so."""
    due = document["due"]
    if line.profile.answering.renews:
        day = line.clock.day()
        due = line.profile.answering.due(line.clock.today()).isoformat()
    reply, salt = document["reply"], random_key()
    identity = package_id(salt, bytes.fromhex(reply["lookup"]), bytes.fromhex(reply["key"]))
    new = {
        **document,
        "package": identity.hex(),
        "agency": inbox,
        "due": due,
        "forwarded": day,
        "reply": {**reply, "salt": salt.hex()},
    }
    return line.envelope.repack(new, tip, day)


def may_pass(line: Line, document: Mapping[str, Any], tip: bytes, to: str) -> bool:
    """Whether the tip is as it was when a person chose who may have it, implicates nothing that
    the other body is, stands under or receives through, and is new to it."""
    guard = _guard(line, document, tip)
    inbox = line.profile.inbox(to)
    if guard is None or any(p.agency == inbox for p in line.desk.packages_of(tip)):
        return False
    if line.tips.bodies(tip, only=(Kind.RECORDING,)) or as_seen(line, tip) != guard.seen:
        return False
    return not any(line.profile.under(body, guard.recused) for body in (to, inbox))


def _guard(line: Line, document: Mapping[str, Any], tip: bytes) -> Guard | None:
    """None without one that opens: sent without a person's eyes, or so long ago that the worker's
    key of then is gone."""
    raw = document.get("guard")
    if raw is None:
        return None
    try:
        facts = open_guard(line.worker, raw)
    except (Damaged, KeyError):
        return None
    if facts["tip"] != tip.hex():
        return None
    return Guard(frozenset(filter(None, facts["recused"].split(","))), facts["seen"])


def _receives(bench: Bench, agency: str) -> bool:
    body = bench.profile.agency(agency)
    if body is None or not body.receives or body.via is not None:
        return False
    return bool(bench.directory.last_epoch(agency_recipient(agency)))


def _plain(text: str) -> str:
    """Without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
