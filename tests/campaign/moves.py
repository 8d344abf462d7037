"""Moves: the clock jumps, a schema's upgrade is killed, a line comes back on a new machine."""

from __future__ import annotations

import random
from pathlib import Path

from alembic import command

from hotline.keeping.backup import back_up, named, use
from hotline.keeping.names import Copy
from hotline.keeping.restore import restore_data, restore_keys
from hotline.store.database import Database
from hotline.store.migrate import _config, current, head
from hotline.vault.copies import SealedCopy, new_pair, read_private
from tests.campaign.bench import Bench, Run
from tests.campaign.judged import opened, words_of
from tests.campaign.scene import Scene
from tests.fast_clock import set_going
from tests.line import settings_for

HOUR, DAY = 3600.0, 86400.0
# Seconds the clock is put on: through the 48 hours of repeats only where nothing is repeated.
JUMPS = (HOUR, -HOUR, DAY, -DAY, 20 * HOUR, -20 * HOUR)
FAR = (40 * DAY, -40 * DAY)
OLDER = ("0006", "0008", "0010", "0012", "0013")  # versions before that of today
SOON = 0.3  # seconds: an upgrade takes about as long
TIPS = 6  # that come while a backup is made


def clock(bench: Bench, rounds: int) -> None:
    """After each jump the provider repeats a message that was answered; after the far ones what
    forgets by the hour runs."""
    scene = bench.sqlite()
    for number in range(rounds):
        scene.take(2)
        if number % 3 == 2:
            scene.hands.forward(FAR[number // 3 % 2])
            line = scene.staff()
            line.once.forget()
            line.close()
        else:
            scene.hands.forward(JUMPS[number % len(JUMPS)])
            scene.repeat(scene.lines()[-1]["word"])
        scene.take(2)
        bench.judge(scene)
    bench.note(f"jumps of an hour, a day and 40 days; refused {scene.refused} times")


def migration(database: str) -> Run:
    """A line with tips in an older schema; its upgrade is killed twice, and then done."""

    def run(bench: Bench, rounds: int) -> None:
        scene, chance, killed = bench.on(database), random.Random(rounds), 0
        for number in range(rounds):
            scene.take(2)
            _back_to(scene, OLDER[number % len(OLDER)])
            for _ in range(2):
                late = chance.uniform(0, SOON)
                killed += scene.take(0, scenario="migrate", kill_after=late)["killed"]
            scene.take(0, scenario="migrate")
            _newest(scene)
            scene.take(1)
            bench.judge(scene)
        bench.note(f"killed {killed} times within an upgrade")

    return run


def _back_to(scene: Scene, version: str) -> None:
    database = Database(scene.settings.database_url, scene.clock)
    command.downgrade(_config(database), version)
    database.close()


def _newest(scene: Scene) -> None:
    database = Database(scene.settings.database_url, scene.clock)
    assert current(database) == head(database), "the upgrade did not come to its end"
    database.close()


def new_machine(bench: Bench, rounds: int) -> None:
    """Backups are made while tips come in; the line comes back in an empty home and an empty
    database, where tips are taken again. What was answered before a backup began is in it."""
    private, public = new_pair()
    scene, later = bench.sqlite(), 0
    use(scene.settings, public)
    for number in range(rounds):
        scene.take(2)
        before = {word: codes[0] for word, codes in scene.answered().items()}
        scene.begin(TIPS)
        kept = bench.folder / f"kept-{number}"
        kept.mkdir()
        copies = [back_up(scene.settings, kept, copy, scene.clock, _quiet)[0] for copy in Copy]
        scene.end()
        bench.judge(scene)
        other = _restored(bench.folder, scene, copies, read_private(private), number)
        other.extra |= before
        other.places.append(kept)
        other.take(2)
        later += len(scene.answered().keys() - _there(bench, other))
    bench.note(f"{later} tips came after their backup began and are not in it")


def _there(bench: Bench, other: Scene) -> set[str]:
    bench.judge(other)
    line = other.staff()
    tips, _ = opened(other, line)
    line.close()
    return {word for text in tips.values() for word in words_of(text)}


def _restored(folder: Path, scene: Scene, copies: list[Path], seed: bytes, number: int) -> Scene:
    place = folder / f"machine-{number}"
    (place / "out").mkdir(parents=True)
    home = place / "home"
    settings = settings_for(home, f"sqlite:///{home / 'hotline.db'}")
    for file in copies:
        with file.open("rb") as opened:
            sealed = SealedCopy.open(opened)
            name = named(sealed, file)
            step = restore_data if name.copy is Copy.DATA else restore_keys
            step(settings, sealed, name, seed, _quiet)
    set_going(place / "out" / "clock", scene.clock.seconds())
    return Scene(settings, place / "out", scene.taker, who=scene.who)


def _quiet(name: str, count: int) -> None:
    """Nobody watches."""
