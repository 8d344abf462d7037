"""Pages: what the page of a tip shows of the conversation with its reporter, and a message as it
would be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from hotline.assembly import StaffLine
from hotline.store.seen import Seen
from hotline.tips import Redacted
from hotline.triage import dispositions, messages
from hotline.triage.cautions import UNKNOWN, Around, Caution, cautions
from hotline.triage.opening import Note, Opened
from hotline.triage.phrases import Book, Line, Spoken, unfold
from hotline.vault.format import digest
from hotline.web.i18n import N_, current

WHY: Mapping[str, str] = {
    "staff": N_("The name of somebody who works here."),
    "name": N_("A name that the tip does not tell. Is it a colleague's, or from another tip?"),
    "phone": N_("A telephone number."),
    "email": N_("An e-mail address."),
    "handle": N_("A name from a social network."),
    "number": N_("A number that may lead to somebody."),
    "address": N_("An address."),
    "reporter": N_("It says something about the reporter. Others may see this screen."),
    "doubtful": N_("Words of the tip that may point to the reporter."),
    "elsewhere": N_("This tip does not tell it. Is it from another tip?"),
    "repeated": N_("The reporter's own words. Whoever sees them knows what was told."),
    "language": N_("This is not in the reporter's language."),
    "unknown_phrase": N_("No prepared sentence, or more than one, is found by this word."),
}
SPEAKING = (dispositions.QUESTION, dispositions.REPLY)


@dataclass(frozen=True, slots=True, repr=False)
class Talk(Redacted):
    """What the conversation's part of a tip's page shows. ``seen`` are the signs of messages that
    were read, ``foreign`` whether the reporter writes in another language than this page's."""

    questions: list[Spoken]
    replies: list[Spoken]
    book: Book
    seen: frozenset[str]
    foreign: bool

    def read(self, note: Note) -> bool:
        return note.about in self.seen

    def back(self, note: Note) -> list[Line]:
        return self.book.back(note.text)


@dataclass(frozen=True, slots=True, repr=False)
class Draft(Redacted):
    """A message as it would be sent. ``found`` is what ``::word`` may mean where that is open."""

    kind: str
    text: str
    lines: list[Line]
    cautions: tuple[Caution, ...]
    found: dict[str, list[Spoken]]

    @property
    def seal(self) -> str:
        """Stands for the words and the warnings that were shown: other words are shown again."""
        warned = "\n".join((self.kind, self.text, *(c.kind + c.words for c in self.cautions)))
        return digest(warned.encode("utf-8", "replace")).hex()[:32]


def talk_of(line: StaffLine, opened: Opened) -> Talk:
    """The conversation's part of a tip's page."""
    book, groups = book_of(line, opened), groups_of(line, opened)
    said = [note for note in opened.notes if note.kind in SPEAKING and note.about]
    given = Seen(line.database).among(bytes.fromhex(note.about) for note in said)
    # A page shows all messages and leaves the sign of the newest: those before it were read too.
    last = max((n for n, note in enumerate(said) if bytes.fromhex(note.about) in given), default=-1)
    return Talk(
        questions=book.offered(dispositions.QUESTION, groups),
        replies=book.offered(dispositions.REPLY, groups),
        book=book,
        seen=frozenset(note.about for note in said[: last + 1]),
        foreign=opened.content.tip.language is not current(),
    )


def book_of(line: StaffLine, opened: Opened) -> Book:
    return Book(line.profile, line.clock.today(), opened.content.tip.language, current())


def groups_of(line: StaffLine, opened: Opened) -> frozenset[str]:
    acts = opened.content.classified.classification.acts
    return frozenset(line.types.get(act.code).group for act in acts if act.code in line.types)


def drafted(line: StaffLine, opened: Opened, kind: str, form: MultiDict[str, str]) -> Draft:
    """The message of a form: the sentence that was chosen, then what was typed. Raises Empty,
    TooLong."""
    book = book_of(line, opened)
    offered = book.offered(kind, groups_of(line, opened))
    chosen = {spoken.code: spoken.theirs for spoken in offered}
    typed = form.get("text", "")
    for name, code in form.items():
        if name.startswith("pick-") and code in chosen:
            typed = typed.replace("::" + name.removeprefix("pick-"), "::" + code.replace("_", ""))
    typed, found = unfold(typed, offered)
    text = "\n".join(filter(None, (chosen.get(form.get("prepared", "")), typed.strip())))
    if not text:
        raise messages.Empty
    if len(text) > messages.LONGEST:
        raise messages.TooLong
    warned = cautions(book.typed(text), around(line, opened))
    unknown = (Caution(UNKNOWN, f"::{word}") for word in found)
    return Draft(kind, text, book.back(text), (*warned, *unknown), found)


def around(line: StaffLine, opened: Opened) -> Around:
    """What a message about this tip is held against."""
    tip = opened.content.tip
    told = (tip.text, *tip.answers.values(), *tip.details.values())
    doubts = (*tip.doubts, *(doubt for addition in opened.additions for doubt in addition.doubts))
    today = line.clock.today()
    numbers = (*line.profile.emergency_on(today), *line.profile.elsewhere_on(today))
    return Around(
        language=tip.language,
        told=(*told, *(addition.text for addition in opened.additions)),
        doubtful=tuple(doubt.text for doubt in doubts if len(doubt.text) > 2),
        staff=frozenset(person.name for person in line.access.people.all()),
        public_numbers=frozenset(each.number for each in numbers),
    )
