"""Codebook: the page on columns, values and crosswalk, and the crosswalk as a file."""

from __future__ import annotations

from functools import partial

from flask import Response, render_template

from hotline.analysis.codebook import FILES, FITS, entries
from hotline.analysis.crosswalk import FILE, Crosswalk, Pair, crosswalk, text
from hotline.analysis.meanings import meaning
from hotline.analysts.door import ANYONE, Door
from hotline.routing.classify import type_groups, type_names
from hotline.web.i18n import current, say


def install(door: Door, country: str) -> None:
    """``country``: whose regions are listed, ISO 3166-1."""

    @door.page("/codebook", ANYONE)
    def codebook() -> str:
        """Nothing of any report: what columns and codes mean."""
        speak = partial(say, current())
        walk = crosswalk()
        return render_template(
            "analyst/codebook.html",
            files=[(title, file, entries(file, speak, country)) for title, file in FILES],
            types=_types(walk),
            walk=walk,
            fits=FITS,
            meaning=meaning,
        )

    @door.page("/crosswalk.csv", ANYONE)
    def crosswalk_file() -> Response:
        response = Response(text(), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{FILE}"'
        return response


def _types(walk: Crosswalk) -> list[tuple[str, str, str, list[Pair]]]:
    """Code, name and group of each type, with what it is compared with."""
    names, groups = type_names(), type_groups()
    pairs: dict[str, list[Pair]] = {}
    for pair in walk.pairs:
        pairs.setdefault(pair.crime_type, []).append(pair)
    return [(code, names[code][current()], groups[code], pairs.get(code, [])) for code in names]
