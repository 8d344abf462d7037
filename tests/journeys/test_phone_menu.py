"""The phone menu, whole: every answer is valid TwiML, every sentence recordable, no dead end."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from hotline.assembly import PublicLine, assemble_public
from hotline.errors import Busy, Unavailable
from hotline.intake import ivr, operators, receipts, speaking
from hotline.intake.choices import ever_asked
from hotline.intake.conversation import CHOICES, TABLE, Event, Standing, State, edges, patience
from hotline.intake.exchange import Said
from hotline.intake.prompts import Prompt
from hotline.intake.sessions import Session
from hotline.intake.signature import HEADER, sign
from hotline.intake.sms import number
from hotline.intake.voice import folder
from hotline.intake.voice.script import script
from hotline.simulate.phone import LINE, new_sid
from hotline.tips import Language
from hotline.vault.receipts import ReplyKeys
from hotline.vault.small import derive
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.line import copy_line
from tests.operators import with_operators
from tests.twiml import problems

CODE = "12345678901234567890"
STEPS = 10_000
# Where a line without operators never comes to.
_OF_OPERATORS = {"queue", "operator", "nobody", "closed", "code"}


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
def line(
    founded_home: Path, tmp_path_factory: pytest.TempPathFactory, clock: MovableClock
) -> Iterator[PublicLine]:
    home = tmp_path_factory.mktemp("menu")
    settings = copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}")
    line = with_operators(assemble_public(settings, clock, pool=0))
    yield line
    line.close()


def lines_of(line: PublicLine) -> Iterator[PublicLine]:
    """In hours, out of hours, and without operators."""
    yield line
    yield with_operators(line, spans=())
    yield replace(line, profile=replace(line.profile, phone=None))


def documents(line: PublicLine, language: Language) -> Iterator[tuple[str, bytes]]:
    """What the caller hears after every edge of the table, and in every other case."""
    for state, event in sorted(edges("call")):
        move = TABLE[state, event]
        for danger in (False, True):
            session = Session(
                id="0" * 32,
                began=0,
                due=1,
                language=language,
                standing=Standing(move.to),
                danger=danger,
            )
            for asked in ever_asked() if move.to in CHOICES else (None,):
                session = replace(session, details=(asked.id,) * 2 if asked else ())
                said = speaking.Speaker(line, Said(session, move.says, CODE)).twiml()
                yield f"{state} {event} {asked.id if asked else ''}", said
    for state in (State.TYPE, State.LANGUAGE):
        session = Session(id="0" * 32, began=0, due=1, language=language, standing=Standing(state))
        for also in (Prompt.CLOSED, Prompt.NOBODY, Prompt.CODE):
            said = Said(session, (also, Prompt(state.value)), CODE)
            yield f"{state} {also}", speaking.Speaker(line, said).twiml()
    for error in (Unavailable(), Busy()):
        yield "excuse", ivr._excuse(line, language, error)


@pytest.mark.parametrize("language", Language)
def test_every_state_language_and_edge_is_twiml_as_the_provider_types_it(
    line: PublicLine, language: Language
) -> None:
    for one in lines_of(line):
        for name, twiml in documents(one, language):
            assert problems(twiml) == [], name


@pytest.mark.parametrize(
    "planted",
    [
        '<Gather input="dtmf" timeout="9" actionOnEmptyResult="true"/>',
        '<Gather input="dtmf" timeout="12"/>',
        '<Gather input="speech" timeout="12" actionOnEmptyResult="true"/>',
        '<Gather input="dtmf" timeout="12" actionOnEmptyResult="true"/><Hangup/>',
        '<Say voice="Polly.Camila-Neural" language="fr-FR">a</Say>',
        '<Say voice="Polly.Nobody" language="pt-BR">a</Say>',
        '<Say voice="Polly.Camila-Neural" language="pt-BR"></Say>',
        '<Record action="/x" maxLenght="120"/><Redirect>/x</Redirect>',
        '<Record action="/x"/>',
        '<Record action="/x"/><Hangup/>',
        '<Record action="/x" trim="never"/><Redirect>/x</Redirect>',
        '<Redirect method="GET">/x</Redirect>',
        "<Gather><Record/></Gather>",
        "<Enqueue>x</Enqueue><Hangup/>",
        '<Dial timeLimit="an hour"><Queue>x</Queue></Dial>',
    ],
)
def test_the_check_sees_planted_mistakes(planted: str) -> None:
    assert problems(f"<Response>{planted}</Response>".encode())


def test_every_say_has_a_recording_that_could_replace_it(line: PublicLine, tmp_path: Path) -> None:
    """With a file for each line of the script, nothing is left for the provider's voices."""
    settings = replace(line.settings, home=tmp_path)
    played: set[str] = set()
    everything: set[str] = set()
    for one in lines_of(replace(line, settings=settings)):
        written = script(one.profile, lambda p: number(line, p), postal=True)
        there = {f"/twilio/prompts/{s.language}/{s.file}" for s in written}
        for sentence in written:
            place = folder(tmp_path, sentence.language)
            place.mkdir(parents=True, exist_ok=True)
            (place / sentence.file).write_bytes(b"ID3")
        for language in Language:
            for name, twiml in documents(one, language):
                if one.profile.phone is None and set(name.split()) & _OF_OPERATORS:
                    continue
                root = ElementTree.fromstring(twiml)
                assert not list(root.iter("Say")), name
                assert problems(twiml) == [], name
                heard = {urlsplit(node.text or "").path for node in root.iter("Play")}
                assert heard <= there, name
                played |= heard
        everything |= there
    # Nothing is recorded in vain: the rest is said in operators.py, or while Creole is missing.
    rest = {Path(path).stem.partition("-")[0] for path in everything - played}
    assert rest == {"hold", "connected", "code", "duty", "language"}


