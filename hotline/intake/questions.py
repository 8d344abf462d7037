"""Questions: what the web form asks, page by page: words, fields, order and choices."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.errors import HotlineError
from hotline.intake.conversation import QUESTIONS
from hotline.intake.form import Form
from hotline.routing.classify import Types
from hotline.tips import Language, Urgency
from hotline.web.i18n import N_, say

CHECK = "check"
PLACE = "place"
STEPS = tuple(asked.question.value if asked.question else "urgency" for asked in QUESTIONS)
TOTAL = len(STEPS)

UNKNOWN = N_("I do not know")
GO_BACK = N_("Go back in your browser: your text is still there. Send it in two parts.")


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
    """What keeps a page from going on, with the field to mend. English msgids."""

    field: str
    message: str
    hint: str = ""
    status: int = 422

    @classmethod
    def of(cls, field: str, error: HotlineError) -> Problem:
        return cls(field, error.message, error.hint, error.status)


NOTHING_TOLD = Problem(
    "change-what", N_("There is nothing in the report yet. Answer one question.")
)


def incomplete(step: str) -> Problem:
    """Words that came without the form they belong to."""
    return Problem(step, N_("This report is not complete yet. Answer the questions one by one."))


def ask(form: Form) -> Ask:
    """The words of the page shown."""
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
    return Problem(FIELDS[step][0], sentence)


def keep(form: Form, taken: dict[str, str], types: Types) -> bool:
    """Puts the page's fields into the form; whether they answer its question."""
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


def skip(form: Form) -> None:
    """ "I do not know". Words that stand on the page are kept: nothing is lost by this button."""
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
    at = STEPS.index("where" if form.step == PLACE else form.step) if form.step != CHECK else TOTAL
    return STEPS[at + 1] if at + 1 < TOTAL else CHECK


def before(form: Form) -> str:
    if form.step == CHECK:
        return STEPS[-1]
    if form.step == PLACE:
        return "where"
    if form.returning:
        form.returning = False
        return CHECK
    at = STEPS.index(form.step)
    return PLACE if STEPS[at - 1] == "where" and form.candidates else STEPS[max(at - 1, 0)]


def position(form: Form) -> int:
    """Which question it is, from 1; the last page comes after all of them."""
    step = "where" if form.step == PLACE else form.step
    return STEPS.index(step) + 1 if step in STEPS else TOTAL


def value(form: Form, name: str) -> str:
    """What a field of the page holds already."""
    known = {
        "urgency": form.urgency.value,
        "crime_type": form.crime_type,
        "spot": form.spot,
        "municipality": form.municipality,
    }
    return known[name] if name in known else form.answers.get(name, "")


def choices(step: str, types: Types, language: Language) -> list[tuple[str, str]]:
    """(value, words) of a page's radio buttons."""
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
    told = {
        "urgency": (say(form.language, words),) if words else (),
        "what": (subject, form.answers.get("what", "")),
        "where": (form.answers.get("where", ""), place, form.spot),
    }
    return [
        (
            step,
            ASK[step].title,
            tuple(x for x in told.get(step, (form.answers.get(step, ""),)) if x),
        )
        for step in STEPS
    ]
