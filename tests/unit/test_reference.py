"""Reference pages: they say what the code says, and nothing in them is without a sentence."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import click
import pytest

from hotline.cli import root
from hotline.settings import NAMES, UNITS, USED_BY, Settings, child_environ
from hotline.store.desk import Package
from hotline.triage.pages import by_key
from scripts import reference_calls

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
# What each process begins with; commands are imported by their names when they are typed.
BEGINS = {
    "public": [
        *(
            f"hotline.intake.{room}"
            for room in ("web", "sms", "ivr", "operators", "ringing", "api")
        ),
        *("hotline.delivery.web", "hotline.web.errors", "hotline.web.health"),
    ],
    "staff": [
        *("hotline.triage.web", "hotline.triage.pages.by_key", "hotline.jobs.engine"),
        *("hotline.web.errors", "hotline.web.health", "hotline.web.metrics"),
    ],
    "worker": ["hotline.jobs.rq"],
    "analyst": ["hotline.analysis.web", "hotline.web.errors"],
}
# Behind one name of a setting's own: ``tokens`` gives two of them, ``public`` lies in the home.
BEHIND = {
    "home": "home|public|staff|rules|training",
    "twilio_auth_token": "twilio_auth_token|tokens",
    "twilio_auth_token_previous": "tokens",
}


def test_the_reference_says_what_the_code_says() -> None:
    script = ROOT / "scripts" / "reference"
    checked = subprocess.run([sys.executable, script, "--check"], check=False)
    assert checked.returncode == 0


def test_every_setting_has_a_sentence() -> None:
    rows = re.findall(
        r"^\| `(HOTLINE_\w+)` \|.*\| ([^|]+) \|$", (REFERENCE / "settings.md").read_text(), re.M
    )
    assert {name for name, says in rows if says.strip()} == set(NAMES)


def test_every_command_has_a_heading() -> None:
    page = (REFERENCE / "cli.md").read_text()
    context = click.Context(root)
    for name in root.list_commands(context):
        assert f"## `hotline {name}`\n" in page, name


def test_the_readme_leads_to_each_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in REFERENCE.glob("*.md"):
        assert f"(docs/reference/{page.name})" in readme, page.name


def test_no_address_is_without_its_description() -> None:
    """Of any app: a route that is added stops scripts/reference, and so does one that went."""
    there = {name: reference_calls.served(app) for name, app in reference_calls.apps().items()}
    assert sum(map(len, there.values())) > 40
    assert reference_calls.problems(reference_calls.told(), there) == []
    there["analyst"] = {*there["analyst"], ("/secrets", "GET")}
    there["public"] = there["public"] - {("/privacy", "GET"), ("/api/v1/tips", "POST")}
    wrong = reference_calls.problems(reference_calls.told(), there)
    assert wrong == [
        "POST /api/v1/tips (public) is not there",
        "GET /privacy (public) is not there",
        f"GET /secrets (analyst): {reference_calls.HINT}",
    ]


def test_what_agencies_are_told_of_an_answer_is_what_it_holds() -> None:
    (listed,) = [r for r in reference_calls.told()["agency"] if r["address"].endswith("/packages")]
    row = by_key._row(
        Package(bytes(16), bytes(16), "a", "lead", "sent", "2026-03-10", "2026-03-11")
    )
    assert re.findall(r'"(\w+)"', listed["gives"])[1:] == list(row)


def test_every_column_of_an_extract_is_on_the_page() -> None:
    from hotline.analysis.columns import FIGURES, columns_of
    from hotline.analysis.question import DIMENSIONS

    page = (REFERENCE / "columns.md").read_text()
    for column in (*(c for name in DIMENSIONS for c in columns_of(name)), *FIGURES):
        assert f"| `{column.name}` |" in page and column.description in page, column.name


@lru_cache(maxsize=512)
def imported(module: str) -> frozenset[str]:
    """Our modules that a module imports, at its top or in a function, and the packages above."""
    path = ROOT / (module.replace(".", "/") + ".py")
    path = path if path.is_file() else ROOT / module.replace(".", "/") / "__init__.py"
    if not path.is_file():
        return frozenset()
    found = {module.rpartition(".")[0]}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hotline"):
            found |= {str(node.module), *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("hotline.")}
    return frozenset(found)


def reached(begins: list[str]) -> set[str]:
    seen: set[str] = set()
    left = [*begins]
    while left:
        module = left.pop()
        if module and module not in seen:
            seen.add(module)
            left += imported(module)
    return seen


def readers(setting: str) -> set[str]:
    """Modules that read a setting."""
    name = setting.removeprefix("HOTLINE_").lower()
    asked = re.compile(rf"settings\.({BEHIND.get(name, name)})\b")
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "hotline").rglob("*.py")
        if path.name != "settings.py" and asked.search(path.read_text())
    }


def test_who_uses_a_setting_reads_it() -> None:
    """No process is named that could not come to a line that reads it, and none is left out that
    alone could: imports tell."""
    rooms = {process: reached(begins) for process, begins in BEGINS.items()}
    typed = [*(ROOT / "hotline").glob("*.py"), *(ROOT / "hotline/commands").glob("*.py")]
    rooms["commands"] = reached(
        [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in typed]
    )
    assert USED_BY.keys() == UNITS.keys() == NAMES.keys()
    for setting, used in USED_BY.items():
        found = readers(setting)
        for process in used:
            assert found & rooms[process], f"{process} never reads {setting}"
        for module in found:
            assert any(module in rooms[process] for process in used), f"{module} reads {setting}"


@pytest.mark.parametrize("setting", NAMES)
def test_the_public_process_gets_no_secret_that_it_does_not_use(setting: str) -> None:
    """``serve`` starts it with an environment in which those of the staff are empty."""
    field = setting.removeprefix("HOTLINE_").lower()
    given = {"home": Path("/x"), "database_url": "sqlite://", field: "told"}
    told = child_environ(Settings(**given), public=True)[setting]
    if "public" in USED_BY[setting] and setting != "HOTLINE_HOME":
        assert told == "told"
    elif setting in ("HOTLINE_ALARM_WEBHOOK", "HOTLINE_SMTP_URL", "HOTLINE_METRICS_TOKEN"):
        assert told == ""