@pytest.mark.parametrize("language", Language)
def test_every_sentence_is_short_and_ends_in_its_key(line: PublicLine, language: Language) -> None:
    hash_key = {"pt": "velha", "es": "numeral", "en": "hash key", "fr": "dièse", "ht": "dyèz"}
    for one in script(line.profile, lambda p: number(line, p), postal=True):
        if one.language is not language:
            continue
        words, stem = one.words.rstrip(" ."), Path(one.file).stem
        assert len(words.split()) <= 20, one.words
        *_, last = stem.split("-")
        if last.isdigit():
            ends = words.endswith((last, f"{last}.", hash_key[language]))
            assert ends or "2253" in words, one
            assert last in "".join(ch for ch in words if ch.isdigit()), one


def test_the_receipt_is_digits_apart_slowly_twice_and_again_on_the_repeat_key(
    line: PublicLine,
) -> None:
    for event in (Event.REPEAT, Event.EMPTY, Event.HELP):
        session = Session(
            id="0" * 32, began=0, due=1, language=Language.PT, standing=Standing(State.TOLD)
        )
        says = TABLE[State.TOLD, event].says
        root = ElementTree.fromstring(speaking.Speaker(line, Said(session, says, CODE)).twiml())
        verbs = list(root[0])
        groups = [n for n, verb in enumerate(verbs) if (verb.text or "")[:1].isdigit()]
        spoken = "".join(ch for n in groups for ch in verbs[n].text or "" if ch.isdigit())
        assert spoken == CODE * 2
        assert all(verbs[n].text == ", ".join((verbs[n].text or "")[::3][:4]) + "." for n in groups)
        assert all(verbs[n + 1].tag == "Pause" for n in groups)


def test_no_call_lasts_for_ever(line: PublicLine) -> None:
    """Each state bears only so many events, each waits only so long; what is said in between is
    less than half a minute a menu. An operator's talk has an end of its own."""
    waits = {State.PLACE: speaking.TYPING_SECONDS, State.SPEAK: speaking.SPEECH_SECONDS + 10}
    phone = line.profile.phone
    assert phone is not None
    keyed = {state for state, _ in edges("call") if state is not State.START}
    seconds = sum(
        patience(state) * (waits.get(state, speaking.MENU_SECONDS) + 60) for state in keyed
    )
    again = patience(State.TYPE) * (speaking.MENU_SECONDS + 60)  # once more after the queue
    whole = seconds + again + phone.wait_seconds + operators.LONGEST_CALL_SECONDS
    assert whole < 2 * 3600  # a conversation is remembered for as long


