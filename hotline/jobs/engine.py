"""Engine: starts what the staff process runs beside the console."""

from __future__ import annotations

from collections.abc import Callable

from hotline.assembly import StaffLine
from hotline.delivery.senders import Provider, provider
from hotline.jobs.chores import Chore, Housekeeper, chores
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.forgetting import Forget
from hotline.jobs.lookout import ClockWatch, Lookout
from hotline.jobs.nightly import Alarms, Drawing, Nightly
from hotline.jobs.statements import Statements
from hotline.jobs.tasks import runner
from hotline.jobs.watching import Watcher
from hotline.log import Log
from hotline.triage.audit import Sequencer


def start_jobs(line: StaffLine, sender: Provider | None = None) -> Callable[[], None]:
    """Chores always; the tasks themselves only without Redis, where workers do them. Returns
    what stops both, letting a running errand finish."""
    log = Log(line.clock, public=False)
    sender = sender or provider(line.settings, lambda t: log.event("sender", code=t))
    does = runner(line, sender, log)
    push = None
    engine = None
    if line.settings.redis_url:
        from hotline.jobs.rq import Pusher, connect

        pusher = Pusher(connect(line.settings.redis_url))

        def push() -> int:
            return pusher.push(line.outbox.ready_urgent(line.clock.seconds()))
    else:
        engine = EmbeddedJobs(does)
        engine.start()
    by_day = Housekeeper([*chores(line, push), Chore("alarms", 60, Alarms(line, log).run)], log)
    looks = [
        Chore("lookout", 60, Lookout(line, log).run),
        Chore("clock", 10, ClockWatch(line, log).run),
    ]
    # In threads of their own: the whole tree, proved again once a day, takes three minutes when it
    # has ten million records, a night's work as long; danger and sessions wait for neither.
    by_order = Housekeeper([Chore("sequence", 2, Sequencer(line).run)], log)
    nights = [
        Chore("forget", 60, Forget(line, log).run),
        Chore("nightly", 60, Nightly(line, sender).run),
        Chore("draw", 60, Drawing(line).run),
        Chore("balance", 3600, Statements(line).run),
    ]
    by_night = Housekeeper(nights, log)
    # Its own thread too: at its start it reads the records of a fortnight.
    watcher = Watcher(line, log)
    watch = [Chore("watch", 10, watcher.run), Chore("watch_night", 3600, watcher.night)]
    keepers = (by_order, by_day, by_night, Housekeeper(watch, log), Housekeeper(looks, log))
    for keeper in keepers:
        keeper.start()

    def stop() -> None:
        for keeper in keepers:
            keeper.stop()
        if engine is not None:
            engine.stop()

    return stop
