"""Notice: what the line takes, keeps and cannot delete, for whoever reports, in figures of its own.

No figure is written twice: terms come from the profile in force, the rest from the rooms that keep
them. It stands where no answers are on the page: whoever follows a link from those loses them.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, g, render_template, request

from hotline.assembly import PublicLine
from hotline.delivery.erasure import HOUR, KEEP
from hotline.intake.once import DAYS
from hotline.intake.sessions import HARD_CAP_SECONDS, KEY_HOURS
from hotline.keeping.names import LIFE, Copy
from hotline.routing.retention import Retention
from hotline.tips import Language
from hotline.vault.envelope import RECORDING_LIFE
from hotline.web.i18n import negotiate

ADDRESS = "/privacy"


@dataclass(frozen=True, slots=True)
class Law:
    """What a country calls its law on personal data and who watches over it, in its own words."""

    name: str
    authority: str
    language: Language


# Only what was certain; docs/privacy.md has what is left to a line's counsel.
LAWS = {
    "AR": Law("Ley 25.326", "Agencia de Acceso a la Información Pública", Language.ES),
    "BR": Law("Lei 13.709/2018 (LGPD)", "ANPD", Language.PT),
    "CO": Law("Ley 1581 de 2012", "Superintendencia de Industria y Comercio", Language.ES),
    "MX": Law("LGPDPPSO, LFPDPPP", "Secretaría Anticorrupción y Buen Gobierno", Language.ES),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Months a report lives at least and at most; hours of a voice, a conversation, the mark of a
    number and what the sweep leaves at the provider; days of a message's code and of copies."""

    least: int
    most: int
    voice: int
    talk: int
    mark: int
    swept: int
    code: int
    copies: int


def figures(terms: Retention) -> Figures:
    return Figures(
        least=min(keep.months for keep in terms.keeps),
        most=terms.longest,
        voice=RECORDING_LIFE // HOUR,
        talk=HARD_CAP_SECONDS // HOUR,
        mark=KEY_HOURS,
        swept=KEEP // HOUR,
        code=DAYS,
        copies=LIFE[Copy.DATA],
    )


def install(web: Blueprint, line: PublicLine) -> None:
    """``/privacy``: the same for everybody, so it says nothing of who reads it."""
    profile = line.profile

    def privacy() -> str:
        asked = Language.parse(request.args.get("language"))
        g.language = asked or negotiate(profile.languages[0])
        return render_template(
            "public/privacy.html",
            figures=figures(profile.retention),
            law=LAWS.get(profile.country),
            contact=profile.data_contact,
            address=ADDRESS,
        )

    web.add_url_rule(ADDRESS, "privacy", privacy, methods=["GET"])
