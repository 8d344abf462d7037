"""Classification: which of the 71 crime types a text tells of, why, and whether it threatens.

Every suggestion carries its reasons and waits for a person to confirm it. Reasons quote the
terms of our tables, never the tip. Codes follow the International Classification of Crime for
Statistical Purposes (UNODC, ICCS 1.0); what that calls a circumstance is a tag here.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from hotline.errors import HotlineError
from hotline.routing.terms import Hit, Pairing, TermTable
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
_FIRST = frozenset({"GBV", "TIP", "CHILD", "INTEGRITY", "VULN"})  # rare and of the highest harm
_TELLING = frozenset({"type", "tag"})
_ENOUGH = 0.9  # of weight: a weak foreign term alone says nothing
_HEARD = 1.5  # of weight: told, though its words are gone
_CLEAR = 1.9  # of weight: enough to go before a louder general type
_NEAR = 14  # words between paired concepts
_MOST_REASONS = 4
_MOST_OF_A_FAMILY = 40  # bounds the work on a text made of one word
_HARM = {Priority.P0: 0.9, Priority.P1: 0.5, Priority.P2: 0.3, Priority.P3: 0.1, Priority.P4: 0.0}

_Terms = tuple[str, ...]  # one term, or the paired ones
_Weights = dict[tuple[str, str], dict[_Terms, float]]  # by kind and subject


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

    __slots__ = ("_pairings", "_terms", "_types", "version")

    def __init__(self, types: Mapping[str, CrimeType], terms: TermTable, version: str) -> None:
        self._types = types
        self._terms = terms
        self.version = version
        # Looked up by the concept that fewest pairings share.
        often = Counter(name for pairing in terms.pairings for name in pairing.concepts)
        pairings: dict[str, list[tuple[tuple[str, ...], Pairing]]] = defaultdict(list)
        for pairing in terms.pairings:
            rarest = min(pairing.concepts, key=lambda name: often[name])
            others = tuple(name for name in pairing.concepts if name != rarest)
            pairings[rarest].append((others, pairing))
        self._pairings = dict(pairings)

    @classmethod
    def load(cls, folder: Traversable | None = None) -> Types:
        """Reads ``crime_types.csv`` and the terms of ``folder`` (the shipped data by default).
        Raises TypeProblem or TermProblem, naming file and line."""
        folder = folder or files("hotline").joinpath("routing", "data")
        types, version = _read_types(folder.joinpath("crime_types.csv"))
        assignable = {code for code, kind in types.items() if "human_only" not in kind.flags}
        return cls(types, load_terms(assignable - {OTHER}, folder), version)

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
        hits = self._terms.scan(text, language)
        weights: _Weights = defaultdict(dict)
        for hit in hits:
            entry = hit.entry
            if entry.kind == "threat" or (entry.kind in _TELLING and not hit.negated):
                weight = entry.weight * hit.factor
                _weigh(weights[entry.kind, entry.subject], (entry.term,), weight)
        self._pair(hits, weights)
        for code in heard:
            _weigh(weights["type", code], (REMOVED,), _HEARD)
        acts = self._acts({c: w for (kind, c), w in weights.items() if kind == "type"}, chosen)
        threats = [
            _because(terms, THREAT)
            for (kind, _), found in weights.items()
            for terms in found
            if kind == "threat"
        ]
        threats += alarms
        if any("human_only" in self.get(code).flags for code in chosen):
            threats.append(ONLY_A_PERSON)
        return Classification(acts, self._tags(acts, weights), tuple(dict.fromkeys(threats)))

    def _pair(self, hits: Sequence[Hit], weights: _Weights) -> None:
        """Concepts close together. A denied word still counts for a threat, for nothing else."""
        said: dict[str, list[Hit]] = defaultdict(list)
        for hit in hits:
            if hit.entry.kind == "concept":
                said[hit.entry.subject].append(hit)
        for concept in said:
            for others, pairing in self._pairings.get(concept, ()):
                for name in others:
                    if name not in said:
                        break
                else:
                    _weigh_pair(pairing, said, weights)

    def _acts(
        self, found: Mapping[str, Mapping[_Terms, float]], chosen: Sequence[str]
    ) -> tuple[Act, ...]:
        totals = {code: sum(terms.values()) for code, terms in found.items()}
        best = max(totals.values(), default=0.0)
        kept = [
            code
            for code, total in totals.items()
            if total >= max(_ENOUGH, best / 4) or self._goes_first(code, total)
        ]
        kept.sort(key=lambda code: self._rank(code, totals[code]))
        acts = []
        for code in dict.fromkeys((*chosen, *kept)):
            if "human_only" in self.get(code).flags:
                continue
            terms = found.get(code, {})
            loudest = sorted(terms, key=lambda term: -terms[term])[:_MOST_REASONS]
            reasons = [_because(term, BECAUSE) for term in loudest]
            total = totals.get(code, 0.0)
            if code in chosen:
                acts.append(Act(code, 1.0, (CHOSEN, *reasons)))
            else:
                acts.append(Act(code, round(total / (total + 2.0), 3), tuple(reasons)))
        return tuple(acts[:MOST_ACTS]) or (Act(OTHER, 0.0, (NOTHING,)),)

    def _rank(self, code: str, total: float) -> tuple[bool, float, str]:
        weight = total + _HARM[self._types[code].priority]
        return not self._goes_first(code, total), -weight, code

    def _goes_first(self, code: str, total: float) -> bool:
        return total >= _CLEAR and self._types[code].group in _FIRST

    def _tags(self, acts: tuple[Act, ...], weights: _Weights) -> tuple[str, ...]:
        tags = {subject for kind, subject in weights if kind == "tag"}
        codes = {act.code for act in acts}
        tags |= {t for t, owners in self._terms.codes_of_tag.items() if codes & set(owners)}
        return tuple(sorted(tags))


def _because(terms: _Terms, sentence: str) -> str:
    return sentence.format(term="' + '".join(terms))


def _weigh(found: dict[_Terms, float], terms: _Terms, weight: float) -> None:
    """A term said twice counts once."""
    found[terms] = max(weight, found.get(terms, 0.0))


def _weigh_pair(pairing: Pairing, said: Mapping[str, list[Hit]], weights: _Weights) -> None:
    threat = pairing.kind == "threat"
    families = [
        [hit for hit in said[name][:_MOST_OF_A_FAMILY] if threat or not hit.negated]
        for name in pairing.concepts
    ]
    together = _together(families) if all(families) else None
    if together:
        weight = pairing.weight * min(hit.factor for hit in together)
        terms = tuple(hit.entry.term for hit in together)
        _weigh(weights[pairing.kind, pairing.subject], terms, weight)


def _together(families: Sequence[Sequence[Hit]]) -> list[Hit] | None:
    """The first hits of each family that stand within _NEAR words of the first one's."""
    for anchor in families[0]:
        others = [
            min(family, key=lambda hit: abs(hit.start - anchor.start)) for family in families[1:]
        ]
        if all(abs(hit.start - anchor.start) <= _NEAR for hit in others):
            return [anchor, *others]
    return None


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
