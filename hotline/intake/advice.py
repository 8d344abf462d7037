"""Advice: what a reporter can do for their own safety, by type of crime.

Only numbers of the jurisdiction's profile are shown: each was read in a source on a day that
stands beside it, and goes when that day is too long ago.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from hotline.routing.classify import Types
from hotline.routing.profile import EmergencyNumber, Profile
from hotline.tips import Language
from hotline.web.i18n import N_, say

_MOST = 5
_EVIDENT = 2  # acts beyond the second are hints

NOW = N_("Call {number} now if someone is in danger. This line is not the emergency service.")
SAFETY = N_("Do not try to find out more yourself. Your safety comes first.")
SUPPORT = N_("If it is too much to bear, {line}, listens.")

# By flag of a crime type.
_BY_FLAG = {
    "health_window": (
        N_("Go to a hospital or a health post within 72 hours of a rape."),
        N_("In that time, medicine can prevent HIV and pregnancy."),
    ),
    "url_only": (
        N_("Do not save the images and do not send them to anyone."),
        N_("The address where they appear is enough."),
    ),
    "no_upload": (
        N_("Do not save the images and do not send them to anyone."),
        N_("The address where they appear is enough."),
    ),
    "extortion_advice": (
        N_("Do not pay, and do not answer threats alone."),
        N_("Keep the messages and numbers: they are proof."),
    ),
    "non_punishment": (N_("A person who is exploited is a victim, with or without papers."),),
    "no_contact": (
        N_("If someone watches your phone, leave this page when you are done."),
        N_("Then clear the history of the browser."),
    ),
}
# Who called instead of opening a page has nothing to leave and no history to clear.
_BY_FLAG_CALLED = _BY_FLAG | {
    "no_contact": (N_("If someone watches your phone, erase this call from its list."),)
}
# By group: the purposes of a number, the first that the profile has, and what it is for.
_BY_GROUP = {
    "GBV": (
        ("women",),
        N_("{line}, listens to women and tells them where to find help."),
    ),
    "CHILD": (
        ("children", "human-rights"),
        N_("{line}, protects children and teenagers."),
    ),
    "TIP": (
        ("trafficking", "human-rights"),
        N_("{line}, helps people who are exploited."),
    ),
    "VULN": (("human-rights",), N_("{line}, protects people who suffer abuse or hate.")),
}
_EXTORTION = N_("{line}, advises people who are threatened for money.")
_INTEGRITY = N_("The body that your report is about does not receive it.")
_FRAUD = N_("If you sent money, tell your bank at once: it may still stop the payment.")


@dataclass(frozen=True, slots=True)
class Emergency:
    """Whom to call when someone is in danger, in words."""

    number: str
    label: str
    message: str


def number_for(profile: Profile, purpose: str, day: date) -> EmergencyNumber | None:
    """The profile's first number for a purpose such as ``police`` that may be shown on ``day``."""
    return next((n for n in profile.emergency_on(day) if n.purpose == purpose), None)


def emergency(profile: Profile, language: Language, day: date) -> Emergency | None:
    """The police emergency number, when the profile has a verified one."""
    found = number_for(profile, "police", day)
    if found is None:
        return None
    return Emergency(found.number, found.label, say(language, NOW, number=found.number))


def advice(
    profile: Profile,
    types: Types,
    codes: Sequence[str],
    language: Language,
    day: date,
    *,
    called: bool = False,
) -> tuple[str, ...]:
    """At most five sentences, most pressing first; never empty. ``called``: for a caller, not for
    a reader of the web."""
    found: dict[str, None] = {}
    for code in codes[:_EVIDENT]:
        found |= dict.fromkeys(_sentences(profile, types, code, language, day, called))
    found |= {say(language, SAFETY): None}
    hurt = any(types.get(code).group in _BY_GROUP for code in codes[:_EVIDENT])
    if hurt and (support := number_for(profile, "support", day)):
        found |= {say(language, SUPPORT, line=called_by(support)): None}
    return tuple(found)[:_MOST]


def _sentences(
    profile: Profile, types: Types, code: str, language: Language, day: date, called: bool
) -> Iterator[str]:
    kind = types.get(code)
    for flag, sentences in (_BY_FLAG_CALLED if called else _BY_FLAG).items():
        if flag in kind.flags:
            yield from (say(language, sentence) for sentence in sentences)
    purposes, sentence = _BY_GROUP.get(kind.group, ((), ""))
    if "extortion_advice" in kind.flags:
        purposes, sentence = ("extortion",), _EXTORTION
    found = next((n for p in purposes if (n := number_for(profile, p, day))), None)
    if found:
        yield say(language, sentence, line=called_by(found))
    if kind.group == "INTEGRITY":
        yield say(language, _INTEGRITY)
    if code == "FIN-02":
        yield say(language, _FRAUD)


def called_by(one: EmergencyNumber) -> str:
    """``CVV, 188``; a name that says the number already (``Ligue 180``) says it once."""
    return one.label if one.number in one.label else f"{one.label}, {one.number}"
