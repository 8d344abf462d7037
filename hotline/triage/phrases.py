"""Phrases: prepared questions and replies to a reporter, in five languages, some for some types.

A phrase is a sentence of the catalogue. Where it names a number, that is one of the profile's own,
filled in here; a phrase whose number the profile lacks, or has not confirmed lately, is not
offered. What an operator types is never filled in: a brace in it is a brace.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from hotline.intake.advice import called_by, number_for
from hotline.intake.stripping.normalise import matching
from hotline.routing.profile import Profile
from hotline.tips import Language
from hotline.web.i18n import N_, say

_HURT = ("GBV", "CHILD", "TIP", "VULN", "PERSONS")
_MARK = re.compile(r"::([^\W_]{2,30})")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One sentence or two. ``groups`` of crime types it is for, empty for all; ``purposes`` of the
    profile's numbers that may fill its ``{line}``, the first that there is."""

    code: str
    text: str
    groups: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


QUESTIONS = (
    Phrase(
        "where", N_("Where exactly does it happen? A street, a landmark or a shop nearby helps.")
    ),
    Phrase("when", N_("When does it happen? Days and hours help, even if you are not sure.")),
    Phrase("still", N_("Is it still going on?")),
    Phrase("danger", N_("Is somebody in danger now?")),
    Phrase("children", N_("Are there children in the place?")),
    Phrase("who", N_("What do the people look like, and what are they called by others?")),
    Phrase("vehicle", N_("Is there a vehicle? Its make, colour and plate help.")),
    Phrase("weapons", N_("Did you see weapons? What kind, and who carries them?")),
    Phrase(
        "known",
        N_("How do you know this: did you see it, or did you hear it from others?"),
    ),
    Phrase("often", N_("How often does it happen, and since when?")),
    Phrase("hidden", N_("Where are the things you told us about kept or hidden?")),
    Phrase("entrance", N_("How does one get in? Is somebody on watch at the entrance?")),
    Phrase("again", N_("Has anything changed since you wrote to us?")),
    Phrase("safe_answer", N_("Is it safe for you to read and answer here?")),
    Phrase("hurt", N_("Is somebody hurt, and do they need a doctor?"), _HURT),
    Phrase("safe_place", N_("Is there a safe place where the person can go?"), ("GBV", "VULN")),
    Phrase("leave", N_("Can the people there leave when they want to?"), ("TIP",)),
    Phrase("paid", N_("To which account, key or number had the money to be sent?"), ("FINCYB",)),
    Phrase("online", N_("At which address on the internet did you see it?"), ("FINCYB", "CHILD")),
    Phrase("nature", N_("What is being cut, burnt, dumped or caught, and how much?"), ("ENV",)),
)

REPLIES = (
    Phrase("thanks", N_("Thank you. What you told us helps.")),
    Phrase("passed_on", N_("We passed your report on to people who can act on it.")),
    Phrase("needs_more", N_("We need to know more before anybody can act. Please answer here.")),
    Phrase(
        "cannot_act", N_("We cannot act with what we know. If you learn more, write to us here.")
    ),
    Phrase("come_back", N_("This takes time. Come back with your number in some days.")),
    Phrase("nothing", N_("There is nothing more you need to do.")),
    Phrase("emergency", N_("If somebody is in danger now, call the emergency number at once.")),
    Phrase(
        "call",
        N_("If somebody is in danger now, call {line}. Nobody is sent from here."),
        purposes=("police",),
    ),
    Phrase("safety", N_("Do not go near and do not take pictures. Your safety comes first.")),
    Phrase("no_name", N_("Do not tell us your name or your number. We do not need them.")),
    Phrase("alone", N_("Read and answer only when nobody sees your screen.")),
    Phrase("tell_nobody", N_("Tell nobody that you wrote to us.")),
    Phrase(
        "photos",
        N_("You have pictures already? Send them with a new report. Take no new ones for us."),
    ),
    Phrase(
        "elsewhere",
        N_("This is not something this line can act on. Another service can help you."),
    ),
    Phrase("support", N_("If it is too much to bear, {line}, listens."), purposes=("support",)),
    Phrase(
        "women",
        N_("{line}, listens to women and tells them where to find help."),
        ("GBV",),
        ("women",),
    ),
    Phrase(
        "protect_children",
        N_("{line}, protects children and teenagers."),
        ("CHILD",),
        ("children", "human-rights"),
    ),
    Phrase(
        "exploited",
        N_("{line}, helps people who are exploited."),
        ("TIP",),
        ("trafficking", "human-rights"),
    ),
    Phrase(
        "no_images",
        N_("Do not save the images and do not send them to anyone."),
        ("CHILD",),
    ),
    Phrase("do_not_pay", N_("Do not pay, and do not answer threats alone."), ("FINCYB",)),
    Phrase("proof", N_("Keep the messages and numbers: they are proof."), ("FINCYB",)),
)
LISTED: Mapping[str, tuple[Phrase, ...]] = {"question": QUESTIONS, "reply": REPLIES}


