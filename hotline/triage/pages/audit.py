"""Pages: the audit viewer of the security officer, and who has read one tip.

Records hold ids, codes and times; no text of a tip is ever near them. Who looks or takes records
away leaves a record of that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from flask import Response, render_template, request

from hotline.assembly import StaffLine
from hotline.errors import BadInput, NotAllowed
from hotline.store.audit import PAGE as PLACED
from hotline.store.audit import Placed
from hotline.store.events import EVENTS
from hotline.triage.opening import visible
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.proofs import export, prove_inclusion

PAGE, MOST_EXPORTED = 50, 2000
_ID = re.compile(r"[0-9a-f]{32}")
_PERSONS = frozenset({"by", "person", "to"})


class NothingFound(BadInput):
    """An export of no record."""

    code = "nothing_found"
    message = "No record fits, so there is nothing to take out."
    hint = "Change the filter, or look further back."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the viewer shows, as its address says it. Unknown values are left out."""

    person: str = ""
    event: str = ""
    day: str = ""
    tip: str = ""
    before: int | None = None

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Wanted:
        def fits(name: str, good: bool) -> str:
            return args.get(name, "").strip() if good else ""

        tip, person = args.get("tip", "").strip().lower(), args.get("person", "")
        before = args.get("before", "")
        return cls(
            person=fits("person", bool(_ID.fullmatch(person))),
            event=fits("event", args.get("event", "") in EVENTS),
            day=fits("day", _day(args.get("day", "").strip()) is not None),
            tip=tip if _ID.fullmatch(tip) else "",
            before=int(before)
            if before.isascii() and before.isdigit() and len(before) < 13
            else None,
        )

    @property
    def about(self) -> dict[str, str]:
        """Whose records were looked at, for the record of the look."""
        one = self.tip or self.person
        return {"about": one} if one else {}

    def address(self, path: str, before: int | None = None) -> str:
        fields = {n: v for n in ("person", "event", "day", "tip") if (v := getattr(self, n))}
        if before is not None:
            fields["before"] = str(before)
        return f"{path}?{urlencode(fields)}" if fields else path


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as the viewer shows it. ``rest`` are (field, value, a person's name or '')."""

    position: int
    id: str
    at: str
    event: str
    rest: tuple[tuple[str, str, str], ...]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def search(line: StaffLine, wanted: Wanted, most: int) -> tuple[list[Placed], int, int]:
    """Newest first; where to go on from, and where the search ends."""
    least, before = 0, wanted.before
    names = [name for name in (wanted.person, wanted.tip) if name]
    if (day := _day(wanted.day)) is not None:
        # By the day that a record tells, in UTC as it is shown. Where it lies is only where to
        # look: what got its place at once, up to a page of it, stands in no order of time.
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
        least = max(line.audit.began(begins.timestamp()) - PLACED, 0)
        end = line.audit.began((begins + timedelta(days=1)).timestamp()) + PLACED
        before = end if before is None else min(before, end)
        names.append(f'"at":"{day.isoformat()}T')
    found, on = line.audit.found(before, least, event=wanted.event, names=names, most=most)
    return found, on, least


def shown(line: StaffLine, rows: list[Placed]) -> list[Shown]:
    """Ids of people with their names; every other value as it stands in the record."""
    names = {person.id.hex(): person.name for person in line.access.people.all()}
    found = []
    for row in rows:
        said = json.loads(row.record)
        rest = tuple(
            (key, value, names.get(value, "") if key in _PERSONS else "")
            for key, value in said.items()
            if key not in ("at", "event", "id")
        )
        found.append(Shown(row.position, said["id"], said.get("at", ""), row.event, rest))
    return found


def install(console: Console) -> None:
    line = console.line

    def file(name: str, text: str, kind: str) -> Response:
        response = Response(text, mimetype=kind)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    @console.page("/audit", "officer", name="audit")
    def viewer() -> str:
        wanted = Wanted.read(request.args)
        rows, on, least = search(line, wanted, PAGE)
        line.audit.note("audit_viewed", by=who().person.id.hex(), **wanted.about)
        head = line.audit.head()
        return render_template(
            "console/audit.html",
            rows=shown(line, rows),
            wanted=wanted,
            people=line.access.people.all(),
            events=sorted(EVENTS),
            older=wanted.address("/audit", on) if on > least else "",
            signed=head[0] if head else 0,
            most=MOST_EXPORTED,
        )

    @console.act("/audit/export", "officer")
    def export_audit() -> Response:
        wanted = Wanted.read(request.form)
        rows, _, _ = search(line, wanted, MOST_EXPORTED)
        if not rows:
            raise NothingFound
        text = "".join(export(line, rows))
        count = str(text.count("\n") - 1)
        line.audit.note("audit_exported", by=who().person.id.hex(), count=count, **wanted.about)
        return file("audit.jsonl", text, "application/jsonl")

    @console.act("/audit/<record>/proof", "officer")
    def audit_proof(record: str) -> Response:
        proof = prove_inclusion(line, read_id(record))
        line.audit.note("audit_exported", by=who().person.id.hex(), count="1")
        return file(
            f"record-{proof['index']}.json", json.dumps(proof, indent=1), "application/json"
        )

    @console.page("/tips/<tip>/readers", "supervisor", "officer")
    def readers(tip: str) -> str:
        """Without opening it: from the records alone. An officer may look at any tip's, whatever
        its desk: the records of all lie before them in the viewer."""
        identity = read_id(tip)
        if not who().has("officer"):
            visible(line, who(), identity)
        elif line.tips.one(identity) is None:
            raise NotAllowed
        wanted = Wanted.read({**request.args, "tip": tip})
        rows, on, _ = search(line, Wanted(tip=identity.hex(), before=wanted.before), PAGE)
        line.audit.note("audit_viewed", by=who().person.id.hex(), about=identity.hex())
        older = f"/tips/{tip}/readers?before={on}" if on else ""
        return render_template("console/readers.html", tip=tip, rows=shown(line, rows), older=older)
