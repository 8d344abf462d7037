"""Answers: how long people wait for a running line by text, call and page, and what pages weigh.

Against a line of its own on loopback, its public process as ``hotline serve`` starts it. Requests
are sent by the clock, whether or not earlier ones are answered, and waiting is counted from when
each was due: a line that stalls cannot hide it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hotline import demo
from hotline.assembly import assemble_public
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.serve import Ports, running, wait_ready
from hotline.settings import Settings
from hotline.simulate.phone import Http, TextPhone, VoicePhone
from hotline.tips import Language
from tests.forms import Walk, app_of
from tests.line import settings_for

PER_SECOND = 50
SECONDS = 20
# Seconds. A line stretches receipts while nobody reports (a core each 28 ms): what the measured
# texts and calls take stands ready then, as after a quiet minute.
FILLING = 45
SAID = ("Boca de fumo na esquina, toda noite", "2", "Niterói RJ", "sextas", "um rapaz de boné")
PRESSED = ("1", "2", "2", "3")
Work = Callable[[], object]


@contextlib.contextmanager
def line() -> Iterator[tuple[str, Settings, list[int]]]:
    """The address of a running line, its settings, the ids of its processes."""
    with tempfile.TemporaryDirectory(prefix="hotline-pace-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        settings = settings_for(home, f"sqlite:///{home / 'hotline.db'}")
        demo.seed_others(settings, Clock(), demo.seed_officers(settings, Clock()))
        ports = Ports(0, 0, 0).resolved()
        with running(settings, ports, ("public",)) as children:
            url = f"http://127.0.0.1:{ports.public}"
            wait_ready(url + "/healthz", children)
            yield url, settings, [child.pid for child in children]


def spent(pids: Sequence[int]) -> float:
    """Processor seconds of these processes and their children so far."""
    total, ticks = 0.0, os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) in pids or int(fields[1]) in pids:
                total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def waits(pids: Sequence[int], works: Iterator[Work], seconds: float) -> dict[str, object]:
    """Milliseconds from when each was due until it was answered; ``cpu ms``: of the line's own
    processes for each, which is true on a busy machine too."""
    took: list[float] = []
    failed = 0

    def one(work: Work, due: float) -> None:
        nonlocal failed
        try:
            work()
        except (HotlineError, OSError):
            failed += 1
        took.append((time.perf_counter() - due) * 1e3)

    before, begun = spent(pids), time.perf_counter()
    with ThreadPoolExecutor(PER_SECOND) as pool:
        for n in range(round(seconds * PER_SECOND)):
            due = begun + n / PER_SECOND
            time.sleep(max(due - time.perf_counter(), 0))
            pool.submit(one, next(works), due)
    cuts = statistics.quantiles(took, n=100)
    return {
        "p50 ms": round(cuts[49], 1),
        "p99 ms": round(cuts[98], 1),
        "cpu ms": round((spent(pids) - before) * 1e3 / len(took), 1),
        "answered": len(took) - failed,
        "failed": failed,
    }


def fetches(url: str) -> Iterator[Work]:
    def fetch() -> None:
        with urllib.request.urlopen(url, timeout=20) as answer:  # nosec B310 - a line of the caller's
            answer.read()

    while True:
        yield fetch


def turns(talk: Callable[[int], Iterator[Work]]) -> Iterator[Work]:
    """Fifty people at a time, each of whom takes a second between two steps of a conversation."""
    people = 0
    talks: list[Iterator[Work]] = [iter(()) for _ in range(PER_SECOND)]
    while True:
        for at in range(PER_SECOND):
            work = next(talks[at], None)
            if work is None:
                people += 1
                talks[at] = talk(people)
                work = next(talks[at])
            yield work


def texting(wire: Http) -> Callable[[int], Iterator[Work]]:
    def talk(person: int) -> Iterator[Work]:
        phone = TextPhone(wire, f"+55219{70_000_000 + person}")
        for words in SAID:
            yield lambda words=words: phone.send(words)

    return talk


def calling(wire: Http) -> Callable[[int], Iterator[Work]]:
    def talk(person: int) -> Iterator[Work]:
        phone = VoicePhone(wire, f"+55219{80_000_000 + person}")
        yield phone.dial
        for key in PRESSED:
            yield lambda key=key: phone.press(key) if phone.action else None

    return talk


def weights(settings: Settings) -> dict[str, object]:
    """Bytes of each page by language, uncompressed as they are sent; no other request but one
    stylesheet."""
    public = assemble_public(settings, pool=0)
    client = app_of(public).test_client()
    with client.get("/static/public.css") as style:
        sheet = len(style.data)
    figures: dict[str, object] = {"stylesheet": sheet}
    for language in Language:
        walk, sizes = Walk(client, {"Accept-Language": language.tag}), {}
        for step in ("first", "what", "where", "when", "who", "more", "check"):
            sizes[step] = len(walk.response.data)
            if step == "check":
                walk.press("go=send")
            elif step == "what":
                walk.press(what="Boca de fumo na esquina")
            else:
                walk.press("go=skip")
        sizes["receipt"] = len(walk.response.data)
        figures[str(language)] = sizes | {"first with style": sizes["first"] + sheet}
    public.close()
    return figures


def report(seconds: float = SECONDS) -> dict[str, dict[str, object]]:
    with line() as (url, settings, pids):
        print(f"Filling the pool of receipts for {FILLING} s …", file=sys.stderr)
        time.sleep(FILLING)
        # The seeding left this process a heap of tables; looking through it must not count as
        # the line's waiting.
        gc.collect()
        gc.freeze()
        wire = Http(url, settings)
        pace = {
            "floor (/healthz)": waits(pids, fetches(url + "/healthz"), seconds / 2),
            "first page": waits(pids, fetches(url + "/"), seconds / 2),
            "SMS webhook": waits(pids, turns(texting(wire)), seconds),
            "IVR webhook": waits(pids, turns(calling(wire)), seconds),
        }
        return {f"answers at {PER_SECOND}/s": pace, "bytes of a page": weights(settings)}
