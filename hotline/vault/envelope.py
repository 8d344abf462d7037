"""Envelope: puts a classified tip into ciphertext for its queue, agencies, worker and statistics.

Holds the signed directory and nothing private: this is all the vault that intake has.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hotline.clock import Clock, coarse_due
from hotline.tips import (
    Body,
    ClassifiedTip,
    Decision,
    Errand,
    Observation,
    Priority,
    QueueKind,
    SealedPackage,
    SealedTip,
    State,
    Trace,
    Wrap,
    queue_kind,
)
from hotline.vault import format as fmt
from hotline.vault.attachments import Card, CleanFile, seal_file
from hotline.vault.canonical import canonical
from hotline.vault.content import TipContent, encode, observation
from hotline.vault.directory import Directory
from hotline.vault.format import Kind
from hotline.vault.receipts import place_receipt
from hotline.vault.seal import seal_body, seal_small, wrap_key
from hotline.vault.small import random_id, random_key

WORKER = "worker"
GUARD = "guard"
Guard = Mapping[str, str]
STATISTICS = "statistics"
OBSERVATION_BYTES = 768
HANDOVER_BYTES = 2400
ERRAND_BYTES = 1024
HOUR = 3600
RECORDING_LIFE = 72 * HOUR  # a voice that nobody has typed


def queue_recipient(queue: str) -> str:
    """``gbv:BR-RJ`` → ``queue:gbv:BR-RJ``, the queue's name in the directory."""
    return "queue:" + queue


def agency_recipient(agency: str) -> str:
    return "agency:" + agency


