"""Sending: the errand that takes one package out of the line, or tells an agency that it waits.

It is put down when a package has arrived in its inbox, and decides anew what to do when it is done:
a package that was undone, erased, answered or delivered meanwhile is sent nowhere. What it does
twice changes nothing: a receiver knows a package by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hotline.delivery import agencies, mail, webhooks
from hotline.delivery.alarming import AlarmCode, raise_alarm
from hotline.delivery.packages import signing_key_of
from hotline.delivery.ways import NotDelivered, Patience, patience
from hotline.routing.leaving import Delivery, Way, is_loopback
from hotline.store.desk import Package
from hotline.store.ways import Ways
from hotline.tips import Errand
from hotline.triage.opening import Bench
from hotline.vault.directory import HELD
from hotline.vault.line import line_signer

_WAITING = ("sent", "opened")  # after that the agency has said itself that it has it


@dataclass(frozen=True, slots=True)
class Sending:
    """``post`` and ``send`` are the ports to the outside."""

    line: Bench
    post: webhooks.Poster = webhooks.post
    send: mail.Postman = mail.send
    patience: Patience = field(default_factory=patience)

    def errands(self, package: bytes, agency: str) -> Sequence[Errand]:
        """What follows when a package has arrived in the inbox of ``agency``."""
        way = self.way(agency)
        if not way.outgoing or self._imagined(way):
            return ()
        facts, due = {"agency": agency, "way": str(way.delivery)}, 0
        if way.delivery is Delivery.EMAIL:
            hour = self.patience.mail.next(self.line.clock)
            facts["hour"], due = hour.isoformat(), int(hour.timestamp())
        errand = self.line.envelope.errand("deliver", package, facts, due_at=due)
        return (errand,)

    def way(self, agency: str) -> Way:
        """As the profile says it now."""
        found = self.line.profile.agency(agency)
        return found.way if found else Way()

    def deliver(self, errand: Errand, facts: dict[str, str]) -> Sequence[Errand]:
        """Raises NotDelivered."""
        row = self.line.desk.package(errand.subject)
        if row is None or row.agency != facts["agency"] or row.state not in _WAITING:
            return ()
        way = self.way(row.agency)
        if way.delivery != facts["way"]:
            return ()  # the agency chose another way since; its inbox has the package in any case
        if way.delivery is Delivery.WEBHOOK and not row.delivered:
            self._post(row, way)
        elif way.delivery is Delivery.EMAIL and row.state == "sent":
            self._tell(row.agency, way, facts["hour"])
        return ()

    def _post(self, row: Package, way: Way) -> None:
        body = self.line.tips.body(row.id)
        if body is None:
            return
        public = signing_key_of(self.line, row.agency)
        held = any(wrap.epoch == HELD for wrap in self.line.tips.wraps([row.id]))
        if public is None or not held:
            # Nobody outside could open it, and nobody's word for it could be checked. It stays in
            # the inbox: trying again helps only once the agency has a key and the package is new.
            raise_alarm(self.line, AlarmCode.DELIVERY_FAILING)
            return
        parcel = webhooks.Parcel(
            row.id, row.agency, way.address, agencies.packed(self.line, row, body), public
        )
        now = int(self.line.clock.seconds())
        self._asked(row.agency)
        seed = line_signer(self.line.settings.staff)
        try:
            confirmed = webhooks.deliver(parcel, seed, now, self.patience.webhook, self.post)
        except NotDelivered as problem:
            self._failed(row.agency, problem)
            raise
        self._ways.well(row.agency)
        self.line.desk.handed_over(row.id, row.agency, self.line.clock.day(), confirmed=confirmed)

    def _tell(self, agency: str, way: Way, hour: str) -> None:
        """Once an hour of the table, however many wait."""
        if self._ways.of(agency).told >= hour:
            return
        if not self.line.settings.smtp_url:
            raise_alarm(self.line, AlarmCode.DELIVERY_FAILING)
            raise NotDelivered("no_mail_server")
        language = way.language or self.line.profile.languages[0]
        now = self.line.clock.seconds()
        self._asked(agency)
        try:
            self.send(
                self.line.settings, mail.letter(self.line.settings, way.address, language, now)
            )
        except NotDelivered as problem:
            self._failed(agency, problem)
            raise
        self._ways.well(agency)
        self._ways.told(agency, max(hour, self.patience.mail.last(self.line.clock).isoformat()))

    def _asked(self, agency: str) -> None:
        """Raises NotDelivered while the agency is left alone: what waits for it waits together,
        and nothing else waits for it."""
        left = self._ways.of(agency).until - int(self.line.clock.seconds())
        if left > 0:
            raise NotDelivered("agency_away", left)

    def _failed(self, agency: str, problem: NotDelivered) -> None:
        away = self.patience.away
        standing = self._ways.failed(agency, self.line.clock.seconds(), away.pause)
        if standing.failures >= away.after or problem.reason == webhooks.FORGED:
            raise_alarm(self.line, AlarmCode.DELIVERY_FAILING)

    def _imagined(self, way: Way) -> bool:
        """A demonstration, where nothing leaves the machine."""
        settings = self.line.settings
        url = way.address if way.delivery is Delivery.WEBHOOK else settings.smtp_url
        return settings.demo and not is_loopback(urlsplit(url).hostname or "")

    @property
    def _ways(self) -> Ways:
        return Ways(self.line.database)


def limit(sending: Sending, agency: str) -> tuple[str, int, float]:
    """Name, places and seconds of what may be under way to one agency at the same time."""
    way = sending.way(agency)
    most = way.at_once if way.delivery is Delivery.WEBHOOK else 1
    return f"deliver:{agency}", most, sending.patience.webhook.total + 60
