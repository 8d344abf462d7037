"""Training: a line of its own with invented tips, on which people learn with the real pages.

Its home has a mark. A home with the mark takes neither database, Redis nor provider from the
environment, alerts nobody, and no command serves it to the public; a home without the mark is not
opened for training. So invented tips and real ones never meet.
"""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

from hotline import demo
from hotline import settings as settings_module
from hotline.assembly import assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.founding import is_founded
from hotline.routing.profile import Profile
from hotline.serve import Ports, running, wait_ready, watch
from hotline.settings import EXPECTED, TRAINING, Settings
from hotline.synthetic import contacts
from hotline.tips import Channel, Contact, Language, QueueKind, State
from hotline.vault.directory import write_file

TIPS = 30


class NotForTraining(HotlineError):
    """A home that belongs to a real line or to a demonstration."""

    code = "not_for_training"
    message = "This home has keys and was not made for training."
    hint = "Point HOTLINE_HOME at an empty directory: training makes a line of its own there."


def prepare_home(home: Path, ports: Ports) -> Settings:
    """Marks an empty home, or opens one that is marked. Raises NotForTraining."""
    marked = (home / TRAINING).exists()
    if not marked and home.exists() and any(home.iterdir()):
        raise NotForTraining
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(home / TRAINING, b"invented tips only\n")
    return settings_module.load_demo(home, "0" * 32, f"http://127.0.0.1:{ports.console}")


def lessons(country: str) -> Iterator[tuple[Contact, list[str], str]]:
    """Each invented tip with the decisions that are right and the code of why."""
    for contact in contacts(TIPS, country):
        yield contact, ["forwarded"], "facts"
    own = tomllib.loads((files("hotline") / "training.toml").read_text(encoding="utf-8"))["tip"]
    language = "es" if country == "CO" else "pt"
    for tip in (tip for tip in own if tip["language"] == language):
        contact = Contact(channel=Channel.WEB, text=tip["text"], language=Language(tip["language"]))
        yield contact, tip["expect"], tip["why"]


def seed(settings: Settings, clock: Clock) -> None:
    """The lessons through the real pipeline; which tip is which stays in a file of this home."""
    public, staff = assemble_public(settings, clock, pool=0), assemble_staff(settings, clock)
    expected: dict[str, list[object]] = {}
    try:
        for contact, right, why in lessons(public.profile.country):
            public.pipeline.receive(contact)
            rows = staff.tips.queue(list(staff.profile.queues), list(State), 10_000)
            (new,) = {row.id.hex() for row in rows} - expected.keys()
            expected[new] = [right, why]
    finally:
        public.close()
        staff.close()
    write_file(settings.home / EXPECTED, json.dumps(expected).encode())


def found(settings: Settings, clock: Clock, trainees: tuple[str, ...]) -> list[demo.Login]:
    """A fresh line: two officers, a trainer, and whoever is to learn with every kind of queue."""
    logins = demo.seed_officers(settings, clock)
    logins = demo.seed_others(settings, clock, logins, seats(trainees))
    seed(settings, clock)
    return logins


def seats(trainees: tuple[str, ...]) -> list[demo.Seat]:
    return [
        demo.Seat("tito", "trainer"),
        *(demo.Seat(name.strip().lower(), "operator", tuple(QueueKind)) for name in trainees),
    ]


def run(
    home: Path,
    ports: Ports,
    trainees: tuple[str, ...],
    stopped: threading.Event,
    say: Callable[[str], None],
) -> int:
    """The console alone, until ``stopped``: a line for training takes no report. Returns the exit
    status."""
    ports = ports.resolved()
    settings = prepare_home(home, ports)
    clock = Clock(Profile.load(settings.jurisdiction).zone)
    if is_founded(settings):
        say("Continuing in the same training home.")
        logins = demo.saved_logins(settings)
    else:
        say("Making a training line with invented tips …")
        logins = found(settings, clock, trainees)
    with running(settings, ports, ["staff"]) as children:
        wait_ready(f"http://127.0.0.1:{ports.console}/healthz", children)
        say(f"TRAINING, invented tips only: http://127.0.0.1:{ports.console}/")
        say(f"Passphrase of everybody: '{demo.PASSPHRASE}'; one-time-code secrets:")
        for login in logins:
            say(f"  {login.name:<12} {login.role:<10} {login.secret}")
        return 0 if watch(children, stopped) else 1
