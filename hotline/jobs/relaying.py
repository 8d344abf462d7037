"""Relaying: does what the relay's state machine says: calls, texts, knocks, alarms, ends.

What is known is sealed and committed before anything is done, so that a kill at any instant costs
one step's pause and never the place; a post may then be rung twice. Answers come as marks of the
public process (intake.answering): only the relay's own errand changes its standing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from hotline.assembly import StaffLine
from hotline.delivery import relay
from hotline.delivery.alarming import AlarmCode, raise_alarm
from hotline.delivery.knocking import Knocker
from hotline.delivery.relay import Notice, Out, Rung, Standing
from hotline.delivery.senders import Provider, ProviderProblem
from hotline.intake import answering
from hotline.intake.answering import Offer
from hotline.jobs.recordings import open_facts
from hotline.jobs.runner import MINUTE, NotYet
from hotline.routing.duty import Way, now
from hotline.tips import Errand, Language, State, Trace
from hotline.vault.small import random_id
from hotline.web.i18n import N_, say

LEAST_LEASE = 30  # seconds in which one step is surely done: a provider has ten
SLOW = 5  # seconds of failing after which other danger has its turn
BOARD = 60 * MINUTE  # an acknowledged relay stays on the board for so long, without its notice
GRAIN = 5 * MINUTE
BUSY_AGAIN = 1
LOOK = 10  # seconds between two looks whether an operator has the tip
TEXT = N_("{kind}, {place}: URGENT, UNVERIFIED. Sign in and take it.")

How = tuple[str, str, str]  # by which way it was taken, the person (hex), the post's key


class Relays:
    """The tasks ``relay``, ``answered`` and ``relay_over``. ``look`` does an errand now."""

    def __init__(self, line: StaffLine, provider: Provider, knock: Knocker) -> None:
        self._line = line
        self._provider = provider
        self._knock = knock
        self.look: Callable[[bytes], object] = lambda identity: None

    def relay(self, errand: Errand) -> Sequence[Errand]:
        """Rings until a human has the tip. Never buried, however long the provider fails."""
        notice = Notice.read(open_facts(self._line, errand))
        row = self._line.tips.one(notice.tip)
        if row is None or row.state not in (State.OPEN, State.WAITING):
            self._hang_up(notice.calls)
            return ()
        notice = replace(notice, queue=row.queue)
        kept, begun = notice.standing, self._line.clock.seconds()
        standing = kept or self._first(notice)
        pauses, ladder = self._line.profile.relay, notice.ladder(self._line.profile)
        how = self._taken(errand, notice.tip, standing)
        ended = bool(standing.ref) and answering.ended(self._line.once, standing.ref)
        while True:
            seconds = self._line.clock.seconds()
            outcome = relay.advance(
                standing,
                ladder,
                now(self._line.profile.zone, seconds),
                pauses,
                random_id().hex(),
                ended=ended,
                acknowledged=how is not None,
            )
            standing, ended = outcome.standing, False
            if how is not None:
                return self._over(notice, standing, how)
            if standing.alarmed:
                raise_alarm(self._line, AlarmCode.RELAY_UNACKNOWLEDGED)
            if standing != kept and not self._keep(errand, notice, standing):
                return ()  # a later notice of this tip rings in its place
            if notice.instead_of:
                self._line.outbox.done(bytes.fromhex(notice.instead_of))
            if outcome.ring is None:
                wait = min(relay.wait(standing, int(seconds), pauses), LOOK)
                raise NotYet(wait, "not_acknowledged")
            try:
                standing = self._ring(errand, notice, standing, outcome.ring)
            except ProviderProblem:
                standing = relay.failed(standing)
            self._keep(errand, notice, standing)
            if not standing.ref and self._line.clock.seconds() - begun > SLOW:
                raise NotYet(0, "provider_slow")

    def answered(self, errand: Errand) -> Sequence[Errand]:
        """Something was heard: the relay looks now and not when its pause is over."""
        identity = bytes.fromhex(open_facts(self._line, errand)["relay"])
        if not self._line.outbox.wake(identity):
            raise NotYet(BUSY_AGAIN, "relay_busy")
        self.look(identity)
        return ()

    def forget(self, errand: Errand) -> Sequence[Errand]:
        """An acknowledged relay leaves the board."""
        return ()

    def _first(self, notice: Notice) -> Standing:
        """Takes over from the relay it replaces, which does not know whom the reporter has named
        since: its calls to posts that may still be rung."""
        standing = Standing(since=int(self._line.clock.seconds()))
        if not notice.instead_of:
            return standing
        found = self._line.outbox.one(bytes.fromhex(notice.instead_of))
        before = Notice.read(open_facts(self._line, found)).standing if found else None
        if before is None:
            return standing
        kept = tuple(call for call in before.calls if call.post in notice.posts)
        self._hang_up(call for call in before.calls if call not in kept)
        return replace(standing, since=before.since, alarmed=before.alarmed, calls=kept)

    def _taken(self, errand: Errand, tip: bytes, standing: Standing) -> How | None:
        held = self._line.desk.claims(int(self._line.clock.seconds())).get(tip)
        if held is not None:
            return "claim", held.person.hex(), ""
        if (person := answering.acknowledged(self._line.once, errand.id)) is not None:
            return "desk", person.hex(), ""
        for call in standing.calls:
            if answering.taken(self._line.once, call.ref):
                return "key", "", call.post
        return None

    def _keep(self, errand: Errand, notice: Notice, standing: Standing) -> bool:
        facts = replace(notice, standing=standing).facts()
        again = self._line.envelope.errand_again(errand, facts)
        lease = int(self._line.clock.seconds()) + LEAST_LEASE
        return self._line.outbox.rewrite(again, max(standing.until, lease))

    def _ring(self, errand: Errand, notice: Notice, standing: Standing, rung: Rung) -> Standing:
        """Raises ProviderProblem."""
        post, line = rung.post, self._line
        language = post.language or line.profile.languages[0]
        place = line.places.called(notice.municipality) if notice.municipality else notice.place
        if rung.way is Way.WEBHOOK:
            document = {"kind": notice.type, "place": place, "status": "UNVERIFIED"}
            document["municipality"] = notice.municipality
            self._knock(post.webhook, document, standing.ref)
            return standing
        if rung.way is Way.SMS:
            kind = self._kind(notice.type, language)
            self._provider.alert(post.number, say(language, TEXT, kind=kind, place=place or "?"))
            return standing
        what = Offer(errand.id.hex(), answering.digit(), notice.type, place, language.value)
        answering.offer(line.once, line.tips, standing.ref, what)
        address = f"{line.settings.public_url}/twilio/relay/{standing.ref}"
        sid = self._provider.call(post.number, address, line.profile.relay.ring)
        if sid:
            erasure = line.envelope.erasure(Trace("call", sid))
            line.outbox.add(replace(erasure, due_at=standing.until))
        return relay.called(standing, sid)

    def _kind(self, code: str, language: Language) -> str:
        types = self._line.types
        return types.get(code).names[language] if code in types else code

    def _over(self, notice: Notice, standing: Standing, how: How) -> Sequence[Errand]:
        """The notice goes with its errand; what stays for an hour is who took it."""
        way, person, post = how
        fields = {"by": person} if person else {}
        self._line.audit.note("relay_acknowledged", tip=notice.tip.hex(), how=way, **fields)
        self._hang_up(call for call in standing.calls if call.post != post)
        at = int(self._line.clock.seconds())
        facts = {
            "queue": notice.queue,
            "since": str(standing.since),
            "at": str(at),
            "how": way,
            "by": person,
            "post": post,
        }
        due = -(-(at + BOARD) // GRAIN) * GRAIN
        return (self._line.envelope.errand("relay_over", random_id(), facts, due_at=due),)

    def _hang_up(self, calls: Iterable[Out]) -> None:
        """Nobody's telephone goes on ringing for what somebody has."""
        for call in calls:
            if call.sid:
                with suppress(ProviderProblem):
                    self._provider.hang_up(call.sid)
