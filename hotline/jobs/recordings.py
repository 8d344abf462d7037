"""Recordings: a caller's voice becomes words, or waits 72 hours for a person; then it is gone.

Fetched into memory, transcribed by a child process where the line has an engine, stripped like
any text, sealed for the tip's queue; the provider erases its own only after that commit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from hotline.assembly import StaffLine
from hotline.delivery.senders import Provider
from hotline.intake.voice.ear import Ear
from hotline.intake.voice.engine import NotHeard, Transcript
from hotline.jobs.runner import MINUTE
from hotline.log import Log
from hotline.store.database import AlreadyThere
from hotline.store.tips import Change, Listed
from hotline.tips import (
    Channel,
    Contact,
    Decision,
    Errand,
    Language,
    Priority,
    Redacted,
    State,
    Tip,
    Trace,
)
from hotline.vault import format as fmt
from hotline.vault.content import encode_tip
from hotline.vault.envelope import Parts, queue_recipient, recording_id, transcript_id
from hotline.vault.errands import open_errand
from hotline.vault.seal import seal_body
from hotline.vault.small import random_id, random_key

LOOK_AGAIN, LOOKS = MINUTE, 30  # for the end of a call whose recording is there already
# A choice, not a measurement: below it, or with fewer words, even a line that keeps no sound once
# a machine has heard it lets a person listen, because nobody can afterwards.
USABLE, FEWEST_WORDS = 0.6, 3
UNSURE_MARK = "[?]"
_TOKEN = re.compile(r"(\[[^\]]*\])")


@dataclass(frozen=True, slots=True, repr=False)
class _Told(Redacted):
    """What the engine heard, as a tip, and what the rules decide of it alone. ``usable`` when it
    may stand for the sound."""

    contact: Contact
    tip: Tip
    decision: Decision
    confidence: float
    usable: bool


class Recordings:
    """Both tasks of a recording. Each is safe to repeat."""

    def __init__(self, line: StaffLine, provider: Provider, log: Log, ear: Ear | None) -> None:
        self._line = line
        self._provider = provider
        self._log = log
        self._ear = ear

    def fetch(self, errand: Errand) -> Sequence[Errand]:
        """While the call runs the queue may still change, and nobody but the queue could open
        what was sealed to it: then it waits, half an hour at most."""
        facts = open_facts(self._line, errand)
        row = self._line.tips.one(bytes.fromhex(facts["tip"]))
        facts.setdefault("first", errand.id.hex())
        looks = int(facts.setdefault("looks", "0"))
        if row is not None and row.state is State.OPEN and looks < LOOKS:
            return (self._look_again(facts, looks),)
        identity = recording_id(bytes.fromhex(facts["first"]))
        new = row if row is not None and not self._kept(identity) else None
        if new is not None and (sound := self._provider.recording(facts["sid"])):
            self.keep(new, identity, sound, Language(facts["language"]))
        return (self._line.envelope.erasure(Trace("recording", facts["sid"])),)

    def forget(self, errand: Errand) -> Sequence[Errand]:
        """A recording that nobody typed in time is destroyed; its tip stays where it is."""
        self._drop(open_facts(self._line, errand), "recording_expired", {})
        return ()

    def end(self, errand: Errand) -> Sequence[Errand]:
        """The recording of a decided tip, once nobody can undo the decision any more."""
        facts = open_facts(self._line, errand)
        self._drop(facts, "recording_destroyed", {"by": facts["by"]})
        return ()

    def _drop(self, facts: dict[str, str], event: str, fields: dict[str, str]) -> None:
        tip, subject = bytes.fromhex(facts["tip"]), bytes.fromhex(facts["body"])
        row = self._line.tips.one(tip)
        if row is not None and self._line.tips.body(subject) is not None:
            events = ((event, fields),)
            change = Change(tip, row.version, drop_bodies=(subject,), events=events)
            self._line.tips.apply(change)
        self._line.database.wipe_journal()

    def _look_again(self, facts: dict[str, str], looks: int) -> Errand:
        """The same errand anew: its tries are for a provider that fails. The first look again is
        at once, as the end of the call may just be next in the outbox."""
        due = int(self._line.clock.seconds()) + LOOK_AGAIN if looks else 0
        facts = facts | {"looks": str(looks + 1)}
        return self._line.envelope.errand("recording", random_id(), facts, due_at=due)

    def _kept(self, identity: bytes) -> bool:
        """Whether an earlier try committed and was killed before it could say so: it may have
        heard otherwise than this one would, and the first is as good."""
        parts = (identity, transcript_id(identity))
        return (
            any(self._line.tips.body(part) is not None for part in parts)
            or self._line.once.recall(_own(identity)) is not None
        )

    def keep(
        self,
        row: Listed,
        identity: bytes,
        sound: bytes,
        language: Language,
        channel: Channel = Channel.PHONE,
        once: str = "",
    ) -> None:
        """Words, voice or both, sealed for a tip under ``identity``; ``once`` is remembered with
        them. Raises Unavailable kinds."""
        if self._kept(identity):
            return
        told = self._hear(sound, language, channel)
        if told is None:
            self._add(self._parts(row.id, row.queue, identity, None, sound), once)
            return
        kept = sound if self._line.settings.voice == "both" or not told.usable else None
        desk = self._line.profile.queues.get(row.queue)
        recused = [recusal.agency for recusal in told.decision.recused]
        if desk is None or self._line.profile.under(desk.agency, recused):
            # It speaks of a body that runs the very queue the tip lies in: words and voice go
            # where that body cannot read them, as a tip of their own.
            self._line.pipeline.receive(
                told.contact,
                _own(identity),
                beside=lambda tip, queue: self._parts(tip, queue, identity, None, kept),
            )
            return
        danger = told.decision.priority is Priority.P0 and row.priority is not Priority.P0
        if danger and told.usable:
            # Danger told by voice rings like danger told by keys; the desk reads it with its tip.
            self._line.pipeline.receive(told.contact, "danger:" + identity.hex())
        self._add(self._parts(row.id, row.queue, identity, told, kept), once)

    def _hear(self, sound: bytes, language: Language, channel: Channel) -> _Told | None:
        """None when there is no engine, it failed, or it heard nothing: a person will listen."""
        if self._ear is None:
            return None
        others = (each for each in Language if each is not language)
        try:
            heard = self._ear.hear(sound, (language, *others))
        except NotHeard as problem:
            self._log.event("voice_not_transcribed", code=problem.reason)
            return None
        if not any(letter.isalnum() for letter in heard.text):
            return None
        contact = Contact(
            channel=channel,
            text=heard.text,
            language=heard.language,
            transcript=True,
            machine=True,
        )
        told = self._line.pipeline.weigh(contact)
        tip = replace(told.tip, text=marked(told.tip.text, heard.unsure))
        return _Told(contact, tip, told.decision, heard.confidence, usable(heard))

    def _parts(
        self, tip: bytes, queue: str, identity: bytes, told: _Told | None, sound: bytes | None
    ) -> Parts:
        """Words and voice, each under a key of its own, for a tip in a queue. A tip decided
        meanwhile waits again; the sound is forgotten in time."""
        line = self._line
        pieces = []
        errands = [line.envelope.errand("news", random_id(), {"tip": tip.hex()})]
        if told is not None:
            words = _supplement(told, line.clock.day())
            pieces.append((transcript_id(identity), fmt.Kind.SUPPLEMENT, words))
        if sound is not None:
            pieces.append((identity, fmt.Kind.RECORDING, sound))
            errands.append(line.envelope.forgetting(tip, identity))
        bodies, wraps = [], []
        for subject, kind, content in pieces:
            key = random_key()
            body = seal_body(key, subject, tip, kind, content)
            hash_, recipient = fmt.digest(body.sealed), queue_recipient(queue)
            bodies.append(body)
            wraps.append(line.envelope.wrap(key, subject, hash_, recipient))
        return Parts(tuple(bodies), tuple(wraps), tuple(errands))

    def _add(self, parts: Parts, once: str) -> None:
        mark = self._line.once.mark(once, b"") if once else None
        with suppress(AlreadyThere):
            self._line.tips.add(mark, bodies=parts.bodies, wraps=parts.wraps, errands=parts.errands)


def open_facts(line: StaffLine, errand: Errand) -> dict[str, str]:
    """What an errand carries, sealed to the worker. Raises KeyError, Damaged."""
    return open_errand(line.worker, errand)


def usable(heard: Transcript) -> bool:
    """Whether a transcript may stand for the sound on a line that keeps none."""
    return heard.confidence >= USABLE and len(heard.text.split()) >= FEWEST_WORDS


def marked(text: str, unsure: Sequence[str]) -> str:
    """A stripped text with ``[?]`` behind each word the engine was unsure of. By the word and not
    by its place, which stripping moved: a word heard well elsewhere bears the mark too. Never
    before stripping: a mark inside a name or number would hide it from the grammar."""
    words = {word.strip(".,;:!?\"'()").casefold() for word in unsure} - {""}
    if not words:
        return text

    def mark(found: re.Match[str]) -> str:
        return found[0] + UNSURE_MARK if found[0].casefold() in words else found[0]

    pieces = _TOKEN.split(text)
    return "".join(
        piece if piece.startswith("[") else re.sub(r"[\w'-]+", mark, piece) for piece in pieces
    )


def _own(identity: bytes) -> str:
    return "voice:" + identity.hex()


def _supplement(told: _Told, day: str) -> bytes:
    """As ``opening.Addition`` reads it; whatever else stripping found goes along, so that the tip
    keeps it when an operator makes the words part of it."""
    tip = told.tip
    document: Mapping[str, object] = {
        "text": tip.text,
        "language": tip.language,
        "doubts": [[d.token, d.kind, d.reason, d.text] for d in tip.doubts],
        "day": day,
        "machine": {
            "confidence": round(told.confidence, 2),
            "tip": encode_tip(replace(tip, text="", doubts=())),
            "recused": [[r.agency, r.reason] for r in told.decision.recused],
        },
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
