"""Releases: what is counted, what noise goes in and what it proves, and that all sums add up.

Nothing here depends on what the noise happens to be: the mechanism is tested by what OpenDP proves
of it, the sums by their being exact, least squares against a solver.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from hotline.analysis import spread as spread_module
from hotline.analysis.cube import Variances, _tree, diffused, reconcile, steps
from hotline.analysis.domain import Domain
from hotline.analysis.noise import TooLittleNoise, mechanism, noisy, variance
from hotline.analysis.observations import BadObservation
from hotline.analysis.policy import MAIN, Policy, PolicyProblem, Spent
from hotline.analysis.releases import BadRelease, Releases
from hotline.analysis.spread import spread
from hotline.routing.classify import Types
from hotline.routing.places import Places
from tests.releases import POLICY, SMALL, add_up, counts, exact, noisy_release, row, write

V = Variances(nation=200.0, state=22.0, municipality=5.0, cell=1.8)
STATES = {key: number for number, (key, _, _) in enumerate(SMALL.states)}
TYPES = {kind.code: number for number, kind in enumerate(SMALL.types)}


def test_the_four_tables_cost_two_and_the_sides_one_half() -> None:
    assert [POLICY.main[name].epsilon for name in MAIN] == [0.1, 0.3, 0.6, 1.0]
    assert sum(spent.epsilon for spent in POLICY.main.values()) == pytest.approx(2)
    assert sum(side.epsilon for side in POLICY.sides) == pytest.approx(0.5)
    assert POLICY.epsilon == pytest.approx(2.5)


@pytest.mark.parametrize("change", ["nation = 6", "epsilon = 0.2", "sensitivity = 2"])
def test_a_policy_that_does_not_add_up_is_refused(change: str) -> None:
    file = Path(__file__).parents[2] / "hotline" / "analysis" / "release.toml"
    name = change.partition(" ")[0]
    head, found, tail = file.read_text().partition(f"\n{name} = ")
    text = f"{head}\n{change}\n{tail.partition(chr(10))[2]}"
    if name == "epsilon":  # the first is that of the main tables, which may be any
        before, _, after = file.read_text().partition('name = "acts"\nepsilon = 0.1')
        text = f'{before}name = "acts"\nepsilon = 0.2{after}'
    assert found
    with pytest.raises(PolicyProblem):
        Policy.read(tomllib.loads(text))


def test_opendp_proves_what_each_table_promises() -> None:
    """Its map turns a difference of one tip into the epsilon spent; twice the difference, twice."""
    for spent in (*POLICY.main.values(), *POLICY.sides):
        made = mechanism(spent)
        assert made.map(spent.sensitivity) == pytest.approx(spent.epsilon, rel=1e-9)
        assert made.map(2 * spent.sensitivity) == pytest.approx(2 * spent.epsilon, rel=1e-9)
        assert spent.scale == spent.sensitivity / spent.epsilon


def test_less_noise_than_promised_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Spent, "scale", property(lambda self: 0.5 * self.sensitivity / self.epsilon)
    )
    with pytest.raises(TooLittleNoise):
        noisy(np.zeros(3, np.int64), POLICY.main["cell"])


def test_the_variance_told_is_that_of_discrete_laplace() -> None:
    for scale in (0.5, 1.0, 10 / 3, 10.0):
        k = np.arange(-2000, 2001)
        chance = np.exp(-np.abs(k) / scale)
        assert variance(scale) == pytest.approx(float((k**2 * chance).sum() / chance.sum()))


def test_a_tip_moves_one_cell_of_each_table_and_three_of_acts() -> None:
    """The whole of what epsilon rests on: taken away, any tip changes the counts by no more."""
    tips = [
        row(),
        row(type="GBV-01", acts=["GBV-01", "ORG-01", "PRP-01", "PUB-99", "CHD-01"]),
        row(type="INT-01"),
        row(integrity=True),
        row(municipality="unknown", state="unknown"),
        row(municipality="CO:DANE:05001", state="CO-ANT"),
        row(type="NEW-77", acts=["NEW-77", "NEW-78"], channel="fax"),
    ]
    everything = counts(tips)
    for number in range(len(tips)):
        fewer = counts(tips[:number] + tips[number + 1 :])
        for name, spent in POLICY.main.items():
            moved = int(np.abs(everything.table(name) - fewer.table(name)).sum())
            assert moved <= spent.sensitivity, name
        for side in POLICY.sides:
            moved = int(np.abs(everything.sides[side.name] - fewer.sides[side.name]).sum())
            assert moved <= side.sensitivity, side.name
    assert everything.tips == len(tips)


def test_where_a_tip_is_counted() -> None:
    made = counts([row(), row(type="GBV-01"), row(type="INT-01"), row(integrity=True)])
    rio = next(n for n, area in enumerate(SMALL.areas) if area.code == "3304557")
    assert made.municipality[rio] == 1 and made.municipality.sum() == 1
    assert made.state[STATES["BR-RJ"], TYPES["GBV-01"]] == 1
    assert made.state[STATES["not_published"], TYPES["INT-01"]] == 1
    assert made.state[STATES["not_published"], TYPES["ORG-01"]] == 1
    assert made.nation.sum() == 4


@pytest.mark.parametrize(
    ("told", "area", "state"),
    [
        ({"municipality": "unknown"}, "unknown", "BR-RJ"),
        ({"municipality": "unknown", "state": "unknown"}, "unknown", "unknown"),
        ({"municipality": "BR:IBGE:9999999", "state": "BR-SP"}, "unknown", "BR-SP"),
        ({"municipality": "CO:DANE:05001", "state": "CO-ANT"}, "abroad", "abroad"),
        ({"municipality": "unknown", "state": "CO-ANT"}, "abroad", "abroad"),
        ({"municipality": "unknown", "state": "not_published"}, "unknown", "unknown"),
    ],
)
def test_an_unknown_place_is_a_place(told: dict[str, str], area: str, state: str) -> None:
    made = counts([row(**told)])
    (found,) = np.flatnonzero(made.municipality)
    assert SMALL.areas[found].code == area
    assert SMALL.states[SMALL.areas[found].state][0] == state
    assert made.state[STATES[state]].sum() == 1


def test_planted_tips_are_not_counted() -> None:
    made = counts([row(outcome="planted"), row()])
    assert made.tips == made.nation.sum() == 1


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", row("2026-04"), row(municipality=None)])
def test_what_cannot_be_counted_stops_the_release(raw: bytes) -> None:
    with pytest.raises(BadObservation):
        counts([raw])


def design(domain: Domain) -> tuple[np.ndarray, dict[tuple[str, int, int], int]]:
    """Every noisy figure as a sum of unknowns: leaves, states' types of their own, withheld."""
    fine = list(domain.fine)
    unknown: dict[tuple[str, int, int], int] = {}
    for area in range(len(domain.areas)):
        for kind in fine:
            unknown["leaf", area, kind] = len(unknown)
    for kind, told in enumerate(domain.types):
        for state in range(len(domain.states)):
            last = state == len(domain.states) - 1
            if last or told.level == "state":
                unknown["state", state, kind] = len(unknown)
    rows = []

    def add(*names: tuple[str, int, int]) -> None:
        line = np.zeros(len(unknown))
        line[[unknown[name] for name in names if name in unknown]] = 1
        rows.append(line)

    areas = range(len(domain.areas))
    for kind in range(len(domain.types)):
        add(*(name for name in unknown if name[2] == kind))
    for state in range(len(domain.states)):
        mine = [a for a in areas if domain.state_of[a] == state]
        for kind in range(len(domain.types)):
            add(("state", state, kind), *(("leaf", a, kind) for a in mine))
    for area in areas:
        add(*(("leaf", area, kind) for kind in fine))
    for area in areas:
        for kind in fine:
            add(("leaf", area, kind))
    return np.array(rows), unknown