@dataclass(frozen=True, slots=True, repr=False)
class TipKey:
    """A tip's id and key while its conversation runs, or in an operator's hands."""

    tip: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """What belongs to a tip, sealed (files, a voice): rows of the same commit as the tip's own."""

    bodies: tuple[Body, ...] = ()
    wraps: tuple[Wrap, ...] = ()
    errands: tuple[Errand, ...] = ()

    def __add__(self, more: Parts) -> Parts:
        return Parts(
            self.bodies + more.bodies, self.wraps + more.wraps, self.errands + more.errands
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    directory: Directory
    clock: Clock

    def seal(
        self,
        content: TipContent,
        tip_key: TipKey,
        *,
        queue: str,
        state: State,
        packages: Sequence[SealedPackage] = (),
        errands: Sequence[Errand] = (),
        type_group: str | None = None,
        beside: Parts | None = None,
    ) -> SealedTip:
        """The tip's own body comes first. Raises NoKey when the queue, the worker or statistics
        has no key this month."""
        decision, month = content.decision, self.clock.month()
        body, beside = self.body(content, tip_key), beside or Parts()
        open_facts = not queue_kind(queue).special and queue_kind(queue) != QueueKind.UNRESOLVED
        return SealedTip(
            id=tip_key.tip,
            queue=queue,
            state=state,
            priority=decision.priority,
            month=month,
            due_at=self.due(decision),
            type_group=type_group if open_facts else None,
            municipality=content.classified.place.municipality if open_facts else None,
            bodies=(body, *beside.bodies),
            wraps=(
                self.wrap(tip_key.key, body.id, fmt.digest(body.sealed), queue_recipient(queue)),
                *beside.wraps,
            ),
            observation=self.observe(content, month),
            receipt=place_receipt(content.lookup, content.reply_key, tip_key.tip, queue),
            packages=tuple(packages),
            errands=(*errands, *beside.errands),
        )

    def body(self, content: TipContent, tip_key: TipKey, summary: int = 0) -> Body:
        """The tip itself, or (``summary`` 1, 2, …) the tip as it stood after a later answer."""
        if summary:
            subject, kind = summary_id(tip_key.tip, summary), Kind.SUMMARY
        else:
            subject, kind = tip_key.tip, Kind.TIP
        return seal_body(tip_key.key, subject, tip_key.tip, kind, encode(content))

    def stray(self, tip: bytes, recipient: str, kind: Kind, payload: bytes) -> tuple[Body, Wrap]:
        """Something added by somebody who does not hold the tip's key: a key of its own."""
        key = random_key()
        body = seal_body(key, random_id(), tip, kind, payload)
        return body, self.wrap(key, body.id, fmt.digest(body.sealed), recipient)

    def files(
        self, files: Sequence[CleanFile], tip: bytes, queue: str, key: bytes | None = None
    ) -> Parts:
        """Seals files under the tip's key, or, without it, each card under one of its own for
        ``queue``. A voice identifies: sound always goes the way of a recording, to be heard once
        and forgotten. Raises NoKey."""
        bodies: list[Body] = []
        wraps: list[Wrap] = []
        errands: list[Errand] = []
        recipient = queue_recipient(queue)
        for file in files:
            if file.sound:
                body, wrap = self.stray(tip, recipient, Kind.RECORDING, file.sound)
                bodies.append(body)
                wraps.append(wrap)
                errands.append(self.forgetting(tip, body.id))
                continue
            own = key or random_key()
            card, pages = seal_file(own, tip, file)
            bodies += [card, pages]
            if key is None:
                wraps.append(self.wrap(own, card.id, fmt.digest(card.sealed), recipient))
        return Parts(tuple(bodies), tuple(wraps), tuple(errands))

    def forgetting(self, tip: bytes, recording: bytes) -> Errand:
        """A sound is forgotten, heard or not, within 72 hours, on the hour, so that the outbox
        does not keep the minute it came."""
        due = (int(self.clock.seconds()) + RECORDING_LIFE) // HOUR * HOUR
        facts = {"tip": tip.hex(), "body": recording.hex()}
        return self.errand("forget_recording", random_id(), facts, due_at=due)

    def wrap(self, key: bytes, subject: bytes, body_hash: bytes, recipient: str) -> Wrap:
        """The key for one recipient, in its key of this month. Raises NoKey."""
        return wrap_key(key, subject, body_hash, self.directory.key(recipient, self.clock.month()))

    def observe(self, content: TipContent, month: str, **more: str) -> Observation:
        """The tip's count, sealed to the statistics key of its month."""
        identity = content.observation
        sealed = seal_small(
            fmt.COUNT,
            identity,
            self.directory.key(STATISTICS, month),
            observation(content, month, **more),
            OBSERVATION_BYTES,
        )
        return Observation(identity, month, sealed)

    def package(
        self,
        content: TipContent,
        tip: bytes,
        agency: str,
        role: str,
        due: str,
        files: Sequence[Card] = (),
        guard: Guard | None = None,
    ) -> SealedPackage:
        """A masked copy for an agency. Doubtful spans stay behind their tokens; of the files it
        gets those in ``files``, by their keys. ``guard`` opens to the worker alone."""
        salt, day = random_key(), self.clock.day()
        identity = package_id(salt, content.lookup, content.reply_key)
        payload = package_document(content, identity, agency, role, due, files, salt=salt, day=day)
        if guard is not None:
            payload["guard"] = guard
        return self.repack(payload, tip, day)

    def repack(self, payload: Mapping[str, Any], tip: bytes, day: str) -> SealedPackage:
        """A package from the document in it, sealed to the agency it names. Raises NoKey."""
        identity, key = bytes.fromhex(payload["package"]), random_key()
        agency, role, due = payload["agency"], payload["role"], payload["due"]
        body = seal_body(key, identity, tip, Kind.PACKAGE, canonical(payload))
        wrap = self.wrap(key, body.id, fmt.digest(body.sealed), agency_recipient(agency))
        return SealedPackage(identity, tip, agency, role, day, due, body, wrap)

    def errand(
        self,
        kind: str,
        subject: bytes,
        payload: dict[str, str],
        *,
        urgent: bool = False,
        due_at: int = 0,
    ) -> Errand:
        """A side effect with its details sealed to the worker."""
        bare = Errand(random_id(), kind, subject, "", b"", urgent, due_at)
        return self.errand_again(bare, payload)

    def errand_again(self, errand: Errand, payload: dict[str, str]) -> Errand:
        """The same errand with other details."""
        month = self.clock.month()
        sealed = seal_small(
            fmt.SMALL,
            errand.id,
            self.directory.key(WORKER, month),
            json.dumps(payload, ensure_ascii=False).encode(),
            ERRAND_BYTES,
        )
        return replace(errand, epoch=month, payload=sealed)

    def handover(self, queue: str, payload: dict[str, str]) -> tuple[bytes, str, bytes]:
        """A note to a queue's next shift: ``(id, month, sealed)``. Raises NoKey."""
        identity, month = random_id(), self.clock.month()
        key = self.directory.key(queue_recipient(queue), month)
        raw = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        return identity, month, seal_small(fmt.SHIFT, identity, key, raw, HANDOVER_BYTES)

    def guard(self, tip: bytes, facts: dict[str, str]) -> Guard:
        """What travels in a package and opens to the worker alone (``vault.errands``)."""
        made = self.errand(GUARD, tip, facts)
        sealed = b64encode(made.payload).decode()
        return {"id": made.id.hex(), "epoch": made.epoch, "sealed": sealed}

    def erasure(self, trace: Trace, after: Sequence[Errand] = ()) -> Errand:
        """Makes the provider forget something (promise 7), not before the errands ``after`` are
        done. Its subject is not the tip: nothing clear may join a provider's record to a tip."""
        facts = {"resource": trace.resource, "sid": trace.sid, "parent": trace.parent}
        if after:
            facts["after"] = ",".join(errand.id.hex() for errand in after)
        return self.errand("erase", random_id(), facts)

    def due(self, decision: Decision) -> int:
        urgent = decision.priority in (Priority.P0, Priority.P1)
        moment = coarse_due(self.clock.now(), decision.deadline, urgent=urgent)
        return int(moment.timestamp())


def summary_id(tip: bytes, number: int) -> bytes:
    """The id of a tip's summary: whoever has the tip id knows their order without a list."""
    return fmt.digest(b"summary" + bytes([number]) + tip)[: fmt.ID_BYTES]


def package_id(salt: bytes, lookup: bytes, key: bytes) -> bytes:
    """A package's id says where its reporter is told, to whoever knows the salt: it stands inside
    the package. So an agency that answers by its own key can name this reporter and nobody else,
    and the row tells the database nothing."""
    return fmt.digest(b"hotline/package/1\0" + salt + lookup + key)[: fmt.ID_BYTES]


def recording_id(errand: bytes) -> bytes:
    """The id of what the first errand for a recording fetched: a repeat finds the first one's."""
    return fmt.digest(b"recording" + errand)[: fmt.ID_BYTES]


def transcript_id(recording: bytes) -> bytes:
    """The id of what a machine heard in a recording, whether or not the sound was kept."""
    return fmt.digest(b"transcript" + recording)[: fmt.ID_BYTES]


def package_document(
    content: TipContent,
    identity: bytes,
    agency: str,
    role: str,
    due: str,
    files: Sequence[Card] = (),
    *,
    salt: bytes,
    day: str,
) -> dict[str, Any]:
    """What an agency reads, as ``data/package.schema.json`` describes it. Never the reporter, never
    an undecided span."""
    classified: ClassifiedTip = content.classified
    return {
        "version": 2,
        "package": identity.hex(),
        "status": "UNVERIFIED",
        "agency": agency,
        "role": role,
        "forwarded": day,
        "due": due,
        "rules_version": content.decision.version,
        "rules": [f"{row.table}/{row.row}" for row in content.decision.rules],
        "priority": content.decision.priority,
        "urgency": classified.tip.urgency,
        "language": classified.tip.language,
        "acts": [act.code for act in classified.classification.acts],
        "tags": list(classified.classification.tags),
        "place": {
            "municipality": classified.place.municipality,
            "name": classified.place.name,
            "state": classified.place.state,
            "certainty": classified.place.certainty,
        },
        "text": classified.tip.text,
        "answers": {str(q): words for q, words in classified.tip.answers.items()},
        "files": [card.document() for card in files],
        "details": dict(classified.tip.details),
        "ticked": list(classified.tip.ticked),
        "reply": {
            "lookup": content.lookup.hex(),
            "key": content.reply_key.hex(),
            "salt": salt.hex(),
        },
    }
