"""Kills: processes that take tips or do errands die at every step and at any moment."""

from __future__ import annotations

import random

from tests.campaign.bench import Bench, Run
from tests.campaign.scene import Scene

MOST = 0.2  # seconds after its start: about four tips
SOON = 0.02  # a worker that has errands
SLOWER = 2  # with PostgreSQL each fork has connections to make
A_ROUND = 20  # tips that are waiting: more than are taken before it dies
MINUTE, HOUR = 60.0, 3600.0
LOOK = 100  # rounds between two verdicts


def at_steps(database: str) -> Run:
    """Round by round at the next step of taking one tip; the same again from the first."""

    def run(bench: Bench, rounds: int) -> None:
        scene = bench.on(database)
        steps = scene.take(1, steps=True)["events"]
        for number in range(rounds):
            fault = number % len(steps)
            assert scene.take(1, fault=fault)["killed"], f"it lived on at {steps[fault]}"
            _again(scene)
            if number % LOOK == LOOK - 1:
                bench.judge(scene)
        bench.note(f"{len(steps)} steps of one tip")
        _end(bench, scene)

    return run


def at_random(database: str) -> Run:
    def run(bench: Bench, rounds: int) -> None:
        scene, chance = bench.on(database), random.Random(rounds)
        for number in range(rounds):
            new = max(A_ROUND - len(scene.open_words), 0)
            late = chance.uniform(0, MOST if scene.settings.sqlite else MOST * SLOWER)
            scene.take(new, kill_after=late)
            if number % LOOK == LOOK - 1:
                bench.judge(scene)
        bench.note(f"{scene.killed} killed at work")
        _end(bench, scene)

    return run


def worker(database: str) -> Run:
    """Errands of three tips a round; the worker is killed among them, and another one ends them."""

    def run(bench: Bench, rounds: int) -> None:
        scene, chance = bench.on(database), random.Random(rounds)
        for _ in range(rounds):
            scene.take(3)
            scene.take(0, scenario="work", kill_after=chance.uniform(0, SOON))
        scene.hands.forward(HOUR)  # what the dead ones had claimed is given up
        for _ in range(scene.killed + rounds):  # the provider is not asked for all at once
            scene.take(0, scenario="work")
            if not (left := _waiting(scene)):
                break
            scene.hands.forward(MINUTE)
        assert not left, f"errands wait that a worker could do: {left}"
        bench.note(f"{scene.killed} killed at work, and no errand waits")
        _end(bench, scene)

    return run


def _again(scene: Scene) -> None:
    """What was not answered is sent again in a while."""
    if len(scene.open_words) >= A_ROUND:
        scene.take(0)


def _waiting(scene: Scene) -> dict[tuple[str, str], int]:
    line = scene.staff()
    try:
        return {kind: n for kind, n in line.outbox.counts().items() if kind[1] != "done"}
    finally:
        line.close()


def _end(bench: Bench, scene: Scene) -> None:
    """Whoever was not answered asks again, and is."""
    scene.take(0)
    assert scene.open_words == [], "somebody is not answered though nothing is broken"
    assert bench.judge(scene).kept == bench.verdicts[-1].told, "nobody was answered for a tip"
