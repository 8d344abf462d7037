"""Places: what a reporter typed leads to the right municipality or to a question, not a guess."""

from __future__ import annotations

import csv
import tomllib
import unicodedata
from importlib.resources import files

import pytest

from hotline.routing import register
from hotline.routing.gazetteer import Kind
from hotline.routing.places import Places, UnknownCountry
from hotline.routing.words import fold, words
from hotline.tips import Certainty, Place

DATA = files("hotline.routing") / "data"
IRREGULAR = {
    "4305871", "3117836", "3152131", "2202251", "5203939", "2611533", "2201988", "5203962",
    "2201919",
}  # fmt: skip
RIO, NITEROI, SAO_GONCALO = "BR:IBGE:3304557", "BR:IBGE:3303302", "BR:IBGE:3304904"


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    text = (DATA / "municipalities.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def check_digit(code: str) -> int:
    """IBGE's: weights 1 and 2 in turn, digits of each product added, up to the next ten."""
    products = [int(digit) * (1 + at % 2) for at, digit in enumerate(code[:6])]
    return -sum(product // 10 + product % 10 for product in products) % 10


def told(place: Place) -> tuple[str | None, str]:
    return place.name, place.certainty.value


# The tables


def test_all_municipalities_of_2025_are_there(places: Places, rows: list[dict[str, str]]) -> None:
    assert len(rows) == len(places) == 5571
    assert "BR:IBGE:5101837" in places
    assert "BR:IBGE:9999999" not in places


def test_every_code_but_nine_ends_in_its_check_digit(rows: list[dict[str, str]]) -> None:
    odd = {row["code"] for row in rows if check_digit(row["code"]) != int(row["code"][-1])}
    assert odd == IRREGULAR


def test_240_names_are_in_more_than_one_state_and_never_twice_in_one(
    rows: list[dict[str, str]],
) -> None:
    states: dict[str, list[str]] = {}
    for row in rows:
        states.setdefault(" ".join(words(row["name"])), []).append(row["state"])
    assert len(states) == 5290
    assert sum(len(found) > 1 for found in states.values()) == 240
    assert all(len(found) == len(set(found)) for found in states.values())


def test_the_committed_data_stays_small() -> None:
    names = ["municipalities.csv", "cep5.csv", "aliases.toml", "everyday.txt", "place_cues.toml"]
    assert sum(len((DATA / name).read_bytes()) for name in names) < 2_000_000


def test_cep_ranges_are_in_order_apart_and_of_known_municipalities(places: Places) -> None:
    text = (DATA / "cep5.csv").read_text(encoding="utf-8")
    last = -1
    covered = set()
    for row in csv.DictReader(text.splitlines()):
        assert last < int(row["first"]) <= int(row["last"]) <= 99999
        last = int(row["last"])
        codes = row["municipalities"].split()
        assert all(f"BR:IBGE:{code}" in places for code in codes)
        covered |= set(codes)
    assert len(covered) >= 5559


def test_an_alias_enough_alone_is_no_municipality_of_another_name() -> None:
    tables = register.read("BR")
    for name, senses in tables.senses.items():
        if any(sense.kind in (Kind.OTHER, Kind.DISTRICT) for sense in senses):
            assert senses[0].kind is not Kind.NAME, name


def test_aliases_name_each_neighbourhood_once_a_municipality() -> None:
    for heading, lists in tomllib.loads((DATA / "aliases.toml").read_text("utf-8")).items():
        meant = set(lists.pop("meant", ()))
        labels = [" ".join(words(label)) for found in lists.values() for label in found]
        assert len(labels) == len(set(labels)), heading
        assert meant <= {*lists.get("local", ()), heading.partition("/")[0]}, heading


def test_everyday_names_are_sorted_and_marked_in_the_table(rows: list[dict[str, str]]) -> None:
    listed = (DATA / "everyday.txt").read_text(encoding="utf-8").split("\n")[:-1]
    assert listed == sorted(set(listed), key=lambda name: (fold(name), name))
    assert {row["name"] for row in rows if row["everyday"]} == set(listed)
    assert {"Tiros", "Posse", "Pedra", "Natal", "Feliz", "Socorro", "Mariana"} <= set(listed)


def test_an_unknown_country_is_refused_in_a_sentence() -> None:
    with pytest.raises(UnknownCountry) as refused:
        Places.load("XX")
    assert refused.value.message.endswith(".")


# Free text


@pytest.mark.parametrize(
    ("text", "name", "certainty"),
    [
        ("Tem boca de fumo em Niterói, rua X", "Niterói", "certain"),
        ("trafico em niteroi", "Niterói", "certain"),
        ("Vi tudo, não tem nome na rua. São João de Meriti.", "São João de Meriti", "probable"),
        ("desviaram as cestas, ajudei a carregar. Estrela", "Estrela", "probable"),
        ("os cara daqui de Fortaleza marcam as casas", "Fortaleza", "probable"),
        ("batem nela todo dia. Rua das Palmeiras, Passos", "Passos", "probable"),
        ("sou de Cruz Alta e vi o dinheiro", "Cruz Alta", "probable"),
        ("matou um em Crateús e ta aqui em Açailândia", "Açailândia", "probable"),
        ("Moro em Palhoça, acertaram a caixa d'água", "Palhoça", "probable"),
        ("homens do Alemão em Ituporanga SC", "Ituporanga", "probable"),
        ("chega em Campinas no cartório de Paulínia", "Campinas", "probable"),
        ("FICA NO FIM DA RUA, NO JANGURUSSU", "Fortaleza", "probable"),
        ("assalto na Praça Mauá, Rio de Janeiro", "Rio de Janeiro", "probable"),
        ("TRAFICO EM NITEROI RJ", "Niterói", "certain"),
        ("vendem pedra em Belém", "Belém", "probable"),
        ("todo mundo sabe do arrego aqui na Cidade de Deus", "Rio de Janeiro", "probable"),
        ("esconde fuzil em Cascavel, o primo dele em Toledo", "Cascavel", "probable"),
        ("trouxeram gente pra fazenda na estrada de Piracaia", "Piracaia", "probable"),
        ("correm de moto na avenida da praia. É Praia Grande", "Praia Grande", "probable"),
        ("a gente é de Juazeiro do Norte e ele rondou a casa", "Juazeiro do Norte", "probable"),
        ("Niterói tá perigosa", "Niterói", "probable"),
        ("aqui em S. Gonçalo vendem droga", "São Gonçalo", "certain"),
        ("N. Iguaçu tá tomada", "Nova Iguaçu", "probable"),
        ("Gov. Valadares", "Governador Valadares", "probable"),
        ("roubo em Sto. Antônio de Pádua", "Santo Antônio de Pádua", "certain"),
        ("em Sta. Bárbara d'Oeste", "Santa Bárbara d'Oeste", "certain"),
        ("em Santa Bárbara d’Oeste", "Santa Bárbara d'Oeste", "certain"),
        ("em santa barbara doeste", "Santa Bárbara d'Oeste", "certain"),
        ("em Santa Barbara do Oeste", "Santa Bárbara d'Oeste", "certain"),
        ("em Santa Barbara D Oeste", "Santa Bárbara d'Oeste", "certain"),
        ("em Santana do Livramento", "Sant'Ana do Livramento", "certain"),
        ("Sant'Ana do Livramento", "Sant'Ana do Livramento", "probable"),
        ("Mogi das Cruzes", "Mogi das Cruzes", "probable"),
        ("Moji das Cruzes", "Mogi das Cruzes", "probable"),
        ("em Embu", "Embu das Artes", "probable"),
        ("em Embu das Artes", "Embu das Artes", "certain"),
        ("em Parati", "Paraty", "probable"),
        ("em Paraty", "Paraty", "certain"),
        ("Posse - GO", "Posse", "certain"),
        ("Posse, Goiás", "Posse", "certain"),
        ("Posse no estado de Goiás", "Posse", "certain"),
        ("Tiros/MG", "Tiros", "certain"),
        ("natal rn", "Natal", "certain"),
        ("cidade de Posse", "Posse", "certain"),
        ("município de Pedra", "Pedra", "certain"),
        ("droga em Mariana, atrás da igreja", "Mariana", "probable"),
        ("em Santa Maria RS", "Santa Maria", "certain"),
        ("em Santa Maria, no Rio Grande do Sul", "Santa Maria", "certain"),
        ("São Gonçalo do Amarante CE", "São Gonçalo do Amarante", "certain"),
        ("Caxias do Sul", "Caxias do Sul", "probable"),
        ("em Caxias - MA", "Caxias", "certain"),
        ("em Caxias RS", "Caxias do Sul", "probable"),
        ("roubo em Sampa", "São Paulo", "probable"),
        ("aqui em BH", "Belo Horizonte", "probable"),
        ("aqui em bh", "Belo Horizonte", "probable"),
        ("em POA", "Porto Alegre", "probable"),
        ("Floripa tem muito roubo", "Florianópolis", "probable"),
        ("em jampa", "João Pessoa", "probable"),
        ("no Rio tem milícia", "Rio de Janeiro", "probable"),
        ("Zona Sul do Rio", "Rio de Janeiro", "probable"),
        ("na rocinha tem arma", "Rio de Janeiro", "probable"),
        ("complexo do alemao", "Rio de Janeiro", "probable"),
        ("Campo Grande no Rio", "Rio de Janeiro", "probable"),
        ("Rocinha, Rio de Janeiro", "Rio de Janeiro", "probable"),
        ("DDD 21, no Grajaú", "Rio de Janeiro", "probable"),
        ("São Gonçalo, Rio de Janeiro", "São Gonçalo", "certain"),
        ("No Rio de Janeiro, em São João de Meriti", "São João de Meriti", "probable"),
        ("Rua Santos Dumont, em Petrópolis", "Petrópolis", "certain"),
        ("Propriá/SE", "Propriá", "certain"),
        ("entregas no CEP 24020-000 toda noite", "Niterói", "certain"),
        ("cep 24020000 em São Gonçalo", "Niterói", "certain"),
    ],
)
def test_a_text_leads_to_its_municipality(
    places: Places, text: str, name: str, certainty: str
) -> None:
    for form in ("NFC", "NFD"):
        found = places.find(unicodedata.normalize(form, text))
        assert told(found) == (name, certainty)
        assert found.municipality in places
        assert found.reasons and all(reason.endswith(".") for reason in found.reasons)


@pytest.mark.parametrize(
    "text",
    [
        "ouvi tiros na rua",
        "TIROS NA RUA AGORA",
        "estava em posse de drogas",
        "jogaram pedra, socorro",
        "feliz natal pra todos",
        "Natal é sempre assim",
        "a Mariana vende droga na esquina",
        "o Mendes é o chefe, junto com o Machado",
        "falei com João Dias ontem",
        "confio em Mariana Silva",
        "é coisa própria dele",
        "o rio está poluído",
        "jogam lixo no Rio Tietê",
        "ele se mata, para de vender pó",
        "isso tudo é caso sério, só Deus",
        "Av. São Paulo, 30",
        "estrada de Sorocaba km 3",
        "mataram o vizinho. É Natal e ninguém vem",
        "na Estrada de Jacarezinho Velho",
        "rua Niterói, casa 4",
        "na Rua Doutor Marechal Niterói",
        "vulgo Paulista e a Vitória",
        "liguei 2345-6789 e ninguém atende",
        "Lei Maria da Penha",
        "apto ap 302, casa se tiver",
        "",
        "🔥🔥🔥",
        "́" * 5000,
        "ﷺ" * 50,
    ],
)
def test_everyday_words_people_and_streets_are_no_places(places: Places, text: str) -> None:
    for state in (None, "BR-RJ"):
        found = places.find(text, state=state)
        assert (found.municipality, found.candidates) == (None, ())
        assert found.certainty is Certainty.NONE


def test_a_long_run_of_marks_costs_no_more_than_its_length(places: Places) -> None:
    marks = "\u0315\u0300\u0316" * 300_000
    assert places.find(f"em Niterói a{marks}").municipality == NITEROI


@pytest.mark.parametrize(
    ("text", "count", "state"),
    [
        ("em Santa Maria", 3, None),
        ("Santa Maria", 3, None),
        ("De Niterói a São Gonçalo", 2, "BR-RJ"),
        ("assalto em Duque de Caxias e em Nova Iguaçu", 2, "BR-RJ"),
        ("vou para Belém", 3, None),
        ("tem primo em Cascavel", 2, None),
        ("milícia em Rio das Pedras", 2, None),
        ("tráfico da Maré", 1, "BR-RJ"),
    ],
)
def test_what_could_be_several_is_asked(
    places: Places, text: str, count: int, state: str | None
) -> None:
    found = places.find(text)
    assert (found.certainty, found.municipality) == (Certainty.AMBIGUOUS, None)
    assert (len(found.candidates), found.state) == (count, state)
    assert all(key in places for key in found.candidates)


@pytest.mark.parametrize(
    "text", ["milícia em Rio das Pedras", "em Campo Grande", "tráfico da Maré", "no Grajaú"]
)
def test_the_jurisdictions_own_state_breaks_ties_but_is_never_certain(
    places: Places, text: str
) -> None:
    assert places.find(text).certainty is Certainty.AMBIGUOUS
    found = places.find(text, state="BR-RJ")
    assert (found.municipality, found.certainty) == (RIO, Certainty.PROBABLE)
    assert any("own state" in reason for reason in found.reasons)


def test_caxias_is_another_city_in_every_state(places: Places) -> None:
    in_state = {s: places.find("em Caxias", state=s).name for s in ("BR-RJ", "BR-RS", "BR-MA")}
    assert in_state == {"BR-RJ": "Duque de Caxias", "BR-RS": "Caxias do Sul", "BR-MA": "Caxias"}


@pytest.mark.parametrize(
    "text",
    [
        "moro em Niterói mas o crime foi em São Gonçalo",
        "em São Gonçalo vendem droga, o dono veio de Niterói",
        "carro com placa de Niterói, tiroteio em São Gonçalo",
    ],
)
def test_the_place_of_the_crime_wins_over_other_places_but_is_not_certain(
    places: Places, text: str
) -> None:
    found = places.find(text)
    assert (found.municipality, found.certainty) == (SAO_GONCALO, Certainty.PROBABLE)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("aqui no Pará", "BR-PA"),
        ("no estado do Rio", "BR-RJ"),
        ("RJ", "BR-RJ"),
        ("em Goiás", "BR-GO"),
        ("no Paraná", "BR-PR"),
    ],
)
def test_a_state_alone_is_told_without_a_municipality(
    places: Places, text: str, state: str
) -> None:
    found = places.find(text)
    assert (found.state, found.municipality, found.certainty) == (state, None, Certainty.NONE)


