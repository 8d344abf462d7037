"""Stripping: what identifies the reporter goes, what identifies the crime stays.

The development and indirect parts of the labelled tips are what the rules were written with: the
floors below guard against loss, they do not forecast. scripts/evaluate_stripping.py measures the
test part.
"""

from __future__ import annotations

import json
import pickle
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.intake.stripping import describe, engine, lists, look, strip, warm
from hotline.intake.stripping.grammar import grammar, replacements
from hotline.tips import Language
from scripts.build_names import folded, places
from tests.stripping import compared
from tests.stripping.labelled import STRUCTURED, Outcome, tips

OWN = "+5521987654321"
FLOORS = {"removed": 0.86, "structured": 0.92, "kept": 0.98}


INDIRECT = {"removed": 0.64, "kept": 0.955}


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm()


@pytest.fixture(scope="module")
def outcomes(_warm: None) -> list[Outcome]:
    engine = compared.hotline()
    return [Outcome(tip, *_frozen(engine(tip.text, ""))) for tip in tips("development")]


def _frozen(result: tuple[set[int], bool]) -> tuple[frozenset[int], bool]:
    return frozenset(result[0]), result[1]


def share(outcomes: list[Outcome], role: str, kinds: frozenset[str] = frozenset()) -> float:
    """The share of the reporter's spans removed, or of details kept."""
    right = [
        o.removed(label) if role == "r" else o.kept(label)
        for o in outcomes
        for label in o.of(role)
        if not kinds or label.kind in kinds
    ]
    return sum(right) / len(right)


def test_the_labelled_tips_are_many_and_speak_five_languages() -> None:
    developed, measured = tips("development") + tips("indirect"), tips("test")
    assert len(developed) + len(measured) >= 800
    assert len(measured) >= 300
    assert sum(label.role == "r" for tip in measured for label in tip.labels) >= 600
    for part in (developed, measured):
        assert {tip.language for tip in part} == {str(x.value) for x in Language}
        assert len({tip.id for tip in part}) == len(part)
    assert not {tip.text for tip in developed} & {tip.text for tip in measured}


def test_what_points_to_the_reporter_goes(outcomes: list[Outcome]) -> None:
    assert share(outcomes, "r") >= FLOORS["removed"]


def test_the_reporters_numbers_and_addresses_never_stay_in_the_clear(
    outcomes: list[Outcome],
) -> None:
    assert share(outcomes, "r", STRUCTURED) >= FLOORS["structured"]


def test_what_describes_the_crime_stays(outcomes: list[Outcome]) -> None:
    assert share(outcomes, "k") >= FLOORS["kept"]


def test_who_is_told_by_circumstances_is_mostly_taken_out() -> None:
    engine = compared.hotline()
    indirect = [Outcome(t, *_frozen(engine(t.text, ""))) for t in tips("indirect")]
    assert share(indirect, "r") >= INDIRECT["removed"]
    assert share(indirect, "k") >= INDIRECT["kept"]


def test_plain_tips_are_stripped_nearly_without_fault() -> None:
    engine = compared.hotline()
    plain = [Outcome(t, *_frozen(engine(t.text, ""))) for t in tips("development", ["a"])]
    assert share(plain, "r") >= 0.97
    assert share(plain, "r", STRUCTURED) >= 0.99
    assert share(plain, "k") >= 0.98
    # Whole spans, and without counting what is only masked as doubtful.
    whole = [
        {i for i in range(label.start, label.end) if o.tip.text[i].isalnum()}
        <= _removed(o.tip.text)
        for o in plain
        for label in o.of("r")
    ]
    assert sum(whole) / len(whole) >= 0.95


def _removed(text: str) -> set[int]:
    return {i for span in strip(text).removed for i in range(span.start, span.end)}


def test_few_tips_are_held(outcomes: list[Outcome]) -> None:
    assert sum(outcome.held for outcome in outcomes) / len(outcomes) <= 0.3


