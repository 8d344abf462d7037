"""Columns: what each column of an extract is, the same for ever."""

from __future__ import annotations

from hotline.analysis.table import REAL, TEXT, WHOLE, Column

ROUNDED, BELOW, SUPPRESSED, ZERO, MISSING = STATUSES = (
    "rounded",
    "below_threshold",
    "suppressed",
    "structural_zero",
    "not_released",
)

# Dimension → its columns: name, title, description.
_TEXTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "month": (("month", "Month", "The month in which reports came, as 2026-01."),),
    "quarter": (("quarter", "Quarter", "The quarter in which reports came, as 2026-Q1."),),
    "year": (("year", "Year", "The year in which reports came."),),
    "municipality": (
        (
            "municipality_code",
            "Municipality code",
            "The official code; unknown, abroad, or not_published: told of no municipality.",
        ),
        ("municipality_name", "Municipality", "The municipality's name."),
    ),
    "region": (("region", "Region", "The great region of the state."),),
    "state": (
        (
            "state",
            "State",
            "ISO 3166-2; unknown, abroad, or not_published: told for the whole line only.",
        ),
    ),
    "country": (("country", "Country", "ISO 3166-1; unknown, abroad or not_published."),),
    "crime_type": (
        ("crime_type", "Crime type", "The line's code of the main act."),
        ("crime_type_label", "Crime type in words", "The same in words."),
    ),
    "crime_group": (("crime_group", "Crime group", "The family of crime types."),),
    "iccs_section": (("iccs_section", "ICCS section", "Section of the UNODC's classification."),),
    "iccs_code": (
        ("iccs_code", "ICCS code", "Code of the UNODC's classification, the first of it."),
    ),
    "channel": (("channel", "Channel", "How the report came."),),
    "language": (("language", "Language", "The language of the report, ISO 639-1."),),
    "victim_sex": (("victim_sex", "Sex of the victim", "As far as it was told."),),
    "victim_age": (("victim_age", "Age of the victim", "As far as it was told."),),
    "victim_ethnicity": (
        ("victim_ethnicity", "Ethnicity of the victim", "As far as it was told."),
    ),
    "weapon": (("weapon", "Weapon", "As far as it was told."),),
    "outcome": (
        ("outcome", "Outcome", "What had become of the report when its month was frozen."),
    ),
}
FIGURES = (
    Column(
        "tip_count",
        REAL,
        "Reports",
        "How many reports, with noise, as a whole number; empty where the status says why.",
    ),
    Column(
        "tip_count_status",
        TEXT,
        "Status",
        "What the figure is: rounded with noise, too small to be shown, withheld, impossible, or "
        "of a month without a release.",
        STATUSES,
    ),
    Column(
        "interval_low", REAL, "From", "The lower end within which the truth is 95 times of 100."
    ),
    Column("interval_high", REAL, "To", "The upper end within which the truth is 95 times of 100."),
    Column("unit", TEXT, "Unit", "What is counted.", ("tips",)),
    Column("revision", WHOLE, "Revision", "Always 1: what was released is never computed again."),
)


def columns_of(dimension: str, codes: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """``codes`` are the closed list of the first."""
    told = _TEXTS[dimension]
    first, *more = (Column(name, TEXT, title, words) for name, title, words in told)
    return (Column(first.name, first.kind, first.title, first.description, codes), *more)
