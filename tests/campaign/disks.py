"""Disks: they run full, and are read-only; both while tips are taken."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.campaign.bench import Bench
from tests.campaign.scene import Scene

BROKEN_SECONDS = 0.4  # how long a disk is full or read-only
TIPS = 10  # that come in a round
LEFT = 65_536  # bytes: at most so much room is left on a full disk
_PIECE = bytes(1 << 20)


def may_mount() -> bool:
    """Whether this machine lets the tests have disks of their own."""
    return (
        os.geteuid() == 0 and not subprocess.run(["unshare", "-m", "true"], check=False).returncode
    )


def full_sqlite(bench: Bench, rounds: int) -> None:
    disk = bench.disk("48m")
    _rounds(bench, bench.sqlite(disk), disk, rounds)


def full_postgresql(bench: Bench, rounds: int) -> None:
    """The server ends itself when it cannot write its journal: then it is started again once there
    is room, as its supervisor would."""
    disk = bench.disk("160m")
    cluster = bench.cluster(disk / "server", "max_wal_size=48MB", "restart_after_crash=on")
    scene, ended = bench.postgresql(cluster), 0
    for number in range(rounds):
        _while_full(scene, disk, random.Random(number))
        if not cluster.runs:
            ended += 1
            cluster.stop()
            cluster.start()
        scene.end()
        cluster.answers()
        bench.judge(scene)
    bench.note(f"refused {scene.refused} times; the server ended itself {ended} times")
    _all_answered(bench, scene)


def _rounds(bench: Bench, scene: Scene, disk: Path, rounds: int) -> None:
    for number in range(rounds):
        _while_full(scene, disk, random.Random(number))
        scene.end()
        if number % 5 == 4:
            bench.judge(scene)
    bench.note(f"refused {scene.refused} times")
    _all_answered(bench, scene)


def _while_full(scene: Scene, disk: Path, chance: random.Random) -> None:
    """Tips come in; meanwhile the disk has no room for a moment."""
    ballast = disk / "ballast"
    scene.begin(TIPS)
    time.sleep(chance.uniform(0, 0.1))
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(_PIECE)
    size = ballast.stat().st_size
    os.truncate(ballast, max(size - chance.randrange(LEFT), 0))
    assert shutil.disk_usage(disk).free <= 2 * LEFT
    time.sleep(BROKEN_SECONDS)
    ballast.unlink()


def read_only_sqlite(bench: Bench, rounds: int) -> None:
    """A process that starts on a disk that is read-only, and sees it become writable again."""
    disk = bench.disk("48m")
    scene = bench.sqlite(disk)
    for _ in range(rounds):
        scene.take(1)
        _remount(disk, "ro")
        scene.begin(2)
        time.sleep(BROKEN_SECONDS)
        _remount(disk, "rw")
        scene.end()
        bench.judge(scene)
    bench.note(f"refused {scene.refused} times")
    _all_answered(bench, scene)


def read_only_postgresql(bench: Bench, rounds: int) -> None:
    """The home's disk becomes read-only, and the server takes no transaction that writes, as one
    does that is being moved."""
    disk = bench.disk("48m")
    cluster = bench.cluster()
    scene = bench.postgresql(cluster)
    home = disk / "home"
    shutil.copytree(scene.settings.home, home)
    scene.moved(home=home)
    for _ in range(rounds):
        scene.begin(TIPS)
        time.sleep(0.05)
        cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        cluster.execute("SELECT pg_reload_conf()")
        _remount(disk, "ro")
        time.sleep(BROKEN_SECONDS)
        _remount(disk, "rw")
        _writable(cluster.url())
        scene.end()
        bench.judge(scene)
    bench.note(f"refused {scene.refused} times")
    _all_answered(bench, scene)


def _writable(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")


def _remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def _all_answered(bench: Bench, scene: Scene) -> None:
    scene.take(0)
    assert scene.open_words == [], "somebody is not answered though the disk is sound again"
    assert scene.refused, "nobody noticed the fault"
    bench.judge(scene)
