"""SMS: text messages and WhatsApp, one adapter: webhook in, TwiML out, and what must be forgotten.

The first message is a tip before it is answered; the answer holds the receipt. Wording is neutral,
because the thread stays on a phone that others may read.
"""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request
from twilio.twiml.messaging_response import MessagingResponse
from werkzeug.datastructures import MultiDict

from hotline.assembly import PublicLine
from hotline.errors import HotlineError, TooLarge
from hotline.intake.details import text_of
from hotline.intake.exchange import Exchange, Said, exchange_of, excuse_for, install
from hotline.intake.hearing import Message, hear, identifier
from hotline.intake.prompts import TEXT, WHERE_BY_NAME, Prompt, Sentence
from hotline.intake.sessions import Session
from hotline.intake.signature import verified
from hotline.routing.asking import find
from hotline.routing.profile import Profile
from hotline.tips import Language, Trace
from hotline.vault.receipts import grouped

_OF_FILES = (Prompt.FILES, Prompt.FILES_LEFT, Prompt.FILES_BARRED, Prompt.VIDEO)
_TO_STRANGERS = frozenset({Prompt.EMERGENCY, Prompt.RECEIVED, *_OF_FILES})
_ENDED_CALLS = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


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
        prompts = tuple(p for p in prompts if p in _TO_STRANGERS)
    return _message(line, said.session.language, prompts, said.code, said.session)


def _excuse(line: PublicLine, language: Language, error: HotlineError) -> bytes:
    return _message(line, language, excuses(line, error))


def excuses(line: PublicLine, error: HotlineError) -> tuple[Prompt, ...]:
    """What is said when a message cannot be taken: why, and where else to turn if another line's
    number may still be shown."""
    why = excuse_for(error)
    return (why, Prompt.ELSEWHERE) if number(line, Prompt.ELSEWHERE) else (why,)


def _message(
    line: PublicLine,
    language: Language,
    prompts: tuple[Prompt, ...],
    code: str = "",
    session: Session | None = None,
) -> bytes:
    response = MessagingResponse()
    words = [wording(line, prompt, language, code, session) for prompt in prompts]
    if words:
        # Our own message holds the reporter's number too: the callback brings its identifier.
        callback = line.settings.public_url + "/twilio/status"
        response.message("\n".join(words), status_callback=callback)
    return str(response).encode()


def wording(
    line: PublicLine, prompt: Prompt, language: Language, code: str, session: Session | None
) -> str:
    """A prompt in words. Which question a ``detail`` is, the conversation knows."""
    detail = find(session.detail) if session else None
    if detail is not None and session and prompt.value == session.standing.state.value:
        return text_of(detail, language)
    receipt = grouped(code) if code else ""
    return sentence(line, prompt).say(language, receipt=receipt, number=number(line, prompt))


def sentence(line: PublicLine, prompt: Prompt) -> Sentence:
    """What a prompt says on this line: a postal code is asked for only where it means a place."""
    if prompt is Prompt.WHERE and not line.places.postal:
        return WHERE_BY_NAME
    return TEXT[prompt]


def number(line: PublicLine, prompt: Prompt) -> str:
    """The number a prompt gives out today: in danger the police's, else another line's."""
    return number_on(line.profile, line.clock.today(), prompt)


def number_on(profile: Profile, day: date, prompt: Prompt) -> str:
    """``number`` of a profile, on a day."""
    elsewhere = prompt is Prompt.ELSEWHERE
    known = profile.elsewhere_on(day) if elsewhere else profile.emergency_on(day)
    first = next((n for n in known if n.purpose == "police"), known[0] if known else None)
    return first.number if first else ""


def twiml(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="text/xml; charset=utf-8")


def refused(error: HotlineError) -> Response:
    """For whoever is not the provider: a status and one sentence."""
    return Response(error.message + "\n", error.status, content_type="text/plain; charset=utf-8")
