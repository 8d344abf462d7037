"""The relay's state machine: every step, every answer, in every order; and the rota as data."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotline.delivery import relay
from hotline.delivery.relay import MOST_OPEN, Notice, Standing, advance, called, failed, ladder
from hotline.routing import duty
from hotline.routing.duty import ALWAYS, Duty, Pauses, Way, holes
from hotline.routing.profile import Profile, built_ins
from hotline.routing.tables import Document, Problem
from hotline.tips import Language
from hotline.vault.envelope import ERRAND_BYTES

ALL = (Way.CALL, Way.SMS, Way.WEBHOOK)
FIRST = Duty("police", "+5521900000001", post="First", ways=ALL, webhook="https://a.example/x")
SECOND = Duty("police", "+5521900000002", post="Second", ways=(Way.CALL,))
ABOVE = Duty("state", "+5521900000003", post="Above", ways=(Way.SMS,))
PAUSES = Pauses(ring=30, talk=60, answer=60, rest=90, alarm_minutes=10)
LADDER = ladder((FIRST, SECOND, ABOVE))
NOON = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp())  # a Tuesday
WEBHOOK, SMS, CALL = Way.WEBHOOK, Way.SMS, Way.CALL


def local(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def look(standing: Standing, seconds: int, **heard: bool) -> relay.Outcome:
    fresh = f"{standing.round}-{standing.tried}-{standing.at}-{seconds}"
    return advance(standing, LADDER, local(seconds), PAUSES, fresh, **heard)


def test_the_first_look_rings_the_first_post() -> None:
    outcome = look(Standing(since=NOON), NOON)
    assert outcome.ring == LADDER[0]
    assert (outcome.standing.until, outcome.standing.tried) == (NOON + 90, 1)
    assert [out.post for out in outcome.standing.calls] == [FIRST.key]


def test_ways_of_a_post_then_the_next_post_then_the_body_above_then_again() -> None:
    standing, at, rung = Standing(since=NOON), NOON, []
    for _ in range(12):
        outcome = look(standing, at)
        standing = outcome.standing
        if outcome.ring:
            rung.append((outcome.ring.post.post, outcome.ring.way))
        at = standing.until
    once = [("First", CALL), ("First", SMS), ("First", WEBHOOK), ("Second", CALL), ("Above", SMS)]
    assert rung == once * 2
    assert standing.round == 2


def test_the_pauses_are_the_sheets() -> None:
    standing, at, pauses = Standing(since=NOON), NOON, []
    for _ in range(6):
        standing = look(standing, at).standing
        pauses.append(standing.until - at)
        at = standing.until
    assert pauses == [90, 60, 60, 90, 60, 90], "the last is the rest"


# What can come back from a step, as the machine is told it.
ANSWERS = {
    "key pressed": {"acknowledged": True},
    "signed in or taken": {"acknowledged": True},
    "answered without a key": {"ended": True},
    "busy": {"ended": True},
    "not answered": {"ended": True},
    "a mailbox": {"ended": True},
    "passed on": {"ended": True},
    "the provider fails": {"failed": True},
    "the webhook answers 500": {"failed": True},
    "time is over": {"late": True},
    "nothing yet": {},
    "the same once more": {},
}


def answer(standing: Standing, at: int, kind: dict[str, bool]) -> tuple[relay.Outcome, int]:
    if kind.get("failed"):
        standing = failed(standing)
    if kind.get("late"):
        at = max(at, standing.until)
    heard = {name: True for name in ("acknowledged", "ended") if kind.get(name)}
    return look(standing, at, **heard), at


def state_at(place: int) -> tuple[Standing, int]:
    """The machine with rung ``place`` out (-1: at rest after a round)."""
    standing, at = Standing(since=NOON), NOON
    while True:
        outcome = look(standing, at)
        standing = outcome.standing
        if standing.at == place and standing.until > at:
            return standing, at
        at = standing.until


@pytest.mark.parametrize("place", range(-1, len(LADDER)))
@pytest.mark.parametrize("name", ANSWERS)
def test_every_step_with_every_answer(place: int, name: str) -> None:
    kind = ANSWERS[name]
    standing, at = state_at(place)
    outcome, at = answer(standing, at, kind)
    if kind.get("acknowledged"):
        assert outcome.standing.over
        assert outcome.ring is None
        later = look(outcome.standing, at + 10_000, ended=True)
        assert later.standing == outcome.standing, "nothing wakes what is over"
        assert later.ring is None
    elif not kind or (place == -1 and not kind.get("late") and not kind.get("failed")):
        assert outcome.standing == standing
        assert outcome.ring is None
    elif place == len(LADDER) - 1:
        assert outcome.ring is None
        assert outcome.standing.round == standing.round + 1
        assert outcome.standing.until > at
    else:
        assert outcome.ring == LADDER[place + 1]
        assert outcome.standing.until == at + relay.patience(LADDER[place + 1].way, PAUSES)


def test_all_orders_of_answers_ring_on_until_somebody_acknowledges() -> None:
    """A walk over everything that can be told apart: each state with each answer, at any depth.
    From every state a human ends it at once, and without one it never ends and never waits longer
    than a step."""
    seen: set[tuple[object, ...]] = set()
    ahead = deque([(Standing(since=NOON), NOON)])
    longest = max(relay.patience(way, PAUSES) for way in Way)
    rung = set()
    while ahead:
        standing, at = ahead.popleft()
        for kind in ANSWERS.values():
            outcome, then = answer(standing, at, kind)
            new = outcome.standing
            if outcome.ring:
                rung.add(outcome.ring)
                assert new.ref
                assert outcome.ring.post.on_duty(local(then))
            if kind.get("acknowledged"):
                assert new.over
                continue
            assert not new.over
            assert 1 <= relay.wait(new, then, PAUSES) <= max(longest, PAUSES.rest)
            assert len(new.calls) <= MOST_OPEN
            gone = min(then - NOON, 60 * PAUSES.alarm_minutes) // 60
            mark = (new.at, bool(new.ref), new.reached, new.alarmed, new.tried, gone)
            if mark not in seen:
                seen.add(mark)
                ahead.append((new, then))
    assert rung == set(LADDER)
    assert {mark[0] for mark in seen} == set(range(-1, len(LADDER)))
    assert {mark[3] for mark in seen} == {False, True}


def test_an_alarm_is_raised_once_and_ringing_goes_on() -> None:
    standing, at, alarms, rings = Standing(since=NOON), NOON, [], 0
    while at < NOON + 3600:
        outcome = look(standing, at)
        standing = outcome.standing
        rings += outcome.ring is not None
        if outcome.alarm:
            alarms.append(at - NOON)
        at += relay.wait(standing, at, PAUSES)
    assert alarms == [600], "to the second, although a step was out"
    assert rings > 20


def test_a_restart_between_any_two_looks_changes_nothing() -> None:
    """What is kept is read back as it was: the walk goes on from any kept state."""
    standing, at = Standing(since=NOON), NOON
    for _ in range(14):
        standing = called(look(standing, at).standing, "CA" + "1" * 32)
        notice = Notice(b"\1" * 16, "general", "PER-01", "", "", ("ab",), (), "", standing)
        assert Notice.read(notice.facts()) == notice
        at = standing.until


def test_a_notice_with_all_it_may_hold_fits_what_an_errand_seals() -> None:
    calls = tuple(relay.Out("f" * 32, "0" * 8, "CA" + "f" * 32) for _ in range(MOST_OPEN))
    standing = Standing(NOON, 99, 99999, NOON, "f" * 32, calls, True, 99, False, False)
    notice = Notice(
        bytes(16),
        "vulnerable:BR-RJ",
        "PER-01",
        "ã" * 60,
        "BR:IBGE:3304557",
        ("0" * 8,) * relay.MOST_POSTS,
        (),
        "f" * 32,
        standing,
    )
    raw = json.dumps(notice.facts(), ensure_ascii=False).encode()
    assert len(raw) <= ERRAND_BYTES - 4


def test_off_duty_is_not_rung_but_nobody_on_duty_means_everybody() -> None:
    day = tuple((d, 8 * 60, 18 * 60) for d in range(7))
    night = tuple((d, 0, 8 * 60) for d in range(7)) + tuple((d, 18 * 60, 1440) for d in range(7))
    by_day, by_night = replace(FIRST, spans=day), replace(SECOND, spans=night)

    def rung(hour: int, *posts: Duty) -> list[str]:
        at = int(datetime(2026, 3, 10, hour, tzinfo=UTC).timestamp())
        outcome = advance(Standing(since=at), ladder(posts), local(at), PAUSES, "f")
        return [outcome.ring.post.post] if outcome.ring else []

    assert rung(12, by_day, by_night) == ["First"]
    assert rung(3, by_day, by_night) == ["Second"]
    assert rung(3, by_day) == ["First"], "somebody woken is better than nobody told"
    assert rung(3) == []


def test_a_ladder_climbs_one_agency_several_times_before_the_next() -> None:
    posts = (SECOND, ABOVE)
    assert [rung.post.post for rung in ladder(posts, 2)] == ["Second", "Second", "Above", "Above"]


def test_every_failing_provider_is_tried_again_soon() -> None:
    standing, at = Standing(since=NOON), NOON
    for _ in range(len(LADDER)):
        standing = failed(look(standing, at).standing)
    standing = look(standing, at).standing
    assert standing.until - at == relay.RETRY
    assert standing.calls == ()


# ---- The rota ----


def read(folder: Path, text: str) -> tuple[tuple[Duty, ...], Pauses, list[Problem]]:
    (folder / "profile.toml").write_text(text)
    problems: list[Problem] = []
    sheet = Document.read(folder / "profile.toml", problems)
    posts = duty.read(sheet, ("police", "state"), (Language.PT, Language.ES))
    return posts, duty.read_pauses(sheet), problems


SOUND = """
[relay]
ring = 20
rest = 120
rounds = 2