def test_reasons_never_repeat_what_was_typed(places: Places) -> None:
    found = places.find("meu nome é Zulmira, boca de fumo em nItErOi 98765-4321")
    assert found.municipality == NITEROI
    assert all(word not in " ".join(found.reasons) for word in ("Zulmira", "nItErOi", "98765"))


# Answers


@pytest.mark.parametrize(
    ("text", "name", "certainty"),
    [
        ("niteroi", "Niterói", "certain"),
        ("Nitroi", "Niterói", "probable"),
        ("Natal", "Natal", "certain"),
        ("moro em tiros mg", "Tiros", "certain"),
        ("Sao Palo", "São Paulo", "probable"),
        ("belford rocho", "Belford Roxo", "probable"),
        ("Duque de Caixas", "Duque de Caxias", "probable"),
        ("sao goncalo do amrante ce", "São Gonçalo do Amarante", "probable"),
        ("é em Niterói, perto do shopping", "Niterói", "certain"),
        ("duque de caxias rio de janeiro", "Duque de Caxias", "certain"),
        ("Rio de Janeiro", "Rio de Janeiro", "certain"),
        ("rio", "Rio de Janeiro", "probable"),
        ("bh", "Belo Horizonte", "probable"),
        ("Campo Grande, RJ", "Rio de Janeiro", "probable"),
        ("24020-000", "Niterói", "certain"),
        ("CEP 24020000", "Niterói", "certain"),
        ("24020", "Niterói", "certain"),
    ],
)
def test_an_answer_needs_no_cue_and_forgives_a_typo(
    places: Places, text: str, name: str, certainty: str
) -> None:
    assert told(places.answer(text)) == (name, certainty)


