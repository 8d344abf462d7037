"""Exchange: one turn of a conversation: what was heard, what the table does, what is said.

SMS and phone differ in hearing and saying; what lies between is here: the session, the limits,
the effects on the tip, and that a message that comes twice is answered twice and done once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from flask import current_app
from flask.sansio.app import App

from hotline.assembly import PublicLine
from hotline.errors import BadInput, Busy, HotlineError, Unavailable
from hotline.intake.attachments import MOST_FILES
from hotline.intake.choices import by_keys
from hotline.intake.conversation import CHOICES, DETAILS, Effect, Event, Move, Standing, State, step
from hotline.intake.enclosed import barred_mark
from hotline.intake.limits import Limits
from hotline.intake.prompts import Prompt
from hotline.intake.sessions import (
    HARD_CAP_SECONDS,
    Closer,
    Key,
    Session,
    Sessions,
    SessionsUnavailable,
    open_sessions,
)
from hotline.intake.thread import Thread
from hotline.pipeline import Pipeline
from hotline.routing.asking import YES, evident, find, questions_for
from hotline.store.database import AlreadyThere
from hotline.tips import Contact, Errand, Language, Redacted, Trace
from hotline.vault.small import random_id


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Heard(Redacted):
    """What a channel made of a message. ``contact`` holds what was told, ``typed`` a receipt,
    ``recording`` a recording's identifier at the provider, ``traces`` what the provider must
    forget of a message that adds nothing to a tip; ``reason`` replaces the table's "unreadable" by
    a more exact sentence, ``also`` is said besides; ``language`` was chosen by the reporter;
    ``pin`` is a position that is kept only if the next message says so."""

    event: Event
    contact: Contact | None = None
    typed: str = ""
    recording: str = ""
    traces: tuple[Trace, ...] = ()
    reason: Prompt | None = None
    also: tuple[Prompt, ...] = ()
    language: Language | None = None
    pin: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Said(Redacted):
    """What is to be said next: prompts in order, and the receipt's digits where one is shown."""

    session: Session
    prompts: tuple[Prompt, ...]
    code: str


CALL = "call"
Hear = Callable[[Session], Heard]
Write = Callable[[Said], bytes]
Excuse = Callable[[Language, HotlineError], bytes]


@dataclass(frozen=True, slots=True, repr=False)
class Turn(Redacted):
    """A turn being taken. ``keep``: the session outlives the end of the conversation."""

    key: Key | None
    once: str
    heard: Heard
    session: Session
    move: Move
    prompts: tuple[Prompt, ...]
    write: Write
    keep: bool

    def said(self, session: Session, code: str, *first: Prompt) -> bytes:
        return self.write(Said(session, _unique((*first, *self.prompts)), code))


