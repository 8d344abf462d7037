"""Pages: one deed on several tips of a list, and what became of each."""

from __future__ import annotations

from flask import render_template, request

from hotline.errors import NotAllowed
from hotline.store.people import Person
from hotline.triage import bulk
from hotline.triage.closings import CLOSE_REASONS, BadReason
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.queue import PAGE


def install(console: Console) -> None:
    line, claims = console.line, console.claims

    @console.act("/tips/bulk", *READERS)
    def tips_bulk() -> str:
        form, me = request.form, who()
        chosen = [bulk.Chosen.parse(one) for one in form.getlist("tip")][:PAGE]
        if not chosen:
            raise bulk.NothingChosen
        deed = form.get("go", "")
        if deed == "close":
            reason = form.get("reason", "")
            if reason not in CLOSE_REASONS:
                raise BadReason
            outcomes = bulk.each(chosen, lambda one: bulk.close(line, claims, me, one, reason))
        elif deed == "assign":
            to = _person(form.get("person", ""))
            outcomes = bulk.each(chosen, lambda one: bulk.assign(line, claims, me, one, to))
        else:
            raise bulk.NothingChosen
        failed = [one for one in outcomes if one.problem is not None]
        done = len(outcomes) - len(failed)
        return render_template("console/bulk.html", deed=deed, count=done, failed=failed)

    def _person(typed: str) -> Person:
        """Only a supervisor puts tips into other people's hands. Raises NothingChosen,
        NotAllowed."""
        if not typed:
            raise bulk.NothingChosen
        try:
            person = line.access.people.get(bytes.fromhex(typed))
        except ValueError:
            raise NotAllowed from None
        if person is None or (person.id != who().person.id and not who().has("supervisor")):
            raise NotAllowed
        return person
