"""Duty: whom danger rings, at which hours, by which ways and after which pauses, as data.

``[[duty]]`` rows of a profile are posts of an agency, ``[relay]`` the pauses. The order of the rows
is the order of ringing. A week with an hour in which nobody could be rung is named by ``holes``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hotline.routing import phone
from hotline.routing.tables import Document, Entry, nearest
from hotline.tips import Language

DAY = 24 * 60
ALWAYS = tuple((day, 0, DAY) for day in range(7))
KEY_DIGITS = 8
LONGEST_POST = 60
_E164 = re.compile(r"\+[1-9]\d{7,14}")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Span = tuple[int, int, int]  # day of the week (Monday 0), first minute, minute after the last


class Way(StrEnum):
    CALL = "call"
    SMS = "sms"
    WEBHOOK = "webhook"


USUAL_WAYS = (Way.CALL, Way.SMS)


@dataclass(frozen=True, slots=True)
class Duty:
    """A post on duty of ``agency`` that is told of danger and of lateness; with ``watch``, only of
    alarms on unusual reading. ``number`` is a staff telephone in E.164, or empty where only a
    ``webhook`` is rung. ``last``: of nobody's own chain, rung when everybody before was."""

    agency: str
    number: str
    watch: bool = False
    post: str = ""
    ways: tuple[Way, ...] = USUAL_WAYS
    webhook: str = ""
    spans: tuple[Span, ...] = ALWAYS
    language: Language | None = None
    last: bool = False

    @property
    def key(self) -> str:
        """What a sealed notice calls this post. It outlives a corrected number, hour or way, and
        never a post that moves to another agency: who may be rung was decided by agency."""
        name = self.post or self.number or self.webhook
        digest = hashlib.sha256(f"{self.agency}\n{name}".encode()).hexdigest()
        return digest[:KEY_DIGITS]

    def on_duty(self, local: datetime) -> bool:
        """``local`` is a time of the jurisdiction."""
        day, minute = local.weekday(), local.hour * 60 + local.minute
        return any(at == day and first <= minute < after for at, first, after in self.spans)


@dataclass(frozen=True, slots=True)
class Pauses:
    """``[relay]``, in seconds unless named otherwise. ``ring``: how long a telephone rings;
    ``talk``: how long somebody may then listen before the next post is rung; ``answer``: how long
    a text or webhook may go unanswered; ``rest``: from the last post to the first one again;
    ``rounds``: how often the posts of one agency are rung before the next agency's are;
    ``alarm_minutes``: after how long without a human the alarm is raised."""

    ring: int = 30
    talk: int = 60
    answer: int = 60
    rest: int = 60
    rounds: int = 1
    alarm_minutes: int = 10


_BOUNDS: Mapping[str, tuple[int, int]] = {
    "ring": (5, 120),
    "talk": (20, 300),
    "answer": (5, 900),
    "rest": (5, 900),
    "rounds": (1, 5),
    "alarm_minutes": (1, 60),
}


def read(
    sheet: Document, agencies: Iterable[str], languages: Sequence[Language]
) -> tuple[Duty, ...]:
    """Every ``[[duty]]``, each mistake reported to its own row."""
    known, posts = tuple(agencies), []
    keys: dict[str, Duty] = {}
    for entry in sheet.entries("duty"):
        post = _post(entry, known, languages)
        if (other := keys.get(post.key)) is not None and (post.post or other.post):
            hint = "Give each post of an agency a name of its own."
            entry.problem(f"two posts of {post.agency} are called {post.post}", hint, "post")
        keys[post.key] = post
        posts.append(post)
        entry.close()
    return tuple(posts)


