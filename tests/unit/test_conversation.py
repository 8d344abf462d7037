"""The conversation: every state reachable, every way out present, and it always ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.intake.conversation import (
    CHOICES,
    DETAILS,
    QUESTIONS,
    REQUIRED,
    TABLE,
    Effect,
    Event,
    Standing,
    State,
    all_edges,
    edges,
    patience,
    step,
)
from hotline.intake.prompts import MENUS, SPOKEN, TEXT, Prompt, segments
from hotline.intake.words import GREETINGS, HELP, REPEAT, SKIP, STOP, URGENCIES, folded
from hotline.simulate.walk import way_to
from hotline.tips import Question

WAITING = [state for state in State if state is not State.STOPPED]
LONGEST = sum(patience(state) for state in WAITING)


@pytest.mark.parametrize("channel", ["sms", "call"])
def test_every_state_of_a_channel_is_reached_along_its_own_edges(channel: str) -> None:
    for state in {state for state, _ in edges(channel)}:
        at = State.START
        for event in way_to(state, channel):
            at = TABLE[at, event].to
        assert at is state


@pytest.mark.parametrize("state", WAITING)
def test_every_state_has_empty_invalid_timeout_stop_and_help_edges(state: State) -> None:
    assert {event for at, event in TABLE if at is state} >= REQUIRED


def test_sms_and_call_together_are_the_whole_table_and_web_is_part_of_it() -> None:
    assert edges("sms") | edges("call") == set(TABLE)
    assert not edges("sms") & edges("call")
    assert edges("web") < set(TABLE)
    assert {state for state, _ in edges("web")} == {*(a.state for a in QUESTIONS), *DETAILS}
    with pytest.raises(ValueError, match="fax"):
        edges("fax")


def test_questions_are_asked_in_the_order_of_the_trade() -> None:
    asked = [asked.question for asked in QUESTIONS]
    assert asked == [None, *Question]


@given(st.lists(st.sampled_from(list(Event)), max_size=2 * LONGEST))
def test_a_conversation_ends_within_a_bounded_number_of_messages(events: list[Event]) -> None:
    standing, taken = Standing(), 0
    for event in events:
        standing, move = step(standing, event)
        assert move.to is standing.state
        taken += standing.state is not State.STOPPED
    assert taken <= LONGEST


@pytest.mark.parametrize("state", WAITING)
def test_the_same_message_again_and_again_leads_on(state: State) -> None:
    for event in Event:
        standing = Standing(state)
        for _ in range(LONGEST):
            standing, _ = step(standing, event)
        assert standing.state is State.STOPPED, event


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_what_was_opened_is_always_concluded(events: list[Event]) -> None:
    """Every way to the end concludes the tip at or after its last addition."""
    standing, due = Standing(), False
    for event in [*events, Event.STOP]:
        standing, move = step(standing, event)
        for effect in move.effects:
            if effect in (Effect.OPEN, Effect.ADD):
                due = True
            elif effect is Effect.CONCLUDE:
                due = False
    assert standing.state is State.STOPPED
    assert not due


QUESTION_STATES = [*DETAILS, *CHOICES, State.PLACE]


@given(
    st.lists(st.sampled_from(list(Event)), max_size=60),
    st.sets(st.sampled_from(QUESTION_STATES)),
)
def test_what_is_not_asked_is_passed_over_and_nothing_is_lost(
    events: list[Event], unasked: set[State]
) -> None:
    """Whichever questions a report's types leave out: none is asked, the end is reached, and what
    was opened is concluded."""
    standing, due = Standing(), False
    for event in [*events, Event.STOP]:
        standing, move = step(standing, event, unasked)
        assert standing.state not in unasked
        assert not {prompt.value for prompt in move.says} & {state.value for state in unasked}
        due = (due or bool({Effect.OPEN, Effect.ADD} & {*move.effects})) and (
            Effect.CONCLUDE not in move.effects
        )
    assert standing.state is State.STOPPED
    assert not due


def test_without_questions_of_its_type_a_report_goes_from_who_to_more() -> None:
    standing, move = step(Standing(State.WHO), Event.ANSWER, frozenset(DETAILS))
    assert standing.state is State.MORE
    assert (move.says, move.effects) == ((Prompt.MORE,), (Effect.ADD,))


def test_without_questions_for_keys_a_caller_goes_from_the_place_to_the_recording() -> None:
    for event, effects in ((Event.ANSWER, (Effect.ADD,)), (Event.SKIP, ())):
        standing, move = step(Standing(State.PLACE), event, frozenset(CHOICES))
        assert standing.state is State.RECORD
        assert (move.says, move.effects) == ((Prompt.RECORD,), effects)


def test_an_optional_question_is_heard_twice_at_most_and_the_way_to_the_receipt_stays() -> None:
    for nth, state in enumerate(CHOICES):
        standing, said = Standing(state), 1
        while standing.state is state:
            standing, move = step(standing, Event.EMPTY)
            said += Prompt(state.value) in move.says
        assert said == 2
        assert standing.state is (*CHOICES, State.RECORD)[nth + 1]


def test_a_position_is_kept_by_the_yes_after_it_and_by_nothing_else() -> None:
    for state, event, move in all_edges():
        if event in (Event.PIN, Event.UNPLACED):
            assert not move.effects, state
        if event is Event.PLACED:
            assert {Effect.OPEN, Effect.ADD, Effect.APPEND} & {*move.effects}, state
            assert (state, Event.PIN) in TABLE


def test_patience_that_ends_loses_nothing_said() -> None:
    """The answer that uses up the patience is still added."""
    standing = Standing(State.DONE, patience(State.DONE) - 1)
    standing, move = step(standing, Event.ANSWER)
    assert standing.state is State.STOPPED
    assert Effect.ADD in move.effects
    assert Effect.CONCLUDE in move.effects


def test_a_caller_who_only_waits_still_leaves_a_tip() -> None:
    standing, effects = Standing(State.TYPE), []
    for _ in range(patience(State.TYPE)):
        standing, move = step(standing, Event.EMPTY)
        effects += move.effects
    assert standing.state is State.PLACE
    assert effects == [Effect.OPEN]


def test_an_event_a_state_does_not_know_is_an_invalid_answer() -> None:
    assert step(Standing(State.WHEN), Event.RING)[1] == TABLE[State.WHEN, Event.INVALID]


def test_danger_is_answered_with_the_emergency_number_first() -> None:
    for state in (State.NOW, State.DANGER):
        assert TABLE[state, Event.DANGER].says[0] is Prompt.EMERGENCY


def test_every_prompt_the_table_names_has_words_on_the_channel_that_says_it() -> None:
    for state, event, move in all_edges():
        for prompt in move.says:
            if prompt.value in {*DETAILS, *CHOICES}:
                continue  # its words are data, proved in test_asking.py and test_choices.py
            known = TEXT if (state, event) in edges("sms") else {**SPOKEN, **MENUS}
            assert prompt in known, (state, event, prompt)


def test_every_sms_sentence_fits_one_segment_with_its_values() -> None:
    for prompt, sentence in TEXT.items():
        text = sentence.message.format(receipt="1234 5678 9012 3456 7890", number="0300-253-1177")
        assert segments(text) == 1, prompt
        assert sentence.context == "sms"


def test_the_first_answer_is_one_segment() -> None:
    said = [TEXT[p].message for p in (Prompt.RECEIVED, Prompt.NOW)]
    assert segments("\n".join(said).format(receipt="1234 5678 9012 3456 7890")) == 1


def test_spoken_sentences_are_short_and_say_the_key_last() -> None:
    sentences = [*SPOKEN.values(), *(s for menu in MENUS.values() for _, _, s in menu)]
    for sentence in sentences:
        assert len(sentence.message.split()) <= 20, sentence
        assert (
            "{key}" not in sentence.message
            or sentence.message.find("{key}") > len(sentence.message) * 0.5
        )
    for menu in MENUS.values():
        assert len({key for key, _, _ in menu}) == len(menu)


# Outcomes of the provider's own counter, npm sms-segments-calculator 1.3.0.
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("ã" * 70, 1),
        ("ã" * 71, 2),
        ("ã" * 1600, 24),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),
        ("Denúncia recebida.", 1),
    ],
)
def test_segments_are_counted_as_the_provider_does(text: str, count: int) -> None:
    assert segments(text) == count


def test_short_words_are_found_however_they_are_typed() -> None:
    assert folded(" NÃO  sei!! ") in SKIP
    assert folded("I don't know") in SKIP
    assert folded("I don’t know.") in SKIP
    assert folded("Arrêt") in STOP
    assert folded("Ajuda?") in HELP
    assert folded("Sí") in URGENCIES


def test_no_short_word_means_two_things() -> None:
    sets = [STOP, HELP, REPEAT, SKIP, GREETINGS, frozenset(URGENCIES)]
    for at, one in enumerate(sets):
        assert all(word == folded(word) for word in one), [w for w in one if w != folded(w)]
        for other in sets[at + 1 :]:
            assert not one & other
