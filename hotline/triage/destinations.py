"""Destinations: where a tip may go from the desk: bodies and queues, never a recused one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from hotline.errors import BadInput
from hotline.tips import HOLD, Body, Priority, SealedPackage
from hotline.triage.opening import Bench, Opened, opens_facts
from hotline.vault import format as fmt
from hotline.vault.envelope import agency_recipient, queue_recipient
from hotline.vault.receipts import place_receipt

_CONFIRM_DAYS = {Priority.P0: 1, Priority.P1: 1, Priority.P2: 3, Priority.P3: 15, Priority.P4: 15}


class AgencyRecused(BadInput):
    """A body that the tip implicates, or that receives through one."""

    code = "agency_recused"
    message = "This body cannot receive this tip."
    hint = "The tip is about it or about a body above it. Choose one that is offered."


def offered(bench: Bench, opened: Opened) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Leads and copies that the rules name, without anything recused."""
    decision = opened.content.decision
    return (
        tuple(a for a in decision.leads if may_receive(bench, opened, a)),
        tuple(a for a in decision.copies if may_receive(bench, opened, a)),
    )


def others(bench: Bench, opened: Opened) -> tuple[str, ...]:
    """Every further body with an inbox of its own that may receive this tip."""
    named = {*opened.content.decision.leads, *opened.content.decision.copies}
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
    days = _CONFIRM_DAYS[opened.content.decision.priority]
    due = (bench.clock.now() + timedelta(days=days)).astimezone(bench.clock.zone).date()
    files = [file.card for file in opened.files if file.kept]
    return [
        bench.envelope.package(opened.content, opened.row.id, inbox, role, due.isoformat(), files)
        for inbox, role in inboxes.items()
    ]
