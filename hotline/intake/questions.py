"""Questions: what the web form asks, page by page: words, fields, order and choices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hotline.errors import HotlineError
from hotline.intake.conversation import QUESTIONS
from hotline.intake.details import shown
from hotline.intake.files import WrongFile, field_of
from hotline.intake.form import Form
from hotline.routing.asking import MOST, NO, YES, Detail, Kind, find
from hotline.routing.classify import Types
from hotline.tips import Language, Urgency
from hotline.web.i18n import N_, say

CHECK = "check"
PLACE = "place"
DETAIL = "detail-"  # and the id of a question that only some types are asked
STEPS = tuple(asked.question.value if asked.question else "urgency" for asked in QUESTIONS)
TOTAL = len(STEPS)  # but for what only some types are asked

UNKNOWN = N_("I do not know")
SHORTER = N_("Nothing of it was taken. Send it again in shorter parts.")


@dataclass(frozen=True, slots=True)
class Ask:
    """The words of one page."""

    title: str
    hint: str = ""
    skip: str = UNKNOWN


ASK = {
    "urgency": Ask(N_("Is it happening now?")),
    "what": Ask(
        N_("What is happening?"),
        N_("Tell what you saw or know. Leave out your own name, phone and address."),
    ),
    "where": Ask(N_("Where does it happen?")),
    PLACE: Ask(N_("Which of these places is it?"), N_("More than one place may have this name.")),
    "when": Ask(
        N_("When does it happen?"), N_("The day and the hour, or how often. A guess helps too.")
    ),
    "who": Ask(
        N_("Who or what should be looked for?"),
        N_("Names, nicknames, clothes, cars, plates, phones or accounts of those who do it."),
    ),
    "more": Ask(
        N_("Is there anything else?"),
        N_("For example weapons, children, or dangers for those who go there."),
        skip=N_("Nothing more"),
    ),
    CHECK: Ask(N_("Check before you send")),
}
FIELDS = {
    "urgency": ("urgency",),
    "what": ("what", "crime_type"),
    "where": ("where", "spot"),
    PLACE: ("municipality",),
    "when": ("when",),
    "who": ("who",),
    "more": ("more",),
    CHECK: (),
}
SHORT = frozenset({"urgency", "crime_type", "where", "municipality"})  # one line

URGENCIES = {
    Urgency.NOW: N_("Yes, it is happening now"),
    Urgency.SOON: N_("It is about to happen"),
    Urgency.PATTERN: N_("It happens again and again"),
    Urgency.PAST: N_("It is over"),
}
# Those most reported first (Disque Denúncia RJ), then those that are hard to name.
SUBJECTS = (
    *("ORG-01", "ORG-10", "PRP-03", "PRP-02", "PER-01", "ORG-03", "GBV-01", "GBV-05"),
    *("CHD-04", "CHD-01", "VUL-01", "VUL-03", "TIP-05", "TIP-01", "ORG-05", "ORG-06"),
    *("FIN-02", "INT-01", "INT-03", "ENV-01", "ENV-02", "PUB-01"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a page from going on, with the field to mend. English msgids. ``file`` is the
    number of the file it is about, or 0."""

    field: str
    message: str
    hint: str = ""
    status: int = 422
    file: int = 0

    @classmethod
    def of(cls, field: str, error: HotlineError) -> Problem:
        return cls(field, error.message, error.hint, error.status)


CHOOSE_AGAIN = N_("Nothing was sent yet. Choose the files again, or send the report without them.")
NOTHING_TOLD = Problem(
    "change-what", N_("There is nothing in the report yet. Answer one question.")
)

MISSING_PLACE = Problem("municipality", N_("Choose one place, or press “I do not know”."))


def incomplete(step: str) -> Problem:
    """Words that came without the form they belong to."""
    return Problem(step, N_("This report is not complete yet. Answer the questions one by one."))


def wrong_file(wrong: WrongFile) -> Problem:
    return Problem(field_of(wrong.number), wrong.message, wrong.hint, file=wrong.number)


def steps(form: Form) -> tuple[str, ...]:
    """The pages of this form in order, but for the choice of a place and the last page."""
    details = (DETAIL + detail.id for detail in form.open_questions)
    return (*STEPS[:-1], *details, STEPS[-1])


def fields(step: str) -> tuple[str, ...]:
    """The names of what a page asks for."""
    return FIELDS.get(step, (step,))


def asked_in(posted: Iterable[str]) -> tuple[str, list[str] | None]:
    """Which page these fields belong to, and the question of a type it asks."""
    posted = set(posted)
    for name in posted:
        if find(name.removeprefix(DETAIL)) and name.startswith(DETAIL):
            return name, [name.removeprefix(DETAIL)]
    return next((step for step in STEPS if step in posted), STEPS[0]), None


def of_type(step: str) -> Detail | None:
    """The question of a type that a page asks."""
    return find(step.removeprefix(DETAIL)) if step.startswith(DETAIL) else None


def ask(form: Form) -> Ask:
    """The words of the page shown."""
    if detail := of_type(form.step):
        return Ask(detail.ask[form.language])
    if form.step == PLACE and len(form.candidates) == 1:
        return Ask(N_("Is it this place?"))
    return ASK[form.step]


