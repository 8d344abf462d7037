"""Walk: goes along every edge of the conversation table by signed webhooks.

On a private line of its own, made in a temporary directory and gone afterwards.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hotline.assembly import assemble_public
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.founding import FIRST_RULES, activate, found, prepare
from hotline.intake import choices
from hotline.intake.conversation import CHOICES, TABLE, Effect, Event, Move, State, edges
from hotline.intake.exchange import Exchange
from hotline.intake.prompts import CREOLE_IN_FRENCH, MENUS, SPOKEN, Prompt
from hotline.intake.sessions import Session
from hotline.intake.sms import number as number_for
from hotline.intake.sms import wording
from hotline.routing.asking import find
from hotline.routing.profile import Profile
from hotline.routing.versions import copied
from hotline.settings import Settings
from hotline.simulate.phone import Inside, TextPhone, VoicePhone, new_sid
from hotline.store.audit import AuditLog
from hotline.tips import Language
from hotline.web.apps import public_app

Edge = tuple[State, Event]


class OffTheTable(HotlineError):
    """The line said or did something else than the conversation table."""

    code = "off_the_table"
    hint = "This is a fault of the line: the walk stops here."


@dataclass(slots=True)
class _Hands:
    """A clock the walk moves by hand. It starts at the real time, on a full second."""

    now: float = field(default_factory=lambda: float(int(Clock().seconds())))

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Ground:
    """A private line to walk on."""

    exchange: Exchange
    wire: Inside
    hands: _Hands

    def session(self, *address: str) -> Session | None:
        return self.exchange.sessions.get(self.exchange.sessions.key(*address))

    def lapse(self) -> None:
        """Twenty-one minutes go by, and the closer comes."""
        self.hands.now += 21 * 60
        self.exchange.closer.run_once()

    def tips(self) -> int:
        return sum(self.exchange.pipeline.tips.counts().values())


@contextmanager
def private_line() -> Iterator[Ground]:
    """A line nobody else sees, with keys nobody holds, until the end of the block."""
    with TemporaryDirectory(prefix="hotline-walk-") as folder:
        home = Path(folder)
        settings = Settings(
            home=home,
            database_url=f"sqlite:///{home / 'hotline.db'}",
            public_url="https://line.example",
            twilio_account_sid=new_sid("AC"),
            twilio_auth_token=secrets.token_hex(16),
        )
        profile, hands = Profile.load(settings.jurisdiction), _Hands()
        clock = Clock(profile.zone, hands)
        database = prepare(settings)
        with copied(settings.jurisdiction) as rules:
            with (rules / "profile.toml").open("a") as sheet:
                sheet.write(_OPERATORS)
            activate(settings, AuditLog(database), rules, (), FIRST_RULES, clock)
        database.close()
        found(settings, profile.recipients(), (), clock)
        line = assemble_public(settings, clock, pool=0)
        app = public_app(line)
        exchange = app.extensions["exchange"]
        try:
            yield Ground(exchange, Inside(app.test_client(), settings), hands)
        finally:
            exchange.closer.stop()
            line.close()


# The walk meets operators at any hour, whatever the profile says.
_OPERATORS = '\n[phone]\nhours = ["Mo-Su 00:00-24:00"]\n'


def way_to(state: State, channel: str) -> list[Event]:
    """The shortest way through the table from the start, along edges of the channel."""
    ways: dict[State, list[Event]] = {State.START: []}
    waiting = deque([State.START])
    while waiting:
        at = waiting.popleft()
        for edge_state, event in sorted(edges(channel)):
            move = TABLE[edge_state, event]
            if edge_state is at and event is not Event.TIMEOUT and move.to not in ways:
                ways[move.to] = [*ways[at], event]
                waiting.append(move.to)
    return ways[state]


def walk_sms() -> tuple[int, int]:
    """Every edge of SMS by signed webhooks: (walked, all). Raises OffTheTable at the first answer
    or effect that is not the table's."""
    every = sorted(edges("sms"))
    with private_line() as ground:
        covered = sum(_walk_text(ground, edge, n) for n, edge in enumerate(every))
    return covered, len(every)


def walk_call() -> tuple[int, int]:
    """Every edge of the phone menu by signed webhooks: (walked, all). Raises OffTheTable."""
    every = sorted(edges("call"))
    with private_line() as ground:
        covered = sum(_walk_keys(ground, edge) for edge in every)
    return covered, len(every)


_TEXTS = {
    Event.SKIP: "não sei",
    Event.EMPTY: "",
    Event.INVALID: "!!!",
    Event.HELP: "ajuda",
    Event.REPEAT: "repetir",
    Event.RECEIPT: "1234 5678 9012 3456 7890",
    Event.STOP: "PARAR",
    Event.DANGER: "sim",
    Event.PLACED: "sim",
    Event.UNPLACED: "não",
}
# A type that is asked as many questions as there are states for.
_TOLD = "Trabalho escravo numa fazenda em Niterói, ninguém recebe salário"
_FILE = {
    "NumMedia": "1",
    "MediaUrl0": "https://api.twilio.com/2010-04-01/Media/ME" + "0" * 32,
    "MediaContentType0": "image/jpeg",
}
_PIN = {"Latitude": "-22.90281", "Longitude": "-43.17806", "Label": "Praça Mauá"}
_BESIDE = {Event.PIN: _PIN, Event.FILES: _FILE}


def _text_for(state: State, event: Event) -> str:
    if event is Event.ANSWER:
        return "3" if state is State.NOW else _TOLD
    return _TEXTS.get(event, "")


