"""Receipts: a pool stretched ahead, so that a person never waits for Argon2id."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

from hotline.errors import Busy
from hotline.vault.receipts import ReplyKeys, new_code, stretch
from hotline.vault.suites import X_WING

POOL = 12_000  # half a minute at 400 tips a second; some 20 MB; full after ten quiet minutes
_AT_ONCE = 2  # 19 MiB and 28 ms each; more at once would be a lever to stop the line
_PATIENCE_SECONDS = 10.0
RESERVE = 300  # as many are kept ready even while people report
_IDLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, repr=False)
class FreshReceipt:
    """A number nobody has yet, and the public half of what it opens."""

    code: str
    lookup: bytes
    public: bytes


class ReceiptPool:
    """Hands out stretched receipts; refills in the background while the line is idle.

    Lives in the memory of one public process and is never written anywhere."""

    def __init__(
        self, pepper: bytes, size: int = POOL, *, refill: bool = True, suite: int = X_WING
    ) -> None:
        """``suite`` is what the line seals in now: see the signed directory."""
        self._pepper = pepper
        self._suite = suite
        self._ready: queue.Queue[FreshReceipt] = queue.Queue(size)
        self._gate = threading.BoundedSemaphore(_AT_ONCE)
        self._stop = threading.Event()
        self._asked = threading.Event()
        if refill:
            threading.Thread(target=self._fill, name="receipts", daemon=True).start()

    def take(self) -> FreshReceipt:
        """The next receipt. With an empty pool it stretches one itself, two callers at a time;
        raises Busy when the wait is over ten seconds."""
        self._asked.set()
        try:
            return self._ready.get_nowait()
        except queue.Empty:
            pass
        if not self._gate.acquire(timeout=_PATIENCE_SECONDS):
            raise Busy
        try:
            return self._stretch()
        finally:
            self._gate.release()

    def open(self, code: str) -> ReplyKeys:
        """What a reporter's number opens. Raises Busy."""
        if not self._gate.acquire(timeout=_PATIENCE_SECONDS):
            raise Busy
        try:
            return stretch(code, self._pepper)
        finally:
            self._gate.release()

    def __len__(self) -> int:
        return self._ready.qsize()

    def close(self) -> None:
        self._stop.set()

    def _stretch(self) -> FreshReceipt:
        code = new_code()
        keys = stretch(code, self._pepper)
        return FreshReceipt(code, keys.lookup, keys.public_in(self._suite))

    def _fill(self) -> None:
        while not self._stop.is_set():
            if self._asked.is_set() and len(self) >= RESERVE:
                # Stretching takes a whole core: while people report, it is theirs.
                self._asked.clear()
                self._stop.wait(_IDLE_SECONDS)
                continue
            self._asked.clear()
            receipt = self._stretch()
            while not self._stop.is_set():
                try:
                    self._ready.put(receipt, timeout=1)
                    break
                except queue.Full:
                    continue
            # A person's request goes first: stretching yields the processor between numbers.
            self._stop.wait(0.02)