def missing(step: str) -> Problem:
    """The page was sent without an answer."""
    sentence = {
        "urgency": N_("Choose one answer, or press “I do not know”."),
        PLACE: N_("Choose one place, or press “I do not know”."),
        "more": N_("Write what else there is, or press “Nothing more”."),
    }.get(step, N_("Write an answer, or press “I do not know”."))
    detail = of_type(step)
    if detail and detail.kind is not Kind.WORDS:
        sentence = N_("Choose one answer, or press “I do not know”.")
    return Problem(fields(step)[0], sentence)


def keep(form: Form, taken: dict[str, str], types: Types) -> bool:
    """Puts the page's fields into the form; whether they answer its question."""
    if detail := of_type(form.step):
        return _keep_detail(form, detail, taken[form.step])
    match form.step:
        case "urgency":
            if taken["urgency"] not in URGENCIES:
                return False
            form.urgency = Urgency(taken["urgency"])
            return True
        case "place":
            known = taken["municipality"] in form.candidates
            form.municipality = taken["municipality"] if known else ""
            return known or taken["municipality"] == "none"
        case "what":
            form.answers["what"] = taken["what"]
            form.crime_type = taken["crime_type"] if taken["crime_type"] in types else ""
            return bool(form.answers["what"] or form.crime_type)
        case "where":
            form.answers["where"], form.spot = taken["where"], taken["spot"]
            return bool(form.answers["where"] or form.spot)
        case step:
            form.answers[step] = taken[step]
            return bool(taken[step])


def _keep_detail(form: Form, detail: Detail, value: str) -> bool:
    if detail.kind is Kind.WORDS:
        form.details[detail.id] = value
        return bool(value)
    if detail.kind is Kind.YES_NO:
        ticks = [detail.tick(value)] if value in (YES, NO) else []
    else:
        ticks = list(detail.chosen(value.split(",")))
    form.ticked = [t for t in form.ticked if t.partition(":")[0] != detail.id] + ticks
    if detail.gate and ticks:
        form.closed = value != YES
    return bool(ticks)


def unticked(form: Form) -> None:
    """A browser says nothing of boxes of which none is ticked."""
    if (detail := of_type(form.step)) and detail.kind is Kind.ANY_OF:
        _keep_detail(form, detail, "")


def skip(form: Form) -> None:
    """ "I do not know". Words that stand on the page are kept: nothing is lost by this button."""
    detail = of_type(form.step)
    if detail and detail.gate:
        form.closed = YES not in form.ticks(detail)
    if form.step == "urgency":
        form.urgency = Urgency.UNKNOWN
    elif form.step == PLACE:
        form.municipality = ""


def after(form: Form) -> str:
    """The next page. A place that is not sure is asked before anything else."""
    if form.step == "where" and form.candidates:
        return PLACE
    if form.returning:
        form.returning = False
        return CHECK
    if form.step == CHECK:
        return CHECK
    pages = (*steps(form), CHECK)
    return pages[pages.index("where" if form.step == PLACE else form.step) + 1]


def before(form: Form) -> str:
    if form.step == CHECK:
        return STEPS[-1]
    if form.step == PLACE:
        return "where"
    if form.returning:
        form.returning = False
        return CHECK
    pages = steps(form)
    earlier = pages[max(pages.index(form.step) - 1, 0)]
    return PLACE if earlier == "where" and form.candidates else earlier


def position(form: Form) -> int:
    """Which question it is, from 1; the last page comes after all of them."""
    step, pages = "where" if form.step == PLACE else form.step, steps(form)
    return pages.index(step) + 1 if step in pages else len(pages)


def total(form: Form) -> str:
    """How many questions there are; from and to while the type is not known. It never grows."""
    return f"{TOTAL}–{TOTAL + MOST}" if form.asked is None else str(len(steps(form)))


def value(form: Form, name: str) -> str:
    """What a field of the page holds already; several choices with commas between them."""
    if detail := of_type(name):
        return form.details.get(detail.id, "") or ",".join(form.ticks(detail))
    known = {
        "urgency": form.urgency.value,
        "crime_type": form.crime_type,
        "spot": form.spot,
        "municipality": form.municipality,
    }
    return known[name] if name in known else form.answers.get(name, "")


def choices(step: str, types: Types, language: Language) -> list[tuple[str, str]]:
    """(value, words) of a page's radio buttons or boxes."""
    if detail := of_type(step):
        if detail.kind is Kind.YES_NO:
            return [(YES, say(language, N_("Yes"))), (NO, say(language, N_("No")))]
        return [(option.id, option.words[language]) for option in detail.options]
    if step == "urgency":
        return [(urgency.value, say(language, words)) for urgency, words in URGENCIES.items()]
    if step == "what":
        named = [(code, types.get(code).names[language]) for code in SUBJECTS]
        return [("", say(language, N_("I do not know, or something else"))), *named]
    return []


def summary(form: Form, types: Types, place: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """(step, question, lines of the answer) for the last page; no lines when nothing was told."""
    subject = types.get(form.crime_type).names[form.language] if form.crime_type else ""
    words = URGENCIES.get(form.urgency)
    told: dict[str, tuple[str, ...]] = {
        "urgency": (say(form.language, words),) if words else (),
        "what": (subject, form.answers.get("what", "")),
        "where": (form.answers.get("where", ""), place, form.spot),
    }
    for answer in shown(form.details, form.ticked, form.language):
        told[DETAIL + answer.id] = (*answer.choices, answer.words)
    return [
        (
            step,
            detail.ask[form.language] if (detail := of_type(step)) else ASK[step].title,
            tuple(x for x in told.get(step, (form.answers.get(step, ""),)) if x),
        )
        for step in steps(form)
    ]
