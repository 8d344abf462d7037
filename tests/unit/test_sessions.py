"""Sessions: a number's pseudonym dies with its day, a conversation with its time, in both memories;
limits slow everybody down and block nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from hotline.errors import Busy
from hotline.intake.conversation import Standing, State
from hotline.intake.limits import Limits, Rate
from hotline.intake.sessions import (
    Closer,
    Key,
    MemorySessions,
    RedisSessions,
    Session,
    Sessions,
    SessionsOnDisk,
    SessionsUnavailable,
    open_sessions,
    telephone,
)
from hotline.intake.thread import Thread
from hotline.settings import Settings
from hotline.tips import Channel, Language, Tip
from hotline.vault.envelope import TipKey
from tests.conftest import MovableClock

NUMBER = "+5521987654321"
MINUTES, HOURS = 60, 3600


@pytest.fixture(params=["memory", "redis"])
def sessions(request: pytest.FixtureRequest, clock: MovableClock) -> Sessions:
    if request.param == "memory":
        return MemorySessions(clock)
    return RedisSessions(clock, request.getfixturevalue("redis_url"))


def fresh(sessions: Sessions) -> Session:
    return Session.new(Language.PT, sessions.clock.seconds())


def thread() -> Thread:
    tip = Tip(channel=Channel.SMS, language=Language.PT, text="Vendem drogas na praça 🚨")
    key = TipKey(b"i" * 16, b"k" * 32)
    return Thread(key, b"h" * 32, tip, "1" * 20, b"l", b"r", b"o", "2026-03-10", names=("ana",))


def test_a_session_comes_back_as_it_was_put(sessions: Sessions) -> None:
    key = sessions.key("sms", "+55", NUMBER)
    assert sessions.get(key) is None
    session = replace(
        fresh(sessions),
        standing=Standing(State.WHERE, 2),
        turn=7,
        thread=thread(),
        typed="1234",
        warned=True,
        danger=True,
        recording="RE1",
    )
    sessions.put(key, session)
    assert sessions.get(sessions.key("sms", "+55", NUMBER)) == session
    sessions.delete(key)
    assert sessions.get(key) is None


def test_lines_numbers_and_channels_have_sessions_of_their_own(sessions: Sessions) -> None:
    sessions.put(sessions.key("sms", "+55", NUMBER), fresh(sessions))
    for other in (("whatsapp", "+55", NUMBER), ("sms", "+56", NUMBER), ("sms", "+55", NUMBER[:-1])):
        assert sessions.get(sessions.key(*other)) is None


def test_a_pseudonym_is_forgotten_the_next_day(sessions: Sessions, clock: MovableClock) -> None:
    before = sessions.key("sms", "+55", NUMBER).name
    assert sessions.key("sms", "+55", NUMBER).name == before
    clock.advance(24 * HOURS)
    after = sessions.key("sms", "+55", NUMBER).name
    assert after.partition(":")[2] != before.partition(":")[2]


def test_a_conversation_goes_on_over_the_change_of_keys(
    sessions: Sessions, clock: MovableClock
) -> None:
    clock.advance(18 * HOURS + 50 * MINUTES)  # 03:50 in São Paulo
    key = sessions.key("sms", "+55", NUMBER)
    sessions.put(key, session := fresh(sessions))
    clock.advance(15 * MINUTES)
    assert sessions.get(sessions.key("sms", "+55", NUMBER)) == session
    clock.advance(2 * HOURS)
    assert sessions.get(sessions.key("sms", "+55", NUMBER)) is None


def test_the_key_of_a_day_lives_at_most_26_hours(sessions: Sessions, clock: MovableClock) -> None:
    sessions.key("sms", "+55", NUMBER)
    today = sessions._days()[0]
    assert sessions._epoch(today, make=False)
    clock.advance(26 * HOURS)
    assert sessions._epoch(today, make=False) is None


def test_neither_number_nor_text_nor_key_lies_open_in_redis(
    clock: MovableClock, redis_url: str
) -> None:
    sessions = RedisSessions(clock, redis_url)
    sessions.put(sessions.key("sms", "+55", NUMBER), replace(fresh(sessions), thread=thread()))
    with redis.Redis.from_url(redis_url) as client:
        names = list(client.scan_iter())
        everything = b"".join(
            name + (client.get(name) if client.type(name) == b"string" else b"") for name in names
        )
        assert client.keys("hotline:session:*")
        for name in names:
            assert client.ttl(name) > 0 or name == b"hotline:lapses"
    for canary in (NUMBER[1:], "drogas", "k" * 32, "1" * 20, "ana"):
        assert canary.encode() not in everything
        assert canary.encode().hex().encode() not in everything


def test_a_session_lasts_twenty_minutes_after_the_last_message_and_two_hours_after_the_first(
    sessions: Sessions, clock: MovableClock
) -> None:
    session = begun = fresh(sessions)
    for _ in range(20):
        clock.advance(19 * MINUTES)
        session = session.touched(clock.seconds())
    assert session.due == begun.began + 2 * HOURS
    assert begun.due == begun.began + 20 * MINUTES


def test_only_sessions_whose_time_ran_out_are_lapsed(
    sessions: Sessions, clock: MovableClock
) -> None:
    early, late = sessions.key("sms", "a"), sessions.key("sms", "b")
    sessions.put(early, fresh(sessions))
    clock.advance(10 * MINUTES)
    sessions.put(late, fresh(sessions))
    assert [key.name for key in sessions.lapsed()] == []
    clock.advance(11 * MINUTES)
    assert [key.name for key in sessions.lapsed()] == [early.name]
    assert sessions.get(next(sessions.lapsed())) is not None


def test_the_closer_closes_each_once_and_tries_again_what_failed(
    sessions: Sessions, clock: MovableClock
) -> None:
    seen: list[str] = []

    def close(key: Key, session: Session) -> None:
        seen.append(session.id)
        if len(seen) == 1:
            raise SessionsUnavailable
        sessions.delete(key)

    session = fresh(sessions)
    sessions.put(sessions.key("sms", "a"), session)
    closer = Closer(sessions, close)
    assert closer.run_once() == 0
    clock.advance(21 * MINUTES)
    assert [closer.run_once() for _ in range(3)] == [0, 1, 0]
    assert seen == [session.id, session.id]


def test_the_closers_thread_runs_and_stops(clock: MovableClock) -> None:
    sessions, closed = MemorySessions(clock), threading.Event()

    def close(key: Key, session: Session) -> None:
        sessions.delete(key)
        closed.set()

    sessions.put(sessions.key("sms", "a"), fresh(sessions))
    clock.advance(21 * MINUTES)
    closer = Closer(sessions, close)
    closer.EVERY_SECONDS = 0.01  # type: ignore[misc]
    closer.start()
    assert closed.wait(10)
    closer.stop()
    assert not [t for t in threading.enumerate() if t.name == "closer" and t is closer._thread]


def test_messages_of_one_conversation_wait_for_each_other(sessions: Sessions) -> None:
    key, inside, most = sessions.key("sms", "a"), [0], [0]

    def work() -> None:
        for _ in range(5):
            with sessions.hold(key):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                threading.Event().wait(0.002)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert most == [1]


def test_other_conversations_do_not_wait(sessions: Sessions) -> None:
    with sessions.hold(sessions.key("sms", "a")), sessions.hold(sessions.key("sms", "b")):
        pass


def test_two_processes_share_keys_sessions_and_locks(clock: MovableClock, redis_url: str) -> None:
    one, two = RedisSessions(clock, redis_url), RedisSessions(clock, redis_url)
    key = one.key("sms", "+55", NUMBER)
    one.put(key, session := fresh(one))
    assert two.get(two.key("sms", "+55", NUMBER)) == session
    order: list[str] = []

    def second() -> None:
        with two.hold(two.key("sms", "+55", NUMBER)):
            order.append("two")

    with one.hold(key):
        waiting = threading.Thread(target=second)
        waiting.start()
        threading.Event().wait(0.1)
        order.append("one")
    waiting.join(10)
    assert order == ["one", "two"]


@pytest.fixture
def persisting(redis_url: str) -> Iterator[str]:
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("save", "3600 1")
        yield redis_url
        client.config_set("save", "")


def test_a_redis_that_writes_to_disk_is_refused(clock: MovableClock, persisting: str) -> None:
    with pytest.raises(SessionsOnDisk):
        RedisSessions(clock, persisting)


def test_a_redis_that_is_not_there_is_said_so(clock: MovableClock) -> None:
    with pytest.raises(SessionsUnavailable):
        RedisSessions(clock, "redis://127.0.0.1:1/0")


def test_settings_choose_the_memory(clock: MovableClock, redis_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="sqlite://")
    assert isinstance(open_sessions(settings, clock), MemorySessions)
    assert isinstance(open_sessions(replace(settings, redis_url=redis_url), clock), RedisSessions)


@pytest.mark.parametrize(
    "sender",
    [
        *("+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"),
        *("anonymous", "Restricted", "", "12345", "ACME", "+", "+55 21 98765"),
        *("+٥٥٢١٩٨٧٦٥٤٣٢", "client:ana", "+12345"),
    ],
)
def test_who_withholds_the_number_has_no_pseudonym(sender: str) -> None:
    assert telephone(sender) is None


@pytest.mark.parametrize("sender", [NUMBER, "whatsapp:" + NUMBER, " " + NUMBER])
def test_a_number_has_one_however_it_arrives(sender: str) -> None:
    assert telephone(sender) == NUMBER


def test_one_sender_is_slowed_down_and_others_are_not(clock: MovableClock) -> None:
    limits = Limits(clock, one=Rate(3, 0.5), everyone=Rate(100, 1))
    for _ in range(3):
        limits.spend("a")
    with pytest.raises(Busy):
        limits.spend("a")
    limits.spend("b")
    clock.advance(2)
    limits.spend("a")
    with pytest.raises(Busy):
        limits.spend("a")


def test_everybody_shares_one_budget_that_fills_by_itself(clock: MovableClock) -> None:
    limits = Limits(clock, one=Rate(100, 1), everyone=Rate(5, 1))
    for name in ("a", "b", "c", "d", None):
        limits.spend(name)
    for name in ("e", None):
        with pytest.raises(Busy):
            limits.spend(name)
    clock.advance(3600)
    for _ in range(5):
        limits.spend(None)


def test_a_flood_by_nobody_in_particular_leaves_room_for_texts_and_calls(
    clock: MovableClock,
) -> None:
    limits = Limits(clock, one=Rate(100, 1), everyone=Rate(50, 0))
    for _ in range(45):
        limits.spend(None)
    with pytest.raises(Busy):
        limits.spend(None)
    for name in ("a", "b", "a", "c", "b"):
        limits.spend(name)
    with pytest.raises(Busy):
        limits.spend("d")


def test_being_refused_costs_nothing(clock: MovableClock) -> None:
    limits = Limits(clock, one=Rate(1, 1), everyone=Rate(2, 0))
    limits.spend("a")
    for _ in range(5):
        with pytest.raises(Busy):
            limits.spend("a")
    limits.spend("b")