@pytest.mark.parametrize("text", ["santa maria", "santa mria", "Campo Grande", "Niteroy RJ"])
def test_an_answer_that_fits_several_or_little_is_asked_again(places: Places, text: str) -> None:
    found = places.answer(text)
    assert (found.certainty, found.municipality) == (Certainty.AMBIGUOUS, None)
    assert found.candidates


@pytest.mark.parametrize("text", ["", "xyz", "não sei", "99999-999", "123", "Goiás", "rj"])
def test_an_answer_that_names_nothing_is_none(places: Places, text: str) -> None:
    assert places.answer(text).certainty is Certainty.NONE


def test_typos_are_forgiven_in_answers_only(places: Places) -> None:
    assert places.find("em Belford Rocho").municipality is None
    assert places.answer("Belford Rocho").name == "Belford Roxo"


# Keys and codes


@pytest.mark.parametrize(
    ("digits", "name"),
    [
        ("01310100", "São Paulo"),
        ("20040", "Rio de Janeiro"),
        ("24020000", "Niterói"),
        ("30130", "Belo Horizonte"),
        ("29010000", "Vitória"),
        ("69005", "Manaus"),
        ("70040", "Brasília"),
    ],
)
def test_a_cep_of_five_or_eight_digits_is_certain(places: Places, digits: str, name: str) -> None:
    assert told(places.cep(digits)) == (name, "certain")


