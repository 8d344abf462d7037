"""The console's pages and the line's files in the reference: none is missing, none invented."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.routing.sheets import THEN, columns
from hotline.tips import Channel, Contact, Language
from hotline.triage import proofs, statements
from hotline.triage.audit import sequence_and_sign
from scripts import reference_calls, reference_columns, reference_console
from tests.promises.console_routes import ROUTES

ROOT = Path(__file__).parents[2]
ROWS = reference_console.told()
FILES = reference_columns.told()
SOURCES = {
    path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "hotline").rglob("*.py"))
}
PAGES = {path: text for path, text in SOURCES.items() if "triage" in path.parts}
# Every deed: the page says once that these are taken.
EVERYWHERE = {"token", "version", "passphrase", "code"}


def test_no_page_is_without_its_description() -> None:
    """A page that is added stops scripts/reference, and so does one that went."""
    there = reference_console.declared(reference_calls.apps()[reference_calls.CONSOLE])
    known = reference_calls.codes()
    assert len(there) > 90
    assert reference_console.problems(ROWS, there, known) == []
    fewer = {name: row for name, row in there.items() if name != "desk"}
    fewer["secrets"] = ("/secrets", "GET", ("officer",))
    rows = {**ROWS, "close": {**ROWS["close"], "fails": ["no_such_code"]}}
    assert reference_console.problems(rows, fewer, known) == [
        f"secrets: {reference_console.HINT}",
        "desk is not there",
        "close: no error no_such_code",
    ]
    silent = {**ROWS, "take": {"says": "Takes it."}}
    assert reference_console.problems(silent, there, known) == ["take: say what it answers"]


def test_the_page_shows_every_page_of_the_console() -> None:
    text = (ROOT / "docs/reference/api.md").read_text()
    there = reference_console.declared(reference_calls.apps()[reference_calls.CONSOLE])
    for address, method, _ in there.values():
        assert f"| `{method} {address}` |" in text


def asked(tree: ast.AST) -> Iterator[str]:
    """Names that a view reads of a form or an address."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            named, on = node.args[0], ast.unparse(node.func.value)
            reads = node.func.attr in ("get", "getlist")
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            named, on, reads = node.left, ast.unparse(node.comparators[0]), True
        else:
            continue
        ours = on in ("form", "request.form", "request.args", "posted", "args")
        if reads and ours and isinstance(named, ast.Constant) and isinstance(named.value, str):
            yield named.value


def described() -> set[str]:
    return {field for row in ROWS.values() for field in row.get("takes", {})}


def test_every_field_that_is_read_is_described() -> None:
    read = {name for text in PAGES.values() for name in asked(ast.parse(text))}
    assert len(read) > 40
    assert read - described() - EVERYWHERE == set(), reference_console.HINT


def test_no_field_is_described_that_nothing_reads() -> None:
    """It stands in the code as a name; a field with a number or of a list, by its first word."""
    code = "\n".join(PAGES.values())
    for field in described():
        if " " not in field:
            name, end = re.escape(field.removesuffix("…")), "" if field.endswith("…") else "[\"']"
            assert re.search(rf"[\"']{name}{end}", code), field


@pytest.mark.parametrize("endpoint", ROUTES)
def test_whoever_uses_a_page_finds_what_it_takes(endpoint: str) -> None:
    """The forms that the tests of access send, as far as they are written down there."""
    told = ROWS[endpoint]
    assert told["says"].endswith(".") and not told.keys() - {
        *("says", "takes", "gives", "fails", "leased", "again")
    }
    closure = ROUTES[endpoint].__closure__ or ()
    forms = [cell.cell_contents for cell in closure if isinstance(cell.cell_contents, dict)]
    for field in (name for form in forms for name in form):
        names = told.get("takes", {})
        wide = any(
            " " in name or (name.endswith("…") and field.startswith(name[:-1])) for name in names
        )
        assert field in names or wide, (endpoint, field)


def test_leased_deeds_are_those_that_ask_for_the_lease_and_the_version() -> None:
    """Marked by hand, held against which views are made by the two functions that ask."""
    app = reference_calls.apps()[reference_calls.CONSOLE]
    for name, row in ROWS.items():
        made = innermost(app.view_functions[f"console.{name}"]).__qualname__
        leased = made.startswith(("view_of.", "install.<locals>.speaking.")) or name == "language"
        assert leased == row.get("leased", False), name


def innermost(view: Any) -> Any:
    while hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    return view


def test_what_confirms_says_so() -> None:
    """Views whose code asks once more who sits there."""
    confirming = set()
    for text in PAGES.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and not any(
                isinstance(inner, ast.FunctionDef) for inner in ast.walk(node) if inner is not node
            ):
                body = ast.unparse(node)
                if "console.confirm()" in body:
                    confirming.add(name_of(node))
    assert confirming == {name for name, row in ROWS.items() if row.get("again")}


def name_of(view: ast.FunctionDef) -> str:
    for mark in view.decorator_list:
        if isinstance(mark, ast.Call):
            for keyword in mark.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
    return view.name


def test_an_audit_export_and_a_proof_have_the_fields_on_the_page(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    public_line.pipeline.receive(
        Contact(channel=Channel.WEB, text="Venda de drogas em Niterói, RJ", language=Language.PT)
    )
    sequence_and_sign(staff_line)
    found, _ = staff_line.audit.found(None, 0, event="", names=[], most=5)
    head, line, *_ = map(json.loads, proofs.export(staff_line, found))
    told = FILES["audit"]
    assert head.keys() == told["head"].keys() and line.keys() == told["line"].keys()
    proof = proofs.prove_inclusion(staff_line, found[0].id)
    assert proof.keys() == FILES["proof"]["field"].keys()


def test_a_public_statement_has_the_fields_on_the_page() -> None:
    text = statements.Statement("line", "2026-01", dict.fromkeys(statements.FIGURES, 0), "").text()
    said = [line.partition(" ")[0] for line in text.splitlines()[1:]]
    assert said == list(FILES["statement"]["field"])


def test_rules_as_sheets_have_the_columns_on_the_page() -> None:
    written = {column for table in THEN for column in columns(table)}
    assert written == FILES["rules"]["field"].keys()


def fields(schema: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for name, one in schema.get("properties", {}).items():
        yield before + name
        yield from fields(one, f"{before}{name}.")
        yield from fields(one.get("items", {}), f"{before}{name}[].")


def test_an_opened_package_has_the_fields_on_the_page() -> None:
    schema = json.loads((ROOT / "hotline/delivery/data/package-2.schema.json").read_text())
    assert list(fields(schema)) == list(FILES["package"]["field"])
    assert set(schema["required"]) <= FILES["package"]["field"].keys()


def test_no_file_leaves_by_another_door() -> None:
    """Whoever lets a page answer with a file describes the file."""
    doors = {
        path.relative_to(ROOT / "hotline").as_posix(): text.count("Content-Disposition")
        for path, text in SOURCES.items()
        if "Content-Disposition" in text
    }
    assert doors == {
        "analysts/codebook.py": 1,  # crosswalk.csv
        "analysts/drawing.py": 1,  # a picture
        "analysts/pages.py": 1,  # the extract
        "triage/pages/audit.py": 1,  # the export, a proof
        "triage/pages/inbox.py": 1,  # a sealed package
    }
