"""Engine: starts what the staff process runs beside the console."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hotline.assembly import StaffLine
from hotline.delivery.senders import Provider, provider
from hotline.jobs.chores import Beat, Chore, Housekeeper, chores
from hotline.jobs.embedded import URGENT_PAUSE_SECONDS, EmbeddedJobs
from hotline.jobs.forgetting import Forget
from hotline.jobs.lookout import ClockWatch, Lookout
from hotline.jobs.nightly import Alarms, Drawing, Nightly
from hotline.jobs.statements import Statements
from hotline.jobs.tasks import runner
from hotline.jobs.watching import Watcher
from hotline.lanes import LANES, URGENT, Lane
from hotline.log import Log
from hotline.store.leases import Lease
from hotline.triage.audit import Sequencer


def start_jobs(line: StaffLine, sender: Provider | None = None) -> Callable[[], None]:
    """Chores while this process leads; the tasks themselves without Redis, where workers do all of
    them but danger, which both do. Returns what stops it all, letting a running errand finish."""
    log = Log(line.clock, public=False)
    sender = sender or provider(line.settings, lambda t: log.event("sender", code=t))
    push = places = None
    lanes: Iterable[Lane] = LANES
    pause = URGENT_PAUSE_SECONDS
    if line.settings.redis_url:
        from hotline.jobs.places import RedisPlaces
        from hotline.jobs.rq import STANDBY_SECONDS, Pusher, connect

        redis = connect(line.settings.redis_url)
        pusher, places = Pusher(redis), RedisPlaces(redis, line.audit_key)
        # Danger rings although Redis is away and every worker is dead.
        lanes, pause = [lane for lane in LANES if lane.name == URGENT], STANDBY_SECONDS

        def push() -> int:
            return pusher.sweep(
                lambda most, lane: line.outbox.ready(line.clock.seconds(), most, lane)
            )

    engine = EmbeddedJobs(runner(line, sender, log, places=places), lanes, pause)
    engine.start()
    lease = Lease(line.database, "chores")
    beat = Beat(lease)
    beat.start()
    by_day = Housekeeper(
        [*chores(line, push), Chore("alarms", 60, Alarms(line, log).run)], log, lease
    )
    looks = [
        Chore("lookout", 60, Lookout(line, log).run),
        Chore("clock", 10, ClockWatch(line, log).run),
    ]
    # In threads of their own: the whole tree, proved again once a day, takes three minutes when it
    # has ten million records, a night's work as long; danger and sessions wait for neither.
    by_order = Housekeeper([Chore("sequence", 2, Sequencer(line).run)], log, lease)
    nights = [
        Chore("forget", 60, Forget(line, log).run),
        Chore("nightly", 60, Nightly(line, sender).run),
        Chore("draw", 60, Drawing(line).run),
        Chore("balance", 3600, Statements(line).run),
    ]
    by_night = Housekeeper(nights, log, lease)
    # Its own thread too: at its start it reads the records of a fortnight.
    watcher = Watcher(line, log)
    watch = [Chore("watch", 10, watcher.run), Chore("watch_night", 3600, watcher.night)]
    keepers = (
        by_order,
        by_day,
        by_night,
        Housekeeper(watch, log, lease),
        Housekeeper(looks, log, lease),
    )
    for keeper in keepers:
        keeper.start()

    def stop() -> None:
        for keeper in keepers:
            keeper.stop()
        engine.stop()
        beat.stop()

    return stop
