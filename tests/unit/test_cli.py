"""CLI: a line is founded, staffed, checked and proved from the command line alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotline.cli import _COMMANDS, main, root
from hotline.clock import Clock
from hotline.settings import NAMES
from hotline.store.database import Database
from hotline.store.people import People
from hotline.triage.approvals import Approvals
from tests.terminal import Typed, sheets_in

WORDS = "correct horse battery staple"
Run = Callable[..., Result]


def runner(home: Path) -> Run:
    clean: dict[str, str | None] = dict.fromkeys([*NAMES, *(n + "_FILE" for n in NAMES)])
    environ = clean | {"HOTLINE_HOME": str(home)}

    def run(*args: str, said: str = "") -> Result:
        return CliRunner(env=environ).invoke(root, list(args), input=said)

    return run


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home made by ``hotline init`` with passphrases on standard input."""
    home = tmp_path_factory.mktemp("cli") / "home"
    made = runner(home)(
        "init", "--officer", "Ana", "--officer", "Bia", said=f"{WORDS} one\n{WORDS} two\n"
    )
    assert made.exit_code == 0, made.output
    assert len(re.findall(r"shown once: [A-Z2-7]{32}", made.output)) == 2
    assert WORDS not in made.output
    (home / "printed").write_text(made.output)
    three = "".join(sheet + "\n" for sheet in sheets_in(made.output)[1:4])
    assert runner(home)("keys", "drill", said=three).exit_code == 0
    return home


@pytest.fixture
def run(founded: Path) -> Run:
    return runner(founded)


@pytest.fixture
def typed(founded: Path) -> Typed:
    """What Ana and Bia type when they are asked who they are."""
    words = {"Ana": f"{WORDS} one", "Bia": f"{WORDS} two"}
    printed = (founded / "printed").read_text()
    return Typed.printed(f"sqlite:///{founded / 'hotline.db'}", printed, words)


def test_init_makes_a_private_home(founded: Path) -> None:
    assert founded.stat().st_mode & 0o077 == 0
    assert {file.name for file in (founded / "staff").iterdir()} >= {
        "keys.db",
        "worker.json",
        "audit.key",
        "directory.key",
    }
    for file in (*(founded / "staff").iterdir(), founded / "hotline.db"):
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_init_never_replaces_keys(run: Run) -> None:
    again = run("init", "--officer", "x", "--officer", "y", said=f"{WORDS}\n{WORDS}\n")
    assert again.exit_code == 1
    assert again.exception.code == "already_founded"


def test_init_wants_two_officers_and_strong_passphrases(tmp_path: Path) -> None:
    run = runner(tmp_path / "home")
    alone = run("init", "--officer", "ana", "--officer", "ana", said=f"{WORDS}\n{WORDS}\n")
    assert alone.exception.code == "bad_input"
    weak = run("init", "--officer", "ana", "--officer", "bia", said="short\nshort\n")
    assert weak.exception.code == "weak_passphrase"
    assert not (tmp_path / "home" / "staff" / "directory.key").exists()


def held(run: Run, recipient: str) -> int:
    rows = json.loads(run("keys", "list", "--json").output)
    return next(row["members"] for row in rows if row["recipient"] == recipient)


def test_people_are_added_and_given_queues(run: Run, typed: Typed) -> None:
    added = run("users", "add", "Caio", "--role", "operator", said=f"{WORDS} three\n")
    assert added.exit_code == 0, added.output
    assert "shown once" in added.output
    taken = run("users", "add", "caio", "--role", "operator", said=f"{WORDS} three\n")
    assert taken.exception.code == "already_there"
    plain = ("users", "grant", "caio", "queue:general:BR-RJ", "--by", "ana")
    for said in ("not the passphrase\n", f"{WORDS} one\n000000\n", ""):
        wrong = run(*plain, said=said)
        assert (wrong.exit_code, wrong.exception.code) == (1, "sign_in_refused")
    assert run(*plain, said=typed("ana")).output.endswith("queue:general:BR-RJ given.\n")
    assert held(run, "queue:general:BR-RJ") == 3
    nobody = run("users", "grant", "nobody", "queue:gbv:BR-RJ", "--by", "ana")
    assert nobody.exception.code == "bad_input"


