"""Questions for some types: sound data, few and careful questions, answers that mean one thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hotline.intake import details
from hotline.intake.merge import merge, strip_contact
from hotline.intake.words import folded
from hotline.routing.asking import (
    MOST,
    NO,
    YES,
    Detail,
    Kind,
    QuestionProblem,
    evident,
    find,
    load,
    questions_for,
    table,
    tags_of,
)
from hotline.routing.classify import Types, type_groups
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.route import Router
from hotline.tips import Act, Channel, ClassifiedTip, Contact, Language, Priority, Question

PT = Language.PT
# Words for migration status, and for who the reporter is, in five languages.
NEVER = re.compile(
    r"migra|imigra|immigra|visa\b|visto|visado|passaport|pasaporte|passeport|paspò|papeles|papéis|"
    r"sans.papiers|undocumented|indocument|residen|nationality|nacionalidad|nationalité|nasyonalite|"
    r"deport|seu nome|su nombre|your name|votre nom|non ou\b|quem é você|who are you|telefone",
    re.IGNORECASE,
)


def asked(*codes: str) -> list[str]:
    return [detail.id for detail in questions_for(codes)]


def test_the_shipped_table_is_sound_and_every_question_fits_one_message() -> None:
    assert len(details.check()) > 10


@pytest.mark.parametrize("code", type_groups())
def test_a_report_is_asked_at_most_three_questions_whatever_it_is_about(code: str) -> None:
    assert len(asked(code)) <= MOST == 3


def test_every_group_of_the_trade_that_needs_more_is_asked_it() -> None:
    assert asked("GBV-01") == asked("GBV-06") == ["gbv-safe", "gbv-danger"]
    assert asked("CHD-04") == ["child-near", "child-found"]
    assert asked("TIP-02") == ["people-leave", "people-held", "people-moved"]
    for code in ("ORG-01", "PRP-01", "ENV-03", "VUL-01"):
        assert len(asked(code)) == 2, code
    assert asked("INT-01") == asked("PUB-99") == asked("NO-99") == []


def test_several_types_share_the_three_in_the_order_of_the_table() -> None:
    assert asked("ORG-01", "GBV-01") == asked("GBV-01", "ORG-01")
    assert asked("ORG-01", "GBV-01") == ["gbv-safe", "gbv-danger", "drugs-how"]


def test_a_hint_is_no_reason_to_ask() -> None:
    acts = (Act("ORG-01", 0.4), Act("GBV-01", 0.45), Act("ENV-01", 0.7))
    assert evident(acts) == ("ORG-01", "ENV-01")
    assert evident((Act("PUB-99", 0.0),)) == ()


def test_danger_is_asked_of_violence_at_home_after_asking_whether_it_is_safe() -> None:
    safe, danger = questions_for(["GBV-01"])
    assert safe.gate
    assert safe.danger
    assert {o.id for o in danger.options} == {
        *("weapon", "threat", "choking", "separation", "worse", "children", "pregnancy")
    }
    assert "FONAR" in danger.source


def test_what_no_specialist_has_read_says_so() -> None:
    """Nobody has yet. Whoever does writes their name into the table and changes this test."""
    unread = {detail.id for detail in table().values() if detail.unreviewed}
    assert unread == {detail.id for detail in table().values() if detail.danger}
    assert unread >= {"gbv-safe", "gbv-danger"}


def test_nobody_is_asked_for_a_migration_status_or_who_reports() -> None:
    for detail in table().values():
        for language in Language:
            words = [detail.ask[language], *(o.words[language] for o in detail.options)]
            assert not [w for w in words if NEVER.search(w)], detail.id


def test_questions_are_short_and_plain_in_every_language() -> None:
    for detail in table().values():
        for language, ask in detail.ask.items():
            assert len(ask.split()) <= 16, (detail.id, language)
            assert ask.rstrip().endswith("?")
    # A child may be reading: not one word of what was done.
    for detail in questions_for(["CHD-01"]):
        text = " ".join(detail.ask.values())
        assert not re.search(r"abus|sex|viol|estupr|kadejak|touch|toca", text, re.IGNORECASE)


def heard(identity: str, text: str) -> tuple[tuple[str, ...], str] | None:
    detail = find(identity)
    assert detail is not None
    return details.answer_in(detail, text, folded(text))


@pytest.mark.parametrize("text", ["1", "sim", "Sí", "yes", "oui", "wi", " SIM! "])
def test_yes_in_five_languages(text: str) -> None:
    assert heard("gbv-safe", text) == (("gbv-safe:yes",), "")


@pytest.mark.parametrize("text", ["2", "não", "no", "non", "Nao."])
def test_no_in_five_languages(text: str) -> None:
    assert heard("gbv-safe", text) == (("gbv-safe:no",), "")


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("1", "weapon"),
        ("136", "weapon choking children"),
        ("6, 1 e 3", "weapon choking children"),
        ("1 1 1", "weapon"),
        ("nenhuma", NO),
        ("2", "threat"),
    ],
)
def test_numbers_choose_options(text: str, ticks: str) -> None:
    wanted = tuple(f"gbv-danger:{tick}" for tick in ticks.split())
    assert heard("gbv-danger", text) == (wanted, "")


@pytest.mark.parametrize("text", ["8", "19", "0 1"])
def test_a_number_that_names_no_option_is_asked_again(text: str) -> None:
    assert heard("gbv-danger", text) is None


def test_words_are_kept_as_words_on_every_kind_of_question() -> None:
    assert heard("gbv-safe", "sim, mas rápido") == (("gbv-safe:yes",), "sim, mas rápido")
    assert heard("gbv-safe", "só depois das 8") == ((), "só depois das 8")
    assert heard("gbv-danger", "ele tem uma faca") == ((), "ele tem uma faca")
    assert heard("drugs-how", "1") == ((), "1")


def test_an_answer_says_nothing_by_the_words_of_its_question() -> None:
    """ "Threat to kill" in a question must not be found in the tip as a threat."""
    contact = Contact(
        channel=Channel.SMS, text="O marido bate nela", language=PT, ticked=("gbv-danger:threat",)
    )
    tip, _ = strip_contact(contact)
    assert tip.words == "O marido bate nela"
    assert tip.ticked == ("gbv-danger:threat",)
    assert not Types.load().classify(tip.words, PT).threats


def test_answers_join_the_tip_and_lose_what_points_to_the_reporter() -> None:
    tip, names = strip_contact(Contact(channel=Channel.SMS, text="Vendem drogas", language=PT))
    told = {"drugs-how": "de moto, meu nome é Jurandira Fagundes", "drugs-where": "na laje"}
    tip, _ = merge(tip, Contact(channel=Channel.SMS, details=told, language=PT), names)
    again = Contact(channel=Channel.SMS, details={"drugs-where": "no bar"}, ticked=("a:b",))
    tip, _ = merge(tip, again, ())
    assert tip.details["drugs-where"] == "na laje\nno bar"
    assert "Jurandira" not in tip.words
    assert "de moto" in tip.words
    assert tip.ticked == ("a:b",)


@pytest.fixture(scope="module", params=["br-rj", "br", "co"])
def router(request: pytest.FixtureRequest) -> Router:
    profile = Profile.load(request.param)
    return Router.load(profile, Types.load(), Places.load(profile.country))


def decided(router: Router, text: str, *ticked: str) -> tuple[Priority, list[str]]:
    tip, _ = strip_contact(
        Contact(channel=Channel.SMS, text=text, language=PT, ticked=ticked, crime_types=("GBV-02",))
    )
    found = router.types.classify(tip.words, PT, chosen=tip.crime_types)
    decision = router.decide(ClassifiedTip(tip, found, router.locate(tip)))
    return decision.priority, [f"{row.table}/{row.row}" for row in decision.rules]


def test_danger_that_was_told_is_read_sooner_by_a_rule_that_is_named(router: Router) -> None:
    calm = decided(router, "Ele controla o dinheiro dela")
    assert calm[0] is Priority.P2
    assert "priority/by-type" in calm[1]
    for tick in ("gbv-danger:weapon", "gbv-danger:choking"):
        priority, rules = decided(router, "Ele controla o dinheiro dela", tick)
        assert priority is Priority.P1
        assert "priority/danger-told" in rules


def test_answers_are_never_added_up(router: Router) -> None:
    everything = questions_for(["GBV-01"])[1]
    all_of_them = [everything.tick(option.id) for option in everything.options]
    one = decided(router, "Ele controla o dinheiro dela", all_of_them[0])
    assert decided(router, "Ele controla o dinheiro dela", *all_of_them) == one
    nothing = decided(router, "Ele controla o dinheiro dela", "gbv-danger:no", "gbv-safe:yes")
    assert nothing == decided(router, "Ele controla o dinheiro dela")


def test_only_options_of_the_table_give_tags() -> None:
    assert tags_of(["gbv-danger:weapon", "gbv-danger:threat"]) == ("danger_told",)
    assert tags_of(["gbv-danger:no", "gbv-safe:yes", "x:y", "gbv-danger", ""]) == ()


def test_staff_read_question_and_answer_in_their_language() -> None:
    said = details.shown(
        {"drugs-how": "de moto", "gone-question": "palavras"},
        ("gbv-danger:weapon", "gbv-danger:no", "gbv-safe:yes", "gone:thing"),
        Language.EN,
    )
    assert [(s.question, s.choices, s.words, s.unreviewed) for s in said[:3]] == [
        ("Is it safe to answer more now?", ("Yes",), "", True),
        ("Which of these are true?", ("a weapon", "None of these"), "", True),
        ("How do they sell or move it, and at what hours?", (), "de moto", False),
    ]
    assert {(s.question, s.choices, s.words) for s in said[3:]} == {
        ("gone-question", (), "palavras"),
        ("gone", ("thing",), ""),
    }


SOUND = """
[[question]]
id = "new-one"
for = ["ENV"]
kind = "words"
source = "Ours."
ask = { pt = "A?", es = "A?", en = "A?", fr = "A?", ht = "A?" }
"""
OPTIONS = "".join(
    f"""
