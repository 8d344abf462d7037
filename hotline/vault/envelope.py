"""Envelope: puts a classified tip into ciphertext for its queue, agencies, worker and statistics.

Holds the signed directory and nothing private: this is all the vault that intake has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

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
from hotline.vault.content import TipContent, encode, observation
from hotline.vault.directory import Directory
from hotline.vault.format import Kind
from hotline.vault.receipts import place_receipt
from hotline.vault.seal import seal_body, seal_small, wrap_key
from hotline.vault.small import random_id, random_key

WORKER = "worker"
STATISTICS = "statistics"
OBSERVATION_BYTES = 768
ERRAND_BYTES = 1024


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
    ) -> SealedTip:
        """Raises NoKey when the queue, the worker or statistics has no key this month."""
        decision, month = content.decision, self.clock.month()
        body = self.body(content, tip_key)
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
            bodies=(body,),
            wraps=(
                self.wrap(tip_key.key, body.id, fmt.digest(body.sealed), queue_recipient(queue)),
            ),
            observation=self.observe(content, month),
            receipt=place_receipt(content.lookup, content.reply_key, tip_key.tip, queue),
            packages=tuple(packages),
            errands=tuple(errands),
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
        self, content: TipContent, tip: bytes, agency: str, role: str, due: str
    ) -> SealedPackage:
        """A masked copy for an agency. Doubtful spans stay behind their tokens."""
        identity, key = random_id(), random_key()
        payload = package_document(content, identity, agency, role, due)
        body = seal_body(
            key, identity, tip, Kind.PACKAGE, json.dumps(payload, ensure_ascii=False).encode()
        )
        wrap = self.wrap(key, body.id, fmt.digest(body.sealed), agency_recipient(agency))
        return SealedPackage(identity, tip, agency, role, self.clock.day(), due, body, wrap)

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
        identity, month = random_id(), self.clock.month()
        sealed = seal_small(
            fmt.SMALL,
            identity,
            self.directory.key(WORKER, month),
            json.dumps(payload, ensure_ascii=False).encode(),
            ERRAND_BYTES,
        )
        return Errand(identity, kind, subject, month, sealed, urgent, due_at)

    def erasure(self, trace: Trace) -> Errand:
        """Makes the provider forget something (promise 7). Its subject is not the tip: nothing
        clear may join a provider's record to a tip."""
        return self.errand(
            "erase",
            random_id(),
            {"resource": trace.resource, "sid": trace.sid, "parent": trace.parent},
        )

    def due(self, decision: Decision) -> int:
        urgent = decision.priority in (Priority.P0, Priority.P1)
        moment = coarse_due(self.clock.now(), decision.deadline, urgent=urgent)
        return int(moment.timestamp())


def summary_id(tip: bytes, number: int) -> bytes:
    """The id of a tip's summary: whoever has the tip id knows their order without a list."""
    return fmt.digest(b"summary" + bytes([number]) + tip)[: fmt.ID_BYTES]


def package_document(
    content: TipContent, identity: bytes, agency: str, role: str, due: str
) -> dict[str, object]:
    """What an agency reads. Never the reporter, never an undecided span."""
    classified: ClassifiedTip = content.classified
    return {
        "version": 1,
        "package": identity.hex(),
        "status": "UNVERIFIED",
        "agency": agency,
        "role": role,
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
        "reply": {"lookup": content.lookup.hex(), "key": content.reply_key.hex()},
    }