def weights(domain: Domain) -> np.ndarray:
    sizes = (len(domain.types), len(domain.states) * len(domain.types), len(domain.areas))
    cells = len(domain.areas) * len(domain.fine)
    spreads = (V.nation, V.state, V.municipality, V.cell)
    return 1 / np.repeat(spreads, (*sizes, cells))


def possible(domain: Domain) -> np.ndarray:
    """Rows of ``design`` that measure something: not a state's officials."""
    return np.array([bool(one.any()) for one in design(domain)[0]])


def test_the_closed_form_is_least_squares() -> None:
    """Against a general solver, to within what whole numbers take."""
    told = np.arange(len(weights(SMALL))) * 37 % 101 * 50  # large beside the rounding
    matrix, unknown = design(SMALL)
    root = np.sqrt(weights(SMALL)) * possible(SMALL)
    best = np.linalg.lstsq(matrix * root[:, None], told * root, rcond=None)[0]
    types, states, areas = len(SMALL.types), len(SMALL.states), len(SMALL.areas)
    nation, rest = told[:types], told[types:]
    state, rest = rest[: states * types].reshape(states, types), rest[states * types :]
    place, cell = rest[:areas], rest[areas:].reshape(areas, len(SMALL.fine))
    cube = reconcile(SMALL, nation, state, place, cell, V)
    columns = {int(kind): column for column, kind in enumerate(SMALL.fine)}
    for (what, where, kind), at in unknown.items():
        whole = cube.leaves[where, columns[kind]] if what == "leaf" else cube.states[where, kind]
        assert abs(whole - best[at]) < 2, (what, where, kind)


