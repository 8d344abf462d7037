"""Victim: a process that forks one child a request, and the child kills itself where it is told.

Run as ``python -m tests.promises.victim FOLDER`` (of public keys); one JSON request a line on
stdin, one answer a line on stdout. A request names the scenario, the line, and ``fault``: the
number of the event (a step entered or left) at which the child kills itself, or null; ``moment``,
if any, the seconds after which it is killed from outside.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from hotline import assembly
from hotline.assembly import assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.intake.thread import Thread
from hotline.jobs import tasks
from hotline.jobs.forgetting import Forget
from hotline.jobs.runner import Runner
from hotline.log import Log
from hotline.routing.route import Router
from hotline.store import forgetting as store_forgetting
from hotline.store import tips as store_tips
from hotline.store.database import Database
from hotline.store.forgetting import Forgetting
from hotline.store.keystore import KeyStore
from hotline.store.outbox import Outbox
from hotline.tips import Channel, Contact, Question, Trace
from hotline.triage.carrying import DEEDS
from hotline.vault.directory import Directory
from hotline.vault.envelope import Envelope
from tests.line import settings_for

STEPS: list[tuple[Any, str]] = [
    (assembly.Pipeline, "classify"),
    (Router, "decide"),
    (assembly.ReceiptPool, "take"),
    (Envelope, "body"),
    (Envelope, "wrap"),
    (Envelope, "observe"),
    (Envelope, "package"),
    (Envelope, "errand"),
    (assembly.Once, "mark"),
    (Database, "write"),
    (store_tips, "_mark"),
    (store_tips, "put_parts"),
    (store_tips, "put_packages"),
    (store_tips, "put"),
    (store_tips, "note"),
    (store_tips, "_move"),
    (store_tips, "_deadline"),
    (Outbox, "claim"),
    (Outbox, "done"),
    (tasks.Tasks, "settle"),
    (tasks.Tasks, "erase"),
    (tasks.Tasks, "notify"),
    (Forgetting, "adopt"),
    (Forgetting, "shred"),
    (store_forgetting, "_wiped_later"),
    (Forgetting, "free"),
    (Forgetting, "tidy"),
    (KeyStore, "erase"),
    (KeyStore, "destroy_all"),
    (KeyStore, "tidy"),
    (Database, "wipe_journal"),
]


class Fate:
    """Counts events; at the chosen one the process is gone."""

    def __init__(self, fault: int | None) -> None:
        self.fault = fault
        self.events: list[str] = []

    def pass_by(self, event: str) -> None:
        if len(self.events) == self.fault:
            os.kill(os.getpid(), signal.SIGKILL)
        self.events.append(event)

    def watch(self, owner: Any, name: str) -> None:
        step: Callable[..., Any] = getattr(owner, name)

        @wraps(step)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.pass_by(f"before {name}")
            result = step(*args, **kwargs)
            self.pass_by(f"after {name}")
            return result

        setattr(owner, name, watched)


class FileProvider:
    """Notes what it was asked to erase before anything can die."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def erase(self, trace: Trace) -> None:
        with self._path.open("a") as file:
            file.write(trace.sid + "\n")

    def recording(self, sid: str) -> bytes:
        raise AssertionError(sid)

    def alert(self, number: str, text: str) -> None:
        raise AssertionError(number, text)


class Child:
    """One request in its own process. ``acks`` is what the provider has been answered, and what
    the shared memory of conversations holds: both outlive the process."""

    def __init__(self, request: dict[str, Any], fate: Fate) -> None:
        self.request = request
        self.fate = fate
        self.settings = settings_for(Path(request["home"]), request["url"])
        self.clock = Clock(source=lambda: request["now"])
        self.file = Path(request["acks"])
        self.acks: dict[str, Any] = json.loads(self.file.read_text()) if self.file.exists() else {}

    def ack(self, name: str, value: Any) -> None:
        self.acks[name] = value
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(self.acks))
        fresh.replace(self.file)
        self.fate.pass_by(f"answered {name}")

    def contact(self, **kwargs: Any) -> Contact:
        traces = (Trace("message", "SM" + self.request["word"]),)
        return replace(Contact(channel=Channel.SMS, **kwargs), traces=traces)

    def receive(self) -> None:
        line = assemble_public(self.settings, self.clock, pool=0)
        text = f"Boca de fumo {self.request['word']} na rua das Flores em Niterói RJ"
        receipt = line.pipeline.receive(self.contact(text=text), "sms:" + self.request["word"])
        self.ack("receive", receipt.answer.decode())

    def converse(self) -> None:
        line = assemble_public(self.settings, self.clock, pool=0)
        word, pipeline = self.request["word"], line.pipeline
        if "open" not in self.acks:
            text = f"barulho {word}, festa com som alto na praça toda noite"
            receipt, thread = pipeline.open(self.contact(text=text), f"sms:{word}:1")
            self.acks["thread"] = thread.dump().decode() if thread else None
            self.ack("open", receipt.answer.decode())
        if self.acks["thread"] is None:
            return
        thread = Thread.load(self.acks["thread"].encode())
        if "add" not in self.acks:
            where = self.contact(answers={Question.WHERE: f"Niterói RJ, perto do {word}2"})
            thread = pipeline.add(thread, where, f"sms:{word}:2", b"said")
            self.acks["thread"] = thread.dump().decode()
            self.ack("add", "said")
        if "conclude" not in self.acks:
            pipeline.conclude(thread)
            self.ack("conclude", "")

    def work(self) -> None:
        staff = assemble_staff(self.settings, self.clock)
        provider = FileProvider(self.file.with_name("erased"))
        log = Log(self.clock, public=False)
        runner: Runner = tasks.runner(staff, provider, log)
        for identity in runner.ready():
            runner.run(identity)
        self.ack("work", "")

    def night(self) -> None:
        staff = assemble_staff(self.settings, self.clock)
        Forget(staff, Log(self.clock, public=False)).work()

    def carry(self) -> None:
        """What two people have agreed on, with the session of one of them."""
        staff = assemble_staff(self.settings, self.clock)
        who = staff.access.resume(self.request["cookie"])
        assert who is not None
        request = staff.approvals.get(bytes.fromhex(self.request["request"]))
        DEEDS[request.deed](staff, who, request)


def run(request: dict[str, Any]) -> list[str]:
    fate = Fate(request["fault"])
    for owner, name in STEPS:
        fate.watch(owner, name)
    child = Child(request, fate)
    scenario: Callable[[], None] = getattr(child, request["scenario"])
    scenario()
    return fate.events


def main() -> None:
    # Read once, before the forks: what a child inherits it need not read again.
    assembly.rooms("br-rj")
    Directory.load = lru_cache(Directory.load)
    Directory.load(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        reader, writer = os.pipe()
        if (pid := os.fork()) == 0:
            status = 1
            try:
                os.write(writer, json.dumps(run(request)).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        if request.get("moment") is not None:
            time.sleep(request["moment"])
            os.kill(pid, signal.SIGKILL)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(
            json.dumps(
                {
                    "killed": killed,
                    "failed": bool(status) and not killed,
                    "events": json.loads(said or "[]"),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
