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
from hotline.delivery.relay import posts
from hotline.errors import Unavailable
from hotline.intake import enclosed
from hotline.intake.merge import UNSEEN_FILES, merge, strip_contact
from hotline.intake.once import Once
from hotline.intake.receipts import FreshReceipt, ReceiptPool
from hotline.intake.stripping import without_tokens
from hotline.intake.thread import FollowUp, Message, Receipt, Thread
from hotline.routing.classify import Types
from hotline.routing.profile import Profile
from hotline.routing.route import SURE, Router
from hotline.store.database import AlreadyThere
from hotline.store.tips import Mark, Tips
from hotline.tips import (
    Classification,
    ClassifiedTip,
    Contact,
    Decision,
    Errand,
    Language,
    Priority,
    QueueKind,
    Redacted,
    SealedPackage,
    State,
    Tip,
    Wrap,
    queue_kind,
)
from hotline.vault.attachments import CleanFile
from hotline.vault.content import TipContent
from hotline.vault.envelope import Envelope, Parts, TipKey, queue_recipient
from hotline.vault.format import Kind, digest
from hotline.vault.receipts import REPLY_SLOTS, UNREADABLE, find_tip, open_replies, read_code
from hotline.vault.small import random_id, random_key

Answer = Callable[[str], bytes]


With = Callable[[bytes, str], Parts]  # what is stored with a tip, for its id and its queue
LONGEST_PLACE = 60  # letters of its name, in a notice of danger
MOST_ANSWERS = 255  # a summary's number is one byte
# A report about such images goes by their address: keeping or sending them harms the child again.
_NO_FILES = frozenset({"no_upload", "url_only"})
_EVIDENT = 2  # types beyond the second are hints


