"""Destinations: where a tip may go from the desk: bodies and queues, never a recused one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hotline.errors import BadInput
from hotline.routing.answering import OPEN, Stage
from hotline.store.overdue import Overdue
from hotline.tips import HOLD, Body, SealedPackage
from hotline.triage.opening import Bench, Opened, opens_facts
from hotline.vault import format as fmt
from hotline.vault.envelope import Guard, agency_recipient, queue_recipient
from hotline.vault.format import Kind
from hotline.vault.receipts import place_receipt

_MOST_RECUSED = 700  # characters of ids that an errand holds beside the rest


class AgencyRecused(BadInput):
    """A body that the tip implicates, or that receives through one."""

    code = "agency_recused"
    message = "This body cannot receive this tip."
    hint = "The tip is about it or about a body above it. Choose one that is offered."


def offered(bench: Bench, opened: Opened) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Leads and copies that the rules name, without anything recused, nor bodies that gave it
    back: those are among the others, for whoever knows better."""
    decision, gave_back = opened.content.decision, returned(opened)
    leads, copies = (
        tuple(
            agency
            for agency in named
            if may_receive(bench, opened, agency) and bench.profile.inbox(agency) not in gave_back
        )
        for named in (decision.leads, decision.copies)
    )
    return leads, copies


def returned(opened: Opened) -> frozenset[str]:
    """Bodies whose last word on this tip is that it is not theirs."""
    return frozenset(p.agency for p in opened.packages if p.state in ("returned", "transferred"))


def hush(bench: Bench, opened: Opened) -> None:
    """Somebody who holds the key sees whom the tip implicates now: a package that could not be
    sent any more is not raised any further, as lateness is told to bodies above (promise 5)."""
    quiet = [
        package.id
        for package in opened.packages
        if package.state in OPEN
        and package.stage != Stage.QUIET
        and not may_receive(bench, opened, package.agency)
    ]
    if quiet:
        Overdue(bench.database).quiet(quiet, Stage.QUIET)


def others(bench: Bench, opened: Opened) -> tuple[str, ...]:
    """Every further body with an inbox of its own that may receive this tip."""
    leads, copies = offered(bench, opened)
    named = {*leads, *copies}
    return tuple(
        sorted(
            agency.id
            for agency in bench.profile.agencies.values()
            if agency.via is None
            and agency.id not in named
            and may_receive(bench, opened, agency.id)
        )
    )


def may_receive(bench: Bench, opened: Opened, agency: str) -> bool:
    """Whether a body receives tips, has a key, and neither is recused nor stands under or
    receives through a recused one."""
    body = bench.profile.agency(agency)
    if body is None or not body.receives:
        return False
    inbox = bench.profile.inbox(agency)
    if not bench.directory.last_epoch(agency_recipient(inbox)):
        return False
    recused = opened.recused
    return not (bench.profile.under(agency, recused) or bench.profile.under(inbox, recused))


def queues_offered(bench: Bench, opened: Opened) -> tuple[str, ...]:
    """Queues the tip may go to: never one that belongs to a recused body."""
    return tuple(
        queue
        for queue, entry in bench.profile.queues.items()
        if queue != opened.row.queue and not bench.profile.under(entry.agency, opened.recused)
    )


def to_queue(bench: Bench, opened: Opened, whole: Body, queue: str) -> dict[str, Any]:
    """The parts of a change that seal the tip and its additions to ``queue`` and to no other, but
    for the hold key."""
    # Whatever is rewritten or moved stays under its legal hold.
    recipients = (queue_recipient(queue), *((HOLD,) if opened.held else ()))
    classified = opened.content.classified
    clear = opens_facts(queue)
    wrap = bench.envelope.wrap
    parts = [(addition.key, addition.sealed) for addition in opened.additions]
    parts += [(r.key, r.sealed) for r in opened.recordings if r.key is not None]
    parts += [(file.own, file.sealed) for file in opened.files if file.own is not None]
    wraps = [
        wrap(key, sealed.id, fmt.digest(sealed.sealed), recipient)
        for key, sealed in ((opened.key.key, whole), *parts)
        for recipient in recipients
        if not (recipient == HOLD and sealed.kind == fmt.Kind.RECORDING)
    ]
    for said in opened.said:  # its body goes on reading what it said
        for recipient in (queue_recipient(queue), agency_recipient(said.agency)):
            digest = fmt.digest(said.sealed.sealed)
            wraps.append(wrap(said.key, said.sealed.id, digest, recipient))
    parts += [(said.key, said.sealed) for said in opened.said]
    return {
        "queue": queue,
        "type_group": bench.types.get(classified.primary).group if clear else None,
        "municipality": classified.place.municipality if clear else None,
        "wraps": tuple(wraps),
        "drop_wraps": True,
        "drop_wraps_of": tuple(sealed.id for _, sealed in parts),
        "receipt": place_receipt(
            opened.content.lookup, opened.content.reply_key, opened.row.id, queue
        ),
    }


def packages(
    bench: Bench, opened: Opened, leads: Iterable[str], copies: Iterable[str]
) -> list[SealedPackage]:
    """Masked copies, one an inbox, with the files that somebody decided to keep. Raises
    AgencyRecused, NoKey."""
    inboxes: dict[str, str] = {}
    for role, agencies in (("lead", leads), ("copy", copies)):
        for agency in agencies:
            if not may_receive(bench, opened, agency):
                raise AgencyRecused
            inboxes.setdefault(bench.profile.inbox(agency), role)
    due = bench.profile.answering.due(bench.clock.today()).isoformat()
    files = [file.card for file in opened.files if file.kept]
    return [
        bench.envelope.package(
            opened.content, opened.row.id, inbox, role, due, files, guard(bench, opened)
        )
        for inbox, role in inboxes.items()
    ]


def guard(bench: Bench, opened: Opened) -> Guard | None:
    """Whom the tip implicates, sealed to the line inside a package, so that it can be passed on
    without the desk: the body that has it opens the package and not this, the line this and not
    the package, and a stolen database neither. None when it does not fit: then the desk does it."""
    recused = ",".join(sorted(opened.recused))
    if len(recused) > _MOST_RECUSED:
        return None
    tip = opened.row.id
    facts = {"tip": tip.hex(), "recused": recused, "seen": as_seen(bench, tip)}
    return bench.envelope.guard(tip, facts)


def as_seen(bench: Bench, tip: bytes) -> str:
    """What a tip is made of now, but for voices: the same again, nothing came to it since."""
    kinds = (Kind.TIP, Kind.SUMMARY, Kind.SUPPLEMENT, Kind.CARD)
    parts = sorted(fmt.digest(body.sealed) for body in bench.tips.bodies(tip, only=kinds))
    return fmt.digest(b"".join(parts)).hex()
