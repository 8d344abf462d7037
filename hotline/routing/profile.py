"""Profile: who serves a jurisdiction: its bodies, desks, numbers and places, read from a directory.

Bodies form a tree by ``parent``; ``via`` says whose inbox receives for a body. Rows that every
state or municipality shares are written once, as patterns. A profile is a fact sheet: what to do
with a tip stands in rules.toml (see rules.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from hotline.routing.answering import Answering
from hotline.routing.duty import Duty, Pauses
from hotline.routing.leaving import INBOX, Way
from hotline.routing.phone import Phone
from hotline.routing.retention import Retention
from hotline.routing.watch import Watching
from hotline.tips import Language, QueueKind, queue_kind

VERSION_DIGITS = 12
# What a number that may be shown to the public is for; human-rights helps with all of the four
# before it.
PURPOSES = (
    *("police", "ambulance", "fire", "women", "children", "trafficking", "extortion"),
    *("human-rights", "support", "tips"),
)
_BUILT_IN = Path(str(files("hotline").joinpath("routing", "data", "profiles")))
# A year, and a month for whoever forgets. An old number may ring at a stranger who then knows of a
# report: it goes. Police, ambulance and fire stay: their numbers are fixed for the whole country,
# and somebody in danger who finds none is worse off than somebody who finds an old one.
FRESH_DAYS = 400
_LASTING = frozenset({"police", "ambulance", "fire"})


@dataclass(frozen=True, slots=True)
class Agency:
    """A body that receives tips or stands above one that does. ``jurisdiction`` is a country
    (``BR``), a state (``BR-RJ``) or a municipality key. ``receives`` is false for bodies that
    exist only as branches of the tree. ``oversight`` names who takes over when it is recused;
    ``stands_for`` the kinds of bodies a branch stands for when the place is not known.
    ``verified_on`` is the day its name was read in ``source``, None while nobody has; ``way`` how
    its packages reach it."""

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
    source: str = ""
    verified_on: date | None = None
    way: Way = INBOX

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
    read. ``purpose`` is one of PURPOSES."""

    purpose: str
    label: str
    number: str
    verified_on: date
    source: str

    def days_left(self, day: date) -> int:
        """For how many more days its reading is fresh enough; negative when it is too old."""
        return FRESH_DAYS - (day - self.verified_on).days

    def shown(self, day: date) -> bool:
        """Whether the public sees it on ``day``."""
        return self.purpose in _LASTING or self.days_left(day) >= 0


