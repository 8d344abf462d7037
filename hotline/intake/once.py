"""Once: a message that comes twice changes nothing and gets the same answer.

The provider's signature has no time in it, so this table is the only protection against replay.
The mark is an HMAC under a random key of the day; the stored answer is sealed under a key derived
from the message's own id: whoever has the database can neither test an id nor read an answer. The
day keys are files outside the database and its backups, and are deleted after 48 h.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

from hotline.clock import Clock
from hotline.errors import Unavailable
from hotline.store.tips import Mark, Tips
from hotline.vault.directory import write_file
from hotline.vault.small import mac, random_key, seal, unseal

DAYS = 3  # today and the two before, by the calendar: 48 h are always covered


class Once:
    """Marks of one line. ``folder`` holds ``day-YYYY-MM-DD.key`` files, shared by the public
    processes of a machine."""

    def __init__(self, folder: Path, tips: Tips, clock: Clock) -> None:
        self._folder = folder
        self._tips = tips
        self._clock = clock
        self._keys: dict[str, bytes] = {}

    def recall(self, identity: str) -> bytes | None:
        """The answer that was given to this message, or None when it is new. Raises Unavailable."""
        marks = {mac(key, "mark", identity): key for key in self._recent().values()}
        found = self._tips.recall(marks)
        if found is None:
            return None
        mark, sealed = found
        return unseal(mac(marks[mark], "answer", identity), "answer", sealed)

    def mark(self, identity: str, answer: bytes) -> Mark:
        """The row that goes into the same commit as what the message changes."""
        day = self._clock.day()
        key = self._key(day)
        return Mark(
            mac(key, "mark", identity), day, seal(mac(key, "answer", identity), "answer", answer)
        )

    def forget(self) -> None:
        """Deletes day keys and marks older than 48 h. The staff process calls it every hour."""
        oldest = self._oldest()
        for file in self._folder.glob("day-*"):  # and what a killed process left of making one
            if file.name[4:14] < oldest:
                file.unlink(missing_ok=True)
        self._tips.forget_marks(oldest)

    def _oldest(self) -> str:
        """By the calendar and not by what is there: on a quiet line three keys may be a month."""
        today = date.fromisoformat(self._clock.day())
        return (today - timedelta(days=DAYS - 1)).isoformat()

    def _recent(self) -> dict[str, bytes]:
        self._key(self._clock.day())
        oldest = self._oldest()
        days = sorted(file.stem[4:] for file in self._folder.glob("day-*.key"))
        return {day: self._key(day) for day in days if day >= oldest}

    def _key(self, day: str) -> bytes:
        if day not in self._keys:
            file = self._folder / f"day-{day}.key"
            try:
                if not file.exists():
                    _make(file)
                key = file.read_bytes()
            except OSError:  # the disk is full or read-only
                raise Unavailable from None
            oldest = self._oldest()
            self._keys = {d: k for d, k in self._keys.items() if d >= oldest} | {day: key}
        return self._keys[day]


def _make(file: Path) -> None:
    """A key, unless another process is faster. A hard link either appears whole or fails: two
    processes never have two keys for one day."""
    fresh = file.with_name(f"{file.stem}.{random_key().hex()[:16]}.tmp")
    try:
        write_file(fresh, random_key())
        with suppress(FileExistsError):
            file.hardlink_to(fresh)
    finally:
        for rest in (fresh, fresh.with_name(fresh.name + ".new")):
            with suppress(OSError):
                rest.unlink()