def test_the_language_is_told() -> None:
    labelled = tips("development", ["a"])
    right = sum(strip(tip.text).language == tip.language for tip in labelled)
    assert right / len(labelled) >= 0.97


@pytest.mark.parametrize(
    "written",
    [
        "21987654321",
        "+55 21 98765-4321",
        "(21) 98765 4321",
        "8765-4321",
        "2 1 9 8 7 6 5 4 3 2 1",
        "021.98765.4321",
        "2198765\u200b4321",
        "２１９８７６５４３２１",
        "2l987654321",
        "dois um nove oito sete meia cinco quatro três dois um",
    ],
)
def test_the_channels_own_number_goes_in_any_writing(written: str) -> None:
    text = f"O traficante usa o numero {written} e fica na esquina."
    stripped = strip(text, Language.PT, identity=(OWN,))
    assert (
        stripped.text == "O traficante usa o numero [telefone de quem denuncia] e fica na esquina."
    )
    assert [span.kind for span in stripped.removed] == ["phone"]


def test_the_profile_name_goes_but_a_suspect_of_another_surname_stays() -> None:
    stripped = strip(
        "joão pereira aqui. João Matos roubou a loja",
        Language.PT,
        identity=("João Pereira", OWN),
    )
    assert "pereira" not in stripped.text
    assert "João Matos" in stripped.text


def test_names_of_one_text_go_from_the_next_of_the_session() -> None:
    first = strip("Me chamo Fernanda Lima e vi o crime", Language.PT)
    assert first.names
    later = strip("é a Fernanda Lima de novo: o carro era preto", Language.PT, names=first.names)
    assert "Fernanda" not in later.text
    assert "carro era preto" in later.text


def test_a_number_nobody_claims_is_doubtful_sealed_and_held() -> None:
    stripped = strip("telefone 21 3344-5566", Language.PT)
    assert stripped.text == "telefone [telefone a conferir 1]"
    assert [(d.token, d.kind, d.text) for d in stripped.doubts] == [
        ("[telefone a conferir 1]", "phone", "21 3344-5566")
    ]
    assert stripped.held
    assert stripped.removed == ()


def test_an_answer_about_others_is_evidence_but_never_the_reporters_own() -> None:
    answer = "Marcos Tavares, tel 21 98888-7777"
    assert strip(answer, Language.PT, about_others=True).text == answer
    assert "98888-7777" not in strip(answer, Language.PT).text
    own = strip("o Marcos, e meu telefone é 21 97777-1234", Language.PT, about_others=True)
    assert "97777-1234" not in own.text
    assert "Marcos" in own.text


def test_clauses_in_which_reporters_tell_of_themselves_go_and_the_crime_stays() -> None:
    for text, stays in (
        ("Sou a única enfermeira do posto. O doutor Paulo vende atestado.", "Paulo vende atestado"),
        ("I do nights on the kill floor. Rick sells meth at the dock.", "Rick sells meth"),
        ("Soy la que limpia la casa. El Turco guarda armas en el sótano.", "Turco guarda armas"),
        ("Je fais la plonge au Ti Sable. Fabrice vend de la coke.", "Fabrice vend de la coke"),
        ("Se mwen ki netwaye lopital Jistinyen. Bòs Kéké ap vann zam.", "ap vann zam"),
    ):
        stripped = strip(text)
        first = text.partition(".")[0].split()[-1]
        assert first not in stripped.text, text
        assert stays in stripped.text, text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.PT, "Ele guarda fuzil na laje. Jaraguá do Sul."),
        (Language.PT, "Vendem pó no bar do Zeca toda noite. Complexo da Maré"),
        (Language.ES, "El Chueco tira desde la moto toda la noche. Barrio Simón Bolívar, Soledad."),
        (Language.FR, "Ils ont vidé la caisse de la cantine. Saint-Pierre de la Réunion."),
        (Language.EN, "They sell pills behind the old church every Friday. Spanish Town."),
        (Language.EN, "Elder abuse, Maple Grove, second floor."),
        (Language.EN, "clerk at the licence counter wants $80 in the folder or you fail the test"),
        (Language.EN, "that guy wanted for the robbery is working the car wash under a fake name"),
        (Language.ES, "me tienen aquí a la fuerza, mesa del fondo"),
        (Language.ES, "nos tienen en una bodega cerca de la central de Tapachula"),
        (Language.ES, "Un tipo dice que es dentista y atiende en su cochera, saca muelas"),
        (Language.ES, "El Chueco, al que buscan por lo de la masacre, duerme en la finca"),
        (Language.PT, "o vereador Toninho do Gás tá dando botijão pra quem mostrar o título"),
        (Language.PT, "O padrasto grita, chama de princesa e quer que ela ligue a câmera"),
        (Language.FR, "on vend des cartouches au kilo dans l'arrière boutique du bazar"),
        (Language.HT, "majistra a manje lajan wout la, se frè l ki gen kontra a"),
    ],
)
def test_where_it_was_and_what_others_do_stays_whole(language: Language, text: str) -> None:
    """Each of these was once taken for something of the reporter."""
    assert strip(text, language).text == text


