"""Drawing: a question as pictures, each with its figures beside it and as a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Response, render_template, request

from hotline.analysis.charts import (
    BadChart,
    Chart,
    multiples,
    places,
    ranking,
    seasonality,
    series,
)
from hotline.analysis.meanings import MEANINGS
from hotline.analysis.question import AREAS, SIDES, TYPES, BadQuestion, Question
from hotline.analysis.table import Table
from hotline.analysts.door import ACCOUNT, Door
from hotline.analysts.notes import KINDS, touching
from hotline.analysts.pages import NAMES, asked
from hotline.analysts.source import Source
from hotline.analysts.written import gaps
from hotline.errors import HotlineError
from hotline.routing.classify import type_names
from hotline.tips import Language
from hotline.web.i18n import N_, current, say

SPLITS = (*AREAS, *TYPES, *SIDES)
SHOWN = 100  # rows of a picture's table on the page
MOST_LINES = 100  # municipalities by month: whoever wants more names those to keep
TITLES = {
    "series": N_("Reports over time"),
    "seasonality": N_("Reports by year and month"),
    "ranking": N_("From the most to the fewest"),
    "multiples": N_("Each by itself, on one scale"),
    "map": N_("On the map"),
}
Draw = Callable[..., Chart]


class OneSplit(BadQuestion):
    """Pictures of more than one grouping."""

    code = "one_split"
    message = "A picture shows one grouping at a time."
    hint = "Choose one grouping, and keep only some values of the others."


@dataclass(frozen=True, slots=True)
class Picture:
    """``kind`` is a key of TITLES."""

    kind: str
    chart: Chart


def install(door: Door, source: Source, folder: Path) -> None:
    @lru_cache(maxsize=32)
    def drawn(
        months: tuple[str, ...], address: tuple[tuple[str, str], ...], tongue: Language
    ) -> tuple[Picture, ...]:
        """Released months stay as they are, and so does a picture of them."""
        return tuple(pictures(source, _question(dict(address)), tongue))

    def of(question: Question) -> tuple[Picture, ...]:
        address = tuple(question.address().items())
        return drawn(tuple(source.months()), address, current())

    @door.page("/charts", ACCOUNT)
    def charts() -> tuple[str, int]:
        facts: dict[str, Any] = {"problem": None, "pictures": (), "gaps": (), "notes": ()}
        months = sorted(source.months())
        facts |= {"since": "", "until": "", "split": "", "address": "", "table": ""}
        if months:
            facts |= {"since": months[-24:][0], "until": months[-1]}
        facts["only"] = dict.fromkeys(SPLITS, "")
        if "from" in request.args:
            facts |= {name: request.args.get(key, "") for name, key in _FORM.items()}
            facts["only"] = {name: request.args.get(name, "") for name in SPLITS}
        try:
            if "from" in request.args:
                question = _split(asked(request.args))
                facts["pictures"] = of(question)
                facts["gaps"] = gaps(months, question)
                facts["notes"] = touching(folder, question.since, question.until)
                facts |= _links(question)
        except HotlineError as problem:
            facts["problem"] = problem
        page = render_template(
            "analyst/charts.html",
            splits=SPLITS,
            names=NAMES,
            titles=TITLES,
            kinds=KINDS,
            shown=SHOWN,
            months=months,
            **facts,
        )
        return page, facts["problem"].status if facts["problem"] else 200

    @door.page("/charts/<kind>.svg", ACCOUNT)
    def chart_file(kind: str) -> Response:
        question = _split(asked(request.args))
        found = {picture.kind: picture.chart for picture in of(question)}
        if kind not in found:
            raise BadChart
        name = f"{kind}-{question.since}-{question.until}.svg"
        response = Response(str(found[kind].svg), content_type="image/svg+xml; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


_FORM = {"since": "from", "until": "to", "split": "by"}


def _question(address: Mapping[str, str]) -> Question:
    rest = {name: values for name, values in address.items() if name not in _FORM.values()}
    return Question.asked(address["from"], address["to"], address["by"], rest)


def _split(question: Question) -> Question:
    """Periods are drawn anyway. Raises OneSplit."""
    by = tuple(name for name in question.by if name in SPLITS)
    if len(by) > 1:
        raise OneSplit
    return Question(question.since, question.until, by, question.only)


def pictures(source: Source, question: Question, tongue: Language) -> list[Picture]:
    """All that fit the question: none of a table that it does not fit."""
    by, told = "".join(question.by), partial(say, tongue)
    found: list[Picture] = []

    def add(kind: str, draw: Draw, table: Table, *split: str, **options: Any) -> None:
        try:
            chart = draw(table, told(TITLES[kind]), *split, say=told, **options)
        except BadChart:
            return
        found.append(Picture(kind, chart))

    names = _names(by, tongue)
    if not by:
        table = source.answer(_by(question, "month"))
        add("series", series, table)
        add("seasonality", seasonality, table)
        return found
    if by != "municipality" or 0 < len(question.only.get(by, ())) <= MOST_LINES:
        table = source.answer(_by(question, "month", by))
        add("series", series, table, by=by, names=names)
        add("multiples", multiples, table, by, names=names)
    table = source.answer(question)
    add("ranking", ranking, table, by, names=names)
    if by in ("municipality", "state"):
        add("map", places, table, by, names=names)
    return found


def _by(question: Question, *by: str) -> Question:
    return Question(question.since, question.until, by, question.only)


def _names(by: str, tongue: Language) -> dict[str, str]:
    """What codes are called that have no words beside them."""
    if by == "crime_type":
        return {code: words[tongue] for code, words in type_names().items()}
    known = MEANINGS.get(by) or MEANINGS.get(f"{by}_code", {})
    return {value: say(tongue, words) for value, words in known.items()}


def _links(question: Question) -> dict[str, Any]:
    """The same question as pictures' files, and as a table with every file."""
    by = ",".join(("month", *question.by))
    return {
        "address": urlencode(question.address(), safe=","),
        "table": "/ask?" + urlencode(question.address() | {"by": by}, safe=","),
    }
