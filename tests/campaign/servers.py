"""Servers: PostgreSQL stops at once or is followed by its standby; Redis is gone or empty."""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack

import psycopg
from redis import Redis

from tests.campaign.bench import Bench
from tests.campaign.cluster import Cluster
from tests.campaign.scene import Scene
from tests.faults_crew import redis_on
from tests.services import free_port

TIPS = 8  # that come in a round
AWAY_SECONDS = 0.3


def restart(bench: Bench, rounds: int) -> None:
    """Stopped at once, or killed, in the middle of commits; and started again."""
    cluster = bench.cluster()
    scene, chance = bench.postgresql(cluster), random.Random(rounds)
    for number in range(rounds):
        scene.begin(TIPS)
        time.sleep(chance.uniform(0, 0.3))
        cluster.stop(signal.SIGKILL if number % 2 else signal.SIGQUIT)
        time.sleep(AWAY_SECONDS)
        cluster.start()
        scene.end()
        if number % 5 == 4:
            bench.judge(scene)
    _all_answered(bench, scene)


def failover(bench: Bench, rounds: int) -> None:
    """The server is killed and its standby takes its place and its address. A commit waits for the
    standby: without ``synchronous_standby_names`` the last moments would be lost."""
    first = bench.cluster(None, "wal_level=replica")
    scene, chance = bench.postgresql(first), random.Random(rounds)
    for number in range(rounds):
        second = Cluster(bench.folder / f"standby-{number}", ("wal_level=replica",))
        second.copy_of(first)
        second.start()
        bench.stack.callback(second.stop)
        first.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        first.execute("SELECT pg_reload_conf()")
        _followed(first)
        scene.begin(TIPS)
        time.sleep(chance.uniform(0.05, 0.4))
        first.stop(signal.SIGKILL)
        second.promote()
        second.stop()
        second.port = first.port
        second.start()
        first = second
        scene.end()
        bench.judge(scene)
    _all_answered(bench, scene)


def _followed(first: Cluster) -> None:
    """Until commits wait for the standby."""
    with psycopg.connect(first.url(), autocommit=True) as connection:
        until = time.monotonic() + 30
        query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        while True:
            row = connection.execute(query).fetchone()
            if row and row[0]:
                return
            assert time.monotonic() < until, "no standby follows"
            time.sleep(0.05)


def redis(bench: Bench, rounds: int) -> None:
    """By turns: gone before a tip comes, gone while tips come, emptied, killed and empty again."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    scene = bench.sqlite()
    scene.moved(redis_url=url)
    for number in range(rounds):
        with ExitStack() as stack:
            again = None if number % 4 == 0 else stack.enter_context(redis_on(port))
            scene.begin(TIPS)
            time.sleep(0.1)
            if number % 4 == 1:
                stack.close()
            elif number % 4 == 2:
                with Redis(port=port) as client:
                    client.flushall()
            elif again is not None:
                again()
            scene.end()
        with redis_on(port):
            # The sweep finds what Redis forgot: the outbox is the record.
            scene.take(0, scenario="work")
            bench.judge(scene)
    line = scene.staff()
    left = line.outbox.counts()
    line.close()
    assert left == {}, "errands wait that nobody remembers"
    assert scene.refused == 0, "a tip was refused though only Redis was gone"
    with redis_on(port):
        _all_answered(bench, scene)


def _all_answered(bench: Bench, scene: Scene) -> None:
    scene.take(0)
    assert scene.open_words == [], "somebody is not answered though everything runs again"
    bench.judge(scene)
    bench.note(f"refused {scene.refused} times")