def test_the_places_that_are_no_signatures_are_those_the_router_knows() -> None:
    assert lists.places() == folded(places())


def test_of_where_the_reporter_works_no_more_goes_than_that() -> None:
    text = "vende loros y titís en cajas de zapatos a los turistas del hotel donde trabajo"
    said = strip(text, Language.ES).text
    assert said.startswith("vende loros y titís en cajas de zapatos a los turistas [")
    assert "hotel" not in said


def test_what_stays_is_listed_with_the_reason_why() -> None:
    text = "O zap dele é (21) 96543-2109"
    (span,) = strip(text, Language.PT).kept
    assert text[span.start : span.end] == "(21) 96543-2109"
    assert span.reason == "says it is another's"


def test_tokens_do_not_tell_how_long_the_removed_text_was() -> None:
    short, long = strip("me chamo Ana"), strip("me chamo Anastácia Albuquerque de Vasconcelos")
    assert short.text == long.text == "me chamo [nome de quem denuncia]"


def test_the_same_words_in_anothers_mouth_are_evidence() -> None:
    said = strip('O traficante disse: "me liga no 21 98888-7777"', Language.PT)
    asked = strip("Me liga no 21 98888-7777", Language.PT)
    assert "98888-7777" in said.text
    assert "98888-7777" not in asked.text


def test_kinship_goes_and_the_suspects_name_stays() -> None:
    for text, name in (
        ("Meu marido Jorge me bate", "Jorge"),
        ("My husband Dave hits me", "Dave"),
        ("Mi esposo Raúl me pega", "Raúl"),
        ("Mon mari Wilner me frappe", "Wilner"),
        ("Mari m Ronald ap bat mwen", "Ronald"),
    ):
        stripped = strip(text)
        assert name in stripped.text
        assert [span.kind for span in stripped.removed] == ["relation"], text


@pytest.mark.parametrize("number", ["190", "180", "181", "911", "193"])
def test_numbers_of_agencies_are_never_identifiers(number: str) -> None:
    text = f"Meu telefone ligou pro {number} e ninguem veio"
    assert strip(text, Language.PT).text == text


def test_dates_sums_and_postal_codes_stay() -> None:
    text = "Em 12/05/2024, 14:30, CEP 20211-110, levaram R$ 1.250.000,00 e 1500000 reais"
    stripped = strip(text, Language.PT)
    assert stripped.text == text
    assert not stripped.held


def test_a_mistyped_document_still_goes() -> None:
    assert "123.456.789-00" not in strip("meu cpf é 123.456.789-00", Language.PT).text


def test_a_transcript_is_always_held() -> None:
    assert strip("vendem droga na praça", Language.PT, transcript=True).held
    assert not strip("vendem droga na praça", Language.PT).held


