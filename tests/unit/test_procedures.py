"""Procedures: leaving, a lost passphrase, a lost authenticator, sheets: from the command line."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pyotp
import pytest
from click.testing import Result

from hotline.assembly import assemble_staff
from hotline.commands import custody
from hotline.errors import HotlineError
from hotline.triage import procedures
from hotline.triage.access import SignInRefused
from hotline.vault.shares import SHARES, WORDS
from tests.line import settings_for
from tests.terminal import sheets_in
from tests.unit.test_cli import runner

WORDS_OF = {
    "ana": "quatro telhas azuis no mar",
    "bia": "sete bules cheios de vento",
    "rui": "nove cabras sobem a escada",
}
DRILLED = "SELECT value FROM meta WHERE name = 'recovery_drill'"
DESK = "queue:general:BR-RJ"


@dataclass(slots=True)
class Home:
    """A founded home with its people, and what was shown once."""

    path: Path
    secrets: dict[str, str] = field(default_factory=dict)
    sheets: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=lambda: dict(WORDS_OF))

    def __call__(self, *args: str, said: tuple[str, ...] = ()) -> Result:
        # Time is real here, and a code works once: its last use is forgotten before each command.
        if (self.path / "hotline.db").exists():
            self.sql("UPDATE people SET totp_last = 0, failures = 0")
        return runner(self.path)(*args, said="".join(line + "\n" for line in said))

    def done(self, *args: str, said: tuple[str, ...] = ()) -> str:
        result = self(*args, said=said)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    def refused(self, *args: str, said: tuple[str, ...] = ()) -> HotlineError:
        result = self(*args, said=said)
        assert result.exit_code == 1
        assert isinstance(result.exception, HotlineError), result.exception
        return result.exception

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.path / "hotline.db") as database:
            rows = database.execute(statement, values).fetchall()
        database.close()
        return rows

    def proof(self, name: str) -> tuple[str, str]:
        """Passphrase and code."""
        return self.words[name], pyotp.TOTP(self.secrets[name]).now()

    def enters(self, name: str) -> bool:
        """Whether passphrase and code, as they are known here, let somebody in."""
        self.sql("UPDATE people SET totp_last = 0")
        settings = settings_for(self.path, f"sqlite:///{self.path / 'hotline.db'}")
        line = assemble_staff(settings)
        try:
            return line.access.prove(name, *self.proof(name))[0].name == name
        except SignInRefused:
            return False
        finally:
            line.close()

    def learn(self, output: str) -> None:
        self.secrets |= dict(re.findall(r"^(\w+): .*shown once: ([A-Z2-7]{32})", output, re.M))
        self.sheets = sheets_in(output) or self.sheets

    def events(self, name: str) -> list[dict[str, str]]:
        rows = self.sql("SELECT record FROM audit WHERE event = ?", name)
        return [json.loads(str(row[0])) for row in rows]


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("procedures") / "home")
    said = (WORDS_OF["ana"], WORDS_OF["bia"])
    home.learn(home.done("init", "--officer", "ana", "--officer", "bia", said=said))
    home.learn(home.done("users", "add", "rui", "--role", "operator", said=(WORDS_OF["rui"],)))
    assert len(home.sheets) == SHARES
    return home


@pytest.fixture
def home(founded: Home, tmp_path: Path) -> Home:
    """A copy, for tests that change it for good."""
    shutil.copytree(founded.path, tmp_path / "home")
    return Home(tmp_path / "home", dict(founded.secrets), list(founded.sheets))


def granted(home: Home) -> Home:
    home.done("users", "grant", "rui", DESK, "--by", "ana", said=home.proof("ana"))
    return home


def test_a_sheet_says_what_it_is_in_the_lines_language_and_nobody(founded: Home) -> None:
    said = (WORDS_OF["ana"], WORDS_OF["bia"])
    again = Home(founded.path.parent / "other")
    output = again.done("init", "--officer", "ana", "--officer", "bia", said=said)
    page = next(page for page in output.split("\f") if " 1. " in page)
    page = page[page.index("Folha de recuperação 1 de 5") :]
    assert re.search(r"Canal [0-9a-f]{16} · conjunto \d{5} · \d{4}-\d{2}-\d{2}", page)
    assert "As 33 palavras, nesta ordem" in page
    assert not re.search(r"\b(ana|bia|rui)\b", page)
    assert all(len(line) < 100 for line in page.splitlines())
    shutil.rmtree(again.path)


def test_no_seed_and_no_word_of_a_sheet_is_on_the_disk(founded: Home) -> None:
    """Any four words of a sheet in a row, in any file of the home; and the seed itself."""
    from hotline.vault.shares import join, read_sheet

    three = [read_sheet(text, nth) for nth, text in enumerate(founded.sheets[:3], start=1)]
    seed = join(three, three[0].set_number)
    needles = [seed, seed.hex().encode()]
    for sheet in founded.sheets:
        words = sheet.split()
        needles += [" ".join(words[at : at + 4]).encode() for at in range(3, WORDS - 3)]
    files = [file for file in founded.path.rglob("*") if file.is_file()]
    assert len(files) > 5
    for file in files:
        content = file.read_bytes()
        assert not [needle for needle in needles if needle in content], file.name


def test_sheets_are_never_written_into_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "sheets.txt").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        with pytest.raises(custody.SheetsInAFile):
            custody.refuse_files()


def test_on_a_terminal_each_sheet_is_wiped_before_the_next(
    founded: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hotline.tips import Language
    from hotline.vault.recovery import RecoveryKey

    key, sheets = RecoveryKey.new("2026-03-01")
    asked: list[str] = []

    def prompt(words: str, **_: object) -> str:
        asked.append(capsys.readouterr().out)
        return ""

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr(custody.click, "prompt", prompt)
    custody.hand_out(sheets, custody.Head(Language.EN, "0" * 16, key))
    asked.append(capsys.readouterr().out)
    for number, (before, shown) in enumerate(zip(asked[::2], asked[1::2], strict=False), start=1):
        assert "Recovery sheet" not in before
        assert f"Recovery sheet {number} of 5" in shown
    # What ends each showing: screen and scroll-back cleared, the former screen back.
    assert all(said.startswith("\033[2J\033[3J\033[H\033[?1049l") for said in asked[2::2])


@pytest.mark.parametrize("language", ["pt", "es", "en", "fr", "ht"])
def test_the_sheet_fits_a_page_in_every_language(language: str) -> None:
    from hotline.tips import Language
    from hotline.vault.recovery import RecoveryKey

    key, sheets = RecoveryKey.new("2026-03-01")
    text = custody.sheet_text(sheets[0], custody.Head(Language(language), "0" * 16, key))
    lines = text.splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) <= 78
    assert "{" not in text


def test_the_drill_is_said_by_check_and_doctor(founded: Home) -> None:
    before = founded("keys", "check")
    assert before.exit_code == 1
    assert re.search(r"FAIL +recovery .*never drilled", before.output)
    three = tuple(founded.sheets[i] for i in (3, 0, 1))
    assert "The drill is recorded" in founded.done("keys", "drill", said=three)
    assert re.search(r"ok +recovery", founded.done("keys", "check"))
    assert [record["event"] for record in founded.events("recovery_drilled")]


def test_a_drill_that_goes_wrong_is_a_sentence_and_leaves_nothing(home: Home) -> None:
    one, two, three = home.sheets[:3]
    before = home.events("recovery_drilled"), home.sql(DRILLED)
    mistyped = two.split()
    mistyped[9] = "academic" if mistyped[9] != "academic" else "acid"
    wrong = {
        "Word 10 of sheet 2 is probably wrong: its checksum does not fit.": " ".join(mistyped),
        "The same sheet was given twice.": one,
        "Sheet 2 has 33 words; 5 were typed.": " ".join(two.split()[:5]),
    }
    for said, second in wrong.items():
        assert home.refused("keys", "drill", said=(one, second, three)).message == said
    assert (home.events("recovery_drilled"), home.sql(DRILLED)) == before


def test_keys_come_back_with_three_sheets_and_two_officers(home: Home) -> None:
    sheets = tuple(home.sheets[:3])
    everybody = home.sql("SELECT id FROM people")
    with sqlite3.connect(home.path / "staff" / "keys.db") as keys:
        keys.executemany("DELETE FROM grants WHERE person = ?", everybody)
    keys.close()
    ask = ("keys", "recover", "--for", "rui", "--recipient", DESK, "--by", "ana")
    two = (*home.proof("ana"), *home.proof("bia"))
    alone = home.refused(*ask, said=(*home.proof("ana"), *sheets))
    assert alone.code == "not_approved"
    twice = home.refused(*ask, "--and", "ana", said=(*home.proof("ana"), *home.proof("ana")))
    assert twice.code == "bad_input"
    wrong = home.refused(*ask, "--and", "bia", said=(*two, sheets[0], sheets[0], sheets[1]))
    assert wrong.code == "bad_sheet"
    assert home.events("recovered") == []
    done = home.done(*ask, "--and", "bia", said=(*two, *sheets))
    assert f"12 months of {DESK} given to rui" in done
    [record] = home.events("recovered")
    assert record["recipient"] == DESK
    members = json.loads(home.done("keys", "list", "--json"))
    assert {row["recipient"] for row in members if row["members"]} == {DESK}
    everything = ("keys", "recover", "--for", "rui", "--by", "ana", "--and", "bia")
    assert "officer only" in home.refused(*everything, said=two).message


def test_new_sheets_make_the_old_ones_worthless(home: Home) -> None:
    two = (*home.proof("ana"), *home.proof("bia"))
    ask = ("keys", "recovery", "new", "--by", "ana", "--and", "bia")
    old = list(home.sheets)
    home.learn(home.done(*ask, said=two))
    assert len(home.sheets) == SHARES
    assert not set(home.sheets) & set(old)
    foreign = home.refused("keys", "drill", said=tuple(old[:3]))
    assert "older set" in foreign.message or "belong together" in foreign.message
    assert "recorded" in home.done("keys", "drill", said=tuple(home.sheets[2:]))
    assert len(home.events("recovery_renewed")) == 1


def test_an_officer_alone_makes_no_new_sheets(home: Home) -> None:
    ana = home.proof("ana")
    ask = ("keys", "recovery", "new", "--by", "ana", "--and", "ana")
    refused = home.refused(*ask, said=(*ana, *ana))
    assert refused.code == "bad_input"
    assert home.events("recovery_renewed") == []


def test_somebody_leaves(home: Home) -> None:
    granted(home)
    before = home.refused("users", "leave", "rui", "--by", "rui", said=home.proof("rui"))
    assert before.message == "No officer of that name is enrolled."
    left = home.done("users", "leave", "rui", "--by", "ana", said=home.proof("ana"))
    assert f"hotline keys rotate {DESK} --by ana --and" in left
    assert home.sql("SELECT active FROM people WHERE name = 'rui'") == [(0,)]
    renewed = home.refused(
        "users", "renew", "rui", "--by", "ana", said=(*home.proof("ana"), "dez patos no telhado")
    )
    assert renewed.code == "has_left"


def test_the_last_two_officers_stay(home: Home) -> None:
    refused = home.refused("users", "leave", "bia", "--by", "ana", said=home.proof("ana"))
    assert refused.code == "too_few_officers"
    refused = home.refused("users", "revoke", "bia", "--by", "ana")
    assert refused.code == "too_few_officers"
    assert home.sql("SELECT active FROM people WHERE name = 'bia'") == [(1,)]


def test_whoever_alone_holds_a_key_is_not_let_go_unawares(home: Home) -> None:
    granted(home)
    with sqlite3.connect(home.path / "staff" / "keys.db") as keys:
        for name in ("ana", "bia"):
            [row] = home.sql("SELECT id FROM people WHERE name = ?", name)
            keys.execute("DELETE FROM grants WHERE person = ? AND recipient = ?", (*row, DESK))
    keys.close()
    leave = ("users", "leave", "rui", "--by", "ana")
    refused = home(*leave, said=home.proof("ana"))
    assert refused.exit_code == 1
    assert f"nobody else holds {DESK}" in refused.output
    assert home.sql("SELECT active FROM people WHERE name = 'rui'") == [(1,)]
    home.done(*leave, "--last-holder", said=home.proof("ana"))


def test_a_lost_passphrase_costs_the_key(home: Home) -> None:
    granted(home)
    new = "onze gatos na janela"
    renewed = home.done("users", "renew", "rui", "--by", "ana", said=(*home.proof("ana"), new))
    assert f"to be granted again: {DESK}  (held by ana, bia)" in renewed
    [own] = home.sql("SELECT id FROM people WHERE name = 'rui'")
    with sqlite3.connect(home.path / "staff" / "keys.db") as keys:
        assert keys.execute("SELECT 1 FROM grants WHERE person = ?", own).fetchall() == []
    keys.close()
    old_secret = home.secrets["rui"]
    home.learn(renewed)
    assert home.secrets["rui"] != old_secret
    home.words["rui"] = new
    assert home.enters("rui")
    home.words["rui"] = WORDS_OF["rui"]
    assert not home.enters("rui")


def test_an_officer_is_renewed_by_two_where_there_are_two(home: Home) -> None:
    """Else one officer could become another, and be two people."""
    home.learn(
        home.done("users", "add", "caio", "--role", "officer", said=("doze luas cheias aqui",))
    )
    renew = ("users", "renew", "bia", "--by", "ana")
    new = "treze velas no porto"
    alone = home.refused(*renew, said=(*home.proof("ana"), new))
    assert "Two other officers" in alone.message
    home.words["caio"] = "doze luas cheias aqui"
    said = (*home.proof("ana"), *home.proof("caio"), new)
    home.learn(home.done(*renew, "--and", "caio", said=said))
    themselves = home.refused("users", "renew", "ana", "--by", "ana", "--and", "caio", said=said)
    assert themselves.code == "bad_input"


def test_a_lost_authenticator_needs_ones_own_passphrase(home: Home) -> None:
    granted(home)
    ask = ("users", "authenticator", "rui", "--by", "ana")
    wrong = home.refused(*ask, said=(*home.proof("ana"), "not the passphrase of rui"))
    assert wrong.code == "sign_in_refused"
    own = home.refused(
        "users", "authenticator", "ana", "--by", "ana", said=(*home.proof("ana"), "x")
    )
    assert own.code in ("themselves", "sign_in_refused")
    before = home.secrets["rui"]
    home.learn(home.done(*ask, said=(*home.proof("ana"), WORDS_OF["rui"])))
    assert home.secrets["rui"] != before
    assert len(json.loads(home.done("keys", "list", "--json"))) > 1
    held = {
        row["recipient"]: row["members"] for row in json.loads(home.done("keys", "list", "--json"))
    }
    assert held[DESK] == 3, "the key and what was granted to it stay"
    assert home.enters("rui")
    home.secrets["rui"] = before
    assert not home.enters("rui")


def test_what_somebody_opened(staff_line: procedures.Line, engine: str) -> None:
    from datetime import date

    line = staff_line
    paulo, gabi = (line.access.people.named(name) for name in ("paulo", "gabi"))
    by, tip, package = paulo.id.hex(), "ab" * 16, "cd" * 16
    line.audit.note("read", tip=tip, by=by)
    line.audit.note("listened", tip=tip, by=by)
    line.audit.note("package_read", package=package, by=by)
    line.audit.note("noted", tip=tip, by=by)
    line.audit.note("read", tip="ee" * 16, by=gabi.id.hex())
    line.audit.sequence()
    line.audit.note("read", tip="ff" * 16, by=by)  # not in the tree yet
    marks = procedures.opened_by(line, paulo, date(2026, 1, 1))
    assert sorted((m.event, m.what, m.id) for m in marks) == [
        ("listened", "tip", tip),
        ("package_read", "package", package),
        ("read", "tip", tip),
        ("read", "tip", "ff" * 16),
    ]


def test_opened_is_listed_by_the_command(home: Home) -> None:
    assert "rui opened 0 tips and packages since" in home.done(
        "users", "opened", "rui", "--since", "2026-01-01"
    )
    assert json.loads(home.done("users", "opened", "rui", "--since", "2026-01-01", "--json")) == []
    assert home.refused("users", "opened", "rui", "--since", "ontem").code == "bad_input"
