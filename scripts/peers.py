"""Peers: what other tools make of the same texts and tables, measured in the same run.

They come with the extras ``compare`` and ``test``; one that is not installed is said to be missing.
None of the finders of places judges what a name means where it stands, so their precision is told
beside their pace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

from pace import rate

from hotline.routing import compare, register
from hotline.routing.gazetteer import Kind
from hotline.routing.route import Router, places_of
from hotline.routing.rules import Column, Facts
from hotline.routing.words import words
from hotline.tips import ClassifiedTip

MISSING = "not installed (pip install '.[{}]')"
Guess = Callable[[str], str | None]


def _alone(found: set[str]) -> str | None:
    """The municipality, when one only is named."""
    return found.pop() if len(found) == 1 else None


def _names() -> dict[str, str]:
    """Folded names that one municipality of Brazil has -> its official name."""
    named = register.read("BR").senses.items()
    sole = {n: [s for s in senses if s.kind is Kind.NAME and s.place] for n, senses in named}
    return {name: senses[0].label for name, senses in sole.items() if len(senses) == 1}


def _ahocorasick() -> Guess:
    import ahocorasick

    names = ahocorasick.Automaton()
    for name, label in _names().items():
        names.add_word(f" {name} ", label)
    names.make_automaton()

    def guess(text: str) -> str | None:
        return _alone({label for _, label in names.iter(f" {' '.join(words(text))} ")})

    return guess


def _flashtext() -> Guess:
    from flashtext import KeywordProcessor

    names = KeywordProcessor()
    for name, label in _names().items():
        names.add_keyword(name, label)
    return lambda text: _alone(set(names.extract_keywords(" ".join(words(text)))))


def _expression() -> Guess:
    names = _names()
    longest = sorted(names, key=len, reverse=True)
    either = re.compile(rf"\b(?:{'|'.join(longest)})\b")
    return lambda text: _alone({names[one] for one in either.findall(" ".join(words(text)))})


def _geotext() -> Guess:
    from geotext import GeoText

    return lambda text: _alone(set(GeoText(text, "BR").cities))


FINDERS: dict[str, tuple[str, Callable[[], Guess]]] = {
    "pyahocorasick": ("ahocorasick", _ahocorasick),
    "flashtext": ("flashtext", _flashtext),
    "regular expression": ("re", _expression),
    "geotext": ("geotext", _geotext),
}


def finders() -> Iterator[tuple[str, Guess | None]]:
    """Other ways to find a municipality by its name alone; None where not installed."""
    for name, (module, make) in FINDERS.items():
        yield name, make() if find_spec(module) else None


def tables(router: Router, told: Sequence[ClassifiedTip]) -> dict[str, object]:
    """The five tables of a profile, nothing remembered: tips a second. ``agree``: of the rows
    that another engine found, how many are ours."""
    facts = [_facts(router, one) for one in told]
    figures: dict[str, object] = {
        "our tables": rate(lambda fact: [table.first(fact) for table in router.rules], facts)
    }
    if not find_spec("zen"):
        return {**figures, "zen-engine": MISSING.format("test")}
    import zen

    engine = zen.ZenEngine()
    oracles = [engine.create_decision(json.dumps(compare.jdm(table))) for table in router.rules]
    asked = [{c.name.lower(): sorted(fact[c]) for c in Column} for fact in facts]
    both = [
        (table.first(fact), oracle.evaluate(one)["result"]["row"])
        for fact, one in zip(facts, asked, strict=True)
        for table, oracle in zip(router.rules, oracles, strict=True)
    ]
    pace = rate(lambda one: [oracle.evaluate(one) for oracle in oracles], asked, 3)
    agree = round(sum(row is not None and row.id == id for row, id in both) / len(both), 3)
    return {**figures, "zen-engine": {"a second": pace, "agree": agree}}


def _facts(router: Router, one: ClassifiedTip) -> Facts:
    told, tip = one.classification, one.tip
    return (
        frozenset(act.code for act in told.acts),
        frozenset(told.tags),
        places_of(router.profile, one.place),
        frozenset({tip.urgency.value}),
        frozenset({"none"}),
        frozenset({False}),
        frozenset({bool(told.threats)}),
    )
