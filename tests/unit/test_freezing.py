"""Freezing a month: released once, key and counts destroyed, in an order a kill cannot break."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from hotline import demo
from hotline import settings as settings_module
from hotline.analysis.observations import Counts
from hotline.analysis.policy import Policy
from hotline.analysis.releases import BadRelease, Releases
from hotline.assembly import PublicLine, StaffLine, assemble_staff
from hotline.cli import root
from hotline.errors import NotAllowed
from hotline.keeping.dead import known_dead
from hotline.routing.asking import NO, YES, Kind, table
from hotline.store.forgetting import Forgetting
from hotline.store.keystore import KeyStore
from hotline.store.tables import ObservationRow
from hotline.tips import Channel, Contact
from hotline.triage import arming, freezing
from hotline.triage.arming import NoStatisticsKey, arm, held
from hotline.triage.freezing import (
    AlreadyReleased,
    NotClosed,
    Unreadable,
    build,
    due,
    finish,
    prove,
    run,
)
from hotline.vault.content import _WEAPONS, _weapon
from hotline.vault.envelope import STATISTICS
from hotline.vault.small import random_id
from tests.conftest import MovableClock
from tests.line import SignIn

MARCH, DAYS = "2026-03", 86_400
WEB = Contact(channel=Channel.WEB, text="Boca de fumo na rua das Flores em Niterói RJ")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No noise: these tests are about files, keys and rows, and drawing takes seconds."""

    def plain(counts: Counts, *_: object) -> dict[str, Any]:
        return {"leaves": counts.cell, "states": counts.state, **counts.sides}

    monkeypatch.setattr(freezing, "published", plain)


@pytest.fixture
def april(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock, quick: None
) -> StaffLine:
    """Three tips of March; it is the fifth of April."""
    for _ in range(3):
        public_line.pipeline.receive(WEB)
    clock.advance(26 * DAYS)
    assert clock.day() == "2026-04-05"
    return staff_line


@pytest.fixture
def seeds(april: StaffLine) -> list[bytes]:
    olga = SignIn(april)("olga")
    return held(april, olga.person, olga.seed, MARCH)


def test_a_release_is_signed_with_the_licence_of_the_rules(
    april: StaffLine, seeds: list[bytes]
) -> None:
    assert april.profile.data_licence == "", "a line that says nothing gives nothing away"
    line = replace(april, profile=replace(april.profile, data_licence="CC-BY-4.0"))
    build(line, MARCH, seeds)
    prove(line, MARCH)
    one = Releases(arming.folder(line)).one(MARCH)
    assert one.licence == "CC-BY-4.0" and not one.invented
    header = arming.folder(line) / f"{MARCH}.json"
    header.write_bytes(header.read_bytes().replace(b"CC-BY-4.0", b"CC0-1.0.."))
    with pytest.raises(BadRelease):
        prove(line, MARCH)


def observations(line: StaffLine) -> int:
    with line.database.read() as connection:
        return connection.execute(select(func.count()).select_from(ObservationRow)).scalar_one()


def over(line: StaffLine) -> bool:
    """Released, proved, and nothing left that it was made of."""
    prove(line, MARCH)
    assert Releases(arming.folder(line)).one(MARCH).array("states").sum() == 3
    assert (arming.folder(line) / "epsilon.csv").read_text().count(MARCH) == 11
    assert (STATISTICS, MARCH) in known_dead(line.audit).epochs, "copies of the keys go by it"
    left = (STATISTICS, MARCH) in line.keys.epochs() or observations(line)
    return not left


def test_a_month_is_released_once(april: StaffLine, seeds: list[bytes]) -> None:
    assert due(april) == [MARCH] and observations(april) == 3
    build(april, MARCH, seeds)
    assert over(april) and due(april) == []
    before = (arming.folder(april) / f"{MARCH}.npy").read_bytes()
    with pytest.raises(AlreadyReleased):
        build(april, MARCH, seeds)
    assert (arming.folder(april) / f"{MARCH}.npy").read_bytes() == before
    assert april.audit.count("month_released") == 1