def _walk_text(ground: Ground, edge: Edge, nth: int) -> bool:
    state, event = edge
    phone = TextPhone(ground.wire, f"+5521{900000000 + nth}")
    address = ("sms", phone.line, phone.number)
    at = State.START
    for before in way_to(state, "sms"):
        phone.send(_text_for(at, before), **_BESIDE.get(before, {}))
        at = TABLE[at, before].to
    if event in (Event.PLACED, Event.UNPLACED):
        phone.send("", **_PIN)
    earlier, tips = ground.session(*address), ground.tips()
    if event is Event.TIMEOUT:
        ground.lapse()
        said = ""
    elif event in _BESIDE:
        said = "\n".join(phone.send("", **_BESIDE[event]))
    else:
        said = "\n".join(phone.send(_text_for(state, event)))
    session, move = ground.session(*address), TABLE[edge]
    language = session.language if session else (earlier.language if earlier else Language.PT)
    wanted = "\n".join(_written(ground, prompt, language, session) for prompt in move.says)
    _expect(edge, said == wanted, "said something else")
    _check_state(edge, move, session)
    # A receipt nobody has, with nothing beside it, stores nothing: tips come from words alone.
    opened = ground.tips() - tips
    appended = Effect.APPEND in move.effects and event in (Event.ANSWER, Event.PLACED, Event.FILES)
    _expect(edge, opened == int(Effect.OPEN in move.effects or appended), "stored something else")
    return True


def _written(ground: Ground, prompt: Prompt, language: Language, session: Session | None) -> str:
    code = session.thread.code if session and session.thread else ""
    return wording(ground.exchange.line, prompt, language, code, session)


def _check_state(edge: Edge, move: Move, session: Session | None) -> None:
    stands = session.standing.state if session else State.STOPPED
    _expect(edge, stands is move.to, "stands somewhere else")


def _expect(edge: Edge, as_written: bool, otherwise: str) -> None:
    if not as_written:
        state, event = edge
        raise OffTheTable(f"In state {state.value} at event {event.value} the line {otherwise}.")


_PRESSED = {Event.SKIP: "0", Event.EMPTY: "", Event.HELP: "9", Event.REPEAT: "*"}
_LEFT = {
    Event.ANSWER: "bridged",
    Event.SKIP: "leave",
    Event.STOP: "hangup",
    Event.INVALID: "system-error",
}
_ANSWERS = {
    State.LANGUAGE: "1",
    State.DANGER: "2",
    State.TYPE: "7",  # a type that is asked as many questions as there are states for
    State.PLACE: "20040020",
    State.CHOICE_1: "2",
    State.CHOICE_2: "13",
    State.RECORD: "1",
    State.TOLD: "1",
}


def _act(ground: Ground, phone: VoicePhone, state: State, event: Event) -> list[str]:
    """Does on the phone what makes ``event`` happen in ``state``; what is heard then."""
    phone.heard = []
    if event is Event.RING:
        return phone.dial()
    if event is Event.TIMEOUT:
        ground.lapse()
    elif event is Event.STOP:
        if state is State.SPEAK:
            phone.speak("hangup")
        elif state is State.QUEUE:
            phone.leave(_LEFT[event])
        phone.hang_up()
        return []
    elif state is State.QUEUE and event in _LEFT:
        return phone.leave(_LEFT[event])
    elif state is State.SPEAK and event is not Event.EMPTY:
        failed = {"RecordingStatus": "failed"} if event is Event.INVALID else {}
        return phone.speak(_PRESSED.get(event, "#"), **failed)
    elif event is Event.ANSWER:
        return phone.press(_ANSWERS[state])
    else:
        return phone.press(_key(state, event))
    return phone.heard


def _key(state: State, event: Event) -> str:
    if event is Event.HELP and state is State.TYPE:
        return "#"  # where the usual one calls an operator
    if event is Event.INVALID:
        return "77" if state is State.PLACE else "D"
    return {Event.DANGER: "1", Event.OPERATOR: "9"}.get(event) or _PRESSED[event]


def _walk_keys(ground: Ground, edge: Edge) -> bool:
    state, event = edge
    phone = VoicePhone(ground.wire, "+266696687")  # withheld: the call itself is all there is
    at = State.START
    for before in way_to(state, "call"):
        _act(ground, phone, at, before)
        at = TABLE[at, before].to
    tips = ground.tips()
    heard = _act(ground, phone, state, event)
    session, move = ground.session("call", phone.sid), TABLE[edge]
    language = session.language if session else Language.PT
    wanted = [s for prompt in move.says for s in _spoken(ground, prompt, language, session)]
    rest = iter(heard)
    _expect(edge, all(sentence in rest for sentence in wanted), "said something else")
    _expect(edge, bool(heard) == bool(wanted), "said something else")
    _check_state(edge, move, session)
    opened = ground.tips() - tips
    _expect(edge, opened == int(Effect.OPEN in move.effects), "stored something else")
    return True


def _spoken(
    ground: Ground, prompt: Prompt, language: Language, session: Session | None
) -> Iterator[str]:
    """The sentences of a prompt, but for the digits of a receipt."""
    profile = ground.exchange.line.profile
    if prompt is Prompt.LANGUAGE:
        for key, each in enumerate(profile.languages, start=1):
            if each is Language.HT:
                yield CREOLE_IN_FRENCH.say(Language.FR, key=key)
            else:
                yield SPOKEN[prompt].say(each, key=key)
        return
    if prompt.value in CHOICES:
        detail = find(session.detail if session else "")
        assert detail is not None
        yield from (words for _, _, words in choices.spoken(detail, language))
        return
    if prompt in SPOKEN:
        yield SPOKEN[prompt].say(language, number=number_for(ground.exchange.line, prompt))
    for digit, _, sentence in MENUS.get(prompt, ()):
        yield sentence.say(language, key=digit)
