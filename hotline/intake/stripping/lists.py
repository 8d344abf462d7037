"""Stripping: word lists: names (sources and licences: docs/NOTICE.md), and the grammars' own lists
as a text in several languages needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from hotline.intake.stripping.grammar import grammar
from hotline.tips import Language


def _read(name: str) -> frozenset[str]:
    data = files("hotline.intake.stripping") / "data" / f"{name}.txt"
    return frozenset(data.read_text(encoding="ascii").split())


@lru_cache(maxsize=1)
def first_names() -> frozenset[str]:
    """First names of the Americas as single folded words."""
    return _read("first_names")


@lru_cache(maxsize=1)
def surnames() -> frozenset[str]:
    """Surnames of the Americas as single folded words."""
    return _read("surnames")


@lru_cache(maxsize=1)
def places() -> frozenset[str]:
    """Places the router knows, as folded words."""
    data = files("hotline.intake.stripping") / "data" / "places.txt"
    return frozenset(data.read_text(encoding="ascii").splitlines())


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of all languages a text is read in, together."""

    common: dict[str, frozenset[str]]
    function: frozenset[str]
    street: frozenset[str]
    kin: frozenset[str]
    possessive: frozenset[str]
    closekin: frozenset[str]
    job: frozenset[str]
    nouns: frozenset[str]
    no_name: frozenset[str]
    break_words: frozenset[str]
    join_words: frozenset[str]
    go_on: frozenset[str]
    titles: frozenset[str]
    pronoun3: frozenset[str]
    articles: frozenset[str]
    prepositions: frozenset[str]
    leads_name: frozenset[str]
    ranks: frozenset[str]
    greeting: frozenset[str]
    here: frozenset[str]
    acts: frozenset[str]
    others: frozenset[str]
    acts_on: frozenset[str]
    stands_by: frozenset[str]
    others_field: frozenset[str]
    links: frozenset[str]
    kinds: dict[str, str]
    numbers: dict[str, int]
    fields: dict[str, str]
    first_names: frozenset[str]
    surnames: frozenset[str]
    places: frozenset[str]


@lru_cache(maxsize=64)
def lists(languages: tuple[Language, ...]) -> Lists:
    """The lists for ``languages``, main one first: it wins where two say different things."""
    grammars = [grammar(language) for language in languages]

    def words(*names: str) -> frozenset[str]:
        return frozenset().union(*(g.words[name] for g in grammars for name in names))

    main = grammars[0].words  # "mais" breaks a clause in French, not in Portuguese
    return Lists(
        common=grammars[0].words,
        function=frozenset().union(*(g.function for g in grammars)),
        street=words("street"),
        kin=words("kin"),
        possessive=words("possessive"),
        closekin=words("closekin"),
        job=words("job"),
        nouns=words("idnoun"),
        no_name=words("suspect", "crime", "kin", "job"),
        break_words=main["break"],
        join_words=main["join"],
        go_on=main["goon"],
        titles=words("title"),
        pronoun3=main["pronoun3"],
        articles=main["articles"],
        prepositions=main["prepositions"],
        leads_name=words(
            "title", "idnoun", "kin", "possessive", "goon", "suspect", "crime", "join"
        ),
        ranks=words("rank", "title"),
        greeting=words("greeting"),
        here=words("here"),
        acts=words("crime", "pronoun3"),
        others=words("crime", "pronoun3", "suspect", "turn", "harm", "kin"),
        acts_on=words("crime", "harm"),
        stands_by=words("stands_by"),
        others_field=words("others_field"),
        links=words("mark", "link") | frozenset(w for g in grammars for w in g.nouns),
        kinds={w: kind for g in reversed(grammars) for w, kind in g.nouns.items()},
        numbers={w: n for g in reversed(grammars) for w, n in g.numbers.items()},
        fields={w: kind for g in reversed(grammars) for w, kind in g.fields.items()},
        first_names=first_names(),
        surnames=surnames(),
        places=places(),
    )
