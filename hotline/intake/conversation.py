"""Conversation: one table for all channels: state and event give next state, words and effects.

Pure: it knows neither channel nor provider. Whoever holds a conversation keeps a ``Standing``,
asks ``step`` what an event does, says the prompts and performs the effects. Every question may be
skipped; what does not lead on is borne a few times, then taken as "I don't know", so that every
conversation ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from hotline.intake.prompts import Prompt
from hotline.tips import Question


class State(StrEnum):
    """What the line is waiting for. ``stopped`` is the end."""

    START = "start"
    NOW = "now"
    WHAT = "what"
    WHERE = "where"
    WHEN = "when"
    WHO = "who"
    DETAIL_1 = "detail-1"  # what only reports of some types are asked (details.py)
    DETAIL_2 = "detail-2"
    DETAIL_3 = "detail-3"
    MORE = "more"
    DONE = "done"  # all was asked; a short while longer, what comes is added
    RECEIPT = "receipt"  # somebody came back with a receipt; what comes is added to its tip
    LANGUAGE = "language"
    DANGER = "danger"
    TYPE = "type"
    PLACE = "place"
    CHOICE_1 = "choice-1"  # as detail-1, where a key can answer (choices.py)
    CHOICE_2 = "choice-2"
    RECORD = "record"
    SPEAK = "speak"
    QUEUE = "queue"  # waiting for an operator, or speaking with one
    TOLD = "told"  # the receipt is being spoken
    STOPPED = "stopped"


class Event(StrEnum):
    """What came in. ``timeout``: nothing came until the session's time ran out."""

    RING = "ring"
    ANSWER = "answer"
    DANGER = "danger"  # an answer that says: it is happening now
    SKIP = "skip"
    EMPTY = "empty"
    INVALID = "invalid"
    HELP = "help"
    REPEAT = "repeat"
    RECEIPT = "receipt"
    OPERATOR = "operator"  # a caller wants to speak with a person
    PIN = "pin"  # a position on the map, kept by nobody yet
    PLACED = "placed"  # yes, the position sent before is where it happened
    UNPLACED = "unplaced"
    FILES = "files"  # files without words that could answer
    STOP = "stop"
    TIMEOUT = "timeout"


class Effect(StrEnum):
    OPEN = "open"  # the first words become a tip
    ADD = "add"
    APPEND = "append"  # to the tip of a receipt
    RECORDING = "recording"  # have the worker fetch what was spoken
    DISCARD = "discard"  # have the provider forget what was spoken
    CONCLUDE = "conclude"