[[duty]]
agency = "police"
post = "Room"
number = "+5521900000001"
hours = ["Mo-Fr 08:00-20:00", "Sa 09:00-13:00"]
language = "es"

[[duty]]
agency = "state"
post = "System"
webhook = "https://state.example/urgent"

[[duty]]
agency = "state"
number = "+5521900000009"
last = true
ways = ["sms"]
"""


def test_a_rota_is_read(tmp_path: Path) -> None:
    (room, system, last), pauses, problems = read(tmp_path, SOUND)
    assert problems == []
    assert (pauses.ring, pauses.talk, pauses.rest, pauses.rounds) == (20, 60, 120, 2)
    assert room.ways == (Way.CALL, Way.SMS)
    assert room.language is Language.ES
    assert system.ways == (Way.WEBHOOK,)
    assert (last.last, last.ways, last.spans) == (True, (Way.SMS,), ALWAYS)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ('number = "21 90000"', "number is not E.164"),
        ('webhook = "ftp://x.example"', "webhook is no https address"),
        ('webhook = "http://agency.example/x"', "webhook is no https address"),
        ('webhook = "https://user:word@agency.example/x"', "webhook is no https address"),
        ('webhook = "https://["', "webhook is no https address"),
        ('post = "Nobody"', "this post has neither number nor webhook"),
        ('number = "+5521900000001"\nways = ["fax"]', "ways: fax is no way of ringing"),
        ('number = "+5521900000001"\nways = ["webhook"]', "ways names webhook, but there is none"),
        (
            'webhook = "https://a.example/"\nways = ["call"]',
            "ways names call, but there is no number",
        ),
        ('number = "+5521900000001"\nhours = ["8-18"]', "hours: 8-18 is no span of hours"),
        ('number = "+5521900000001"\nlanguage = "de"', "language de is none of this profile's"),
        ('number = "+5521900000001"\nwatch = true\nlast = true', "watch does not go with last"),
        (f'number = "+5521900000001"\npost = "{"x" * 61}"', "post is too long"),
        ('number = "+5521900000001"\nnumbr = 1', "numbr"),
    ],
)
def test_a_mistake_in_a_row_is_told_with_its_line(tmp_path: Path, row: str, sentence: str) -> None:
    *_, problems = read(tmp_path, f'\n[[duty]]\nagency = "police"\n{row}\n')
    assert any(sentence in problem.sentence for problem in problems), problems
    assert all(problem.line >= 2 for problem in problems)


def test_mistakes_in_pauses_and_names_are_told(tmp_path: Path) -> None:
    row = '[[duty]]\nagency = "police"\npost = "A"\nnumber = "+5521900000001"\n'
    *_, problems = read(tmp_path, f"[relay]\nring = 1\nrounds = 9\n{row}{row}")
    told = [problem.sentence for problem in problems]
    assert told == ["two posts of police are called A", "ring is 1", "rounds is 9"]


def test_holes_are_named_to_the_minute() -> None:
    post = Duty("police", "+5521900000001", spans=((0, 480, 1200), (0, 1260, 1440)))
    (first, second, *days) = holes([post])
    assert (first, second) == ("mo 00:00-08:00", "mo 20:00-21:00")
    assert days == [f"{day} 00:00-24:00" for day in ("tu", "we", "th", "fr", "sa", "su")]
    night = replace(post, spans=tuple(s for s in ALWAYS if s[0]))
    assert holes([post, night]) == ["mo 00:00-08:00", "mo 20:00-21:00"]
    assert holes([post, replace(post, spans=ALWAYS)]) == []


def test_a_body_without_a_night_is_told_with_its_hours_unless_somebody_above_has_one() -> None:
    profile = Profile.load("br-rj")
    assert relay.holes(profile) == {}, "nobody at all is for the doctor to say"
    day = tuple((d, 8 * 60, 20 * 60) for d in range(7))
    body = next(one for one in profile.agencies.values() if one.parent)
    by_day = Duty(body.id, "+5521900000001", post="Day", spans=day)
    found = relay.holes(replace(profile, duty=(by_day,)))
    assert found[body.id][:2] == ["mo 00:00-08:00", "mo 20:00-24:00"]
    assert body.parent
    above = Duty(body.parent, "+5521900000002", post="Above")
    assert body.id not in relay.holes(replace(profile, duty=(by_day, above)))
    last = Duty(body.id, "+5521900000003", post="Last", last=True)
    assert relay.holes(replace(profile, duty=(by_day, last))) == {}


# ---- Whom a tip may ring: promise 5, over every implicated body of every profile ----


def with_posts(profile: Profile) -> Profile:
    """A post for every body written out and one municipality's of each pattern, watched and last
    ones too."""
    bodies = list(profile.agencies)
    bodies += [one.id for key, _ in profile.samples()[:2] for one in profile.municipal(key)]
    posts = [Duty(body, f"+552190000{n:04}", post="p") for n, body in enumerate(bodies)]
    posts += [Duty(body, f"+552180000{n:04}", last=True) for n, body in enumerate(bodies[::7])]
    posts.append(Duty(bodies[0], "+5521700000000", watch=True))
    return replace(profile, duty=tuple(posts))


@pytest.mark.parametrize("name", built_ins())
def test_no_implicated_body_nor_any_beneath_it_is_ever_rung(name: str) -> None:
    profile = with_posts(Profile.load(name))
    queues = list(profile.queues)
    bodies = [post.agency for post in profile.duty]
    for n, implicated in enumerate(dict.fromkeys(bodies)):
        queue, leads = queues[n % len(queues)], (bodies[n * 5 % len(bodies)], implicated)
        found = relay.posts(profile, queue, leads, (implicated,))
        for post in found:
            assert not profile.under(post.agency, (implicated,)), (implicated, post.agency)
            assert not post.watch
        outside = [b for b in bodies if not profile.under(b, (implicated,))]
        assert bool(found) == bool(outside), "somebody is rung as long as there is anybody"


def test_the_order_is_who_must_act_then_the_desk_then_above_then_last() -> None:
    profile = Profile.load("br-rj")
    queue = next(iter(profile.queues.values()))
    lead = next(
        one
        for one in profile.agencies.values()
        if one.parent and queue.agency not in {up.id for up in profile.ancestors(one.id)}
    )
    assert lead.parent
    rows = (
        Duty(lead.parent, "+5521900000001", post="above"),
        Duty("BR", "+5521900000002", post="end", last=True),
        Duty(queue.agency, "+5521900000003", post="desk"),
        Duty(lead.id, "+5521900000004", post="lead"),
    )
    found = relay.posts(replace(profile, duty=rows), queue.id, (lead.id,), ())
    assert [post.post for post in found] == ["lead", "desk", "above", "end"]


def test_a_post_keeps_its_key_when_its_number_changes_and_not_when_its_agency_does() -> None:
    assert replace(FIRST, number="+5521911111111", spans=()).key == FIRST.key
    assert replace(FIRST, agency="state").key != FIRST.key
