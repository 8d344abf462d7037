"""Profile files: a jurisdiction's directory read and checked, every mistake with file and line.

``profile.toml``, ``states.toml``, ``agencies.toml`` (and ``municipalities.toml``) and
``queues.toml``, and where there are such ``retention.toml`` and ``answering.toml``;
``rules.toml`` and ``recusal.toml`` are read by rules.py and recusal.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hotline.clock import Clock
from hotline.routing import answering, duty, leaving, phone, profile_checks, retention, watch
from hotline.routing.profile import (
    PURPOSES,
    Agency,
    EmergencyNumber,
    Pattern,
    Profile,
    Queue,
    built_ins,
    find,
)
from hotline.routing.tables import Document, Entry, Problem, RuleFileProblem, nearest
from hotline.tips import Language, QueueKind

FILES = (
    "profile.toml",
    "states.toml",
    "agencies.toml",
    "municipalities.toml",
    "queues.toml",
    "rules.toml",
    "recusal.toml",
    retention.FILE,
    answering.FILE,
)
_OPTIONAL = frozenset({"municipalities.toml", "recusal.toml", retention.FILE, answering.FILE})
_DIALLED = re.compile(r"[+*#(]*\d[\d ()*#.-]*")
_LICENCE = 200  # characters of what is said of the data's licence


# A machine's clock may run behind, and that must not silence a line; a mistyped year is caught.
_CLOCKS_ERR = timedelta(days=3 * 365)


def read(folder: Path) -> Profile:
    """The profile in ``folder``. Raises RuleFileProblem with everything that is wrong with it."""
    problems: list[Problem] = []
    documents = _documents(folder, problems)
    if not problems:
        sources: dict[str, Entry] = {}
        profile = _read(folder, documents, sources)
        if not problems:
            profile_checks.check(profile, sources)
    if problems:
        raise RuleFileProblem(problems)
    return profile


def _documents(folder: Path, problems: list[Problem]) -> dict[str, Document]:
    if not folder.is_dir():
        hint = f"Give a directory, or one of the built-in profiles: {', '.join(built_ins())}."
        problems.append(Problem("profile.toml", 1, "this file is missing", hint))
        return {}
    return {
        name: Document.read(folder / name, problems)
        for name in FILES
        if not (name in _OPTIONAL and not (folder / name).is_file())
        and name not in ("rules.toml", "recusal.toml")  # read by rules.py and recusal.py
    }


def _read(folder: Path, documents: Mapping[str, Document], sources: dict[str, Entry]) -> Profile:
    """``sources`` receives the block of every agency, queue and state, to name lines by."""
    sheet = documents["profile.toml"]
    sources["profile"] = top = sheet.top
    country, zone, languages = top.text("country"), _zone(top), _languages(top)
    states = _states(documents["states.toml"], country, sources)
    agencies, patterns = _agencies(documents, states, country, sources)
    named = top.text("recusal", required=False)
    cues = find(named or folder) / "recusal.toml"
    if (folder / "recusal.toml").is_file():
        cues = folder / "recusal.toml"
    elif named and not cues.is_file():
        hint = nearest(named, built_ins(), "Name a profile that has a recusal.toml.")
        top.problem(f"recusal: there are no cues in a profile called {named}", hint, "recusal")
    kept, answers = documents.get(retention.FILE), documents.get(answering.FILE)
    profile = Profile(
        id=top.text("id"),
        name=top.text("name"),
        country=country,
        state=top.text("state", required=False) or None,
        zone=zone,
        languages=languages,
        suffix=top.text("queues"),
        scheme=top.text("places"),
        digits=_digits(top),
        states=MappingProxyType({prefix: key for prefix, (key, _) in states.items()}),
        agencies=MappingProxyType(agencies),
        patterns=patterns,
        queues=MappingProxyType(_queues(documents["queues.toml"], sources)),
        desks=top.texts("desks", required=True),
        oversight=top.texts("oversight", required=True),
        emergency=_numbers(sheet, "number", zone),
        elsewhere=_numbers(sheet, "elsewhere", zone),
        duty=duty.read(sheet, agencies, languages),
        relay=duty.read_pauses(sheet),
        phone=phone.read(sheet, zone, languages),
        watch=watch.read(sheet),
        leave=_leave(top),
        data_licence=_data_licence(top),
        data_contact=_data_contact(top),
        retention=retention.read(kept) if kept else retention.built_in(),
        answering=answering.read(answers) if answers else answering.built_in(),
        digest=fingerprint(contents(folder, cues)),
        folder=folder,
        cues=cues,
        lines=MappingProxyType(dict(_places(sources))),
    )
    sheet.check_headers(frozenset({"number", "elsewhere", "duty", "relay", "phone", "watch"}))
    documents["queues.toml"].check_headers(frozenset({"queue"}))
    documents["states.toml"].check_headers(frozenset({"state"}))
    return profile


def _places(sources: Mapping[str, Entry]) -> Iterator[tuple[str, tuple[str, int]]]:
    for id, entry in sources.items():
        yield id, (entry.file, entry.line)
        for key in entry.values:
            yield f"{id}.{key}", (entry.file, entry.lines.get(key, entry.line))


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
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, available_timezones(), "Take one of the IANA list.")
        top.problem("time_zone is not a zone such as America/Sao_Paulo", hint, "time_zone")
        return ZoneInfo("UTC")


def _digits(top: Entry) -> int:
    digits = top.number("digits", 0)
    if not 1 <= digits <= 12:
        top.problem(
            "digits must say how many a municipality's code has, such as 7", "Count them.", "digits"
        )
    return digits


def _leave(top: Entry) -> str:
    address = top.text("leave")
    if address and not address.startswith("https://"):
        top.problem("leave must be an address that begins with https://", "Write one.", "leave")
    return address


def _data_licence(top: Entry) -> str:
    """An SPDX name, an address or a sentence; each release is signed with it."""
    told = top.text("data_licence", required=False)
    if len(told) > _LICENCE or not told.isprintable():
        hint = "Write a name such as CC-BY-4.0, an address, or one sentence."
        top.problem("data_licence must be one line of 200 characters at most", hint, "data_licence")
    return told


def _data_contact(top: Entry) -> str:
    """Who answers for personal data and how to write to them; the privacy page shows it."""
    told = top.text("data_contact", required=False)
    if len(told) > _LICENCE or not told.isprintable():
        hint = "Write a name and an address, as 'Secretaria X, privacidade@x.example'."
        top.problem("data_contact must be one line of 200 characters at most", hint, "data_contact")
    return told


def _languages(top: Entry) -> tuple[Language, ...]:
    found = []
    for text in top.texts("languages", required=True):
        language = Language.parse(text)
        if language is None:
            hint = "The line speaks pt, es, en, fr and ht."
            top.problem(f"languages: {text} is none of the line's", hint, "languages")
        else:
            found.append(language)
    return tuple(found)


def _numbers(sheet: Document, header: str, zone: ZoneInfo) -> tuple[EmergencyNumber, ...]:
    numbers, today = [], date.fromisoformat(Clock(zone).day())
    for entry in sheet.entries(header):
        day = entry.day("verified_on")
        number = EmergencyNumber(
            entry.text("purpose"),
            entry.text("label"),
            entry.text("number"),
            day or date.min,
            entry.text("source"),
        )
        if "verified_on" not in entry.values:
            hint = "Dial it or read its source, then add verified_on = and that day."
            entry.problem("a number without verified_on may not be shown to the public", hint)
        elif number.verified_on > today + _CLOCKS_ERR:
            hint = "Write the day it was dialled or read; or correct this machine's clock."
            entry.problem("verified_on has not come yet", hint, "verified_on")
        if number.number and not _DIALLED.fullmatch(number.number):
            hint = "Write digits, spaces, hyphens, brackets, + * or # only."
            entry.problem("number cannot be dialled", hint, "number")
        if number.purpose and number.purpose not in PURPOSES:
            hint = nearest(number.purpose, PURPOSES, "Take the nearest.")
            entry.problem(f"purpose {number.purpose} is not known", hint, "purpose")
        entry.close()
        numbers.append(number)
    return tuple(numbers)


def _states(
    document: Document, country: str, sources: dict[str, Entry]
) -> dict[str, tuple[str, str]]:
    states: dict[str, tuple[str, str]] = {}
    for entry in document.entries("state"):
        prefix, key = entry.text("prefix"), entry.text("key")
        if prefix and not (prefix.isascii() and prefix.isdigit()):
            hint = "Write the digits its municipalities' codes begin with."
            entry.problem("prefix must be digits in quotes", hint, "prefix")
        if prefix in states:
            hint = f"One of {states[prefix][0]} and {key} has another prefix."
            entry.problem(f"two states have codes beginning with {prefix}", hint, "prefix")
        if key and country and not key.startswith(f"{country}-"):
            hint = f"Write it as {country}- and its letters (ISO 3166-2)."
            entry.problem(f"{key} is no state of {country}", hint, "key")
        if key in sources:
            entry.problem(f"two states are called {key}", "Delete one, or correct it.", "key")
        states[prefix] = (key, entry.text("name"))
        sources[key] = entry
        entry.close()
    return states


def _agencies(
    documents: Mapping[str, Document],
    states: Mapping[str, tuple[str, str]],
    country: str,
    sources: dict[str, Entry],
) -> tuple[dict[str, Agency], tuple[Pattern, ...]]:
    agencies: dict[str, Agency] = {}
    shared: dict[str, Agency] = {}
    patterns: list[Pattern] = []
    for name in ("agencies.toml", "municipalities.toml"):
        if name not in documents:
            continue
        document = documents[name]
        for entry in document.entries("agency"):
            one = _agency(entry, entry.text("jurisdiction"))
            if one.id in agencies:
                hint = f"Give one of them another id; {one.id} stands at {_at(sources[one.id])}."
                entry.problem(f"two agencies are called {one.id}", hint, "id")
            agencies[one.id] = one
            sources[one.id] = entry
        for entry in document.entries("each_state"):
            _each_state(entry, country, states, shared, sources)
        for entry in document.entries("each_municipality"):
            model = _model(entry, country, ("{key}", "{code}"), "{key} {code} {state}")
            if model.id in sources:
                entry.problem(f"two agencies are called {model.id}", "Rename one of them.", "id")
            patterns.append(Pattern(model, (entry.file, entry.line)))
            sources[model.id] = entry
        document.check_headers(frozenset({"agency", "each_state", "each_municipality"}))
    # A row written out replaces the one its pattern would give.
    return shared | agencies, tuple(patterns)


def _each_state(
    entry: Entry,
    country: str,
    states: Mapping[str, tuple[str, str]],
    shared: dict[str, Agency],
    sources: dict[str, Entry],
) -> None:
    """Adds the body of each state; one written out, before, keeps its own block as its source."""
    model = _model(entry, country, ("{key}",), "{key} {name}")
    name = f"each_state:{model.id}"
    if name in sources:
        entry.problem(f"two agencies are called {model.id}", "Rename one of them.", "id")
    sources[name] = entry
    for key, state in states.values():
        one = _for_state(model, key, state)
        shared[one.id] = one
        sources.setdefault(one.id, entry)


def _at(entry: Entry) -> str:
    return f"{entry.file}:{entry.line}"


def _model(entry: Entry, country: str, one_of: tuple[str, ...], fields: str) -> Agency:
    """An agency with fields to fill in; its id must hold exactly one of ``one_of``."""
    model = _agency(entry, country)
    if model.id and sum(model.id.count(one) for one in one_of) != 1:
        known = " or ".join(one_of)
        entry.problem(f"the id must hold {known}", f"Write it as {model.kind}@{one_of[0]}.", "id")
    if model.way != leaving.INBOX:
        hint = "Write an [[agency]] block for each body that chooses its own way."
        entry.problem("many bodies cannot share one way of delivery", hint, "delivery")
    keys = ("id", "name", "parent", "via")
    texts = [(key, getattr(model, key) or "") for key in keys]
    for key, text in (*texts, *(("oversight", id) for id in model.oversight)):
        for found in re.findall(r"\{[^}]*\}?", text):
            if found not in fields.split():
                hint = nearest(found, fields.split(), "Delete it.")
                entry.problem(f"{found} is nothing that is filled in here", hint, key)
    return model


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
        way=leaving.read(entry),
    )
    if bool(one.source) != bool(one.verified_on):
        hint = "Add the other one; while nobody has read the name in a source, delete both."
        entry.problem("source and verified_on stand together: where and when it was read", hint)
    entry.close()
    return one


def _queues(document: Document, sources: dict[str, Entry]) -> dict[str, Queue]:
    queues: dict[str, Queue] = {}
    for entry in document.entries("queue"):
        queue = Queue(
            entry.text("id"),
            entry.text("agency"),
            entry.text("certificate", required=False) or None,
            entry.flag("staffed"),
        )
        entry.close()
        kind = queue.id.partition(":")[0]
        if kind not in set(QueueKind):
            if queue.id:
                hint = nearest(kind, QueueKind, "Take a known kind.")
                entry.problem(f"{queue.id} is not a kind of queue", hint, "id")
            continue
        if queue.kind.special and queue.certificate is None:
            hint = f'Add certificate = "{kind}".'
            entry.problem(f"{queue.id} is special and must name its certificate", hint, "id")
        elif queue.certificate not in (None, kind):
            hint = f'People are certified by kind: write certificate = "{kind}".'
            entry.problem(f"{queue.id} asks for a certificate nobody has", hint, "certificate")
        if queue.id in queues:
            hint = f"Delete one, or give one another jurisdiction, such as {kind}:BR-RJ."
            entry.problem(f"two queues are called {queue.id}", hint, "id")
        queues[queue.id] = queue
        sources[f"queue:{queue.id}"] = entry
    return queues