def test_a_special_queue_is_given_by_two_officers_at_one_terminal(run: Run, typed: Typed) -> None:
    run("users", "add", "Davi", "--role", "operator", said=f"{WORDS} four\n")
    give = ("users", "grant", "davi", "queue:gbv:BR-RJ", "--by", "ana")
    alone = run(*give, said=typed("ana"))
    assert (alone.exit_code, alone.exception.code) == (1, "not_approved")
    assert "--and" in alone.exception.hint
    assert run(*give, "--and", "davi", said=typed("ana")).exception.code == "bad_input"
    assert run(*give, "--and", "Ana", said=typed("ana", "ana")).exception.code == "bad_input"
    for said in (typed("ana"), typed("bia", "ana"), typed("ana") + f"{WORDS} two\n000000\n"):
        wrong = run(*give, "--and", "bia", said=said)
        assert wrong.exception.code == "sign_in_refused"
    assert held(run, "queue:gbv:BR-RJ") == 2
    both = (*give, "--and", "bia", "--certificate-until", "2099-01-01")
    given = run(*both, said=typed("ana", "bia"))
    assert given.exit_code == 0, given.output
    assert given.output.strip().endswith("12 months of queue:gbv:BR-RJ given.")
    assert held(run, "queue:gbv:BR-RJ") == 3
    assert run(*give, said=typed("ana")).exception.code == "not_approved", "spent"
    taken = run("users", "revoke", "davi", "--by", "bia")
    assert taken.exit_code == 0, taken.output
    assert held(run, "queue:gbv:BR-RJ") == 2


def test_keys_are_checked_made_and_rotated(run: Run, typed: Typed, founded: Path) -> None:
    checked = run("keys", "check")
    assert checked.exit_code == 0, checked.output
    assert "every recipient has keys and members" in checked.output
    assert run("keys", "new").exit_code == 2
    assert run("keys", "new", "--by", "ana").output.startswith("0 keys made")
    before = (founded / "public" / "directory.signed").read_bytes()
    turn = ("keys", "rotate", "queue:general:BR-RJ", "--by", "ana")
    assert run(*turn, said=typed("ana")).exception.code == "not_approved"
    assert run(*turn, "--and", "bia", said=typed("ana")).exception.code == "sign_in_refused"
    nothing = run("keys", "rotate", "queue:nothing", "--by", "ana", said=typed("ana"))
    assert nothing.exception.code == "bad_input"
    assert (founded / "public" / "directory.signed").read_bytes() == before
    rotated = run(*turn, "--and", "bia", said=typed("ana", "bia"))
    assert rotated.output.startswith("12 keys made")
    assert (founded / "public" / "directory.signed").read_bytes() != before
    assert run("keys", "check").exit_code == 0


def test_one_asks_and_the_other_approves_later(run: Run, typed: Typed, founded: Path) -> None:
    turn = ("keys", "rotate", "queue:unresolved:BR-RJ", "--by", "ana")
    asked = run(*turn, "--request", said=typed("ana"))
    assert asked.exit_code == 0, asked.output
    assert "within three days" in asked.output
    assert run(*turn, said=typed("ana")).exception.code == "not_approved"
    database = Database(f"sqlite:///{founded / 'hotline.db'}")
    people = People(database)
    approvals = Approvals(database, people, Clock())
    (waiting,) = approvals.open()
    assert waiting.id.hex()[:8] in asked.output
    approvals.approve(people.named("bia").id, waiting.id)
    database.close()
    assert run(*turn, said=typed("ana")).output.startswith("12 keys made")
    assert run(*turn, said=typed("ana")).exception.code == "not_approved"


def test_with_one_officer_left_nothing_that_needs_two_is_done(run: Run, typed: Typed) -> None:
    def people(**change: object) -> None:
        database = Database(typed.database_url)
        People(database).change(People(database).named("bia").id, **change)
        database.close()

    run("users", "add", "Edu", "--role", "operator", said=f"{WORDS} five\n")
    people(active=False)
    try:
        for step in (
            ("users", "grant", "edu", "queue:gbv:BR-RJ"),
            ("keys", "rotate", "queue:general:BR-RJ"),
            ("keys", "rotate", "queue:general:BR-RJ", "--request"),
            ("rules", "activate", "br", "--why", "Alone.", "--yes"),
        ):
            alone = run(*step, "--by", "ana", said=typed("ana"))
            assert (alone.exit_code, alone.exception.code) == (1, "two_needed"), step
        left = run("keys", "rotate", "queue:general:BR-RJ", "--by", "ana", "--and", "bia")
        assert left.exception.code == "bad_input"
        findings = {row["check"]: row for row in json.loads(run("doctor", "--json").output)}
        assert not findings["two officers"]["sound"]
        assert "hotline users add" in findings["two officers"]["detail"]
    finally:
        people(active=True)


def test_doctor_names_every_setting_and_what_is_wrong(run: Run, tmp_path: Path) -> None:
    sound = run("doctor", "--json")
    findings = {row["check"]: row for row in json.loads(sound.output)}
    assert set(NAMES) <= set(findings)
    # A number grows old by the calendar, whatever the code: the doctor of a real line says so.
    aged = {name for name in findings if name.startswith("number ")}
    # No built-in profile says whom danger and lateness ring; the doctor says that too.
    assert not findings["on duty"]["sound"]
    aged.add("on duty")
    assert all(row["sound"] for name, row in findings.items() if name not in aged)
    assert sound.exit_code == 1
    assert "hotline rules check --json" in findings["bodies"]["detail"]
    proved = json.loads(run("rules", "check", "--json").output)
    assert proved["problems"] == []
    unread = {"id": "semsp-3300159", "name": "Secretaria de Segurança de Aperibé"}
    assert unread in proved["unconfirmed"]
    assert len(proved["unconfirmed"]) < proved["inboxes"]
    nothing = runner(tmp_path / "empty")("doctor")
    assert nothing.exit_code == 1
    assert "FAIL" in nothing.output