def test_the_spread_told_is_that_of_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of sum: its variance is what the solver's covariance gives."""
    monkeypatch.setattr(spread_module, "ROUNDED", 0.0)
    matrix, unknown = design(SMALL)
    held = np.linalg.inv(matrix.T @ (matrix * (weights(SMALL) * possible(SMALL))[:, None]))
    areas, types = len(SMALL.areas), len(SMALL.types)
    by_state = SMALL.state_of, np.arange(len(SMALL.states))
    nowhere = np.full(len(SMALL.states), -1)
    single, one_type = np.arange(areas), np.arange(types)
    together = np.zeros(types, np.int64)
    some = np.where(np.arange(areas) % 2, 0, -1)
    for places, withheld, kinds in (
        (*by_state, one_type),
        (*by_state, together),
        (np.zeros(areas, np.int64), np.zeros(len(SMALL.states), np.int64), SMALL.group_of),
        (single, nowhere, one_type),
        (single, nowhere, together),
        (some, nowhere, SMALL.group_of),
        (some, np.where(nowhere, 0, 0), np.where(one_type == 2, 0, -1)),
    ):
        found = spread(SMALL, V, np.asarray(places), np.asarray(withheld), np.asarray(kinds))
        for place in range(found.shape[0]):
            for kind in range(found.shape[1]):
                wanted = np.zeros(len(unknown))
                for (what, where, one), at in unknown.items():
                    mine = places[where] if what == "leaf" else withheld[where]
                    if mine == place and kinds[one] == kind:
                        told = SMALL.types[one].level
                        last = where == len(SMALL.states) - 1
                        # A state's fine types stand in its areas, not in what is withheld.
                        if what == "leaf" or told != "municipality" or last:
                            wanted[at] = 1
                assert found[place, kind] == pytest.approx(wanted @ held @ wanted, abs=1e-9)


def test_exact_tables_stay_as_they_are() -> None:
    rows = [row()] * 7 + [row(type="GBV-01")] * 3 + [row(type="INT-01")] + [row(integrity=True)]
    made = counts(rows)
    cube = reconcile(SMALL, made.nation, made.state, made.municipality, made.cell, V)
    assert (cube.leaves == made.cell).all() and (cube.states == made.state).all()


