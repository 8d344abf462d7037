"""What hostile and random texts are made of: sentences and spans of the labelled tips, phrases
that the grammars know, our own tokens, odd characters, and floods of one thing."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from hotline.intake.stripping.grammar import policy, replacements
from hotline.tips import Language
from tests.stripping.labelled import Tip, tips

SEEDS = Path(__file__).with_name("texts.jsonl")
ODD = (
    *"\u200b\u200d\ufeff\u00ad\u202e\u2066\u2028\u0085\x00\x02\x1b\t\r\u00a0\u3000",
    *"\u0301\u20dd\ufe0f\U0001f600\U0001f1e7\U000e0041\ud800\udfff\ufdfa\u0130\u00df\u03a3\u0149",
    *"\uff12\u0661\U0001d7ee\u00bd\u2460\u2167\u0430\u0441\u03bf\uff20\u2024\u201c\u2019\u2014",
    *("e\u0301", "\r\n", "  ", "...", '"', "'", "(", "[", "@", ": ", ", ", ". ", " - ", "--\n"),
)


def seeds() -> list[str]:
    """The texts the fuzzer kept because each reaches what no labelled tip does."""
    return [json.loads(line) for line in SEEDS.read_text("ascii").splitlines()]


@lru_cache(maxsize=1)
def development() -> tuple[Tip, ...]:
    return tuple(tips("development"))


@lru_cache(maxsize=1)
def sentences() -> tuple[str, ...]:
    """The sentences and lines of the development tips."""
    cut = re.compile(r"(?<=[.!?;\n])\s+")
    return tuple(dict.fromkeys(s for tip in development() for s in cut.split(tip.text) if s))


@lru_cache(maxsize=1)
def labelled_spans() -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.text[x.start : x.end] for t in development() for x in t.labels))


@lru_cache(maxsize=1)
def _patterns() -> dict[Language, list[list[list[str]]]]:
    """The patterns of the grammars as their data has them: for each piece of a pattern the words
    it may be (none: any word; with a last empty one: it may be missing)."""
    found = {}
    common = _data("common")
    for language in Language:
        own = _data(str(language.value))
        words = {**common.get("words", {}), **own["words"]}
        lines = [x for rule in (*common.get("rule", ()), *own["rule"]) for x in rule["say"]]
        found[language] = [
            [_choices(piece, words) for piece in line.split() if piece not in ".^"]
            for line in lines
        ]
    return found


def _data(name: str) -> dict[str, Any]:
    folder = files("hotline.intake.stripping") / "data"
    return tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))


def _choices(piece: str, words: dict[str, str]) -> list[str]:
    plain = piece.removesuffix("?")
    found: list[str] = []
    for choice in () if plain[0] in "_!" else plain.split("|"):
        found += words[choice[1:-1]].split() if choice[0] == "<" else [choice]
    return [*found, ""] if piece.endswith("?") else found


@lru_cache(maxsize=1)
def phrases() -> tuple[str, ...]:
    """For each pattern of each grammar three phrases that it matches."""
    lines = [line for found in _patterns().values() for line in found]
    return tuple(dict.fromkeys(_phrase(line, turn) for line in lines for turn in range(3)))


def _phrase(line: list[list[str]], turn: int) -> str:
    any_word = ("Xavier", "azul", "7")[turn]
    said = (piece[(len(piece) - 1) * turn // 2] if piece else any_word for piece in line)
    return " ".join(word for word in said if word)


@lru_cache(maxsize=1)
def tokens() -> tuple[str, ...]:
    """Our own tokens in all languages, some of them broken."""
    found = []
    for language in Language:
        table = replacements(language)
        for kind in sorted(set(table) - {"removed", "doubtful"}):
            found.append(f"[{table['removed'].format(kind=table[kind])}]")
            found.append(f"[{table['doubtful'].format(kind=table[kind])} 1]")
    return (*found, *(token[:-1] for token in found[::7]), *(token[1:] for token in found[::7]))


@lru_cache(maxsize=1)
def floods() -> dict[str, str]:
    """What a hostile text repeats, by name."""
    found = {name: "".join(unit) for name, unit in _FLOODS.items()}
    for language, lines in _patterns().items():
        starts = Counter(word for line in lines for word in line[0])
        often = [word for word, _ in starts.most_common(40)]
        code = str(language.value)
        found |= {f"{code}: {word!r}": f"{word} " for word in often[:3]}
        found[f"{code}: first words"] = " ".join(often) + " "
        own = [tip.text for tip in development() if tip.language == code]
        found[f"{code}: tips"] = "\n".join(own)
    found |= _unlike()
    found["phrases"] = ", ".join(phrases())
    found["sentences upside down"] = " ".join(reversed(sentences()))
    return found


def flood(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def longest_read(unit: str) -> str:
    """The longest flood that is read; longer ones are withheld unread, which takes no time."""
    text, spaces = flood(unit, policy().longest), policy().most_words
    end = [place for place, char in enumerate(text) if char == " "][spaces : spaces + 1]
    return text[: end[0]] if end else text


def _unlike() -> dict[str, str]:
    """Floods in which no two pieces are the same, and some that are one long piece."""
    count = range(5_000)
    words = [f"X{number:o}".translate(_LETTERS) for number in count]
    return {
        "first names with other surnames": "".join(f"Me chamo Ana {word}. " for word in words),
        "names of their own": "".join(f"Me chamo {word}. " for word in words),
        "kin of their own": "".join(f"Minha mãe {word} viu. " for word in words),
        "telephones of their own": "".join(f"telefone 21 9{n:04}-{n:04}. " for n in count),
        "numbered tokens": "".join(f"[telefone a conferir {n}] " for n in count),
        "taken numbers": "".join(f"[telefone a conferir {n}001] 21 3344-{n:04}. " for n in count),
        "a colon and spaces": ":\n" + " " * 100_000,
        "long lines of hyphens": "a\n" + "-" * 12_000 + "a\n",
        "long lines of spaces": "a\n" + " " * 12_000 + "a\n",
        "an open quote": 'ele disse: "' + "a " * 50_000,
        "an open label": "nome (" + "a " * 50_000,
    }


_LETTERS = str.maketrans("01234567", "abcdefgh")
_FLOODS = {
    "a digit": "7",
    "spaced digits": "1 ",
    "digits and hyphens": "5-",
    "digits of other scripts": "\u0661\U0001d7ee\uff12",
    "at": "@",
    "addresses": "a@",
    "whole addresses": "a@b.co ",
    "said addresses": "ana arroba uol ponto com ",
    "arroba": "arroba ",
    "ponto": "a ponto ",
    "handles": "insta @ana.b ",
    "account names": "insta ",
    "links": "http://a.b/",
    "document words": "cpf ",
    "documents": "cpf 529.982.247-25 ",
    "telephones": "21 98765-4321 ",
    "plates": "ABC1D23 ",
    "places": "-22.90642,-43.18223 ",
    "spoken digits": "nove oito ",
    "commas": ",",
    "commas and spaces": ", ",
    "colons": ": ",
    "full stops": ". ",
    "dots": ".",
    "quotes": '"',
    "single quotes": " 'a",
    "brackets": "[",
    "parentheses": "(",
    "closing brackets": "])",
    "hyphens": "- ",
    "slashes": "/a",
    "spaces": " ",
    "line breaks": "\n",
    "dashes and lines": "--\n",
    "lines of names": "Ana Silva\n",
    "names": "Ana Silva ",
    "one name": "Ana ",
    "capitals": "QUEM DENUNCIA SOU EU ",
    "one word": "abcdefghij",
    "letters": "a b ",
    "letters and hyphens": "a-",
    "letters and dots": "a.",
    "forms": "nome: ",
    "forms of one line": "a=",
    "labels": "a b c d e f g h i j k l m n o p q r s t u v ",
    "introductions": "me chamo A ",
    "first person": "eu ",
    "homes": "moro na rua ",
    "homes and numbers": "moro na rua 5, ",
    "work": "trabalho na ",
    "kin": "minha mãe ",
    "neighbours": "meu vizinho me ",
    "speech": 'ele disse: "',
    "clauses with telephones": "Quem fecha o caixa sou eu. O Carlos usa o 21 98765-4321. ",
    "clauses with plates": "quem fecha o caixa sou eu. placa ABC1D23. ",
    "exclamations": "!a",
    "spaced dots": "a . ",
    "speech of oneself": 'ele disse: "meu nome é ',
    "speech with names": 'me disse: "Ana, ',
    "indirect speech": "ele disse que ",
    "our tokens": "[telefone a conferir 1]",
    "our tokens apart": "[nome de quem denuncia] ",
    "half tokens": "[telefone a conferir ",
    "accents": "e\u0301",
    "invisible marks": "\u200b\u202e",
    "lone surrogates": "\ud800",
    "one letter that folds to many": "\ufdfa",
    "paragraph separators": "\u2029",
}
