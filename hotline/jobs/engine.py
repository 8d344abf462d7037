"""Engine: starts what the staff process runs beside the console."""

from __future__ import annotations

from collections.abc import Callable

from hotline.assembly import StaffLine
from hotline.delivery.senders import Provider, provider
from hotline.jobs.chores import Housekeeper, chores
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log


def start_jobs(line: StaffLine, sender: Provider | None = None) -> Callable[[], None]:
    """Chores always; the tasks themselves only without Redis, where workers do them. Returns
    what stops both, letting a running errand finish."""
    log = Log(line.clock, public=False)
    does = runner(
        line, sender or provider(line.settings, lambda t: log.event("sender", code=t)), log
    )
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
    housekeeper = Housekeeper(chores(line, push), log)
    housekeeper.start()

    def stop() -> None:
        housekeeper.stop()
        if engine is not None:
            engine.stop()

    return stop
