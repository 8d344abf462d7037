"""Log: static events with allow-listed fields; hour-coarse and without ids in public processes."""

from __future__ import annotations

import json
import logging
import secrets
import sys
import traceback
from typing import TextIO

from hotline.clock import Clock

ALLOWED = frozenset(
    {"channel", "code", "count", "frames", "incident", "kind", "port", "process", "state", "status"}
)
_INTERNAL_ONLY = frozenset({"errand"})


class Log:
    """Writes one JSON line an event. Any field off the list is dropped before it is written."""

    def __init__(self, clock: Clock, *, public: bool, out: TextIO | None = None) -> None:
        self._clock = clock
        self._public = public
        self._out = out or sys.stderr

    def event(self, name: str, **fields: str | int) -> None:
        now = self._clock.now()
        # The minute of a tip's arrival, beside the phone company's records, is its sender.
        at = now.strftime("%Y-%m-%dT%H:00Z" if self._public else "%Y-%m-%dT%H:%M:%SZ")
        allowed = ALLOWED if self._public else ALLOWED | _INTERNAL_ONLY
        kept = {name: value for name, value in fields.items() if name in allowed}
        self._out.write(json.dumps({"at": at, "event": name, **kept}) + "\n")
        self._out.flush()

    def incident(self, error: BaseException) -> str:
        """Logs where an unexpected error happened, never its words; returns a random number that
        the person may quote."""
        number = secrets.token_hex(4)
        frames = " < ".join(
            f"{frame.name}:{frame.lineno}"
            for frame in reversed(traceback.extract_tb(error.__traceback__)[-6:])
        )
        self.event("incident", incident=number, kind=type(error).__name__, frames=frames)
        return number


def quiet() -> None:
    """Silences libraries that would print addresses, numbers or parameters."""
    for name in ("werkzeug", "twilio.http_client", "sqlalchemy", "urllib3", "_granian", "rq"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
