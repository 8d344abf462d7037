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
from hotline.routing.evidence import DENIED, Evidence, Weighed
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
_SPECIAL = frozenset({"GBV", "TIP", "CHILD", "INTEGRITY", "VULN"})  # rare, of the highest harm
_TELLING = frozenset({"type", "tag"})
_ENOUGH = 0.9  # of weight: a weak foreign term alone says nothing
_HEARD = 1.5  # of weight: told, though its words are gone
_CLEAR = 1.9  # of weight: enough to go before a louder general type
_NEAR = 14  # words between paired concepts
_MOST_REASONS = 4
_MOST_OF_A_FAMILY = 40  # bounds the work on a text made of one word
_FIRM = 2.9  # of weight: less is in doubt, as is
_RIVAL = 0.4  # of the loudest group's weight in another group
_LIKELY = 0.35  # chance of its group from which a type without a term of its own is suggested
_DISMISSED = 0.2  # chance of its group below which a special type is no more than a hint,
_LOUD = 4.0  # unless its own terms weigh as much as this
_HINT = 0.45  # the score of a hint: too little to choose the desk (route.py)
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

    __slots__ = ("_evidence", "_pairings", "_terms", "_types", "version")

    def __init__(
        self, types: Mapping[str, CrimeType], terms: TermTable, evidence: Evidence, version: str
    ) -> None:
        self._types = types
        self._terms = terms
        self._evidence = evidence
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
        """Reads ``crime_types.csv``, the terms and ``evidence.csv`` of ``folder`` (the shipped
        data by default). Raises TypeProblem, TermProblem or EvidenceProblem with file and line."""
        folder = folder or files("hotline").joinpath("routing", "data")
        types, version = _read_types(folder.joinpath("crime_types.csv"))
        groups = {c: k.group for c, k in types.items() if "human_only" not in k.flags}
        del groups[OTHER]
        evidence = Evidence.load(folder.joinpath("evidence.csv"), groups)
        return cls(types, load_terms(groups.keys(), folder), evidence, version)

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
        weights = self._weights(hits)
        for code in heard:
            _weigh(weights["type", code], (REMOVED,), _HEARD)
        acts = self._acts({c: w for (k, c), w in weights.items() if k == "type"}, hits, chosen)
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

    def told(self, text: str, language: Language) -> tuple[dict[str, float], dict[str, float]]:
        """What the evidence is weighed by: the weight of each type's own terms, and how surely
        (0 to 1) each concept, tag and threat was said or denied."""
        hits = self._terms.scan(text, language)
        found = self._weights(hits).items()
        totals = {code: sum(terms.values()) for (kind, code), terms in found if kind == "type"}
        return totals, {name: sure for name, (sure, _) in _said(hits).items()}

    def _weights(self, hits: Sequence[Hit]) -> _Weights:
        weights: _Weights = defaultdict(dict)
        for hit in hits:
            entry = hit.entry
            if entry.kind == "threat" or (entry.kind in _TELLING and not hit.negated):
                weight = entry.weight * hit.factor
                _weigh(weights[entry.kind, entry.subject], (entry.term,), weight)
        self._pair(hits, weights)
        return weights

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
        self,
        found: Mapping[str, Mapping[_Terms, float]],
        hits: Sequence[Hit],
        chosen: Sequence[str],
    ) -> tuple[Act, ...]:
        totals = {code: sum(terms.values()) for code, terms in found.items()}
        kept = self._kept(totals)
        weighed = None
        said = _said(hits) if _in_doubt(self._by_group(totals)) else {}
        if any(not name.startswith(DENIED) for name in said):
            weighed = self._evidence.weigh(totals, {n: sure for n, (sure, _) in said.items()})
            kept = self._reckoned(kept, totals, weighed)
        acts = []
        for code in dict.fromkeys((*chosen, *kept)):
            if "human_only" in self.get(code).flags:
                continue
            terms = found.get(code, {})
            loudest = sorted(terms, key=lambda term: -terms[term])[:_MOST_REASONS]
            reasons = [_because(term, BECAUSE) for term in loudest]
            if code in chosen:
                acts.append(Act(code, 1.0, (CHOSEN, *reasons)))
            elif terms:
                acts.append(Act(code, self._score(code, totals[code], weighed), tuple(reasons)))
            elif weighed:
                acts.append(self._worked_out(code, said, weighed))
        return tuple(acts[:MOST_ACTS]) or (Act(OTHER, 0.0, (NOTHING,)),)

    def _worked_out(
        self, code: str, said: Mapping[str, tuple[float, str]], weighed: Weighed
    ) -> Act:
        """A type without a term of its own, with what speaks for it."""
        affirmed = (name for name in said if not name.startswith(DENIED))
        speaking = self._evidence.speaking(code, affirmed)[:_MOST_REASONS]
        quoted = dict.fromkeys(_because((said[name][1],), BECAUSE) for name in speaking)
        return Act(code, round(weighed.chance(code), 3), tuple(quoted))

    def _by_group(self, totals: Mapping[str, float]) -> list[float]:
        """The loudest type of each group, the loudest group first."""
        groups: dict[str, float] = {}
        for code, total in totals.items():
            group = self._types[code].group
            groups[group] = max(total, groups.get(group, 0.0))
        return sorted(groups.values(), reverse=True)

    def _kept(self, totals: Mapping[str, float]) -> list[str]:
        """The types that enough was said of, clear special ones first, then the loudest."""
        best = max(totals.values(), default=0.0)
        kept = [
            code
            for code, total in totals.items()
            if total >= max(_ENOUGH, best / 4) or self._clear_special(code, total)
        ]
        return sorted(kept, key=lambda code: self._rank(code, totals[code]))

    def _rank(self, code: str, total: float) -> tuple[bool, float, str]:
        weight = total + _HARM[self._types[code].priority]
        return not self._clear_special(code, total), -weight, code

    def _clear_special(self, code: str, total: float) -> bool:
        return total >= _CLEAR and self._types[code].group in _SPECIAL

    def _reckoned(
        self, kept: list[str], totals: Mapping[str, float], weighed: Weighed
    ) -> list[str]:
        """Special types that are clear and not dismissed first, then the likeliest; and the
        likeliest even where no term of its own was said: what people work out from 'he', 'hits'
        and 'mother' together."""
        likeliest = weighed.likeliest()
        sure = weighed.group(self._types[likeliest].group) >= _LIKELY
        if likeliest not in kept and sure:
            kept = [*kept, likeliest]

        def rank(code: str) -> tuple[bool, float, str]:
            total = totals.get(code, 0.0)
            first = self._clear_special(code, total) and not self._dismissed(code, total, weighed)
            return not first, -weighed.chance(code), code

        return sorted(kept, key=rank)

    def _score(self, code: str, total: float, weighed: Weighed | None) -> float:
        """Between 0 and 1 by the weight of its own terms. One pair of words within a text that
        speaks of something else sends nobody's robbery to the desk for children."""
        score = round(total / (total + 2.0), 3)
        return min(score, _HINT) if weighed and self._dismissed(code, total, weighed) else score

    def _dismissed(self, code: str, total: float, weighed: Weighed) -> bool:
        group = self._types[code].group
        return group in _SPECIAL and total < _LOUD and weighed.group(group) < _DISMISSED

    def _tags(self, acts: tuple[Act, ...], weights: _Weights) -> tuple[str, ...]:
        tags = {subject for kind, subject in weights if kind == "tag"}
        codes = {act.code for act in acts}
        tags |= {
            t for t, owners in self._terms.codes_of_tag.items() if not codes.isdisjoint(owners)
        }
        return tuple(sorted(tags))


def _in_doubt(groups: Sequence[float]) -> bool:
    """Whether what was said leaves open which group the tip belongs to: only then is the evidence
    weighed, because it takes time."""
    return not groups or groups[0] < _FIRM or (len(groups) > 1 and groups[1] >= _RIVAL * groups[0])


def _because(terms: _Terms, sentence: str) -> str:
    return sentence.format(term="' + '".join(terms))


def _said(hits: Sequence[Hit]) -> dict[str, tuple[float, str]]:
    """How surely (0 to 1) each concept, tag or threat was said or denied, and by which term."""
    said: dict[str, tuple[float, str]] = {}
    for hit in hits:
        name, sure = hit.entry.mark, hit.factor
        if hit.negated and name:
            name = DENIED + name
        if name not in said or sure > said[name][0]:
            said[name] = (sure, hit.entry.term)
    said.pop("", None)
    return said


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
