"""Speaking: what the line says on the phone, as the provider's TwiML: recordings, voices, keys."""

from __future__ import annotations

from twilio.twiml.voice_response import Gather, Pause, Play, Say, VoiceResponse

from hotline.assembly import PublicLine
from hotline.intake.choices import spoken
from hotline.intake.conversation import CHOICES, State
from hotline.intake.exchange import Said
from hotline.intake.prompts import (
    AGAIN,
    CREOLE_IN_FRENCH,
    MENUS,
    OPERATOR,
    SPOKEN,
    TO_REPEAT,
    Prompt,
)
from hotline.intake.sessions import Session
from hotline.intake.sms import number
from hotline.intake.voice import file_name, recorded
from hotline.routing.asking import Detail, Kind, find
from hotline.tips import Language
from hotline.vault.receipts import grouped

# The provider's voices (https://www.twilio.com/docs/voice/twiml/say/text-speech).
VOICES = {
    Language.PT: ("Polly.Camila-Neural", "pt-BR"),
    Language.ES: ("Polly.Mia-Neural", "es-MX"),
    Language.EN: ("Polly.Joanna-Neural", "en-US"),
    Language.FR: ("Polly.Lea-Neural", "fr-FR"),
}
MENU_SECONDS, TYPING_SECONDS, SPEECH_SECONDS, SILENCE_SECONDS = 12, 15, 120, 10
_WITH_STAR = frozenset({Prompt.DUTY})  # whose star means something else
# One queue of the provider for all callers; its name says nothing about anybody.
QUEUE = "operators"
_CHOICES = frozenset(Prompt(state.value) for state in CHOICES)


def offers_operator(line: PublicLine, session: Session) -> bool:
    """Whether this caller may ask for an operator now: within hours, in a language operators
    speak, and not waited for one already."""
    phone = line.profile.phone
    return (
        phone is not None
        and session.language in phone.languages
        and not session.standing.waited
        and phone.open(line.clock.now())
    )


def closed(line: PublicLine) -> bool:
    """Whether there are operators, but not at this hour."""
    return line.profile.phone is not None and not line.profile.phone.open(line.clock.now())


def keys(action: str, *, typing: bool = False) -> Gather:
    """Waits for one key, or when ``typing`` for many and the hash key. What is said goes inside,
    so that a key may cut it short at any word."""
    return Gather(
        input="dtmf",
        action=action,
        method="POST",
        timeout=TYPING_SECONDS if typing else MENU_SECONDS,
        num_digits=None if typing else 1,
        finish_on_key="#" if typing else "",
        action_on_empty_result=True,
    )


class Voice:
    """Says sentences in a language: recorded ones where they exist, else by the provider's voice;
    Haitian Creole without recordings is said in French, which the language menu admits."""

    def __init__(self, line: PublicLine, language: Language) -> None:
        self._line = line
        self.language = language
        self.said = language if language in VOICES else self._substitute(language)

    def _substitute(self, language: Language) -> Language:
        return language if self.has(language, file_name(Prompt.RECEIPT.value)) else Language.FR

    def has(self, language: Language, name: str) -> bool:
        return recorded(self._line.settings.home, language, name) is not None

    def say(self, parent: VoiceResponse | Gather, sentence: str, text: str, key: str = "") -> None:
        """``sentence`` and ``key`` name the recording; ``text`` is what it says."""
        path = recorded(self._line.settings.home, self.said, file_name(sentence, key))
        if path is not None:
            folder = f"{self._line.settings.public_url}/twilio/prompts/{self.said.value}"
            parent.append(Play(f"{folder}/{path.name}"))
            return
        voice, tag = VOICES.get(self.said, VOICES[Language.FR])
        parent.append(Say(text, voice=voice, language=tag))

    def words(self, parent: VoiceResponse | Gather, prompt: Prompt) -> None:
        """The sentence of a prompt, if it has one, and its menu."""
        self.sentence(parent, prompt)
        self.menu(parent, prompt)

    def sentence(self, parent: VoiceResponse | Gather, prompt: Prompt) -> None:
        if (sentence := SPOKEN.get(prompt)) is not None:
            given = number(self._line, prompt) if "{number}" in sentence.message else ""
            self.say(parent, prompt.value, sentence.say(self.said, number=given), given)

    def menu(self, parent: VoiceResponse | Gather, prompt: Prompt) -> None:
        for key, name, sentence in MENUS.get(prompt, ()):
            self.say(parent, f"{prompt.value}-{name}", sentence.say(self.said, key=key), key)
        if prompt in MENUS and prompt not in _WITH_STAR:
            self.say(parent, "to-repeat", TO_REPEAT.say(self.said))

    def choice(self, parent: VoiceResponse | Gather, detail: Detail) -> None:
        """A question of some types and its keys."""
        lines = list(spoken(detail, self.said))
        names = (file_name(name, key) for name, key, _ in lines)
        if self.said not in VOICES and not all(self.has(self.said, name) for name in names):
            # Recordings from before this question: better whole in French than half of it in
            # Creole read by a French voice.
            Voice(self._line, Language.FR).choice(parent, detail)
            return
        for name, key, words in lines:
            self.say(parent, name, words, key)
        self.say(parent, "to-repeat", TO_REPEAT.say(self.said))