@dataclass(slots=True)
class Walker:
    """Somebody, or something, that answers the line at random. ``ended`` says how a call ended."""

    chance: random.Random
    line: PublicLine
    clock: MovableClock
    client: object
    sid: str = ""
    answer: bytes = b""
    path: str = ""
    bridged: bool = False
    posted: int = 0

    def post(self, path: str, params: dict[str, str]) -> bytes:
        self.posted += 1
        base = {"CallSid": self.sid, "From": self.chance.choice(_NUMBERS), "To": LINE}
        params = {k: v for k, v in (base | params).items() if v is not None}
        settings = self.line.settings
        header = {HEADER: sign(settings.tokens[0], settings.public_url, path, params)}
        got = self.client.post(path, data=params, headers=header)  # type: ignore[attr-defined]
        assert got.status_code < 500, (path, params)
        if got.status_code == 200:
            assert problems(got.data) == [], (path, params)
        return bytes(got.data) if got.status_code == 200 else b""

    def dial(self) -> None:
        self.sid, self.bridged = new_sid("CA"), False
        self.answer, self.path = self.post("/twilio/voice", {"CallStatus": "ringing"}), ""

    def step(self) -> str:
        """One webhook; how the call ended, or nothing while it goes on."""
        self.clock.advance(self.chance.choice((1, 3, 8, 20)))
        if self.chance.random() < 0.15:
            self._rubbish()
            return ""
        root = ElementTree.fromstring(self.answer)
        if root.find("Hangup") is not None:
            return "goodbye"
        if self.chance.random() < 0.01:
            self.post("/twilio/status", {"CallStatus": "completed"})
            return "hung up"
        verb = next((v for tag in _ONWARD if (v := root.find(tag)) is not None), None)
        assert verb is not None, f"a dead end: {self.answer!r}"
        self.answer = self._go_on(verb)
        assert self.answer, "nothing was answered"
        return ""

    def _go_on(self, verb: ElementTree.Element) -> bytes:
        path = urlsplit(verb.text if verb.tag == "Redirect" else verb.get("action", "")).path
        if verb.tag == "Redirect":
            return self.post(path, {})
        if verb.tag == "Enqueue":
            return self._queue(path, urlsplit(verb.get("waitUrl", "")).path)
        if verb.tag == "Record":
            return self._speak(path)
        return self.post(path, self._keys())

    def _keys(self) -> dict[str, str]:
        if self.chance.random() < 0.1:
            return {}
        return {"Digits": self.chance.choice(_DIGITS)}

    def _speak(self, path: str) -> bytes:
        if self.chance.random() < 0.2:  # nobody spoke: the provider reads on
            return self.post(path, {})
        sid = new_sid("RE")
        status = self.chance.choice(("completed", "absent", "failed", "in-progress"))
        if self.chance.random() < 0.5:
            self.post("/twilio/recording", {"RecordingSid": sid, "RecordingStatus": status})
        end = {"Digits": self.chance.choice(("#", "0", "*", "9", "", "hangup", "7"))}
        return self.post(path, {"RecordingSid": sid, "RecordingStatus": status, **end})

    def _queue(self, path: str, hold: str) -> bytes:
        waited = 0
        while True:
            played = self.post(hold, {**self._keys(), "QueueTime": str(waited)})
            assert played, "silence in the queue"
            if ElementTree.fromstring(played).find("Leave") is not None:
                return self.post(path, {"QueueResult": "leave", "QueueTime": str(waited)})
            waited += 25
            if self.chance.random() < 0.2:
                result = self.chance.choice(("bridged", "error", "queue-full", "redirected", "?"))
                self.bridged = self.bridged or result == "bridged"
                if result == "bridged":
                    assert self.post("/twilio/connected", {"QueueTime": str(waited)})
                    self.clock.advance(self.chance.choice((60, 2000)))
                return self.post(path, {"QueueResult": result, "QueueTime": str(waited)})

    def _rubbish(self) -> None:
        """What no step of this call asked for; its answer is heard by nobody."""
        steps = ("ring", "type", "type-3-00000000", "told-9-ffffffff", "speak", "nonsense", "back")
        path = self.chance.choice(
            (
                f"/twilio/voice/{self.chance.choice(steps)}",
                f"/twilio/operator/{self.chance.choice(('typed-1', 'typed-9', 'duty', 'x'))}",
                "/twilio/hold",
                "/twilio/connected",
                "/twilio/recording",
                "/twilio/status",
            )
        )
        own, self.sid = self.sid, self.chance.choice((self.sid, new_sid("CA"), "", "not a sid"))
        if path.startswith("/twilio/voice"):
            self.sid = self.sid if self.sid != own else new_sid("CA")
        extra = {self.chance.choice(_NAMES): self.chance.choice(_VALUES) for _ in range(3)}
        self.post(path, {**self._keys(), **extra})
        self.sid = own