def test_a_shared_cep_lists_its_municipalities(places: Places) -> None:
    found = places.cep("36490")
    assert (found.certainty, len(found.candidates), found.state) == (
        Certainty.AMBIGUOUS,
        2,
        "BR-MG",
    )


@pytest.mark.parametrize(
    "digits", ["", "1234", "00000", "99999999", "2402O", "２４０２０", "240200001"]
)
def test_what_is_no_cep_is_none(places: Places, digits: str) -> None:
    assert places.cep(digits).certainty is Certainty.NONE


def test_a_chosen_key_is_certain_and_an_unknown_one_is_nothing(places: Places) -> None:
    found = places.by_key(RIO)
    assert found is not None
    assert (found.name, found.state, found.country) == ("Rio de Janeiro", "BR-RJ", "BR")
    assert found.certainty is Certainty.CERTAIN
    assert places.by_key("BR:IBGE:0000000") is None


def test_every_municipality_is_listed_under_its_state(places: Places) -> None:
    states = places.states()
    assert len(states) == 27
    assert ("BR-RJ", "Rio de Janeiro") in states
    listed = [key for state, _ in states for key, _ in places.in_state(state)]
    assert len(listed) == len(set(listed)) == 5571
    names = [fold(name) for _, name in places.in_state("BR-RJ")]
    assert len(names) == 92
    assert names == sorted(names)


def test_every_name_with_its_state_is_found_again(places: Places) -> None:
    """The whole table, as a reporter would answer it."""
    for state, _ in places.states():
        for key, name in places.in_state(state):
            found = places.answer(f"{name} - {state[-2:]}")
            assert (found.municipality, found.certainty) == (key, Certainty.CERTAIN), name


def test_a_seat_has_a_point_where_the_source_knows_it(places: Places) -> None:
    point = places.point(RIO)
    assert point is not None
    assert (round(point[0], 1), round(point[1], 1)) == (-22.9, -43.2)
    assert places.point("BR:IBGE:0000000") is None
