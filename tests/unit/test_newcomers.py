"""Newcomers: each mistake of a first evening is made on a line that doctor finds content; doctor
names it with what to do and exits 1; mended, it is content again."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from hotline import doctor, ground, hygiene
from hotline.cli import root
from hotline.serve import Ports, PortTaken, refuse_taken, running
from hotline.settings import NAMES, Settings
from tests.services import free_port
from tests.terminal import Typed, sheets_in

DAY = 86_400
WORDS = {"ana": "correct horse battery one", "bia": "correct horse battery two"}
CLEAN = dict.fromkeys([*NAMES, *(name + "_FILE" for name in NAMES)])
ACCOUNT = {"TWILIO_ACCOUNT_SID": "AC" + "5" * 32, "TWILIO_AUTH_TOKEN": "5" * 32}


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with a line, as whoever set it up sees it: an environment and one command."""

    home: Path
    profile: Path
    settings: dict[str, str] = field(default_factory=dict)  # HOTLINE_ names, short
    typed: Typed | None = None

    def run(self, *args: str, said: str = "") -> Result:
        given = {"HOME": str(self.home), "JURISDICTION": str(self.profile)} | self.settings
        environ = CLEAN | {f"HOTLINE_{name}": value for name, value in given.items()}
        return CliRunner(env=environ).invoke(root, list(args), input=said)

    def findings(self) -> tuple[int, dict[str, str]]:
        """Exit status, and what is not sound: check → sentences."""
        done = self.run("doctor", "--json")
        rows = json.loads(done.output)
        return done.exit_code, {row["check"]: row["detail"] for row in rows if not row["sound"]}

    def content(self) -> None:
        assert self.findings() == (0, {})

    def sick(self, check: str, sentence: str, hint: str) -> None:
        status, found = self.findings()
        assert status == 1
        assert sentence in found[check], found
        assert hint in found[check], found


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A line whose profile names people on duty, founded, drilled, and copied once."""
    place = tmp_path_factory.mktemp("newcomers")
    profile = place / "profile"
    shutil.copytree(str(files("hotline") / "routing/data/profiles/br-rj"), profile)
    sheet = profile / "profile.toml"
    read = date.today() - timedelta(days=1)  # each number, yesterday
    renewed = re.sub(r"verified_on = [\d-]+", f"verified_on = {read}", sheet.read_text())
    for number, agency in enumerate(("central-rj", "custodians", "mpf")):
        renewed += f'\n[[duty]]\nagency = "{agency}"\nnumber = "+552190000000{number}"\n'
    renewed += '\n[[duty]]\nagency = "central-rj"\nnumber = "+5521900000009"\nwatch = true\n'
    sheet.write_text(renewed)
    machine = Machine(place / "home", profile)
    made = machine.run(
        "init",
        "--officer",
        "ana",
        "--officer",
        "bia",
        said="".join(w + "\n" for w in WORDS.values()),
    )
    assert made.exit_code == 0, made.output
    three = "".join(sheet + "\n" for sheet in sheets_in(made.output)[:3])
    assert machine.run("keys", "drill", said=three).exit_code == 0
    typed = Typed.printed(f"sqlite:///{machine.home / 'hotline.db'}", made.output, WORDS)
    return Machine(machine.home, profile, typed=typed)


@pytest.fixture
def machine(founded: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The line on a machine with nothing wrong. What depends on the one that runs the tests, or is
    broken in a test of its own (tests/unit/test_hygiene.py), is set aside."""
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n")
    monkeypatch.setattr(hygiene, "_SWAPS", tmp_path / "swaps")
    monkeypatch.setattr(hygiene, "memory", lambda: "set aside")
    monkeypatch.setattr(doctor, "files_opened", lambda: "set aside")
    monkeypatch.setattr(ground, "LEAST_SPACE", 0)
    founded.content()
    return founded


def given(machine: Machine, **settings: str) -> Machine:
    return Machine(machine.home, machine.profile, machine.settings | settings, machine.typed)


@pytest.fixture
def aged(machine: Machine) -> Iterator[Machine]:
    """The same line, founded two days ago."""
    pepper = machine.home / "public" / "receipts.pepper"
    os.utime(pepper, (time.time() - 2 * DAY,) * 2)
    yield machine
    os.utime(pepper)


def test_the_home_is_not_named(machine: Machine) -> None:
    given(machine, HOME="").sick("settings", "HOTLINE_HOME is not set", "")


def test_the_home_is_not_there(machine: Machine, tmp_path: Path) -> None:
    given(machine, HOME=str(tmp_path / "typo")).sick("home", "is not there", "hotline init")


def test_the_home_is_named_from_where_one_stands(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine.home.parent)
    given(machine, HOME="home").sick("home", "no absolute path", "/var/lib/hotline")


