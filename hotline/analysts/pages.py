"""Pages of analysts: the first page, the question with its preview, and the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from flask import Response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from hotline.analysis.meanings import meaning
from hotline.analysis.question import AREAS, PERIODS, SIDES, TYPES, BadQuestion, Question
from hotline.analysis.table import REAL, Column, Table
from hotline.analysts.door import ACCOUNT, ANYONE, PROGRAM, Door
from hotline.analysts.notes import KINDS, BadNotes, Note, touching
from hotline.analysts.source import Source, expected_error
from hotline.errors import HotlineError
from hotline.web.i18n import N_, current, say

PREVIEW = 20
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "geojson": "application/geo+json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
NAMES = {
    "month": N_("Month"),
    "quarter": N_("Quarter"),
    "year": N_("Year"),
    "municipality": N_("Municipality"),
    "region": N_("Region"),
    "state": N_("State or department"),
    "country": N_("Country"),
    "crime_type": N_("Type of crime"),
    "crime_group": N_("Group of crimes"),
    "iccs_section": N_("ICCS section"),
    "iccs_code": N_("ICCS code"),
    "channel": N_("Channel"),
    "language": N_("Language"),
    "victim_sex": N_("Sex of the victim"),
    "victim_age": N_("Age of the victim"),
    "victim_ethnicity": N_("Ethnicity of the victim"),
    "weapon": N_("Weapon"),
    "outcome": N_("Outcome"),
    "act": N_("Act told"),
}
CHOICES = (
    (N_("Period"), PERIODS),
    (N_("Area"), AREAS),
    (N_("Crime"), TYPES),
    (N_("More, by state at the finest"), SIDES),
)


class NoFormat(BadQuestion):
    """A file in a format that is not made."""

    code = "no_format"
    message = "There is no file of this format."
    hint = "Choose one of the formats on the page of your question."


def install(door: Door, source: Source, folder: Path) -> None:
    @door.page("/", ANYONE)
    def home() -> str:
        months = sorted(source.months(), reverse=True)
        tables = [_shown(table) for table in open_tables(source, months)]
        return render_template(
            "analyst/releases.html",
            months=months,
            tables=tables,
            notes=_noted(folder, months),
            kinds=KINDS,
        )

    @door.page("/ask", ACCOUNT)
    def ask() -> BaseResponse | tuple[str, int]:
        facts, answer = _blank(source), None
        if "from" not in request.args:
            return render_template("analyst/ask.html", answer=None, problem=None, **facts), 200
        facts |= _typed()
        try:
            question = asked(request.args)
            if list(request.args.items(multi=True)) != list(question.address().items()):
                return redirect("/ask?" + urlencode(question.address(), safe=","), 303)
            answer = _answer(source, question, folder)
        except HotlineError as problem:
            page = render_template("analyst/ask.html", answer=None, problem=problem, **facts)
            return page, problem.status
        return render_template("analyst/ask.html", answer=answer, problem=None, **facts), 200

    @door.page("/api/v1/extract", PROGRAM)
    def extract() -> Response:
        rest = MultiDict(request.args)
        form, dialect = rest.pop("format", "csv"), rest.pop("dialect", "")
        if (form, dialect) not in source.formats:
            raise NoFormat
        question = asked(rest)
        body = source.render(source.answer(question), form, dialect)
        name = f"trends-{question.since}-{question.until}.{form}"
        response = Response(body, content_type=MEDIA.get(form, "application/octet-stream"))
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _noted(folder: Path, months: list[str]) -> list[Note]:
    """Notes on what everybody sees, the newest month first. A file that cannot be read says so to
    who asks a question; the first page stands without it."""
    try:
        return touching(folder, months[-1], months[0]) if months else []
    except BadNotes:
        return []


def asked(given: MultiDict[str, str]) -> Question:
    """The question of an address or a form: ``by`` may stand in it more than once, what was left
    empty counts for nothing. Raises BadQuestion, also for a name that means nothing."""
    only = {
        name: ",".join(values)
        for name, values in given.lists()
        if name not in ("from", "to", "by") and any(values)
    }
    by = ",".join(given.getlist("by"))
    return Question.asked(given.get("from", ""), given.get("to", ""), by, only)


def open_tables(source: Source, months: list[str]) -> Iterable[Table]:
    """What everybody sees: states, and large municipalities, by year."""
    if not months:
        return
    since, until = months[-1], months[0]
    yield source.answer(Question(since, until, ("year", "state")))
    if source.large:
        large = {"municipality": ",".join(source.large)}
        yield source.answer(Question.asked(since, until, "year,municipality", large))


def _blank(source: Source) -> dict[str, Any]:
    months = sorted(source.months())
    return {
        "months": months,
        "since": months[-12:][0] if months else "",
        "until": months[-1] if months else "",
        "by": frozenset({"month", "state"}),
        "only": {},
        "choices": CHOICES,
        "names": NAMES,
    }


def _typed() -> dict[str, Any]:
    """What stands in the form again, whether it was right or wrong."""
    by = frozenset(",".join(request.args.getlist("by")).split(","))
    only = {name: request.args.get(name, "") for name in NAMES}
    return {
        "since": request.args.get("from", ""),
        "until": request.args.get("to", ""),
        "by": by,
        "only": only,
    }


def _answer(source: Source, question: Question, folder: Path) -> Mapping[str, Any]:
    table = source.answer(question)
    address = question.address()
    error = expected_error(table)
    return {
        "count": len(table),
        "table": _shown(table.head(PREVIEW)),
        "error": None if error is None else f"{error:.1f}",
        "notes": touching(folder, question.since, question.until),
        "kinds": KINDS,
        "charts": "/charts?" + urlencode(address | {"by": _drawn_by(question)}, safe=","),
        "links": [
            (
                " ".join(filter(None, (form.upper(), dialect))),
                "/api/v1/extract?" + urlencode(_file(address, form, dialect), safe=","),
            )
            for form, dialect in source.formats
            if form != "geojson" or "municipality" in question.by
        ],
    }


def _drawn_by(question: Question) -> str:
    """The first grouping that is no period: a picture shows one."""
    return next((name for name in question.by if name not in PERIODS), "")


def _file(address: dict[str, str], form: str, dialect: str) -> dict[str, str]:
    return address | {"format": form} | ({"dialect": dialect} if dialect else {})


def _shown(table: Table) -> dict[str, Any]:
    cells = [[_cell(column, one) for one in table.data[column.name]] for column in table.columns]
    return {"columns": table.columns, "rows": list(zip(*cells, strict=True))}


def _cell(column: Column, value: object) -> str:
    """A dash where there is no figure; codes of closed lists in the reader's words."""
    if value is None or (column.kind == REAL and np.isnan(float(str(value)))):
        return "–"
    if column.kind == REAL:
        return f"{float(str(value)):g}"
    return say(current(), meaning(column.name, str(value))) if value else ""
