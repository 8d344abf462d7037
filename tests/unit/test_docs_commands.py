"""What the pages tell to type can be typed: programs, commands, options, files and settings exist;
what is cheap and harmless is run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from hotline.assembly import assemble_staff
from hotline.cli import root
from hotline.settings import NAMES, Settings
from hotline.triage.audit import sequence_and_sign
from tests.pages import (
    OTHERS,
    PAGES,
    ROOT,
    SHELL,
    Typed,
    blocks,
    commands,
    dead_links,
    understood,
)
from tests.terminal import Typed as AtTerminal
from tests.terminal import sheets_in

ALL = [command for page in PAGES for command in commands(page)]
HOTLINE = {"hotline", ".venv/bin/hotline", "hotline-as-line"}
PYTHON = ".venv/bin/python"
# Programs of others, and what of theirs the pages may use.
OTHERS_HEADS: dict[str, set[str]] = {
    "adduser": {"--system", "--group", "--home", "--no-create-home"},
    "apt-get": {"install"},
    "cat": set(),
    "cp": {"-r"},
    "curl": {"-H"},
    "docker": {"compose", "-T", "-d", "--rm", "--no-deps"},
    "echo": set(),
    "export": set(),
    "git": {"clone", "checkout", "switch", "diff", "commit", "-c", "-m", "-b", "-q", "-a", "-am"},
    "install": {"-d", "-m", "-g"},
    "ln": {"-sfn"},
    "pip": {"install", "--no-deps", "--require-hashes", "-r"},
    "pipx": {"install"},
    "python3": {"-m"},
    "systemctl": {"restart", "start", "stop"},
}
ELSEWHERE = re.compile(r"/opt/hotline-0\.1\.0/bin/")  # the environment that the guide has made


def of_hotline(command: Typed) -> list[str] | None:
    """The words after ``hotline``, or None for another program."""
    words = list(command.words)
    if words and words[0] in HOTLINE:
        return words[1:]
    if words[:2] == ["docker", "compose"] and words[2] in ("run", "exec") and "web" in words:
        rest = words[words.index("web") + 1 :]
        return rest[1:] if rest[:1] == ["hotline"] else rest
    return None


OURS = [(c, words) for c in ALL if (words := of_hotline(c)) is not None]
IN_TEXT = [
    (page.name, span)
    for page in PAGES
    for span in re.findall(r"`(?:\.venv/bin/)?hotline ([a-z][^`]*)`", page.read_text())
]


def test_the_pages_tell_to_type_much() -> None:
    """Else the extraction is broken, and whatever follows proves nothing."""
    assert len(OURS) > 60 and len(IN_TEXT) > 100 and len(ALL) > len(OURS) + 25
    assert {"README.md", "install.md", "clerks-guide.md", "people.md"} <= {c.page for c in ALL}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    found = list(blocks(page))
    assert page.read_text().count("```") == 2 * len(found)
    for language, text in found:
        assert language in (*SHELL, *OTHERS), (language, text[:60])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert not dead_links(page)


def test_every_command_of_a_block_is_one_the_line_knows() -> None:
    for command, words in OURS:
        try:
            understood(words)
        except click.UsageError as wrong:
            pytest.fail(f"{command.page}: {command.line.strip()}: {wrong.format_message()}")


def test_every_command_in_the_text_is_one_the_line_knows() -> None:
    """There brackets hold what may be added, and an ellipsis stands for a value or for the rest."""
    for page, span in IN_TEXT:
        whole = re.sub(r"\[.*?\]", "", span).split()
        problems = []
        for words in (whole, [word for word in whole if word != "…"]):
            try:
                understood(words)
            except (click.UsageError, AssertionError) as wrong:
                problems.append(wrong)
        assert len(problems) < 2, (page, span, problems)


def test_what_is_no_command_is_seen() -> None:
    with pytest.raises(click.UsageError):
        understood(["keys", "forge"])
    with pytest.raises(click.UsageError):
        understood(["doctor", "--fix"])


def options_of(script: Path) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", script.read_text()))


def test_every_script_is_there_runs_and_knows_its_options() -> None:
    seen = 0
    for command in ALL:
        words = list(command.words)
        if words[:1] == [PYTHON]:
            words = words[1:]
        elif words and words[0].startswith("scripts/"):
            assert os.access(ROOT / words[0], os.X_OK), command.line
        if not (words and words[0].startswith("scripts/")):
            continue
        script, seen = ROOT / words[0], seen + 1
        assert script.is_file(), command.line
        for word in words[1:]:
            assert not word.startswith("-") or word in options_of(script), command.line
    assert seen > 6
    for page in PAGES:
        for path in re.findall(r"`(scripts/[\w./-]+)", page.read_text()):
            assert (ROOT / path).exists(), (page.name, path)


def test_every_other_program_is_on_the_list() -> None:
    for command in ALL:
        words = [word for word in command.words if word != "sudo"]
        if not words or of_hotline(command) is not None or words[0].startswith("scripts/"):
            continue
        if words[0] == PYTHON:
            assert words[1].startswith("scripts/") or words[1:3] == ["-m", "pytest"], command.line
            for path in (word for word in words if word.startswith("tests/")):
                assert (ROOT / path).exists(), command.line
            continue
        head = ELSEWHERE.sub("", words[0])
        if head.startswith("docs/"):
            assert os.access(ROOT / head, os.X_OK), command.line
            continue
        assert head in OTHERS_HEADS, command.line
        for word in words[1:]:
            if word.startswith("-"):
                assert word in OTHERS_HEADS[head], command.line
            if word.startswith(("docs/", "hotline/", "requirements")):
                assert list(ROOT.glob(word)), command.line


def test_every_variable_that_is_set_is_a_setting() -> None:
    ours = {name for command in ALL for name in command.sets if name.startswith("HOTLINE")}
    assert ours and ours <= set(NAMES)


# --- what is run

Run = Callable[..., Result]
WORDS = "correct horse battery staple"


def runner(home: Path) -> Run:
    clean: dict[str, str | None] = dict.fromkeys([*NAMES, *(n + "_FILE" for n in NAMES)])

    def run(words: list[str], said: str = "") -> Result:
        return CliRunner(env=clean | {"HOTLINE_HOME": str(home)}).invoke(root, words, input=said)

    return run


def installed() -> list[list[str]]:
    """The commands of README's installation, in their order."""
    (block,) = [t for _, t in blocks(ROOT / "README.md") if "hotline init" in t]
    return [words for c, words in OURS if c.page == "README.md" and c.line in block]


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A line made by README's own commands; ``serve`` alone is for tests/journeys."""
    home = tmp_path_factory.mktemp("readme") / "home"
    run, typed, told = runner(home), None, []
    known = {"ana": f"{WORDS} one", "bruno": f"{WORDS} two"}
    for words in installed():
        said = ""
        match words[:2]:
            case ["init", *_]:
                said = "".join(f"{passphrase}\n" for passphrase in known.values())
            case ["keys", "drill"]:
                said = "".join(f"{sheet}\n" for sheet in sheets_in(told[0])[:3])
            case ["users", "add"]:
                said = f"{WORDS} three\n"
            case ["users", "grant"]:
                assert typed is not None
                said = typed(*(words[words.index(o) + 1] for o in ("--by", "--and") if o in words))
            case ["serve"]:
                continue
        answer = run(words, said)
        told.append(answer.output)
        if words != ["doctor"]:  # it has much to say of a machine that is no server
            assert answer.exit_code == 0, (words, answer.output, answer.exception)
        assert "Traceback" not in answer.output
        if words[0] == "init":
            typed = AtTerminal.printed(f"sqlite:///{home / 'hotline.db'}", answer.output, known)
    assert len(told) == len(installed()) - 1 > 5
    line = assemble_staff(Settings(home, f"sqlite:///{home / 'hotline.db'}"))
    sequence_and_sign(line)  # as a line that runs does each minute
    line.close()
    return run