@dataclass(frozen=True, slots=True)
class Spoken:
    """A phrase as the reporter reads it, as the operator does, and what it is found by."""

    code: str
    theirs: str
    ours: str
    own_type: bool

    def found_by(self, word: str) -> bool:
        return any(
            each.startswith(_folded(word))
            for told in (self.code.replace("_", " "), self.theirs, self.ours)
            for each in re.findall(r"\w+", _folded(told))
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a message and the same in the operator's language; ``ours`` is empty for words
    that somebody typed."""

    theirs: str
    ours: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """The phrases of one jurisdiction on one day, between two languages."""

    profile: Profile
    day: date
    theirs: Language
    ours: Language
    _by_line: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def offered(self, kind: str, groups: Collection[str]) -> list[Spoken]:
        """What may be said about a tip of these groups; what is for its types comes first."""
        found = [
            Spoken(phrase.code, *pair, bool(phrase.groups))
            for phrase in LISTED[kind]
            if (not phrase.groups or set(phrase.groups) & set(groups))
            and (pair := self._pair(phrase))
        ]
        return sorted(found, key=lambda spoken: not spoken.own_type)

    def back(self, text: str) -> list[Line]:
        """A message line by line; each that is a phrase with the same in the operator's words."""
        if not self._by_line:
            self._by_line.update(pair for p in (*QUESTIONS, *REPLIES) if (pair := self._pair(p)))
        lines = (line.strip() for line in text.splitlines())
        return [Line(line, self._by_line.get(line, "")) for line in lines if line]

    def typed(self, text: str) -> str:
        """The lines of a message that are no phrase."""
        return "\n".join(line.theirs for line in self.back(text) if not line.ours)

    def _pair(self, phrase: Phrase) -> tuple[str, str] | None:
        values: dict[str, str] = {}
        if phrase.purposes:
            numbers = (number_for(self.profile, purpose, self.day) for purpose in phrase.purposes)
            number = next(filter(None, numbers), None)
            if number is None:
                return None
            values["line"] = called_by(number)
        return say(self.theirs, phrase.text, **values), say(self.ours, phrase.text, **values)


def unfold(text: str, offered: Iterable[Spoken]) -> tuple[str, dict[str, list[Spoken]]]:
    """The text with ``::word`` replaced by the phrase it finds, on a line of its own; and the words
    that find several phrases or none, with what they find. A code itself finds only its phrase."""
    known, open_ = list(offered), dict[str, list[Spoken]]()

    def replaced(found: re.Match[str]) -> str:
        word = found[1]
        exact = [s for s in known if s.code.replace("_", "") == _folded(word)]
        meant = exact or [s for s in known if s.found_by(word)]
        if len(meant) != 1:
            open_[word] = meant
            return found[0]
        return f"\n{meant[0].theirs}\n"

    unfolded = _MARK.sub(replaced, text)
    return ("\n".join(_lines(unfolded)) if unfolded != text else text), open_


def _lines(text: str) -> Iterator[str]:
    return filter(None, (line.strip() for line in text.splitlines()))


def _folded(text: str) -> str:
    return matching(text).text
