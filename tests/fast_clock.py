"""Fast clock: one clock for several processes, which is put forward when everybody only waits."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from hotline.clock import Clock

ZONE = ZoneInfo("America/Sao_Paulo")


class SharedHands:
    """Seconds since 1970: the real ones and what stands in ``file``. Runs on as real time does."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_RDWR)

    def __call__(self) -> float:
        return time.time() + self._ahead()

    def forward(self, seconds: float) -> None:
        os.pwrite(self._file, struct.pack("d", self._ahead() + seconds), 0)

    def _ahead(self) -> float:
        ahead: float = struct.unpack("d", os.pread(self._file, 8, 0))[0]
        return ahead


def set_going(file: Path, at: float) -> SharedHands:
    """It shows ``at`` now."""
    file.write_bytes(struct.pack("d", at - time.time()))
    return SharedHands(file)


def shared(file: Path) -> Clock:
    return Clock(ZONE, SharedHands(file))