def test_a_release_adds_up_whatever_its_noise() -> None:
    arrays = noisy_release(rows=[row()] * 40 + [row(type="GBV-01", channel="sms")] * 9)
    assert add_up(SMALL, arrays)
    assert not add_up(SMALL, arrays | {"leaves": arrays["leaves"] + 1})
    only = [n for n, kind in enumerate(SMALL.types) if kind.level == "nation"]
    assert not arrays["states"][:-1, only].any(), "officials stand for the whole line only"


REALS = st.floats(-1000, 1000, allow_nan=False)


@given(arrays_of.arrays(float, st.tuples(st.integers(1, 30), st.integers(1, 8)), elements=REALS))
def test_whole_numbers_stay_near(x: np.ndarray) -> None:
    whole = diffused(x)
    assert np.abs(whole - x).max() < 2 + 1e-6
    assert np.abs(np.cumsum(whole - x, axis=0)).max() < 1 + 1e-6
    assert np.abs((whole - x).sum(axis=1)).max() <= 1 + 1e-6
    assert np.abs(np.cumsum(steps(x, 1) - x, axis=1)).max() <= 0.5 + 1e-6


def test_the_domain_is_the_same_whatever_came() -> None:
    """71 types, every municipality of Brazil, and places for what has none."""
    types = Types.load()
    domain = Domain.of("BR", Places.load("BR"), types, types.version, POLICY)
    assert len(domain.areas) == 5571 + 27 + 2 and len(domain.types) == len(types)
    assert Domain.load(domain.dump()) == domain
    assert [key for key, _, _ in domain.states[-3:]] == ["unknown", "abroad", "not_published"]
    assert {region for _, _, region in domain.states[:-3]} == {
        "Norte",
        "Nordeste",
        "Sudeste",
        "Sul",
        "Centro-Oeste",
    }
    for start, width, state in zip(domain.starts, domain.widths, domain.states, strict=False):
        last = domain.areas[start + width - 1]
        assert last.code == ("abroad" if state[0] == "abroad" else "unknown")
    named = {kind.group for kind in domain.types if kind.level != "municipality"}
    assert named == {"GBV", "TIP", "CHILD", "INTEGRITY"}


def test_another_country_has_its_own_cells() -> None:
    types = Types.load()
    domain = Domain.of("CO", Places.load("CO"), types, types.version, POLICY)
    assert len(domain.areas) == 1121 + len(domain.states) - 1
    assert {region for _, _, region in domain.states[:-3]} == {"unknown"}


def test_altered_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "2026-03", exact(counts([row()])))
    assert Releases(tmp_path).one("2026-03").array("leaves").sum() == 1
    numbers = tmp_path / "2026-03.npy"
    raw = bytearray(numbers.read_bytes())
    raw[-1] ^= 1
    numbers.write_bytes(raw)
    one = Releases(tmp_path).one("2026-03")
    with pytest.raises(BadRelease):
        one.array("outcome")
    (cells,) = tmp_path.glob("cells-*.json")
    cells.write_bytes(cells.read_bytes().replace(b"Angra", b"Agnra"))
    with pytest.raises(BadRelease):
        Releases(tmp_path).one("2026-03")


def test_the_ledger_lists_every_epsilon(tmp_path: Path) -> None:
    for month in ("2026-03", "2026-04"):
        write(tmp_path, month, exact(counts([])))
    lines = Releases(tmp_path).ledger().splitlines()
    assert len(lines) == 1 + 2 * (len(POLICY.main) + len(POLICY.sides))
    assert sum(float(line.split(",")[3]) for line in lines[1:]) == pytest.approx(2 * POLICY.epsilon)
    assert "2026-03,1,cell,1.0,1," in "\n".join(lines)


def test_least_squares_keeps_what_nothing_else_measures() -> None:
    """One tree whose upper tables are worthless is its leaves."""
    leaf = np.arange(len(SMALL.areas), dtype=float)[:, None]
    far = Variances(1e12, 1e12, 1.0, 1.0)
    kept, _ = _tree(SMALL, leaf, np.zeros((len(SMALL.states), 1)), np.zeros(1), 1.0, far)
    assert np.abs(kept - leaf).max() < 1e-6
