"""Judged: what must hold after any fault. One judge for all of them.

Every answered tip is there once, opens at the desk and says what was told, and its receipt opens
it; no word lies readable on a disk; ledger and records verify; SQLite finds its file sound.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import select

from hotline.assembly import StaffLine
from hotline.errors import HotlineError
from hotline.founding import PEPPER
from hotline.store.tables import TipRow
from hotline.tips import Wrap
from hotline.triage.audit import balanced, ledger, sequence_and_sign, verify
from hotline.triage.ledger import full
from hotline.vault.format import Kind
from hotline.vault.keys import open_body, open_wrap
from hotline.vault.receipts import find_tip, stretch
from tests.campaign.scene import CANARY, Scene
from tests.promises.canaries import redis_keys

RECEIPTS = 40  # tried each time: stretching one takes 28 ms
Tips = dict[bytes, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``told`` is what reporters were answered for; ``kept`` the tips there are, more of which
    nobody was answered for by ``unanswered``. ``problems`` are of ledger, records and files."""

    told: int
    kept: int
    lost: tuple[str, ...]
    doubled: int
    unanswered: int
    plaintext: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.plaintext or self.problems)

    @property
    def verified(self) -> bool:
        return not self.problems


def judged(scene: Scene) -> Verdict:
    line = scene.staff()
    try:
        tips, shut = opened(scene, line)
        told = scene.answered()
        where = Counter(w for text in tips.values() for w in words_of(text))
        problems = [*books(line), *files(line)]
        problems += [f"{shut} tips do not open"] if shut else []
        there = {w: codes for w, codes in told.items() if where[w]}
        problems += receipts(scene, line, there, tips)
    finally:
        line.close()
    return Verdict(
        told=len(told),
        kept=len(tips) + shut,
        lost=tuple(w for w in told if not where[w]),
        doubled=sum(count > 1 for count in where.values()),
        unanswered=sum(w not in told for w in where),
        plaintext=tuple(sorted(readable(scene))),
        problems=tuple(problems),
    )


def words_of(text: str) -> set[str]:
    """The words told in a tip."""
    found = (piece[:12] for piece in text.split(CANARY)[1:])
    return {CANARY + piece for piece in found}


def opened(scene: Scene, line: StaffLine) -> tuple[Tips, int]:
    """What every tip says, by the desk's keys; and how many do not open."""
    with line.database.read() as connection:
        names = list(connection.execute(select(TipRow.id)).scalars())
    wraps: dict[bytes, list[Wrap]] = {}
    for at in range(0, len(names), 500):
        for wrap in line.tips.wraps(names[at : at + 500]):
            wraps.setdefault(wrap.subject, []).append(wrap)
    tips, shut, seeds = Tips(), 0, dict[tuple[str, str], bytes]()
    for name in names:
        try:
            tips[name] = _text(scene, line, name, wraps.get(name, []), seeds)
        except (HotlineError, ValueError, LookupError):
            shut += 1
    return tips, shut


def _text(
    scene: Scene,
    line: StaffLine,
    tip: bytes,
    wraps: list[Wrap],
    seeds: dict[tuple[str, str], bytes],
) -> str:
    bodies = line.tips.bodies(tip)
    whole = next(body for body in bodies if body.id == tip)
    wrap = next(w for w in wraps if w.recipient.startswith("queue:"))
    held = (wrap.recipient, wrap.epoch)
    if held not in seeds:
        seeds[held] = line.access.epoch_seed(scene.reader(line), *held)
    key = open_wrap(seeds[held], wrap, whole)
    kinds = (Kind.TIP, Kind.SUMMARY)
    return " ".join(open_body(key, body).decode() for body in bodies if body.kind in kinds)


def receipts(
    scene: Scene, line: StaffLine, told: dict[str, list[str]], tips: Tips
) -> Iterator[str]:
    """The last receipts that were given, and some from before, spread evenly."""
    pepper = (scene.settings.public / PEPPER).read_bytes()
    several = sum(len(set(codes)) > 1 for codes in told.values())
    if several:
        yield f"{several} messages were answered in two ways"
    given = [(w, codes[0]) for w, codes in told.items() if codes[0].isdigit()]
    step = max(2 * len(given) // RECEIPTS, 1)
    for w, code in {*given[-RECEIPTS // 2 :], *given[::step]}:
        keys = stretch(code, pepper)
        row = line.tips.receipt(keys.lookup)
        if row is None or w not in tips.get(find_tip(keys, row)[0], ""):
            yield "a receipt does not open its tip"


def books(line: StaffLine) -> Iterator[str]:
    try:
        sequence_and_sign(line)
    except HotlineError as error:
        yield error.message
    if not balanced(ledger(line)):
        yield "the ledger does not balance"
    for problem in full(line).problems:
        yield f"ledger: {problem.code} {problem.count}"
    yield from verify(line).problems


def files(line: StaffLine) -> Iterator[str]:
    if line.database.sqlite:
        with line.database.read() as connection:
            said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        if said != ["ok"]:
            yield "SQLite finds its file unsound"


def readable(scene: Scene) -> set[str]:
    """The files with a word of a tip in them, in any of the usual ways of writing it."""
    forms, found = written(CANARY), set[str]()
    for folder in (scene.settings.home, *scene.places, *_server(scene)):
        for file in folder.rglob("*"):
            try:
                raw = file.read_bytes() if file.is_file() else b""
            except FileNotFoundError:  # a database tidies up
                continue
            if any(form in raw for form in forms) or CANARY in file.name:
                found.add(file.name)
    if scene.settings.redis_url:
        kept = redis_keys(scene.settings.redis_url)
        found |= {place for place, raw in kept if any(form in raw for form in forms)}
    return found


def _server(scene: Scene) -> list[Path]:
    if scene.settings.sqlite:
        return []
    with psycopg.connect(scene.settings.database_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return [Path(row[0]).parent]


def written(text: str) -> list[bytes]:
    raw = text.encode()
    found = [raw, raw[::-1], raw.upper(), raw.hex().encode(), text.encode("utf-16-le")]
    for lead in range(3):  # without the ends, which what stands beside changes
        coded = base64.b64encode(bytes(lead) + raw).rstrip(b"=")
        found.append(coded[-(-lead * 8 // 6) + 1 : -2])
    return found
