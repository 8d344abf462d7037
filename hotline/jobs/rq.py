"""RQ: the same tasks by workers on Redis. A job carries one outbox id and nothing else.

RQ's defaults would pickle the call, keep failed jobs with their arguments for a year and show the
call as description: all three are set here. Redis is never the place of record: what it loses is
pushed again by the sweeper, and what comes twice is claimed once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.places import RedisPlaces
from hotline.jobs.runner import Runner
from hotline.lanes import LANES, NAMES, URGENT, lane_of
from hotline.log import Log
from hotline.tips import Errand

_SHORT_SECONDS = 60
JOB_SECONDS = 600  # the sweeper tells again of what nobody took in that time
MOST_WAITING = 1000  # in one lane; the rest waits in the outbox
FEW_WAITING = 100  # below that the sweeper tells of more
STANDBY_SECONDS = 1.0  # between two looks for danger that Redis told nobody of
AWAY_SECONDS = 2.0  # until a worker whose Redis went away looks for it again


def connect(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)


class Pusher:
    """Tells the workers about errands after their commit. Redis away: the sweeper will."""

    def __init__(self, redis: Redis) -> None:
        self._queues = {
            name: Queue(name, connection=redis, serializer=JSONSerializer) for name in NAMES
        }

    def told(self, errands: Iterable[Errand]) -> None:
        """For ``assemble_*(told=…)``. A crowded lane is told of no more: without workers Redis
        would fill up."""
        by_lane: dict[str, list[bytes]] = {}
        for errand in errands:
            by_lane.setdefault(lane_of(errand.kind, errand.urgent), []).append(errand.id)
        try:
            for lane, identities in by_lane.items():
                if self._queues[lane].count < MOST_WAITING:
                    self._push(lane, identities)
        except RedisError:
            return

    def sweep(self, ready: Callable[[int, str], Iterable[bytes]]) -> int:
        """Tells of what ``ready(most, lane)`` gives, in each lane whose queue is nearly empty:
        otherwise it would tell of the same errands again and again. Returns how many."""
        told = 0
        try:
            for lane in NAMES:
                if self._queues[lane].count < FEW_WAITING:
                    told += self._push(lane, ready(MOST_WAITING, lane))
        except RedisError:
            return told
        return told

    def _push(self, lane: str, identities: Iterable[bytes]) -> int:
        jobs = [
            Queue.prepare_data(
                "hotline.jobs.rq.perform",
                args=[identity.hex()],
                job_id=identity.hex(),
                description="errand",
                result_ttl=0,
                failure_ttl=_SHORT_SECONDS,
                ttl=JOB_SECONDS,
                timeout=120,
            )
            for identity in dict.fromkeys(identities)
        ]
        if jobs:
            self._queues[lane].enqueue_many(jobs)
        return len(jobs)


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
    places = RedisPlaces(connect(settings.redis_url or ""), line.audit_key)
    return runner(line, provider(settings, say), log, places=places)


def perform(identity: str) -> None:
    """What a job does: the errand with this id, if it is still there and nobody has it."""
    _runner().run(bytes.fromhex(identity))


class _Worker(SimpleWorker):
    """Remembers that it was asked to end: RQ returns in the same way when Redis went away."""

    max_connection_wait_time = 5  # seconds; RQ's three minutes are long when Redis is back
    asked = threading.Event()

    def request_stop(self, signum: Any, frame: Any) -> None:
        self.asked.set()
        try:
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
        except RedisError:
            raise StopRequested from None


def work(url: str, *, burst: bool = False, lanes: Sequence[str] = NAMES) -> None:
    """A worker process until it is told to stop; then it lets the running errand finish, and a
    second signal ends it at once. It does not fork: the process holds database connections, and
    each errand is short. One that works for danger has a thread for it besides: it may be busy
    with something slow when danger comes, or Redis may be away."""
    runner: Runner = _runner()
    danger = [lane for lane in LANES if lane.name == URGENT and URGENT in lanes and not burst]
    standby = EmbeddedJobs(runner, danger, STANDBY_SECONDS)
    standby.start()
    try:
        with suppress(StopRequested):
            _until_away(url, burst, lanes)
            while not burst and not _Worker.asked.wait(AWAY_SECONDS):
                _until_away(url, burst, lanes)
    finally:
        standby.stop()


def _until_away(url: str, burst: bool, lanes: Sequence[str]) -> None:
    """Works until it was asked to end, is done in a burst, or Redis is away."""
    with Redis.from_url(url) as redis, suppress(RedisError):
        queues = [
            Queue(name, connection=redis, serializer=JSONSerializer)
            for name in NAMES
            if name in lanes
        ]
        worker = _Worker(
            queues, connection=redis, serializer=JSONSerializer, log_job_description=False
        )
        worker.work(burst=burst, logging_level="CRITICAL", with_scheduler=False)
