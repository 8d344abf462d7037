"""Dead: what was destroyed or taken away stays so, whatever an older copy of the keys still holds.

The audit tree says what happened to the key store. A copy of the keys carries what was dead when it
was made; whoever puts it back does again everything that the restored tree says besides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hotline.store.audit import AuditLog

DESTROYED = "epoch_destroyed"
REVOKED, GRANTED = "revoked", ("granted", "recovered")
EVERYTHING = "all"  # a revocation of all a person had


@dataclass(frozen=True, slots=True)
class Dead:
    """``epochs`` are (recipient, month) that were destroyed; ``taken`` are (person as hex,
    recipient or ``all``) whose keys were taken away, ``given`` those that were given again."""

    epochs: frozenset[tuple[str, str]] = frozenset()
    taken: frozenset[tuple[str, str]] = frozenset()
    given: frozenset[tuple[str, str]] = frozenset()

    def holds(self, recipient: str, epoch: str, person: bytes) -> bool:
        """Whether a grant may not come back."""
        one, every = (person.hex(), recipient), (person.hex(), EVERYTHING)
        return (recipient, epoch) in self.epochs or (
            one not in self.given and not self.taken.isdisjoint((one, every))
        )

    def tell(self) -> dict[str, Any]:
        """For a copy's head. Not who lost keys: at the time of the copy they had lost them."""
        return {"epochs": sorted(self.epochs)}

    def with_told(self, raw: Mapping[str, Any]) -> Dead:
        """Together with what a copy's head says."""
        told = {(str(recipient), str(epoch)) for recipient, epoch in raw.get("epochs", ())}
        return replace(self, epochs=self.epochs | told)


def known_dead(audit: AuditLog) -> Dead:
    """What this line's records say, in their order."""
    epochs: set[tuple[str, str]] = set()
    taken: set[tuple[str, str]] = set()
    given: set[tuple[str, str]] = set()
    for record in audit.told((DESTROYED, REVOKED, *GRANTED)):
        fields = json.loads(record)
        match fields["event"]:
            case "epoch_destroyed":
                recipients = fields["recipients"].split(",")
                epochs |= {(recipient, fields["epoch"]) for recipient in recipients}
            case "granted" | "recovered":
                given.add((fields["to"], fields["recipient"]))
            case _:
                one = (fields["person"], fields["recipient"])
                taken.add(one)
                given = {g for g in given if g != one and (g[0], EVERYTHING) != one}
    return Dead(frozenset(epochs), frozenset(taken), frozenset(given))
