"""Nightly: once a night, by one process: counts what was erased, sweeps the provider, draws what is
to be read again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hotline.assembly import StaffLine
from hotline.clock import Clock
from hotline.delivery.erasure import KEEP, SWEEP, Standing, Sweep, alarms
from hotline.delivery.senders import Provider
from hotline.errors import HotlineError
from hotline.jobs.recordings import open_facts
from hotline.log import Log
from hotline.store.facts import Facts
from hotline.triage import sampling
from hotline.triage.canaries import Canaries

SAMPLED = "sampled"
AT = 3  # o'clock in the jurisdiction's zone
LEASE, PAUSE, HOUR = 3600, 600, 3600


class Nightly:
    """Safe to repeat and to miss: a night without it is made up for as soon as somebody runs."""

    def __init__(self, line: StaffLine, provider: Provider) -> None:
        self._line = line
        self._provider = provider
        self._facts = Facts(line.database)

    def run(self) -> bool:
        """Whether this call did the night's work. Raises what kept it from ending well; then it
        is due again in ten minutes."""
        clock, seen = self._line.clock, self._facts.get(SWEEP)
        standing, now = Standing.load(seen), int(clock.seconds())
        if standing is None:
            # A line that has just begun keeps nothing: its first night is the coming one.
            self._facts.swap(SWEEP, "", Standing(_hour(now)).dump())
            return False
        if standing.done >= night_began(clock) or standing.until > now:
            return False
        taken = replace(standing, until=now + LEASE).dump()
        if not self._facts.swap(SWEEP, seen, taken):
            return False
        problem = "incident"
        try:
            self._work()
            problem = ""
        except HotlineError as error:
            problem = str(getattr(error, "reason", error.code))
            raise
        finally:
            after = int(clock.seconds())
            ended = Standing(standing.done, after + PAUSE, problem)
            self._facts.swap(SWEEP, taken, (ended if problem else Standing(_hour(after))).dump())
        return True

    def _work(self) -> None:
        line, now = self._line, self._line.clock.seconds()
        line.outbox.tally("provider_erased")
        # What the worker has still to fetch, however old, given up or not: a recording is a
        # person's words until the line has them. A fetch follows its recording within the two
        # hours of a conversation, so none for an old one is written while the sweep runs.
        # The files of a message go with it, so it stays for them in the same way.
        spared = {
            open_facts(line, errand)[name]
            for kind, name in (("recording", "sid"), ("media", "message"))
            for errand in line.outbox.pending(kind)
        }
        sweep = Sweep(self._provider, now, spared)
        sweep.run()
        before = (line.clock.now() - timedelta(seconds=KEEP)).astimezone(line.clock.zone)
        line.audit.note(
            "provider_swept",
            before=before.date().isoformat(),
            gone=str(sweep.gone),
            waiting=str(sweep.waiting + len(spared)),
        )


class Drawing:
    """Once a night, what supervisors read again is drawn. Done twice, the second draw finds nothing
    left but what was closed in between."""

    def __init__(self, line: StaffLine) -> None:
        self._line = line

    def run(self) -> bool:
        """Whether this call drew for the night."""
        facts, night = Facts(self._line.database), str(night_began(self._line.clock))
        seen = facts.get(SAMPLED)
        if seen == night:
            return False
        sampling.draw(self._line, spared=Canaries(self._line).planted())
        facts.swap(SAMPLED, seen, night)
        return True


class Alarms:
    """Writes down, once each, what begins to ring about the provider."""

    def __init__(self, line: StaffLine, log: Log) -> None:
        self._line = line
        self._log = log
        self._ringing: set[str] = set()

    def run(self) -> None:
        now = self._line.clock.seconds()
        ringing = alarms(self._line.outbox, Facts(self._line.database), now)
        for code in sorted(ringing.keys() - self._ringing):
            self._log.event("provider_alarm", code=code, count=ringing[code])
            self._line.audit.note("provider_alarm", code=code)
        self._ringing = set(ringing)


def night_began(clock: Clock) -> int:
    """The last three o'clock in the jurisdiction's zone, in seconds since 1970."""
    local = clock.now().astimezone(clock.zone)
    three = local.replace(hour=AT, minute=0, second=0, microsecond=0)
    return int((three if three <= local else three - timedelta(days=1)).timestamp())


def _hour(seconds: int) -> int:
    return seconds // HOUR * HOUR
