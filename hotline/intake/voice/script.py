"""Script: every sentence of the phone menu that can be recorded, its file, and what is there.

A placeholder, spoken by a machine, is known by its manifest: the fingerprint of what the machine
made. A person's recording put in its place is another file, and a placeholder no longer.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hotline.intake.choices import ever_asked, spoken
from hotline.intake.prompts import (
    AGAIN,
    CREOLE_IN_FRENCH,
    MENUS,
    OPERATOR,
    SPOKEN,
    TO_REPEAT,
    Prompt,
)
from hotline.intake.voice import file_name, folder, recorded
from hotline.routing.profile import Profile
from hotline.tips import Language

MANIFEST = "manifest.toml"
_OPERATORS_ONLY = frozenset({Prompt.CODE, Prompt.DUTY})
_WITH_OPERATORS = _OPERATORS_ONLY | {
    *(Prompt.QUEUE, Prompt.HOLD, Prompt.CONNECTED, Prompt.NOBODY, Prompt.CLOSED)
}


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence to record, in ``language``'s folder as ``file`` (or the same as ``.wav``)."""

    language: Language
    file: str
    words: str


class Found(StrEnum):
    RECORDED = "recorded"
    PLACEHOLDER = "placeholder"
    OUTDATED = "outdated"  # a placeholder of words that have changed since
    MISSING = "missing"


def script(profile: Profile, given: Callable[[Prompt], str], *, postal: bool) -> tuple[Line, ...]:
    """What the menu of this line says, each once. ``given`` is the number a prompt gives out,
    ``postal`` whether a postal code is asked for."""
    lines: dict[tuple[Language, str], Line] = {}
    for key, language in enumerate(profile.languages, start=1):
        for name, said, words in _sentences(profile, language, given, postal=postal):
            line = Line(language, file_name(name, said), words)
            lines[language, line.file] = line
        own = Line(
            language,
            file_name("language", str(key)),
            SPOKEN[Prompt.LANGUAGE].say(language, key=key),
        )
        lines[language, own.file] = own
        if language is Language.HT and Language.FR in profile.languages:
            name = file_name("language-creole", str(key))
            words = CREOLE_IN_FRENCH.say(Language.FR, key=key)
            lines[Language.FR, name] = Line(Language.FR, name, words)
    return tuple(lines.values())


def _sentences(
    profile: Profile, language: Language, given: Callable[[Prompt], str], *, postal: bool
) -> Iterator[tuple[str, str, str]]:
    """(name, what its file name ends in, words)."""
    for prompt in Prompt:
        if not _asked(profile, language, prompt, postal=postal):
            continue
        if prompt in SPOKEN and prompt is not Prompt.LANGUAGE:
            number = given(prompt) if "{number}" in SPOKEN[prompt].message else ""
            if number or "{number}" not in SPOKEN[prompt].message:
                yield prompt.value, number, SPOKEN[prompt].say(language, number=number)
        for key, name, sentence in MENUS.get(prompt, ()):
            yield f"{prompt.value}-{name}", key, sentence.say(language, key=key)
    if profile.phone is not None and language in profile.phone.languages:
        key, name, sentence = OPERATOR
        yield name, key, sentence.say(language, key=key)
    for detail in ever_asked():
        yield from spoken(detail, language)
    yield "again", "", AGAIN.say(language)
    yield "to-repeat", "", TO_REPEAT.say(language)
    for digit in "0123456789":
        yield "digit", digit, digit


def _asked(profile: Profile, language: Language, prompt: Prompt, *, postal: bool) -> bool:
    if prompt is Prompt.PLACE:
        return postal
    if prompt in _OPERATORS_ONLY and language is not profile.languages[0]:
        return False
    return prompt not in _WITH_OPERATORS or profile.phone is not None


def found(home: Path, line: Line) -> Found:
    """What there is of a sentence."""
    path = recorded(home, line.language, line.file)
    if path is None:
        return Found.MISSING
    made = manifest(home, line.language).get(path.name, {})
    if not made.get("placeholder") or made.get("sha256") != _fingerprint(path.read_bytes()):
        return Found.RECORDED
    return Found.PLACEHOLDER if made.get("words") == line.words else Found.OUTDATED


def manifest(home: Path, language: Language) -> Mapping[str, Mapping[str, object]]:
    """What machines made in a language's folder, by file; nothing where that cannot be read."""
    try:
        return tomllib.loads((folder(home, language) / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def keep_placeholder(home: Path, line: Line, sound: bytes) -> Path:
    """Puts a machine's ``.wav`` in the place of a recording, and marks it as one."""
    place = folder(home, line.language)
    place.mkdir(parents=True, exist_ok=True)
    path = place / Path(line.file).with_suffix(".wav").name
    made = {name: dict(facts) for name, facts in manifest(home, line.language).items()}
    made[path.name] = {"placeholder": True, "words": line.words, "sha256": _fingerprint(sound)}
    # The mark first: a machine's voice is never taken for a person's.
    fresh = place / f"{MANIFEST}.new"
    fresh.write_text(_toml(made), encoding="utf-8")
    fresh.replace(place / MANIFEST)
    path.write_bytes(sound)
    return path


def _toml(made: Mapping[str, Mapping[str, object]]) -> str:
    """Basic strings of TOML are those of JSON, as far as sentences and fingerprints go."""
    blocks = [
        "\n".join(
            (
                f'["{name}"]',
                *(
                    f"{key} = {json.dumps(value, ensure_ascii=False)}"
                    for key, value in facts.items()
                ),
            )
        )
        for name, facts in sorted(made.items())
    ]
    return "# Made by 'hotline prompts placeholders'. Record these sentences with people.\n\n" + (
        "\n\n".join(blocks) + "\n"
    )


def _fingerprint(sound: bytes) -> str:
    return hashlib.sha256(sound).hexdigest()
