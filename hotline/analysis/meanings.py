"""Meanings: what each value of a column says, for the codebook and every page that shows values."""

from __future__ import annotations

from collections.abc import Mapping

from hotline.analysis.axes import NONE
from hotline.analysis.columns import BELOW, MISSING, ROUNDED, SUPPRESSED, ZERO
from hotline.analysis.domain import ABROAD, UNKNOWN, WITHHELD


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Marks a sentence for the catalogues. The web's own marker would bring the web here."""
    return message


_NOT_TOLD = N_("Not known or not told")
# Of places: no code of any register.
PLACES: Mapping[str, str] = {
    UNKNOWN: N_("Place not known"),
    ABROAD: N_("Another country"),
    WITHHELD: N_("Not published at this level"),
}
# Column → value → what it means. Languages are called by their own names, types by the table.
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "tip_count_status": {
        ROUNDED: N_("A figure with noise, as a whole number"),
        BELOW: N_("Too small to be shown: less than 8"),
        SUPPRESSED: N_("Withheld: not published at this level"),
        ZERO: N_("Cannot be: nothing of this kind is told there"),
        MISSING: N_("A month of the period has no release"),
    },
    "unit": {"tips": N_("Reports")},
    "crime_group": {
        "GBV": N_("Violence against women"),
        "TIP": N_("Human trafficking"),
        "CHILD": N_("Violence against children"),
        "VULN": N_("Violence against vulnerable people"),
        "INTEGRITY": N_("Wrongs by officials"),
        "ORGCRIME": N_("Organized crime"),
        "PROPERTY": N_("Robbery and theft"),
        "FINCYB": N_("Money and computers"),
        "ENV": N_("Nature and animals"),
        "PERSONS": N_("Wanted and missing people"),
        "GENERAL": N_("Public order"),
        "REVIEW": N_("Anything else"),
    },
    "iccs_section": {
        "01": N_("Acts leading to death or intending to cause death"),
        "02": N_("Acts leading to harm or intending to cause harm to the person"),
        "03": N_("Injurious acts of a sexual nature"),
        "04": N_("Acts against property involving violence or threat against a person"),
        "05": N_("Acts against property only"),
        "06": N_("Acts involving controlled drugs or other psychoactive substances"),
        "07": N_("Acts involving fraud, deception or corruption"),
        "08": N_("Acts against public order, authority and provisions of the State"),
        "09": N_("Acts against public safety and state security"),
        "10": N_("Acts against the natural environment"),
        "11": N_("Other criminal acts not elsewhere classified"),
        NONE: N_("Not a crime in the classification"),
    },
    "iccs_code": {NONE: N_("Not a crime in the classification")},
    "channel": {
        "sms": N_("Text message (SMS)"),
        "whatsapp": N_("WhatsApp message"),
        "phone": N_("Telephone, answered by the machine"),
        "operator": N_("Telephone, answered by a person"),
        "web": N_("Form on the web"),
        "api": N_("Another program"),
        UNKNOWN: _NOT_TOLD,
    },
    "language": {
        "pt": "Português",
        "es": "Español",
        "en": "English",
        "fr": "Français",
        "ht": "Kreyòl ayisyen",
        UNKNOWN: _NOT_TOLD,
    },
    "victim_sex": {
        "female": N_("Woman or girl"),
        "male": N_("Man or boy"),
        "other": N_("Other sex"),
        "several": N_("Several victims, not all alike"),
        UNKNOWN: _NOT_TOLD,
    },
    "victim_age": {
        "child": N_("Child"),
        "adolescent": N_("Adolescent"),
        "adult": N_("Adult"),
        "older": N_("Older person"),
        UNKNOWN: _NOT_TOLD,
    },
    "victim_ethnicity": {
        "white": N_("White"),
        "black": N_("Black"),
        "brown": N_("Brown"),
        "asian": N_("Asian"),
        "indigenous": N_("Indigenous"),
        UNKNOWN: _NOT_TOLD,
    },
    "weapon": {
        "firearm": N_("Firearm"),
        "unspecified": N_("A weapon, not said which"),
        "none": N_("No weapon"),
        UNKNOWN: _NOT_TOLD,
    },
    "outcome": {
        "none": N_("No outcome yet"),
        "forwarded": N_("Forwarded to a body"),
        "closed": N_("Closed"),
        "other": N_("Other outcome"),
    },
    "state": PLACES,
    "region": PLACES,
    "country": PLACES,
    "municipality_code": PLACES,
}


def meaning(column: str, value: str) -> str:
    """The sentence of a value, else the value."""
    return MEANINGS.get(column, {}).get(value, value)
