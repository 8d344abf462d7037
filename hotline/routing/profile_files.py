"""Profile files: a jurisdiction's directory read and checked, every mistake with file and line.

``profile.toml``, ``states.toml``, ``agencies.toml`` (and ``municipalities.toml``) and
``queues.toml``; ``rules.toml`` and ``recusal.toml`` are read by rules.py and recusal.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hotline.routing.profile import Agency, Duty, EmergencyNumber, Pattern, Profile, Queue, find
from hotline.routing.tables import Document, Entry, Problem, RuleFileProblem
from hotline.tips import Language

FILES = (
    "profile.toml",
    "states.toml",
    "agencies.toml",
    "municipalities.toml",
    "queues.toml",
    "rules.toml",
    "recusal.toml",
)
_OPTIONAL = frozenset({"municipalities.toml", "recusal.toml"})


def read(folder: Path) -> Profile:
    """The profile in ``folder``. Raises RuleFileProblem with everything that is wrong with it."""
    problems: list[Problem] = []
    profile = _read(folder, problems)
    if not problems:
        problems += _check(profile)
    if problems:
        raise RuleFileProblem(tuple(sorted(problems)))
    return profile


def _read(folder: Path, problems: list[Problem]) -> Profile:
    documents = {
        name: Document.read(folder / name, problems)
        for name in FILES
        if not (name in _OPTIONAL and not (folder / name).is_file())
        and name not in ("rules.toml", "recusal.toml")  # read by rules.py and recusal.py
    }
    sheet = documents["profile.toml"]
    top = sheet.top
    states = _states(documents["states.toml"])
    where: dict[str, tuple[str, int]] = {}
    agencies, patterns = _agencies(documents, states, top.text("country"), where)
    cues = find(top.text("recusal", required=False) or folder) / "recusal.toml"
    if (folder / "recusal.toml").is_file():
        cues = folder / "recusal.toml"
    profile = Profile(
        id=top.text("id"),
        name=top.text("name"),
        country=top.text("country"),
        state=top.text("state", required=False) or None,
        zone=_zone(top),
        languages=_languages(top),
        suffix=top.text("queues"),
        scheme=top.text("places"),
        digits=_digits(top),
        states=MappingProxyType({prefix: key for prefix, (key, _) in states.items()}),
        agencies=MappingProxyType(agencies),
        patterns=patterns,
        queues=MappingProxyType(_queues(documents["queues.toml"])),
        desks=top.texts("desks"),
        oversight=top.texts("oversight"),
        emergency=_numbers(sheet, "number"),
        elsewhere=_numbers(sheet, "elsewhere"),
        duty=_duty(sheet),
        leave=_leave(top),
        digest=fingerprint(contents(folder, cues)),
        folder=folder,
        cues=cues,
        lines=MappingProxyType(where),
    )
    top.close()
    sheet.check_headers(frozenset({"number", "elsewhere", "duty"}))
    documents["queues.toml"].check_headers(frozenset({"queue"}))
    documents["states.toml"].check_headers(frozenset({"state"}))
    return profile


def contents(folder: Path, cues: Path) -> dict[str, bytes]:
    """The bytes of every file a profile is made of, by name; ``cues`` is its recusal.toml, its own
    or the one it borrows."""
    paths = {name: folder / name for name in FILES} | {"recusal.toml": cues}
    return {name: path.read_bytes() for name, path in sorted(paths.items()) if path.is_file()}


def fingerprint(held: Mapping[str, bytes]) -> str:
    """SHA-256, in hex, over names and bytes, length first, so that no two sets of files look
    alike. Where the files lie does not matter: a copy is the same version."""
    digest = hashlib.sha256()
    for name, content in sorted(held.items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _zone(top: Entry) -> ZoneInfo:
    name = top.text("time_zone")
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        top.problem("time_zone is not a zone such as America/Sao_Paulo", "time_zone")
        return ZoneInfo("UTC")


def _digits(top: Entry) -> int:
    digits = top.number("digits", 0)
    if not 1 <= digits <= 12:
        top.problem("digits must say how many a municipality's code has, such as 7", "digits")
    return digits


def _leave(top: Entry) -> str:
    address = top.text("leave")
    if address and not address.startswith("https://"):
        top.problem("leave must be an address that begins with https://", "leave")
    return address


def _languages(top: Entry) -> tuple[Language, ...]:
    found = [Language.parse(text) for text in top.texts("languages")]
    if None in found or not found:
        top.problem("languages must be some of pt, es, en, fr, ht", "languages")
    return tuple(language for language in found if language)


def _numbers(sheet: Document, header: str) -> tuple[EmergencyNumber, ...]:
    numbers = []
    for entry in sheet.entries(header):
        day = entry.day("verified_on")
        number = EmergencyNumber(
            entry.text("purpose"),
            entry.text("label"),
            entry.text("number"),
            day or date.min,
            entry.text("source"),
        )
        if day is None:
            entry.problem("a number without verified_on may not be shown to the public")
        entry.close()
        numbers.append(number)
    return tuple(numbers)


def _duty(sheet: Document) -> tuple[Duty, ...]:
    people = []
    for entry in sheet.entries("duty"):
        people.append(Duty(entry.text("agency"), entry.text("number")))
        entry.close()
    return tuple(people)


def _states(document: Document) -> dict[str, tuple[str, str]]:
    states: dict[str, tuple[str, str]] = {}
    for entry in document.entries("state"):
        prefix, key = entry.text("prefix"), entry.text("key")
        if prefix in states:
            entry.problem(f"two states have codes beginning with {prefix}", "prefix")
        states[prefix] = (key, entry.text("name"))
        entry.close()
    return states


def _agencies(
    documents: Mapping[str, Document],
    states: Mapping[str, tuple[str, str]],
    country: str,
    where: dict[str, tuple[str, int]],
) -> tuple[dict[str, Agency], tuple[Pattern, ...]]:
    agencies: dict[str, Agency] = {}
    shared: dict[str, Agency] = {}
    patterns: list[Pattern] = []
    for name in ("agencies.toml", "municipalities.toml"):
        if name not in documents:
            continue
        document = documents[name]
        document.check_headers(frozenset({"agency", "each_state", "each_municipality"}))
        for entry in document.entries("agency"):
            one = _agency(entry, entry.text("jurisdiction"))
            if one.id in agencies:
                entry.problem(f"two agencies are called {one.id}", "id")
            agencies[one.id] = one
            where[one.id] = (entry.file, entry.line)
        for entry in document.entries("each_state"):
            model = _agency(entry, country)
            for key, state in states.values():
                one = _for_state(model, key, state)
                shared[one.id] = one
                where.setdefault(one.id, (entry.file, entry.line))
        for entry in document.entries("each_municipality"):
            model = _agency(entry, country)
            if ("{key}" in model.id) + ("{code}" in model.id) != 1:
                entry.problem("the id must hold {key} or {code}", "id")
            patterns.append(Pattern(model, (entry.file, entry.line)))
    # A row written out replaces the one its pattern would give.
    return shared | agencies, tuple(patterns)


def _for_state(model: Agency, key: str, name: str) -> Agency:
    def fill(text: str) -> str:
        return text.replace("{key}", key).replace("{name}", name)

    return replace(
        model,
        id=fill(model.id),
        name=fill(model.name),
        parent=fill(model.parent) if model.parent else None,
        via=fill(model.via) if model.via else None,
        oversight=tuple(fill(id) for id in model.oversight),
        jurisdiction=key,
    )


def _agency(entry: Entry, jurisdiction: str) -> Agency:
    one = Agency(
        id=entry.text("id"),
        name=entry.text("name"),
        kind=entry.text("kind"),
        parent=entry.text("parent", required=False) or None,
        jurisdiction=jurisdiction,
        functions=frozenset(entry.texts("functions")),
        valid_from=entry.day("valid_from"),
        valid_to=entry.day("valid_to"),
        via=entry.text("via", required=False) or None,
        independent=entry.flag("independent"),
        receives=entry.flag("receives", default=True),
        oversight=entry.texts("oversight"),
        stands_for=frozenset(entry.texts("stands_for")),
        source=entry.text("source", required=False),
        verified_on=entry.day("verified_on"),
    )
    if bool(one.source) != bool(one.verified_on):
        entry.problem("source and verified_on stand together: where and when it was read")
    entry.close()
    return one


def _queues(document: Document) -> dict[str, Queue]:
    queues: dict[str, Queue] = {}
    for entry in document.entries("queue"):
        queue = Queue(
            entry.text("id"),
            entry.text("agency"),
            entry.text("certificate", required=False) or None,
            entry.flag("staffed"),
        )
        entry.close()
        try:
            special = queue.kind.special
        except ValueError:
            entry.problem(f"{queue.id} is not a kind of queue", "id")
            continue
        if special and queue.certificate is None:
            entry.problem(f"{queue.id} is special and must name its certificate", "id")
        if queue.id in queues:
            entry.problem(f"two queues are called {queue.id}", "id")
        queues[queue.id] = queue
    return queues


def _check(profile: Profile) -> list[Problem]:
    """Whether every name leads somewhere and every ``via`` and ``parent`` chain ends."""
    problems: list[Problem] = []
    bodies = [(profile.lines[one.id], one) for one in profile.agencies.values()]
    bodies += [
        (pattern.line, pattern.body(key, state))
        for pattern in profile.patterns
        for key, state in profile.samples()
    ]
    for (file, line), one in bodies:
        named = (one.parent, one.via, *one.oversight)
        missing = [id for id in named if id is not None and profile.agency(id) is None]
        problems += [
            Problem(file, line, f"{one.id} names {id}, but no agency is called so")
            for id in missing
        ]
        sentence = "" if problems else _chains(profile, one)
        if sentence:
            problems.append(Problem(file, line, sentence))
    return problems + _holders(profile) + _sheet(profile)


def _chains(profile: Profile, one: Agency) -> str:
    chain = list(profile.ancestors(one.id))
    if chain[-1].parent is not None:
        return f"{one.id} stands under itself"
    try:
        inbox = profile.agency(profile.inbox(one.id))
    except KeyError:
        return f"the via of {one.id} never ends"
    if one.via and inbox is not None and not inbox.receives:
        return f"{one.id} is received by a body without an inbox"
    return ""


def _holders(profile: Profile) -> list[Problem]:
    """No function may have two holders in one jurisdiction on the same day."""
    problems = []
    held: dict[tuple[str, str], list[Agency]] = {}
    for one in profile.agencies.values():
        for function in sorted(one.functions):
            others = held.setdefault((function, one.jurisdiction), [])
            for other in others:
                if _overlap(one, other):
                    file, line = profile.lines[one.id]
                    sentence = f"{one.id} and {other.id} both hold {function} in one place"
                    problems.append(Problem(file, line, sentence))
            others.append(one)
    return problems


def _overlap(one: Agency, other: Agency) -> bool:
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts <= min(one.valid_to or date.max, other.valid_to or date.max)


def _sheet(profile: Profile) -> list[Problem]:
    problems = [
        Problem("queues.toml", 1, f"{queue.id} belongs to {queue.agency}, but none is called so")
        for queue in profile.queues.values()
        if queue.agency not in profile.agencies
    ]
    problems += [
        Problem("profile.toml", 1, f"desk {desk} is not a staffed queue")
        for desk in profile.desks
        if desk not in profile.queues or not profile.queues[desk].staffed
    ]
    problems += [
        Problem("profile.toml", 1, f"oversight {id} is not an independent agency")
        for id in profile.oversight
        if id not in profile.agencies or not profile.agencies[id].independent
    ]
    if not (profile.desks and profile.emergency and profile.elsewhere and profile.states):
        sentence = "a profile needs states, desks, numbers and another way to report"
        problems.append(Problem("profile.toml", 1, sentence))
    return problems
