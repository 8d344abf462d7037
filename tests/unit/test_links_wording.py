"""Similar tips are never called witnesses: who wrote them is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

SAID = {
    "pt_BR": ("testemunha", "independente", "confirmada por", "confirmado por", "comprov"),
    "es": ("testigo", "independiente", "confirmada por", "confirmado por", "comprueb"),
    "en": ("witness", "independent", "confirmed by", "corroborat"),
    "fr": ("témoin", "indépendant", "confirmé par", "confirmée par", "corrobor"),
    "ht": ("temwen", "endepandan", "konfime pa"),
}
ROOT = Path(__file__).parent.parent.parent
OURS = ("pages/similar.py", "triage/links.py", "console/similar.html", "console/beside.html")


def sentences(locale: str) -> list[str]:
    """What the pages of similar tips say, in one language."""
    text = (ROOT / "translations" / locale / "LC_MESSAGES" / "hotline.po").read_text("utf-8")
    entries = text.split("\n\n")
    return [e.lower() for e in entries if any(name in e.split("msgid")[0] for name in OURS)]


@pytest.mark.parametrize("locale", SAID)
def test_no_sentence_about_similar_tips_claims_independence(locale: str) -> None:
    told = sentences(locale)
    assert len(told) > 20
    for entry in told:
        words = entry.partition("msgid")[2]
        assert not any(word in words for word in SAID[locale]), words
