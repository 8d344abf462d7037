"""Published: figures that others publish, as the administrator put them beside the releases.

Files of ``releases/published``: ``isp-rj.csv``, the base ``BaseMunicipioMensal.csv`` as ISP-RJ
publishes it, and any ``<name>.csv`` of the columns ``month,area,iccs,count``. Nothing is fetched,
nothing is sent, and none is shipped.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from hotline.analysis.crosswalk import Category, crosswalk
from hotline.errors import BadInput

FOLDER, ISP = "published", "isp-rj"
ISP_KEYS = ("fmun_cod", "fmun", "ano", "mes")
TIDY = ("month", "area", "iccs", "count")
LARGEST = 32 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_AREA = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?|\d{1,10}")
_ICCS = re.compile(r"\d{2,6}")
_COUNT = re.compile(r"\d{1,9}")
_NOTHING = frozenset({"", "-", "NA", "NULL"})


class BadPublished(BadInput):
    """A file that cannot be read as what it should be. ``line``: where, from 1; 0 for all of it."""

    code = "bad_published"
    message = "The file of published figures cannot be read."
    hint = "Ask the line to put it back as its publisher gave it, or to correct the line named."

    def __init__(self, message: str | None = None, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class NoPublished(BadInput):
    """A file that is not there."""

    code = "no_published"
    message = "There is no such file of published figures."
    hint = "Choose one from the list."


@dataclass(frozen=True, slots=True)
class Published:
    """``areas``: code → name, the one the file is complete for first. ``series``: (area, column) →
    month → count; a month without a figure is not in it. Columns are the publisher's, or ICCS
    codes."""

    name: str
    areas: Mapping[str, str]
    categories: tuple[Category, ...]
    series: Mapping[tuple[str, str], Mapping[str, int]]

    def count(self, area: str, category: Category, month: str) -> int | None:
        """The sum of the category's columns; None where one of them has no figure."""
        parts = [self.series.get((area, name), {}).get(month) for name in category.columns]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    def months(self) -> tuple[str, ...]:
        return tuple(sorted({month for one in self.series.values() for month in one}))


@dataclass(slots=True)
class _Read:
    """What was read so far: (area, column) → month → count."""

    series: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    areas: dict[str, str] = field(default_factory=dict)
    towns: dict[str, set[str]] = field(default_factory=dict)

    def put(self, area: str, column: str, month: str, count: int) -> None:
        self.series.setdefault((area, column), {})[month] = count


def names(folder: Path) -> tuple[str, ...]:
    """The files there are, in order; none without the folder."""
    found = (path.stem for path in (folder / FOLDER).glob("*.csv"))
    return tuple(sorted(name for name in found if _NAME.fullmatch(name)))


def published(folder: Path, name: str) -> Published:
    """Raises NoPublished, BadPublished."""
    if name not in names(folder):
        raise NoPublished
    path = folder / FOLDER / f"{name}.csv"
    try:
        told = path.stat()
        if told.st_size > LARGEST:
            raise BadPublished("The file of published figures is larger than 32 MB.")
        return _read(path, told.st_mtime_ns, told.st_size)
    except OSError:
        raise BadPublished from None


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int, _size: int) -> Published:
    """Once for each state of a file."""
    rows = _rows(path.read_bytes())
    return _isp(rows) if path.stem == ISP else _tidy(path.stem, rows)


def _rows(raw: bytes) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(line, row). ISP-RJ writes ISO 8859-1 and semicolons, most others UTF-8 and commas."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("iso-8859-1")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        head = {name.strip().lower(): name for name in reader.fieldnames or ()}
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values():
                raise BadPublished("A line has more or fewer cells than the first one.", line)
            yield line, {name: row[there].strip() for name, there in head.items()}
    except csv.Error:
        raise BadPublished from None


def _lacking(row: Mapping[str, str], wanted: Iterable[str]) -> None:
    if not set(wanted) <= row.keys():
        raise BadPublished("The file lacks columns that it must have.", 1)


def _isp(rows: Iterator[tuple[int, Mapping[str, str]]]) -> Published:
    """A row for each municipality and month. The state's figure is that of all municipalities,
    and there is none for a month that lacks one of them."""
    walk, read = crosswalk(), _Read()
    for number, row in rows:
        _lacking(row, ISP_KEYS)
        month = f"{row['ano']:0>4}-{row['mes']:0>2}"
        town = row["fmun_cod"]
        if not _MONTH.fullmatch(month) or not re.fullmatch(r"\d{7}", town):
            raise BadPublished("A line has no month, or no code of a municipality.", number)
        if town in read.towns.setdefault(month, set()):
            raise BadPublished("A municipality stands twice in a month.", number)
        read.towns[month].add(town)
        read.areas[town] = row["fmun"]
        for column in walk.titles.keys() & row.keys():
            if row[column] not in _NOTHING:
                read.put(town, column, month, _count(row[column], number))
    if not read.areas:
        raise BadPublished("The file holds no figure.")
    _add_up(read, walk.area, walk.titles)
    known = {column for _, column in read.series}
    categories = tuple(one for one in walk.categories() if known.issuperset(one.columns))
    by_name = sorted(read.areas.items(), key=lambda pair: pair[1])
    return Published(ISP, {walk.area: walk.area} | dict(by_name), categories, read.series)


def _add_up(read: _Read, state: str, columns: Iterable[str]) -> None:
    every = set(read.areas)
    whole = [month for month, towns in read.towns.items() if towns == every]
    for column in columns:
        towns = [read.series[town, column] for town in every if (town, column) in read.series]
        if len(towns) == len(every):
            for month in whole:
                if all(month in town for town in towns):
                    read.put(state, column, month, sum(town[month] for town in towns))


def _tidy(name: str, rows: Iterator[tuple[int, Mapping[str, str]]]) -> Published:
    read, walk = _Read(), crosswalk()
    for number, row in rows:
        _lacking(row, TIDY)
        sound = _MONTH.fullmatch(row["month"]) and _AREA.fullmatch(row["area"])
        if not sound or not _ICCS.fullmatch(row["iccs"]):
            raise BadPublished("A line has no month, no area or no ICCS code.", number)
        if row["month"] in read.series.get((row["area"], row["iccs"]), {}):
            raise BadPublished("A month stands twice for an area and a code.", number)
        read.areas.setdefault(row["area"], row["area"])
        if row["count"] not in _NOTHING:
            count = _count(row["count"], number)
            read.put(row["area"], row["iccs"], row["month"], count)
    if not read.series:
        raise BadPublished("The file holds no figure.")
    codes = sorted({code for _, code in read.series})
    categories = tuple(
        Category(code, code, "not_said", (code,), walk.within(code)) for code in codes
    )
    return Published(name, read.areas, categories, read.series)


def _count(text: str, number: int) -> int:
    if not _COUNT.fullmatch(text):
        raise BadPublished("A figure is not a whole number.", number)
    return int(text)
