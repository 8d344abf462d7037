"""Stripping: how likely the text still points to the reporter, and whether to hold it."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.intake.stripping.grammar import Hit, Policy
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.spans import Finding, Side

_WORDS = {
    "doubtful": "an identifier nobody could attribute",
    "kept_account": "an account number whose owner the text does not say",
    "kept_company": "a company number whose owner the text does not say",
    "kept_plate": "a plate whose owner the text does not say",
    "kept_coordinates": "a position whose owner the text does not say",
    "kept_number": "a long number of unknown kind",
    "transcript": "a transcript may hide names",
    "language": "the language is unsure",
    "home": "the reporter tells where they live",
    "home_scene": "the reporter's home is near the scene",
    "job": "the reporter tells what they work as",
    "kin": "the reporter is kin of somebody in the text",
    "job_place_kin": "work, home and kinship together",
    "survived": "something taken out stands elsewhere in the text",
    "too_long": "the text is too long to check fully",
}


@dataclass(frozen=True, slots=True)
class Risk:
    score: int
    reasons: tuple[str, ...]
    held: bool


def assess(
    findings: list[Finding],
    doubtful: int,
    hits: list[Hit],
    reading: Reading,
    policy: Policy,
    flags: dict[str, bool],
) -> Risk:
    """Residual risk 0–100 with its reasons; at the policy's threshold the tip is held."""
    present = dict(flags)
    present["doubtful"] = doubtful > 0
    for finding in findings:
        if finding.side is Side.UNKNOWN and policy.default.get(finding.kind) == "keep":
            present[f"kept_{finding.kind}"] = True
    actions = {hit.rule.action for hit in hits}
    removed = {f.kind for f in findings if f.side is Side.REPORTER}
    present["home"] = "home" in actions
    present["home_scene"] = "home" in actions and any(
        t.word in reading.lists.common["scene"] for t in reading.words
    )
    present["job"] = "job" in actions or "workplace" in removed
    present["kin"] = "relation" in removed
    present["job_place_kin"] = present["home"] and present["job"] and present["kin"]
    return total({name for name, there in present.items() if there}, policy)


def total(names: set[str], policy: Policy) -> Risk:
    """The sum of the named risks, in the policy's order."""
    ordered = [name for name in policy.risk if name in names]
    score = min(100, sum(policy.risk[name] for name in ordered))
    return Risk(score, tuple(_WORDS[name] for name in ordered), score >= policy.hold_at)