def test_the_home_is_closed_to_who_asks(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for somebody who forgot ``sudo -u hotline``. Root may read everything: the kernel's answer
    to another user is put in its place."""
    stat = Path.stat

    def refused(path: Path, **how: bool) -> os.stat_result:
        if machine.home in path.parents:
            raise PermissionError(13, "Permission denied")
        return stat(path, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refused)
        patch.setattr(os, "access", lambda *_: False)
        machine.sick("home", "cannot be read and written by you", "sudo -u hotline")
    machine.content()


def test_the_home_was_never_founded(machine: Machine, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o700)
    given(machine, HOME=str(empty)).sick("line", "no active rules", "hotline init")


def test_the_home_is_open_to_the_whole_machine(machine: Machine) -> None:
    machine.home.chmod(0o755)
    machine.sick("modes", "may open home", "chmod -R go=")
    machine.home.chmod(0o700)
    machine.content()


@pytest.mark.parametrize("name", ["staff/audit.key", "public/receipts.pepper", "hotline.db"])
def test_a_secret_file_is_open_to_the_group(machine: Machine, name: str) -> None:
    (machine.home / name).chmod(0o640)
    machine.sick("modes", f"home/{name}", "chmod -R go=")
    (machine.home / name).chmod(0o600)
    machine.content()


def test_the_files_are_somebody_elses(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after ``sudo hotline init``."""
    other = os.geteuid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: other)
        machine.sick("owner", f"you are {other}", "as the line's user")
    machine.content()


def test_a_setting_is_misspelt(machine: Machine) -> None:
    given(machine, REDIS="redis://127.0.0.1").sick(
        "names", "HOTLINE_REDIS", "Did you mean HOTLINE_REDIS_URL?"
    )
    given(machine, ZZZ="1").sick("names", "No such setting: HOTLINE_ZZZ", "README.md")


def test_a_secrets_file_is_open_to_all(machine: Machine, tmp_path: Path) -> None:
    secret = tmp_path / "metrics"
    secret.write_text("a" * 32)
    secret.chmod(0o604)
    line = given(machine, METRICS_TOKEN_FILE=str(secret))
    line.sick("secrets", "HOTLINE_METRICS_TOKEN", "chmod o=")
    secret.chmod(0o600)
    line.content()


def test_a_secrets_file_is_not_there(machine: Machine, tmp_path: Path) -> None:
    line = given(machine, METRICS_TOKEN_FILE=str(tmp_path / "typo"))
    line.sick("settings", "HOTLINE_METRICS_TOKEN_FILE cannot be read", "")


def test_half_an_account_is_given(machine: Machine) -> None:
    line = given(machine, TWILIO_ACCOUNT_SID=ACCOUNT["TWILIO_ACCOUNT_SID"])
    line.sick("settings", "HOTLINE_TWILIO_AUTH_TOKEN go together", "")


def test_the_public_address_is_in_clear(machine: Machine) -> None:
    given(machine, PUBLIC_URL="http://line.example").sick("address", "in clear", "docs/install.md")
    given(machine, PUBLIC_URL="https://line.example").content()


def test_the_public_address_is_this_machine_while_the_provider_writes(machine: Machine) -> None:
    given(machine, **ACCOUNT).sick("address", "this machine", "the provider's console")


def test_the_public_address_has_a_path(machine: Machine) -> None:
    for url in ("https://line.example/report", "https://line.example?x", "https:///x"):
        given(machine, PUBLIC_URL=url).sick("settings", "without a path", "")
    given(machine, PUBLIC_URL="https://line.example/").content()


