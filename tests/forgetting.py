"""Forgetting in tests: rows and bytes that a tip leaves, and nights that pass."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select

from hotline.assembly import StaffLine
from hotline.jobs.forgetting import Forget
from hotline.log import Log
from hotline.store.tables import Base, BodyRow, Meta, PackageRow, ReceiptRow, ReplyRow, WrapRow
from hotline.triage.audit import balanced, ledger
from tests.conftest import MovableClock

DAY = 86400
KEPT = {
    *("audit", "heads", "meta", "people", "certificates", "sessions", "observations"),
    "requests",  # ids and codes; those of the demo's founding among them
}


def months_pass(clock: MovableClock, count: int) -> None:
    """To the tenth of a later month, at noon."""
    wanted = clock.today().year * 12 + clock.today().month - 1 + count
    while clock.today().year * 12 + clock.today().month - 1 < wanted:
        clock.advance(DAY)
    while clock.today().day < 10:
        clock.advance(DAY)


def night(line: StaffLine) -> str:
    """The night's forgetting; what it logged."""
    out = io.StringIO()
    Forget(line, Log(line.clock, public=False, out=out)).work()
    figures = ledger(line)
    assert balanced(figures), figures
    return out.getvalue()


def rows(line: StaffLine) -> dict[str, int]:
    """How many rows there are, of every table that may hold something of a tip."""
    with line.database.read() as connection:
        counted = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
            if name not in KEPT
        }
    return {name: count for name, count in counted.items() if count}


def sealed(line: StaffLine, tip: bytes) -> dict[str, bytes]:
    """Everything sealed at rest for one tip and its receipt, by what it is. The receipt is the only
    one of the line."""
    found: dict[str, bytes] = {}
    with line.database.read() as connection:
        for body in connection.execute(select(BodyRow).where(BodyRow.tip == tip)):
            found[f"body {body.kind} {body.id.hex()}"] = body.sealed
            for wrap in connection.execute(select(WrapRow).where(WrapRow.subject == body.id)):
                found[f"wrap {wrap.recipient} {body.id.hex()}"] = wrap.sealed
        for package in connection.execute(select(PackageRow).where(PackageRow.tip == tip)):
            found[f"package {package.agency}"] = package.id
        for receipt in connection.execute(select(ReceiptRow)):
            found["receipt"] = receipt.sealed
        for reply in connection.execute(select(ReplyRow)):
            found[f"reply {reply.id.hex()}"] = reply.sealed
    return found


def pieces(blob: bytes, size: int = 16) -> Iterator[bytes]:
    """Parts of a ciphertext that stand together on any page: it may lie on several."""
    for at in {0, 1, len(blob) // 3, len(blob) // 2, max(len(blob) - size - 1, 0)}:
        yield blob[at : at + size]


def on_disk(blobs: dict[str, bytes], files: Iterator[tuple[str, bytes]]) -> list[str]:
    """Which of the blobs are in which files, by any of their pieces."""
    return sorted(
        {
            f"{name} in {place}"
            for place, raw in files
            for name, blob in blobs.items()
            if any(piece in raw for piece in pieces(blob))
        }
    )


def to_wipe(line: StaffLine) -> bool:
    """Whether deleted bytes are still to be overwritten."""
    with line.database.read() as connection:
        return (
            connection.execute(select(Meta.value).where(Meta.name == "to_wipe")).first() is not None
        )


def key_files(home: Path) -> Iterator[tuple[str, bytes]]:
    """The key store's files."""
    for path in sorted((home / "staff").glob("keys.db*")):
        yield path.name, path.read_bytes()
