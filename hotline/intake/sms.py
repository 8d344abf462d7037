"""SMS: text messages and WhatsApp, one adapter: webhook in, TwiML out, and what must be forgotten.

The first message is a tip before it is answered; the answer holds the receipt. Wording is neutral,
because the thread stays on a phone that others may read.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from flask import Blueprint, Response, request
from twilio.twiml.messaging_response import MessagingResponse
from werkzeug.datastructures import MultiDict

from hotline.assembly import PublicLine
from hotline.errors import BadInput, HotlineError, TooLarge
from hotline.intake.conversation import Event, State
from hotline.intake.exchange import Exchange, Heard, Said, exchange_of, excuse_for, install
from hotline.intake.exchange import receipt_in as read_receipt
from hotline.intake.merge import LONGEST
from hotline.intake.prompts import TEXT, WHERE_BY_NAME, Prompt, Sentence
from hotline.intake.sessions import Session, telephone
from hotline.intake.signature import verified
from hotline.intake.words import GREETINGS, HELP, NO, REPEAT, SKIP, STOP, URGENCIES, YES, folded
from hotline.tips import Channel, Contact, Language, Question, Redacted, Trace, Urgency
from hotline.vault.receipts import grouped

_ENDED_CALLS = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_MOST_MEDIA = 10


@dataclass(frozen=True, slots=True, repr=False)
class Message(Redacted):
    """What is taken from a webhook, by allow-list; whatever else it brings is never looked at."""

    sid: str
    text: str
    sender: str
    line: str
    identity: tuple[str, ...]
    traces: tuple[Trace, ...]
    files: bool
    pin: bool
    label: str

    @classmethod
    def read(cls, params: MultiDict[str, str]) -> Message:
        """Raises BadInput for a message without an identifier: it could not be answered once."""
        sid = identifier(params.get("MessageSid", ""))
        if not sid:
            raise BadInput
        media = [
            identifier(params.get(f"MediaUrl{n}", "").rpartition("/")[2])
            for n in range(_MOST_MEDIA)
        ]
        sender, number = params.get("From", ""), params.get("From", "").rpartition(":")[2]
        given = (number, params.get("WaId", ""), params.get("ProfileName", ""))
        return cls(
            sid=sid,
            # A WhatsApp button carries the answer itself; its body only repeats the label.
            text=clean(
                params.get("ButtonPayload") or params.get("ButtonText") or params.get("Body", "")
            ),
            sender=sender,
            line=params.get("To", ""),
            identity=tuple(value for value in given if value),
            traces=(
                Trace("message", sid),
                *(Trace("media", one, sid) for one in media if one),
            ),
            files=params.get("NumMedia", "0") not in ("", "0"),
            pin="Latitude" in params,
            label=clean(" ".join((params.get("Label", ""), params.get("Address", "")))),
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
    ) -> Contact:
        return Contact(
            channel=self.channel,
            text="" if question else text,
            answers={question: text} if question else {},
            urgency=urgency,
            identity=self.identity,
            traces=self.traces,
        )


def blueprint(line: PublicLine) -> Blueprint:
    """``POST /twilio/sms`` and ``POST /twilio/status``."""
    room = Blueprint("sms", __name__, url_prefix="/twilio")
    room.record(lambda state: install(state.app, line))

    @room.post("/sms")
    def sms() -> Response:
        try:
            message = Message.read(verified(request, line.settings))
        except TooLarge as error:
            return twiml(_excuse(line, exchange_of().default, error), error.status)
        except HotlineError as error:
            return refused(error)
        return twiml(answer(exchange_of(), message))

    @room.post("/status")
    def status() -> Response:
        try:
            params = verified(request, line.settings)
            _ended(exchange_of(), params)
        except HotlineError as error:
            return refused(error)
        return Response(status=204)

    return room


def answer(exchange: Exchange, message: Message) -> bytes:
    """The TwiML for one message. Whatever happens it is sent with status 200, except what cannot
    be the provider's: at any other status the provider throws the sentence away and the person
    would hear nothing, which is the silent loss that promise 12 forbids."""
    line = exchange.line
    return exchange.turn(
        message.address,
        "sms:" + message.sid,
        lambda session: hear(message, session),
        lambda said: _write(line, said, known=message.address is not None),
        lambda language, error: _excuse(line, language, error),
        keep=False,
    )


def hear(message: Message, session: Session) -> Heard:
    """What a message means where the conversation stands."""
    state, text = session.standing.state, message.text
    short = folded(text) if len(text) <= 60 else ""
    if not text:
        return _without_words(message, state)
    if len(text) > LONGEST:
        return _invalid(message, Prompt.TOO_LONG)
    for event, words in ((Event.STOP, STOP), (Event.HELP, HELP), (Event.REPEAT, REPEAT)):
        if short in words or (event is Event.HELP and text == "?"):
            return Heard(event=event, traces=message.traces)
    typed, after = read_receipt(text)
    if typed:
        return Heard(
            event=Event.RECEIPT, contact=message.contact(after), typed=typed, traces=message.traces
        )
    if not any(unicodedata.category(ch)[0] in "LNS" for ch in text):
        return _invalid(message, Prompt.UNREADABLE)
    also = (Prompt.FILES,) if message.files else ()
    if short in SKIP or (state is State.MORE and short in NO):
        return Heard(event=Event.SKIP, traces=message.traces, also=also)
    if state in (State.START, State.WHAT) and short in GREETINGS:
        return Heard(event=Event.EMPTY, traces=message.traces, also=also)
    event, contact = _answer(message, state, short)
    return Heard(event=event, contact=contact, traces=message.traces, also=also)


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


def _without_words(message: Message, state: State) -> Heard:
    if message.pin:
        # The position of a phone is its owner's; the name of a place may be the crime's, and only
        # where we asked for it.
        if state is State.WHERE and message.label:
            contact = message.contact(message.label, Question.WHERE)
            return Heard(event=Event.ANSWER, contact=contact)
        return _invalid(message, Prompt.PIN)
    if message.files:
        return _invalid(message, Prompt.FILES)
    return Heard(event=Event.EMPTY, traces=message.traces)


def _invalid(message: Message, reason: Prompt) -> Heard:
    return Heard(event=Event.INVALID, reason=reason, traces=message.traces)


def _ended(exchange: Exchange, params: MultiDict[str, str]) -> None:
    """Our own message or a call is over: the provider may forget it. Raises Unavailable kinds."""
    message, call = (identifier(params.get(name, "")) for name in ("MessageSid", "CallSid"))
    if message:
        erasure = exchange.pipeline.envelope.erasure(Trace("message", message))
        exchange.errands("status:" + message, [erasure])
    elif call and params.get("CallStatus") in _ENDED_CALLS:
        exchange.hang_up(call)


def _write(line: PublicLine, said: Said, *, known: bool) -> bytes:
    prompts = said.prompts
    if not known and said.code:
        # Nobody's next message can be told from another's: no question is asked, the receipt does.
        prompts = tuple(p for p in prompts if p in (Prompt.EMERGENCY, Prompt.RECEIVED))
    return _message(line, said.session.language, prompts, said.code)


def _excuse(line: PublicLine, language: Language, error: HotlineError) -> bytes:
    return _message(line, language, excuses(line, error))


def excuses(line: PublicLine, error: HotlineError) -> tuple[Prompt, ...]:
    """What is said when a message cannot be taken: why, and where else to turn if another line's
    number may still be shown."""
    why = excuse_for(error)
    return (why, Prompt.ELSEWHERE) if number(line, Prompt.ELSEWHERE) else (why,)


def _message(
    line: PublicLine, language: Language, prompts: tuple[Prompt, ...], code: str = ""
) -> bytes:
    response = MessagingResponse()
    words = [
        sentence(line, prompt).say(
            language, receipt=grouped(code) if code else "", number=number(line, prompt)
        )
        for prompt in prompts
    ]
    if words:
        # Our own message holds the reporter's number too: the callback brings its identifier.
        callback = line.settings.public_url + "/twilio/status"
        response.message("\n".join(words), status_callback=callback)
    return str(response).encode()


def sentence(line: PublicLine, prompt: Prompt) -> Sentence:
    """What a prompt says on this line: a postal code is asked for only where it means a place."""
    if prompt is Prompt.WHERE and not line.places.postal:
        return WHERE_BY_NAME
    return TEXT[prompt]


def number(line: PublicLine, prompt: Prompt) -> str:
    """The number a prompt gives out today: in danger the police's, else another line's."""
    today, elsewhere = line.clock.today(), prompt is Prompt.ELSEWHERE
    known = line.profile.elsewhere_on(today) if elsewhere else line.profile.emergency_on(today)
    first = next((n for n in known if n.purpose == "police"), known[0] if known else None)
    return first.number if first else ""


def identifier(value: str) -> str:
    """A provider's identifier, or nothing."""
    return value if value.isascii() and value.isalnum() and len(value) <= 64 else ""


def clean(text: str) -> str:
    """Without control characters, which no person types; line ends stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(ch for ch in text if ch in "\n\t" or unicodedata.category(ch) != "Cc").strip()


def twiml(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="text/xml; charset=utf-8")


def refused(error: HotlineError) -> Response:
    """For whoever is not the provider: a status and one sentence."""
    return Response(error.message + "\n", error.status, content_type="text/plain; charset=utf-8")