@pytest.mark.parametrize(
    ("ticked", "weapon"),
    [
        ((), "unknown"),
        (("robbery-guns:yes",), "firearm"),
        (("robbery-guns:no",), "none"),
        (("gbv-danger:threat", "gbv-danger:weapon"), "unspecified"),
        (("gbv-danger:threat",), "unknown"),
        (("gbv-danger:no",), "none"),
    ],
)
def test_answers_tell_of_a_weapon(ticked: tuple[str, ...], weapon: str) -> None:
    assert _weapon(ticked) == weapon
    assert weapon in Policy.load().values["weapon"]


def test_the_questions_that_tell_of_a_weapon_are_there() -> None:
    """Their ids are never used again for another question; here they are still asked."""
    for tick in _WEAPONS:
        question, _, choice = tick.partition(":")
        detail = table()[question]
        known = {YES, NO} if detail.kind is Kind.YES_NO else {NO, *(o.id for o in detail.options)}
        assert choice in known, tick


def test_only_what_is_over_is_released(april: StaffLine, seeds: list[bytes]) -> None:
    for month in ("2026-04", "2027-01", "March"):
        with pytest.raises(NotClosed):
            build(april, month, seeds)
    assert observations(april) == 3


def test_not_before_the_fifth(april: StaffLine, clock: MovableClock) -> None:
    clock.advance(-DAYS)
    assert due(april) == []
    clock.advance(31 * DAYS)
    assert clock.day() == "2026-05-05"
    assert due(april) == [MARCH, "2026-04"], "a month that was missed is made up for"


def test_a_wrong_key_releases_nothing(april: StaffLine, seeds: list[bytes]) -> None:
    wrong = [seeds[0][:1] + bytes(32)]
    with pytest.raises(Unreadable):
        build(april, MARCH, wrong)
    assert observations(april) == 3 and (STATISTICS, MARCH) in april.keys.epochs()
    assert MARCH not in Releases(arming.folder(april))


def test_a_planted_row_does_not_stop_it_for_ever(april: StaffLine, seeds: list[bytes]) -> None:
    with april.database.read() as connection:
        sealed = connection.execute(select(ObservationRow.sealed)).scalars().first()
    row = ObservationRow.__table__.insert().values(id=random_id(), month=MARCH, sealed=sealed)
    april.database.write(lambda connection: connection.execute(row))
    with pytest.raises(Unreadable):
        build(april, MARCH, seeds)
    build(april, MARCH, seeds, without_unreadable=True)
    assert over(april)


def test_only_an_officers_key_opens_counts(april: StaffLine) -> None:
    paulo = SignIn(april)("paulo")
    with pytest.raises(NotAllowed):
        held(april, paulo.person, paulo.seed, MARCH)


def test_by_the_clock_once_officers_armed_it(april: StaffLine) -> None:
    with pytest.raises(NoStatisticsKey):
        run(april)
    olga = SignIn(april)("olga")
    assert arm(april, olga.person, olga.seed) == 12
    file = april.settings.staff / arming.SEEDS
    assert file.stat().st_mode & 0o777 == 0o600
    assert run(april) == [MARCH] and over(april)
    assert MARCH not in json.loads(file.read_bytes()), "the machine's copy ends with the rest"
    assert run(april) == []


def steps(line: StaffLine) -> Iterator[tuple[str, Any, str]]:
    """Everything that freezing writes: its name, and what to wrap."""
    yield "file", freezing, "write_file"
    yield "sync", freezing, "_sync"
    yield "note", type(line.audit), "note"
    yield "key", KeyStore, "destroy"
    yield "seeds", arming, "_write_seeds"
    yield "file", arming, "write_file"
    yield "rows", Forgetting, "end_observations"
    yield "wipe", Forgetting, "tidy"


