"""Pipeline: a tip's life in one function you can read aloud.

strip → classify → route → seal → store with its side effects in one commit → receipt. A
conversation runs the same steps: ``open`` stores the first message at once, ``add`` seals each
answer, ``conclude`` decides again with everything told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hotline.clock import Clock
from hotline.errors import Unavailable
from hotline.intake.merge import merge, strip_contact
from hotline.intake.once import Once
from hotline.intake.receipts import FreshReceipt, ReceiptPool
from hotline.intake.stripping import without_tokens
from hotline.intake.thread import FollowUp, Message, Receipt, Thread
from hotline.routing.classify import Types
from hotline.routing.profile import Profile
from hotline.routing.route import Router
from hotline.store.database import AlreadyThere
from hotline.store.tips import Mark, Tips
from hotline.tips import (
    ClassifiedTip,
    Contact,
    Decision,
    Errand,
    Priority,
    Question,
    QueueKind,
    SealedPackage,
    State,
    Tip,
    Wrap,
    queue_kind,
)
from hotline.vault.content import TipContent
from hotline.vault.envelope import Envelope, TipKey, queue_recipient
from hotline.vault.format import Damaged, Kind, digest
from hotline.vault.receipts import REPLY_SLOTS, find_tip, open_reply, read_code
from hotline.vault.small import random_id, random_key

Answer = Callable[[str], bytes]
MOST_ON_DUTY = 12
MOST_ANSWERS = 255  # a summary's number is one byte


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything intake needs, and no private key."""

    profile: Profile
    types: Types
    router: Router
    envelope: Envelope
    tips: Tips
    once: Once
    receipts: ReceiptPool
    clock: Clock

    def receive(
        self, contact: Contact, once: str | None = None, answer: Answer = str.encode
    ) -> Receipt:
        """One complete tip. ``once`` names the message for repeats; ``answer`` makes from the
        20 digits what the channel will say. Raises Unavailable, Busy; then nothing is stored."""
        if (known := self._known(once)) is not None:
            return Receipt("", known, repeated=True)
        tip, _ = self._strip(contact)
        classified = self.classify(tip)
        decision = self.router.decide(classified)
        content = self._content(classified, decision, receipt := self.receipts.take())
        said = answer(receipt.code)
        key, mark = _new_key(), self._mark(once, said)
        alarm = self._alarm(key.tip, classified, decision)
        stored = self._store(content, key, contact, decision.queue, State.WAITING, mark, alarm)
        if stored is None:
            return self._repeated(once)
        return _receipt(receipt.code, said, classified, decision)

    def open(
        self, contact: Contact, once: str | None = None, answer: Answer = str.encode
    ) -> tuple[Receipt, Thread | None]:
        """The first message of a conversation: stored at once, seen by the unresolved desk only,
        unless it is urgent or that desk belongs to an implicated body."""
        if (known := self._known(once)) is not None:
            return Receipt("", known, repeated=True), None
        tip, names = self._strip(contact)
        classified = self.classify(tip)
        decision = self.router.decide(classified)
        content = self._content(classified, decision, receipt := self.receipts.take())
        at_once = decision.priority is Priority.P0 or bool(decision.recused)
        queue = decision.queue if at_once else self.desk
        said, key = answer(receipt.code), _new_key()
        state = State.WAITING if at_once else State.OPEN
        alarm, mark = self._alarm(key.tip, classified, decision), self._mark(once, said)
        body_hash = self._store(content, key, contact, queue, state, mark, alarm)
        if body_hash is None:
            return self._repeated(once), None
        thread = Thread(
            key=key,
            body_hash=body_hash,
            tip=tip,
            code=receipt.code,
            lookup=receipt.lookup,
            reply_key=receipt.public,
            observation=content.observation,
            day=content.day,
            queue=queue,
            settled=queue if at_once else "",
            relayed=_where(classified) if decision.priority is Priority.P0 else None,
            relay=alarm[0].id.hex() if alarm else "",
            names=names,
        )
        return _receipt(receipt.code, said, classified, decision), thread

    def add(
        self, thread: Thread, contact: Contact, once: str | None = None, said: bytes = b""
    ) -> Thread:
        """A later answer: sealed under the tip's key at once. When it makes the tip urgent or
        names an implicated body, the tip moves at once too."""
        tip, names = merge(thread.tip, contact, thread.names)
        tip = self._hear(contact, tip)
        thread = replace(thread, tip=tip, names=names, answers=thread.answers + 1)
        classified = self.classify(tip)
        decision = self.router.decide(classified)
        content = self._again(thread, classified, decision)
        urgent = decision.priority is Priority.P0
        moves = (urgent or bool(decision.recused)) and thread.settled != decision.queue
        relay = urgent and (moves or thread.relayed != _where(classified))
        errands = [self.envelope.erasure(trace) for trace in contact.traces]
        errands.append(self._news(thread.key.tip))
        if relay:
            alarm = self._relay(thread.key.tip, classified, decision, thread.relay)
            thread = replace(thread, relayed=_where(classified), relay=alarm.id.hex())
            errands.append(alarm)
        wraps: list[Wrap] = []
        if moves:
            wraps, settle = self._move(thread, content)
            errands.append(settle)
            thread = replace(thread, settled=decision.queue, queue=decision.queue)
        while True:
            body = self.envelope.body(content, thread.key, thread.answers)
            try:
                self.tips.add(self._mark(once, said), bodies=[body], wraps=wraps, errands=errands)
            except AlreadyThere:
                if once is None or self._known(once) is not None or thread.answers >= MOST_ANSWERS:
                    return thread
                # Not this message is there but its number: an answer was committed and its
                # session never kept. What was told now is not lost for that.
                thread = replace(thread, answers=thread.answers + 1)
            else:
                return thread

    def conclude(self, thread: Thread) -> Thread:
        """The conversation is over: decides with everything told and hands the tip on. Safe to
        repeat; a crash before it leaves the tip with the unresolved desk, which is staffed."""
        classified = self.classify(thread.tip)
        decision = self.router.decide(classified)
        if thread.settled == decision.queue:
            return thread
        content = self._again(thread, classified, decision)
        wraps, settle = self._move(thread, content)
        packages = self._packages(content, thread.key.tip)
        notices = [self._notice(package) for package in packages]
        if decision.priority is Priority.P0:
            notices.append(self._relay(thread.key.tip, classified, decision, thread.relay))
        # Killed after this commit, the conversation concludes again: an agency gets one package.
        mark = self._mark(f"concluded:{thread.key.tip.hex()}:{thread.answers}", b"")
        self._insert(
            lambda: self.tips.add(mark, wraps=wraps, packages=packages, errands=[settle, *notices])
        )
        return replace(thread, settled=decision.queue, queue=decision.queue)

    def remember(self, once: str, said: bytes) -> None:
        """A message that changes nothing but the conversation: its repeat gets the same answer."""
        self._insert(lambda: self.tips.add(self._mark(once, said)))

    def recall(self, once: str) -> bytes | None:
        """What was answered to this message before, or None."""
        return self._known(once)

    def follow_up(self, typed: str) -> FollowUp:
        """What a receipt opens. Unknown, wrong and unanswered look alike and cost alike: the
        number is always stretched and eight slots are always opened. Raises Busy."""
        keys = self.receipts.open(read_code(typed) or "0" * 20)
        slots = self.tips.replies(keys.lookup, REPLY_SLOTS)
        slots += [(random_id(), b"\x01" + bytes(5232))] * (REPLY_SLOTS - len(slots))
        found: list[dict[str, str]] = []
        for slot, sealed in slots:
            try:
                found.append(json.loads(open_reply(keys, slot, sealed)))
            except Damaged:
                continue
        found.sort(key=lambda message: message["at"])
        status = [m["text"] for m in found if m["kind"] == "status"]
        said = tuple(
            Message(m["kind"], m["text"], m["language"]) for m in found if m["kind"] != "status"
        )
        return FollowUp(status[-1] if status else "waiting", said)

    def append(self, typed: str, contact: Contact, once: str | None = None) -> None:
        """Adds to the tip of a receipt. With a number nobody has, what was said becomes a tip of
        its own: nothing is lost, and the answer does not tell which."""
        if self._known(once) is not None:
            return
        keys = self.receipts.open(read_code(typed) or "0" * 20)
        row = self.tips.receipt(keys.lookup)
        if row is None:
            self.receive(contact, once)
            return
        tip_id, queue = find_tip(keys, row)
        tip, _ = self._strip(contact)
        decision = self.router.decide(self.classify(tip))
        if decision.recused:
            # It names a body that may run the very queue the tip lies in: it goes where that
            # body cannot read it.
            self.receive(contact, once)
            return
        if decision.priority is Priority.P0:
            # Danger told late rings like danger told at once; the desk reads it with its tip too.
            self.receive(contact, once and once + ":danger")
        payload = json.dumps(
            {
                "text": tip.words,
                "language": tip.language,
                "doubts": [[d.token, d.kind, d.reason, d.text] for d in tip.doubts],
                "day": self.clock.day(),
            },
            ensure_ascii=False,
        ).encode("utf-8", "replace")
        body, wrap = self.envelope.stray(tip_id, queue_recipient(queue), Kind.SUPPLEMENT, payload)
        news = self._news(tip_id)
        traces = [self.envelope.erasure(trace) for trace in contact.traces]
        self._insert(
            lambda: self.tips.add(
                self._mark(once, b"added"), bodies=[body], wraps=[wrap], errands=[news, *traces]
            )
        )

    def classify(self, tip: Tip) -> ClassifiedTip:
        """Acts, tags and place of a stripped tip."""
        found = self.types.classify(
            without_tokens(tip.words),
            tip.language,
            chosen=tip.crime_types,
            heard=tip.heard,
            alarms=tip.alarms,
        )
        where = tip.answers.get(Question.WHERE)
        return ClassifiedTip(tip, found, self.router.locate(tip.words, where, tip.municipality))

    def _strip(self, contact: Contact) -> tuple[Tip, tuple[str, ...]]:
        tip, names = strip_contact(contact)
        return self._hear(contact, tip), names

    def _hear(self, contact: Contact, tip: Tip) -> Tip:
        """The tip with the crime types that only its removed words tell: "my stepfather" goes,
        that it is about a child stays. Codes of a public table, never words."""
        if not tip.removed:
            return tip
        raw = "\n".join((contact.text, *contact.answers.values()))
        told = self.types.classify(raw, tip.language)
        left = self.types.classify(without_tokens(tip.words), tip.language)
        known = {act.code for act in left.acts}
        heard = (act.code for act in told.acts if act.score > 0 and act.code not in known)
        alarms = () if left.threats else told.threats
        return replace(
            tip,
            heard=tuple(dict.fromkeys((*tip.heard, *heard))),
            alarms=tuple(dict.fromkeys((*tip.alarms, *alarms))),
        )

    @property
    def desk(self) -> str:
        """The staffed desk that sees a tip while its conversation runs."""
        return next(q for q in self.profile.queues if queue_kind(q) is QueueKind.UNRESOLVED)

    def _content(
        self, classified: ClassifiedTip, decision: Decision, receipt: FreshReceipt
    ) -> TipContent:
        return TipContent(
            classified=classified,
            decision=decision,
            lookup=receipt.lookup,
            reply_key=receipt.public,
            observation=random_id(),
            day=self.clock.day(),
        )

    def _again(self, thread: Thread, classified: ClassifiedTip, decision: Decision) -> TipContent:
        return TipContent(
            classified=classified,
            decision=decision,
            lookup=thread.lookup,
            reply_key=thread.reply_key,
            observation=thread.observation,
            day=thread.day,
        )

    def _store(
        self,
        content: TipContent,
        key: TipKey,
        contact: Contact,
        queue: str,
        state: State,
        mark: Mark | None,
        alarm: Sequence[Errand],
    ) -> bytes | None:
        """Seals and stores; the hash of the tip's ciphertext, or None for a repeated message."""
        packages = self._packages(content, key.tip) if state is State.WAITING else []
        errands = [*alarm, *(self.envelope.erasure(trace) for trace in contact.traces)]
        errands += [self._notice(package) for package in packages]
        sealed = self.envelope.seal(
            content,
            key,
            queue=queue,
            state=state,
            packages=packages,
            errands=errands,
            type_group=self.types.get(content.classified.primary).group,
        )
        try:
            self.tips.store(sealed, mark)
        except AlreadyThere:
            return None
        return digest(sealed.bodies[0].sealed)

    def _move(self, thread: Thread, content: TipContent) -> tuple[list[Wrap], Errand]:
        """The key for the decided queue, and the errand that moves the row: intake itself may
        only insert, so the worker changes the clear facts."""
        queue = content.decision.queue
        wrap = self.envelope.wrap(
            thread.key.key, thread.key.tip, thread.body_hash, queue_recipient(queue)
        )
        facts = {
            "tip": thread.key.tip.hex(),
            "from": thread.queue,
            "queue": queue,
            "priority": content.decision.priority.value,
            "group": self.types.get(content.classified.primary).group,
            "municipality": content.classified.place.municipality or "",
            "due_at": str(self.envelope.due(content.decision)),
            "lookup": content.lookup.hex(),
            "body": thread.body_hash.hex(),
        }
        return [wrap], self.envelope.errand("settle", random_id(), facts)

    def _packages(self, content: TipContent, tip: bytes) -> list[SealedPackage]:
        """Masked copies that may leave without a person; none for a held tip."""
        decision = content.decision
        if not decision.automatic or content.tip.held or content.tip.doubts:
            return []
        due = self.clock.day()
        pairs = [(a, "lead") for a in decision.leads] + [(a, "copy") for a in decision.copies]
        seen: dict[str, str] = {}
        for agency, role in pairs:
            seen.setdefault(self.profile.inbox(agency), role)
        return [self.envelope.package(content, tip, a, role, due) for a, role in seen.items()]

    def _notice(self, package: SealedPackage) -> Errand:
        return self.envelope.errand(
            "notify", package.id, {"agency": package.agency, "role": package.role}
        )

    def _news(self, tip: bytes) -> Errand:
        """The reporter said more: a tip that was decided meanwhile waits for a person again."""
        return self.envelope.errand("news", random_id(), {"tip": tip.hex()})

    def _alarm(self, tip: bytes, classified: ClassifiedTip, decision: Decision) -> list[Errand]:
        urgent = decision.priority is Priority.P0
        return [self._relay(tip, classified, decision)] if urgent else []

    def _relay(
        self,
        tip: bytes,
        classified: ClassifiedTip,
        decision: Decision,
        instead_of: str = "",
    ) -> Errand:
        """Danger: type and place of the event, sealed to the worker, with the numbers of those on
        duty: chosen here, where the recusals are known, so that no later step can forget them."""
        recused = [recusal.agency for recusal in decision.recused]
        duty = [d.number for d in self.profile.duty if not self.profile.under(d.agency, recused)]
        facts = {
            "tip": tip.hex(),
            "type": classified.primary,
            "place": classified.place.name or "",
            "municipality": classified.place.municipality or "",
            "state": classified.place.state or "",
            "queue": decision.queue,
            "duty": ",".join(duty[:MOST_ON_DUTY]),
            "instead_of": instead_of,
        }
        return self.envelope.errand("relay", random_id(), facts, urgent=True)

    def _repeated(self, once: str | None) -> Receipt:
        """The first answer again. Raises Unavailable when there is none: a receipt is only ever
        given for what was committed."""
        if (known := self._known(once)) is None:
            raise Unavailable
        return Receipt("", known, repeated=True)

    def _known(self, once: str | None) -> bytes | None:
        return self.once.recall(once) if once is not None else None

    def _mark(self, once: str | None, said: bytes) -> Mark | None:
        return self.once.mark(once, said) if once is not None else None

    def _insert(self, write: Callable[[], None]) -> None:
        try:
            write()
        except AlreadyThere:
            return


def _new_key() -> TipKey:
    return TipKey(random_id(), random_key())


def _where(classified: ClassifiedTip) -> str:
    return classified.place.municipality or classified.place.name or ""


def _receipt(code: str, said: bytes, classified: ClassifiedTip, decision: Decision) -> Receipt:
    return Receipt(
        code,
        said,
        urgent=decision.priority is Priority.P0,
        types=tuple(act.code for act in classified.classification.acts),
    )
