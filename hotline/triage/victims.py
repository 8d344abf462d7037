"""Victims: what statistics may know of who was harmed, as an operator read it in the tip.

Codes of closed lists alone, sealed in the tip and in its count; the body that gets the tip reads
its text and not these. Never anything of the reporter, and nothing that the lists do not have: no
name, no number, no migration status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from hotline.analysis.domain import UNKNOWN
from hotline.analysis.policy import Policy
from hotline.errors import BadInput
from hotline.triage.access import SignedIn
from hotline.triage.corrections import rewrite
from hotline.triage.opening import Bench, Opened
from hotline.vault.content import TipContent, facts_of
from hotline.web.i18n import N_

FIELDS: dict[str, str] = {
    "victim_sex": N_("Sex of the victim"),
    "victim_age": N_("Age of the victim"),
    "victim_ethnicity": N_("Ethnicity of the victim"),
    "weapon": N_("Weapon"),
}


class UnknownFact(BadInput):
    """A value that is not in the list of its field."""

    code = "unknown_fact"
    message = "This is not in the list."
    hint = "Choose a value from each list, or leave it as not known."


@cache
def lists() -> Mapping[str, tuple[str, ...]]:
    """The values of each field, as releases publish them; the last stands for not known."""
    values = Policy.load().values
    return MappingProxyType({name: values[name] for name in FIELDS})


def told(content: TipContent) -> Mapping[str, str]:
    """What is known now, of each field."""
    found = facts_of(content)
    return {name: found[name] for name in FIELDS}


def describe(bench: Bench, who: SignedIn, opened: Opened, facts: Mapping[str, str]) -> None:
    """Keeps ``facts`` in the tip and in its count, whose month is not released yet; type, place and
    route stay. Fields not named are not known. Raises UnknownFact, StillTold, StaleTip."""
    kept = {name: facts.get(name, "") or UNKNOWN for name in FIELDS}
    if any(value not in lists()[name] for name, value in kept.items()):
        raise UnknownFact
    content = replace(opened.content, facts=MappingProxyType(kept))
    rewrite(bench, who, opened, content, "victim_described")
