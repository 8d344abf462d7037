"""Runner: does one errand, safe to repeat; tries again by a data table; buries with an alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.log import Log
from hotline.store.outbox import Outbox
from hotline.tips import Errand

SECOND, MINUTE, HOUR = 1, 60, 3600


class NotYet(HotlineError):
    """Nothing failed: the errand has to be looked at again later."""

    code = "not_yet"

    def __init__(self, seconds: int, reason: str) -> None:
        super().__init__("This errand waits.")
        self.seconds = seconds
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Task:
    """How one kind of errand is done. ``do`` returns errands that follow from it, committed with
    its end. ``waits`` are the pauses before each further try, in seconds; after the last it is
    buried. ``counted``: that it was done is counted at night."""

    do: Callable[[Errand], Sequence[Errand]]
    waits: tuple[int, ...]
    counted: bool = False


BACKOFF = (5, 30, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR)


class Runner:
    """One errand at a time. Several runners may work on one outbox: the claim decides."""

    def __init__(self, outbox: Outbox, clock: Clock, tasks: Mapping[str, Task], log: Log) -> None:
        self.outbox = outbox
        self.clock = clock
        self.tasks = tasks
        self._log = log

    def run(self, identity: bytes) -> bool:
        """Whether this call did or tried the errand. Never raises for a failing task."""
        claimed = self.outbox.claim(identity, self.clock.seconds())
        if claimed is None:
            return False
        errand, attempts = claimed
        task = self.tasks.get(errand.kind)
        if task is None:
            self._bury(errand, "unknown_kind")
            return True
        try:
            following = task.do(errand)
        except NotYet as wait:
            again = self.clock.seconds() + wait.seconds
            self.outbox.again(errand.id, again, wait.reason, tried=False)
        except HotlineError as problem:
            reason = getattr(problem, "reason", problem.code)
            self._fail(errand, task, attempts, str(reason), getattr(problem, "wait", 0))
        except Exception as error:  # noqa: BLE001 - a bug must not stop the other errands
            self._log.incident(error)
            self._fail(errand, task, attempts, "incident")
        else:
            self.outbox.done(errand.id, *following, counted=task.counted)
        return True

    def ready(self, most: int = 100, lane: str | None = None) -> list[bytes]:
        return self.outbox.ready(self.clock.seconds(), most, lane)

    def _fail(self, errand: Errand, task: Task, attempts: int, reason: str, least: int = 0) -> None:
        """``least``: the other side asked not to be asked again for so many seconds."""
        if attempts >= len(task.waits):
            self._bury(errand, reason)
            return
        wait = max(task.waits[attempts], least)
        self.outbox.again(errand.id, self.clock.seconds() + wait, reason[:40])

    def _bury(self, errand: Errand, reason: str) -> None:
        self.outbox.bury(errand.id, reason[:40], self.clock.seconds())
        self._log.event("errand_buried", kind=errand.kind, code=reason[:40])
