"""Hearing: what a text message means where its conversation stands.

Pure: from a webhook's parameters, taken by allow-list, to an event of the conversation table.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from hotline.errors import BadInput
from hotline.intake.conversation import Event, State
from hotline.intake.details import answer_in
from hotline.intake.exchange import Heard
from hotline.intake.exchange import receipt_in as read_receipt
from hotline.intake.merge import LONGEST
from hotline.intake.prompts import Prompt
from hotline.intake.sessions import Session, telephone
from hotline.intake.words import (
    AGREE,
    DENY,
    GREETINGS,
    HELP,
    NO,
    REPEAT,
    SKIP,
    STOP,
    URGENCIES,
    YES,
    folded,
)
from hotline.routing.asking import Kind, find
from hotline.tips import Channel, Contact, Media, Question, Redacted, Trace, Urgency

_MOST_MEDIA = 10
_LONGEST_LABEL = 300
_SHORTEST_PACKED = 60
# Only what the provider's API has an address for (hotline/delivery/media.py) can be fetched.
_MESSAGE, _FILE = re.compile(r"(?:SM|MM)[0-9a-f]{32}"), re.compile(r"ME[0-9a-f]{32}")
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")


@dataclass(frozen=True, slots=True, repr=False)
class Message(Redacted):
    """What is taken from a webhook, by allow-list; whatever else it brings is never looked at."""

    sid: str
    text: str
    sender: str
    line: str
    identity: tuple[str, ...]
    traces: tuple[Trace, ...]
    files: tuple[Media, ...]
    lost: bool
    pin: str

    @classmethod
    def read(cls, params: MultiDict[str, str]) -> Message:
        """Raises BadInput for a message without an identifier: it could not be answered once.
        ``lost``: files are said to be there, but not where; ``pin``: a position, its name
        first."""
        sid = identifier(params.get("MessageSid", ""))
        if not sid:
            raise BadInput
        media = [
            Media(
                identifier(params.get(f"MediaUrl{n}", "").rpartition("/")[2]),
                sid,
                _declared(params.get(f"MediaContentType{n}", "")),
            )
            for n in range(_MOST_MEDIA)
        ]
        claimed = params.get("NumMedia", "0") not in ("", "0")
        known = claimed and _MESSAGE.fullmatch(sid)
        files = tuple(one for one in media if known and _FILE.fullmatch(one.sid))
        sender, number = params.get("From", ""), params.get("From", "").rpartition(":")[2]
        given = (number, params.get("WaId", ""), params.get("ProfileName", ""))
        return cls(
            sid=sid,
            # A WhatsApp button carries the answer itself; its body only repeats the label.
            text=unpacked(
                clean(
                    params.get("ButtonPayload")
                    or params.get("ButtonText")
                    or params.get("Body", "")
                )
            ),
            sender=sender,
            line=params.get("To", ""),
            identity=tuple(value for value in given if value),
            traces=(
                Trace("message", sid),
                *(Trace("media", one.sid, sid) for one in media if one.sid),
            ),
            files=files,
            lost=claimed and not files,
            pin=_position(params),
        )

    @property
    def channel(self) -> Channel:
        return Channel.WHATSAPP if self.sender.startswith("whatsapp:") else Channel.SMS

    @property
    def address(self) -> tuple[str, ...] | None:
        number = telephone(self.sender)
        return (self.channel.value, self.line, number) if number else None

    def contact(
        self,
        text: str = "",
        question: Question | None = None,
        urgency: Urgency = Urgency.UNKNOWN,
        details: Mapping[str, str] | None = None,
        ticked: tuple[str, ...] = (),
    ) -> Contact:
        return Contact(
            channel=self.channel,
            text="" if question else text,
            answers={question: text} if question else {},
            details=details or {},
            ticked=ticked,
            urgency=urgency,
            identity=self.identity,
            traces=self.traces,
            media=self.files,
        )


def hear(message: Message, session: Session) -> Heard:
    """What a message means where the conversation stands."""
    heard = _words(message, session)
    if not message.files:
        return heard
    nothing = heard.event in (Event.EMPTY, Event.INVALID)
    # With a tip, files are added to it whatever the words beside them mean. Without one they are
    # what is told, unless their sender wants to stop.
    homeless = heard.contact is None and session.thread is None and heard.event is not Event.STOP
    if not (nothing or homeless):
        return replace(heard, contact=heard.contact or message.contact())
    long = heard.reason is Prompt.TOO_LONG
    return Heard(
        event=Event.FILES,
        contact=message.contact(),
        traces=message.traces,
        also=(Prompt.TOO_LONG,) if long else heard.also,
    )


def _words(message: Message, session: Session) -> Heard:
    text = message.text
    short = folded(text) if len(text) <= 60 else ""
    if not text:
        return _without_words(message)
    if len(text) > LONGEST:
        return _invalid(message, Prompt.TOO_LONG)
    for event, words in ((Event.STOP, STOP), (Event.HELP, HELP), (Event.REPEAT, REPEAT)):
        if short in words or (event is Event.HELP and text == "?"):
            return Heard(event=event, traces=message.traces)
    if session.pin and short in AGREE | DENY | SKIP:
        return _about_pin(message, session, kept=short in AGREE)
    typed, after = read_receipt(text)
    if typed:
        return Heard(
            event=Event.RECEIPT, contact=message.contact(after), typed=typed, traces=message.traces
        )
    return _told(message, session, short)


def _told(message: Message, session: Session, short: str) -> Heard:
    opening = session.standing.state in (State.START, State.WHAT)
    if not any(unicodedata.category(ch)[0] in "LNS" for ch in message.text):
        return _invalid(message, Prompt.UNREADABLE)
    if opening and short not in SKIP and _answers_nothing(short):
        return _invalid(message, Prompt.UNREADABLE)
    if short in SKIP or (short in NO and _no_says_nothing(session)):
        return Heard(event=Event.SKIP, traces=message.traces, also=_also(message))
    if opening and short in GREETINGS:
        return Heard(event=Event.EMPTY, traces=message.traces, also=_also(message))
    return _answered(message, session, short)


def _answered(message: Message, session: Session, short: str) -> Heard:
    detail = find(session.detail)
    if detail is None:
        event, contact = _answer(message, session.standing.state, short)
    else:
        told = answer_in(detail, message.text, short)
        if told is None:
            return _invalid(message, Prompt.UNREADABLE)
        details = {detail.id: told[1]} if told[1] else {}
        event, contact = Event.ANSWER, message.contact(details=details, ticked=told[0])
    return Heard(event=event, contact=contact, traces=message.traces, also=_also(message))


def _also(message: Message) -> tuple[Prompt, ...]:
    """What is said of that part of a message which is not taken."""
    if message.pin:
        return (Prompt.PIN,)
    return (Prompt.FILES_LEFT,) if message.lost else ()


def _no_says_nothing(session: Session) -> bool:
    """Whether "no" is no answer to what was asked but says that there is nothing to tell."""
    detail = find(session.detail)
    words = detail is not None and detail.kind is Kind.WORDS
    return words or session.standing.state is State.MORE


def _answers_nothing(short: str) -> bool:
    """An answer to a question that nobody remembers: the conversation it belonged to is gone."""
    digits = short.replace(" ", "")
    return short in URGENCIES or (digits.isdigit() and len(digits) < 8)


def _about_pin(message: Message, session: Session, *, kept: bool) -> Heard:
    if not kept:
        return Heard(event=Event.UNPLACED, traces=message.traces)
    contact = replace(message.contact(session.pin, Question.WHERE), language=session.language)
    return Heard(event=Event.PLACED, contact=contact, traces=message.traces)


def _answer(message: Message, state: State, short: str) -> tuple[Event, Contact]:
    if state is State.NOW:
        if (urgency := URGENCIES.get(short)) is not None:
            event = Event.DANGER if urgency is Urgency.NOW else Event.ANSWER
            return event, message.contact(urgency=urgency)
        if short.partition(" ")[0] in YES:
            return Event.DANGER, message.contact(message.text, urgency=Urgency.NOW)
    if state in (State.WHERE, State.WHEN, State.WHO, State.MORE):
        return Event.ANSWER, message.contact(message.text, Question(state.value))
    if state is State.DONE:
        return Event.ANSWER, message.contact(message.text, Question.MORE)
    return Event.ANSWER, message.contact(message.text)


def _without_words(message: Message) -> Heard:
    if message.pin and message.address is not None:
        return Heard(event=Event.PIN, pin=message.pin, traces=message.traces)
    if message.pin:
        return _invalid(message, Prompt.PIN)  # the next message could not be told from a stranger's
    if message.lost:
        return _invalid(message, Prompt.FILES_LEFT)
    return Heard(event=Event.EMPTY, traces=message.traces)


def _invalid(message: Message, reason: Prompt) -> Heard:
    return Heard(event=Event.INVALID, reason=reason, traces=message.traces)


def _position(params: MultiDict[str, str]) -> str:
    """A position of WhatsApp as words: its name and address, then degrees to about a metre. Which
    municipality it lies in no table of ours can tell: they hold centres, not borders."""
    try:
        north, east = float(params["Latitude"]), float(params["Longitude"])
    except (KeyError, ValueError):
        return ""
    if not (-90 <= north <= 90 and -180 <= east <= 180):
        return ""
    named = clean(" ".join((params.get("Label", ""), params.get("Address", ""))))
    return f"{named[:_LONGEST_LABEL]}\n{north:.5f}, {east:.5f}".strip()


def unpacked(text: str) -> str:
    """The text of a long message that the provider passed on in base64, as it now and then does;
    any other text as it is. Sixty letters without a space that decode to text nobody types."""
    packed = text.replace("\n", "")
    if not _SHORTEST_PACKED <= len(packed) <= 4 * LONGEST or len(packed) % 4:
        return text
    try:
        told = b64decode(packed, validate=True).decode("utf-8")
    except ValueError:
        return text
    return clean(told) if all(ch in "\r\n\t" or ch.isprintable() for ch in told) else text


def _declared(value: str) -> str:
    """``Image/JPEG; x=y`` → ``image/jpeg``; whatever is no media type is none."""
    said = value.partition(";")[0].strip().lower()
    return said if _TYPE.fullmatch(said) else ""


def identifier(value: str) -> str:
    """A provider's identifier, or nothing."""
    return value if value.isascii() and value.isalnum() and len(value) <= 64 else ""


def clean(text: str) -> str:
    """Without control characters, which no person types; line ends stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(ch for ch in text if ch in "\n\t" or unicodedata.category(ch) != "Cc").strip()
