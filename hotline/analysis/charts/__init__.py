"""Charts: a table as a picture drawn here, and its twin in figures for whoever does not see it.

No script, no style: attributes and classes only, so that the strictest policy shows them.
"""

from __future__ import annotations

from hotline.analysis.charts.cells import ranking, seasonality
from hotline.analysis.charts.figures import BadChart, Measure
from hotline.analysis.charts.lines import multiples, series
from hotline.analysis.charts.maps import places
from hotline.analysis.charts.svg import Chart

__all__ = [
    "BadChart",
    "Chart",
    "Measure",
    "multiples",
    "places",
    "ranking",
    "seasonality",
    "series",
]