def test_our_own_failure_holds_the_tip_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(look, "attribute", broken)
    stripped = strip("meu email é ana@uol.com.br, o ladrão é o Tiago", Language.PT)
    assert stripped.held
    assert stripped.reasons == ("stripping failed",)
    assert "ana@uol.com.br" not in stripped.text
    assert "Tiago" in stripped.text
    monkeypatch.setattr(engine, "matching", broken)
    worst = strip("o ladrão é o Tiago", Language.PT)
    assert worst.held
    assert "Tiago" not in worst.text
    assert [doubt.text for doubt in worst.doubts] == ["o ladrão é o Tiago"]


def test_what_was_stripped_is_never_printed_or_pickled() -> None:
    stripped = strip("me chamo Ana")
    assert "Ana" not in repr(stripped)
    with pytest.raises(TypeError):
        pickle.dumps(stripped)


def test_the_json_of_the_command_holds_offsets_and_no_removed_words() -> None:
    text = "Me chamo Ana Prado"
    described = describe(strip(text))
    assert described["text"] == "Me chamo [nome de quem denuncia]"
    assert described["language"] == "pt"
    assert described["removed"] == [
        {"start": 9, "end": 18, "kind": "name", "reason": "the reporter's name"}
    ]
    assert described["doubtful"] == []
    assert "Prado" not in json.dumps(described)


def test_offsets_count_code_points_of_the_input() -> None:
    text = "\u200b😀 Olá, me chamo Jose\u0301 e vi tudo"
    (span,) = strip(text).removed
    assert text[span.start : span.end].rstrip() == "Jose\u0301"


@pytest.mark.parametrize(
    "flood",
    [
        "e" + "\u0301" * 1_000_000,
        "\ud800\x00" * 50_000,
        "\u202e\u200f" * 50_000,
        "1 " * 50_000,
        "a@" * 50_000,
        "a ponto " * 12_000,
        'ele disse: "' * 5_000,
        "moro na rua " * 8_000,
        "me chamo A " * 8_000,
    ],
)
def test_hostile_text_is_taken_in_linear_time(flood: str) -> None:
    begun = time.perf_counter()
    assert strip(flood).held
    assert time.perf_counter() - begun < 10


_PIECES = (
    "meu|nome|é|Ana|Silva|me|liga|no|21|98765-4321|ele|vende|mi|esposo|Raúl|my|e-mail|a@b.co"
    '|placa|ABC1D23|disse:|"|.|,|\n|moro|na|rua|5|[|]|[telefone a conferir 1]|mwen|rele|nove'
    "|oito|sete|meia|cinco|quatro|três|cpf|529.982.247-25|@joao|\u0301|\u200b|０|Je|m'appelle"
)
_WORDS = st.sampled_from(_PIECES.split("|"))
_TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(_WORDS, max_size=25).map(" ".join),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(_TEXTS)
def test_spans_are_in_bounds_apart_and_the_rest_is_untouched(text: str) -> None:
    stripped = strip(text)
    assert stripped.reasons != ("stripping failed",)
    assert stripped == strip(text)
    spans = sorted((*stripped.removed, *stripped.doubtful), key=lambda span: span.start)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(text)]
    kept = [text[a:b] for a, b in list(pairwise(edges))[::2]]
    rest = stripped.text
    for piece in kept:
        at = rest.find(piece)
        assert at >= 0
        rest = rest[at + len(piece) :]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(_TEXTS)
def test_stripping_what_is_stripped_changes_nothing(text: str) -> None:
    once = strip(text, Language.PT)
    again = strip(once.text, Language.PT)
    assert again.text == once.text
    assert again.removed == again.doubtful == ()


def test_every_grammar_names_every_kind() -> None:
    kinds = {"phone", "email", "document", "handle", "account", "company", "plate", "coordinates"}
    kinds |= {"number", "name", "address", "workplace", "relation", "vehicle"}
    kinds |= {"circumstance", "callback", "link"}
    for language in Language:
        text = strip("x", language)
        assert text.language is language
        assert grammar(language).index
        assert set(replacements(language)) == kinds | {"removed", "doubtful"}
