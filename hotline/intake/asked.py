"""Asked: the questions of some types for apps: as they are fetched, described and answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hotline.intake.schema import PROBLEMS, fields, problem, ref
from hotline.routing.asking import MOST, NO, YES, Detail, Kind, find, questions_for, table
from hotline.tips import Language, Question
from hotline.web.errors import Refused
from hotline.web.i18n import N_

MOST_TYPES = 5
CORE = frozenset(question.value for question in Question)  # what everybody is asked
# Says nothing of who asks; the table changes only with the program.
CACHE = "public, max-age=3600"
_LANGUAGES = [language.value for language in Language]
_ANSWERS = N_(
    "This must be an object of what, where, when, who, more and codes of /api/v1/questions."
)
_NOT_TEXT = N_("This must be text.")
_YES_OR_NO = N_("This must be “yes” or “no”.")
_OPTIONS = N_("This must be a list of options of the question, or “no”.")


def listed(types: Sequence[str], languages: Iterable[Language]) -> dict[str, Any]:
    """What is asked about these types (codes), in order; without types, every question. No more
    than ``most`` reach one report. The same for everybody, so that it may be kept by anybody."""
    said = tuple(languages)
    chosen = questions_for(types) if types else tuple(table().values())
    return {"most": MOST, "questions": [_one(detail, chosen, said) for detail in chosen]}


def _one(detail: Detail, chosen: Sequence[Detail], said: Sequence[Language]) -> dict[str, Any]:
    gates = (one for one in chosen[: chosen.index(detail)] if one.gate)
    return {
        "code": detail.id,
        "kind": detail.kind.value,
        "ask": _words(detail.ask, said),
        "options": [{"code": o.id, "say": _words(o.words, said)} for o in detail.options],
        "condition": {
            "crime_types": sorted(detail.types),
            "after_yes_to": [gate.id for gate in gates if gate.types & detail.types],
        },
        "unreviewed": detail.unreviewed,
    }


def _words(words: Mapping[Language, str], said: Sequence[Language]) -> dict[str, str]:
    return {language.value: words[language] for language in said}


def read(identity: str, answer: object) -> tuple[str, tuple[str, ...]]:
    """(words, ticks) of an answer to a question of the table, or to one that everybody is asked.
    Raises Refused, which names the question and never quotes the answer."""
    detail, pointer = find(identity), f"/answers/{identity}"
    if detail is None or detail.kind is Kind.WORDS:
        if not isinstance(answer, str):
            raise Refused((pointer, _NOT_TEXT))
        return answer, ()
    if answer == NO or (answer == YES and detail.kind is Kind.YES_NO):
        return "", (detail.tick(str(answer)),)
    if detail.kind is Kind.YES_NO:
        raise Refused((pointer, _YES_OR_NO))
    if not isinstance(answer, list):
        raise Refused((pointer, _OPTIONS))
    known = {option.id for option in detail.options}
    for at, choice in enumerate(answer):
        if not isinstance(choice, str) or choice not in known:
            raise Refused((f"{pointer}/{at}", _OPTIONS))
    return "", detail.chosen(answer)


def told(value: object) -> tuple[dict[str, str], tuple[str, ...]]:
    """(words by question, ticks) of the answers of a report. What the line does not know is not
    named: it may be anything that somebody typed. Raises Refused."""
    if not isinstance(value, dict) or not all(name in CORE or find(name) for name in value):
        raise Refused(("/answers", _ANSWERS))
    words: dict[str, str] = {}
    ticked: list[str] = []
    for name, answer in value.items():
        words[name], ticks = read(name, answer)
        ticked += ticks
    return words, tuple(ticked)


def answers(text: Mapping[str, Any]) -> dict[str, Any]:
    """JSON schema of the answers of a report; ``text`` is that of an answer in words."""
    core = dict.fromkeys(sorted(CORE), text)
    of_types = {detail.id: _answer(detail, text) for detail in table().values()}
    example = {"when": "Fridays", "gbv-safe": "yes", "gbv-danger": ["weapon"]}
    return fields("", **core, **of_types) | {"examples": [example]}


def _answer(detail: Detail, text: Mapping[str, Any]) -> dict[str, Any]:
    about = {"description": detail.ask[Language.EN]}
    if detail.kind is Kind.WORDS:
        return {**text, **about}
    if detail.kind is Kind.YES_NO:
        return {"enum": [YES, NO], **about}
    items = {"enum": [option.id for option in detail.options]}
    return {"oneOf": [{"const": NO}, {"type": "array", "items": items}], **about}


def operation(codes: Sequence[str]) -> dict[str, Any]:
    """``GET /api/v1/questions`` of a line that knows these crime types."""
    note = (
        "What reports of some types are asked besides. Fetch all of it, keep it for an hour, and "
        "choose on the telephone: an address with types in it would tell what is being reported."
    )
    types = {"type": "array", "minItems": 1, "maxItems": MOST_TYPES, "items": {"enum": [*codes]}}
    parameters = [
        _parameter("language", "Words in this language only.", {"enum": _LANGUAGES}),
        _parameter("crime_types", "Only what a report of these types is asked.", types)
        | {"style": "form", "explode": False},
    ]
    kept = {"required": True, "schema": {"const": CACHE}, "description": "An hour."}
    example = listed(["GBV-01"], [Language.EN])
    found = {
        "description": note,
        "headers": {"Cache-Control": kept},
        "content": {"application/json": {"schema": ref("Questions"), "example": example}},
    }
    failures = {
        "405": "Only GET is taken here.",
        "422": "There is no such language or type.",
        "500": PROBLEMS["500"],
    }
    responses = {"200": found} | {code: problem(code, words) for code, words in failures.items()}
    said = {"operationId": "Questions", "summary": note}
    return {"get": {**said, "parameters": parameters, "responses": responses}}


def _parameter(name: str, note: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": note, "schema": schema}


def schemas(codes: Sequence[str]) -> dict[str, Any]:
    """What ``operation`` names."""
    said = {"type": "string", "minLength": 1}
    condition = fields(
        "crime_types after_yes_to",
        crime_types={"type": "array", "items": {"enum": [*codes]}},
        after_yes_to={"type": "array", "items": said},
    )
    option = fields("code say", code=said, say=ref("Words"))
    question = fields(
        "code kind ask options condition unreviewed",
        code={**said, "description": "The name of its answer in a report's “answers”."},
        kind={
            "enum": [kind.value for kind in Kind],
            "description": "words: text; yes_no: “yes” or “no”; any_of: a list of codes of "
            "options, or “no” for none of them. Leave out what nobody knows.",
        },
        ask=ref("Words"),
        options={"type": "array", "items": option},
        condition=condition
        | {
            "description": "Ask reports of one of these types, and only when each of these "
            "questions was answered with yes."
        },
        unreviewed={
            "type": "boolean",
            "description": "About danger to life, and nobody who knows the field has read it.",
        },
    )
    return {
        "Questions": fields(
            "most questions",
            most={"type": "integer", "description": "Ask no more than this of one report."},
            questions={"type": "array", "items": ref("Question")},
        ),
        "Question": question,
        "Words": fields("", **dict.fromkeys(_LANGUAGES, said)) | {"minProperties": 1},
    }
