"""Explain: the request and the answer of `hotline route explain`, and nothing decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hotline.errors import BadInput
from hotline.routing.classify import Types
from hotline.tips import Channel, Classification, Decision, Language, Place, Tip, Urgency


@dataclass(frozen=True, slots=True)
class Request:
    """What `hotline route explain` is asked, checked."""

    text: str
    crime_types: tuple[str, ...]
    where: str | None
    municipality: str | None
    urgency: Urgency
    implicates: tuple[str, ...]
    tags: tuple[str, ...]
    language: Language

    @classmethod
    def read(cls, request: Mapping[str, object], types: Types, default: Language) -> Request:
        """``default`` is the language of a request that names none of ours. Raises BadInput."""
        known = {"text", "crime_types", "place", "urgency", "implicates", "tags", "language"}
        if not known >= request.keys():
            raise BadInput("The request holds a field that is not known.", f"Use {_list(known)}.")
        text, place = request.get("text", ""), request.get("place")
        if not isinstance(text, str):
            raise BadInput("The text is not text.", "Give it in quotes.")
        codes = _texts(request, "crime_types")
        if any(code not in types for code in codes):
            raise BadInput(
                "A crime type is not known.", "Use codes of the table of types, such as ORG-01."
            )
        urgency = request.get("urgency", Urgency.UNKNOWN.value)
        if urgency not in set(Urgency):
            raise BadInput("The urgency is not known.", f"Use {_list(Urgency)}.")
        where = municipality = None
        if isinstance(place, Mapping):
            municipality = place.get("municipality")
            if not isinstance(municipality, str | None):
                raise BadInput(
                    "The municipality is not a key.", "Use a key such as BR:IBGE:3304557."
                )
        elif isinstance(place, str):
            where = place
        elif place is not None:
            raise BadInput("The place is not a place.", "Give its name or its municipality's key.")
        language = Language.parse(str(request.get("language") or "")) or default
        return cls(
            text,
            codes,
            where,
            municipality,
            Urgency(str(urgency)),
            _texts(request, "implicates"),
            _texts(request, "tags"),
            language,
        )

    def tip(self) -> Tip:
        return Tip(
            channel=Channel.API,
            language=self.language,
            text=self.text,
            urgency=self.urgency,
            implicates=self.implicates,
            tags=self.tags,
        )


def answer(told: Classification, place: Place, decision: Decision) -> dict[str, object]:
    """Plain values, ready for JSON."""
    return {
        "crime_types": [
            {"code": act.code, "score": act.score, "reasons": list(act.reasons)}
            for act in told.acts
        ],
        "place": {
            "municipality": place.municipality,
            "name": place.name,
            "state": place.state,
            "country": place.country,
            "certainty": place.certainty.value,
            "reasons": list(place.reasons),
            "candidates": list(place.candidates),
        },
        "priority": decision.priority.value,
        "queue": decision.queue,
        "leads": list(decision.leads),
        "copies": list(decision.copies),
        "recused": [{"agency": r.agency, "reason": r.reason} for r in decision.recused],
        "rules": [{"table": r.table, "row": r.row} for r in decision.rules],
        "deadline": decision.deadline,
    }


def _texts(request: Mapping[str, object], field_: str) -> tuple[str, ...]:
    value = request.get(field_, [])
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadInput(f"The field {field_} is not a list of texts.", 'Write it as ["..."].')
    return tuple(value)


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(str(word) for word in words))
