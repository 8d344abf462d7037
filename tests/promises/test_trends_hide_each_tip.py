"""Who may ask trends anything, for ever, and knows every other tip, learns no more of one than one
honest question tells; and what a release gives away stays below the ε that it states.

Nothing here depends on chance: either it is exact, or the bound is wrong once in 10⁹ runs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hotline.analysis.domain import STATES as BY_STATE
from hotline.analysis.noise import noisy
from hotline.analysis.policy import MAIN, Spent
from tests.attacks import (
    AREA,
    ATTACKS,
    BEFORE,
    COLUMN,
    DOMAIN,
    MONTH,
    TOWN_KEYS,
    Analyst,
    Attack,
    analyst,
    at_least,
    at_most,
    audit,
    counted,
    crowd,
    epsilon,
    honest,
    play,
    scaled,
    tip,
    victim,
    world,
)
from tests.releases import POLICY, exact

DOUBT = 1e-9
TRIALS = 60_000
TABLES = {spent.name: spent for spent in (*POLICY.main.values(), *POLICY.sides)}


@pytest.fixture(scope="module")
def who(tmp_path_factory: pytest.TempPathFactory) -> Analyst:
    counts = counted([*crowd(), victim()])
    folder = tmp_path_factory.mktemp("releases")
    return analyst(folder, {BEFORE: world(counts), MONTH: world(counts)})


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_way_of_asking_tells_another_figure(who: Analyst, attack: Attack) -> None:
    """Averages, differences, windows, trackers, sums solved for: all come to the one figure."""
    figure = int(who.releases.one(MONTH).array("leaves")[AREA, COLUMN])
    assert honest(who) == figure
    assert attack(who) == pytest.approx(figure, abs=1e-6)


def test_each_attack_breaks_what_answers_anew(
    who: Analyst, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attacks are attacks: were noise drawn for each answer, averaging would end it."""
    asked, true, draw = Analyst.ask, 3, np.random.default_rng(3)

    def anew(self: Analyst, by: str = "", **options: str) -> dict[tuple[str, ...], int]:
        found = asked(self, by, **options)
        return dict.fromkeys(found, true) | {k: true + int(draw.laplace(0, 1)) for k in found}

    monkeypatch.setattr(Analyst, "ask", anew)
    answers = [honest(who) for _ in range(200)]
    assert len(set(answers)) > 1
    assert abs(float(np.mean(answers)) - true) < 1


@pytest.mark.parametrize("code", ["GBV-01", "CHD-01", "INT-01"])
def test_of_what_is_not_told_there_nothing_shows(code: str, tmp_path: Path) -> None:
    """Without any noise: a tip of such a type changes no figure of any town, and one about an
    official none of any state, however the answer is cut."""
    town, rows = TOWN_KEYS[1], crowd()
    kind = next(kind for kind in DOMAIN.types if kind.code == code)
    askers = [
        analyst(tmp_path / name, {MONTH: exact(counted(told))})
        for name, told in (("without", rows), ("within", [*rows, tip(code, town)]))
    ]
    coarse = ["municipality", "municipality,crime_type", "municipality,crime_group,state"]
    if kind.level != BY_STATE:
        coarse += ["state", "state,crime_type", "region,iccs_code", "state,crime_group,weapon"]
    for by in coarse:
        first, second = (
            {k: n for k, n in one.ask(by).items() if "not_published" not in k} for one in askers
        )
        assert first == second, by
    first, second = (one.ask("crime_type")[(code,)] for one in askers)
    assert second == first + 1


def test_a_body_that_is_told_about_sees_no_tip_of_its_town(tmp_path: Path) -> None:
    rows, town = crowd(), TOWN_KEYS[1]
    about = tip("ORG-01", town, integrity=True)
    without, within = (
        analyst(tmp_path / name, {MONTH: exact(counted(told))}).ask("state,crime_type")
        for name, told in (("without", rows), ("within", [*rows, about]))
    )
    changed = {key for key, figure in within.items() if without[key] != figure}
    assert changed == {("not_published", "ORG-01")}


def happened(spent: Spent, tips: int) -> np.ndarray:
    """Whether all the cells that one tip may stand in show it: so many trials of each."""
    cells = np.full((TRIALS, spent.sensitivity), tips, dtype=np.int64)
    return np.asarray((noisy(cells, spent) >= 1).all(axis=1))


@pytest.mark.parametrize("name", TABLES)
def test_each_table_gives_away_less_than_it_states(name: str) -> None:
    spent = TABLES[name]
    shown = epsilon(happened(spent, 0), happened(spent, 1), DOUBT)
    assert shown <= spent.epsilon
    if spent.sensitivity == 1:  # the event is the worst there is: what is shown is nearly all
        assert shown > spent.epsilon - 0.09


@pytest.mark.parametrize("name", MAIN)
def test_the_audit_finds_noise_that_is_too_small(name: str) -> None:
    spent = TABLES[name]
    half = replace(spent, epsilon=2 * spent.epsilon)
    assert epsilon(happened(half, 0), happened(half, 1), DOUBT) > spent.epsilon


def test_a_whole_release_gives_away_less_than_it_states() -> None:
    assert audit(play(400), DOUBT) <= POLICY.epsilon


def test_the_audit_finds_a_release_with_too_little_noise() -> None:
    assert audit(play(400, scaled(POLICY, 1 / 20)), 1e-4) > POLICY.epsilon


def test_the_bounds_are_those_of_the_binomial() -> None:
    """Clopper and Pearson 1934; 0 and n of n in closed form."""
    assert at_most(0, 100, 0.025) == pytest.approx(1 - 0.025 ** (1 / 100), rel=1e-6)
    assert at_least(100, 100, 0.025) == pytest.approx(0.025 ** (1 / 100), rel=1e-6)
    assert (at_least(5, 10, 0.025), at_most(5, 10, 0.025)) == pytest.approx(
        (0.1871, 0.8129), abs=1e-4
    )