def killed_at(
    monkeypatch: pytest.MonkeyPatch, line: StaffLine, at: int, after: bool, do: Callable[[], object]
) -> list[str]:
    """Runs ``do`` and ends it before or after its ``at``-th step; the steps it began."""
    begun: list[str] = []
    with monkeypatch.context() as patch:
        for name, owner, method in steps(line):
            real = getattr(owner, method)

            def step(*args: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
                begun.append(_name)
                mine = len(begun) == at + 1
                if mine and not after:
                    raise Killed
                told = _real(*args, **more)
                if mine:
                    raise Killed
                return told

            patch.setattr(owner, method, step)
        try:
            do()
        except Killed:
            begun.append("killed")
    return begun


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(13))
def test_a_kill_at_any_step_is_ended_by_whoever_runs_next(
    april: StaffLine, monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    olga = SignIn(april)("olga")
    arm(april, olga.person, olga.seed)
    begun = killed_at(monkeypatch, april, at, after, lambda: run(april))
    assert begun[-1] == "killed", begun
    key = (STATISTICS, MARCH) in april.keys.epochs()
    released = MARCH in Releases(arming.folder(april))
    assert key or released, "never both lost"
    assert released or observations(april) == 3, "no count ends before its release"
    digest = prove(april, MARCH) if released else ""
    run(april)
    assert over(april)
    assert digest in ("", prove(april, MARCH)), "what was released stays"


def test_every_step_is_tried(april: StaffLine, monkeypatch: pytest.MonkeyPatch) -> None:
    olga = SignIn(april)("olga")
    arm(april, olga.person, olga.seed)
    begun = killed_at(monkeypatch, april, 1000, False, lambda: run(april))
    written = ["note", "file", "file", "file", "file", "sync", "note", "key", "seeds", "file"]
    assert begun == [*written, "rows", "wipe", "file"], begun


def test_counts_that_a_backup_brings_back_go_again(april: StaffLine, seeds: list[bytes]) -> None:
    with april.database.read() as connection:
        rows = [dict(r) for r in connection.execute(select(ObservationRow.__table__)).mappings()]
    build(april, MARCH, seeds)
    insert = ObservationRow.__table__.insert()
    april.database.write(lambda connection: connection.execute(insert, rows))
    assert observations(april) == 3
    finish(april)
    assert over(april)


def test_nothing_is_destroyed_for_a_release_that_does_not_hold(
    april: StaffLine, seeds: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody lays files of their own where the release should be."""
    with monkeypatch.context() as patch:
        patch.setattr(freezing, "_end", lambda line, month: None)
        build(april, MARCH, seeds)
    note: Path = arming.folder(april) / f"{MARCH}.txt"
    kept = note.read_bytes()
    note.write_bytes(kept.replace(b"header ", b"header 0"))
    with pytest.raises(BadRelease):
        finish(april)
    assert observations(april) == 3 and (STATISTICS, MARCH) in april.keys.epochs()
    note.write_bytes(kept)
    finish(april)
    assert over(april)


def test_the_command_line(
    april: StaffLine, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "load", lambda: april.settings)
    monkeypatch.setattr(
        "hotline.commands.trends.assemble_staff", lambda settings: assemble_staff(settings, clock)
    )

    def hotline(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(root, ["release", *words], input=typed)

    assert hotline("list").output == "nothing was released yet\n"
    bare = hotline("build", "--month", MARCH)
    assert isinstance(bare.exception, NoStatisticsKey)
    typed = f"{demo.PASSPHRASE}\n{SignIn(april).code('olga')}\n"
    assert hotline("arm", "--by", "olga", typed=typed).output.endswith("by the clock.\n")
    done = hotline("build", "--month", MARCH)
    assert done.exit_code == 0 and over(april), done.output
    (told,) = json.loads(hotline("list", "--json").output)
    assert told["month"] == MARCH and told["sound"] and told["epsilon"] == 2.5
    assert isinstance(hotline("build", "--month", MARCH).exception, AlreadyReleased)
    (arming.folder(april) / f"{MARCH}.npy").write_bytes(b"")
    spoilt = hotline("list")
    assert spoilt.exit_code == 1 and "FAIL" in spoilt.output
