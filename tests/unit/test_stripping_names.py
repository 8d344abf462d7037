"""Stripping: names by which reporters present themselves, and names that stay."""

from __future__ import annotations

import pytest

from hotline.intake.stripping import strip, warm


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("jurema aqui, o tonho ta com o carro da prefeitura OYT4431", "jurema"),
        ("Jandira aqui, cozinho no garimpo do Tatuzao. mataram o Pitoco", "Jandira"),
        ("Hello? Yes. Miss Pauline here. Mi live a Zion. Dem a sell gun", "Pauline"),
        ("TONHAO DA BALSA FALANDO: DETO PASSOU DROGA NA FARINHA, PORTO DE TREM", "TONHAO"),
        ("enf Luana UBS Vila Nova Jaraguá: dr Marino faz aborto caro no posto", "Luana"),
        (
            "Inspetora Gláucia Roncatto, funcional 77.310-2. A delegada Simone Faria vende",
            "Gláucia Roncatto",
        ),
        ("Nelson, peón del tambo de Cardal. El patrón Olivera envenena el arroyo", "Nelson"),
        ("Deputy Kirk Oster sells us guns. Bought one. Nate, 5035550112", "Nate"),
        ("A hundred names. Um. Tracy. Two oh four, five five five, oh one two two. Bye", "Tracy"),
        ("He hides the guns at the boat shed.\nMy husband knows.\n\nGeneva R.", "Geneva"),
        ("I got receipts for the passports. Marleny, marleny.nails@gmail.com", "Marleny"),
        ("Mi celular cero nueve nueve, seis cuatro ocho, siete uno tres, Estela.", "Estela"),
        ("My name is Mrs. Doreen Frankel, F-R-A-N-K-E-L, Kurt burns plastic", "F-R-A-N"),
        ("«Hermano Obed», me dijo Carlos Lagos, «usted ore y yo cobro»", "Obed"),
        ("El padre me dijo: «Usted ponga sordera, Beatriz.» Cobra la pensión", "Beatriz"),
        ("me dijo: «Tú ere' de allá, Mireya, quédate allá». Después se fue", "Mireya"),
    ],
)  # fmt: skip
def test_a_name_that_presents_the_reporter_goes(text: str, name: str) -> None:
    assert name not in strip(text).text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Os donos da boca sao tres. Beto. Carlão. Digão. Ficam na esquina da padaria", "Carlão"),
        ("Delegado Carlos Souza, da 5ª DP, recebe dinheiro do bicho toda sexta", "Carlos Souza"),
        ("Beto, dono do bar da esquina, vende pó", "Beto"),
        ("O traficante é o Juca, 21 98765-4321, rua Sete", "Juca"),
        ("Marcos aqui da rua vende droga", "Marcos"),
        ("Ele disse: quem manda aqui é o Beto, o Juca só leva", "Juca"),
        ("Pastor Elias Moura, igreja Nova Vida, Rua das Flores 33. Abusa das meninas", "Elias"),
        ("Tenente Barros, 3o BPM. Ele recebe 2 mil por semana do trafico", "Barros"),
        ('My roommate Hunter said "it\'s only ketamine" but he is dosing girls', "Hunter"),
        ("I work at Gorman's. Gus sells guns at 5 Elm St.", "Gus"),
        ("NOME: ANA LIMA\nCPF: 318.440.672-10\nDENUNCIADO: Adailton Reis\nele bate", "Reis"),
    ],
)  # fmt: skip
def test_a_name_that_tells_of_the_crime_stays(text: str, name: str) -> None:
    assert name in strip(text).text


def test_a_persons_name_stays_where_the_words_of_kinship_go() -> None:
    stripped = strip("sou a ex do Wanderley Roldão, ele vende pó na rua 7").text
    assert "Wanderley" in stripped and "a ex" not in stripped


def test_a_profile_with_dots_is_no_spaced_address() -> None:
    found = strip("vende no insta @ana.b.c e no bar da praça")
    assert {span.kind for span in (*found.removed, *found.doubtful, *found.kept)} == {"handle"}
