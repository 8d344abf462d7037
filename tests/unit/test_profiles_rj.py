"""Rio de Janeiro's profile: who is kept out of a tip in plain words, and which numbers show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hotline.assembly import PublicLine
from hotline.doctor import ALARM_DAYS, number_findings
from hotline.intake.advice import advice, emergency
from hotline.intake.prompts import Prompt
from hotline.intake.sms import excuses, number
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import FRESH_DAYS, EmergencyNumber, Profile, find
from hotline.routing.route import Router
from hotline.routing.tables import RuleFileProblem
from hotline.store.database import DatabaseUnavailable
from hotline.tips import Language
from tests.conftest import MovableClock
from tests.forms import app_of, shared_line

READ = date(2026, 11, 22)
LAST_DAY = READ + timedelta(days=FRESH_DAYS)
LASTING = {"190", "192", "193"}


@pytest.fixture(scope="module")
def types() -> Types:
    return Types.load()


@pytest.fixture(scope="module")
def router(types: Types) -> Router:
    return Router.load(Profile.load("br-rj"), types, Places.load())


# ---- recusal, family by family -------------------------------------------------------------------

# What was told, the bodies it is about, and who must act instead.
FAMILIES = {
    "delegado": (
        "O delegado de Campos dos Goytacazes RJ recebe propina da milícia todo mês",
        ("pcerj", "corregedoria-pc-rj", "semsp-3301009"),
        "mprj",
    ),
    "military police": (
        "Os PMs do batalhão de São Gonçalo RJ cobram arrego da boca de fumo toda sexta",
        ("pmerj", "corregedoria-pm-rj", "cpam-rj", "semsp-3304904"),
        "mprj",
    ),
    "sergeant of a militia": (
        "O sargento Laurindo, que todo mundo sabe que é da milícia, cobra taxa em Itaboraí RJ",
        ("pmerj", "pcerj"),
        "mprj",
    ),
    "municipal guard": (
        "O guarda municipal espancou o camelô no centro de Niterói RJ e levou a mercadoria",
        ("guarda-3303302", "semsp-3303302"),
        "mprj",
    ),
    "municipal force": (
        "A Força Municipal do Rio de Janeiro extorquiu os ambulantes na praia",
        ("forca-municipal-3304557", "seguranca-urbana-3304557", "semsp-3304557"),
        "mprj",
    ),
    "mayor": (
        "O prefeito de Maricá RJ desvia dinheiro da merenda das escolas",
        ("prefeitura-3302700", "semsp-3302700", "conselho-tutelar-3302700", "guarda-3302700"),
        "mprj",
    ),
    "mayor of the capital": (
        "O prefeito desvia verba em licitação fraudada, no município do Rio de Janeiro RJ",
        ("semsp-3304557", "tcm-3304557", "conselho-tutelar-3304557"),
        "mprj",
    ),
    "guardianship council": (
        "O conselheiro tutelar de Petrópolis RJ abusou da menina que foi pedir ajuda",
        ("conselho-tutelar-3303906",),
        "mprj",
    ),
    "prosecutor": (
        "O promotor de Niterói RJ recebe dinheiro do traficante para arquivar",
        ("mprj", "mprj-infancia"),
        "cnmp",
    ),
    "judge": (
        "O juiz de Campos dos Goytacazes RJ vende sentença para o bicheiro",
        ("tjrj", "justica-br"),
        "cnj",
    ),
    "prison guard": (
        "O agente penitenciário vende celular para os presos em Japeri RJ",
        ("seap-rj", "degase-rj"),
        "mprj",
    ),
    "juvenile detention": (
        "O agente do Degase espancou os meninos da unidade em Belford Roxo RJ",
        ("degase-rj", "seap-rj"),
        "mprj",
    ),
    "firefighter": (
        "O bombeiro militar cobra taxa de segurança dos comerciantes em Magé RJ",
        ("cbmerj", "sedec-rj"),
        "mprj",
    ),
    "internal affairs": (
        "A corregedoria da Polícia Civil é conivente com o tráfico em Nova Iguaçu RJ",
        ("corregedoria-pc-rj", "corregedoria-geral-rj", "pcerj", "semsp-3303500"),
        "mprj",
    ),
    "deputy": (
        "O deputado estadual recebe dinheiro do tráfico em Belford Roxo RJ",
        ("alerj", "tce-rj", "mepct-rj", "sesp-rj"),
        "mprj",
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tip_reaches_neither_the_body_nor_what_stands_over_or_under_it(
    router: Router, family: str
) -> None:
    text, about, lead = FAMILIES[family]
    profile = router.profile
    decision = router.explain({"text": text})
    recused = {one["agency"] for one in decision["recused"]}  # type: ignore[attr-defined, index]
    for id in about:
        assert recused & {up.id for up in profile.ancestors(id)}, f"{id} was not recused"
    kin = {up.id for id in about for up in profile.ancestors(id)}
    kin |= {id for one in about for id in profile.subtree(one)}
    leads, copies = list(decision["leads"]), list(decision["copies"])  # type: ignore[call-overload]
    desk = profile.queues[str(decision["queue"])].agency
    for id in (*leads, *copies, desk):
        assert not kin & {id, profile.inbox(id) if id not in ("central-rj", "custodians") else id}
    assert str(decision["queue"]).startswith("integrity")
    assert leads == [lead]
    assert profile.agencies[lead].independent


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("Fui ao conselho tutelar porque o padrasto espancou a criança em Resende RJ", "conselho-"),
        ("Chamei os bombeiros e ele ateou fogo na mata de novo em Maricá RJ", "dpma-rj"),
        (
            "Vendem droga ao lado do fórum, o juiz mora perto, em Niterói RJ",
            "semsp-3303302",
        ),
    ],
)
def test_a_body_that_only_helps_or_stands_by_keeps_its_tips(
    router: Router, text: str, lead: str
) -> None:
    decision = router.explain({"text": text})
    assert decision["recused"] == []
    assert str(decision["leads"][0]).startswith(lead)  # type: ignore[index]


def test_the_capital_has_its_own_auditor_and_the_state_court_no_part_in_it(router: Router) -> None:
    for municipality, copies in (("3304557", []), ("3303302", ["tce-rj"])):
        place = {"municipality": f"BR:IBGE:{municipality}"}
        decision = router.explain({"crime_types": ["INT-03"], "place": place})
        assert (decision["leads"], decision["copies"]) == (["mprj"], copies)


def test_who_visits_prisons_hears_of_what_happens_in_them(router: Router) -> None:
    asked = {"crime_types": ["INT-04"], "place": {"municipality": "BR:IBGE:3304557"}}
    assert router.explain(asked)["copies"] == ["mepct-rj"]
    accused = router.explain({**asked, "text": "um deputado estadual recebe propina do presídio"})
    assert (accused["leads"], accused["copies"]) == (["mprj"], [])


def test_every_municipality_has_a_guard_to_name_and_none_of_them_an_inbox(router: Router) -> None:
    profile = router.profile
    for key, _ in router.places.in_state("BR-RJ"):
        guard = profile.agency(f"guarda-{key[-7:]}")
        assert guard is not None and not guard.receives
        assert f"prefeitura-{key[-7:]}" in {up.id for up in profile.ancestors(guard.id)}
    assert not any(id.startswith("agency:guarda-") for id in profile.recipients())


# ---- names and numbers: where and when they were read -------------------------------------------


def test_a_body_says_where_its_name_was_read_or_counts_as_unconfirmed(tmp_path: Path) -> None:
    profile = Profile.load("br-rj")
    for one in profile.agencies.values():
        assert bool(one.source) == bool(one.verified_on), one.id
        assert not one.source or one.source.startswith(("http://", "https://"))
    unread = profile.unconfirmed()
    assert "semsp-3304557" not in unread and "semsp-3300159" in unread
    folder = tmp_path / "profile"
    shutil.copytree(find("br-rj"), folder)
    sheet = folder / "agencies.toml"
    words = sheet.read_text("utf-8")
    sheet.write_text(words.replace(f"verified_on = {READ}\n", "", 1), "utf-8")
    with pytest.raises(RuleFileProblem, match="source and verified_on stand together"):
        Profile.load(folder)


def _public(profile: Profile, day: date) -> set[str]:
    shown = (*profile.emergency_on(day), *profile.elsewhere_on(day))
    return {each.number for each in shown}


@pytest.mark.parametrize("name", ["br-rj", "br"])
def test_numbers_read_too_long_ago_go_and_those_of_danger_stay(name: str, types: Types) -> None:
    profile = Profile.load(name)
    known = {each.number for each in (*profile.emergency, *profile.elsewhere)}
    assert {"180", "100", "188"} | LASTING <= known
    assert _public(profile, LAST_DAY) == known
    too_late = LAST_DAY + timedelta(days=1)
    assert _public(profile, too_late) == LASTING
    told = {
        day: " ".join(advice(profile, types, ["GBV-01"], Language.PT, day))
        for day in (LAST_DAY, too_late)
    }
    assert "180" in told[LAST_DAY] and "180" not in told[too_late]
    whom = emergency(profile, Language.PT, too_late)
    assert whom is not None and whom.number == "190"


@pytest.fixture
def line(founded_home: Path, tmp_path: Path) -> Iterator[PublicLine]:
    with shared_line(founded_home, tmp_path / "home") as line:
        yield line


def test_the_public_stops_seeing_an_old_number_while_the_line_runs(line: PublicLine) -> None:
    assert isinstance(line.clock, MovableClock)
    client, fault = app_of(line).test_client(), DatabaseUnavailable()

    def at_noon(day: date) -> str:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
        line.clock.advance(noon - line.clock.seconds())  # type: ignore[attr-defined]
        return client.get("/nowhere").get_data(as_text=True)

    page = at_noon(LAST_DAY)
    assert "2253-1177" in page and "190" in page
    assert number(line, Prompt.ELSEWHERE) == "(21) 2253-1177"
    page = at_noon(LAST_DAY + timedelta(days=1))
    assert "2253-1177" not in page and "180" not in page and "190" in page
    # No sentence is said with a hole where the number was.
    assert excuses(line, fault) == (Prompt.UNAVAILABLE,)
    assert number(line, Prompt.EMERGENCY) == "190"


def test_the_doctor_says_so_before_a_number_goes_and_of_a_day_that_is_not_yet() -> None:
    profile = Profile.load("br-rj")

    def said(day: date) -> dict[str, str]:
        return {f.name: f.detail for f in number_findings(profile, day) if not f.sound}

    assert said(READ) == said(LAST_DAY - timedelta(days=ALARM_DAYS)) == {}
    warned = said(LAST_DAY - timedelta(days=ALARM_DAYS - 1))
    assert f"{ALARM_DAYS - 1} days left" in warned["number 180"]
    late = said(LAST_DAY + timedelta(days=1))
    assert "hidden" in late["number 180"] and "shown all the same" in late["number 190"]
    assert "in the future" in said(READ - timedelta(days=1))["number 188"]


def test_a_number_is_counted_to_the_day() -> None:
    line = EmergencyNumber("tips", "A line", "181", READ, "https://example.org/")
    days = (0, FRESH_DAYS, FRESH_DAYS + 1)
    assert [line.shown(READ + timedelta(days=each)) for each in days] == [True, True, False]
