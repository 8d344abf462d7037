"""Versions: what decides is a kept copy, put in force by a step that is whole or did not happen."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from hotline.routing import activations, versions
from hotline.routing.activations import (
    Activation,
    AlteredVersion,
    NoActiveRules,
    NotKept,
    Overtaken,
    RulesUnreadable,
    UnknownVersion,
    made_with,
)
from hotline.routing.profile import Profile, find
from hotline.routing.tables import RuleFileProblem
from hotline.routing.versions import HISTORY, VERSIONS, Versions, copied

Edit = Callable[[str], Path]
LAST = 27  # more than there are calls that touch the disk


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """A profile of its own; each call adds a comment, which makes it another version."""
    folder = tmp_path / "profile"
    shutil.copytree(find("br-rj"), folder)

    def change(words: str = "") -> Path:
        with (folder / "rules.toml").open("a") as file:
            file.write(f"# {words}\n" if words else "")
        return folder

    return change


@pytest.fixture
def kept(tmp_path: Path) -> Versions:
    (tmp_path / "home").mkdir(mode=0o700)
    return Versions(tmp_path / "home" / "rules")


def put(kept: Versions, source: str | Path, why: str = "Because.", seen: int | None = None) -> str:
    with copied(source) as folder:
        digest = kept.keep(folder)
    one = Activation(digest, "br-rj", "2026-03-10T12:00Z", ("ana",), why, made_with())
    kept.switch(one, len(kept.history()) if seen is None else seen, lambda: one.by)
    return one.version


def rules_of(folder: Path) -> str:
    return (folder / "rules.toml").read_text()


def test_editing_a_profile_changes_nothing_until_it_is_activated(
    kept: Versions, edit: Edit
) -> None:
    first = put(kept, edit(), "The first.")
    edit("another rule")
    (one, folder) = kept.active()
    assert (one.version, one.why, one.by) == (first, "The first.", ("ana",))
    assert "another rule" not in rules_of(folder)
    second = put(kept, edit())
    assert second != first
    assert "another rule" in rules_of(kept.active()[1])
    assert "another rule" not in rules_of(kept.folder(first))


def test_a_version_is_whole_by_itself_and_called_as_its_profile_is(kept: Versions) -> None:
    """br-rj borrows its recusal cues: the copy has them."""
    version = put(kept, "br-rj")
    folder = kept.folder(version)
    again = Profile.load(folder)
    assert version == again.version == Profile.load("br-rj").version
    assert again.cues == folder / "recusal.toml"
    assert again.cues.read_bytes() == (find("br") / "recusal.toml").read_bytes()


def test_going_back_is_one_more_activation(kept: Versions, edit: Edit) -> None:
    first = put(kept, edit())
    second = put(kept, edit("new"))
    assert put(kept, kept.folder(first), "Back.") == first
    assert [one.version for one in kept.history()] == [first, second, first]
    assert kept.kept() == tuple(sorted({first, second}))


def test_what_a_profile_lacks_is_said_and_nothing_is_kept(kept: Versions, edit: Edit) -> None:
    (edit() / "queues.toml").unlink()
    with pytest.raises(RuleFileProblem):
        put(kept, edit())
    assert not kept.root.exists()
    with pytest.raises(NoActiveRules):
        kept.active()


@pytest.mark.parametrize("how", ["edited", "missing file", "added file", "missing"])
def test_an_altered_version_is_refused_by_name(kept: Versions, how: str) -> None:
    version = put(kept, "br" if how == "added file" else "br-rj")
    folder = kept.folder(version)
    if how == "edited":
        (folder / "agencies.toml").chmod(0o600)
        (folder / "agencies.toml").write_text("# x\n" + (folder / "agencies.toml").read_text())
    elif how == "missing file":
        (folder / "municipalities.toml").unlink()
    elif how == "added file":
        (folder / "municipalities.toml").write_text("")
    else:
        shutil.rmtree(folder)
    with pytest.raises(AlteredVersion) as caught:
        kept.active()
    assert version in caught.value.message
    assert "hotline rules activate" in caught.value.hint
    again = put(kept, "br" if how == "added file" else "br-rj")
    assert (again, kept.active()[0].version) == (version, version)
    aside = [path.name for path in (kept.root / VERSIONS).iterdir() if ".altered-" in path.name]
    assert len(aside) == (how != "missing"), "what was altered is put aside to be looked at"


@pytest.mark.parametrize("name", ["", "..", "0123456789ab", "../../public", "8ED7715CEFF7"])
def test_no_other_directory_is_read_as_a_version(kept: Versions, name: str) -> None:
    put(kept, "br")
    with pytest.raises(UnknownVersion):
        kept.folder(name)


@pytest.mark.parametrize("text", ["not json\n", "{}\n", '{"version": 1}\n', "\xff"])
def test_a_broken_history_is_refused_and_not_written_over(kept: Versions, text: str) -> None:
    put(kept, "br")
    (kept.root / HISTORY).write_bytes(text.encode("latin-1"))
    for reads in (kept.active, lambda: put(kept, "br-rj")):
        with pytest.raises(RulesUnreadable):
            reads()
    assert (kept.root / HISTORY).read_bytes() == text.encode("latin-1")


def instead(patch: pytest.MonkeyPatch, **calls: object) -> None:
    """Replaces calls of ``os`` in versions.py, and nowhere else."""
    patch.setattr(versions, "os", SimpleNamespace(**vars(os) | calls))


class Killed(BaseException):
    """As good as kill -9: nothing after it runs but what the kernel does."""


def die(*_: object) -> None:
    raise Killed


def test_killed_between_copy_and_switch_the_old_one_stays(kept: Versions, edit: Edit) -> None:
    first = put(kept, edit())
    history = (kept.root / HISTORY).read_bytes()
    with copied(edit("new")) as folder:
        digest = kept.keep(folder)
    one = Activation(digest, "br-rj", "2026-03-10T12:00Z", ("ana",), "New.", made_with())
    with pytest.raises(Killed):
        kept.switch(one, 1, die)  # while the audit record is written
    assert (kept.root / HISTORY).read_bytes() == history
    assert kept.active()[0].version == first
    assert put(kept, edit()) == one.version


@pytest.mark.parametrize("call", range(1, LAST + 1))
def test_killed_at_any_step_one_whole_version_is_active(
    kept: Versions, edit: Edit, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Dies at the n-th call that touches the disk; then somebody tries again."""
    first = put(kept, edit())
    calls = 0

    def until(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls == call:
                raise Killed
            return real(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        instead(patch, open=until(os.open), fsync=until(os.fsync))
        for name in ("rename", "replace"):
            patch.setattr(Path, name, until(getattr(Path, name)))
        try:
            put(kept, edit("new"))
            finished = True
        except Killed:
            finished = False
    now = kept.active()[0].version
    assert finished is (calls < call)
    assert finished or call < LAST, "there are more steps than are tried"
    second = put(kept, edit())
    assert now in ((second,) if finished else (first, second))
    assert kept.active()[0].version == second
    left = {path.name for path in (kept.root / VERSIONS).iterdir()}
    assert left == {first, second}, "the next one tidies what a crash left"


def _racer(root: Path, source: Path, start: object, results: object) -> None:
    start.wait()
    try:
        results.put(put(Versions(root), source, seen=0))
    except Overtaken:
        results.put("overtaken")


def test_of_two_at_once_one_is_told_that_it_came_too_late(kept: Versions, tmp_path: Path) -> None:
    sources = []
    for number in range(4):
        shutil.copytree(find("br"), source := tmp_path / f"p{number}")
        with (source / "rules.toml").open("a") as file:
            file.write(f"# {number}\n")
        sources.append(source)
    spawn = multiprocessing.get_context("fork")
    start, results = spawn.Barrier(4), spawn.Queue()
    racers = [spawn.Process(target=_racer, args=(kept.root, s, start, results)) for s in sources]
    for racer in racers:
        racer.start()
    told = [results.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join(60)
    assert told.count("overtaken") == 3
    (won,) = set(told) - {"overtaken"}
    assert [one.version for one in kept.history()] == [won]
    assert len(kept.kept()) == 4, "what was compared too late is kept, not in force"


@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_home_that_cannot_be_written_says_so_and_keeps_the_old_one(
    kept: Versions, edit: Edit, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    first = put(kept, edit())
    with monkeypatch.context() as patch:

        def refuse(path: object, flags: int, *more: int) -> int:
            if flags & os.O_CREAT:
                raise OSError(error, os.strerror(error))
            return os.open(path, flags, *more)

        instead(patch, open=refuse)
        with pytest.raises(NotKept) as caught:
            put(kept, edit("new"))
    assert str(kept.root) not in caught.value.message + caught.value.hint
    assert kept.active()[0].version == first
    shutil.rmtree(kept.root)
    kept.root.write_text("a file where the directory should be")
    with pytest.raises(NotKept):
        put(kept, "br")


def test_the_home_is_closed_and_a_version_is_not_written_by_accident(kept: Versions) -> None:
    folder = kept.folder(put(kept, "br-rj"))
    assert kept.root.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o222 for path in folder.iterdir()} == {0}
    # Whoever is let into rules/ (the public process as its own user) can read all of it.
    assert {path.stat().st_mode & 0o444 for path in folder.iterdir()} == {0o444}
    assert (kept.root / HISTORY).stat().st_mode & 0o777 == 0o644


def test_tables_the_program_brings_are_part_of_what_is_recorded(
    kept: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(kept, "br")
    one = kept.active()[0]
    assert {"hotline", "crime_types.csv", "terms", "countries"} <= set(one.made_with)
    assert one.other_tables() == []
    newer = activations.tables() | {"terms": "0" * 12, "added.csv": "1" * 12}
    monkeypatch.setattr(activations, "tables", lambda: newer)
    assert one.other_tables() == ["added.csv", "terms"]
    line = json.loads((kept.root / HISTORY).read_text())
    assert line["version"] == one.version == line["digest"][:12]
