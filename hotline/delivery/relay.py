"""Relay: danger rings, post after post and way after way, until a human acknowledges.

A pure state machine: what it knows (``Standing``), what was heard, the time and the ladder go in;
what it knows then, and at most one thing to do, come out. It reads no clock and calls nobody:
hotline/jobs/relaying.py does. Whom a ladder may hold is decided by ``posts`` when the notice is
sealed, where the tip's recusals are known: no later step can forget them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from hotline.routing import duty
from hotline.routing.duty import Duty, Pauses, Way
from hotline.routing.profile import Profile
from hotline.tips import Redacted

MOST_POSTS = 20
# Calls that may still be answered. The one before last is long over when another rings.
MOST_OPEN = 3
RETRY = 15  # seconds, after a round in which not even one post could be reached


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: a post by one of its ways."""

    post: Duty
    way: Way


@dataclass(frozen=True, slots=True)
class Out:
    """A call that may still be answered: the one-time reference it was given, the post's key, the
    provider's identifier of it where known."""

    ref: str
    post: str
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a relay stands. ``since`` and ``until`` are seconds since 1970; ``at`` is the rung
    that is out, or -1 while none was or all rest; ``reached`` whether any rung of this round was
    taken by the provider; ``tried`` how many rungs of the ladder were ever tried."""

    since: int
    at: int = -1
    round: int = 0
    until: int = 0
    ref: str = ""
    calls: tuple[Out, ...] = ()
    reached: bool = False
    tried: int = 0
    alarmed: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """``ring``: the rung to be rung now under ``standing.ref``; ``alarm``: to be raised now."""

    standing: Standing
    ring: Rung | None = None
    alarm: bool = False


def advance(
    standing: Standing,
    ladder: Sequence[Rung],
    local: datetime,
    pauses: Pauses,
    fresh: str,
    *,
    ended: bool = False,
    acknowledged: bool = False,
) -> Outcome:
    """One look at a relay. ``local`` is now, in the jurisdiction's zone; ``fresh`` a reference
    that nothing had before. ``ended``: the call that is out is over without a human (busy, not
    answered, a machine, no key, passed on). Only ``acknowledged`` ends the relay."""
    now = int(local.timestamp())
    if standing.over:
        return Outcome(standing)
    if acknowledged:
        return Outcome(replace(standing, over=True, ref=""))
    alarm = not standing.alarmed and now - standing.since >= 60 * pauses.alarm_minutes
    standing = replace(standing, alarmed=standing.alarmed or alarm)
    if now < standing.until and not (ended and standing.ref):
        return Outcome(standing, alarm=alarm)
    standing = replace(standing, reached=standing.reached or bool(standing.ref))
    found = _next(standing.at, ladder, local)
    if found is None:
        return Outcome(_rest(standing, now, pauses), alarm=alarm)
    rung, calls = ladder[found], standing.calls
    if rung.way is Way.CALL:
        calls = (*calls, Out(fresh, rung.post.key))[-MOST_OPEN:]
    standing = replace(
        standing,
        at=found,
        until=now + patience(rung.way, pauses),
        ref=fresh,
        calls=calls,
        tried=max(standing.tried, found + 1),
    )
    return Outcome(standing, rung, alarm)


def failed(standing: Standing) -> Standing:
    """The rung that is out could not be rung at all: the next one is due now."""
    calls = tuple(call for call in standing.calls if call.ref != standing.ref)
    return replace(standing, ref="", until=0, calls=calls)


def called(standing: Standing, sid: str) -> Standing:
    """The provider rings, and calls it ``sid``."""
    return replace(
        standing,
        calls=tuple(replace(c, sid=sid) if c.ref == standing.ref else c for c in standing.calls),
    )


def patience(way: Way, pauses: Pauses) -> int:
    """Seconds until the next rung, when nothing is heard from this one."""
    return pauses.ring + pauses.talk if way is Way.CALL else pauses.answer


def wait(standing: Standing, now: int, pauses: Pauses) -> int:
    """Seconds until somebody must look again, whatever is heard: at least one."""
    at = standing.until
    if not standing.alarmed:
        at = min(at, standing.since + 60 * pauses.alarm_minutes)
    return max(1, at - now)


def _next(at: int, ladder: Sequence[Rung], local: datetime) -> int | None:
    """The first rung after ``at`` that is on duty. When no post is on duty at all, hours count for
    nothing: somebody woken at night is better than nobody told."""
    anybody = any(rung.post.on_duty(local) for rung in ladder)
    for place in range(at + 1, len(ladder)):
        if not anybody or ladder[place].post.on_duty(local):
            return place
    return None


def _rest(standing: Standing, now: int, pauses: Pauses) -> Standing:
    pause = pauses.rest if standing.reached else min(pauses.rest, RETRY)
    return replace(
        standing, at=-1, ref="", until=now + pause, round=standing.round + 1, reached=False
    )


def ladder(posts: Sequence[Duty], rounds: int = 1) -> tuple[Rung, ...]:
    """The rungs of these posts in order; an agency's are climbed ``rounds`` times before the next
    agency's."""
    agencies = dict.fromkeys((post.agency, post.last) for post in posts)
    return tuple(
        Rung(post, way)
        for agency in agencies
        for _ in range(rounds)
        for post in posts
        if (post.agency, post.last) == agency
        for way in post.ways
    )


