"""Promise 6: acknowledged means durable. kill -9 before and after every step, on both engines.

What was answered is stored and opens; what was not answered is whole or absent; the provider's
retry gives one tip and the same answer; no plaintext stays; the ledger balances.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hotline import assembly
from hotline.assembly import StaffLine, assemble_staff
from hotline.delivery.senders import RecordingProvider
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.settings import Settings
from hotline.store.outbox import LEASE_SECONDS
from hotline.store.tables import Base
from hotline.tips import State
from hotline.triage.access import SignedIn
from hotline.triage.audit import balanced, ledger
from hotline.vault.format import Kind
from tests import breaking
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.promises import canaries, ground

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Scene:
    """A line, an officer who opens everything, and the process that dies for us."""

    settings: Settings
    staff: StaffLine
    clock: MovableClock
    who: SignedIn
    victim: subprocess.Popen[str]
    folder: Path
    words: list[str]

    def request(self, scenario: str, word: str, fault: int | None, **more: str) -> dict[str, Any]:
        """Runs one child; ``events`` are the steps it passed when it lived."""
        asked = {
            "scenario": scenario,
            "word": word,
            "fault": fault,
            "home": str(self.settings.home),
            "url": self.settings.database_url,
            "now": self.clock.seconds(),
            "acks": str(self.folder / word),
            **more,
        }
        assert self.victim.stdin
        assert self.victim.stdout
        self.victim.stdin.write(json.dumps(asked) + "\n")
        self.victim.stdin.flush()
        answer: dict[str, Any] = json.loads(self.victim.stdout.readline())
        assert not answer["failed"]
        assert answer["killed"] is (fault is not None), "the child did not reach its end"
        return answer

    def acks(self, word: str) -> dict[str, Any]:
        file = self.folder / word
        return json.loads(file.read_text()) if file.exists() else {}

    def word(self) -> str:
        self.words.append(canaries.word("palavra"))
        return self.words[-1]

    def rows(self) -> dict[str, int]:
        tables = Base.metadata.tables
        with self.staff.database.read() as connection:
            return {
                name: connection.execute(
                    select(func.count()).select_from(tables[name])
                ).scalar_one()
                for name in ("tips", "receipts", "observations", "packages")
            } | {"received": self.staff.audit.count("received")}

    def tip_of(self, code: str) -> bytes:
        tip = breaking.tip_of(self.settings, self.staff, code)
        assert tip is not None
        return tip

    def read(self, tip: bytes) -> dict[int, list[str]]:
        return breaking.read(self.staff, self.who, tip)

    def drain(self) -> RecordingProvider:
        provider = RecordingProvider()
        EmbeddedJobs(runner(self.staff, provider, Log(self.clock, public=False))).drain()
        return provider

    def whole(self) -> None:
        """Every tip has all of its parts, and the ledger balances."""
        rows = self.rows()
        assert rows["tips"] == rows["receipts"] == rows["observations"] == rows["received"]
        assert balanced(ledger(self.staff))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def scene(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("kill")
    lines = ground.line_on(
        request.param, request, founded_home, folder / "home", "durable_postgres"
    )
    settings, clock = next(lines), MovableClock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "rooms", ground._rooms)
        staff = assemble_staff(settings, clock)
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.promises.victim", str(settings.public)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdin
    assert victim.stdout
    assert victim.stdout.readline() == "ready\n"
    (folder / "acks").mkdir()
    yield Scene(settings, staff, clock, SignIn(staff)("olga"), victim, folder / "acks", [])
    victim.stdin.close()
    victim.stdout.close()
    victim.wait(30)
    staff.close()
    next(lines, None)


# The three commits of a conversation and the three answers; a worker's claim, effect and end.
_EDGES = {"write", "open", "add", "conclude"}
_WORK = {"claim", "settle", "erase", "write", "done"}


def between(events: list[str]) -> list[tuple[int, str]]:
    """One instant between every two steps: leaving one and entering the next are the same
    instant, except where something was committed or answered."""
    told = ("before", "answered", "after write", "after done")
    return [(n, event) for n, event in enumerate(events) if event.startswith(told)]


def test_a_tip_survives_a_kill_at_any_instant(scene: Scene) -> None:
    events = scene.request("receive", scene.word(), None)["events"]
    assert {"before write", "after write", "after note", "answered receive"} <= set(events)
    assert events.index("after note") < events.index("after write"), "killed inside the commit too"
    assert events[-1] == "answered receive"
    committed = events.index("after write")
    for fault, event in between(events):
        word, before = scene.word(), scene.rows()
        scene.request("receive", word, fault)
        scene.whole()
        stored = scene.rows()["tips"] - before["tips"]
        assert stored == (1 if fault >= committed else 0), event
        acked = scene.acks(word).get("receive")
        assert (acked is not None) is (event == "answered receive")
        if acked:
            assert word in scene.read(scene.tip_of(acked))[Kind.TIP][0]
        scene.request("receive", word, None)
        again = scene.acks(word)["receive"]
        assert acked in (None, again), "a repeat gets the first answer"
        assert scene.rows()["tips"] == before["tips"] + 1, event
        assert word in scene.read(scene.tip_of(again))[Kind.TIP][0]
    scene.whole()
    assert breaking.plaintext(scene.settings, scene.words) == []


def test_a_conversation_survives_a_kill_at_any_instant(scene: Scene) -> None:
    """open, add and conclude; the provider's retry takes up what was not answered."""
    word, start = scene.word(), scene.rows()
    events = scene.request("converse", word, None)["events"]
    scene.drain()
    usual = {name: count - start[name] for name, count in scene.rows().items()}
    # The vault's and the store's steps are walked in every combination above; here the edges of
    # each commit and each answer, where order between the three steps matters.
    edges = [n for n, event in between(events) if event.split()[-1] in _EDGES]
    assert sum(event == "before write" for event in events) == 3
    assert usual["packages"] > 0, "the tip leaves for an agency: that too must come once"
    for fault in edges:
        word, before = scene.word(), scene.rows()
        scene.request("converse", word, fault)
        scene.whole()
        answered = scene.acks(word)
        scene.request("converse", word, None)
        acks = scene.acks(word)
        assert answered.get("open") in (None, acks["open"])
        tip = scene.tip_of(acks["open"])
        scene.drain()
        row = scene.staff.tips.one(tip)
        assert row is not None
        read = scene.read(tip)
        assert word in read[Kind.TIP][0]
        made = {name: count - before[name] for name, count in scene.rows().items()}
        assert made["tips"] == 1
        if acks["thread"] is None:
            # Committed, never answered, and its memory gone: the desk that saw it first keeps it.
            assert (row.queue, row.state) == ("unresolved:BR-RJ", State.OPEN)
            continue
        assert (row.queue, row.state) == ("general:BR-RJ", State.WAITING), events[fault]
        assert len(read[Kind.SUMMARY]) == 1
        assert word + "2" in read[Kind.SUMMARY][0]
        assert made == usual, f"something came twice after {events[fault]}"
    scene.whole()
    assert breaking.plaintext(scene.settings, scene.words) == []


