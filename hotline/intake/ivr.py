"""Phone: a menu by keys alone: language, danger, type, CEP, record or skip, the receipt spoken.

No speech goes to the provider's recognisers. Every sentence may be a recording of the line's own;
the provider's voices are the fallback, and there is none for Haitian Creole.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request, send_file
from twilio.twiml.voice_response import Gather, Play, Say, VoiceResponse
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from hotline.assembly import PublicLine
from hotline.errors import BadInput, HotlineError
from hotline.intake.conversation import Event, State
from hotline.intake.exchange import CALL, Exchange, Heard, Said, exchange_of, install
from hotline.intake.prompts import AGAIN, CREOLE_IN_FRENCH, MENUS, SPOKEN, TO_REPEAT, Prompt
from hotline.intake.sessions import Session
from hotline.intake.signature import verified
from hotline.intake.sms import excuses, identifier, number, refused, twiml
from hotline.intake.voice import file_name, recorded
from hotline.tips import Channel, Contact, Language, Question, Redacted, Trace, Urgency
from hotline.vault.receipts import grouped

# The provider's voices (https://www.twilio.com/docs/voice/twiml/say/text-speech).
VOICES = {
    Language.PT: ("Polly.Camila-Neural", "pt-BR"),
    Language.ES: ("Polly.Mia-Neural", "es-MX"),
    Language.EN: ("Polly.Joanna-Neural", "en-US"),
    Language.FR: ("Polly.Lea-Neural", "fr-FR"),
}
# What each key of the type menu means: the group's usual type; whoever reads the tip corrects it.
TYPES = {
    "1": ("GBV-01",),
    "2": ("CHD-04",),
    "3": ("VUL-01",),
    "4": ("ORG-01",),
    "5": ("PRP-01",),
    "6": ("INT-01",),
    "7": ("TIP-02",),
    "8": ("ENV-01",),
}
OTHER = ("PUB-99",)
_COMMON = {"": Event.EMPTY, "*": Event.REPEAT, "9": Event.HELP, "0": Event.SKIP}
_KEYS = {
    State.DANGER: {"1": Event.DANGER, "2": Event.ANSWER},
    State.TYPE: dict.fromkeys(TYPES, Event.ANSWER),
    State.RECORD: {"1": Event.ANSWER},
    State.TOLD: {"1": Event.ANSWER},
}
_MENU_SECONDS, _TYPING_SECONDS, _SPEECH_SECONDS = 12, 15, 120


@dataclass(frozen=True, slots=True, repr=False)
class Call(Redacted):
    """What is taken from a webhook, by allow-list. ``step`` is the state whose keys these are and
    the turn it was asked in."""

    sid: str
    step: str
    digits: str
    recording: str
    failed: bool
    identity: tuple[str, ...]

    @classmethod
    def read(cls, params: MultiDict[str, str], step: str) -> Call:
        """Raises BadInput for a call without an identifier."""
        sid = identifier(params.get("CallSid", ""))
        if not sid:
            raise BadInput
        digits = params.get("Digits", "")
        return cls(
            sid=sid,
            step=step,
            digits=digits if len(digits) <= 32 else "?",
            recording=identifier(params.get("RecordingSid", "")),
            failed=params.get("RecordingStatus", "") in ("failed", "absent"),
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
        plain = name.removesuffix(".mp3").replace("-", "")
        path = recorded(line.settings.home, spoken, name) if spoken and plain.isalnum() else None
        if path is None:
            raise NotFound
        return send_file(path, mimetype="audio/mpeg", conditional=True)

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
    state, digits = session.standing.state, call.digits
    if state is State.START:
        return Heard(event=Event.RING)
    if call.step not in (state.value, step_name(session)):
        return Heard(event=Event.REPEAT)
    if state is State.SPEAK:
        return _spoken(call)
    # Also for a key that means nothing: the last of several opens the tip all the same.
    types = TYPES.get(digits, OTHER)
    contact = _contact(call, session, crime_types=types) if state is State.TYPE else None
    if (event := _COMMON.get(digits) or _KEYS.get(state, {}).get(digits)) is not None:
        return Heard(event=event, contact=contact)
    if state is State.PLACE:
        return _place(line, call, session)
    if state is State.LANGUAGE and digits.isascii() and digits.isdigit():
        chosen = line.profile.languages[int(digits) - 1 :][:1]
        if chosen:
            return Heard(event=Event.ANSWER, language=chosen[0])
    return Heard(event=Event.INVALID, contact=contact)


def step_name(session: Session) -> str:
    """The last part of the address that the next keys are sent to: the state, and which turn of
    which conversation, so that every step of a call is a message of its own."""
    return f"{session.standing.state.value}-{session.turn}-{session.id[:8]}"


def _spoken(call: Call) -> Heard:
    """The key that ended a recording decides what becomes of it."""
    if call.digits == "hangup":
        return Heard(event=Event.STOP, recording=call.recording)
    if call.failed:
        return Heard(event=Event.INVALID, recording=call.recording)
    if call.digits in ("*", "9", "0"):
        return Heard(event=_COMMON[call.digits], recording=call.recording)
    return Heard(event=Event.ANSWER if call.recording else Event.EMPTY, recording=call.recording)


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
) -> Contact:
    opening = session.thread is None
    return Contact(
        channel=Channel.PHONE,
        language=session.language,
        answers=answers or {},
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
        given = number(line, prompt)
        sentence = SPOKEN.get(prompt, SPOKEN[Prompt.UNAVAILABLE])
        voice.say(response, prompt.value, sentence.say(voice.said, number=given), given)
    response.hangup()
    return str(response).encode()


class Voice:
    """Says sentences in a language: recorded ones where they exist, else by the provider's voice;
    Haitian Creole without recordings is said in French, which the language menu admits."""

    def __init__(self, line: PublicLine, language: Language) -> None:
        self._line = line
        self.language = language
        self.said = language if language in VOICES else self._substitute(language)

    def _substitute(self, language: Language) -> Language:
        return language if self._has(language, file_name(Prompt.RECEIPT.value)) else Language.FR

    def _has(self, language: Language, name: str) -> bool:
        return recorded(self._line.settings.home, language, name) is not None

    def say(self, parent: VoiceResponse | Gather, sentence: str, text: str, key: str = "") -> None:
        """``sentence`` and ``key`` name the recording; ``text`` is what it says."""
        name = file_name(sentence, "".join(ch for ch in key if ch.isalnum()))
        if self._has(self.said, name):
            url = f"{self._line.settings.public_url}/twilio/prompts/{self.said.value}/{name}"
            parent.append(Play(url))
            return
        voice, tag = VOICES.get(self.said, VOICES[Language.FR])
        parent.append(Say(text, voice=voice, language=tag))


class Speaker:
    """Turns what is to be said into TwiML with the keys that may follow."""

    def __init__(self, line: PublicLine, said: Said) -> None:
        self._line = line
        self._said = said
        self._voice = Voice(line, said.session.language)

    def twiml(self) -> bytes:
        session, response = self._said.session, VoiceResponse()
        state = session.standing.state
        if state is State.STOPPED:
            self._words(response)
            response.hangup()
        elif state is State.SPEAK:
            self._words(response)
            self._record(response)
        else:
            # Everything is said inside, so that a key may cut it short at any word.
            typing = state is State.PLACE
            gather = Gather(
                input="dtmf",
                action=self._action(),
                method="POST",
                timeout=_TYPING_SECONDS if typing else _MENU_SECONDS,
                num_digits=None if typing else 1,
                finish_on_key="#" if typing else "",
                action_on_empty_result=True,
            )
            self._words(gather)
            response.append(gather)
        return str(response).encode()

    def _action(self) -> str:
        return f"{self._line.settings.public_url}/twilio/voice/{step_name(self._said.session)}"

    def _record(self, response: VoiceResponse) -> None:
        response.record(
            action=self._action(),
            method="POST",
            timeout=10,
            finish_on_key="#*09",
            max_length=_SPEECH_SECONDS,
            play_beep=True,
            trim="do-not-trim",
            recording_status_callback=f"{self._line.settings.public_url}/twilio/recording",
            recording_status_callback_method="POST",
            recording_status_callback_event="completed absent",
        )
        # The provider asks nobody about an empty recording: it goes on here.
        response.redirect(self._action(), method="POST")

    def _words(self, parent: VoiceResponse | Gather) -> None:
        for prompt in self._said.prompts:
            if prompt is Prompt.LANGUAGE:
                self._languages(parent)
                continue
            if prompt in SPOKEN:
                given = number(self._line, prompt) if prompt is Prompt.EMERGENCY else ""
                sentence = SPOKEN[prompt].say(self._voice.said, number=given)
                self._voice.say(parent, prompt.value, sentence, given)
            if prompt is Prompt.RECEIPT:
                self._receipt(parent)
            self._menu(parent, prompt)

    def _menu(self, parent: VoiceResponse | Gather, prompt: Prompt) -> None:
        for key, name, sentence in MENUS.get(prompt, ()):
            text = sentence.say(self._voice.said, key=key)
            self._voice.say(parent, f"{prompt.value}-{name}", text, key)
        if prompt in MENUS:
            self._voice.say(parent, "to-repeat", TO_REPEAT.say(self._voice.said))

    def _languages(self, parent: VoiceResponse | Gather) -> None:
        for key, language in enumerate(self._line.profile.languages, start=1):
            voice = Voice(self._line, language)
            sentence = SPOKEN[Prompt.LANGUAGE] if voice.said is language else CREOLE_IN_FRENCH
            voice.say(parent, "language", sentence.say(voice.said, key=key), str(key))

    def _receipt(self, parent: VoiceResponse | Gather) -> None:
        self._digits(parent)
        self._voice.say(parent, "again", AGAIN.say(self._voice.said))
        self._digits(parent)

    def _digits(self, parent: VoiceResponse | Gather) -> None:
        """Digits apart, in groups of four."""
        voice, code = self._voice, self._said.code
        spoken = all(voice._has(voice.said, file_name("digit", d)) for d in set(code))
        for group in grouped(code).split():
            if spoken:
                for digit in group:
                    voice.say(parent, "digit", digit, digit)
            else:
                voice.say(parent, "digits", ", ".join(group) + ".")
