"""Limits: at most so many at once and in so many seconds, in one process and in several."""

from __future__ import annotations

import pytest
import redis

from hotline.jobs.limits import BUSY_SECONDS, Limits, MemoryPlaces, Places
from hotline.jobs.places import RedisPlaces
from hotline.jobs.runner import NotYet

SECRET = bytes(32)
LONG = 600.0  # seconds: longer than any test


@pytest.fixture(params=["memory", "redis"])
def places(request: pytest.FixtureRequest) -> Places:
    if request.param == "memory":
        return MemoryPlaces(lambda: 0.0)
    url: str = request.getfixturevalue("redis_url")
    return RedisPlaces(redis.Redis.from_url(url), SECRET)


def test_no_more_than_so_many_run_at_once(places: Places) -> None:
    limits = Limits(places)
    with limits.slot("agency:one", 2, LONG), limits.slot("agency:one", 2, LONG):
        with pytest.raises(NotYet) as caught, limits.slot("agency:one", 2, LONG):
            pass
        with limits.slot("agency:two", 2, LONG):
            pass
    assert (caught.value.seconds, caught.value.reason) == (BUSY_SECONDS, "busy")
    with limits.slot("agency:one", 2, LONG):
        pass


def test_a_place_is_given_back_when_the_work_fails(places: Places) -> None:
    limits = Limits(places)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limits.slot("one", 1, LONG):
            raise ZeroDivisionError


def test_no_more_than_so_many_begin_in_so_many_seconds(places: Places) -> None:
    limits = Limits(places)
    for _ in range(5):
        limits.pace("provider", 5, LONG)
    with pytest.raises(NotYet) as caught:
        limits.pace("provider", 5, LONG)
    assert caught.value.reason == "paced"
    assert 1 <= caught.value.seconds <= LONG


def test_a_killed_holders_place_falls_free() -> None:
    now = [100.0]
    places = MemoryPlaces(lambda: now[0])
    assert places.take("one", 1, 30)[0] is not None
    assert places.take("one", 1, 30) == (None, 30)
    now[0] += 30
    assert places.take("one", 1, 30)[0] is not None


def test_places_on_redis_expire_and_are_shared(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as mine, redis.Redis.from_url(redis_url) as theirs:
        first, second = RedisPlaces(mine, SECRET), RedisPlaces(theirs, SECRET)
        token, _ = first.take("one", 1, LONG)
        assert second.take("one", 1, LONG)[0] is None
        (key,) = mine.keys("*")
        assert b"one" not in key, "a name on Redis tells nothing"
        assert mine.pttl(key) > 0, "nothing stays for ever"
        # Its holder was killed and its time is over.
        mine.zadd(key, {token: 1.0})
        assert second.take("one", 1, LONG)[0] is not None


def test_nobody_passes_while_redis_is_away() -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    limits = Limits(RedisPlaces(away, SECRET))
    with pytest.raises(NotYet), limits.slot("one", 1, LONG):
        pass