def test_redis_is_not_there(machine: Machine) -> None:
    line = given(machine, REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    line.sick("redis", "does not answer", "HOTLINE_REDIS_URL")


def test_redis_writes_conversations_to_disk(machine: Machine, redis_url: str) -> None:
    line = given(machine, REDIS_URL=redis_url)
    with Redis.from_url(redis_url) as redis:
        redis.config_set("save", "60 1")
        line.sick("redis", "writes to disk", 'save ""')
        redis.config_set("save", "")
    line.content()


def test_the_database_is_not_there(machine: Machine) -> None:
    url = f"postgresql://hotline:hush@127.0.0.1:{free_port()}/hotline"
    line = given(machine, DATABASE_URL=url)
    line.sick("database", "does not answer", "HOTLINE_DATABASE_URL")
    line.sick("line", "does not answer", "HOTLINE_DATABASE_URL")
    assert "hush" not in line.run("doctor").output


@pytest.mark.parametrize(
    ("version", "sentence", "hint"),
    [
        ("0001", "not the newest", "hotline db upgrade"),
        ("9999", "does not know the schema", "version of the program that wrote it"),
    ],
    ids=["migrations were not applied", "the program was rolled back alone"],
)
def test_program_and_schema_do_not_fit(
    machine: Machine, version: str, sentence: str, hint: str
) -> None:
    database = sqlite3.connect(machine.home / "hotline.db")
    (newest,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    database.execute("UPDATE alembic_version SET version_num = ?", (version,))
    database.commit()
    machine.sick("database", sentence, hint)
    database.execute("UPDATE alembic_version SET version_num = ?", (newest,))
    database.commit()
    database.close()
    machine.content()


def test_the_clock_is_behind(machine: Machine) -> None:
    pin = machine.home / "public" / "directory.pin"
    os.utime(pin, (time.time() + 3 * 3600,) * 2)
    machine.sick("clock", "3.0 hours younger than now", "timedatectl")
    os.utime(pin)
    machine.content()


def test_nothing_keeps_the_clock(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ground, "kernel_status", lambda: 0x2040)
        machine.sick("clock", "one-time codes will be refused", "systemd-timesyncd")
        patch.setattr(ground, "kernel_status", lambda: None)
        machine.content()
    machine.content()


def test_the_kernel_is_asked_about_its_clock() -> None:
    """Whatever it says of this machine; the tests' own ground set that aside."""
    code = "from hotline.ground import kernel_status; print(kernel_status())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+|None", said.stdout.strip())


def test_the_machine_has_no_time_zones(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tzdata", None)
        zoneinfo.reset_tzpath(to=[])
        try:
            machine.sick("time zones", "no time zones", "tzdata")
        finally:
            zoneinfo.reset_tzpath()
    machine.content()


def test_the_disk_is_nearly_full(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ground, "LEAST_SPACE", 2**62)
        machine.sick("disk", "MB left", "move the home")
    machine.content()


def test_another_version_of_a_package_is_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ground.version
    with monkeypatch.context() as patch:
        patch.setattr(ground, "version", lambda name: "0.9" if name == "flask" else real(name))
        machine.sick("packages", "flask 0.9 (wanted", "requirements.lock")
    machine.content()


def test_python_is_too_old() -> None:
    """Said by the program itself: no module of a command could even be read."""
    old = "import sys; sys.version_info = (3, 10, 9, 'final', 0); sys.argv = ['hotline', 'doctor'];"
    code = old + "from hotline.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "hotline: error: this Python is too old",
        "hotline: hint: use 3.11 or newer (Debian 12, Ubuntu 24.04)",
    ]


def test_the_signing_key_stays_on_the_server(aged: Machine, tmp_path: Path) -> None:
    key = aged.home / "staff" / "directory.key"
    stick = tmp_path / "stick.key"
    aged.sick("signing key", "still lies on the server", "docs/install.md#key-ceremony")
    shutil.move(key, stick)
    assert "signing key" not in aged.findings()[1]
    shutil.move(stick, key)


def test_the_backup_keys_private_half_is_on_the_server(machine: Machine) -> None:
    assert machine.run("backup", "keygen", str(machine.home)).exit_code == 0
    machine.sick("signing key", "backup.private", "make another pair")
    (machine.home / "backup.private").unlink()
    (machine.home / "backup.public").unlink()
    machine.content()


def test_no_copy_was_ever_made(aged: Machine, tmp_path: Path) -> None:
    aged.sick("copies", "no backup key", "hotline backup keygen")
    assert aged.run("backup", "keygen", str(tmp_path)).exit_code == 0
    assert aged.run("backup", "use", str(tmp_path / "backup.public")).exit_code == 0
    aged.sick("copies", "ever made", "hotline backup DIR")
    assert aged.run("backup", str(tmp_path)).exit_code == 0
    assert "copies" not in aged.findings()[1]


def test_a_demonstrations_setting_stayed(machine: Machine) -> None:
    given(machine, DEMO="1").sick("demonstration", "HOTLINE_DEMO is set", "Unset it")


def test_a_demonstrations_home_is_used(machine: Machine) -> None:
    logins = machine.home / "demo-logins.json"
    logins.write_text("[]")
    machine.sick("demonstration", "'hotline demo' made this home", "hotline init")
    logins.unlink()
    machine.content()


def test_the_profile_is_not_there(machine: Machine, tmp_path: Path) -> None:
    line = Machine(machine.home, tmp_path / "typo")
    line.sick("rules profile", "cannot be used", "")


def test_nobody_is_on_duty(machine: Machine) -> None:
    sheet, typed = machine.profile / "profile.toml", machine.typed
    assert typed is not None
    before = sheet.read_text()
    step = ("rules", "activate", "--why", "Tried.", "--yes", "--by", "ana", "--and", "bia")
    sheet.write_text(before[: before.index("\n[[duty]]")])
    assert machine.run(*step, said=typed("ana", "bia")).exit_code == 0
    machine.sick("on duty", "Nobody can be rung", "docs/desk.md")
    sheet.write_text(before)
    assert machine.run(*step, said=typed("ana", "bia")).exit_code == 0
    machine.content()


def test_a_port_is_taken(machine: Machine) -> None:
    """Two lines of one user on one port would share the reports between them."""
    settings = Settings(machine.home, "sqlite://")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as caught, running(settings, Ports(port, 0, 0)):
            pass
    assert str(port) in caught.value.message
    assert "--public-port" in caught.value.hint
    refuse_taken("127.0.0.1", port)
