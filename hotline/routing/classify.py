"""Classification: which of the 71 crime types a text tells of, why, and whether it threatens.

Every suggestion carries its reasons and waits for a person to confirm it. Reasons quote the
terms of our tables, never the tip. Codes follow the International Classification of Crime for
Statistical Purposes (UNODC, ICCS 1.0); what that calls a circumstance is a tag here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from hotline.errors import HotlineError
from hotline.routing.evidence import DENIED, WORD, Evidence, Weighed
from hotline.routing.heard import Heard, Terms, pairs, weigh
from hotline.routing.terms import TermTable
from hotline.routing.wordlists import load_terms
from hotline.tips import Act, Classification, Language, Priority, QueueKind

OTHER = "PUB-99"
GROUPS = frozenset(
    [
        "GBV",
        "TIP",
        "CHILD",
        "VULN",
        "INTEGRITY",
        "ORGCRIME",
        "PROPERTY",
        "FINCYB",
        "ENV",
        "PERSONS",
        "GENERAL",
        "REVIEW",
    ]
)
FLAGS = frozenset(
    [
        "risk_questions",
        "no_contact",
        "health_window",
        "second_reader",
        "link_earlier",
        "no_upload",
        "url_only",
        "duty_to_forward",
        "non_punishment",
        "no_status_question",
        "human_only",
        "human_review",
        "internal",
        "extortion_advice",
        "recuse_implicated",
        "recuse_municipality",
        "check_collusion",
        "indigenous_check",
        "reward",
        "now_if_present",
        "now_if_locked",
        "now_if_fire",
        "soon_if_child",
        "soon_if_critical",
    ]
)

CHOSEN = "chosen by the reporter"
BECAUSE = "because: '{term}'"
THREAT = "threat: '{term}'"
REMOVED = "words that were removed"
ONLY_A_PERSON = "the reporter chose a type that only a person may assign"
NOTHING = "no term of our tables was found"

MOST_ACTS = 5  # one primary and at most four secondary
_SPECIAL = frozenset({"GBV", "TIP", "CHILD", "INTEGRITY", "VULN"})  # rare, of the highest harm
_ENOUGH = 0.9  # of weight: a weak foreign term alone says nothing
_HEARD = 1.5  # of weight: told, though its words are gone
_CLEAR = 1.9  # of weight: enough to be named beside a much louder general type
_MOST_REASONS = 4
_LIKELY = 0.3  # chance of its group from which a type without a term of its own is suggested
_DISMISSED = 0.2  # chance of its group below which a special type is no more than a hint,
_LOUD = 4.0  # unless its own terms weigh as much as this, which puts it first
_HINT = 0.45  # the score of a hint: too little to choose the desk (route.py)


class UnknownType(HotlineError):
    """A crime type that is not in the table."""

    code = "unknown_type"
    status = 422
    message = "There is no such crime type."
    hint = "Use a code of the table of crime types, such as ORG-01."


class TypeProblem(HotlineError):
    """The table of crime types cannot be used."""

    code = "type_problem"
    message = "The table of crime types cannot be read."
    hint = "Correct the named row of crime_types.csv."


@dataclass(frozen=True, slots=True)
class CrimeType:
    """One row of the table. ``iccs`` may be empty: a missing person is no crime. ``tags`` are
    the ICCS circumstances to fill in; ``flags`` are machine words out of FLAGS."""

    code: str
    group: str
    queue: QueueKind
    names: Mapping[Language, str]
    iccs: tuple[str, ...]
    tags: tuple[str, ...]
    priority: Priority
    flags: frozenset[str]


class Types:
    """The table of crime types and the terms that point to them."""

    __slots__ = ("_evidence", "_pairs", "_tags_of", "_terms", "_types", "version")

    def __init__(
        self, types: Mapping[str, CrimeType], terms: TermTable, evidence: Evidence, version: str
    ) -> None:
        self._types = types
        self._terms = terms
        self._pairs = pairs(terms)
        self._tags_of: dict[str, list[str]] = {}
        for tag, codes in terms.codes_of_tag.items():
            for code in codes:
                self._tags_of.setdefault(code, []).append(tag)
        self._evidence = evidence
        self.version = version

    @classmethod
    def load(cls, folder: Traversable | None = None) -> Types:
        """Reads ``crime_types.csv``, the terms and ``evidence.csv`` of ``folder`` (the shipped
        data by default). Raises TypeProblem, TermProblem or EvidenceProblem with file and line."""
        folder = folder or files("hotline").joinpath("routing", "data")
        types, version = _read_types(folder.joinpath("crime_types.csv"))
        groups = {c: k.group for c, k in types.items() if "human_only" not in k.flags}
        del groups[OTHER]
        terms = load_terms(groups.keys(), folder)
        evidence = Evidence.load(folder.joinpath("evidence.csv"), groups, terms.marks)
        return cls(types, terms, evidence, version)

    @property
    def terms(self) -> frozenset[str]:
        """Every term a reason may quote."""
        return frozenset(entry.term for entry in self._terms.entries)

    @property
    def grammar(self) -> frozenset[str]:
        """Articles, negations and other words that tell nothing, folded, of all languages."""
        return frozenset(word for words in self._terms.roles.values() for word in words)

    def get(self, code: str) -> CrimeType:
        """Raises UnknownType."""
        found = self._types.get(code)
        if found is None:
            raise UnknownType
        return found

    def __contains__(self, code: object) -> bool:
        return code in self._types

    def __iter__(self) -> Iterator[CrimeType]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)

    def classify(
        self,
        text: str,
        language: Language,
        *,
        chosen: Sequence[str] = (),
        heard: Sequence[str] = (),
        alarms: Sequence[str] = (),
    ) -> Classification:
        """Acts best first, never empty; what the reporter chose comes first. A type that only a
        person may assign is never given, chosen or not: it asks for a second reader instead.
        ``heard`` and ``alarms`` are the types and threats told in words that were removed.
        Raises UnknownType for a chosen code that is not in the table."""
        words = Heard(self._terms.scan(text, language), self._pairs)
        for code in heard:
            weigh(words.types[code], (REMOVED,), _HEARD)
        acts = self._acts(words, chosen)
        threats = [_because(t, THREAT) for found in words.threats.values() for t in found]
        threats += alarms
        if any("human_only" in self.get(code).flags for code in chosen):
            threats.append(ONLY_A_PERSON)
        return Classification(acts, self._tags(acts, words.tags), tuple(dict.fromkeys(threats)))

    def told(self, text: str, language: Language) -> tuple[dict[str, float], dict[str, float]]:
        """What the evidence is weighed by: the weight of each type's own terms, and how surely
        (0 to 1) each concept, tag and threat was said or denied, and each word said."""
        heard = Heard(self._terms.scan(text, language), self._pairs)
        marks = list(self._terms.marks)
        said = {WORD + word: 1.0 for word in heard.words}
        for prefix, levels in (("", heard.said), (DENIED, heard.denied)):
            for sure in sorted(levels):
                said |= {prefix + marks[mark]: sure for mark in levels[sure]}
        return {code: sum(terms.values()) for code, terms in heard.types.items()}, said

    def gist(self, text: str, language: Language) -> tuple[frozenset[str], dict[str, float]]:
        """What a text is about, whatever its language: the concepts and tags that were said, and
        the chance of each type, by code."""
        heard = Heard(self._terms.scan(text, language), self._pairs)
        marks = list(self._terms.marks)
        said = frozenset(marks[mark] for found in heard.said.values() for mark in found)
        totals = {code: sum(terms.values()) for code, terms in heard.types.items()}
        if not said and not totals:
            return said, {}
        weighed = self._evidence.weigh(totals, heard.said, heard.denied, heard.words)
        return said, {code: weighed.chance(code) for code in weighed.places}

    def _acts(self, heard: Heard, chosen: Sequence[str]) -> tuple[Act, ...]:
        totals = {code: sum(terms.values()) for code, terms in heard.types.items()}
        if not (totals or chosen or any(heard.said.values())):
            return (Act(OTHER, 0.0, (NOTHING,)),)
        weighed = self._evidence.weigh(totals, heard.said, heard.denied, heard.words)
        acts = []
        for code in dict.fromkeys((*chosen, *self._kept(heard, totals, weighed))):
            if "human_only" in self.get(code).flags:
                continue
            terms = heard.types.get(code, {})
            loudest = sorted(terms, key=lambda term: -terms[term])[:_MOST_REASONS]
            reasons = [_because(term, BECAUSE) for term in loudest]
            if code in chosen:
                acts.append(Act(code, 1.0, (CHOSEN, *reasons)))
            elif terms:
                acts.append(Act(code, self._score(code, totals[code], weighed), tuple(reasons)))
            else:
                acts.append(self._worked_out(code, heard, weighed))
        return tuple(acts[:MOST_ACTS]) or (Act(OTHER, 0.0, (NOTHING,)),)

    def _worked_out(self, code: str, heard: Heard, weighed: Weighed) -> Act:
        """A type without a term of its own, with what speaks for it."""
        said = {mark for marks in heard.said.values() for mark in marks}
        speaking = self._evidence.speaking(code, said)[:_MOST_REASONS]
        quoted = dict.fromkeys(_because((heard.term(mark),), BECAUSE) for mark in speaking)
        return Act(code, round(weighed.chance(code), 3), tuple(quoted))

    def _kept(self, heard: Heard, totals: Mapping[str, float], weighed: Weighed) -> list[str]:
        """The types that enough was said of, loud special ones first, then the likeliest; and the
        likeliest even where no term of its own was said: what people work out from 'he', 'hits'
        and 'mother' together."""
        best = max(totals.values(), default=0.0)
        kept = [
            code
            for code, total in totals.items()
            if total >= max(_ENOUGH, best / 4) or (total >= _CLEAR and self._special(code))
        ]
        likeliest = weighed.likeliest()
        sure = weighed.group(self._types[likeliest].group) >= _LIKELY
        if likeliest not in kept and sure:
            kept.append(likeliest)
        return sorted(kept, key=lambda code: self._rank(code, heard, weighed))

    def _rank(self, code: str, heard: Heard, weighed: Weighed) -> tuple[bool, float, float, str]:
        """A loud special type goes first where one of its terms was said outright: words of a pair
        meet by chance. What the evidence dismisses all the same, as it does any one sentence of a
        long text about drugs, goes by that term."""
        terms = heard.types.get(code, {})
        outright = max((w for t, w in terms.items() if len(t) == 1), default=0.0)
        first = self._special(code) and sum(terms.values()) >= _LOUD and outright >= _CLEAR
        dismissed = first and weighed.group(self._types[code].group) < _DISMISSED
        return not first, -outright if dismissed else -_LOUD, -weighed.chance(code), code

    def _score(self, code: str, total: float, weighed: Weighed) -> float:
        """Between 0 and 1 by the weight of its own terms. One pair of words within a text that
        speaks of something else sends nobody's robbery to the desk for children."""
        score = round(total / (total + 2.0), 3)
        unlikely = weighed.group(self._types[code].group) < _DISMISSED
        hint = unlikely and self._special(code) and total < _LOUD
        return min(score, _HINT) if hint else score

    def _special(self, code: str) -> bool:
        return self._types[code].group in _SPECIAL

    def _tags(self, acts: tuple[Act, ...], told: set[str]) -> tuple[str, ...]:
        return tuple(sorted(told.union(*[self._tags_of.get(act.code, ()) for act in acts])))