def test_the_database_is_upgraded_and_checked(run: Run, tmp_path: Path) -> None:
    assert re.fullmatch(r"database at version \w+\n", run("db", "check").output)
    assert run("db", "upgrade").output == run("db", "check").output
    (tmp_path / "new").mkdir()
    fresh = runner(tmp_path / "new")
    assert fresh("db", "check").exception.code == "old_schema"
    assert fresh("db", "upgrade").exit_code == 0
    assert fresh("db", "check").exit_code == 0


def test_ledger_and_audit_are_proved(run: Run) -> None:
    ledger = run("ledger", "check", "--json")
    assert ledger.exit_code == 0
    counts = json.loads(ledger.output)
    assert counts == dict.fromkeys(("received", "waiting", "forwarded", "closed", "shredded"), 0)
    assert "balanced" in run("ledger", "check").output
    audit = json.loads(run("audit", "verify", "--json").output)
    assert audit["sound"] is True
    assert audit["size"] >= 2
    assert audit["problems"] == []


def test_an_altered_audit_is_found(run: Run, founded: Path) -> None:
    import sqlite3

    assert run("audit", "verify").exit_code == 0
    database = sqlite3.connect(founded / "hotline.db")
    (record,) = database.execute("SELECT record FROM audit WHERE position = 0").fetchone()
    statement = "UPDATE audit SET record = ? WHERE position = 0"
    database.execute(statement, (record.replace('"event"', '"Event"'),))
    database.commit()
    altered = run("audit", "verify", "--json")
    assert altered.exit_code == 1
    database.execute(statement, (record,))
    database.commit()
    database.close()
    assert run("audit", "verify").exit_code == 0


def test_strip_answers_line_by_line(run: Run) -> None:
    asked = [
        {"text": "Meu nome é João da Silva e vi uma boca de fumo", "language": "pt"},
        {"text": "They sell drugs at the corner"},
    ]
    done = run("strip", "--jsonl", said="\n".join(json.dumps(a) for a in asked) + "\n\n")
    assert done.exit_code == 0, done.output
    first, second = (json.loads(line) for line in done.output.splitlines())
    assert "João" not in first["text"]
    assert "boca de fumo" in first["text"]
    assert {"start", "end", "kind", "reason"} <= set(first["removed"][0])
    assert (second["text"], second["removed"]) == ("They sell drugs at the corner", [])
    bad = run("strip", "--jsonl", said='{"text": "ok"}\n{"text": 5}\n')
    assert bad.exception.code == "bad_input"
    assert run("strip", "--language", "de", said="x").exception.code == "bad_input"


def test_strip_explains_itself_to_people(run: Run) -> None:
    said = "Me chamo Ana Prado. O zap dele é 21 96543-2109, tel 21 3344-5566"
    shown = run("strip", "--explain", "--language", "pt", said=said).output
    assert "−Ana Prado−" in shown
    assert "+21 96543-2109+" in shown
    assert "says it is another's" in shown
    assert "of 100" in shown
    assert run("strip", "--explain", "--jsonl", said="x").exception.code == "bad_input"


def test_route_explain_answers_line_by_line(run: Run) -> None:
    asked = [{"text": "Boca de fumo em Niterói RJ"}, {"crime_types": ["GBV-01"], "urgency": "now"}]
    done = run("route", "explain", "--jsonl", said="\n".join(map(json.dumps, asked)))
    assert done.exit_code == 0, done.output
    first, second = (json.loads(line) for line in done.output.splitlines())
    assert first["place"]["municipality"] == "BR:IBGE:3303302"
    assert first["queue"].startswith("general")
    assert (second["priority"], second["queue"].partition(":")[0]) == ("P0", "gbv")
    assert set(first) == {
        *("crime_types", "place", "priority", "queue", "leads", "copies", "recused", "rules"),
        "deadline",
    }
    bad = run("route", "explain", "--jsonl", said="[]\n")
    assert bad.exception.code == "bad_input"


def test_errors_are_a_sentence_and_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["hotline", "keys", "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"hotline: error: [a-z].*[^.]", error)
    assert re.fullmatch(r"hotline: hint: .*[^.]", hint)


def test_unknown_commands_are_usage_errors(run: Run) -> None:
    assert run("frobnicate").exit_code == 2
    assert run("init").exit_code == 2


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_every_command_explains_itself(run: Run, name: str) -> None:
    told = run(name, "--help")
    assert told.exit_code == 0, told.output
    assert len(told.output.splitlines()) > 3


def test_the_command_line_starts_without_the_heavy_rooms() -> None:
    heavy = ["sqlalchemy", "flask", "twilio", "cryptography", "phonenumbers"]
    code = f"import sys, hotline.cli; print([m for m in sys.modules if m in {heavy}])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
