"""Taker: a process that takes tips until it is killed, at a step or at a moment.

Run as ``python -m tests.campaign.taker HOME URL`` of a line; one JSON request a line on stdin, one
answer each on stdout. A request is done by a fork that reads nothing anew. ``fault`` is the step
(entered or left) at which the fork kills itself, ``kill_after`` the seconds to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from hotline import assembly
from hotline.assembly import assemble_public, assemble_staff
from hotline.delivery.senders import RecordingProvider
from hotline.errors import Unavailable
from hotline.jobs import rq, tasks
from hotline.log import Log, quiet
from hotline.store.database import Database
from hotline.store.migrate import upgrade
from hotline.tips import Channel, Contact, Trace
from hotline.vault.directory import Directory
from tests.fast_clock import shared
from tests.line import settings_for
from tests.promises.victim import STEPS, Fate

AGAIN_SECONDS = 0.05  # as somebody does whom the line asks to come back
T = TypeVar("T")


class Child:
    """One request, in a process of its own. Answers go to ``acks``, which outlives it, at once."""

    def __init__(self, request: dict[str, Any], fate: Fate, going: Callable[[], object]) -> None:
        self.request, self.fate, self.going = request, fate, going
        self.settings = settings_for(Path(request["home"]), request["url"], request["redis"])
        self.clock = shared(Path(request["clock"]))
        self.refused = 0

    def take(self) -> None:
        """Each word as a text message; one that is refused is sent again for ``patience`` s."""
        told = {}
        if self.settings.redis_url:
            told = {"told": rq.Pusher(rq.connect(self.settings.redis_url)).told}
        acks = os.open(self.request["acks"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        until = time.monotonic() + self.request["patience"]
        line = self._patiently(
            lambda: assemble_public(self.settings, self.clock, pool=0, **told), until
        )
        if line is None:
            return
        self.going()
        for word in self.request["words"]:
            said = self._patiently(
                lambda word=word: line.pipeline.receive(contact(word), "sms:" + word), until
            )
            if said is not None:
                answer = {"word": word, "code": said.answer.decode(), "wal": self._wal()}
                os.write(acks, json.dumps(answer).encode() + b"\n")
                self.fate.pass_by("answered receive")

    def work(self) -> None:
        """The errands that are due, as a worker does them."""
        line = assemble_staff(self.settings, self.clock)
        does = tasks.runner(line, RecordingProvider(), Log(self.clock, public=False))
        self.going()
        while errands := does.ready():
            for identity in errands:
                does.run(identity)

    def migrate(self) -> None:
        database = Database(self.settings.database_url, self.clock)
        self.going()
        upgrade(database)

    def _patiently(self, do: Callable[[], T], until: float) -> T | None:
        while True:
            try:
                return do()
            except Unavailable:
                self.refused += 1
                if time.monotonic() > until:
                    return None
                time.sleep(AGAIN_SECONDS)

    def _wal(self) -> int:
        """How long SQLite's journal is, of which so much was answered for; 0: there is none."""
        file = Path(self.request["url"].removeprefix("sqlite:///") + "-wal")
        return file.stat().st_size if file.exists() else 0


def run(request: dict[str, Any], pipe: int) -> None:
    fate = Fate(request["fault"])
    for owner, name in STEPS if request["steps"] else ():
        fate.watch(owner, name)
    child = Child(request, fate, lambda: os.write(pipe, b"\n"))
    scenario: Callable[[], None] = getattr(child, request["scenario"])
    scenario()
    os.write(pipe, json.dumps({"events": fate.events, "refused": child.refused}).encode())


def served(request: dict[str, Any]) -> dict[str, Any]:
    Directory.load(Path(request["home"]) / "public")  # once a home
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        status = 1
        try:
            os.close(reader)
            run(request, writer)
            status = 0
        except BaseException:  # told to whoever watches the run
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        said = pipe.read(1)  # it has everything it needs, or is gone
        if request["kill_after"] is not None:
            time.sleep(request["kill_after"])
            os.kill(pid, signal.SIGKILL)
        while piece := pipe.read(65536):
            said += piece
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    whole = json.loads(said.strip() or b"{}") if not status else {}
    return {"killed": killed, "failed": bool(status) and not killed, **whole}


def contact(word: str) -> Contact:
    text = f"Boca de fumo {word} na rua das Flores em Niterói RJ"
    return Contact(channel=Channel.SMS, text=text, traces=(Trace("message", "SM" + word),))


def warmed(home: Path, url: str) -> None:
    """Reads once, before the forks, what every start would read; keeps nothing open."""
    assembly.rooms("br-rj")
    Directory.load = lru_cache(Directory.load)
    line = assemble_public(settings_for(home, url), pool=0)
    line.pipeline.weigh(contact("nada"))
    line.close()


def main() -> None:
    quiet()
    warmed(Path(sys.argv[1]), sys.argv[2])
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(served(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
