"""Wordlists: reads the tables of terms and refuses what cannot work, naming file and line.

``data/terms/language.toml`` holds the grammar words, ``concepts.toml`` word families that mean
something only beside another, ``tags.toml`` the tags; every other file of ``data/terms/`` holds
crime types, and ``data/threats.toml`` the threats. Adding a term needs no code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from hotline.errors import HotlineError
from hotline.routing import quick
from hotline.routing.around import Role
from hotline.routing.terms import ANY, PAIRINGS, WEIGHTS, Entry, Pairing, TermTable, fold
from hotline.tips import Language

TAGS = frozenset(
    [
        "femicide",
        "gang",
        "police_author",
        "hate",
        "cyber",
        "minor_victim",
        "elderly_victim",
        "weapon",
        "danger_told",  # by an answer to a danger question (intake/details.py), never by words
    ]
)
# Fillers and turns are the same in every text, so that terms of all languages can be tried on it;
# "no" denies in Spanish and means "in the" in Portuguese.
_GRAMMAR = (
    ("fillers", Role.FILLER, True),
    ("negators", Role.NEGATOR, False),
    ("turns", Role.TURN, True),
    ("pardons", Role.PARDON, True),
)
_LANGUAGES = {ANY, *(language.value for language in Language)}


class TermProblem(HotlineError):
    """A word table holds something that cannot be used."""

    code = "term_problem"
    message = "A table of terms cannot be read."
    hint = "Correct the named entry, then run: hotline rules check"


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    text: str
    tables: dict[str, Any]

    @classmethod
    def read(cls, file: Traversable) -> _File:
        try:
            text = file.read_text(encoding="utf-8")
            return cls(file.name, text, quick.loads(text))
        except (OSError, UnicodeDecodeError):
            raise TermProblem(
                f"{file.name}: this table of terms is missing or not UTF-8."
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise TermProblem(f"{file.name}: this is not TOML: {error}.") from None

    def problem(self, entry: str, what: str) -> TermProblem:
        """``what`` at the first line that names ``entry``."""
        lines = self.text.splitlines()
        line = next((n for n, words in enumerate(lines, 1) if entry in words), 1)
        return TermProblem(f"{self.name}:{line}: {entry}: {what}.")


@dataclass(slots=True)
class _Loader:
    codes: frozenset[str]
    table: TermTable = field(default_factory=TermTable)
    concepts: frozenset[str] = frozenset()

    def language(self, file: _File) -> None:
        roles: dict[Language, dict[str, Role]] = {language: {} for language in Language}
        for subject, role, everywhere in _GRAMMAR:
            for key, listed in _table(file, subject).items():
                for word in _texts(file, subject, listed):
                    if not fold(word).isalnum():
                        raise file.problem(f'"{word}"', f"{subject}: this must be one word")
                    for language in Language:
                        if everywhere or key in (ANY, language.value):
                            roles[language].setdefault(fold(word), role)
        self.table.speak(roles)
        self.terms(file, "hearsay", "hearsay", _table(file, "hearsay"), 1.0)

    def subjects(self, file: _File, kind: str) -> None:
        """Concepts, tags and threats: one list of terms a language, and how they pair."""
        for subject in file.tables:
            table = _table(file, subject)
            if kind == "tag" and subject not in TAGS:
                raise file.problem(subject, "no such tag")
            if "codes" in table:
                codes = _texts(file, subject, table["codes"])
                self.known(file, subject, codes, self.codes)
                self.table.codes_of_tag[subject] = tuple(codes)
            self.pair(file, kind, subject, table)
            lists = {k: v for k, v in table.items() if k not in ("codes", *PAIRINGS)}
            self.terms(file, kind, subject, lists, WEIGHTS["strong"])

    def types(self, file: _File) -> None:
        for code in file.tables:
            if code not in self.codes:
                raise file.problem(code, "no such type, or one that only a person may assign")
            table = _table(file, code)
            self.pair(file, "type", code, table)
            for language, strengths in table.items():
                if language in PAIRINGS:
                    continue
                if not isinstance(strengths, dict) or strengths.keys() - WEIGHTS.keys():
                    raise file.problem(f"{code}.{language}", "holds strong, clear and weak lists")
                for strength, terms in strengths.items():
                    self.terms(file, "type", code, {language: terms}, WEIGHTS[strength])

    def pair(self, file: _File, kind: str, subject: str, table: Mapping[str, Any]) -> None:
        for key, weight in PAIRINGS.items():
            for concepts in table.get(key, []):
                names = _texts(file, subject, concepts)
                self.known(file, subject, names, self.concepts)
                if len(names) < 2:
                    raise file.problem(subject, "a pairing needs two concepts or more")
                self.table.pairings.append(Pairing(kind, subject, tuple(names), weight))

    def terms(
        self, file: _File, kind: str, subject: str, lists: Mapping[str, Any], weight: float
    ) -> None:
        for language, terms in lists.items():
            if language not in _LANGUAGES:
                raise file.problem(subject, f"'{language}' is neither a language nor 'any'")
            tongues = frozenset[Language]() if language == ANY else frozenset({Language(language)})
            for term in _texts(file, subject, terms):
                try:
                    self.table.add(Entry(kind, subject, term, weight, tongues))
                except ValueError as error:
                    raise file.problem(f'"{term}"', f"{subject}: {error}") from None

    @staticmethod
    def known(file: _File, subject: str, names: Iterable[str], known: frozenset[str]) -> None:
        for name in names:
            if name not in known:
                raise file.problem(subject, f"'{name}' is not known")


def _table(file: _File, subject: str) -> dict[str, Any]:
    table = file.tables.get(subject)
    if not isinstance(table, dict):
        raise file.problem(subject, "this must be a table")
    return table


def _texts(file: _File, subject: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise file.problem(subject, "this must be a list of words in quotes")
    return value


def load_terms(codes: Iterable[str], folder: Traversable | None = None) -> TermTable:
    """Every table under ``folder`` (the shipped data by default). ``codes`` are the types that
    may have terms. Raises TermProblem, naming file, line and entry."""
    folder = folder or files("hotline").joinpath("routing", "data")
    terms = folder.joinpath("terms")
    loader = _Loader(frozenset(codes))
    loader.language(_File.read(terms.joinpath("language.toml")))
    concepts = _File.read(terms.joinpath("concepts.toml"))
    loader.concepts = frozenset(concepts.tables)
    loader.subjects(concepts, "concept")
    loader.subjects(_File.read(terms.joinpath("tags.toml")), "tag")
    special = ("language.toml", "concepts.toml", "tags.toml")
    for file in sorted(terms.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml") and file.name not in special:
            loader.types(_File.read(file))
    loader.subjects(_File.read(folder.joinpath("threats.toml")), "threat")
    return loader.table
