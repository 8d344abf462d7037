"""Content: what a sealed tip says inside, as JSON; read again by whoever may open it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from hotline.tips import (
    Act,
    Certainty,
    Channel,
    Classification,
    ClassifiedTip,
    Decision,
    Doubt,
    Language,
    Place,
    Priority,
    Question,
    Recusal,
    Removed,
    RowRef,
    Tip,
    Urgency,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TipContent:
    """A tip as an operator opens it. ``lookup`` and ``reply_key`` are where answers to the
    reporter go; ``observation`` the id of its count; ``day`` the day of arrival. ``included`` is
    the number of the last summary a person saw when rewriting the tip, None while nobody has.
    ``facts`` are what a person read of victim and weapon: closed codes, for counts alone."""

    classified: ClassifiedTip
    decision: Decision
    lookup: bytes
    reply_key: bytes
    observation: bytes
    day: str
    included: int | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def tip(self) -> Tip:
        return self.classified.tip

    def with_tip(self, tip: Tip) -> TipContent:
        return replace(self, classified=replace(self.classified, tip=tip))


def encode(content: TipContent) -> bytes:
    """UTF-8 JSON, version 1."""
    document = {
        "version": 1,
        "tip": _tip(content.tip),
        "acts": [asdict(act) for act in content.classified.classification.acts],
        "tags": content.classified.classification.tags,
        "threats": content.classified.classification.threats,
        "place": asdict(content.classified.place),
        "decision": asdict(content.decision),
        "lookup": content.lookup.hex(),
        "reply_key": content.reply_key.hex(),
        "observation": content.observation.hex(),
        "day": content.day,
        "included": content.included,
        "facts": dict(content.facts),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _tip(tip: Tip) -> dict[str, Any]:
    return {
        "channel": tip.channel,
        "language": tip.language,
        "text": tip.text,
        "answers": dict(tip.answers),
        "details": dict(tip.details),
        "ticked": tip.ticked,
        "crime_types": tip.crime_types,
        "municipality": tip.municipality,
        "urgency": tip.urgency,
        "implicates": tip.implicates,
        "tags": tip.tags,
        "removed": [asdict(removed) for removed in tip.removed],
        "doubts": [[d.token, d.kind, d.reason, d.text] for d in tip.doubts],
        "risk": tip.risk,
        "held": tip.held,
        "hold_reasons": tip.hold_reasons,
        "heard": tip.heard,
        "alarms": tip.alarms,
        "heard_place": tip.heard_place,
    }


def decode(payload: bytes) -> TipContent:
    """Inverse of ``encode``."""
    document = json.loads(payload)
    classification = Classification(
        tuple(_tuples(Act, act) for act in document["acts"]),
        tuple(document["tags"]),
        tuple(document["threats"]),
    )
    place = dict(document["place"])
    place["certainty"] = Certainty(place["certainty"])
    return TipContent(
        classified=ClassifiedTip(_read_tip(document["tip"]), classification, _tuples(Place, place)),
        decision=_read_decision(document["decision"]),
        lookup=bytes.fromhex(document["lookup"]),
        reply_key=bytes.fromhex(document["reply_key"]),
        observation=bytes.fromhex(document["observation"]),
        day=document["day"],
        included=document["included"],
        facts=MappingProxyType(document.get("facts", {})),  # older tips have none
    )


def _read_tip(raw: Mapping[str, Any]) -> Tip:
    return Tip(
        channel=Channel(raw["channel"]),
        language=Language(raw["language"]),
        text=raw["text"],
        answers={Question(q): words for q, words in raw["answers"].items()},
        details=raw.get("details", {}),  # absent in tips sealed before it was asked
        ticked=tuple(raw.get("ticked", ())),
        crime_types=tuple(raw["crime_types"]),
        municipality=raw["municipality"],
        urgency=Urgency(raw["urgency"]),
        implicates=tuple(raw["implicates"]),
        tags=tuple(raw["tags"]),
        removed=tuple(Removed(**removed) for removed in raw["removed"]),
        doubts=tuple(Doubt(*doubt) for doubt in raw["doubts"]),
        risk=raw["risk"],
        held=raw["held"],
        hold_reasons=tuple(raw["hold_reasons"]),
        heard=tuple(raw.get("heard", ())),  # absent in tips sealed before it was kept
        alarms=tuple(raw.get("alarms", ())),
        heard_place=raw.get("heard_place"),
    )


def encode_tip(tip: Tip) -> dict[str, Any]:
    """A tip as JSON values, for the memory of a running conversation."""
    return _tip(tip)


def decode_tip(raw: Mapping[str, Any]) -> Tip:
    return _read_tip(raw)


def _read_decision(raw: Mapping[str, Any]) -> Decision:
    return Decision(
        priority=Priority(raw["priority"]),
        queue=raw["queue"],
        leads=tuple(raw["leads"]),
        copies=tuple(raw["copies"]),
        recused=tuple(Recusal(**recusal) for recusal in raw["recused"]),
        rules=tuple(RowRef(**row) for row in raw["rules"]),
        deadline=raw["deadline"],
        automatic=raw["automatic"],
        version=raw["version"],
    )


def _tuples(kind: Any, raw: Mapping[str, Any]) -> Any:
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return kind(**values)


PLANTED = "planted"  # the outcome of a tip that nobody reported: a release counts none of them


# What the questions of intake know of a weapon (routing/data/questions.toml), the surest first.
_WEAPONS = {
    "robbery-guns:yes": "firearm",
    "gbv-danger:weapon": "unspecified",
    "robbery-guns:no": "none",
    "gbv-danger:no": "none",
}


def _weapon(ticked: Collection[str]) -> str:
    return next((told for tick, told in _WEAPONS.items() if tick in ticked), "unknown")


def facts_of(content: TipContent) -> dict[str, str]:
    """Of victim and weapon: what a person read, else what the reporter's answers tell."""
    return {
        "victim_sex": "unknown",
        "victim_age": "unknown",
        "victim_ethnicity": "unknown",
        "weapon": _weapon(content.tip.ticked),
        **content.facts,
    }


def observation(content: TipContent, month: str, **more: str) -> bytes:
    """What statistics may know of a tip (DESIGN §13): closed codes only, never words. Fields not
    told are ``unknown``; at most three acts."""
    classified = content.classified
    row = {
        "month": month,
        "municipality": classified.place.municipality or "unknown",
        "state": classified.place.state or "unknown",
        "type": classified.primary,
        "acts": [act.code for act in classified.classification.acts[:3]],
        "channel": content.tip.channel,
        "language": content.tip.language,
        **facts_of(content),
        "outcome": "none",
        "integrity": bool(content.decision.recused),
    }
    return json.dumps(row | more, separators=(",", ":")).encode()
