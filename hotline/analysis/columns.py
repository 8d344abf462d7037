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


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Marks a sentence for the catalogues. The web's own marker would bring the web here."""
    return message


# Dimension → its columns: name, title, description.
_TEXTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "month": (("month", N_("Month"), N_("The month in which reports came, as 2026-01.")),),
    "quarter": (("quarter", N_("Quarter"), N_("The quarter in which reports came, as 2026-Q1.")),),
    "year": (("year", N_("Year"), N_("The year in which reports came.")),),
    "municipality": (
        (
            "municipality_code",
            N_("Municipality code"),
            N_("The official code; unknown, abroad, or not_published: told of no municipality."),
        ),
        ("municipality_name", N_("Municipality"), N_("The municipality's name.")),
    ),
    "region": (("region", N_("Region"), N_("The great region of the state.")),),
    "state": (
        (
            "state",
            N_("State or department"),
            N_("ISO 3166-2; unknown, abroad, or not_published: told for the whole line only."),
        ),
    ),
    "country": (("country", N_("Country"), N_("ISO 3166-1; unknown, abroad or not_published.")),),
    "crime_type": (
        ("crime_type", N_("Crime type"), N_("The line's code of the main act.")),
        ("crime_type_label", N_("Crime type in words"), N_("The same in words.")),
    ),
    "crime_group": (("crime_group", N_("Crime group"), N_("The family of crime types.")),),
    "iccs_section": (
        ("iccs_section", N_("ICCS section"), N_("Section of the UNODC's classification.")),
    ),
    "iccs_code": (
        ("iccs_code", N_("ICCS code"), N_("Code of the UNODC's classification, the first of it.")),
    ),
    "channel": (("channel", N_("Channel"), N_("How the report came.")),),
    "language": (("language", N_("Language"), N_("The language of the report, ISO 639-1.")),),
    "victim_sex": (("victim_sex", N_("Sex of the victim"), N_("As far as it was told.")),),
    "victim_age": (("victim_age", N_("Age of the victim"), N_("As far as it was told.")),),
    "victim_ethnicity": (
        ("victim_ethnicity", N_("Ethnicity of the victim"), N_("As far as it was told.")),
    ),
    "weapon": (("weapon", N_("Weapon"), N_("As far as it was told.")),),
    "outcome": (
        ("outcome", N_("Outcome"), N_("What had become of the report when its month was frozen.")),
    ),
    "act": (
        (
            "act",
            N_("Act told"),
            N_("The line's code of an act that reports tell of, as their main one or another."),
        ),
        ("act_label", N_("Act told, in words"), N_("The same in words.")),
    ),
}
FIGURES = (
    Column(
        "tip_count",
        REAL,
        N_("Reports"),
        N_("How many reports, with noise, as a whole number; empty where the status says why."),
    ),
    Column(
        "tip_count_status",
        TEXT,
        N_("Status"),
        N_(
            "What the figure is: rounded with noise, too small to be shown, withheld, "
            "impossible, or of a month without a release."
        ),
        STATUSES,
    ),
    Column(
        "interval_low",
        REAL,
        N_("Lower end"),
        N_("The truth lies between the lower and the upper end 95 times of 100."),
    ),
    Column(
        "interval_high",
        REAL,
        N_("Upper end"),
        N_("The truth lies between the lower and the upper end 95 times of 100."),
    ),
    Column("unit", TEXT, N_("Unit"), N_("What is counted."), ("tips",)),
    Column(
        "revision",
        WHOLE,
        N_("Revision"),
        N_("Always 1: what was released is never computed again."),
    ),
)


def columns_of(dimension: str, codes: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """``codes`` are the closed list of the first."""
    told = _TEXTS[dimension]
    first, *more = (Column(name, TEXT, title, words) for name, title, words in told)
    return (Column(first.name, first.kind, first.title, first.description, codes), *more)
