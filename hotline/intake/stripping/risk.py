"""Stripping: how likely the text still points to the reporter, and whether to hold it.

Each sign counts so many points, up to a number of times (policy.toml). The points follow a
logistic regression of "something of the reporter was left" on the development tips, rounded; the
threshold is where about three tips in ten are held.
"""

from __future__ import annotations

from dataclasses import dataclass

from hotline.intake.stripping.grammar import Policy
from hotline.intake.stripping.look import Look
from hotline.intake.stripping.replacement import Hidden
from hotline.intake.stripping.spans import Side

_WORDS = {
    "doubtful": "an identifier nobody could attribute",
    "kept_account": "an account number whose owner the text does not say",
    "kept_plate": "a plate whose owner the text does not say",
    "kept_coordinates": "a position whose owner the text does not say",
    "kept_number": "a long number of unknown kind",
    "kept_link": "a link whose owner the text does not say",
    "transcript": "a transcript may hide names",
    "removed": "the reporter tells of themselves",
    "names": "names of persons stay",
    "only": "says that only few could know",
    "kinship": "the reporter is kin of somebody in the text",
    "kin": "speaks of kin",
    "jobs": "speaks of what people work as",
    "numbers": "numbers stay",
    "quoted": "repeats what was said to the reporter",
    "mixed": "more than one language",
    "capitals": "written in capitals, where names do not show",
    "survived": "something taken out stands elsewhere in the text",
}


@dataclass(frozen=True, slots=True)
class Risk:
    score: int
    reasons: tuple[str, ...]
    held: bool


def assess(first: Look, gone: list[Hidden], policy: Policy, flags: dict[str, bool]) -> Risk:
    """Residual risk 0–100 with its reasons; at the policy's threshold the tip is held."""
    counts = {name: int(flag) for name, flag in flags.items()} | _signs(first, gone)
    counts["doubtful"] = sum(not hidden.mine for hidden in gone)
    for finding in first.settled:
        if finding.side is Side.UNKNOWN and policy.default.get(finding.kind) == "keep":
            counts[f"kept_{finding.kind}"] = 1
    points = {
        name: weight * min(counts.get(name, 0), most)
        for name, (weight, most) in policy.risk.items()
    }
    score = min(100, sum(points.values()))
    reasons = tuple(_WORDS[name] for name, worth in points.items() if worth)
    return Risk(score, reasons, score >= policy.hold_at)


def _signs(first: Look, gone: list[Hidden]) -> dict[str, int]:
    """What stands in the text that stays, counted."""
    known, text, source = first.reading.lists, first.matched.text, first.matched.source
    counts = dict.fromkeys(("names", "only", "kin", "jobs", "numbers"), 0)
    at = 0
    for token in first.reading.words:
        place = source[token.start]
        while at < len(gone) and gone[at].span.end <= place:
            at += 1
        if at < len(gone) and gone[at].span.start <= place:
            continue
        word = token.word
        counts["names"] += token.upper and word in known.first_names
        counts["only"] += word in known.common["only"]
        counts["kin"] += word in known.kin
        counts["jobs"] += word in known.job
        counts["numbers"] += word.isalnum() and not word.isalpha()
    return {
        **counts,
        "removed": sum(hidden.mine for hidden in gone),
        "kinship": sum(hidden.mine and hidden.span.kind == "relation" for hidden in gone),
        "quoted": text.count('"') // 2,
        "mixed": len(first.spoken) - 1,
        "capitals": int(first.reading.shouted),
    }
