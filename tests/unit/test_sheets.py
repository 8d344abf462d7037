"""Sheets: rules in a spreadsheet are the same rules, and a spreadsheet's mistakes are found."""

from __future__ import annotations

import codecs
import csv
import shutil
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.cli import root
from hotline.commands import rulebook, sheet_csv, workbook
from hotline.errors import HotlineError
from hotline.routing import rules
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile, find
from hotline.routing.rule_text import Frame, book_of, frame, write
from hotline.routing.rules import Rules
from hotline.routing.sheets import (
    MOST_ROWS,
    NOBODY,
    THEN,
    WHEN,
    Book,
    Line,
    bare,
    cells_of,
    columns,
    guarded,
    letter,
)
from hotline.routing.tables import Problem
from hotline.routing.vocabulary import MEANING, vocabulary

BUILT_IN = sorted(folder.name for folder in find("br").parent.iterdir() if folder.is_dir())


@pytest.fixture(scope="module", autouse=True)
def read_once() -> Iterator[None]:
    """Types and places are not what is tried here: they are read once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Types, "load", cache(Types.load))
        patch.setattr(Places, "load", cache(Places.load))
        yield


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exported")
    done("export", "br-rj", "--format", "csv", "--out", place / "sheets")
    done("export", "br-rj", "--out", place / "rules.xlsx")
    return place


def run(*args: object) -> Result:
    return CliRunner().invoke(root, ["rules", *map(str, args)])


def done(*args: object) -> str:
    result = run(*args)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refused(*args: object) -> str:
    result = run(*args)
    assert result.exit_code == 1
    assert isinstance(result.exception, HotlineError), result.exception
    return result.exception.message


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A directory of our own with the profile of Rio de Janeiro."""
    return Path(shutil.copytree(find("br-rj"), tmp_path / "draft"))


@pytest.fixture
def files(exported: Path, tmp_path: Path) -> Path:
    """Its rules as CSV files."""
    return Path(shutil.copytree(exported / "sheets", tmp_path / "sheets"))


@pytest.fixture
def book(exported: Path, tmp_path: Path) -> Path:
    """Its rules as a workbook."""
    return Path(shutil.copyfile(exported / "rules.xlsx", tmp_path / "rules.xlsx"))


def rows_of(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.reader(text))


