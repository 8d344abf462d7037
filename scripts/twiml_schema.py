#!/usr/bin/env python3
"""Writes tests/vectors/twiml_voice.json: what the provider's own types allow in spoken TwiML.

There is no schema of TwiML that is kept up; the TypeScript declarations of npm's ``twilio`` (MIT)
say which attributes each verb has, of which type, and which verbs may stand inside which.

    npm pack twilio && tar xzf twilio-*.tgz
    scripts/twiml_schema.py package
"""

import json
import re
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "twiml_voice.json"
# What a hotline may ever say: the file stays small, and anything else is a mistake.
VERBS = (
    *("Response", "Gather", "Say", "Play", "Pause", "Record", "Redirect", "Hangup"),
    *("Enqueue", "Leave", "Dial", "Queue"),
)


def enums(text):
    """``type SayVoice = "man" | …`` → name → values."""
    found = re.findall(r"^    type (\w+) = ([^;]+);", text, re.MULTILINE)
    return {name: re.findall(r'"([^"]*)"', values) for name, values in found}


def attributes(text, known):
    """Verb → attribute → ``{"type": …}``; the first declaration of a name is the verb's own, later
    ones are of namesakes inside other verbs."""
    sets = {}
    for name, body in re.findall(
        r"export interface (\w+)Attributes \{(.*?)\n    \}", text, re.DOTALL
    ):
        if name in VERBS and name not in sets:
            sets[name] = {
                key.strip("\"'"): kind(value, known)
                for key, value in re.findall(r"^        (\S+?)\?: ([^;]+);", body, re.MULTILINE)
            }
    return {verb: sets.get(verb, {}) for verb in VERBS}


def kind(written, known):
    many = written.endswith("[]")
    name = written.removesuffix("[]")
    return {"type": "enum" if name in known else name, "enum": name, "many": many}


def children(text):
    """Verb → verbs whose method its class has."""
    inside = {"Response": text.split("declare namespace", 1)[0]}
    for name, body in re.findall(
        r"export class (\w+) extends TwiML \{(.*?)\n    \}", text, re.DOTALL
    ):
        inside[name] = body
    return {
        verb: sorted(
            set(re.findall(r"\): VoiceResponse\.(\w+);", inside.get(verb, ""))) & set(VERBS)
        )
        for verb in VERBS
    }


def main():
    package = Path(sys.argv[1])
    about = json.loads((package / "package.json").read_text())
    text = (package / "lib" / "twiml" / "VoiceResponse.d.ts").read_text()
    known = enums(text)
    sets = attributes(text, known)
    used = {one["enum"] for verb in sets.values() for one in verb.values()} & known.keys()
    schema = {
        "source": f"npm {about['name']} {about['version']}, lib/twiml/VoiceResponse.d.ts",
        "licence": about["license"],
        "made_by": "scripts/twiml_schema.py",
        "attributes": sets,
        "children": children(text),
        "enums": {name: known[name] for name in sorted(used)},
    }
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in schema.items()
    ]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
