"""Profile: who serves a jurisdiction: its bodies, desks, numbers and places, read from a directory.

``profile.toml`` (and ``states.toml``), ``agencies.toml`` (and ``municipalities.toml``) and
``queues.toml``. Bodies form a tree by ``parent``; ``via`` says whose inbox receives for a body.
Rows every state or municipality shares are written once, as patterns. A profile is a fact sheet:
what to do with a tip stands in rules.toml (see rules.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hotline.routing.tables import Document, Entry, Problem, RuleFileProblem
from hotline.tips import Language, QueueKind, queue_kind

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


@dataclass(frozen=True, slots=True)
class Agency:
    """A body that receives tips or stands above one that does. ``jurisdiction`` is a country
    (``BR``), a state (``BR-RJ``) or a municipality key. ``receives`` is false for bodies that
    exist only as branches of the tree. ``oversight`` names who takes over when it is recused;
    ``stands_for`` the kinds of bodies a branch stands for when the place is not known."""

    id: str
    name: str
    kind: str
    parent: str | None
    jurisdiction: str
    functions: frozenset[str] = frozenset()
    valid_from: date | None = None
    valid_to: date | None = None
    via: str | None = None
    independent: bool = False
    receives: bool = True
    oversight: tuple[str, ...] = ()
    stands_for: frozenset[str] = frozenset()

    @property
    def level(self) -> str:
        """``municipality``, ``state`` or ``country``."""
        if ":" in self.jurisdiction:
            return "municipality"
        return "state" if "-" in self.jurisdiction else "country"

    def valid(self, day: date) -> bool:
        """Whether it exists on ``day``; both ends of its validity are included."""
        return (self.valid_from or day) <= day <= (self.valid_to or day)


@dataclass(frozen=True, slots=True)
class Queue:
    """A group of people with a key, belonging to ``agency``; ``certificate`` or None."""

    id: str
    agency: str
    certificate: str | None
    staffed: bool

    @property
    def kind(self) -> QueueKind:
        return queue_kind(self.id)


@dataclass(frozen=True, slots=True)
class EmergencyNumber:
    """A number that may be shown to the public: ``verified_on`` is the day its ``source`` was
    read. ``purpose``: police, ambulance, fire, women, human-rights or tips."""

    purpose: str
    label: str
    number: str
    verified_on: date
    source: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A body each municipality has. Its id holds ``{code}`` or ``{key}`` once."""

    entry: Agency
    line: tuple[str, int] = ("agencies.toml", 1)

    def key(self, id: str, scheme: str) -> str | None:
        """The municipality whose body ``id`` is, if it is one of this pattern's."""
        field_, bare = ("{key}", False) if "{key}" in self.entry.id else ("{code}", True)
        head, _, tail = self.entry.id.partition(field_)
        if not (id.startswith(head) and id.endswith(tail)) or len(id) > 80:
            return None
        key = id[len(head) : len(id) - len(tail) or None]
        key = f"{scheme}:{key}" if bare else key
        code = key.removeprefix(f"{scheme}:")
        return key if key != code and len(code) == 7 and code.isascii() and code.isdigit() else None

    def body(self, key: str, state: str) -> Agency:
        def fill(text: str) -> str:
            return (
                text.replace("{key}", key)
                .replace("{code}", key.rpartition(":")[2])
                .replace("{state}", state)
            )

        one = self.entry
        return replace(
            one,
            id=fill(one.id),
            name=fill(one.name),
            parent=fill(one.parent) if one.parent else None,
            via=fill(one.via) if one.via else None,
            oversight=tuple(fill(id) for id in one.oversight),
            jurisdiction=key,
        )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One jurisdiction. ``agencies`` holds every body written out; those that patterns imply
    are found by ``agency``. ``version`` is the fingerprint of all its files, 12 hex digits."""

    id: str
    name: str
    country: str
    state: str | None
    zone: ZoneInfo
    languages: tuple[Language, ...]
    suffix: str
    scheme: str
    states: Mapping[str, str]
    agencies: Mapping[str, Agency]
    patterns: tuple[Pattern, ...]
    queues: Mapping[str, Queue]
    desks: tuple[str, ...]
    oversight: tuple[str, ...]
    emergency: tuple[EmergencyNumber, ...]
    elsewhere: tuple[EmergencyNumber, ...]
    version: str
    folder: Path
    cues: Path
    lines: Mapping[str, tuple[str, int]] = field(repr=False, compare=False)
    _found: dict[str, Agency | None] = field(default_factory=dict, repr=False, compare=False)
    _served: dict[str, tuple[Agency, ...]] = field(default_factory=dict, repr=False, compare=False)

    @staticmethod
    def load(name_or_dir: str | Path) -> Profile:
        """A built-in profile by name (``br-rj``, ``br``) or any directory. Raises
        RuleFileProblem with every problem found, each with its file and line."""
        folder = find(name_or_dir)
        problems: list[Problem] = []
        profile = _read(folder, problems)
        if profile is not None and not problems:
            problems += _check(profile)
        if problems or profile is None:
            raise RuleFileProblem(tuple(sorted(problems)))
        return profile

    def agency(self, id: str) -> Agency | None:
        """The body called ``id``, written out or implied by a pattern."""
        if id in self.agencies:
            return self.agencies[id]
        if id not in self._found:
            if len(self._found) > 50_000:  # ids come from outside too: never grow without bound
                self._found.clear()
            self._found[id] = self._implied(id)
        return self._found[id]

    def _implied(self, id: str) -> Agency | None:
        for pattern in self.patterns:
            key = pattern.key(id, self.scheme)
            state = self.state_of(key) if key else None
            if key and state:
                return pattern.body(key, state)
        return None

    def state_of(self, municipality: str) -> str | None:
        """``BR:IBGE:3304557`` → ``BR-RJ``, by the digits its code begins with; None if this
        profile does not serve it."""
        if not municipality.startswith(f"{self.scheme}:"):
            return None
        return self.states.get(municipality[len(self.scheme) + 1 :][:2])

    @cached_property
    def state_keys(self) -> frozenset[str]:
        return frozenset(self.states.values())

    def municipal(self, municipality: str) -> tuple[Agency, ...]:
        """Every body of one municipality, written out or implied."""
        state = self.state_of(municipality)
        written = self._by_place.get(municipality, ())
        if state is None:
            return written
        known = {one.id for one in written}
        implied = (pattern.body(municipality, state) for pattern in self.patterns)
        return (*written, *(one for one in implied if one.id not in known))

    @cached_property
    def _by_place(self) -> Mapping[str, tuple[Agency, ...]]:
        places: dict[str, tuple[Agency, ...]] = {}
        for one in self.agencies.values():
            places[one.jurisdiction] = (*places.get(one.jurisdiction, ()), one)
        return places

    def serving(self, jurisdiction: str) -> tuple[Agency, ...]:
        """The bodies of exactly this country, state or municipality."""
        if ":" not in jurisdiction:
            return self._by_place.get(jurisdiction, ())
        if jurisdiction not in self._served:
            if len(self._served) > 10_000:
                self._served.clear()
            self._served[jurisdiction] = self.municipal(jurisdiction)
        return self._served[jurisdiction]

    def holder(self, function: str, jurisdiction: str, day: date) -> Agency | None:
        """Who holds a function in exactly this jurisdiction on this day."""
        for one in self.serving(jurisdiction):
            if function in one.functions and one.valid(day):
                return one
        return None

    def ancestors(self, id: str) -> Iterator[Agency]:
        """The body itself, then what stands above it, up to the root."""
        seen: set[str] = set()
        while (one := self.agency(id)) and one.id not in seen:
            seen.add(one.id)
            yield one
            if one.parent is None:
                return
            id = one.parent

    def subtree(self, id: str) -> tuple[str, ...]:
        """Every body written out that stands under ``id``, itself included."""
        return tuple(a for a in self.agencies if any(up.id == id for up in self.ancestors(a)))

    def under(self, id: str, roots: Iterable[str]) -> bool:
        """Whether ``id`` is one of ``roots``, stands under one, or receives through one."""
        roots = frozenset(roots)
        return any(
            up.id in roots or (up.via is not None and self._receives_through(up.via, roots))
            for up in self.ancestors(id)
        )

    def _receives_through(self, via: str, roots: frozenset[str]) -> bool:
        return any(up.id in roots for up in self.ancestors(self.inbox(via))) or via in roots

    def inbox(self, id: str) -> str:
        """Whose key receives for ``id``: itself, or the end of its ``via`` chain. Raises KeyError
        for a body nobody knows."""
        seen: list[str] = []
        while True:
            one = self.agency(id)
            if one is None or id in seen:
                raise KeyError(id)
            if one.via is None:
                return id
            seen.append(id)
            id = one.via

    def recipients(self) -> tuple[str, ...]:
        """Everyone for whom keys must exist: ``queue:<id>`` and ``agency:<id>``."""
        inboxes = (a.id for a in self.agencies.values() if a.receives and a.via is None)
        return (*(f"queue:{id}" for id in self.queues), *(f"agency:{id}" for id in inboxes))


def find(name_or_dir: str | Path) -> Path:
    """The directory of a profile. A bare word names a built-in one."""
    text = str(name_or_dir)
    built_in = Path(str(files("hotline").joinpath("routing", "data", "profiles")))
    if text.replace("-", "").isalnum() and (built_in / text).is_dir():
        return built_in / text
    return Path(name_or_dir)


def _read(folder: Path, problems: list[Problem]) -> Profile | None:
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
        states=MappingProxyType({prefix: key for prefix, (key, _) in states.items()}),
        agencies=MappingProxyType(agencies),
        patterns=patterns,
        queues=MappingProxyType(_queues(documents["queues.toml"])),
        desks=top.texts("desks"),
        oversight=top.texts("oversight"),
        emergency=_numbers(sheet, "number"),
        elsewhere=_numbers(sheet, "elsewhere"),
        version=_fingerprint(folder, cues),
        folder=folder,
        cues=cues,
        lines=MappingProxyType(where),
    )
    top.close()
    sheet.check_headers(frozenset({"number", "elsewhere"}))
    documents["queues.toml"].check_headers(frozenset({"queue"}))
    documents["states.toml"].check_headers(frozenset({"state"}))
    return profile


def _fingerprint(folder: Path, cues: Path) -> str:
    """Over names and bytes, length first, so that no two sets of files look alike."""
    digest = hashlib.sha256()
    for path in sorted({cues, *(folder / name for name in FILES)}, key=lambda p: p.name):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _zone(top: Entry) -> ZoneInfo:
    name = top.text("time_zone")
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        top.problem("time_zone is not a zone such as America/Sao_Paulo", "time_zone")
        return ZoneInfo("UTC")


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
    )
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
        (pattern.line, pattern.body(f"{profile.scheme}:{prefix}00000", key))
        for pattern in profile.patterns
        for prefix, key in profile.states.items()
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
