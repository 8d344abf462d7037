"""The pool of stretched receipts: never empty for long, and no burden on those who report."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from hotline.intake import receipts
from hotline.intake.receipts import ReceiptPool

PEPPER = bytes(32)


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.005)
    return holds()


def test_stretching_yields_to_people_and_fills_up_when_they_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = receipts.stretch(receipts.new_code(), PEPPER)
    monkeypatch.setattr(receipts, "stretch", lambda code, pepper: keys)
    monkeypatch.setattr(receipts, "RESERVE", 3)
    monkeypatch.setattr(receipts, "_IDLE_SECONDS", 0.3)
    pool = ReceiptPool(PEPPER, 20)
    try:
        assert eventually(lambda: len(pool) == 20)
        while len(pool) > 4:
            pool.take()
        most = []
        for _ in range(30):
            time.sleep(0.02)
            pool.take()
            most.append(len(pool))
        assert max(most) <= 4
        assert eventually(lambda: len(pool) == 20)
    finally:
        pool.close()
