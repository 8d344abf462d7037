"""RQ: the same tasks by workers on Redis. A job carries one outbox id and nothing else.

RQ's defaults would pickle the call, keep failed jobs with their arguments for a year and show the
call as description: all three are set here. Redis is never the place of record: what it loses is
pushed again by the sweeper, and what comes twice is claimed once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from hotline.log import Log
from hotline.tips import Errand

URGENT, ORDINARY = "urgent", "ordinary"
_SHORT_SECONDS = 60
MOST_WAITING = 1000


def connect(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)


class Pusher:
    """Tells the workers about errands after their commit. Redis away: the sweeper will."""

    def __init__(self, redis: Redis) -> None:
        self._queues = {
            name: Queue(name, connection=redis, serializer=JSONSerializer)
            for name in (URGENT, ORDINARY)
        }

    def told(self, errands: Iterable[Errand]) -> None:
        """For ``assemble_*(told=…)``."""
        self.push((errand.id, errand.urgent) for errand in errands)

    def _crowded(self) -> bool:
        """Whether nobody has taken what was told before: without workers the sweeper would tell
        of the same errands every few seconds until Redis is full."""
        try:
            return bool(self._queues[ORDINARY].count >= MOST_WAITING)
        except RedisError:
            return True

    def push(self, errands: Iterable[tuple[bytes, bool]]) -> int:
        """``(outbox id, urgent)`` each; returns how many were told."""
        told = 0
        if self._crowded():
            return told
        for identity, urgent in errands:
            try:
                self._queues[URGENT if urgent else ORDINARY].enqueue_call(
                    "hotline.jobs.rq.perform",
                    args=[identity.hex()],
                    job_id=identity.hex(),
                    description="errand",
                    result_ttl=0,
                    failure_ttl=_SHORT_SECONDS,
                    ttl=600,
                    timeout=120,
                )
                told += 1
            except RedisError:
                return told
        return told


@lru_cache(maxsize=1)
def _runner() -> Any:
    from hotline import settings as settings_module
    from hotline.assembly import adopt, assemble_staff
    from hotline.delivery.senders import provider
    from hotline.jobs.tasks import runner

    settings = settings_module.load()
    adopt(settings)
    line = assemble_staff(settings)
    log = Log(line.clock, public=False)
    say = lambda text: log.event("provider", code=text)  # noqa: E731
    return runner(line, provider(settings, say), log)


def perform(identity: str) -> None:
    """What a job does: the errand with this id, if it is still there and nobody has it."""
    _runner().run(bytes.fromhex(identity))


def work(url: str, *, burst: bool = False) -> None:
    """A worker process until it is told to stop. It does not fork: the process holds database
    connections, and each errand is short."""
    redis = Redis.from_url(url)
    _runner()
    queues = [
        Queue(name, connection=redis, serializer=JSONSerializer) for name in (URGENT, ORDINARY)
    ]
    worker = SimpleWorker(
        queues, connection=redis, serializer=JSONSerializer, log_job_description=False
    )
    worker.work(burst=burst, logging_level="CRITICAL", with_scheduler=False)