[[question.option]]
id = "o{n}"
say = {{ pt = "a", es = "a", en = "a", fr = "a", ht = "a" }}
"""
    for n in range(10)
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"new-one"', '"New one"', "question 1: its id must be"),
        ('"new-one"', '"where"', "where: this id is one of the questions everybody is asked"),
        ('"ENV"', '"ENV", "NONE-1"', "new-one: no type or group is called NONE-1"),
        ('"words"', '"essay"', "new-one: 'essay' is not a valid Kind"),
        ('"words"', '"any_of"', "new-one: any_of takes 2 to 9 options"),
        (', ht = "A?"', "", "new-one: 'ht' is missing"),
        ('ht = "A?"', 'ht = " "', "new-one: it needs words in pt, es, en, fr and ht"),
        ('source = "Ours."', "", "new-one: 'source' is missing"),
        ('source = "Ours."', 'source = ""', "new-one: say in source where"),
        ('source = "Ours."', 'source = "x"\ngate = true', "new-one: only a question of yes or no"),
        ('source = "Ours."', 'source = "x"\nscore = 3', "new-one: there is no field score"),
        ("[[question]]", "[[question", "questions.toml: this is no table of questions"),
        ('"words"', '"words"' + "\nid = 3", "questions.toml: this is no table of questions"),
    ],
)
def test_a_mistake_in_the_table_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "questions.toml"
    file.write_text(SOUND, encoding="utf-8")
    assert list(load(file)) == ["new-one"]
    file.write_text(SOUND.replace(old, new), encoding="utf-8")
    with pytest.raises(QuestionProblem) as problem:
        load(file)
    assert said in problem.value.message


def test_mistakes_among_options_are_named(tmp_path: Path) -> None:
    file = tmp_path / "questions.toml"
    several = SOUND.replace('"words"', '"any_of"')
    two = OPTIONS[: OPTIONS.index('"o2"')].rpartition("[[")[0]
    file.write_text(several + two, encoding="utf-8")
    assert load(file)["new-one"].kind is Kind.ANY_OF
    for text, said in (
        (several + OPTIONS, "2 to 9 options"),
        (SOUND + two, "the other kinds none"),
        (several + two.replace('"o1"', '"o0"'), "two options have one id"),
        (several + two.replace('"o1"', f'"{YES}"'), "or one is called yes or no"),
        (several + two + 'tag = "nothing"', "no tag of the rules is called nothing"),
        (SOUND + SOUND, "this id is used twice"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(QuestionProblem, match=said):
            load(file)


def test_a_question_longer_than_a_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Detail(
        id="long-one",
        types=frozenset({"ENV-01"}),
        kind=Kind.WORDS,
        ask=dict.fromkeys(Language, "a" * 160),
        source="Ours.",
    )
    monkeypatch.setattr(details, "table", lambda: {"long-one": long})
    with pytest.raises(QuestionProblem, match="longer than one text message"):
        details.check()


def test_letters_that_make_a_message_dear_lose_their_accents() -> None:
    assert details.plain("Está à mão, ¿no? L’été ç") == "Esta à mao, ¿no? L'été c"


def test_the_core_questions_stay_what_they_are() -> None:
    assert not {str(question) for question in Question} & set(table())
