"""Acts: a report may tell of three, so their figures are no parts of a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hotline.analysis.noise import variance
from hotline.analysis.releases import Releases
from tests.releases import KINDS, ask, counts, exact, row, shown, write

ACTS = (
    [row(acts=["ORG-01", "PRP-01", "GBV-01"])] * 12
    + [row(type="PRP-01", acts=["PRP-01"], municipality="BR:IBGE:3500001", state="BR-SP")] * 20
    + [row(acts=["ORG-01", "INT-01"])] * 9
)


@pytest.fixture
def acted(tmp_path: Path) -> Releases:
    for month in ("2025-12", "2026-01", "2026-02"):
        told = [raw.replace(b"2026-03", month.encode()) for raw in ACTS]
        write(tmp_path / "acts", month, exact(counts(told, month=month)))
    return Releases(tmp_path / "acts")


def test_a_report_counts_in_each_act_it_tells_of(acted: Releases) -> None:
    table = ask(acted, "act", "2026-01")
    found = shown(table, "act")
    assert found["ORG-01",] == (21, "rounded")
    assert found["PRP-01",] == (32, "rounded")
    assert found["GBV-01",] == (12, "rounded")
    assert found["INT-01",] == (9, "rounded")
    assert len(found) == len(KINDS)
    tips = ask(acted, "", "2026-01").data["tip_count"].tolist()
    assert sum(value or 0 for value, _ in found.values()) > tips[0] == 41
    assert [column.name for column in table.columns][:2] == ["act", "act_label"]
    assert any("add up to more than the reports" in note for note in table.about["notes"])
    assert not any("by its main act" in note for note in table.about["notes"])


def test_acts_by_state_and_period(acted: Releases) -> None:
    by_state = shown(ask(acted, "state,act", "2026-01"), "state", "act")
    assert by_state["BR-SP", "PRP-01"] == (20, "rounded")
    assert by_state["BR-RJ", "PRP-01"] == (12, "rounded")
    assert by_state["BR-RJ", "INT-01"] == (None, "suppressed"), "officials: for the whole line"
    assert by_state["not_published", "INT-01"] == (9, "rounded")
    years = shown(ask(acted, "year,act", "2025-12", "2026-02"), "year", "act")
    assert years["2026", "ORG-01"] == (42, "rounded")
    assert years["2025", "ORG-01"] == (21, "rounded")
    quarters = ask(acted, "quarter,region", "2025-12", "2026-02", act="PRP-01")
    assert shown(quarters, "quarter", "region")["2025-Q4", "Sudeste"] == (32, "rounded")


def test_an_interval_of_acts_is_as_wide_as_their_noise(acted: Releases) -> None:
    """Of each cell in a sum, for nothing ties acts to the totals: five places here, one for an act
    that is told for the whole line only."""
    each = 2.12 * variance(3 / 0.1) ** 0.5
    whole = ask(acted, "act", "2026-01")
    wide = dict(
        zip(whole.data["act"], whole.data["interval_high"] - whole.data["tip_count"], strict=True)
    )
    assert wide["ORG-01"] == np.ceil(each * 5**0.5)
    assert wide["INT-01"] == np.ceil(each)
    one = ask(acted, "state", "2026-01", act="PRP-01")
    assert one.data["interval_high"][0] == 12 + np.ceil(each)
    months = ask(acted, "", "2025-12", "2026-02", act="ORG-01")
    assert months.data["interval_high"][0] == 63 + np.ceil(each * 15**0.5)
