"""Cautions: what a message may give away is found; ordinary sentences raise nothing."""

from __future__ import annotations

import pytest

from hotline.tips import Language
from hotline.triage.cautions import Around, cautions

PT, ES, EN, FR, HT = Language
TOLD = "Venda de drogas na praça em Niterói, RJ, toda noite, carro placa ABC1D23"


def around(language: Language) -> Around:
    return Around(
        language=language,
        told=(TOLD,),
        doubtful=("@marcao_vendas",),
        staff=("paulo", "gabi"),
        public_numbers=("190", "0800 282 4000", "2253-1177"),
    )


def kinds(text: str, language: Language = PT) -> set[str]:
    return {found.kind for found in cautions(text, around(language))}


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        (PT, "Fale comigo, Paulo.", "staff"),
        (PT, "paulo vai ler a resposta", "staff"),
        (PT, "Procure o delegado Marcos", "name"),
        (PT, "Ligue para 21 99888-7766", "phone"),
        (PT, "meu telefone é nove oito sete seis cinco quatro três dois um", "phone"),
        (PT, "Escreva para desk@example.org", "email"),
        (PT, "Procure @mesa_rj na rede", "handle"),
        (PT, "O perfil @marcao_vendas ainda existe?", "doubtful"),
        (PT, "É na Rua das Acácias?", "address"),
        (EN, "Is it on Acacia Street?", "address"),
        (PT, "E o carro XYZ9K88?", "elsewhere"),
        (PT, "A venda de drogas na praça em Niterói continua?", "repeated"),
        (PT, "Thank you for your report, we will look into it", "language"),
        (PT, "O seu marido ainda vende?", "reporter"),
        (PT, "A senhora, vizinha do 302, viu?", "reporter"),
        (ES, "¿Usted trabaja en el hospital?", "reporter"),
        (EN, "You are the nurse at the clinic, right?", "reporter"),
        (FR, "Votre mari vend encore ?", "reporter"),
        (HT, "Èske mari ou la toujou?", "reporter"),
    ],
)
def test_what_may_give_somebody_away_is_found(language: Language, text: str, kind: str) -> None:
    assert kind in kinds(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (PT, "Obrigado por sua ajuda."),
        (PT, "Há armas no local?"),
        (PT, "Em que rua isso acontece? Perto de que loja?"),
        (PT, "Isso é em São Paulo?"),
        (PT, "O carro ABC1D23 voltou?"),
        (PT, "Ligue 190 agora."),
        (PT, "Ligue para 2253-1177 ou 0800 282 4000."),
        (PT, "Sua denúncia foi recebida e está com quem pode agir."),
        (PT, "A que horas eles chegam e quantos são?"),
        (ES, "Gracias por su ayuda. ¿En qué calle sucede?"),
        (EN, "Thank you for your help. Which street is it on?"),
        (FR, "Merci de votre aide. Dans quelle rue est-ce ?"),
        (HT, "Mèsi pou èd ou. Nan ki ri sa ye?"),
    ],
)
def test_ordinary_sentences_raise_nothing(language: Language, text: str) -> None:
    assert cautions(text, around(language)) == ()


def test_what_was_found_is_never_printed() -> None:
    found = cautions("Fale comigo, Paulo.", around(PT))[0]
    assert "Paulo" not in repr(found) and found.words == "Paulo"


@pytest.mark.parametrize("text", ["", " \n", "::", "{", "9" * 1500, "ou " * 500, "@" * 1500])
def test_no_text_breaks_it(text: str) -> None:
    for language in Language:
        cautions(text, around(language))
