"""Ringing: what somebody on duty hears when the relay calls, and what their keys mean.

First only that an urgent notice waits, and a digit that this call alone speaks: who presses it
listens, so that a mailbox neither hears the notice nor acknowledges. Then kind and place, and
``1`` takes it. The public process knows no more than its mark holds (answering.py).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, Response, current_app, request
from twilio.twiml.voice_response import Gather, VoiceResponse

from hotline.assembly import PublicLine
from hotline.errors import HotlineError
from hotline.intake import answering
from hotline.intake.answering import Offer
from hotline.intake.signature import verified
from hotline.intake.sms import refused, twiml
from hotline.intake.speaking import VOICES, Voice, keys
from hotline.tips import Language
from hotline.web.i18n import N_, say

TRIES = 3  # of each key, silences as well
TAKE, PASS_ON = "1", "2"

GREETING = N_("An urgent notice from the reporting line. To hear it, press {key}.")
NOTICE = N_("Danger now, not verified. {kind}. Place: {place}.")
NO_PLACE = N_("Danger now, not verified. {kind}. The place is not known.")
CHOICE = N_("To take it, press 1. If you cannot, press 2. To hear it again, press star.")
TAKEN = N_("Thank you, it is yours. Sign in now and open it.")
PASSED = N_("Somebody else will be called. Goodbye.")
NOT_NOTED = N_("This could not be noted. Sign in and take it there.")


def blueprint(line: PublicLine) -> Blueprint:
    """``POST /twilio/relay/<ref>``, ``/twilio/relay/<ref>/<step>``."""
    room = Blueprint("ringing", __name__, url_prefix="/twilio/relay")

    @room.post("/<ref>", defaults={"step": ""})
    @room.post("/<ref>/<step>")
    def ringing(ref: str, step: str) -> Response:
        try:
            digits = verified(request, line.settings).get("Digits", "")
        except HotlineError as error:
            return refused(error)
        what: Offer | None = None
        with suppress(HotlineError):  # without the database nobody can be told what waits
            what = answering.offered(line.pipeline.once, ref)
        if step == "ended":
            return _ended(line, ref, what)
        if what is None:
            return twiml(_bye().to_xml().encode())
        try:
            return twiml(Ringing(line, ref, what).answer(step, digits).to_xml().encode())
        except Exception as error:  # noqa: BLE001 - a 5xx would drop the call
            if not isinstance(error, HotlineError):
                current_app.extensions["log"].incident(error)
            return twiml(Ringing(line, ref, what).last(NOT_NOTED).to_xml().encode())

    return room


def _ended(line: PublicLine, ref: str, what: Offer | None) -> Response:
    """Also when it cannot be noted: the relay goes on when the step's time is over."""
    pipeline = line.pipeline
    if what is not None:
        with suppress(HotlineError):
            answering.end(pipeline.once, pipeline.tips, pipeline.envelope, ref, what)
    return Response(status=204)


def _bye() -> VoiceResponse:
    response = VoiceResponse()
    response.hangup()
    return response


class Ringing:
    """One call to somebody on duty."""

    def __init__(self, line: PublicLine, ref: str, what: Offer) -> None:
        self._line = line
        self._ref = ref
        self._what = what
        # No recording holds a kind and a place: a language without a voice is said in French.
        asked = Language(what.language)
        self._spoken = asked if asked in VOICES else Language.FR
        self._voice = Voice(line, self._spoken)

    def answer(self, step: str, digits: str) -> VoiceResponse:
        """Raises Unavailable kinds: then nothing is acknowledged."""
        name, _, count = step.partition("-")
        tries = int(count) if count in ("1", "2", "3") else 1
        if name == "heard":
            if digits == self._what.digit:
                return self._notice(1)
            return self._greeting(tries + 1)
        if name == "taken":
            if digits == TAKE:
                self._tell(answering.take)
                return self.last(TAKEN)
            if digits == PASS_ON:
                self._tell(answering.end)
                return self.last(PASSED)
            return self._notice(tries + 1)
        return self._greeting(1)

    def last(self, sentence: str) -> VoiceResponse:
        response = VoiceResponse()
        self._say(response, sentence)
        response.hangup()
        return response

    def _greeting(self, tries: int) -> VoiceResponse:
        if tries > TRIES:
            return _bye()
        response, gather = VoiceResponse(), keys(self._address(f"heard-{tries}"))
        self._say(gather, GREETING, key=self._what.digit)
        response.append(gather)
        return response

    def _notice(self, tries: int) -> VoiceResponse:
        if tries > TRIES:
            return _bye()
        response, gather = VoiceResponse(), keys(self._address(f"taken-{tries}"))
        types, code, place = self._line.types, self._what.type, self._what.place
        kind = types.get(code).names[self._spoken] if code in types else code
        self._say(gather, NOTICE if place else NO_PLACE, kind=kind, place=place)
        self._say(gather, CHOICE)
        response.append(gather)
        return response

    def _tell(self, do: Callable[..., None]) -> None:
        pipeline = self._line.pipeline
        do(pipeline.once, pipeline.tips, pipeline.envelope, self._ref, self._what)

    def _say(self, parent: VoiceResponse | Gather, sentence: str, **values: str) -> None:
        self._voice.say(parent, "", say(self._spoken, sentence, **values))

    def _address(self, step: str) -> str:
        return f"{self._line.settings.public_url}/twilio/relay/{self._ref}/{step}"