@dataclass(frozen=True, slots=True)
class Pattern:
    """A body each municipality has. Its id holds ``{code}`` or ``{key}`` once."""

    entry: Agency
    line: tuple[str, int] = ("agencies.toml", 1)

    def key(self, id: str, scheme: str) -> str | None:
        """The key of the municipality whose body ``id`` would be; whether there is one is for
        ``Profile.state_of``."""
        field_, bare = ("{key}", False) if "{key}" in self.entry.id else ("{code}", True)
        head, _, tail = self.entry.id.partition(field_)
        if not (id.startswith(head) and id.endswith(tail)) or len(id) > 80:
            return None
        key = id[len(head) : len(id) - len(tail) or None]
        key = f"{scheme}:{key}" if bare else key
        return key if key.startswith(f"{scheme}:") else None

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
    are found by ``agency``. A municipality's key is ``scheme`` and a code of ``digits`` digits;
    ``states`` are keys by the digits their codes begin with. ``phone`` is when operators take
    calls, None where none do, ``relay`` the pauses of ringing, ``watch`` what reading is usual.
    ``leave`` is where "Leave this page" leads; ``data_licence`` under which published figures may
    be passed on, ``data_contact`` who answers for personal data, both empty where the line says
    nothing; ``retention`` how long tips may live, ``answering`` by when bodies answer. ``digest``
    is the fingerprint of its files (see profile_files); ``lines`` where each body, pattern and
    state is written, and each key of them (``pcerj.functions``, ``profile.desks``)."""

    id: str
    name: str
    country: str
    state: str | None
    zone: ZoneInfo
    languages: tuple[Language, ...]
    suffix: str
    scheme: str
    digits: int
    states: Mapping[str, str]
    agencies: Mapping[str, Agency]
    patterns: tuple[Pattern, ...]
    queues: Mapping[str, Queue]
    desks: tuple[str, ...]
    oversight: tuple[str, ...]
    emergency: tuple[EmergencyNumber, ...]
    elsewhere: tuple[EmergencyNumber, ...]
    duty: tuple[Duty, ...]
    relay: Pauses
    phone: Phone | None
    watch: Watching
    leave: str
    data_licence: str
    data_contact: str
    retention: Retention
    answering: Answering
    digest: str
    folder: Path
    cues: Path
    lines: Mapping[str, tuple[str, int]] = field(repr=False, compare=False)
    _found: dict[str, Agency | None] = field(default_factory=dict, repr=False, compare=False)
    _served: dict[str, tuple[Agency, ...]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def version(self) -> str:
        """The digest's first 12 digits: what decisions and people call it."""
        return self.digest[:VERSION_DIGITS]

    @staticmethod
    def load(name_or_dir: str | Path) -> Profile:
        """A built-in profile by name (``br-rj``, ``br``) or any directory. Raises
        RuleFileProblem with every problem found, each with its file and line."""
        from hotline.routing import profile_files  # it needs the types of this module

        return profile_files.read(find(name_or_dir))

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
        scheme, _, code = municipality.rpartition(":")
        if scheme != self.scheme or len(code) != self.digits:
            return None
        if not (code.isascii() and code.isdigit()):
            return None
        found = (self.states.get(code[:size]) for size in self._prefix_sizes)
        return next((state for state in found if state), None)

    @cached_property
    def _prefix_sizes(self) -> tuple[int, ...]:
        return tuple(sorted({len(prefix) for prefix in self.states}, reverse=True))

    def samples(self) -> tuple[tuple[str, str], ...]:
        """For each state a municipality key that no law ever gave, and the state: what holds
        for it holds for every municipality without a row of its own."""
        return tuple(
            (f"{self.scheme}:{prefix.ljust(self.digits, '0')}", state)
            for prefix, state in self.states.items()
        )

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

    def over(self, id: str) -> frozenset[str]:
        """The bodies whose recusal takes ``id`` along: ``under(id, roots)`` for any of them."""
        found: set[str] = set()
        for up in self.ancestors(id):
            found.add(up.id)
            if up.via is not None:
                found |= {up.via, *(one.id for one in self.ancestors(self.inbox(up.via)))}
        return frozenset(found)

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

    def covers(self, outer: str, inner: str) -> bool:
        """Whether the jurisdiction ``inner`` is ``outer`` or lies in it."""
        return outer in (inner, self.country) or (":" in inner and outer == self.state_of(inner))

    def changes(self, day: date) -> tuple[date, ...]:
        """The days after ``day`` on which a body's validity begins or has ended."""
        bodies = (*self.agencies.values(), *(pattern.entry for pattern in self.patterns))
        starts = {one.valid_from for one in bodies if one.valid_from}
        ends = {one.valid_to + timedelta(1) for one in bodies if one.valid_to}
        return tuple(sorted(edge for edge in starts | ends if edge > day))

    def emergency_on(self, day: date) -> tuple[EmergencyNumber, ...]:
        """The numbers for people in need that the public may see on ``day``."""
        return tuple(number for number in self.emergency if number.shown(day))

    def elsewhere_on(self, day: date) -> tuple[EmergencyNumber, ...]:
        """The other ways to report that the public may see on ``day``."""
        return tuple(number for number in self.elsewhere if number.shown(day))

    def unconfirmed(self) -> tuple[str, ...]:
        """Bodies with an inbox whose name nobody has read in a source."""
        return tuple(id for id in self.inboxes() if self.agencies[id].verified_on is None)

    def inboxes(self) -> tuple[str, ...]:
        """Bodies written out that receive with a key of their own."""
        return tuple(a.id for a in self.agencies.values() if a.receives and a.via is None)

    def recipients(self) -> tuple[str, ...]:
        """Everyone for whom keys must exist: ``queue:<id>`` and ``agency:<id>``."""
        return (*(f"queue:{id}" for id in self.queues), *(f"agency:{id}" for id in self.inboxes()))


def built_ins() -> tuple[str, ...]:
    """The names of the profiles that come with the product."""
    return tuple(
        sorted(one.name for one in _BUILT_IN.iterdir() if (one / "profile.toml").is_file())
    )


def find(name_or_dir: str | Path) -> Path:
    """The directory of a profile. A bare word names a built-in one."""
    text = str(name_or_dir)
    if text.replace("-", "").isalnum() and (_BUILT_IN / text).is_dir():
        return _BUILT_IN / text
    return Path(name_or_dir)


def built_in(folder: Path) -> bool:
    """Whether ``folder`` came with the program, so that an update would replace it."""
    return folder.resolve().is_relative_to(_BUILT_IN.resolve())
