"""Enclosures: the files of a text message: fetched into memory, cleaned, sealed to the tip's queue.

The provider's own are erased only after that commit. What is not taken leaves a sentence with the
tip, and nothing of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hotline.assembly import StaffLine
from hotline.delivery.senders import Provider, ProviderProblem
from hotline.intake.attachments import FileRefused, clean
from hotline.intake.attachments.refusals import FilesClosed, FileTooLarge, UnknownKind
from hotline.intake.enclosed import BARRED, barred_mark, supplement
from hotline.intake.form import clean as clean_text
from hotline.intake.merge import LONGEST
from hotline.jobs.recordings import Recordings, open_facts
from hotline.jobs.runner import MINUTE, NotYet
from hotline.store.database import AlreadyThere
from hotline.store.tips import Listed
from hotline.tips import Channel, Contact, Errand, Language, Priority, State, Trace
from hotline.vault.envelope import Parts, queue_recipient, recording_id
from hotline.vault.format import Kind
from hotline.vault.small import random_id

LOOK_AGAIN = MINUTE  # for the end of a conversation whose files are there already
TEXT, LONGEST_TEXT = "text/plain", 64 * 1024  # bytes: a long message that came as a file


class Enclosures:
    """The task of a file. Safe to repeat: one mark in the commit that keeps it."""

    def __init__(self, line: StaffLine, provider: Provider, recordings: Recordings) -> None:
        self._line = line
        self._provider = provider
        self._recordings = recordings

    def fetch(self, errand: Errand) -> Sequence[Errand]:
        """While the conversation runs the queue may still change: then it waits. Raises NotYet,
        ProviderProblem, FilesClosed."""
        facts = open_facts(self._line, errand)
        row = self._line.tips.one(bytes.fromhex(facts["tip"]))
        running = row is not None and row.state is State.OPEN
        if running and self._line.clock.seconds() < int(facts["until"]):
            raise NotYet(LOOK_AGAIN, "still_told")
        own = "media:" + errand.id.hex()
        if row is not None and self._line.once.recall(own) is None:
            try:
                self._take(row, facts, own, recording_id(errand.id))
            except FilesClosed:
                raise  # no fault of the file's: it is tried again
            except FileRefused as refused:
                self._note(row, facts, own, refused.code)
        trace = Trace("media", facts["media"], facts["message"])
        return (self._line.envelope.erasure(trace),)

    def _take(self, row: Listed, facts: dict[str, str], own: str, voice: bytes) -> None:
        if self._line.once.recall(barred_mark(row.id)) is not None:
            self._note(row, facts, own, BARRED)
            return
        data = self._fetched(facts)
        if facts["type"] == TEXT:
            self._words(row, facts, own, data)
            return
        file = clean(data, facts["type"])
        if file.sound:
            language, channel = Language(facts["language"]), Channel(facts["channel"])
            self._recordings.keep(row, voice, file.sound, language, channel, own)
        else:
            self._add(row, own, self._line.envelope.files([file], row.id, row.queue))

    def _fetched(self, facts: dict[str, str]) -> bytes:
        try:
            return self._provider.media(facts["message"], facts["media"])[1]
        except ProviderProblem as problem:
            if problem.reason == "too_large":
                raise FileTooLarge from None
            raise

    def _words(self, row: Listed, facts: dict[str, str], own: str, data: bytes) -> None:
        """A part of the message itself, stripped and sealed apart like a word that comes later."""
        try:
            text = clean_text(data.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise UnknownKind from None
        if len(data) > LONGEST_TEXT or len(text) > LONGEST:
            raise FileTooLarge
        line, contact = self._line, Contact(channel=Channel(facts["channel"]), text=text)
        told = line.pipeline.weigh(contact)
        desk = line.profile.queues.get(row.queue)
        recused = [recusal.agency for recusal in told.decision.recused]
        if desk is None or line.profile.under(desk.agency, recused):
            # It names a body that runs the very queue the tip lies in: a tip of its own, elsewhere.
            line.pipeline.receive(contact, own)
            return
        if told.urgent and row.priority is not Priority.P0:
            line.pipeline.receive(contact, own + ":danger")
        tip = told.tip
        words = supplement(tip.words, tip.language, tip.doubts, line.clock.day())
        self._add(row, own, self._stray(row, words))

    def _note(self, row: Listed, facts: dict[str, str], own: str, reason: str) -> None:
        day, language = self._line.clock.day(), Language(facts["language"])
        self._add(row, own, self._stray(row, supplement("", language, (), day, reason)))

    def _stray(self, row: Listed, payload: bytes) -> Parts:
        recipient = queue_recipient(row.queue)
        body, wrap = self._line.envelope.stray(row.id, recipient, Kind.SUPPLEMENT, payload)
        return Parts((body,), (wrap,))

    def _add(self, row: Listed, own: str, parts: Parts) -> None:
        """In one commit with the mark; a tip decided meanwhile waits again."""
        news = self._line.envelope.errand("news", random_id(), {"tip": row.id.hex()})
        with suppress(AlreadyThere):
            self._line.tips.add(
                self._line.once.mark(own, b""),
                bodies=parts.bodies,
                wraps=parts.wraps,
                errands=(*parts.errands, news),
            )