@dataclass(frozen=True, slots=True)
class Move:
    """One edge: where it leads, what is said in order, what is done in order."""

    to: State
    says: tuple[Prompt, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation stands, and how often it has not got on from there. ``waited``: for an
    operator, once a call."""

    state: State = State.START
    tries: int = 0
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the conversation. ``question`` is None for "is it happening now?", whose
    answer is the urgency."""

    state: State
    question: Question | None
    prompt: Prompt


QUESTIONS: tuple[Asked, ...] = tuple(
    Asked(State(prompt.value), question, prompt)
    for prompt, question in (
        (Prompt.NOW, None),
        (Prompt.WHAT, Question.WHAT),
        (Prompt.WHERE, Question.WHERE),
        (Prompt.WHEN, Question.WHEN),
        (Prompt.WHO, Question.WHO),
        (Prompt.MORE, Question.MORE),
    )
)
REQUIRED = frozenset({Event.EMPTY, Event.INVALID, Event.TIMEOUT, Event.STOP, Event.HELP})
DETAILS = (State.DETAIL_1, State.DETAIL_2, State.DETAIL_3)
CHOICES = (State.CHOICE_1, State.CHOICE_2)
TELLING = (State.NOW, State.WHERE, State.WHEN, State.WHO, *DETAILS, State.MORE)
KEYS = (
    State.LANGUAGE,
    State.DANGER,
    State.TYPE,
    State.PLACE,
    *CHOICES,
    State.RECORD,
    State.SPEAK,
    State.QUEUE,
    State.TOLD,
)
# Whoever does not answer what only some are asked by telephone is asked it once more, not twice.
_PATIENCE = {State.DONE: 20, State.RECEIPT: 20, State.TOLD: 4, **dict.fromkeys(CHOICES, 2)}
_USUAL_PATIENCE = 3

Table = Mapping[tuple[State, Event], Move]


def patience(state: State) -> int:
    """How many events in a row may leave a conversation in ``state``."""
    return _PATIENCE.get(state, _USUAL_PATIENCE)


def _waits(
    state: State, ask: Prompt, skip: Move, *, leave: tuple[Effect, ...] = (), bye: bool = True
) -> dict[tuple[State, Event], Move]:
    """The edges every waiting state has. ``leave``: what leaving by stop or time-out does."""
    return {
        (state, Event.SKIP): skip,
        (state, Event.EMPTY): Move(state, (Prompt.NOTHING, ask)),
        (state, Event.INVALID): Move(state, (Prompt.UNREADABLE, ask)),
        (state, Event.HELP): Move(state, (Prompt.HELP, ask)),
        (state, Event.REPEAT): Move(state, (ask,)),
        (state, Event.STOP): Move(State.STOPPED, (Prompt.GOODBYE,) if bye else (), leave),
        (state, Event.TIMEOUT): Move(State.STOPPED, (), leave),
    }


def _written() -> dict[tuple[State, Event], Move]:
    """The questions in words: SMS, WhatsApp and the web form."""
    conclude, bye = (Effect.CONCLUDE,), Move(State.STOPPED, (Prompt.GOODBYE,))
    opened = Move(State.NOW, (Prompt.RECEIVED, Prompt.NOW), (Effect.OPEN,))
    came_back = Move(State.RECEIPT, (Prompt.ADD_TO_IT,), (Effect.APPEND,))
    table = {
        edge: Move(State.WHAT, move.says) if move.to is State.START else move
        for edge, move in _waits(State.START, Prompt.WHAT, Move(State.WHAT, (Prompt.WHAT,))).items()
    }
    table |= _waits(State.WHAT, Prompt.WHAT, bye)
    seen = Move(State.NOW, (Prompt.FILES, *opened.says), opened.effects)
    for state in (State.START, State.WHAT):
        table |= {(state, Event.ANSWER): opened, (state, Event.RECEIPT): came_back}
        table[state, Event.FILES] = seen
    for state, after in zip(TELLING, (*TELLING[1:], State.DONE), strict=True):
        ask = Prompt(state.value)
        last = after is State.DONE
        then = (Prompt.FINISHED if last else Prompt(after.value),)
        end = conclude if last else ()
        table |= _waits(state, ask, Move(after, then, end), leave=conclude)
        table[state, Event.ANSWER] = Move(after, then, (Effect.ADD, *end))
        table[state, Event.RECEIPT] = Move(state, (Prompt.ADDED, ask), (Effect.APPEND,))
        table[state, Event.FILES] = Move(state, (Prompt.FILES, ask), (Effect.ADD,))
        # Whatever was asked stays asked; only to "where?" a position is the answer.
        at = Move(state, (Prompt.ADDED, ask), (Effect.ADD,))
        table |= _offered(state, ask, table[state, Event.ANSWER] if state is State.WHERE else at)
    table[State.NOW, Event.DANGER] = Move(
        State.WHERE, (Prompt.EMERGENCY, Prompt.WHERE), (Effect.ADD,)
    )
    table |= _offered(State.WHAT, Prompt.WHAT, opened)
    table[State.START, Event.PIN] = Move(State.WHAT, (Prompt.PIN_OFFERED,))
    table |= _waits(State.DONE, Prompt.FINISHED, bye, leave=conclude)
    table[State.DONE, Event.ANSWER] = Move(State.DONE, (Prompt.ADDED,), (Effect.ADD, *conclude))
    table[State.DONE, Event.FILES] = Move(State.DONE, (Prompt.FILES,), (Effect.ADD, *conclude))
    table[State.DONE, Event.RECEIPT] = Move(State.DONE, (Prompt.ADDED,), (Effect.APPEND,))
    table |= _offered(State.DONE, Prompt.FINISHED, table[State.DONE, Event.ANSWER])
    table |= _waits(State.RECEIPT, Prompt.ADD_TO_IT, bye)
    table[State.RECEIPT, Event.ANSWER] = Move(State.RECEIPT, (Prompt.ADDED,), (Effect.APPEND,))
    table[State.RECEIPT, Event.FILES] = Move(State.RECEIPT, (Prompt.FILES,), (Effect.APPEND,))
    table[State.RECEIPT, Event.RECEIPT] = came_back
    table |= _offered(State.RECEIPT, Prompt.ADD_TO_IT, table[State.RECEIPT, Event.ANSWER])
    return table


def _offered(state: State, ask: Prompt, placed: Move) -> dict[tuple[State, Event], Move]:
    """A position may be its sender's own: it is kept only by the yes that comes next."""
    return {
        (state, Event.PIN): Move(state, (Prompt.PIN_OFFERED,)),
        (state, Event.PLACED): placed,
        (state, Event.UNPLACED): Move(state, (Prompt.PIN_FORGOTTEN, ask)),
    }


def _keyed() -> dict[tuple[State, Event], Move]:
    """The questions by keys: the phone. Hanging up is its stop; nobody hears a goodbye then."""
    conclude, discard = (Effect.CONCLUDE,), (Effect.DISCARD,)
    to_danger = Move(State.DANGER, (Prompt.EMERGENCY, Prompt.DANGER))
    to_type = Move(State.TYPE, (Prompt.TYPE,))
    to_place = Move(State.PLACE, (Prompt.PLACE,), (Effect.OPEN,))
    to_choice = Move(State.CHOICE_1, (Prompt.CHOICE_1,))
    told = Move(State.TOLD, (Prompt.RECEIPT,), conclude)
    end = Move(State.STOPPED, (Prompt.GOODBYE,))
    thrown = Move(State.TOLD, (Prompt.RECEIPT,), (*discard, *conclude))
    table = _waits(State.LANGUAGE, Prompt.LANGUAGE, to_danger, bye=False)
    table |= _waits(State.DANGER, Prompt.DANGER, to_type, bye=False)
    table |= _waits(State.TYPE, Prompt.TYPE, to_place, bye=False)
    table |= _waits(State.PLACE, Prompt.PLACE, to_choice, leave=conclude, bye=False)
    for state, after in zip(CHOICES, (*CHOICES[1:], State.RECORD), strict=True):
        onward = Move(after, (Prompt(after.value),))
        table |= _waits(state, Prompt(state.value), onward, leave=conclude, bye=False)
        table[state, Event.ANSWER] = replace(onward, effects=(Effect.ADD,))
    table |= _waits(State.RECORD, Prompt.RECORD, told, leave=conclude, bye=False)
    # What was spoken before hanging up counts; what was spoken before any other key does not.
    kept = (Effect.RECORDING, *conclude)
    table |= _waits(State.SPEAK, Prompt.SPEAK, thrown, leave=kept, bye=False)
    table |= _waits(State.TOLD, Prompt.RECEIPT, end, leave=conclude, bye=False)
    table |= {
        (State.START, Event.RING): Move(State.LANGUAGE, (Prompt.LANGUAGE,)),
        (State.LANGUAGE, Event.ANSWER): to_danger,
        (State.DANGER, Event.ANSWER): to_type,
        (State.DANGER, Event.DANGER): Move(State.TYPE, (Prompt.EMERGENCY, Prompt.TYPE)),
        (State.TYPE, Event.ANSWER): to_place,
        (State.PLACE, Event.ANSWER): replace(to_choice, effects=(Effect.ADD,)),
        (State.RECORD, Event.ANSWER): Move(State.SPEAK, (Prompt.SPEAK,)),
        (State.SPEAK, Event.ANSWER): Move(State.TOLD, (Prompt.RECEIPT,), kept),
        (State.TOLD, Event.ANSWER): end,
        (State.TOLD, Event.EMPTY): Move(State.TOLD, (Prompt.RECEIPT,)),
    }
    # Nothing is told yet: what an operator hears, they write down. The way back is the menu.
    table |= _waits(State.QUEUE, Prompt.QUEUE, to_type, bye=False)
    table |= {
        (State.TYPE, Event.OPERATOR): Move(State.QUEUE, (Prompt.EMERGENCY, Prompt.QUEUE)),
        (State.QUEUE, Event.ANSWER): end,
        (State.QUEUE, Event.INVALID): Move(State.TYPE, (Prompt.NOBODY, Prompt.TYPE)),
    }
    for event in (Event.INVALID, Event.HELP, Event.REPEAT):
        table[State.SPEAK, event] = Move(State.SPEAK, table[State.SPEAK, event].says, discard)
    return table


TABLE: Table = MappingProxyType(_written() | _keyed())


def step(
    standing: Standing, event: Event, unasked: Set[State] = frozenset()
) -> tuple[Standing, Move]:
    """What ``event`` does. An event the state does not know is an invalid one; staying in one
    state more often than ``patience`` allows counts as skipping, and nothing said is lost.
    A question of ``unasked`` is passed over as if it had been skipped."""
    standing, move = _step(standing, event)
    while move.to in unasked:
        skip = TABLE[move.to, Event.SKIP]
        said = (prompt for prompt in move.says if prompt.value != move.to.value)
        done = (effect for effect in skip.effects if effect not in move.effects)
        move = Move(skip.to, (*said, *skip.says), (*move.effects, *done))
        standing = replace(standing, state=move.to, tries=0)
    return standing, move


def _step(standing: Standing, event: Event) -> tuple[Standing, Move]:
    state = standing.state
    if state is State.STOPPED:
        return standing, Move(State.STOPPED)
    if event is Event.OPERATOR and standing.waited:
        event = Event.INVALID  # else a call could go round for ever
    waited = standing.waited or event is Event.OPERATOR
    move = TABLE.get((state, event)) or TABLE[state, Event.INVALID]
    if move.to is not state:
        return Standing(move.to, waited=waited), move
    if standing.tries + 1 < patience(state):
        return Standing(state, standing.tries + 1, standing.waited), move
    skip = TABLE[state, Event.SKIP]
    effects = (*move.effects, *(e for e in skip.effects if e not in move.effects))
    return Standing(skip.to, waited=waited), Move(skip.to, skip.says, effects)


def edges(channel: str) -> frozenset[tuple[State, Event]]:
    """The edges a channel walks: ``sms`` and ``call`` together are the whole table; ``web`` shows
    the questions as pages, whose reader may leave by closing them."""
    if channel == "web":
        asked = {*(a.state for a in QUESTIONS), *DETAILS}
        shown = {Event.ANSWER, Event.SKIP, Event.EMPTY, Event.INVALID, Event.DANGER}
        return frozenset(edge for edge in TABLE if edge[0] in asked and edge[1] in shown)
    keyed = frozenset(e for e in TABLE if e[0] in KEYS or e[1] is Event.RING)
    if channel == "call":
        return keyed
    if channel == "sms":
        return frozenset(TABLE) - keyed
    raise ValueError(channel)


def all_edges() -> Iterator[tuple[State, Event, Move]]:
    """The whole table."""
    for (state, event), move in TABLE.items():
        yield state, event, move
