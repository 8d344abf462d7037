"""A line in Colombia: its numbers, its places and its language on every public surface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from hotline import demo, synthetic, tour
from hotline.assembly import PublicLine, assemble_public
from hotline.founding import FIRST_RULES, activate, found, prepare
from hotline.intake.conversation import State
from hotline.intake.prompts import MENUS, SPOKEN, Prompt
from hotline.routing.profile import Profile
from hotline.routing.versions import copied
from hotline.serve import Ports
from hotline.simulate.phone import Inside, TextPhone, VoicePhone
from hotline.store.audit import AuditLog
from hotline.tips import Language, QueueKind, queue_kind
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.forms import Walk, stored
from tests.line import settings_for

ES = {"Accept-Language": "es-CO,es;q=0.9"}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    home = tmp_path_factory.mktemp("colombia")
    settings = settings_for(home, f"sqlite:///{home / 'hotline.db'}")
    settings = replace(settings, jurisdiction="co")
    profile = Profile.load("co")
    clock = MovableClock(profile.zone)
    database = prepare(settings)
    with copied("co") as rules:
        activate(settings, AuditLog(database), rules, (), FIRST_RULES, clock)
    database.close()
    found(settings, profile.recipients(), (), clock)
    line = assemble_public(settings, clock, pool=0)
    yield line
    line.close()


@pytest.fixture(scope="module")
def client(line: PublicLine) -> Iterator[FlaskClient]:
    app = public_app(line)
    app.extensions["exchange"].closer.stop()
    yield app.test_client()


def test_the_form_shows_colombias_emergency_number_in_spanish(client: FlaskClient) -> None:
    page = Walk(client, ES).page
    assert "¿Peligro ahora? Llame al 123" in page.words
    assert "190" not in page.words
    # A browser that asks for no language of ours gets the profile's first.
    assert "¿Peligro ahora?" in Walk(client, {"Accept-Language": "de"}).page.words
    assert client.get("/exit").headers["Location"] == "https://www.ideam.gov.co/"


def test_the_form_asks_for_no_postal_code_and_names_departments(
    client: FlaskClient, line: PublicLine
) -> None:
    walk = Walk(client, ES)
    walk.press("go=skip")
    walk.press(what="Venden drogas en la esquina")
    assert "CEP" not in walk.page.words and "departamento" in walk.page.words
    walk.press(where="San Andrés")
    assert "San Andrés, Santander" in walk.page.words
    assert "San Andrés, San Andrés y Providencia" in walk.page.words
    walk.press(municipality="CO:DANE:68669")
    assert "San Andrés, Santander" in walk.to_check().words
    before = {row.id for row in stored(line)}
    assert walk.press("go=send").receipt
    (new,) = [row for row in stored(line) if row.id not in before]
    assert (new.queue, new.municipality) == ("general:CO", "CO:DANE:68669")


def test_the_api_gives_colombias_numbers_by_what_is_told(client: FlaskClient) -> None:
    def advice(code: str) -> str:
        told = {"description": "Pasa todos los días", "language": "es", "crime_types": [code]}
        answer = client.post("/api/v1/tips", json=told | {"urgency": "now"})
        assert answer.json["emergency"]["number"] == "123"
        return " ".join(answer.json["advice"])

    assert "155" in advice("GBV-01")
    assert "141" in advice("CHD-04")
    assert "165" in advice("ORG-05")
    assert {"180", "190", "100"}.isdisjoint(advice("VUL-01").replace(",", "").split())


def test_a_text_message_is_asked_where_without_a_postal_code(
    client: FlaskClient, line: PublicLine
) -> None:
    phone = TextPhone(Inside(client, line.settings), "+573000000002", "+576010000000")
    phone.send("Venden drogas en el parque, todos los dias")
    assert phone.send("1") == [
        "¿En peligro ahora? Llame al 123.\n¿Donde? Ciudad, barrio o calle. 0 = no sé."
    ]


def test_a_caller_is_asked_for_no_postal_code_and_leaves_a_tip(
    client: FlaskClient, line: PublicLine
) -> None:
    phone = VoicePhone(Inside(client, line.settings), "+573000000003", "+576010000000")
    before = len(stored(line))
    assert phone.dial()[0] == SPOKEN[Prompt.LANGUAGE].say(Language.ES, key=1)
    assert any("123" in said for said in phone.press("1"))
    phone.press("0")
    heard = phone.press("4")  # drugs: next comes the question whether to speak
    assert len(stored(line)) == before + 1
    exchange = client.application.extensions["exchange"]
    session = exchange.sessions.get(exchange.sessions.key("call", phone.sid))
    assert session is not None and session.standing.state is State.RECORD
    assert MENUS[Prompt.RECORD][0][2].say(Language.ES, key="1") in heard
    phone.hang_up()


def test_the_demo_tells_colombian_tips_and_seats_people_who_speak_spanish(
    line: PublicLine,
) -> None:
    before = {row.id for row in stored(line)}
    demo.seed_tips(line, 19)
    new = [row for row in stored(line) if row.id not in before]
    kinds = {queue_kind(row.queue) for row in new}
    assert len(new) == 19 == len(synthetic.templates("CO"))
    assert {QueueKind.GENERAL, QueueKind.GBV, QueueKind.INTEGRITY, QueueKind.CHILDREN} <= kinds
    assert sum((row.municipality or "").startswith("CO:DANE:") for row in new) > 5
    seats = demo._seats(line.profile)
    inbox = next(seat.agency for seat in seats if seat.role == "agency")
    assert f"agency:{inbox}" in line.profile.recipients()
    assert "Soacha" in tour.curl(line.settings, "http://127.0.0.1:8000")
    assert "Niter" not in "".join(tour.tour(line.settings, Ports(1, 2, 3), []))
