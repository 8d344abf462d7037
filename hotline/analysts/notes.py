"""Notes: campaigns and outages that the line writes down, for who reads the figures of a period.

``notes.toml`` beside the releases, edited by hand: ``[[note]]`` with ``from``, ``to`` (months),
``kind`` and ``text``, a table of sentences by language.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from hotline.errors import HotlineError
from hotline.tips import Language
from hotline.web.i18n import N_

FILE = "notes.toml"
KINDS = {"campaign": N_("Campaign"), "outage": N_("Outage"), "other": N_("Note")}
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class BadNotes(HotlineError):
    """The file of notes cannot be read."""

    code = "bad_notes"
    message = "The notes on campaigns and outages cannot be read."
    hint = "Ask the line to look at its file of notes."


@dataclass(frozen=True, slots=True)
class Note:
    """``since`` and ``until`` are months, both included."""

    since: str
    until: str
    kind: str
    text: dict[str, str]

    def said(self, language: Language) -> str:
        """In this language, else in English, else in any."""
        return (
            self.text.get(language.value) or self.text.get("en") or next(iter(self.text.values()))
        )


def touching(folder: Path, since: str, until: str) -> list[Note]:
    """Notes on any month of a period, earliest first. Raises BadNotes."""
    try:
        rows = tomllib.loads((folder / FILE).read_text("utf-8")).get("note", [])
        notes = [_note(row) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BadNotes from None
    found = [note for note in notes if note.since <= until and note.until >= since]
    return sorted(found, key=lambda note: (note.since, note.until))


def _note(row: dict[str, object]) -> Note:
    since, until, kind, text = row["from"], row["to"], row["kind"], row["text"]
    if not (isinstance(since, str) and isinstance(until, str) and isinstance(text, dict) and text):
        raise ValueError
    if not (_MONTH.fullmatch(since) and _MONTH.fullmatch(until)) or kind not in KINDS:
        raise ValueError
    return Note(since, until, str(kind), {str(k): str(v) for k, v in text.items()})