def _because(terms: Terms, sentence: str) -> str:
    return sentence.format(term="' + '".join(terms))


def type_groups() -> dict[str, str]:
    """The group of every shipped crime type by its code. Raises TypeProblem."""
    types, _ = _read_types(files("hotline").joinpath("routing", "data", "crime_types.csv"))
    return {code: kind.group for code, kind in types.items()}


def type_names() -> dict[str, Mapping[Language, str]]:
    """The names of every shipped crime type by its code, in their order. Raises TypeProblem."""
    types, _ = _read_types(files("hotline").joinpath("routing", "data", "crime_types.csv"))
    return {code: kind.names for code, kind in types.items()}


def _read_types(file: Traversable) -> tuple[dict[str, CrimeType], str]:
    types: dict[str, CrimeType] = {}
    versions = set()
    with file.open(encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            try:
                kind = _crime_type(row)
            except (KeyError, ValueError) as error:
                raise TypeProblem(f"{file.name}:{number}: {error} cannot be used.") from None
            if kind.code in types:
                raise TypeProblem(f"{file.name}:{number}: {kind.code} stands twice.")
            types[kind.code] = kind
            versions.add(row["version"])
    if OTHER not in types:
        raise TypeProblem(f"{file.name}:1: {OTHER}, the type of last resort, is missing.")
    return types, max(versions)


def _crime_type(row: Mapping[str, str]) -> CrimeType:
    names = {language: row[f"name_{language}"].strip() for language in Language}
    flags = frozenset(row["flags"].split())
    if row["group"] not in GROUPS or not flags <= FLAGS or not all(names.values()):
        raise ValueError(f"{row['code']}: its group, a flag or a name")
    return CrimeType(
        code=row["code"],
        group=row["group"],
        queue=QueueKind(row["queue"]),
        names=MappingProxyType(names),
        iccs=tuple(filter(None, row["iccs"].split("|"))),
        tags=tuple(filter(None, row["iccs_tags"].split(";"))),
        priority=Priority(row["priority"]),
        flags=flags,
    )