def save(file: Path, rows: list[list[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows(rows)


def put(file: Path, row_id: str, /, **cells: str) -> None:
    """Writes cells of one row of a CSV file."""
    rows = rows_of(file)
    row = next(row for row in rows if row[0] == row_id)
    for column, text in cells.items():
        row[rows[0].index(column)] = text
    save(file, rows)


def tables(folder: Path) -> list[Any]:
    """What the rules of a profile say, wherever in the file they stand."""
    problems: list[Problem] = []
    found: Rules = rules.read(Profile.load(folder), Types.load(), problems)
    assert not problems
    return [[replace(row, line=0) for row in table.rows] for table in found]


# ---- out and back --------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_rules_nobody_changed_come_back_byte_for_byte(name: str, kind: str, tmp_path: Path) -> None:
    done("export", name, "--format", kind, "--out", tmp_path / f"sheets.{kind}")
    out = tmp_path / "rules.toml"
    said = done("import", tmp_path / f"sheets.{kind}", "--profile", name, "--out", out)
    assert out.read_bytes() == (find(name) / "rules.toml").read_bytes()
    assert said.splitlines() == [said.splitlines()[0], f"written to {out}"]
    folder = Path(shutil.copytree(find(name), tmp_path / "copy"))
    shutil.copyfile(out, folder / "rules.toml")
    assert tables(folder) == tables(find(name))


def test_the_columns_are_what_rules_may_ask_and_decide() -> None:
    assert frozenset(WHEN) == rules._CELLS
    assert {table: frozenset(keys) for table, keys in THEN.items()} == dict(rules.TABLES)
    every = {column for table in THEN for column in columns(table)}
    assert every == set(MEANING)
    listed = vocabulary(Profile.load("br-rj"), Types.load())
    assert every - set(listed) == {"id", "note", "deadline"}


# Whatever stands between commas, quotes and spaces at its ends; signs that run first of all.
WORDS = st.text("=+-@ab:*'. é", min_size=1, max_size=6)
SAFE = WORDS.filter(lambda word: word == word.strip("' ") and word.casefold() != NOBODY)
NOTES = st.lists(st.text("aç=+-@'\"#,;日 ", max_size=110).map(str.strip), max_size=3)
TRUTHS = st.lists(st.booleans(), min_size=1, max_size=2).map(tuple)


def words(least: int) -> st.SearchStrategy[tuple[str, ...]]:
    few = st.lists(SAFE, min_size=least, max_size=3).map(tuple)
    return few | st.just(("a long name",) * 14)


WHENS = st.fixed_dictionaries(
    {}, optional={c: TRUTHS if c in ("held", "threats") else words(1) for c in WHEN}
)
DECIDES: dict[str, st.SearchStrategy[Any]] = {
    "second_reader": st.booleans(),
    "automatic": st.booleans(),
    "deadline": st.integers(0, 999_999),
    "lead": words(0),
    "copies": words(0),
}
BOOKS = st.fixed_dictionaries(
    {
        table: st.lists(
            st.builds(
                Line,
                SAFE,
                WHENS,
                st.fixed_dictionaries({}, optional={k: DECIDES.get(k, SAFE) for k in keys}),
                NOTES.map("\n".join).map(str.strip),
            ),
            max_size=3,
            unique_by=lambda line: line.id,
        ).map(tuple)
        for table, keys in THEN.items()
    }
)


def sheets_of(book: Book) -> dict[str, list[tuple[str, ...]]]:
    return {t: [columns(t), *(cells_of(t, line) for line in book[t])] for t in book}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(BOOKS)
def test_any_tables_survive_a_spreadsheet(
    tmp_path_factory: pytest.TempPathFactory, book: Book
) -> None:
    place = tmp_path_factory.mktemp("sheets")
    sheet_csv.write(place / "csv", sheets_of(book))
    workbook.write(place / "book.xlsx", sheets_of(book), {"urgency": ("now",)}, {})
    for path in (place / "csv", place / "book.xlsx"):
        pages = rulebook.read(path)
        assert {table: page.lines for table, page in pages.items()} == book


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(BOOKS)
def test_any_tables_survive_as_toml(book: Book) -> None:
    text = write(book, Frame()).text
    data = tomllib.loads(text)
    for table, lines in book.items():
        found = data.get(table, {}).get("row", [])
        assert [row["id"] for row in found] == [line.id for line in lines]
        for row, line in zip(found, lines, strict=True):
            assert {k: tuple(v) for k, v in row.get("when", {}).items()} == line.when
            then = {k: list(v) if isinstance(v, tuple) else v for k, v in line.then.items()}
            assert row.get("then", {}) == then
    if all(book.values()):
        assert write(book_of(text), frame(text), book_of(text)).text == text


@given(st.text("'=+-@＝a \t", max_size=8))
def test_what_is_guarded_never_runs_and_is_itself_again(text: str) -> None:
    assert bare(guarded(text)) == text
    assert guarded(text)[:1] not in tuple("=+-@＝＋－＠")


def test_a_value_no_cell_can_hold_is_not_exported(draft: Path, tmp_path: Path) -> None:
    rules_file = draft / "rules.toml"
    text = rules_file.read_text().replace('id = "women"', 'id = "\\"women\\""')
    rules_file.write_text(text)
    assert "holds a value that no cell can hold" in refused(
        "export", draft, "--out", tmp_path / "x.xlsx"
    )
    assert not (tmp_path / "x.xlsx").exists()


def test_notes_stand_above_their_rows_and_headings_above_their_tables(
    draft: Path, files: Path
) -> None:
    put(files / "queue.csv", "children", note="Since March.\nAsked by the council.")
    long = "x" * 30 + " " + "y" * 90
    put(files / "queue.csv", "environment", note=long)
    codes = ", ".join(f"{group}-0{n}" for group in ("ENV", "PRP") for n in range(1, 9))
    put(files / "priority.csv", "soon", crime_type=codes, place="here, state")
    said = done("import", files, "--profile", draft)
    assert "  changed queue/children\n" in said
    text = (draft / "rules.toml").read_text()
    assert '# Since March.\n# Asked by the council.\n[[queue.row]]\nid = "children"' in text
    assert f"# {'x' * 30}\n# {'y' * 90}\n[[queue.row]]" in text
    assert 'when.crime_type = [\n    "ENV-01", "ENV-02"' in text
    assert max(map(len, text.split("\n"))) <= 110
    assert frame(text).headings == frame((find("br-rj") / "rules.toml").read_text()).headings
    assert done("check", draft).endswith("sound\n")


def test_comments_inside_a_row_become_its_note() -> None:
    text = """# Header.

# ---- priority

# Above.
[[priority.row]]
id = "a#b" # beside
# between
then = { at_least = "P1" } # 'end'

# apart

# above
[[priority.row]]
id = "c"
# tail
"""
    found = frame(text)
    assert found.notes == {"priority": ["Above.\nbeside\nbetween\n'end'", "apart\n\nabove"]}
    assert (found.header, found.headings["priority"]) == ("# Header.", "# ---- priority")
    assert found.tail == "# tail"


# ---- what spreadsheets do -------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(
    draft: Path, files: Path, encoding: str, delimiter: str
) -> None:
    for file in files.iterdir():
        rows = rows_of(file)
        rows[1][-1] = "lixão em Niterói – já"
        rows += [[], ["", "", ""], [""] * 20]
        with file.open("w", encoding=encoding, newline="") as text:
            csv.writer(text, delimiter=delimiter).writerows([[*row, "", ""] for row in rows])
    before = tables(draft)
    done("import", files, "--profile", draft)
    assert tables(draft) == before
    assert "# lixão em Niterói – já\n" in (draft / "rules.toml").read_text()


def test_reordered_columns_odd_spaces_and_quotes_change_nothing(draft: Path, files: Path) -> None:
    before = tables(draft)
    rows = [[f"\u00a0{cell} " for cell in reversed(row)] for row in rows_of(files / "queue.csv")]
    save(files / "queue.csv", rows)
    put(files / "destination.csv", "leak-of-tips", lead="“mprj”", crime_type="'INT-05'")
    put(files / "destination.csv", "outside", place="elsewhere;\u00a0abroad\n", lead="Nobody")
    put(files / "automatic.csv", "held", held="VERDADEIRO", automatic="FALSO")
    put(files / "review.csv", "threat-words", threats="true", second_reader="Verdadero")
    done("import", files, "--profile", draft)
    assert tables(draft) == before


@pytest.mark.parametrize("minutes", ["30", "30.0", "30,0", " 30\u00a0"])
def test_numbers_are_read_as_spreadsheets_write_them(
    draft: Path, files: Path, minutes: str
) -> None:
    put(files / "queue.csv", "children", deadline=minutes)
    done("import", files, "--profile", draft)
    assert 'then = { queue = "children", deadline = 30 }' in (draft / "rules.toml").read_text()


def test_a_workbook_may_hold_true_numbers_truths_and_other_sheets(draft: Path, book: Path) -> None:
    work = openpyxl.load_workbook(book)
    sheet = work["queue"]
    sheet["M4"] = 30.0
    sheet["M4"].number_format = "0.00"
    work["automatic"]["J2"] = True
    work["automatic"]["J2"].number_format = "General"
    work.create_sheet("my scratch")["A1"] = "=1+1"
    work.move_sheet("queue", -3)
    sheet.title = "Queue "
    work.save(book)
    assert "  changed queue/children\n" in done("import", book, "--profile", draft)
    assert "deadline = 30" in (draft / "rules.toml").read_text()


def test_the_workbook_helps_and_runs_nothing(book: Path) -> None:
    work = openpyxl.load_workbook(book)
    assert work.sheetnames == ["Guide", *THEN, "Values"]
    known = vocabulary(Profile.load("br-rj"), Types.load())
    said = " ".join(str(c.value) for row in work["Guide"].iter_rows() for c in row if c.value)
    for words in ("first row that fits", "empty cell fits everything", "separated by commas"):
        assert words in said
    for sheet in work:
        assert not [c for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    for table in THEN:
        sheet = work[table]
        assert sheet.freeze_panes == "B2"
        assert all(cell.font.bold for cell in sheet[1])
        assert [cell.value for cell in sheet[1]] == list(columns(table))
        offered = {str(v.sqref)[0]: v for v in sheet.data_validations.dataValidation}
        for column in set(columns(table)) - {"id", "note", "deadline"}:
            validation = offered[letter(columns(table).index(column))]
            area = validation.formula1.removeprefix("Values!").replace("$", "")
            words = [cell.value for (cell,) in work["Values"][area]]
            assert tuple(words) == known[column]


# ---- what is wrong is named as the spreadsheet shows it --------------------------------

_KIND = 'cell D4, column kind: no crime type has the kind childen (Did you mean "children"?)'
_LEAD = 'column lead: nobody holds womem (Did you mean "@women"?)'
_BARE = 'column lead: no agency is called women (Did you mean "@women"?)'
_TAG = 'column tags: gangs is not known in the cell tags (Did you mean "gang"?)'
_PLACE = "column place: BR:IBGE:3550308 is no place of this profile (Take a state or a municipality"
_TRUTH = "automatic.csv, cell L2, column automatic: maybe is neither TRUE nor FALSE"


@pytest.mark.parametrize(
    ("table", "id", "cells", "sentences"),
    [
        ("queue", "children", {"kind": "childen"}, [_KIND]),
        ("destination", "women", {"lead": "'@womem"}, [_LEAD]),
        ("destination", "women", {"lead": "women"}, [_BARE]),
        ("destination", "women", {"lead": ""}, ["column lead: lead is missing", "Write nobody"]),
        ("destination", "traffic", {"place": "BR:IBGE:3550308"}, [_PLACE]),
        ("destination", "women", {"urgency": "nowish"}, ["column urgency: nowish is not known"]),
        ("destination", "women", {"tags": "gangs"}, [_TAG]),
        ("destination", "women", {"crime_type": "EVN-*"}, ["has the crime_type EVN-* (Did you"]),
        ("destination", "women", {"crime_type": "ENV-01"}, ["no crime type fits", "widen one"]),
        ("destination", "women", {"crime_type": "GBV-01, GBV-01"}, ["GBV-01 stands twice"]),
        ("destination", "women", {"copies": "@women"}, ["column copies: @women leads and is"]),
        ("queue", "children", {"kind": ""}, ["it takes every tip", "one of its blue cells"]),
        ("destination", "women", {"implicated": "any"}, ["no tip can reach it", "Move it above"]),
        ("automatic", "held", {"automatic": "maybe"}, [_TRUTH]),
        ("automatic", "a-person-first", {"held": "TRUE"}, ["has no last row", "must have nothing"]),
        ("queue", "children", {"queue": "gvb"}, ["no queue is called gvb (Did you mean"]),
        ("queue", "children", {"queue": "gbv, children"}, ["must hold one value"]),
        ("queue", "children", {"deadline": "soon"}, ["column deadline: the cell must hold whole"]),
        ("queue", "children", {"deadline": "0"}, ["column deadline: deadline must be minutes"]),
        ("queue", "children", {"id": "integrity"}, ["another row of this table", "another id"]),
        ("queue", "children", {"id": ""}, ["queue.csv, cell A4, column id: the row has no id"]),
        ("queue", "children", {"place": ","}, ["column place: the cell holds no value"]),
        ("priority", "soon", {"at_least": "P9"}, ["column at_least: at_least must be P0, P1"]),
        ("priority", "soon", {"note": "=1+1"}, ["priority.csv, cell N5: a formula is no value"]),
    ],
)  # fmt: skip
def test_a_mistake_names_file_cell_and_column(
    draft: Path, files: Path, table: str, id: str, cells: dict[str, str], sentences: list[str]
) -> None:
    put(files / f"{table}.csv", id, **cells)
    before = (draft / "rules.toml").read_bytes()
    message = refused("import", files, "--profile", draft)
    for sentence in sentences:
        assert sentence in message
    assert all(line.endswith((".)", "?)")) for line in message.splitlines()[1:])
    assert (draft / "rules.toml").read_bytes() == before
    assert {file.name for file in draft.iterdir()} == {f.name for f in find("br-rj").iterdir()}


def test_every_mistake_is_named_at_once(draft: Path, files: Path) -> None:
    put(files / "queue.csv", "children", kind="childen")
    put(files / "priority.csv", "soon", urgency="sooon")
    put(files / "destination.csv", "women", lead="nobodyy")
    message = refused("import", files, "--profile", draft)
    for wrong in ("childen", "sooon", "nobodyy"):
        assert wrong in message


def test_a_flood_of_mistakes_is_cut_short(draft: Path, files: Path) -> None:
    rows = rows_of(files / "queue.csv")
    save(files / "queue.csv", [rows[0], *([["=1"]] * 400), *rows[1:]])
    message = refused("import", files, "--profile", draft)
    assert len(message.splitlines()) == 52
    assert message.endswith("and 350 more")


def test_a_table_without_rows_or_columns_is_refused(draft: Path, files: Path) -> None:
    rows = rows_of(files / "queue.csv")
    save(files / "queue.csv", [row[:6] + row[7:] for row in rows])
    assert "queue.csv, row 1, column place: the column is missing" in refused(
        "import", files, "--profile", draft
    )
    save(files / "queue.csv", [[*rows[0], "Comentário", "id"], *rows[1:]])
    message = refused("import", files, "--profile", draft)
    assert "cell O1: no column of queue is called comentário" in message
    assert "cell P1, column id: the column stands here twice" in message
    save(files / "queue.csv", [rows[0], [*rows[1], "", "", "x"], *rows[2:]])
    assert "cell Q2: this column has no name" in refused("import", files, "--profile", draft)
    save(files / "queue.csv", rows[:1])
    assert "queue.csv: queue has no last row" in refused("import", files, "--profile", draft)
    save(files / "queue.csv", [])
    assert "queue.csv: the sheet is empty" in refused("import", files, "--profile", draft)
    (files / "queue.csv").unlink()
    assert "queue.csv: the file is missing" in refused("import", files, "--profile", draft)


@pytest.mark.parametrize(
    "content",
    [b"\x00\x01\x02", b"id,note\n\x81\x8d", codecs.BOM_UTF16_LE + b"a", b'id,"note\n'],
    ids=["binary", "no encoding", "half a letter", "open quote"],
)
def test_what_is_no_csv_is_refused_in_a_sentence(draft: Path, files: Path, content: bytes) -> None:
    (files / "queue.csv").write_bytes(content)
    message = refused("import", files, "--profile", draft)
    assert "queue.csv: " in message
    assert "CSV UTF-8" in message


# ---- a workbook is a stranger's file ----------------------------------------------------


def test_formulas_dates_errors_and_merged_cells_are_refused(draft: Path, book: Path) -> None:
    work = openpyxl.load_workbook(book)
    work["queue"]["G7"] = "=HYPERLINK(1)"
    work["queue"]["N8"].value, work["queue"]["N8"].data_type = "=text", "s"
    work["queue"]["A9"].value = "#N/A"
    work["review"]["N2"] = date(2026, 3, 4)
    work["review"]["N2"].number_format = "yyyy-mm-dd"
    work["priority"].merge_cells("G2:G3")
    work.save(book)
    before = (draft / "rules.toml").read_bytes()
    message = refused("import", book, "--profile", draft)
    assert "sheet queue, cell G7: a formula is no value" in message
    assert "sheet queue, cell N8: a formula is no value" in message
    assert "sheet queue, cell A9: an error is no value" in message
    assert "sheet review, cell N2" in message
    assert "sheet priority: cells are merged" in message
    assert (draft / "rules.toml").read_bytes() == before


def test_a_sheet_that_is_missing_or_endless_is_refused(draft: Path, book: Path) -> None:
    work = openpyxl.load_workbook(book)
    work["queue"].title = "queues"
    work["review"].cell(MOST_ROWS + 2, 1).value = "far"
    work["automatic"].cell(2, 200).value = "wide"
    work.save(book)
    message = refused("import", book, "--profile", draft)
    assert "sheet queue: the sheet is missing" in message
    assert f"sheet review, row {MOST_ROWS + 2}: more than 5,000 rows" in message
    assert "sheet automatic, row 2: more than 5,000 rows or 100 columns" in message


def test_what_is_no_workbook_is_refused_in_a_sentence(
    draft: Path, book: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.xlsx"
    wrong.write_bytes(b"id;note\n")
    assert "this is no workbook (xlsx)" in refused("import", wrong, "--profile", draft)
    wrong.write_bytes(b"\0" * 5_000_001)
    assert "larger than 5 MB" in refused("import", wrong, "--profile", draft)
    with zipfile.ZipFile(wrong, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 50_000_000)
    assert "unpacks to far more" in refused("import", wrong, "--profile", draft)
    with zipfile.ZipFile(wrong, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "no workbook that can be read" in refused("import", wrong, "--profile", draft)


def test_entities_in_a_workbook_are_refused(draft: Path, book: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil.xlsx"
    with zipfile.ZipFile(book) as good, zipfile.ZipFile(evil, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            if b"happening-now" in content:
                content = content.removeprefix(b'<?xml version="1.0"?>')
                content = content.replace(b"happening-now", b"&e;")
                content = b'<!DOCTYPE worksheet [<!ENTITY e "happening-now">]>' + content
                planted = True
            bad.writestr(name, content)
    assert planted
    assert "no workbook that can be read" in refused("import", evil, "--profile", draft)


# ---- a clerk's work is not lost -----------------------------------------------------------


def test_nothing_that_stands_there_is_replaced(draft: Path, files: Path, book: Path) -> None:
    for out in (files, book):
        assert "something at this place already" in refused("export", "br-rj", "--out", out)
    assert "built-in profile is not changed" in refused("import", files, "--profile", "br-rj")
    assert "built-in profile" in refused("import", files, "--profile", find("br-rj"))


def test_a_broken_rules_toml_can_be_replaced_by_a_sound_sheet(draft: Path, files: Path) -> None:
    before = tables(draft)
    (draft / "rules.toml").write_text('# Mine.\n\n[[priority.row]]\nid = "x\n')
    done("import", files, "--profile", draft)
    assert (draft / "rules.toml").read_text().startswith("# Mine.\n\n")
    assert tables(draft) == before


def test_a_broken_profile_is_named_by_its_own_file(draft: Path, files: Path) -> None:
    agencies = draft / "agencies.toml"
    agencies.write_text(agencies.read_text().replace('parent = "', 'parent = "un', 1))
    assert "agencies.toml:" in refused("import", files, "--profile", draft)


def test_what_changed_is_said(draft: Path, files: Path) -> None:
    rows = rows_of(files / "destination.csv")
    new = ["niteroi", "ENV-07", *[""] * 4, "BR:IBGE:3303302", *[""] * 4, "'@environment", "", ""]
    at = next(n for n, row in enumerate(rows) if row[0] == "waste-dumping")
    rows.insert(at, new)
    swap = next(n for n, row in enumerate(rows) if row[0] == "cargo")
    rows[swap], rows[swap + 1] = rows[swap + 1], rows[swap]
    gone = next(n for n, row in enumerate(rows) if row[0] == "utilities")
    del rows[gone]
    save(files / "destination.csv", rows)
    said = done("import", files, "--profile", draft)
    assert "added destination/niteroi\n" in said
    assert "removed destination/utilities\n" in said
    assert "reordered destination\n" in said
    assert "91 rows in 5 tables, proved\n" in said