def _post(entry: Entry, agencies: Sequence[str], languages: Sequence[Language]) -> Duty:
    agency, number = entry.text("agency"), entry.text("number", required=False)
    if agency and agency not in agencies:
        hint = nearest(agency, agencies, "Take an id of agencies.toml.")
        entry.problem(f"no agency is called {agency}", hint, "agency")
    if number and not _E164.fullmatch(number):
        entry.problem("number is not E.164", "Write it as +5521990000000.", "number")
    name = entry.text("post", required=False)
    if len(name) > LONGEST_POST:
        entry.problem("post is too long", f"Write at most {LONGEST_POST} letters.", "post")
    webhook = entry.text("webhook", required=False)
    if webhook and not _reachable(webhook):
        hint = "Write the whole address, such as https://agency.example/urgent."
        entry.problem("webhook is no https address", hint, "webhook")
    ways = _ways(entry, number, webhook)
    spans = tuple(span for text in entry.texts("hours") for span in phone.spans(entry, text))
    spoken = entry.text("language", required=False)
    language = Language.parse(spoken) if spoken else None
    if spoken and language not in languages:
        hint = nearest(spoken, languages, "Take one of the profile's languages.")
        entry.problem(f"language {spoken} is none of this profile's", hint, "language")
    watch, last = entry.flag("watch"), entry.flag("last")
    if watch and (last or webhook):
        hint = "A post that watches readers gets texts only: give danger a row of its own."
        entry.problem("watch does not go with last or webhook", hint, "watch")
    return Duty(
        agency,
        number,
        watch,
        post=name,
        ways=ways,
        webhook=webhook,
        spans=spans or ALWAYS,
        language=language,
        last=last,
    )


def _reachable(url: str) -> bool:
    try:
        address = urlsplit(url)
        host = address.hostname or ""
    except ValueError:
        return False
    if address.username or address.fragment or not host or any(c.isspace() for c in url):
        return False
    return address.scheme == "https" or (address.scheme == "http" and host in _LOOPBACK)


def _ways(entry: Entry, number: str, webhook: str) -> tuple[Way, ...]:
    asked = entry.texts("ways")
    if not asked:
        usual = USUAL_WAYS if number else ()
        if not usual and not webhook:
            entry.problem("this post has neither number nor webhook", "Add one.", "number")
        return (*usual, *((Way.WEBHOOK,) if webhook else ()))
    found = []
    for text in dict.fromkeys(asked):
        if text not in list(Way):
            hint = nearest(text, list(Way), "Take call, sms or webhook.")
            entry.problem(f"ways: {text} is no way of ringing", hint, "ways")
            continue
        way = Way(text)
        if way is Way.WEBHOOK and not webhook:
            entry.problem("ways names webhook, but there is none", "Add webhook = …", "ways")
        elif way is not Way.WEBHOOK and not number:
            entry.problem(f"ways names {way}, but there is no number", "Add number = …", "ways")
        else:
            found.append(way)
    return tuple(found)


def read_pauses(sheet: Document) -> Pauses:
    """``[relay]`` of a profile; what it does not say is as by default."""
    usual, entries = Pauses(), list(sheet.entries("relay"))
    if not entries:
        return usual
    for other in entries[1:]:
        other.problem("there is a second [relay]", "Keep one.")
    entry, found = entries[0], {}
    for key, (least, most) in _BOUNDS.items():
        found[key] = entry.number(key, getattr(usual, key))
        if not least <= found[key] <= most:
            entry.problem(f"{key} is {found[key]}", f"Write {least} to {most}.", key)
            found[key] = getattr(usual, key)
    entry.close()
    return Pauses(**found)


def now(zone: ZoneInfo, seconds: float) -> datetime:
    """The jurisdiction's time at ``seconds`` since 1970."""
    return datetime.fromtimestamp(seconds, zone)


def holes(posts: Iterable[Duty]) -> list[str]:
    """The hours of a week in which none of ``posts`` is on duty: ``mo 20:00-24:00``."""
    spans = [span for post in posts for span in post.spans]
    found = []
    for day, name in enumerate(phone.DAYS):
        at = 0
        for first, after in sorted((f, a) for d, f, a in spans if d == day):
            if first > at:
                found.append(f"{name} {_hour(at)}-{_hour(first)}")
            at = max(at, after)
        if at < DAY:
            found.append(f"{name} {_hour(at)}-{_hour(DAY)}")
    return found


def _hour(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
