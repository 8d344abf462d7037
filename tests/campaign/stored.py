"""Stored: rows are altered, SQLite's journal is torn or cut."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, select, update

from hotline.store.tables import AuditRow, BodyRow, TipRow, WrapRow
from tests.campaign.bench import Bench, Run
from tests.campaign.judged import judged
from tests.campaign.scene import Scene

TIPS = 6  # that come in a round


def corrupt(database: str) -> Run:
    """One stored row a round loses a bit or is gone. The judge must tell of it and lose no other
    tip; then the row is put back, as from a backup."""

    def run(bench: Bench, rounds: int) -> None:
        scene, chance = bench.on(database), random.Random(rounds)
        told = 0
        for number in range(rounds):
            scene.take(TIPS)
            bench.judge(scene)
            name = list(HARMS)[number % len(HARMS)]
            undo = _harmed(scene, HARMS[name], chance)
            found = judged(scene)
            told += not found.sound
            assert not found.sound, f"nobody noticed: {name}"
            assert len(found.lost) <= 1, f"{name} took other tips with it"
            undo()
            scene.take(1)
        bench.judge(scene)
        bench.note(f"{told} of {rounds} were told of by the checks, and mended")

    return run


def _flipped(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :]


Undo = Callable[[Connection], object]
Harm = Callable[[Connection, random.Random], Undo]


def _bit_of(table: type, column: str, *where: object) -> Harm:
    def harm(connection: Connection, chance: random.Random) -> Undo:
        keys = list(table.__table__.primary_key.columns)  # type: ignore[attr-defined]
        target = getattr(table, column)
        rows = connection.execute(select(target, *keys).where(*where).order_by(*keys)).all()
        was, *key = chance.choice(rows)
        mine = [one == value for one, value in zip(keys, key, strict=True)]
        change = update(table).where(*mine)
        now = _flipped(was, chance) if isinstance(was, bytes) else was[:-2] + "~" + was[-1]
        connection.execute(change.values({column: now}))
        return lambda again: again.execute(change.values({column: was}))

    return harm


def _gone(connection: Connection, chance: random.Random) -> Undo:
    """A tip's row, which somebody deleted by hand."""
    row = chance.choice(connection.execute(select(TipRow).order_by(TipRow.id)).all())
    values = dict(row._mapping)
    connection.execute(TipRow.__table__.delete().where(TipRow.id == row.id))
    return lambda again: again.execute(TipRow.__table__.insert().values(values))


HARMS: dict[str, Harm] = {
    "a bit of a body": _bit_of(BodyRow, "sealed", BodyRow.id == BodyRow.tip),
    "a bit of a key": _bit_of(WrapRow, "sealed", WrapRow.recipient.startswith("queue:")),
    "a letter of a record": _bit_of(AuditRow, "record", AuditRow.position.is_not(None)),
    "a tip's row": _gone,
}


def _harmed(scene: Scene, harm: Harm, chance: random.Random) -> Callable[[], None]:
    def apply(work: Callable[[Connection], object]) -> object:
        line = scene.staff()
        try:
            return line.database.write(work)
        finally:
            line.close()

    undo = apply(lambda connection: harm(connection, chance))
    return lambda: apply(undo) and None  # type: ignore[arg-type]


def torn(bench: Bench, rounds: int) -> None:
    """A process is killed between a commit and its answer. What nobody was answered for, at the end
    of the journal, is cut at any byte, or from there on noise or zeros, as where power failed."""
    scene, chance, spoilt = bench.sqlite(), random.Random(rounds), 0
    fault = scene.take(1, steps=True)["events"].index("after write")
    for number in range(rounds):
        scene.take(TIPS)
        scene.take(1, fault=fault)
        spoilt += _spoilt(_journal(scene), scene.lines()[-1]["wal"], number % 3, chance)
        bench.judge(scene)
        scene.take(0)
    bench.judge(scene)
    assert spoilt == rounds, "a journal had no end to spoil"
    bench.note(f"{spoilt} journals were cut, or ended in noise or zeros")


def _spoilt(journal: Path, held: int, how: int, chance: random.Random) -> bool:
    raw = journal.read_bytes()
    end = raw[held:]
    at = chance.randrange(len(end) + 1)
    rest = len(end) - at
    tail = (b"", chance.randbytes(rest + 500), bytes(rest))[how]
    journal.write_bytes(raw[:held] + end[:at] + tail)
    return bool(end)


def cut(bench: Bench, rounds: int) -> None:
    """A disk loses the end of a journal that it had said was safe: nothing can bring those tips
    back. What is left is whole tips, the older ones; and a repeat is taken as new."""
    scene, chance, gone = bench.sqlite(), random.Random(rounds), 0
    for _ in range(rounds):
        scene.take(TIPS)
        journal = _journal(scene)
        size = journal.stat().st_size
        with journal.open("r+b") as file:
            file.truncate(chance.randrange(size))
        found = judged(scene)
        assert not found.problems, f"what is left is unsound: {found.problems}"
        words = [line["word"] for line in scene.lines()]
        assert set(found.lost) == set(words[len(words) - len(found.lost) :]), "not the newest"
        gone += len(found.lost)
        kept = [line for line in scene.lines() if line["word"] not in found.lost]
        scene.forget(kept)
        scene.open_words += found.lost
        scene.take(0)
        bench.judge(scene)
    bench.note(f"{gone} answered tips were in what the disk lost; each was taken again")


def _journal(scene: Scene) -> Path:
    return scene.settings.home / "hotline.db-wal"