# Reading, or writing only into this home; by their first words.
HARMLESS = {
    "agency": {"schema"},
    "alarms": {"list"},
    "analyst": {"invite", "list", "remove"},
    "audit": {"key", "list", "checkpoint"},
    "db": {"check"},
    "jobs": {"list"},
    "keys": {"list", "check"},
    "ledger": {"check"},
    "prompts": {"list", "check"},
    "release": {"list"},
    "rules": {"check", "diff", "explain", "versions"},
    "strip": {""},
}
REFUSES = {("prompts", "check")}  # until all is recorded, as its page says


def harmless(words: list[str]) -> bool:
    second = words[1] if len(words) > 1 and not words[1].startswith("-") else ""
    whole = all("…" not in word and not word.isupper() for word in words)
    return whole and second in HARMLESS.get(words[0], ())


def test_what_is_cheap_and_harmless_runs(
    founded: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "hotline/routing/data/profiles/br-rj", "draft")  # as the pages do
    typed = {tuple(words) for _, words in OURS if harmless(words)}
    named = {tuple(span.split()) for _, span in IN_TEXT if harmless(span.split())}
    assert len(typed) > 8 and len(named) > 8
    for words in sorted(typed | named):
        if words[0] == "audit" and "--id" in words:
            continue  # its person is the reader's
        answer = founded(list(words), "Sou a vizinha do 302. Vendem drogas na praça.\n")
        assert "Traceback" not in answer.output, words
        if words in named and "Missing argument" in answer.output:
            continue  # only its name was told
        if words[:2] not in REFUSES:
            assert answer.exit_code == 0, (words, answer.output, answer.exception)