def posts(
    profile: Profile, queue: str, leads: Iterable[str], recused: Iterable[str]
) -> tuple[Duty, ...]:
    """Whom danger of this tip may ring, in order: the bodies that must act, the body that runs the
    desk, those above them, posts marked ``last``. Where that names nobody, everybody on the sheet.
    Never an implicated body, or one that stands under it or receives through it (promise 5)."""
    implicated = tuple(recused)
    sheet = [
        post
        for post in profile.duty
        if not post.watch and not profile.under(post.agency, implicated)
    ]
    asked = (*leads, profile.queues[queue].agency if queue in profile.queues else "")
    bodies = dict.fromkeys(body for body in asked if body)
    above = [up.id for body in bodies for up in profile.ancestors(body)]
    order = tuple(dict.fromkeys((*bodies, *above)))
    found = [post for body in order for post in sheet if post.agency == body and not post.last]
    found += [post for post in sheet if post.last]
    return tuple(dict.fromkeys(found or sheet))[:MOST_POSTS]


def holes(profile: Profile) -> dict[str, list[str]]:
    """The hours of a week at which danger of a body would find nobody on duty: not at the body,
    not above it, not among the last. For each body that has posts or runs a staffed desk; empty
    for a profile that names nobody at all."""
    rung = [post for post in profile.duty if not post.watch]
    bodies = [post.agency for post in rung if not post.last]
    bodies += [queue.agency for queue in profile.queues.values() if queue.staffed and rung]
    found = {body: duty.holes(posts(profile, "", (body,), ())) for body in dict.fromkeys(bodies)}
    return {body: hours for body, hours in found.items() if hours}


@dataclass(frozen=True, slots=True, repr=False)
class Notice(Redacted):
    """What is sealed to the worker of a tip that tells of danger: the kind and place of the event
    and nothing of its reporter; ``posts`` are the keys of those who may be rung."""

    tip: bytes
    queue: str
    type: str
    place: str
    municipality: str
    posts: tuple[str, ...]
    numbers: tuple[str, ...]
    instead_of: str
    standing: Standing | None

    @classmethod
    def read(cls, facts: Mapping[str, str]) -> Notice:
        """Also a notice sealed before there were posts, which holds numbers."""
        stood = facts.get("standing", "")
        return cls(
            tip=bytes.fromhex(facts["tip"]),
            queue=facts.get("queue", ""),
            type=facts["type"],
            place=facts["place"],
            municipality=facts.get("municipality", ""),
            posts=tuple(filter(None, facts.get("posts", "").split(","))),
            numbers=tuple(filter(None, facts.get("duty", "").split(","))),
            instead_of=facts["instead_of"],
            standing=_standing(json.loads(stood)) if stood else None,
        )

    def facts(self) -> dict[str, str]:
        stood = asdict(self.standing) if self.standing else {}
        stood["calls"] = [[out.ref, out.post, out.sid] for out in (self.calls or ())]
        return {
            "tip": self.tip.hex(),
            "queue": self.queue,
            "type": self.type,
            "place": self.place,
            "municipality": self.municipality,
            "posts": ",".join(self.posts),
            "duty": ",".join(self.numbers),
            "instead_of": self.instead_of,
            "standing": json.dumps(stood, separators=(",", ":")) if self.standing else "",
        }

    @property
    def calls(self) -> tuple[Out, ...]:
        return self.standing.calls if self.standing else ()

    def ladder(self, profile: Profile) -> tuple[Rung, ...]:
        """With the hours, numbers and ways the sheet has today; a post that left it is not rung."""
        sheet = {post.key: post for post in profile.duty if not post.watch}
        known = [sheet[key] for key in self.posts if key in sheet]
        known += [Duty("", number, ways=(Way.SMS,)) for number in self.numbers]
        return ladder(known, profile.relay.rounds)


def _standing(stood: dict[str, Any]) -> Standing:
    return Standing(**stood | {"calls": tuple(Out(*call) for call in stood["calls"])})
