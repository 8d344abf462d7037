"""Scene: a line that something is done to, who takes its tips, and what was answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.settings import Settings
from hotline.triage.access import SignedIn
from tests.fast_clock import SharedHands, shared
from tests.faults_crew import ENDED, ROOT
from tests.line import SignIn
from tests.promises.canaries import word

CANARY = "canarvox"  # begins every word that is told, and stands nowhere else
PATIENCE = 60.0  # seconds for which a refused message is sent again
CODE_SECONDS = 31.0  # a one-time code is good for one sign-in


class Taker:
    """The process that takes tips of any line. It has read everything before anything breaks."""

    def __init__(self, home: Path, url: str) -> None:
        command = [*ENDED, sys.executable, "-m", "tests.campaign.taker", str(home), url]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def ask(self, request: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._process.communicate(timeout=30)

    def kill(self) -> None:
        """With whatever it is doing."""
        for pid in (
            Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        ):
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self._process.kill()
        self._process.communicate()


@dataclass(slots=True)
class Scene:
    """``out`` is the disk of those who report: their answers, the clock. Nothing is done to it.
    ``places`` are searched for plaintext besides the home."""

    settings: Settings
    out: Path
    taker: Taker
    places: list[Path] = field(default_factory=list)
    open_words: list[str] = field(default_factory=list)  # told, and not answered
    refused: int = 0
    killed: int = 0
    who: SignedIn | None = None
    extra: dict[str, str] = field(default_factory=dict)  # words answered elsewhere, and receipts

    @property
    def acks(self) -> Path:
        return self.out / "acks"

    @property
    def hands(self) -> SharedHands:
        return SharedHands(self.out / "clock")

    @property
    def clock(self) -> Clock:
        return shared(self.out / "clock")

    def answered(self) -> dict[str, list[str]]:
        """Every receipt that was given for a word; the last line may be cut."""
        found: dict[str, list[str]] = {w: [code] for w, code in self.extra.items()}
        for line in self.lines():
            found.setdefault(line["word"], []).append(line["code"])
        return found

    def lines(self) -> list[dict[str, Any]]:
        raw = self.acks.read_bytes() if self.acks.exists() else b""
        return [json.loads(line) for line in raw.split(b"\n") if line.endswith(b"}")]

    def forget(self, kept: list[dict[str, Any]]) -> None:
        """Only these were answered: the others' receipts are worth nothing any more."""
        self.acks.write_text("".join(json.dumps(line) + "\n" for line in kept))

    def begin(
        self,
        count: int,
        *,
        scenario: str = "take",
        fault: int | None = None,
        steps: bool = False,
        kill_after: float | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Asks for what was not answered, and ``count`` new tips. ``end`` waits for it."""
        if scenario == "take":
            self.open_words += [word(CANARY) for _ in range(count)]
        request = {
            "scenario": scenario,
            "words": self.open_words,
            "home": str(self.settings.home),
            "url": self.settings.database_url,
            "redis": self.settings.redis_url,
            "clock": str(self.out / "clock"),
            "acks": str(self.acks),
            "fault": fault,
            "steps": steps or fault is not None,
            "kill_after": kill_after,
            "patience": patience,
        }
        self.taker.ask(request)

    def end(self) -> dict[str, Any]:
        answer = self.taker.answer()
        assert not answer["failed"], "the process ended by an error nobody expected"
        self.refused += answer.get("refused", 0)
        self.killed += answer["killed"]
        done = self.answered()
        self.open_words = [w for w in self.open_words if w not in done]
        return answer

    def repeat(self, word: str) -> None:
        """The provider sends an answered message once more."""
        self.open_words.append(word)

    def take(self, count: int, **more: Any) -> dict[str, Any]:
        self.begin(count, **more)
        return self.end()

    def moved(self, **settings: Any) -> None:
        """The line at another place: the tips and what was answered stay the same."""
        self.settings = replace(self.settings, **settings)

    def staff(self) -> StaffLine:
        return assemble_staff(self.settings, self.clock)

    def reader(self, line: StaffLine) -> SignedIn:
        """Somebody who opens what the desks of the line hold."""
        if self.who is None:
            self.hands.forward(CODE_SECONDS)
            self.who = SignIn(line)("olga")
        return self.who
