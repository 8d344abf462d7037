"""Thief: a process that has everything of a seized server but its memory, and tries to read it.

``python -m tests.promises.thief FOLDER``: the home's files, every row, every Redis value and the
environment of intake lie in FOLDER. Whatever could be a key is tried on whatever is sealed; what
opened is printed as JSON. It knows the format: what a thief does not know protects nobody.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from hotline.errors import HotlineError
from hotline.tips import Body, SealedReceipt, Wrap
from hotline.vault import format as fmt
from hotline.vault.keys import open_body, open_grant, open_small, open_wrap
from hotline.vault.receipts import ReplyKeys, find_tip, open_reply
from hotline.vault.sketches import open_sketches
from hotline.vault.small import derive, mac, unseal
from hotline.vault.suites import X_WING

GRANTS = 20  # of thousands that are sealed alike
ROWS = 3  # of a table whose columns are tried as keys
Row = dict[str, object]


def values(raw: bytes) -> Iterator[bytes]:
    """Every 32 bytes that stand in ``raw`` as they are, in hexadecimal or in base64; of what is
    longer than a few keys, those that begin at a multiple of 32."""
    step = 1 if len(raw) <= 128 else 32
    yield from (raw[at : at + 32] for at in range(0, max(len(raw) - 31, 0), step))
    for found in re.findall(rb"[0-9a-fA-F]{64,}", raw):
        yield from values(bytes.fromhex(found.decode()[: len(found) // 2 * 2]))
    for found in re.findall(rb"[A-Za-z0-9+/_-]{43,}=?", raw):
        try:
            yield from values(base64.b64decode(found + b"==", altchars=b"-_"))
        except (binascii.Error, ValueError):
            continue


def ends(raw: bytes) -> Iterator[bytes]:
    """Of a column: where a key would stand."""
    if len(raw) >= 32:
        yield from (raw[:32], raw[1:33], raw[-32:])
    if 8 <= len(raw) <= 128:
        yield fmt.digest(raw)


def seed(key: bytes) -> bytes:
    """As the format writes a private key: its suite's byte first."""
    return bytes([X_WING]) + key


class Haul:
    """What was seized."""

    def __init__(self, folder: Path) -> None:
        self.tables: dict[str, list[Row]] = {
            name: [
                {c: bytes.fromhex(v[0]) if isinstance(v, list) else v for c, v in row.items()}
                for row in rows
            ]
            for name, rows in json.loads((folder / "rows.json").read_text()).items()
        }
        self.redis = [bytes.fromhex(v) for v in json.loads((folder / "redis.json").read_text())]
        self.environ = json.loads((folder / "environ.json").read_text())
        home = folder / "home"
        self.files = [f.read_bytes() for d in ("public", "staff") for f in (home / d).iterdir()]

    def candidates(self) -> list[bytes]:
        """Everything that could be a key."""
        found: set[bytes] = set()
        for raw in (*self.files, *self.redis, *(v.encode() for v in self.environ.values())):
            found.update(values(raw) if len(raw) <= 4096 else ends(raw))
            found.add(fmt.digest(raw))
        short = {raw for raw in (*self.files, *self.redis) if len(raw) == 32}
        found |= {derive(key, label) for key in short for label in LABELS}
        found |= {derive(seed(key), label) for key in short for label in LABELS}
        for rows in self.tables.values():
            for row in rows[:ROWS]:
                for value in row.values():
                    found.update(ends(value) if isinstance(value, bytes) else ())
        return sorted(found)

    def chests(self) -> Iterator[tuple[str, bytes, Callable[[bytes], object]]]:
        """(table, id, what opens it with a key)."""
        t = self.tables
        bodies = {
            row["id"]: Body(row["id"], row["tip"], row["kind"], row["sealed"])
            for row in t["bodies"]
        }
        for wrap in (
            Wrap(r["subject"], r["recipient"], r["epoch"], r["sealed"]) for r in t["wraps"]
        ):
            yield "wraps", wrap.subject, lambda k, w=wrap: open_wrap(seed(k), w, bodies[w.subject])
        for body in bodies.values():
            yield "bodies", body.id, lambda k, b=body: open_body(k, b)
        for r in t["outbox"]:
            yield (
                "outbox",
                r["id"],
                lambda k, r=r: open_small(
                    seed(k), fmt.SMALL, r["id"], "worker", r["epoch"], r["payload"]
                ),
            )
        for r in t["observations"]:
            yield (
                "observations",
                r["id"],
                lambda k, r=r: open_small(
                    seed(k), fmt.COUNT, r["id"], "statistics", r["month"], r["sealed"]
                ),
            )
        for r in t["receipts"]:
            row = SealedReceipt(r["lookup"], r["key"], r["sealed"])
            yield "receipts", row.lookup, lambda k, w=row: find_tip(ReplyKeys(w.lookup, k), w)
        for r in t["replies"]:
            yield (
                "replies",
                r["id"],
                lambda k, r=r: open_reply(ReplyKeys(r["lookup"], k), r["id"], r["sealed"]),
            )
        for r in t["grants"][:GRANTS]:
            yield (
                "grants",
                r["person"],
                lambda k, r=r: open_grant(
                    seed(k), r["recipient"], r["epoch"], r["person"], r["sealed"]
                ),
            )
        yield from self._small()

    def _small(self) -> Iterator[tuple[str, bytes, Callable[[bytes], object]]]:
        for r in self.tables["sessions"]:
            whose = f"session/{r['person'].hex()}"
            yield "sessions", r["id"], lambda k, r=r, w=whose: unseal(k, w, r["sealed"])
        for r in self.tables["marks"]:
            yield (
                "marks",
                r["mark"],
                lambda k, r=r: unseal(mac(k, "answer", ""), "answer", r["answer"]),
            )
        for r in self.tables["people"]:
            yield "people", r["id"], lambda k, r=r: unseal(k, "totp", r["totp"])
        for r in self.tables["sketches"]:
            yield "sketches", r["tip"], lambda k, r=r: _sketch(k, r)
        for number, raw in enumerate(self.redis):
            yield "redis", str(number).encode(), lambda k, raw=raw: unseal(k, "session", raw)


def _sketch(key: bytes, row: Row) -> bytes:
    (found,) = open_sketches([key], [(row["tip"], row["sealed"])])  # type: ignore[list-item]
    if not found:
        raise fmt.Damaged
    return found


LABELS = ("hotline/session-key/1", "hotline/totp/1", "hotline/reply/1", "hotline/sketch/1")


def opened(haul: Haul) -> Iterator[tuple[str, str, str]]:
    """Key by key, so that each is unfolded once."""
    chests = list(haul.chests())
    for key in haul.candidates():
        shut = []
        for chest in chests:
            table, identity, open_with = chest
            try:
                yield table, identity.hex(), repr(open_with(key))
            except (HotlineError, ValueError, KeyError):
                shut.append(chest)
        chests = shut


def main(folder: str) -> None:
    haul = Haul(Path(folder))
    tried = Counter(table for table, _, _ in haul.chests())
    told = {"keys": len(haul.candidates()), "tried": tried, "opened": list(opened(haul))}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