class Exchange:
    """The conversations of one public process."""

    def __init__(
        self, line: PublicLine, sessions: Sessions | None = None, limits: Limits | None = None
    ) -> None:
        self.line = line
        self.sessions = sessions or open_sessions(line.settings, line.clock)
        self.limits = limits or line.limits
        self.closer = Closer(self.sessions, self._lapse)
        # By keys a place can only be a postal code.
        self.unasked = frozenset() if line.places.postal else frozenset({State.PLACE})

    @property
    def pipeline(self) -> Pipeline:
        return self.line.pipeline

    @property
    def default(self) -> Language:
        return self.line.profile.languages[0]

    def turn(
        self,
        address: tuple[str, ...] | None,
        once: str,
        hear: Hear,
        write: Write,
        excuse: Excuse,
        *,
        keep: bool,
    ) -> bytes:
        """Answers one message. ``address`` names the conversation: channel, line and number, or
        channel and call; None for a sender nobody can know again. Whatever the line cannot do
        becomes a sentence by ``excuse``; then nothing was stored."""
        language = self.default
        try:
            key = self.sessions.key(*address) if address else None
            with self._hold(key):
                session = self._resume(key)
                language = session.language if session else language
                known = self.pipeline.recall(once)
                if known is not None and not _behind(session, known):
                    return _unpacked(known)
                self.limits.spend(key.name if key else None)
                said = self._take(key, once, hear, write, session, keep=keep)
                return said if known is None else _unpacked(known)
        except HotlineError as error:
            return excuse(language, error)
        except Exception as error:  # noqa: BLE001 - any other answer than a sentence is silence
            current_app.extensions["log"].incident(error)
            return excuse(language, Unavailable())

    def last_words(self) -> None:
        """Conversations that only this process remembers are concluded: for whoever ends it."""
        self.closer.stop()
        with suppress(Exception):  # nobody is left to tell; the tips are with a staffed desk
            self.closer.run_once(dying=True)

    def hang_up(self, sid: str) -> None:
        """The table's stop edge for somebody who is no longer there; the provider may forget the
        call now."""
        key = self.sessions.key(CALL, sid)
        with self._hold(key):
            session = self.sessions.get(key)
            if session is not None and session.standing.state is not State.STOPPED:
                self._leave(key, session, Event.STOP, keep=True)
        self.errands(f"call:{sid}:ended", [self._erasure(Trace("call", sid))])

    def errands(self, once: str, errands: Sequence[Errand], said: bytes = b"") -> None:
        """Side effects that change no tip, put down once."""
        try:
            self.pipeline.tips.add(self.pipeline.once.mark(once, said), errands=errands)
        except AlreadyThere:
            return

    def heard_recording(self, call: str, sid: str) -> None:
        """The provider has a recording ready. While its caller may still throw it away it is only
        remembered; one whose call nobody knows any more is erased."""
        key = self.sessions.key(CALL, call)
        with self._hold(key):
            session = self.sessions.get(key)
            if session is not None and session.standing.state is State.SPEAK:
                self.sessions.put(key, replace(session, recording=sid))
            elif session is not None and session.thread is not None:
                self.recording(sid, session.thread)
            else:
                self.errands("recording:" + sid, [self._erasure(Trace("recording", sid))])

    def recording(self, sid: str, thread: Thread) -> None:
        """Has the worker fetch what was spoken. The worker has it erased after its own commit:
        an erasure put down here could come first."""
        facts = {"sid": sid, "tip": thread.key.tip.hex(), "language": thread.tip.language.value}
        errand = self.pipeline.envelope.errand("recording", random_id(), facts)
        self.errands("recording:" + sid, [errand])

    def _hold(self, key: Key | None) -> AbstractContextManager[None]:
        return self.sessions.hold(key) if key else nullcontext()

    def _resume(self, key: Key | None) -> Session | None:
        session = self.sessions.get(key) if key else None
        if key and session and session.due <= self.line.clock.seconds():
            self._lapse(key, session)
            return None
        return session

    def _take(
        self,
        key: Key | None,
        once: str,
        hear: Hear,
        write: Write,
        session: Session | None,
        *,
        keep: bool,
    ) -> bytes:
        now = self.line.clock.seconds()
        session = session or Session.new(self.default, now)
        heard, taken, of_files = self._files(session, hear(session))
        details = self._details(session, heard)
        unasked = self.unasked.union(DETAILS[len(details) :], CHOICES[len(details) :])
        standing, move = self._step(session.standing, heard.event, unasked, taken)
        prompts = tuple(
            heard.reason if heard.reason and prompt is Prompt.UNREADABLE else prompt
            for prompt in move.says
            if prompt is not Prompt.FILES
        )
        session = replace(
            session.touched(now),
            standing=standing,
            turn=session.turn + 1,
            language=heard.language or session.language,
            typed=heard.typed or session.typed,
            danger=session.danger or heard.event is Event.DANGER,
            warned=session.warned or Prompt.EMERGENCY in prompts,
            details=session.details if standing.state is session.standing.state else details,
            # Only while its question is the last thing that was said.
            pin=heard.pin if Prompt.PIN_OFFERED in prompts else "",
            files=session.files + taken,
        )
        prompts = (*heard.also, *of_files, *prompts)
        turn = Turn(key, once, heard, session, move, prompts, write, keep)
        session, said = self._perform(turn)
        # It is committed: a memory that fails now loses the next question, never the receipt.
        with suppress(SessionsUnavailable):
            self._keep(turn, session)
        if Effect.CONCLUDE in move.effects and session.thread is not None:
            self._conclude(turn, session)
        return said

    def _files(self, session: Session, heard: Heard) -> tuple[Heard, int, tuple[Prompt, ...]]:
        """Which files of a message are taken: what was heard without the others, how many, and
        what is said of them. What a report is about may come after its files: then the worker is
        told not to fetch them."""
        contact, thread = heard.contact, session.thread
        leaves = heard.event is Event.STOP and thread is None
        if contact is None or leaves or not (contact.media or session.files):
            return heard, 0, ()
        barred = self.pipeline.barred(contact, thread)
        if barred and thread is not None and session.files:
            self.pipeline.remember(barred_mark(thread.key.tip), b"")
        if not contact.media:
            return heard, 0, ()
        room = 0 if barred else max(MOST_FILES - session.files, 0)
        media = contact.media[:room]
        # A video is fetched all the same, so that the operator reads what came and was refused.
        videos = [one for one in media if one.type.startswith("video/")]
        said = [Prompt.FILES] if len(media) > len(videos) else []
        if videos:
            said.append(Prompt.VIDEO)
        if barred:
            said.append(Prompt.FILES_BARRED)
        elif len(media) < len(contact.media):
            said.append(Prompt.FILES_LEFT)
        heard = replace(heard, contact=replace(contact, media=media, barred=barred))
        return heard, len(media), tuple(said)

    def _step(
        self, standing: Standing, event: Event, unasked: Set[State], taken: int
    ) -> tuple[Standing, Move]:
        """The table's step. Pictures come in messages of their own: those that are taken, which
        are few, use up nobody's patience."""
        if event is not Event.FILES or not taken:
            return step(standing, event, unasked)
        after, move = step(replace(standing, tries=0), event, unasked)
        return (standing if after.state is standing.state else after), move

    def _details(self, session: Session, heard: Heard) -> tuple[str, ...]:
        """The questions of its types that this conversation is asked, decided before the first.
        Anything but yes to a gate ends them."""
        if session.standing.state is State.TYPE:
            return tuple(d.id for d in by_keys(heard.contact.crime_types if heard.contact else ()))
        if session.standing.state is State.WHO and session.thread is not None:
            acts = self.pipeline.classify(session.thread.tip).classification.acts
            return tuple(detail.id for detail in questions_for(evident(acts)))
        detail = find(session.detail)
        if detail is None or not detail.gate:
            return session.details
        if heard.contact is not None and detail.tick(YES) in heard.contact.ticked:
            return session.details
        return session.details[: session.details.index(detail.id) + 1]

    def _perform(self, turn: Turn) -> tuple[Session, bytes]:
        """The effects that store something, each in one commit with the answer to a repeat."""
        effects, heard, session = turn.move.effects, turn.heard, turn.session
        contact = heard.contact
        if contact is not None and (Effect.OPEN in effects or Effect.ADD in effects):
            if session.thread is not None:
                return self._add(turn, contact, session.thread)
            return self._open(turn, contact)
        if contact is not None and Effect.APPEND in effects and _told(contact):
            # The pipeline's own mark for this carries no answer of ours, hence the second name.
            self.pipeline.append(session.typed, contact, turn.once + ":add")
            # They have their errands, and the message goes after its files.
            heard = replace(heard, traces=())
        elif contact is not None and contact.media and session.thread is not None:
            # Whatever the words beside them meant: a help, a repeat, a goodbye.
            return self._add(turn, contact, session.thread)
        session = self._spoken(session, effects, heard.recording)
        said = turn.said(session, session.thread.code if session.thread else "")
        self.errands(turn.once, [self._erasure(t) for t in heard.traces], _packed(session, said))
        return session, said

    def _spoken(self, session: Session, effects: tuple[Effect, ...], sid: str) -> Session:
        """What happens to a recording when the caller has decided about it."""
        sid = sid or session.recording
        if not sid or session.thread is None:
            return session
        if Effect.RECORDING in effects:
            self.recording(sid, session.thread)
        elif Effect.DISCARD in effects:
            self.errands("recording:" + sid, [self._erasure(Trace("recording", sid))])
        else:
            return session
        return replace(session, recording="")

    def _erasure(self, trace: Trace) -> Errand:
        return self.pipeline.envelope.erasure(trace)

    def _open(self, turn: Turn, contact: Contact) -> tuple[Session, bytes]:
        weighed = self.pipeline.weigh(contact)
        # In the language of the text, decided before the answer is written.
        told = weighed.tip.language if weighed.tip.words else turn.session.language
        session, first = _warned(turn.session, contact.language or told, urgent=weighed.urgent)

        def answer(code: str) -> bytes:
            return _packed(session, turn.said(session, code, *first))

        weighed = weighed.spoken(session.language)
        receipt, thread = self.pipeline.open(contact, turn.once, answer, weighed)
        if thread is not None and turn.key is None:
            self.pipeline.conclude(thread)
        return replace(session, thread=thread), _unpacked(receipt.answer)

    def _add(self, turn: Turn, contact: Contact, thread: Thread) -> tuple[Session, bytes]:
        language: Language | None = turn.session.language
        if thread.tip.words:
            language = thread.tip.language
        elif turn.session.files:
            # What began with a file alone goes on in the language of its first words.
            language = None
        weighed = self.pipeline.weigh(replace(contact, language=language), thread)
        told = weighed.tip.language if weighed.tip.words else turn.session.language
        session, first = _warned(turn.session, told, urgent=weighed.urgent)
        said = turn.said(session, thread.code, *first)
        packed, weighed = _packed(session, said), weighed.spoken(told)
        thread = self.pipeline.add(thread, contact, turn.once, packed, weighed)
        return replace(session, thread=thread), said

    def _conclude(self, turn: Turn, session: Session) -> None:
        """What was told is stored by now: if handing it on fails, the closer tries again."""
        assert session.thread is not None
        with suppress(SessionsUnavailable):
            try:
                thread = self.pipeline.conclude(session.thread)
            except HotlineError:
                if turn.key is not None:
                    self.sessions.put(turn.key, session)
                return
            self._keep(turn, replace(session, thread=thread))

    def _keep(self, turn: Turn, session: Session) -> None:
        if turn.key is None:
            return
        if session.standing.state is State.STOPPED and not turn.keep:
            self.sessions.delete(turn.key)
        else:
            self.sessions.put(turn.key, session)

    def _leave(self, key: Key, session: Session, event: Event, *, keep: bool) -> None:
        standing, move = step(session.standing, event)
        session = self._spoken(session, move.effects, "")
        if Effect.CONCLUDE in move.effects and session.thread is not None:
            thread = self.pipeline.conclude(session.thread)
            session = replace(session, thread=thread)
        if keep:
            self.sessions.put(key, replace(session, standing=standing))
        else:
            self.sessions.delete(key)

    def _lapse(self, key: Key, session: Session) -> None:
        """The table's time-out edge. Past the hard cap it is forgotten even if handing on fails:
        the tip is with the unresolved desk, which is staffed."""
        try:
            self._leave(key, session, Event.TIMEOUT, keep=False)
        except HotlineError:
            if self.line.clock.seconds() > session.began + HARD_CAP_SECONDS:
                self.sessions.delete(key)
            raise


