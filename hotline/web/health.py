"""Health: whether a process lives, and whether the line can take a report safely now.

No counts, no versions, no names: only "ready", or the codes of what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import Blueprint, Response, jsonify

from hotline.assembly import PublicLine, StaffLine
from hotline.errors import HotlineError
from hotline.store import migrate
from hotline.store.alarms import Alarms
from hotline.store.database import Database
from hotline.store.deadlines import Deadlines
from hotline.store.line_alarms import OVER, LineAlarms
from hotline.triage.audit import stuck
from hotline.vault.directory import Directory, NoKey
from hotline.vault.envelope import STATISTICS, WORKER, queue_recipient

Reasons = Callable[[], Iterator[str]]


def public(line: PublicLine) -> Blueprint:
    """``/healthz`` and ``/readyz`` of a process that takes reports."""

    def reasons() -> Iterator[str]:
        yield from _database(line.database)
        directory, month = line.pipeline.envelope.directory, line.clock.month()
        queues = map(queue_recipient, line.profile.queues)
        yield from _keys(directory, month, (*queues, STATISTICS, WORKER))
        if not len(line.pipeline.receipts):
            yield "receipts"

    return _blueprint(reasons)


def staff(line: StaffLine) -> Blueprint:
    """The same for the staff process, which also needs this month's worker seed and signs the
    audit. Lateness and alarms are warnings: a desk with too much to do, or with somebody to look
    at, must not be taken from the people who would do it."""

    def reasons() -> Iterator[str]:
        yield from _database(line.database)
        yield from _keys(line.directory, line.clock.month(), line.profile.recipients())
        if line.clock.month() not in line.worker:
            yield "worker"
        if stuck(line):
            yield "audit"

    def warnings() -> Iterator[str]:
        if Deadlines(line.database).long_late(int(line.clock.seconds())):
            yield "late"
        if Alarms(line.database).waiting():
            yield "alarms"
        for one in LineAlarms(line.database).all():
            if one.state != OVER:
                yield one.code

    return _blueprint(reasons, warnings)


def analyst() -> Blueprint:
    """The analyst process needs nothing but the files of its releases."""
    return _blueprint(lambda: iter(()))


def _database(database: Database) -> Iterator[str]:
    try:
        database.ping()
        if migrate.current(database) != migrate.head(database):
            yield "migrations"
    except HotlineError:
        yield "database"


def _keys(directory: Directory, month: str, recipients: tuple[str, ...]) -> Iterator[str]:
    try:
        for recipient in recipients:
            directory.key(recipient, month)
    except NoKey:
        yield "keys"


def _blueprint(reasons: Reasons, warnings: Reasons = lambda: iter(())) -> Blueprint:
    health = Blueprint("health", __name__)

    @health.get("/healthz")
    def healthz() -> Response:
        return jsonify(alive=True)

    @health.get("/readyz")
    def readyz() -> tuple[Response, int]:
        missing = list(reasons())
        if missing:
            return jsonify(ready=False, reasons=missing), 503
        if warned := list(warnings()):
            return jsonify(ready=True, warnings=warned), 200
        return jsonify(ready=True), 200

    return health
