"""Comparison: the page that lays the line's figures beside those that others publish."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import render_template, request

from hotline.analysis.codebook import COUNTED, FITS
from hotline.analysis.crosswalk import Category
from hotline.analysis.meanings import meaning
from hotline.analysis.published import ISP, BadPublished, Published, names, published
from hotline.analysis.question import BadQuestion
from hotline.analysts.beside import beside, pictures
from hotline.analysts.door import ACCOUNT, Door
from hotline.analysts.source import Source
from hotline.analysts.written import WRITERS, gaps, period
from hotline.errors import HotlineError
from hotline.routing.classify import type_names
from hotline.web.i18n import N_, current, say


class NoCategory(BadQuestion):
    """A category or an area that the file does not have."""

    code = "no_category"
    message = "The file has no such category or area."
    hint = "Choose both from the lists."


_WARNINGS = (
    N_(
        "The police count crimes that were recorded; the line counts reports. Neither is all crime."
    ),
    N_("One crime can bring many reports or none. A report can tell of many crimes."),
    N_("The line counts by the month a report came, the publisher by its own rule."),
    N_("Types and titles are not drawn alike: read how they fit before you compare."),
)


def install(door: Door, source: Source, folder: Path) -> None:
    @door.page("/comparison", ACCOUNT)
    def comparison() -> tuple[str, int]:
        """Files are read here, never fetched, and nothing is sent to anybody."""
        files = names(folder)
        facts: dict[str, Any] = {"files": files, "warnings": _WARNINGS, "problem": None}
        facts["chosen"] = request.args.get("file", "") or next(iter(files), "")
        try:
            if files:
                facts |= _file(source, published(folder, facts["chosen"]))
        except HotlineError as problem:
            facts["problem"] = problem
        found = facts["problem"]
        facts["line"] = found.line if isinstance(found, BadPublished) else 0
        page = render_template(
            "analyst/comparison.html",
            months=source.months(),
            names=type_names(),
            fits=FITS,
            counting=COUNTED,
            titled=titled,
            meaning=meaning,
            tongue=current(),
            **facts,
            **WRITERS,
        )
        return page, found.status if found else 200


def titled(file: str, category: Category) -> str:
    """The catalogue's sentence of a section, else the publisher's own title."""
    return category.title if file == ISP else meaning("iccs_section", category.title)


def _file(source: Source, held: Published) -> dict[str, Any]:
    """What the page shows of a file, or the problem of what was asked of it; the form stays."""
    comparable = [one for one in held.categories if one.types]
    first = next(iter(comparable), None)
    facts: dict[str, Any] = {"held": held, "comparable": comparable, "category": first}
    facts["alone"] = [one for one in held.categories if not one.types]
    facts["area"] = request.args.get("area", "") or next(iter(held.areas))
    facts |= {"since": request.args.get("from", ""), "until": request.args.get("to", "")}
    wanted = request.args.get("category", "")
    months = source.months()
    try:
        if wanted:
            facts["category"] = next((one for one in comparable if one.id == wanted), None)
        if facts["category"] is None or facts["area"] not in held.areas:
            raise NoCategory
        if months:
            asked = period(months, free=True)
            facts |= {"since": asked.since, "until": asked.until, "gaps": gaps(months, asked)}
            found = beside(source, held, facts["category"], facts["area"], asked)
            facts |= {"found": found, "charts": pictures(found, partial(say, current()))}
    except HotlineError as problem:
        facts["problem"] = problem
    return facts
