"""TwiML: what the provider's own types allow (scripts/twiml_schema.py), and what we promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "twiml_voice.json").read_text()
)
_ENUMS = {name: frozenset(values) for name, values in SCHEMA["enums"].items()}
# Amazon Polly's list of voices: the types name the voices, not what they speak.
# https://docs.aws.amazon.com/polly/latest/dg/available-voices.html
SPEAKS = {
    "Polly.Camila-Neural": "pt-BR",
    "Polly.Mia-Neural": "es-MX",
    "Polly.Joanna-Neural": "en-US",
    "Polly.Lea-Neural": "fr-FR",
}
# Verbs after which the provider never goes on by itself. A Gather does without keys, unless it
# asks its action then too; a Record does when nobody spoke.
_ENDS = frozenset({"Redirect", "Hangup", "Enqueue", "Dial", "Leave", "Gather", "Record"})


def problems(twiml: bytes) -> list[str]:
    """What is wrong with a document, as the provider's types see it and as we promise."""
    root = ElementTree.fromstring(twiml)
    if root.tag != "Response":
        return [f"{root.tag} is no Response"]
    found: list[str] = []
    _check(root, found)
    _promises(root, found)
    return found


def _check(node: ElementTree.Element, found: list[str]) -> None:
    known = SCHEMA["attributes"][node.tag]
    for name, value in node.attrib.items():
        if name not in known:
            found.append(f"{node.tag} has no attribute {name}")
        elif not _fits(known[name], value):
            found.append(f"{node.tag} {name} may not be {value!r}")
    for child in node:
        if child.tag not in SCHEMA["children"][node.tag]:
            found.append(f"{child.tag} may not stand in {node.tag}")
        else:
            _check(child, found)


def _fits(rule: dict[str, Any], value: str) -> bool:
    values = value.split() if rule["many"] else [value]
    match rule["type"]:
        case "boolean":
            return value in ("true", "false")
        case "number":
            return value.isdigit()
        case "enum":
            return all(one in _ENUMS[rule["enum"]] for one in values)
        case kind:
            return bool(kind == "string")


def _promises(root: ElementTree.Element, found: list[str]) -> None:
    *before, last = list(root) or [root]
    for at, verb in enumerate(before):
        after = before[at + 1].tag if at + 1 < len(before) else last.tag
        if verb.tag in _ENDS and not (verb.tag == "Record" and after == "Redirect"):
            found.append(f"{after} after {verb.tag} is never reached")
    if last.tag == "Record":
        found.append("an empty recording would end the call")
    for verb in root.iter():
        if verb.tag == "Gather":
            if int(verb.get("timeout", "5")) < 10:
                found.append("a Gather waits less than ten seconds")
            if verb.get("actionOnEmptyResult") != "true" or verb.get("input") != "dtmf":
                found.append("a Gather is not for keys alone, or silence ends it")
        if verb.tag == "Say" and SPEAKS.get(verb.get("voice", "")) != verb.get("language"):
            found.append(f"{verb.get('voice')} does not speak {verb.get('language')}")
        if verb.tag in ("Say", "Play") and not (verb.text or "").strip():
            found.append(f"an empty {verb.tag}")
        if verb.tag in ("Gather", "Record", "Redirect", "Enqueue", "Dial", "Queue"):
            for name in ("method", "waitUrlMethod", "recordingStatusCallbackMethod"):
                if verb.get(name, "POST") != "POST":
                    found.append(f"{verb.tag} {name} would put digits into an address")
    if "transcribe" in ElementTree.tostring(root, encoding="unicode"):
        found.append("the provider would transcribe a voice")


def ends(twiml: bytes) -> bool:
    """Whether the call is over after this document."""
    return ElementTree.fromstring(twiml).find("Hangup") is not None
