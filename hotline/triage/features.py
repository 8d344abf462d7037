"""Features: what a sketch keeps of a tip: numbers that stand for its words and its hard facts.

Nothing here is keyed: a number of a word can be tried by whoever has it. So they are never at rest
but inside a sealed sketch (``sketches``). Independent of the language: words are folded by how they
sound and cut, so that "Jhonatan" is "Jonatas" is "jonatan" and "vendendo" is "venden".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files

from hotline.intake.stripping import identifiers, without_tokens
from hotline.intake.stripping.grammar import abbreviations
from hotline.intake.stripping.normalise import Token, matching, tokens
from hotline.routing.classify import Types
from hotline.tips import Language, Redacted, Tip

WORDS = 80  # of a longer text, those with the smallest numbers: two long texts keep the same ones
CONCEPTS = 40
IDEAS = 40
TYPES = 10
FACTS = 24
_STEM = 5
_SHORTEST = 3
_SMALL = 3  # digits of a number that may be told in words too
_BEGUN = 2  # letters before a * of everyday.txt
_LETTERS = re.compile(r"[a-z]+")
# How the five languages spell one sound; applied in this order.
_SOUNDS = (
    *(("ph", "f"), ("th", "t"), ("ch", "x"), ("sh", "x"), ("qu", "k"), ("lh", "l"), ("nh", "n")),
    *(("ll", "l"), ("h", ""), ("c", "k"), ("q", "k"), ("w", "v"), ("y", "i"), ("z", "s")),
)
_DOUBLED = re.compile(r"([a-z])\1+")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_STREET = _set(
    "rua r avenida av ave travessa trav beco viela ladeira estrada rodovia praca alameda "
    "servidao calle cl carrera cra transversal diagonal callejon pasaje jiron plaza "
    "barrio vereda street st road rd lane alley boulevard blvd rue ruelle impasse place "
    "ri lari ruel wout kafou"
)
_STREET_AFTER = _set("street st road rd lane avenue ave boulevard drive alley")
_ALIAS = _set(
    "vulgo apelido apelidado apelidada conhecido conhecida chamado chamada chamam chama "
    "nome alias apodo apodado apodada conocido conocida llamado llamada llaman llama "
    "nombre aka known called nicknamed named name nickname dit surnomme surnommee appele "
    "appelee nomme nommee nom rele alyas non"
)
_LINK = _set(
    "de da do das dos del la las los el le les du des d l e y o a os as of the un una um "
    "uma por como as who is se que ki yon li l yo an ke era es eh com con s santa santo "
    "san sao dele dela pelo pela aqui mas tambien also on in at en em na no nan sou sur "
    "by call him he"
)


@dataclass(frozen=True, slots=True, repr=False)
class Features(Redacted):
    """Numbers above zero. ``concepts`` are what was told of whatever the language ("a gun", "at
    night"), ``ideas`` things of daily life likewise ("a bus"), ``types`` the chance of the
    likeliest ones, ``facts`` what can be looked up: plates, numbers, addresses, names. ``kind_of``
    says of a fact what it is."""

    words: tuple[int, ...]
    concepts: tuple[int, ...]
    types: dict[int, float]
    ideas: tuple[int, ...]
    facts: tuple[int, ...]


# Rarest kinds first: of a tip with more facts than fit, these are kept.
KINDS = ("plate", "phone", "account", "document", "handle", "link", "address", "alias", "street")
_FOUND = {**{kind: kind for kind in KINDS}, "email": "handle"}


def features(tip: Tip, types: Types) -> Features:
    """Of the stripped text and its answers. What is doubtful stays behind its token."""
    return of_text(tip.words, tip.language, types)


def of_text(text: str, language: Language, types: Types) -> Features:
    """The same of any stripped text."""
    bare = without_tokens(text)
    matched = matching(bare)
    told = tokens(matched, abbreviations())
    numbers = {number(stem(token.word)) for token in told if tells(token.word)}
    found: dict[str, str] = {}
    for finding in identifiers.find(matched, told, (language,)):
        kind = _FOUND.get(finding.kind)
        value = "".join(c for c in finding.value.lower() if c.isalnum())
        if kind and len(value) >= 4:
            # Of a number its last eight digits: with and without codes of country and city.
            found[f"{kind}:{value[-8:] if kind == 'phone' else value}"] = kind
    found |= dict(_streets(told))
    found |= dict(_aliases(told))
    ranked = sorted(found.items(), key=lambda item: KINDS.index(item[1]))[:FACTS]
    said, chances = types.gist(bare, language)
    likely = sorted(chances.items(), key=lambda item: -item[1])[:TYPES]
    return Features(
        tuple(sorted(numbers)[:WORDS]),
        tuple(sorted(map(number, said))[:CONCEPTS]),
        {number(code): chance for code, chance in likely},
        tuple(sorted(map(number, ideas(told)))[:IDEAS]),
        tuple(_fact(value, kind) for value, kind in ranked),
    )


def _fact(value: str, kind: str) -> int:
    """As ``number``; its last four bits say the kind."""
    return (number(value) & ~15) | (KINDS.index(kind) + 1)


def kind_of(fact: int) -> str:
    return KINDS[((fact & 15) - 1) % len(KINDS)]


def number(value: str) -> int:
    """Four bytes of a hash, never zero: zero is an empty place of a sketch."""
    return int.from_bytes(blake2b(value.encode(), digest_size=4).digest(), "big") or 1


def stem(word: str) -> str:
    """How a word sounds, cut to its beginning; what holds a digit stays as it is."""
    if not word.isalpha():
        return word
    for written, said in _SOUNDS:
        word = word.replace(written, said)
    return _DOUBLED.sub(r"\1", word)[:_STEM]


def tells(word: str) -> bool:
    """Whether a word is counted at all."""
    return len(word) >= _SHORTEST or (len(word) == 2 and word.isdigit())


def ideas(told: list[Token]) -> set[str]:
    """What of ``data/everyday.txt`` was told."""
    whole, begun = _everyday()
    found: set[str] = set()
    for word in {token.word for token in told}:
        found.update(whole.get(word, ()))
        if word.isdigit() and len(word) <= _SMALL:
            found.add(f"idea:n{int(word)}")
        for end in range(_BEGUN, len(word) + 1):
            found.update(begun.get(word[:end], ()))
    return found


def _streets(told: list[Token]) -> Iterator[tuple[str, str]]:
    for at, token in enumerate(told):
        names: list[str] = []
        house = ""
        if token.word in _STREET:
            names, house = _after(told, at, 2)
        elif token.word in _STREET_AFTER and at and told[at - 1].word.isalpha():
            names = [stem(told[at - 1].word)]
            house = told[at - 2].word if at > 1 and told[at - 2].word.isdigit() else ""
        for name in names:
            yield f"street:{name}", "street"
            if house:
                yield f"address:{name}:{house}", "address"


def _aliases(told: list[Token]) -> Iterator[tuple[str, str]]:
    for at, token in enumerate(told):
        if token.word in _ALIAS:
            for name in _after(told, at, 2)[0]:
                if number(name) not in common():
                    yield f"alias:{name}", "alias"


def _after(told: list[Token], at: int, most: int) -> tuple[list[str], str]:
    """The next ``most`` names behind a word, and the number behind them."""
    names: list[str] = []
    for token in told[at + 1 : at + 8]:
        if token.hard or (token.soft and names and not token.word.isdigit()):
            break
        if token.word.isdigit():
            return names, token.word
        if token.word in _LINK or token.word in ("n", "no", "num", "numero", "nimewo", "number"):
            continue
        if len(names) == most or len(token.word) < _SHORTEST:
            break
        names.append(stem(token.word))
    return names, ""


@lru_cache(maxsize=1)
def common() -> dict[int, int]:
    """Ordinary words and concepts of reports, by number: in how many of ``background()`` texts each
    stands."""
    rows = (line.rsplit(" ", 1) for line in _lines("common_words")[1:])
    return {number(word): int(count) for word, count in rows}


@lru_cache(maxsize=1)
def background() -> int:
    """How many texts ``common`` was counted in."""
    return int(_lines("common_words")[0])


@lru_cache(maxsize=1)
def _everyday() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """By whole word, and by its beginning, the ideas it stands for."""
    whole: dict[str, set[str]] = {}
    begun: dict[str, set[str]] = {}
    for line in _lines("everyday")[1:]:
        idea, *words = line.split()
        for word in words:
            at = begun if word.endswith("*") else whole
            at.setdefault(word.rstrip("*"), set()).add(f"idea:{idea}")
    return whole, begun


def _lines(name: str) -> list[str]:
    folder = files("hotline.triage") / "data"
    return (folder / f"{name}.txt").read_text("utf-8").splitlines()