class Speaker:
    """Turns what is to be said into TwiML with the keys that may follow."""

    def __init__(self, line: PublicLine, said: Said) -> None:
        self._line = line
        self._said = said
        self._voice = Voice(line, said.session.language)
        self._detail = find(said.session.detail)

    def twiml(self) -> bytes:
        response = VoiceResponse()
        state = self._said.session.standing.state
        if Prompt.CODE in self._said.prompts:  # an operator, who is asked by operators.py
            response.redirect(f"{self._line.settings.public_url}/twilio/operator", method="POST")
        elif state is State.STOPPED:
            self._words(response)
            if not self._said.prompts:  # whoever is still there is not left without a word
                self._voice.words(response, Prompt.GOODBYE)
            response.hangup()
        elif state is State.SPEAK:
            self._words(response)
            self._record(response)
        elif state is State.QUEUE:
            self._words(response)
            self._enqueue(response)
        else:
            gather = keys(self._action, typing=self._typing(state))
            self._words(gather)
            response.append(gather)
        return str(response).encode()

    def _typing(self, state: State) -> bool:
        """Whether more than one key may be the answer."""
        several = self._detail is not None and self._detail.kind is Kind.ANY_OF
        return several or state is State.PLACE

    @property
    def _action(self) -> str:
        return f"{self._line.settings.public_url}/twilio/voice/{step_name(self._said.session)}"

    def _record(self, response: VoiceResponse) -> None:
        response.record(
            action=self._action,
            method="POST",
            timeout=SILENCE_SECONDS,
            finish_on_key="#*09",
            max_length=SPEECH_SECONDS,
            play_beep=True,
            trim="do-not-trim",
            recording_status_callback=f"{self._line.settings.public_url}/twilio/recording",
            recording_status_callback_method="POST",
            recording_status_callback_event="completed absent",
        )
        # The provider asks nobody about an empty recording: it goes on here.
        response.redirect(self._action, method="POST")

    def _enqueue(self, response: VoiceResponse) -> None:
        """How the wait ended comes to the action: at once, or after the talk with the operator."""
        response.enqueue(
            QUEUE,
            action=self._action,
            method="POST",
            wait_url=f"{self._line.settings.public_url}/twilio/hold",
            wait_url_method="POST",
        )

    def _words(self, parent: VoiceResponse | Gather) -> None:
        for prompt in self._said.prompts:
            if prompt is Prompt.LANGUAGE:
                self._languages(parent)
            elif prompt is Prompt.RECEIPT:
                self._receipt(parent)
            elif prompt in _CHOICES:
                if self._detail is not None:
                    self._voice.choice(parent, self._detail)
            else:
                if prompt is Prompt.TYPE:
                    self._operator(parent)
                self._voice.words(parent, prompt)

    def _operator(self, parent: VoiceResponse | Gather) -> None:
        """First in the menu: whoever wants a person should not have to hear nine other keys."""
        if offers_operator(self._line, self._said.session):
            key, name, sentence = OPERATOR
            self._voice.say(parent, name, sentence.say(self._voice.said, key=key), key)
        elif closed(self._line) and Prompt.CLOSED not in self._said.prompts:
            self._voice.words(parent, Prompt.CLOSED)

    def _languages(self, parent: VoiceResponse | Gather) -> None:
        for key, language in enumerate(self._line.profile.languages, start=1):
            voice = Voice(self._line, language)
            sentence = SPOKEN[Prompt.LANGUAGE] if voice.said is language else CREOLE_IN_FRENCH
            name = "language" if voice.said is language else "language-creole"
            voice.say(parent, name, sentence.say(voice.said, key=key), str(key))

    def _receipt(self, parent: VoiceResponse | Gather) -> None:
        voice = self._voice
        voice.sentence(parent, Prompt.RECEIPT)
        self._digits(parent)
        voice.say(parent, "again", AGAIN.say(voice.said))
        self._digits(parent)
        voice.menu(parent, Prompt.RECEIPT)

    def _digits(self, parent: VoiceResponse | Gather) -> None:
        """Digits apart, in groups of four, with time to write each group down."""
        voice, code = self._voice, self._said.code
        spoken = all(voice.has(voice.said, file_name("digit", d)) for d in set(code))
        for group in grouped(code).split():
            if spoken:
                for digit in group:
                    voice.say(parent, "digit", digit, digit)
            else:
                voice.say(parent, "digits", ", ".join(group) + ".")
            parent.append(Pause(length=1))


def step_name(session: Session) -> str:
    """The last part of the address that the next keys are sent to: the state, and which turn of
    which conversation, so that every step of a call is a message of its own."""
    return f"{session.standing.state.value}-{session.turn}-{session.id[:8]}"
