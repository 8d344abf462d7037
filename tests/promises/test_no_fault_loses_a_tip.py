"""Promise 6, while everything around the line breaks: a few rounds of each fault of the campaign
(docs/faults.md), and that its judge sees what there is to be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.bench import Bench, bench
from tests.campaign.disks import may_mount
from tests.campaign.entries import FAULTS, Fault, ran
from tests.campaign.report import JSON, PAGE, page
from tests.campaign.scene import CANARY, Taker
from tests.conftest import Hands
from tests.promises.ground import engines, read_once  # noqa: F401 - a fixture

BY_NAME = {fault.name: fault for fault in FAULTS}
# Their other database, or the tests named beside them, stand for the rest here.
ELSEWHERE = {
    "kill-steps-sqlite": "test_acknowledged_means_durable.py",
    "kill-steps-postgresql": "test_acknowledged_means_durable.py",
    "kill-worker-postgresql": "test_acknowledged_means_durable.py",
}
RUN = [name for name in BY_NAME if name not in ELSEWHERE]
# The others stand in the report of the run (tests/conftest.py), and in docs/faults.md.
HERE = [name for name in RUN if not BY_NAME[name].mounts or may_mount()]


@pytest.fixture(scope="module")
def taker(founded_home: Path) -> Iterator[Taker]:
    taker = Taker(founded_home, f"sqlite:///{founded_home / 'hotline.db'}")
    yield taker
    taker.close()


@pytest.fixture
def ground(founded_home: Path, taker: Taker) -> Iterator[Bench]:
    with bench(founded_home, Hands().seconds, taker) as one:
        yield one


@pytest.mark.parametrize("name", HERE)
def test_no_answered_tip_is_lost(
    name: str, founded_home: Path, taker: Taker, request: pytest.FixtureRequest
) -> None:
    fault: Fault = BY_NAME[name]
    if fault.database == "postgresql" and not engines(request):
        fault = BY_NAME.get(name.replace("postgresql", "sqlite"), fault)
    outcome = ran(fault, fault.few, founded_home, Hands().seconds, taker)
    assert outcome.sound, outcome
    assert outcome.answered


def test_the_judge_sees_what_is_lost_twice_readable_or_unsound(ground: Bench) -> None:
    scene = ground.sqlite()
    scene.take(3)
    assert ground.judge(scene).sound
    first, second, _ = scene.lines()
    scene.extra[CANARY + "neverstored"] = ""
    (scene.settings.home / "left").write_bytes(first["word"].encode("utf-16-le"))
    with scene.acks.open("a") as file:
        file.write(json.dumps(second | {"code": first["code"]}) + "\n")
    found = ground.judge(scene)
    assert found.lost == (CANARY + "neverstored",)
    assert found.plaintext == ("left",)
    assert found.problems == ("1 messages were answered in two ways",)
    again = first["word"] + "-again"
    scene.repeat(again)  # the same word in another message
    scene.take(0)
    assert ground.judge(scene).doubled == 1


def test_the_report_tells_of_every_fault_and_as_it_was_found() -> None:
    rows = json.loads(JSON.read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == list(BY_NAME)
    assert PAGE.read_text(encoding="utf-8") == page(rows)
    for row in rows:
        fault = BY_NAME[row["name"]]
        assert (row["what"], row["database"]) == (fault.what, fault.database)
        assert row["sound"], row["name"]
        assert row["rounds"] >= fault.rounds
    assert sum(row["rounds"] for row in rows if row["name"].startswith("kill-")) >= 1000
