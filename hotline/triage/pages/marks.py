"""Pages: what would be taken out of the words of a call, marked before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotline.intake.merge import strip_parts
from hotline.intake.stripping import Stripped
from hotline.tips import Contact, Redacted


@dataclass(frozen=True, slots=True, repr=False)
class Marked(Redacted):
    """A stretch of what was typed. ``kind`` and ``reason`` are empty where it stays as it is."""

    text: str
    kind: str = ""
    reason: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Marks(Redacted):
    """The marks of each text that has any, by question; how many of each sort there are, and why
    a person would have to read the tip first."""

    texts: dict[str, tuple[Marked, ...]]
    removed: int
    doubtful: int
    held: tuple[str, ...]


def marks(contact: Contact) -> Marks:
    """Exactly what receiving this contact would take out. The words live in this answer only."""
    parts = strip_parts(contact)
    told = dict[str, str]([("what", contact.text), *contact.answers.items()], **contact.details)
    by_question = {key or "what": part for key, part in parts.items()}
    return Marks(
        texts={
            key: tuple(_marked(told[key], part))
            for key, part in by_question.items()
            if part.removed or part.doubtful
        },
        removed=sum(len(part.removed) for part in parts.values()),
        doubtful=sum(len(part.doubtful) for part in parts.values()),
        held=tuple(
            dict.fromkeys(reason for part in parts.values() if part.held for reason in part.reasons)
        ),
    )


def _marked(text: str, part: Stripped) -> Iterator[Marked]:
    doubtful = {span.start for span in part.doubtful}
    done = 0
    for span in sorted((*part.removed, *part.doubtful), key=lambda span: span.start):
        if done < span.start:
            yield Marked(text[done : span.start])
        words = text[span.start : span.end]
        yield Marked(words, span.kind, span.reason, span.start in doubtful)
        done = span.end
    if done < len(text):
        yield Marked(text[done:])
