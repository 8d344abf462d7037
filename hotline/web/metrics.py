"""Metrics: how the line does, for the machine that watches it. Closed lists as labels, whole line.

No count of tips by desk or agency: a small one would tell an implicated body. And none that moves
with each report: whoever stores what a scraper saw would know the minute of every arrival, and the
phone company knows whose it was. So tips are those of the last signed balance, by the hour, and
errands that wait are counted in steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from hotline.assembly import StaffLine
from hotline.delivery.alarming import AlarmCode
from hotline.errors import HotlineError, NotAllowed
from hotline.store.line_alarms import OVER, LineAlarms
from hotline.triage.ledger import HOUR, base, unbalanced
from hotline.vault.small import same

STEP = 100  # errands
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
_LOOPBACK = ("127.0.0.1", "::1")


class LineCollector:
    """Reads when it is asked; nothing of the process itself (its memory grows with each tip)."""

    def __init__(self, line: StaffLine) -> None:
        self._line = line

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("hotline_database_up", "Whether the database answers.")
        try:
            found = list(self._figures())
        except HotlineError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found

    def _figures(self) -> Iterator[Metric]:
        line = self._line
        known = {one.code: one.state for one in LineAlarms(line.database).all()}
        alarms = GaugeMetricFamily("hotline_alarm", "Whether an alarm stands.", labels=["code"])
        for code in AlarmCode:
            alarms.add_metric([code], known.get(code, OVER) != OVER)
        yield alarms
        counts = line.outbox.counts()
        buried = sum(count for (_, state), count in counts.items() if state == "buried")
        yield GaugeMetricFamily("hotline_errands_buried", "Errands given up.", buried)
        waiting = sum(count for (_, state), count in counts.items() if state == "ready")
        text = f"Errands that wait, in steps of {STEP}."
        yield GaugeMetricFamily("hotline_errands_waiting", text, waiting // STEP * STEP)
        last = base(line)
        yield GaugeMetricFamily(
            "hotline_ledger_balanced", "Whether the last check balanced.", not unbalanced(line)
        )
        text = "The hour of the last balance, seconds since 1970."
        at = datetime.strptime(last.hour, HOUR).replace(tzinfo=UTC).timestamp() if last.hour else 0
        yield GaugeMetricFamily("hotline_ledger_balanced_at", text, at)
        text = "Tips at the last balance that had a place in the audit tree."
        tips = GaugeMetricFamily("hotline_tips", text, labels=["what"])
        tips.add_metric(["received"], last.received)
        tips.add_metric(["shredded"], last.shredded)
        yield tips


def staff(line: StaffLine) -> Blueprint:
    """``/metrics``: for this machine, or with the token of the settings."""
    registry = CollectorRegistry()
    registry.register(LineCollector(line))
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    def show() -> Response:
        if not _may(line.settings.metrics_token):
            raise NotAllowed
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return metrics


def _may(token: str) -> bool:
    """With a token it alone counts. Without one, only who asks from this machine and through no
    proxy: behind one everybody comes from this machine."""
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return same(given.encode(), token.encode())
    proxied = any(name in request.headers for name in _FORWARDED)
    return request.remote_addr in _LOOPBACK and not proxied
