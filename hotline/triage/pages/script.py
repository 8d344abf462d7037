"""Pages: the script of a live call: what to read out and what to fill in, in two languages; the
digits of a receipt in words."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from hotline.assembly import StaffLine
from hotline.errors import TooLarge
from hotline.intake import questions
from hotline.intake.form import Form, clean
from hotline.intake.merge import LONGEST
from hotline.intake.questions import ASK, DETAIL, PLACE, Problem
from hotline.intake.reading import choose_questions, locate
from hotline.routing.asking import YES, Kind, find
from hotline.tips import Act, Language, Redacted
from hotline.web.i18n import N_, say

LONGEST_SHORT = 300  # code points of a one-line answer, as on the public form
GREETING = (
    N_("Hello. This is the anonymous reporting line."),
    N_("Do not tell me your name or your number. Nobody needs them."),
)
FREELY = N_("You may answer “I do not know” to every question.")
READ_OUT = (
    N_("This is the number of your report. Please write it on paper."),
    N_("I say it slowly, and then once more."),
)
COME_BACK = N_("Come back in some days with your number: there may be an answer or a question.")
_DIGITS = (
    *(N_("zero"), N_("one"), N_("two"), N_("three"), N_("four")),
    *(N_("five"), N_("six"), N_("seven"), N_("eight"), N_("nine")),
)


@dataclass(frozen=True, slots=True, repr=False)
class Call(Redacted):
    """The answers of a call as the page brought them. ``acts``: what it is about, best first, as
    far as the words say. ``open_place``: the caller has to say which of several places it is."""

    form: Form
    acts: tuple[Act, ...]
    problems: tuple[Problem, ...]
    open_place: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One question: its words for the operator and for the caller, and what can be chosen
    (value, operator's words, caller's words)."""

    step: str
    ours: str
    theirs: tuple[str, ...]
    choices: tuple[tuple[str, str, str], ...] = ()
    kind: Kind = Kind.WORDS
    unreviewed: bool = False


def read(line: StaffLine, posted: MultiDict[str, str], form: Form) -> Call:
    """Fills ``form`` with all answers of the page. What is too long is a problem and left out."""
    problems: list[Problem] = []

    def take(step: str) -> None:
        form.step = step
        taken = {}
        for name in questions.fields(step):
            words = ",".join(posted.getlist(name))
            if len(words) > (LONGEST_SHORT if name in questions.SHORT else LONGEST):
                problems.append(Problem.of(name, TooLarge()))
                words = ""
            taken[name] = clean(words)
        questions.keep(form, taken, line.types)

    for step in ("urgency", "what", "where", "when", "who", "more"):
        take(step)
    locate(form, line.places, line.profile.state)
    if form.candidates:
        take(PLACE)
    acts = choose_questions(form, line.types)
    for detail in filter(None, map(find, form.asked or ())):
        take(DETAIL + detail.id)
        if detail.gate:
            # The operator asks from the page: what comes after a gate appears when it is opened.
            form.closed = YES not in form.ticks(detail)
    chosen = {*form.candidates, "none"} & {posted.get("municipality", "")}
    return Call(form, acts, tuple(problems), bool(form.candidates) and not chosen)


def lines(call: Call, ours: Language, line: StaffLine) -> list[Line]:
    """The questions in the order they are asked."""
    return [_line(step, call.form.language, ours, line) for step in questions.steps(call.form)]


def _line(step: str, theirs: Language, ours: Language, line: StaffLine) -> Line:
    choices = (questions.choices(step, line.types, language) for language in (ours, theirs))
    both = tuple((value, mine, other) for (value, mine), (_, other) in zip(*choices, strict=True))
    if detail := questions.of_type(step):
        words = detail.ask[theirs]
        return Line(step, detail.ask[ours], (words,), both, detail.kind, detail.unreviewed)
    ask = ASK[step]
    city = N_("City and state, or the CEP") if line.places.postal else ask.hint
    told = (ask.title, city if step == "where" else ask.hint)
    aloud = tuple(say(theirs, sentence) for sentence in told if sentence)
    return Line(step, say(ours, ask.title), aloud, both)


def spoken(group: str, language: Language) -> str:
    """``"0123"`` as it is said on the telephone: "zero one two three"."""
    return " ".join(say(language, _DIGITS[int(digit)]) for digit in group)