@dataclass(frozen=True, slots=True, repr=False)
class Weighed(Redacted):
    """What was told so far, stripped, and what the rules decide of it. ``names`` are the
    reporter's own, which only the running conversation remembers."""

    tip: Tip
    names: tuple[str, ...]
    classified: ClassifiedTip
    decision: Decision

    @property
    def urgent(self) -> bool:
        return self.decision.priority is Priority.P0

    def spoken(self, language: Language) -> Weighed:
        """The same in the language of the conversation, as long as no words say another."""
        if self.tip.language is language:
            return self
        tip = replace(self.tip, language=language)
        return replace(self, tip=tip, classified=replace(self.classified, tip=tip))


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
        self,
        contact: Contact,
        once: str | None = None,
        answer: Answer = str.encode,
        files: Sequence[CleanFile] = (),
        beside: With = lambda tip, queue: Parts(),
    ) -> Receipt:
        """One complete tip. ``once`` names the message for repeats; ``answer`` makes from the
        20 digits what the channel will say; ``beside`` what is stored with it. Raises
        Unavailable, Busy; then nothing is stored."""
        if (known := self._known(once)) is not None:
            return Receipt("", known, repeated=True)
        weighed = self.weigh(contact, files=files)
        classified, decision = weighed.classified, weighed.decision
        content = self._content(classified, decision, receipt := self.receipts.take())
        said = answer(receipt.code)
        key, mark = _new_key(), self._mark(once, said)
        alarm = self._alarm(key.tip, classified, decision)
        parts = self.envelope.files(files, key.tip, decision.queue, key.key)
        parts += beside(key.tip, decision.queue)
        stored = self._store(
            content, key, contact, decision.queue, State.WAITING, mark, alarm, parts
        )
        if stored is None:
            return self._repeated(once)
        return _receipt(receipt.code, said, classified, decision)

    def weigh(
        self, contact: Contact, thread: Thread | None = None, files: Sequence[CleanFile] = ()
    ) -> Weighed:
        """Strips a message, after what ``thread`` told before, and decides; nothing is stored."""
        if thread is None:
            tip, names = strip_contact(contact)
        else:
            tip, names = merge(thread.tip, contact, thread.names)
        left = self.types.classify(without_tokens(tip.words), tip.language)
        tip = _held_for(files, self._hear(contact, tip, left))
        classified = self.classify(tip, left)
        return Weighed(tip, names, classified, self.router.decide(classified))

    def open(
        self,
        contact: Contact,
        once: str | None = None,
        answer: Answer = str.encode,
        weighed: Weighed | None = None,
    ) -> tuple[Receipt, Thread | None]:
        """The first message of a conversation: stored at once, seen by the unresolved desk only,
        unless it is urgent or that desk belongs to an implicated body. ``weighed`` is the contact
        as ``weigh`` gave it, when the caller has it already."""
        weighed = weighed or self.weigh(contact)
        classified, decision = weighed.classified, weighed.decision
        content = self._content(classified, decision, receipt := self.receipts.take())
        at_once = weighed.urgent or bool(decision.recused)
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
            tip=weighed.tip,
            code=receipt.code,
            lookup=receipt.lookup,
            reply_key=receipt.public,
            observation=content.observation,
            day=content.day,
            queue=queue,
            settled=queue if at_once else "",
            relayed=_where(classified) if weighed.urgent else None,
            relay=alarm[0].id.hex() if alarm else "",
            names=weighed.names,
        )
        return _receipt(receipt.code, said, classified, decision), thread

    def add(
        self,
        thread: Thread,
        contact: Contact,
        once: str | None = None,
        said: bytes = b"",
        weighed: Weighed | None = None,
    ) -> Thread:
        """A later answer: sealed under the tip's key at once. When it makes the tip urgent or
        names an implicated body, the tip moves at once too. ``weighed`` as for ``open``."""
        weighed = weighed or self.weigh(contact, thread)
        tip, classified, decision = weighed.tip, weighed.classified, weighed.decision
        thread = replace(thread, tip=tip, names=weighed.names, answers=thread.answers + 1)
        content = self._again(thread, classified, decision)
        urgent = weighed.urgent
        moves = (urgent or bool(decision.recused)) and thread.settled != decision.queue
        relay = urgent and (moves or thread.relayed != _where(classified))
        errands = enclosed.errands(self.envelope, contact, thread.key.tip, tip.language)
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
        """What a receipt opens. Unknown, wrong, unanswered and answered cost alike: the number is
        always stretched and eight slots are always opened. Raises Busy."""
        keys = self.receipts.open(read_code(typed) or UNREADABLE)
        slots = self.tips.replies(keys.lookup, REPLY_SLOTS)
        found = [json.loads(said) for said in open_replies(keys, slots)]
        found.sort(key=lambda message: message["at"])
        status = [m["text"] for m in found if m["kind"] == "status"]
        told = [m for m in found if m["kind"] != "status"]
        said = tuple(Message(m["kind"], m["text"], m["language"]) for m in told)
        sign = bytes.fromhex(told[-1].get("sign", "")) if told else b""
        return FollowUp(status[-1] if status else "waiting", said, sign)

    def append(
        self,
        typed: str,
        contact: Contact,
        once: str | None = None,
        files: Sequence[CleanFile] = (),
    ) -> None:
        """Adds to the tip of a receipt. With a number nobody has, what was said becomes a tip of
        its own: nothing is lost, and the answer does not tell which."""
        if self._known(once) is not None:
            return
        keys = self.receipts.open(read_code(typed) or UNREADABLE)
        row = self.tips.receipt(keys.lookup)
        if row is None:
            self.receive(contact, once, files=files)
            return
        tip_id, queue = find_tip(keys, row)
        told = self.weigh(contact)
        if told.decision.recused:
            # It names a body that may run the very queue the tip lies in: it goes where that
            # body cannot read it.
            self.receive(contact, once, files=files)
            return
        if told.urgent:
            # Danger told late rings like danger told at once; the desk reads it with its tip too.
            # Its files are fetched for that tip, before the provider forgets the message.
            self.receive(replace(contact, media=(), traces=()), once and once + ":danger")
        parts = self.envelope.files(files, tip_id, queue)
        payload = enclosed.told_later(told.tip, self.clock.day(), barred=contact.barred)
        if payload is not None:
            stray = self.envelope.stray(tip_id, queue_recipient(queue), Kind.SUPPLEMENT, payload)
            parts += Parts((stray[0],), (stray[1],))
        errands = [self._news(tip_id), *parts.errands]
        errands += enclosed.errands(self.envelope, contact, tip_id, told.tip.language)
        self._insert(
            lambda: self.tips.add(
                self._mark(once, b"added"),
                bodies=parts.bodies,
                wraps=parts.wraps,
                errands=errands,
            )
        )

    def classify(self, tip: Tip, left: Classification | None = None) -> ClassifiedTip:
        """Acts, tags and place of a stripped tip. ``left`` is what its words alone are, when the
        caller has it already."""
        found = left
        if found is None or tip.crime_types or tip.heard or tip.alarms:
            found = self.types.classify(
                without_tokens(tip.words),
                tip.language,
                chosen=tip.crime_types,
                heard=tip.heard,
                alarms=tip.alarms,
            )
        return ClassifiedTip(tip, found, self.router.locate(tip))

    def barred(self, contact: Contact, thread: Thread | None = None) -> bool:
        """Whether a report, told so far by ``thread``, is about images that nobody may keep or
        send, by what was chosen or told."""
        told = self.weigh(contact, thread)
        acts = told.classified.classification.acts
        codes = (*told.tip.crime_types, *(act.code for act in acts[:_EVIDENT]))
        return any(_NO_FILES & self.types.get(code).flags for code in codes)

    def _hear(self, contact: Contact, tip: Tip, left: Classification) -> Tip:
        """The tip with the crime types and the municipality that only its removed words tell: "my
        stepfather" goes, that it is about a child stays. Codes of public tables, never words.
        ``left`` is what the other words are."""
        if not tip.removed:
            return tip
        raw = "\n".join((contact.text, *contact.answers.values(), *contact.details.values()))
        told = self.types.classify(raw, tip.language)
        known = {act.code for act in left.acts}
        heard = (act.code for act in told.acts if act.score > 0 and act.code not in known)
        alarms = () if left.threats else told.threats
        place = tip.heard_place
        if self.router.locate(tip).certainty not in SURE:
            there = self.router.find(raw, None, None)
            place = there.municipality if there.certainty in SURE else None
        return replace(
            tip,
            heard=tuple(dict.fromkeys((*tip.heard, *heard))),
            alarms=tuple(dict.fromkeys((*tip.alarms, *alarms))),
            heard_place=place,
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
        beside: Parts | None = None,
    ) -> bytes | None:
        """Seals and stores; the hash of the tip's ciphertext, or None for a repeated message."""
        packages = self._packages(content, key.tip) if state is State.WAITING else []
        language = content.tip.language
        errands = [*alarm, *enclosed.errands(self.envelope, contact, key.tip, language)]
        errands += [self._notice(package) for package in packages]
        sealed = self.envelope.seal(
            content,
            key,
            queue=queue,
            state=state,
            packages=packages,
            errands=errands,
            type_group=self.types.get(content.classified.primary).group,
            beside=beside,
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
        due = self.profile.answering.due(self.clock.today()).isoformat()
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
        """Danger: type and place of the event, sealed to the worker, with the posts on duty that
        may be rung: chosen here, where the recusals are known, so that no later step can forget
        them."""
        recused = [recusal.agency for recusal in decision.recused]
        found = posts(self.profile, decision.queue, decision.leads, recused)
        facts = {
            "tip": tip.hex(),
            "type": classified.primary,
            "place": (classified.place.name or "")[:LONGEST_PLACE],
            "municipality": classified.place.municipality or "",
            "queue": decision.queue,
            "posts": ",".join(post.key for post in found),
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


def _held_for(files: Sequence[CleanFile], tip: Tip) -> Tip:
    """Nobody has looked yet whether a picture shows the reporter."""
    if not files:
        return tip
    return replace(tip, held=True, hold_reasons=(*tip.hold_reasons, UNSEEN_FILES))


def _where(classified: ClassifiedTip) -> str:
    return classified.place.municipality or classified.place.name or ""


def _receipt(code: str, said: bytes, classified: ClassifiedTip, decision: Decision) -> Receipt:
    return Receipt(
        code,
        said,
        urgent=decision.priority is Priority.P0,
        types=tuple(act.code for act in classified.classification.acts),
    )