def test_a_worker_killed_anywhere_leaves_one_effect(scene: Scene) -> None:
    """settle and erase, killed between claim, effect and end; the next worker finishes."""
    scene.drain()
    word = scene.word()
    scene.request("converse", word, None)
    events = scene.request("work", word, None)["events"]
    assert {"before claim", "after claim", "after settle", "after erase", "after done"} <= set(
        events
    )
    erased = scene.folder / "erased"
    for fault, event in between(events):
        if event.split()[-1] not in _WORK:
            continue
        word = scene.word()
        scene.request("converse", word, None)
        erased.unlink(missing_ok=True)
        scene.request("work", word, fault)
        scene.clock.advance(LEASE_SECONDS)
        sids = erased.read_text().split() if erased.exists() else []
        provider = scene.drain()
        sids += [sid for _, sid in provider.erased]
        assert set(sids) == {"SM" + word}
        # Each of the two messages is erased; only the one at work when it died may come twice.
        assert 2 <= len(sids) <= 3, event
        assert scene.staff.outbox.counts() == {}
        row = scene.staff.tips.one(scene.tip_of(scene.acks(word)["open"]))
        assert row is not None
        assert (row.queue, row.state) == ("general:BR-RJ", State.WAITING)
        assert [w.recipient for w in scene.staff.tips.wraps([row.id])] == ["queue:general:BR-RJ"]
    scene.whole()
