"""``[phone]``: when operators take calls, read strictly, every mistake with its line."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotline.routing.phone import Phone
from hotline.routing.profile import Profile, built_ins, find
from hotline.routing.tables import RuleFileProblem
from hotline.tips import Language

GOOD = """
[phone]
hours = ["Mo-Fr 08:00-20:00", "Sa 09:00-13:00", "Su 20:00-24:00"]
holidays = [2026-12-25]
languages = ["pt", "es"]
wait_minutes = 7
"""


def profile_with(folder: Path, block: str) -> Path:
    shutil.copytree(find("br-rj"), folder)
    with (folder / "profile.toml").open("a", encoding="utf-8") as sheet:
        sheet.write(block)
    return folder


def phone_of(folder: Path, block: str = GOOD) -> Phone:
    phone = Profile.load(profile_with(folder, block)).phone
    assert phone is not None
    return phone


@pytest.mark.parametrize("name", built_ins())
def test_no_built_in_line_promises_people_who_were_never_asked(name: str) -> None:
    assert Profile.load(name).phone is None


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-03-10T10:59", False),  # Tuesday, 07:59 in Rio
        ("2026-03-10T11:00", True),
        ("2026-03-10T22:59", True),
        ("2026-03-10T23:00", False),
        ("2026-03-14T12:00", True),  # Saturday, 09:00
        ("2026-03-14T16:00", False),
        ("2026-03-16T02:59", True),  # Sunday, 23:59
        ("2026-03-16T03:00", False),
        ("2026-12-24T15:00", True),
        ("2026-12-25T15:00", False),
    ],
)
def test_hours_are_the_jurisdictions_to_the_minute(
    tmp_path: Path, moment: str, open_: bool
) -> None:
    when = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert phone_of(tmp_path / "p").open(when) is open_


def test_the_rest_is_read_and_has_a_usual_value(tmp_path: Path) -> None:
    phone = phone_of(tmp_path / "one")
    assert phone.languages == (Language.PT, Language.ES)
    assert phone.wait_seconds == 7 * 60
    few = phone_of(tmp_path / "two", '\n[phone]\nhours = ["Mo 08:00-09:00"]\n')
    assert few.languages == tuple(Language)
    assert few.wait_seconds == 5 * 60
    assert few.holidays == frozenset()
    far = '\n[phone]\nhours = ["Tu 08:00-09:00"]\ntime_zone = "America/Manaus"\n'
    # Eight in Manaus is nine in Rio.
    assert phone_of(tmp_path / "three", far).open(datetime(2026, 3, 10, 12, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("[phone]", "[fone]", 2, "no block is called fone"),
        ("hours =", "ours =", 3, "nothing here is called ours"),
        ('"Mo-Fr 08:00-20:00"', '"Mo-Fr 8-20"', 3, "no span of hours"),
        ('"Mo-Fr 08:00-20:00"', '"Mo-Vr 08:00-20:00"', 3, "vr is no day of the week"),
        ('"Mo-Fr 08:00-20:00"', '"Fr-Mo 08:00-20:00"', 3, "ends before it begins"),
        ('"Mo-Fr 08:00-20:00"', '"Mo-Fr 20:00-04:00"', 3, "does not lie within one day"),
        ('"Mo-Fr 08:00-20:00"', '"Mo-Fr 08:00-24:01"', 3, "does not lie within one day"),
        ('"Sa 09:00-13:00"', '"Fr-Sa 09:00-13:00"', 3, "two spans of fr overlap"),
        ("[2026-12-25]", '["2026-12-25"]', 4, "holidays must be a list of dates"),
        ("[2026-12-25]", "[2026-12-25, 2026-12-25]", 4, "stands twice in holidays"),
        ('["pt", "es"]', '["pt", "de"]', 5, "de is none of this profile's"),
        ("wait_minutes = 7", "wait_minutes = 20", 6, "wait_minutes is 20"),
        ("wait_minutes = 7", 'time_zone = "America/Rio"', 6, "time_zone is not a zone"),
        ("wait_minutes = 7", "minutes = 7", 6, "nothing here is called minutes"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_hint(
    tmp_path: Path, old: str, new: str, line: int, sentence: str
) -> None:
    before = len((find("br-rj") / "profile.toml").read_text(encoding="utf-8").split("\n")) - 1
    assert old in GOOD
    with pytest.raises(RuleFileProblem) as caught:
        Profile.load(profile_with(tmp_path / "p", GOOD.replace(old, new, 1)))
    found = [p for p in caught.value.problems if sentence in p.sentence]
    assert found, caught.value.problems
    assert (found[0].file, found[0].line) == ("profile.toml", before + line)
    assert found[0].hint


@pytest.mark.parametrize("block", ["\n[phone]\n", "\n[[phone]]\nhours=['Mo 08:00-09:00']\n" * 2])
def test_an_empty_or_second_block_is_refused(tmp_path: Path, block: str) -> None:
    with pytest.raises(RuleFileProblem):
        Profile.load(profile_with(tmp_path / "p", block))