_ONWARD = ("Redirect", "Enqueue", "Record", "Gather", "Dial")
_NUMBERS = ("+5521987650001", "+266696687", "", "anonymous", "client:x", "+" + "9" * 40)
_DIGITS = (
    *"0123456789",
    "0",
    "1",
    "1",
    "2",
    "4",
    "9",
    "13",
    "*",
    "#",
    "",
    "D",
    "20040020",
    "00000",
    "9" * 40,
    "½",
    "\x00",
)
_NAMES = (
    "QueueResult",
    "QueueTime",
    "RecordingSid",
    "RecordingStatus",
    "DialCallStatus",
    "CallStatus",
    "Digits",
    "X",
)
_VALUES = (
    "",
    "bridged",
    "-1",
    "9" * 30,
    "٣",
    "completed",
    "RE1",
    "🦜" * 50,
    "<Say>",
    "../..",
    "leave",
)


def quick(code: str, pepper: bytes) -> ReplyKeys:
    """A receipt's keys without the half second of Argon2id that a busy machine takes for them."""
    root = hashlib.sha256(pepper + code.encode()).digest()
    return ReplyKeys(derive(root, "lookup"), derive(root, "reply"))


def test_ten_thousand_random_steps_meet_no_dead_end(
    line: PublicLine, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "stretch", quick)
    app = public_app(line)
    app.extensions["exchange"].closer.stop()
    walker = Walker(random.Random(20), line, clock, app.test_client())
    ended: Counter[str] = Counter()
    asked: Counter[bytes] = Counter()
    walker.dial()
    longest = steps = 0
    while walker.posted < STEPS:
        steps += 1
        before = walker.answer
        asked.update(re.findall(rb"/voice/(choice-\d)-", before))
        if how := walker.step():
            if how == "goodbye":
                how = _farewell(walker, before)
            ended[how] += 1
            longest, steps = max(longest, steps), 0
            walker.dial()
            if sum(ended.values()) % 50 == 0:
                clock.advance(21 * 60)
                app.extensions["exchange"].closer.run_once()
    assert set(ended) <= {"receipt", "transfer", "goodbye", "hung up"}, ended
    assert ended["receipt"] > 100, ended
    assert ended["transfer"] > 5, ended
    assert min(asked[b"choice-1"], asked[b"choice-2"]) > 20, asked
    assert longest < 120


def _farewell(walker: Walker, last: bytes) -> str:
    """How a call that the line ended had ended for the caller."""
    root = ElementTree.fromstring(last)
    spoken = [node.text or "" for node in root.iter("Say")]
    polite = {speaking.SPOKEN[Prompt.GOODBYE].say(x) for x in Language}
    busy = {speaking.SPOKEN[Prompt.BUSY].say(x) for x in Language}
    assert set(spoken) & (polite | busy), spoken
    if walker.bridged:
        return "transfer"
    exchange = walker.client.application.extensions["exchange"]  # type: ignore[attr-defined]
    session = exchange.sessions.get(exchange.sessions.key("call", walker.sid))
    return "receipt" if session is not None and session.thread is not None else "goodbye"
