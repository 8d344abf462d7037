"""Rulebook: rules out to a spreadsheet and back in, proved before a byte is written."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from hotline import settings as settings_module
from hotline.errors import BadInput

if TYPE_CHECKING:
    from hotline.routing.classify import Types
    from hotline.routing.profile import Profile
    from hotline.routing.rule_text import Written
    from hotline.routing.sheets import Book, Page, Wrong
    from hotline.routing.tables import Problem

RULES = "rules.toml"


@click.command("export")
@click.argument("profile", required=False)
@click.option(
    "--format", "kind", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File, or directory.")
def export_rules(profile: str | None, kind: str, out: Path) -> None:
    """Writes a profile's rules as a workbook, or as a directory of five CSV files."""
    from hotline.routing.rule_text import book_of
    from hotline.routing.sheets import cells_of, columns
    from hotline.routing.vocabulary import names, vocabulary

    if out.exists():
        raise BadInput("There is something at this place already.", "Choose another name.")
    if kind == "xlsx" and out.suffix != ".xlsx":
        raise BadInput("The name of a workbook ends in .xlsx.", "Choose such a name.")
    jurisdiction, types = _sound(profile or settings_module.jurisdiction())
    book = book_of((jurisdiction.folder / RULES).read_text(encoding="utf-8"))
    rows = {t: [columns(t), *(cells_of(t, line) for line in book[t])] for t in book}
    if kind == "csv":
        from hotline.commands import sheet_csv

        sheet_csv.write(out, rows)
    else:
        from hotline.commands import workbook

        workbook.write(out, rows, vocabulary(jurisdiction, types), names(jurisdiction, types))
    click.echo(f"{sum(map(len, book.values()))} rows in {len(book)} tables written to {out}")


def _sound(name_or_dir: str) -> tuple[Profile, Types]:
    """A profile whose rules can be read. Raises RuleFileProblem."""
    from hotline.routing import rules
    from hotline.routing.classify import Types
    from hotline.routing.profile import Profile
    from hotline.routing.tables import RuleFileProblem

    problems: list[Problem] = []
    profile, types = Profile.load(name_or_dir), Types.load()
    rules.read(profile, types, problems)
    if problems:
        raise RuleFileProblem(problems)
    return profile, types


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--profile", required=True, help="The profile that the rules are for.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Default: rules.toml of the profile's directory."
)
def import_rules(path: Path, profile: str, out: Path | None) -> None:
    """Reads rules from a workbook or a directory of CSV files, proves them, writes rules.toml."""
    from hotline.routing.profile import built_in, find
    from hotline.routing.rule_text import frame, write

    folder = find(profile)
    if out is None and built_in(folder):
        raise BadInput(
            "A built-in profile is not changed.", "Copy its directory, or choose a file with --out."
        )
    pages = read(path)
    book = {table: page.lines for table, page in pages.items()}
    text = _present(folder)
    before = _book(text)
    written = write(book, frame(text), before)
    _prove(folder, written, pages)
    target = (out or folder / RULES).resolve()
    fresh = target.with_name(f"{target.name}.new")
    fresh.write_text(written.text, encoding="utf-8", newline="\n")
    fresh.replace(target)
    click.echo(f"{sum(map(len, book.values()))} rows in {len(book)} tables, proved")
    for change in _changes(before, book):
        click.echo(f"  {change}")
    click.echo(f"written to {out or folder / RULES}")


def read(path: Path) -> dict[str, Page]:
    """The five tables of a workbook or a directory of CSV files. Raises SheetProblem."""
    from hotline.routing.sheets import SheetProblem

    problems: list[Wrong] = []
    if path.is_dir():
        from hotline.commands import sheet_csv

        pages = sheet_csv.read(path, problems)
    else:
        from hotline.commands import workbook

        pages = workbook.read(path, problems)
    if problems:
        raise SheetProblem(problems)
    return pages


def _present(folder: Path) -> str:
    try:
        return (folder / RULES).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _book(text: str) -> Book:
    """The rules as they were; none where the file is broken, for then nothing can be compared."""
    from hotline.routing.rule_text import book_of

    try:
        return book_of(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _prove(folder: Path, written: Written, pages: Mapping[str, Page]) -> None:
    """Reads and proves the rules in a copy of the profile. Raises SheetProblem in the words of
    the spreadsheet."""
    from hotline.routing.classify import Types
    from hotline.routing.places import Places
    from hotline.routing.profile import Profile
    from hotline.routing.profile_files import FILES
    from hotline.routing.route import Router
    from hotline.routing.sheets import SheetProblem
    from hotline.routing.tables import RuleFileProblem

    with TemporaryDirectory() as place:
        copy = Path(place)
        for name in FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, copy / name)
        (copy / RULES).write_text(written.text, encoding="utf-8", newline="\n")
        try:
            profile = Profile.load(copy)
            Router.load(profile, Types.load(), Places.load(profile.country))
        except RuleFileProblem as refused:
            raise SheetProblem(_told(refused.problems, written, pages)) from None


def _told(
    problems: Iterable[Problem], written: Written, pages: Mapping[str, Page]
) -> Iterator[Wrong]:
    """Problems of rules.toml as the spreadsheet shows them; others by their own file and line."""
    from hotline.routing.sheets import Wrong
    from hotline.routing.vocabulary import hint

    for problem in problems:
        table, at = written.origins.get(problem.line, ("", 0))
        if problem.file != RULES or not table:
            # A table without any row has no line: its name begins the sentence.
            page = pages.get(problem.sentence.partition(" ")[0]) if problem.file == RULES else None
            where = page.where if page else f"{problem.file}:{problem.line}"
            yield Wrong(where, 0, "", "", problem.sentence, hint(problem))
            continue
        page = pages[table]
        sentence = problem.sentence.removeprefix(f"{table} row {page.lines[at].id}: ")
        letter = page.letters.get(problem.cell, "")
        yield Wrong(page.where, page.rows[at], problem.cell, letter, sentence, hint(problem))


def _changes(before: Book, after: Book) -> Iterator[str]:
    """What became of the rows, so that a slip of the hand is seen."""
    for table in after if before else ():
        old = {line.id: line for line in before[table]}
        new = {line.id: line for line in after[table]}
        yield from (f"added {table}/{id}" for id in new if id not in old)
        yield from (f"removed {table}/{id}" for id in old if id not in new)
        yield from (f"changed {table}/{id}" for id in new if id in old and old[id] != new[id])
        if [id for id in old if id in new] != [id for id in new if id in old]:
            yield f"reordered {table}"
