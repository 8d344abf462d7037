"""Operators: callers wait for a person, and operators pick up, without either seeing a number.

The provider holds the queue; here is what waiting callers hear, and the door for operators: they
call the line, type a code from the console (duty.py) and are connected with whoever waited
longest. They called the line, so the line's number is the only one there is to show.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, current_app, request
from twilio.twiml.voice_response import VoiceResponse

from hotline.assembly import PublicLine
from hotline.errors import HotlineError
from hotline.intake import duty
from hotline.intake.conversation import State
from hotline.intake.exchange import CALL, exchange_of, install
from hotline.intake.ivr import Call
from hotline.intake.prompts import Prompt
from hotline.intake.sessions import Session
from hotline.intake.signature import verified
from hotline.intake.sms import refused, twiml
from hotline.intake.speaking import QUEUE, Voice, keys

TRIES = 3  # wrong codes, and silences in a row, before somebody is let go
LONGEST_CALL_SECONDS = 3600
# The longest the provider rings for (https://www.twilio.com/docs/voice/twiml/dial#timeout).
LONGEST_READY_SECONDS = 600

Answer = Callable[[PublicLine, Call], VoiceResponse]


def blueprint(line: PublicLine) -> Blueprint:
    """``POST /twilio/hold`` and ``/connected`` for who waits; ``/twilio/operator`` and
    ``/twilio/operator/<step>`` for who picks up."""
    room = Blueprint("operators", __name__, url_prefix="/twilio")
    room.record(lambda state: install(state.app, line))

    def answered(step: str, answer: Answer, otherwise: Answer) -> Response:
        try:
            call = Call.read(verified(request, line.settings), step)
        except HotlineError as error:
            return refused(error)
        try:
            return twiml(str(answer(line, call)).encode())
        except HotlineError:
            return twiml(str(otherwise(line, call)).encode())
        except Exception as error:  # noqa: BLE001 - a 5xx would drop the call
            current_app.extensions["log"].incident(error)
            return twiml(str(otherwise(line, call)).encode())

    @room.post("/hold")
    def hold() -> Response:
        return answered("hold", waiting, leave)

    @room.post("/connected")
    def connected() -> Response:
        return answered("connected", connecting, quiet)

    @room.post("/operator", defaults={"step": "code"})
    @room.post("/operator/<step>")
    def operator(step: str) -> Response:
        return answered(step, picking_up, goodbye)

    return room


def leave(line: PublicLine, call: Call) -> VoiceResponse:
    """Out of the queue: the line goes on where the call's action says."""
    response = VoiceResponse()
    response.leave()
    return response


def quiet(line: PublicLine, call: Call) -> VoiceResponse:
    return VoiceResponse()


def goodbye(line: PublicLine, call: Call) -> VoiceResponse:
    response = VoiceResponse()
    Voice(line, line.profile.languages[0]).words(response, Prompt.GOODBYE)
    response.hangup()
    return response


def waiting(line: PublicLine, call: Call) -> VoiceResponse:
    """What a caller in the queue hears, again and again: never a position, which would tell how
    busy the line is, and always a way out. Raises SessionsUnavailable."""
    session, phone = _session(call), line.profile.phone
    over = phone is None or call.waited >= phone.wait_seconds
    if over or session is None or session.standing.state is not State.QUEUE or call.digits == "1":
        return leave(line, call)
    response, voice = VoiceResponse(), Voice(line, session.language)
    gather = keys(f"{line.settings.public_url}/twilio/hold")
    if session.danger:
        voice.words(gather, Prompt.EMERGENCY)
    voice.words(gather, Prompt.HOLD)
    response.append(gather)
    return response


def connecting(line: PublicLine, call: Call) -> VoiceResponse:
    """The last a caller hears before the operator. Raises SessionsUnavailable."""
    session, response = _session(call), VoiceResponse()
    language = session.language if session else line.profile.languages[0]
    Voice(line, language).words(response, Prompt.CONNECTED)
    return response


def picking_up(line: PublicLine, call: Call) -> VoiceResponse:
    """One step of an operator's call. That a step may follow is proved by its address: the
    provider, whose signature was checked, asks for none that we did not hand out, and those of the
    steps after the code are handed out for a good code only. Raises Busy, Unavailable."""
    step, _, count = call.step.partition("-")
    tries = int(count) if count in ("1", "2", "3") else 1
    if line.profile.phone is None:
        return _to_the_menu(line)
    if step == "typed":
        return _typed(line, call, tries)
    if step == "duty":
        return _next(line, call, tries)
    return _ask(line)


def _ask(line: PublicLine, tries: int = 1, *, first: Prompt | None = None) -> VoiceResponse:
    response, voice = VoiceResponse(), Voice(line, line.profile.languages[0])
    gather = keys(_address(line, f"typed-{tries}"), typing=True)
    for prompt in (first, Prompt.CODE):
        if prompt is not None:
            voice.words(gather, prompt)
    response.append(gather)
    return response


def _typed(line: PublicLine, call: Call, tries: int) -> VoiceResponse:
    exchange = exchange_of()
    if call.digits == "*":
        return _ask(line, tries)
    exchange.limits.spend(exchange.sessions.key(CALL, call.sid).name)
    if duty.take(line.pipeline.once, line.pipeline.tips, line.clock, call.digits):
        return _ready(line)
    if call.digits == "0" or tries >= TRIES:
        return _to_the_menu(line)
    return _ask(line, tries + 1, first=Prompt.UNREADABLE)


def _ready(line: PublicLine, tries: int = 1) -> VoiceResponse:
    """Between two calls: an operator asks for each, and one who went away gets none."""
    response = VoiceResponse()
    gather = keys(_address(line, f"duty-{tries}"))
    Voice(line, line.profile.languages[0]).words(gather, Prompt.DUTY)
    response.append(gather)
    return response


def _next(line: PublicLine, call: Call, tries: int) -> VoiceResponse:
    if call.digits == "1":
        response = VoiceResponse()
        dial = response.dial(
            action=_address(line, "duty"),
            method="POST",
            timeout=LONGEST_READY_SECONDS,
            time_limit=LONGEST_CALL_SECONDS,
            hangup_on_star=True,
            caller_id=line.settings.twilio_number or None,
        )
        dial.queue(QUEUE, url=f"{line.settings.public_url}/twilio/connected", method="POST")
        return response
    # Not pressed but come back: a call has ended, or nobody called for ten minutes.
    if call.dialled:
        return _ready(line)
    if call.digits == "0" or tries >= TRIES:
        return goodbye(line, call)
    return _ready(line, tries + 1)


def _to_the_menu(line: PublicLine) -> VoiceResponse:
    response = VoiceResponse()
    response.redirect(f"{line.settings.public_url}/twilio/voice/back", method="POST")
    return response


def _address(line: PublicLine, step: str) -> str:
    return f"{line.settings.public_url}/twilio/operator/{step}"


def _session(call: Call) -> Session | None:
    sessions = exchange_of().sessions
    return sessions.get(sessions.key(CALL, call.sid))
