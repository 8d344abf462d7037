"""Compare: two versions of the rules, case by case and on recorded requests; and the rules as
another engine reads them, which may answer for itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hotline.routing.classify import Types
from hotline.routing.profile import Profile
from hotline.routing.rules import Cell, Column, Rules, Table
from hotline.routing.universe import called, place_classes
from hotline.tips import Act, Channel, Classification, ClassifiedTip, Decision, Tip, Urgency


def jdm(table: Table) -> dict[str, object]:
    """The table as a JSON Decision Model, which other engines and spreadsheet-like editors read.
    A cell fits when one of the fact's values is in its list; the answer is the row's id."""
    inputs = [{"id": c.name, "name": c.name, "field": c.name.lower()} for c in Column]
    lines = []
    for row in table.rows:
        cells = {c: row.cell(c) for c in Column}
        line = {c.name: _jdm_cell(cell) for c, cell in cells.items()}
        lines.append({"_id": row.id, **line, "row": json.dumps(row.id)})
    content = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": [{"id": "row", "name": "row", "field": "row"}],
        "rules": lines,
    }
    nodes = [
        {"id": "facts", "type": "inputNode", "name": "facts"},
        {"id": "table", "type": "decisionTableNode", "name": table.name, "content": content},
        {"id": "answer", "type": "outputNode", "name": "answer"},
    ]
    edges = [
        {"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"}
        for a, b in (("facts", "table"), ("table", "answer"))
    ]
    return {"nodes": nodes, "edges": edges}


def _jdm_cell(cell: Cell | None) -> str:
    return "" if cell is None else f"some($, # in {json.dumps(sorted(cell))})"


class Decider(Protocol):
    """What diff and replay need of a Router."""

    @property
    def profile(self) -> Profile: ...
    @property
    def types(self) -> Types: ...
    @property
    def rules(self) -> Rules: ...
    def decide(self, classified: ClassifiedTip) -> Decision: ...
    def explain(self, request: Mapping[str, object]) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One case that two versions of the rules decide differently."""

    case: str
    before: str
    after: str


def diff(old: Decider, new: Decider) -> list[Difference]:
    """Every type at every class of place, at each urgency, that ``new`` sends elsewhere, with
    another priority, or by another row."""
    found, language = [], new.profile.languages[0]
    for kind in new.types:
        for place, _ in place_classes(new.profile, new.rules):
            for urgency in Urgency:
                tip = Tip(channel=Channel.API, language=language, text="", urgency=urgency)
                told = Classification((Act(kind.code, 1.0),))
                classified = ClassifiedTip(tip, told, place)
                before, after = _short(old.decide(classified)), _short(new.decide(classified))
                if before != after:
                    case = f"{kind.code} {called(place)} {urgency.value}"
                    found.append(Difference(case, before, after))
    return found


def replay(
    old: Decider, new: Decider, requests: Iterable[Mapping[str, object]]
) -> list[Difference]:
    """Requests in the shape of `route explain` that the two versions answer differently; a case
    is named by its number, from 1, never by its words."""
    found = []
    for number, request in enumerate(requests, 1):
        before, after = old.explain(request), new.explain(request)
        if before != after:
            changed = [key for key in after if after[key] != before.get(key)]
            found.append(
                Difference(
                    f"request {number}",
                    "; ".join(f"{key}: {before.get(key)}" for key in changed),
                    "; ".join(f"{key}: {after[key]}" for key in changed),
                )
            )
    return found


def _short(decision: Decision) -> str:
    rows = ", ".join(f"{ref.table}/{ref.row}" for ref in decision.rules)
    leads, copies = ", ".join(decision.leads), ", ".join(decision.copies)
    sent = "automatic" if decision.automatic else "by a person"
    return (
        f"{decision.priority.value} {decision.queue} lead [{leads}] copies [{copies}] "
        f"{decision.deadline} min {sent} by {rows}"
    )
