"""Demo months: what a demo's analysts' site shows: months past, of reports that nobody made.

They are released as real months are, from sealed counts by ``freezing.build``, and every file drawn
from them says that they are invented. Their keys live in this process alone and end with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from hotline.analysis.releases import Releases
from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.pipeline import Weighed
from hotline.routing.retention import later
from hotline.settings import Settings
from hotline.store.forgetting import Forgetting
from hotline.store.wraps import Wraps
from hotline.synthetic import contacts
from hotline.tips import Observation
from hotline.triage import freezing
from hotline.triage.arming import folder
from hotline.vault import format as fmt
from hotline.vault.content import TipContent, observation
from hotline.vault.directory import write_file
from hotline.vault.envelope import OBSERVATION_BYTES, STATISTICS
from hotline.vault.keys import new_seed
from hotline.vault.private import public_bytes
from hotline.vault.seal import PublicKey, seal_small
from hotline.vault.small import random_id

MONTHS, REPORTS = 3, 1200  # reports of the first month; each later one has a tenth more
NOTES = "notes.toml"
OUTCOMES = ("forwarded", "forwarded", "closed", "none")
_NOTE = """\
[[note]]
from = "{since}"
to = "{until}"
kind = "other"
[note.text]
en = "Invented for a demonstration: these reports were never made."
pt = "Inventado para uma demonstração: estas denúncias nunca foram feitas."
es = "Inventado para una demostración: estas denuncias nunca se hicieron."
fr = "Inventé pour une démonstration : ces signalements n’ont jamais été faits."
ht = "Envante pou yon demonstrasyon: pèsonn pa t janm fè rapò sa yo."
"""


class Stopped(Exception):
    """The demo ends."""


def release(
    settings: Settings, clock: Clock, stopped: threading.Event, say: Callable[[str], None]
) -> None:
    """Releases the months past that a demo has not yet; some seconds each. Ends early, between
    steps, when ``stopped`` is set: the next run goes on."""
    line = assemble_staff(settings, clock)
    try:
        wanted = [later(line.clock.month(), -back) for back in range(MONTHS, 0, -1)]
        if made := _released(line, wanted, stopped):
            say(f"Analysts' site: {made} months of invented reports are released.")
    except Stopped:
        pass
    finally:
        line.close()


def _released(line: StaffLine, wanted: list[str], stopped: threading.Event) -> int:
    def tell(step: str, count: int) -> None:
        if stopped.is_set():
            raise Stopped

    _note(folder(line), wanted)
    there, own = Releases(folder(line)).months(), line.keys.epochs()
    # A month with a key is the demo's own: what people did in it is released by them.
    missing = [m for m in wanted if m not in there and (STATISTICS, m) not in own]
    known: dict[tuple[str, str | None], Weighed] = {}
    for month in missing:
        seed = new_seed()
        Forgetting(line.database).end_observations(month)  # of a run that was ended
        count = REPORTS + REPORTS // 10 * wanted.index(month)
        Wraps(line.database).count(_counts(line, month, seed, count, known))
        tell("counted", count)
        freezing.build(line, month, [seed], invented=True, tell=tell)
    return len(missing)


def _counts(
    line: StaffLine,
    month: str,
    seed: bytes,
    count: int,
    known: dict[tuple[str, str | None], Weighed],
) -> Iterator[Observation]:
    """Sealed counts of invented reports, each read as a real one is; the same text is read once."""
    key = PublicKey(STATISTICS, month, public_bytes(seed))
    drawn = contacts(count, line.profile.country, seed=int(month.replace("-", "")))
    for number, contact in enumerate(drawn):
        text = (contact.text, contact.municipality)
        if text not in known:
            known[text] = line.pipeline.weigh(contact)
        content = TipContent(
            classified=known[text].classified,
            decision=known[text].decision,
            lookup=b"",
            reply_key=b"",
            observation=random_id(),
            day=f"{month}-01",
        )
        told = observation(content, month, outcome=OUTCOMES[number % len(OUTCOMES)])
        yield Observation(
            content.observation,
            month,
            seal_small(fmt.COUNT, content.observation, key, told, OBSERVATION_BYTES),
        )


def _note(place: Path, months: list[str]) -> None:
    """What the site says beside these months; a note that stands there stays."""
    place.mkdir(mode=0o755, exist_ok=True)
    if not (place / NOTES).exists():
        text = _NOTE.format(since=months[0], until=months[-1])
        write_file(place / NOTES, text.encode(), 0o644)
