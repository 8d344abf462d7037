"""Retention: the table of terms, read and proved, and what it makes of a tip's months."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.routing import profile as profiles
from hotline.routing.profile import Profile
from hotline.routing.retention import BUILT_IN, ENDS, FILE, Retention, built_in, later
from hotline.routing.tables import RuleFileProblem
from hotline.tips import QueueKind
from hotline.triage.closings import CLOSE_REASONS

WHOLE = """longest = 24
[[keep]]
ends = [{ends}]
months = 12
why = "One term for all."
"""
ALL = ", ".join(f'"{end}"' for end in ENDS)


def read(tmp_path: Path, text: str) -> Retention:
    path = tmp_path / FILE
    path.write_text(text)
    return Retention.load(path)


def test_every_way_to_close_has_a_term() -> None:
    assert set(CLOSE_REASONS) < set(ENDS)
    for kind in QueueKind:
        for end in ENDS:
            assert 1 <= built_in().months(kind, end) <= built_in().longest


def test_what_is_made_up_goes_first_and_children_stay_longest() -> None:
    terms = built_in()
    assert terms.months(QueueKind.GENERAL, "hoax") < terms.months(QueueKind.GENERAL, "no_crime")
    assert terms.months(QueueKind.CHILDREN, "no_crime") > terms.months(QueueKind.GBV, "no_crime")
    assert terms.months(QueueKind.CHILDREN, "hoax") == terms.months(QueueKind.GENERAL, "hoax")


def test_a_term_counts_from_the_decision_and_never_past_the_longest() -> None:
    terms = built_in()
    assert terms.until(QueueKind.GENERAL, "hoax", "2026-03", "2026-11") == "2027-02"
    assert terms.until(QueueKind.GENERAL, "forwarded", "2026-03", "2030-01") == "2031-03"
    assert terms.last("2026-03") == "2031-03"
    assert terms.oldest("2031-04") == "2026-04"
    assert [later("2026-01", n) for n in (-13, -1, 0, 11, 12)] == [
        "2024-12",
        "2025-12",
        "2026-01",
        "2026-12",
        "2027-01",
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (WHOLE.format(ends=ALL).replace("longest = 24", ""), 1, "longest is missing"),
        (WHOLE.format(ends=ALL).replace("longest = 24", "longest = 999"), 1, "out of bounds"),
        (WHOLE.format(ends=ALL).replace("months = 12", "months = 0"), 4, "months is missing"),
        (WHOLE.format(ends=ALL).replace("months = 12", "months = 25"), 4, "months is missing"),
        (WHOLE.format(ends=ALL.replace('"hoax", ', "")), 1, "no term for tips that end as hoax"),
        (WHOLE.format(ends=ALL.replace("hoax", "hoaxx")), 3, "ends names hoaxx"),
        (WHOLE.format(ends=ALL) + 'kinds = ["gbw"]\n', 6, "kinds names gbw"),
        (WHOLE.format(ends=ALL) + 'kinds = ["gbv"]\n', 1, "(children, environment"),
        (WHOLE.format(ends=ALL).replace('why = "One term for all."', ""), 2, "why is missing"),
        (WHOLE.format(ends=ALL) + WHOLE.format(ends='"hoax"')[13:], 6, "never decides"),
        (WHOLE.format(ends=ALL) + "days = 3\n", 6, "nothing here is called days"),
        ("nonsense", 1, "not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    with pytest.raises(RuleFileProblem) as caught:
        read(tmp_path, text)
    assert any(p.line == line and says in p.sentence for p in caught.value.problems), [
        str(p) for p in caught.value.problems
    ]


def test_a_profile_may_have_terms_of_its_own_and_they_are_part_of_its_version(
    tmp_path: Path,
) -> None:
    folder = shutil.copytree(profiles.find("co"), tmp_path / "own")
    before = Profile.load(folder)
    assert before.retention == built_in()
    (folder / FILE).write_text(WHOLE.format(ends=ALL))
    after = Profile.load(folder)
    assert after.retention.longest == 24
    assert after.digest != before.digest
    (folder / FILE).write_text(BUILT_IN.read_text().replace("longest = 60", "longest = 6"))
    with pytest.raises(RuleFileProblem, match=r"retention\.toml"):
        Profile.load(folder)
