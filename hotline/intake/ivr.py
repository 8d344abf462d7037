"""Phone: a menu by keys alone: language, danger, type, CEP, its questions, record, the receipt.

No speech goes to the provider's recognisers. What is said, and how, stands in speaking.py; callers
who wait for an operator, and operators, in operators.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request, send_file
from twilio.twiml.voice_response import VoiceResponse
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from hotline.assembly import PublicLine
from hotline.errors import BadInput, HotlineError
from hotline.intake.choices import OTHER, TYPES, pressed
from hotline.intake.conversation import CHOICES, Event, State
from hotline.intake.exchange import CALL, Exchange, Heard, exchange_of, install
from hotline.intake.hearing import identifier
from hotline.intake.prompts import OPERATOR, SPOKEN, Prompt
from hotline.intake.sessions import Session
from hotline.intake.signature import verified
from hotline.intake.sms import excuses, refused, twiml
from hotline.intake.speaking import Speaker, Voice, closed, offers_operator, step_name
from hotline.intake.voice import content_type, recorded
from hotline.routing.asking import DANGER_TOLD, find, tags_of
from hotline.tips import Channel, Contact, Language, Question, Redacted, Trace, Urgency

_COMMON = {
    "": Event.EMPTY,
    "*": Event.REPEAT,
    "9": Event.HELP,
    "#": Event.HELP,
    "0": Event.SKIP,
}
_KEYS = {
    State.DANGER: {"1": Event.DANGER, "2": Event.ANSWER},
    State.TYPE: dict.fromkeys(TYPES, Event.ANSWER),
    State.RECORD: {"1": Event.ANSWER},
    State.TOLD: {"1": Event.ANSWER},
}
_TO_PEOPLE = frozenset({(State.LANGUAGE, "#"), (State.TYPE, OPERATOR[0])})
# How a caller left the provider's queue (QueueResult). What is not here is a failure of the queue.
_LEFT = {
    "bridged": Event.ANSWER,
    "bridging-in-process": Event.ANSWER,
    "hangup": Event.STOP,
    "leave": Event.SKIP,
}


@dataclass(frozen=True, slots=True, repr=False)
class Call(Redacted):
    """What is taken from a webhook, by allow-list. ``step`` is the state whose keys these are and
    the turn it was asked in; ``left`` how somebody left the queue after ``waited`` seconds;
    ``dialled`` whether an operator comes back from a call."""

    sid: str
    step: str
    digits: str
    recording: str
    failed: bool
    left: str
    waited: int
    dialled: bool
    identity: tuple[str, ...]

    @classmethod
    def read(cls, params: MultiDict[str, str], step: str) -> Call:
        """Raises BadInput for a call without an identifier."""
        sid = identifier(params.get("CallSid", ""))
        if not sid:
            raise BadInput
        digits, waited = params.get("Digits", ""), params.get("QueueTime", "")
        return cls(
            sid=sid,
            step=step,
            digits=digits if len(digits) <= 32 else "?",
            recording=identifier(params.get("RecordingSid", "")),
            failed=params.get("RecordingStatus", "") in ("failed", "absent"),
            left=params.get("QueueResult", ""),
            waited=int(waited) if waited.isascii() and waited.isdigit() and len(waited) < 7 else 0,
            dialled="DialCallStatus" in params,
            identity=tuple(v for v in (params.get("From", ""), params.get("CallerName", "")) if v),
        )


def blueprint(line: PublicLine) -> Blueprint:
    """``POST /twilio/voice``, ``/twilio/voice/<step>``, ``/twilio/recording``; recorded prompts."""
    room = Blueprint("ivr", __name__, url_prefix="/twilio")
    room.record(lambda state: install(state.app, line))

    @room.post("/voice", defaults={"step": "ring"})
    @room.post("/voice/<step>")
    def voice(step: str) -> Response:
        try:
            call = Call.read(verified(request, line.settings), step)
        except HotlineError as error:
            return refused(error)
        return twiml(answer(exchange_of(), call))

    @room.post("/recording")
    def recording() -> Response:
        try:
            params = verified(request, line.settings)
            call, sid = (identifier(params.get(n, "")) for n in ("CallSid", "RecordingSid"))
            if call and sid:
                exchange_of().heard_recording(call, sid)
        except HotlineError as error:
            return refused(error)
        return Response(status=204)

    @room.get("/prompts/<language>/<name>")
    def prompt(language: str, name: str) -> Response:
        spoken = Language.parse(language)
        path = recorded(line.settings.home, spoken, name) if spoken else None
        if path is None:
            raise NotFound
        return send_file(path, mimetype=content_type(path), conditional=True)

    return room


def answer(exchange: Exchange, call: Call) -> bytes:
    """The TwiML for one step of a call. Also with status 200 when the line cannot take a tip: at
    any other the provider speaks an English sentence of its own and hangs up."""
    line = exchange.line
    return exchange.turn(
        (CALL, call.sid),
        f"call:{call.sid}:{call.step}",
        lambda session: hear(line, call, session),
        lambda said: Speaker(line, said).twiml(),
        lambda language, error: _excuse(line, language, error),
        keep=True,
    )


def hear(line: PublicLine, call: Call, session: Session) -> Heard:
    """What a key means where the call stands. A call nobody remembers begins anew."""
    state = session.standing.state
    if state is State.START:
        # Whoever spoke with an operator for longer than a conversation is remembered is not asked
        # everything again.
        over = _LEFT.get(call.left) is Event.ANSWER
        return Heard(event=Event.STOP if over else Event.RING)
    if call.step not in (state.value, step_name(session)):
        return Heard(event=Event.REPEAT)
    if state is State.SPEAK:
        return _spoken(call)
    if state is State.QUEUE:
        return _left(line, call)
    if state in CHOICES:
        return _chosen(call, session)
    return _pressed(line, call, session)


def _pressed(line: PublicLine, call: Call, session: Session) -> Heard:
    state, digits = session.standing.state, call.digits
    # Also for a key that means nothing: the last of several opens the tip all the same.
    types = TYPES.get(digits, OTHER)
    contact = _contact(call, session, crime_types=types) if state is State.TYPE else None
    if line.profile.phone is not None and (state, digits) in _TO_PEOPLE:
        return _to_people(line, session, contact)
    if (event := _COMMON.get(digits) or _KEYS.get(state, {}).get(digits)) is not None:
        return Heard(event=event, contact=contact)
    if state is State.PLACE:
        return _place(line, call, session)
    if state is State.LANGUAGE and digits.isascii() and digits.isdigit():
        chosen = line.profile.languages[int(digits) - 1 :][:1]
        if chosen:
            return Heard(event=Event.ANSWER, language=chosen[0])
    return Heard(event=Event.INVALID, contact=contact)


def _to_people(line: PublicLine, session: Session, contact: Contact | None) -> Heard:
    """The key for an operator, or by which an operator comes in."""
    if session.standing.state is State.LANGUAGE:
        return Heard(event=Event.REPEAT, also=(Prompt.CODE,))
    if offers_operator(line, session):
        return Heard(event=Event.OPERATOR)
    reason = Prompt.CLOSED if closed(line) else Prompt.NOBODY
    return Heard(event=Event.INVALID, contact=contact, reason=reason)


def _chosen(call: Call, session: Session) -> Heard:
    """An answer to a question of the caller's type. Its own keys come first: a ninth option is no
    call for help."""
    detail = find(session.detail)
    if detail is None:  # it left the table while the call went on
        return Heard(event=Event.SKIP)
    if not (ticked := pressed(detail, call.digits)):
        return Heard(event=_COMMON.get(call.digits, Event.INVALID))
    danger = DANGER_TOLD in tags_of(ticked)
    return Heard(
        event=Event.ANSWER,
        contact=_contact(call, session, ticked=ticked),
        also=(Prompt.EMERGENCY,) if danger else (),
    )


def _spoken(call: Call) -> Heard:
    """The key that ended a recording decides what becomes of it."""
    if call.digits == "hangup":
        return Heard(event=Event.STOP, recording=call.recording)
    if call.failed:
        return Heard(event=Event.INVALID, recording=call.recording)
    if call.digits in ("*", "9", "0"):
        return Heard(event=_COMMON[call.digits], recording=call.recording)
    return Heard(event=Event.ANSWER if call.recording else Event.EMPTY, recording=call.recording)


def _left(line: PublicLine, call: Call) -> Heard:
    phone = line.profile.phone
    if not call.left:  # not out of the queue: an address asked for twice, or by nobody's phone
        return Heard(event=_COMMON.get(call.digits, Event.INVALID))
    event = _LEFT.get(call.left, Event.INVALID)
    if event is Event.SKIP and phone is not None and call.waited >= phone.wait_seconds:
        event = Event.INVALID  # not by a key: nobody was free
    return Heard(event=event)


def _place(line: PublicLine, call: Call, session: Session) -> Heard:
    place = line.places.cep(call.digits)
    if place.municipality is None and not place.candidates:
        return Heard(event=Event.INVALID)
    typed = call.digits if len(call.digits) == 5 else f"{call.digits[:5]}-{call.digits[5:]}"
    contact = _contact(
        call,
        session,
        municipality=place.municipality,
        answers={Question.WHERE: f"CEP {typed}"},
    )
    return Heard(event=Event.ANSWER, contact=contact)


def _contact(
    call: Call,
    session: Session,
    *,
    crime_types: tuple[str, ...] = (),
    municipality: str | None = None,
    answers: dict[Question, str] | None = None,
    ticked: tuple[str, ...] = (),
) -> Contact:
    opening = session.thread is None
    return Contact(
        channel=Channel.PHONE,
        language=session.language,
        answers=answers or {},
        ticked=ticked,
        crime_types=crime_types,
        municipality=municipality,
        urgency=Urgency.NOW if session.danger and opening else Urgency.UNKNOWN,
        identity=call.identity,
        # Only a completed call can be erased: this one is tried until it is.
        traces=(Trace("call", call.sid),) if opening else (),
    )


def _excuse(line: PublicLine, language: Language, error: HotlineError) -> bytes:
    response = VoiceResponse()
    voice = Voice(line, language)
    for prompt in excuses(line, error):
        voice.sentence(response, prompt if prompt in SPOKEN else Prompt.UNAVAILABLE)
    response.hangup()
    return str(response).encode()