def install(app: App, line: PublicLine) -> None:
    """The exchange of an app, made by whichever channel is registered first."""
    if "exchange" not in app.extensions:
        app.extensions["exchange"] = exchange = Exchange(line)
        exchange.closer.start()


def exchange_of(app: App | None = None) -> Exchange:
    exchange = (app or current_app).extensions["exchange"]
    assert isinstance(exchange, Exchange)
    return exchange


def receipt_in(text: str) -> tuple[str, str]:
    """The receipt a message begins with, and what stands after it; both empty without one. A
    wrong check digit makes no difference here: the answer must not tell."""
    text, digits, at = text.lstrip(" \t\r\n#:.-"), 0, 0
    for at, ch in enumerate(text[:60]):  # noqa: B007 - where it ends is used below
        if ch.isdecimal():
            digits += 1
            if digits == 20:
                break
        elif ch not in " -" or digits % 4:
            return "", ""
    after = text[at + 1 :]
    if digits < 20 or after[:1].isdecimal():
        return "", ""
    return text[: at + 1], after.strip()


def excuse_for(error: HotlineError) -> Prompt:
    """The sentence for what the line cannot do."""
    if isinstance(error, Busy):
        return Prompt.BUSY
    return Prompt.TOO_LONG if isinstance(error, BadInput) else Prompt.UNAVAILABLE


def _told(contact: Contact) -> bool:
    told = (contact.text, *contact.answers.values(), *contact.details.values())
    files = contact.media or contact.barred
    return any(words.strip() for words in told) or bool(contact.ticked or files)


def _packed(session: Session, said: bytes) -> bytes:
    """An answer, and which turn of which conversation it belongs to."""
    return json.dumps([session.id, session.turn]).encode() + b"\n" + said


def _unpacked(packed: bytes) -> bytes:
    return packed.partition(b"\n")[2]


def _behind(session: Session | None, known: bytes) -> bool:
    """Whether the process died after the commit and before the session was kept: then the turn is
    taken again, which the store ignores, so that the next answer finds its question."""
    ident, turn = json.loads(known.partition(b"\n")[0])
    return session is not None and session.id == ident and session.turn < turn


def _warned(
    session: Session, language: Language, *, urgent: bool
) -> tuple[Session, tuple[Prompt, ...]]:
    """The session in the language that was told, and what an urgent report is told once."""
    first = (Prompt.EMERGENCY,) if urgent and not session.warned else ()
    return replace(session, language=language, warned=session.warned or urgent), first


def _unique(prompts: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
    return tuple(dict.fromkeys(prompts))
