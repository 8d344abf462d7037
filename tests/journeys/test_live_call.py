"""A live call: the script in two languages, marks before anything is stored, a receipt to read."""

from __future__ import annotations

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.errors import Unavailable
from hotline.store.tips import Listed, Tips
from hotline.tips import Channel, Language, Priority, QueueKind, State, queue_kind
from hotline.triage.opening import open_tip
from hotline.vault.receipts import read_code
from hotline.web.i18n import say
from tests.calls import PHONE, SPANISH, Call, gone
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import SignIn

BEATEN = "Mi vecino le pega a su mujer todas las noches, la amenaza de muerte"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def stored(line: StaffLine) -> list[Listed]:
    return line.tips.queue(list(line.profile.queues), list(State))


def test_a_call_in_spanish_taken_by_somebody_who_reads_portuguese(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    paulo = office("paulo")
    paulo.get("/desk")
    assert 'href="/calls/new"' in paulo.html
    call = Call(paulo)
    call.press(spoken="es")
    for language in (Language.ES, Language.PT):
        assert say(language, "What is happening?") in call.words
        assert say(language, "Do not tell me your name or your number. Nobody needs them.") in (
            call.words
        )
    assert call.words.index("190") < call.words.index(say(Language.ES, "What is happening?"))

    call.typed.pop("spoken")
    call.press(what=SPANISH, where="Niterói, RJ", who="El Beto, teléfono 21 98765-4321")
    assert gone(call.html) == [PHONE]
    assert "El Beto, teléfono 21 98765-4321" in call.html
    assert not stored(staff_line), "nothing is stored before it is sent"

    call.press("send")
    assert len(call.receipt) == 20 and read_code(call.receipt)
    digits = [
        say(Language.ES, name) for name in ["zero", "one", "two", "three", "four", "five", "six"]
    ]
    first = [int(digit) for digit in call.receipt[:4]]
    said = " ".join(digits[n] if n < 7 else {7: "siete", 8: "ocho", 9: "nueve"}[n] for n in first)
    assert f'<span lang="es">{said}</span>' in call.html
    assert say(Language.ES, "I say it slowly, and then once more.") in call.words
    assert 'href="/calls/new"' in call.html and 'href="/desk"' in call.html

    (row,) = stored(staff_line)
    assert (queue_kind(row.queue), row.state) == (QueueKind.GENERAL, State.WAITING)
    tip = open_tip(staff_line, sign_in("gabi"), row.id).content.tip
    assert (tip.channel, tip.language) == (Channel.OPERATOR, Language.ES)
    assert PHONE not in tip.words and "98765-4321" in tip.words
    assert public_line.pipeline.follow_up(call.receipt).status == "waiting"
    assert paulo.next() == row.id.hex()


def test_violence_at_home_brings_its_questions_and_goes_to_its_desk(
    staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    paulo = office("paulo")
    call = Call(paulo)
    assert not call.asked
    call.press(what=BEATEN, where="Niterói, RJ")
    assert call.asked == {"gbv-safe"}, "what comes after a gate waits until it is opened"
    call.press(detail__gbv__safe="no")
    assert call.asked == {"gbv-safe"}
    call.press(detail__gbv__safe="yes")
    assert "gbv-danger" in call.asked
    assert "hay un arma" in call.words and "há arma" in call.words
    call.press("send", detail__gbv__danger=["weapon", "children"])
    (row,) = stored(staff_line)
    assert queue_kind(row.queue) is QueueKind.GBV
    tip = open_tip(staff_line, sign_in("gabi"), row.id).content.tip
    assert set(tip.ticked) == {"gbv-safe:yes", "gbv-danger:weapon", "gbv-danger:children"}
    # Whoever typed a tip may not read it: the desk's certificate decides, not the call.
    assert paulo.get(f"/tips/{row.id.hex()}").status_code == 404


def test_a_body_that_is_accused_gets_nothing_because_a_person_typed_it(
    staff_line: StaffLine, office: Office
) -> None:
    call = Call(office("paulo"), "pt")
    call.press("send", what="Policiais do batalhão cobram propina dos traficantes em Niterói, RJ")
    assert call.receipt
    (row,) = stored(staff_line)
    assert queue_kind(row.queue) is QueueKind.INTEGRITY


def test_danger_is_told_first_and_rings(staff_line: StaffLine, office: Office) -> None:
    call = Call(office("paulo"))
    call.press("send", urgency="now", what="Un hombre está disparando en la plaza", where="Niterói")
    banner, number = call.html.index('class="banner"'), call.html.index('class="digits"')
    assert banner < number and "190" in call.html[banner:number]
    (row,) = stored(staff_line)
    assert row.priority is Priority.P0
    call = Call(office("gabi"))
    call.press("send", urgency="past", what="Venden drogas en la plaza", where="Niterói, RJ")
    assert 'class="banner"' not in call.html


def test_a_place_in_doubt_is_asked_before_it_is_sent(
    staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    call = Call(office("paulo"), "pt")
    refused = call.press("send", what="Venda de drogas na praça", where="Santa Rita")
    assert refused.status_code == 422 and not stored(staff_line)
    assert 'href="#municipality"' in call.html and 'id="municipality"' in call.html
    assert "Venda de drogas na praça" in call.html
    call.press("send", municipality="none")
    (row,) = stored(staff_line)
    assert call.receipt
    assert open_tip(staff_line, sign_in("gabi"), row.id).content.tip.municipality is None


def test_nothing_told_is_nothing_sent(staff_line: StaffLine, office: Office) -> None:
    call = Call(office("paulo"))
    assert call.press("send", urgency="now").status_code == 422
    assert 'href="#what"' in call.html
    too_long = call.press("send", what="x" * 20_001)
    assert too_long.status_code == 413 and not stored(staff_line)


def test_a_second_press_gives_the_same_receipt_and_one_tip(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    paulo = office("paulo")
    call = Call(paulo)
    call.press("send", what=SPANISH, where="Niterói, RJ")
    receipt = call.receipt
    call.press("send")
    assert call.receipt == receipt and len(stored(staff_line)) == 1
    # The operator goes back, adds a word and sends again: it joins the same tip.
    call.press("send", more="Tienen un fusil")
    assert call.receipt == receipt and len(stored(staff_line)) == 1
    paulo.get(f"/tips/{paulo.next()}")
    assert "Tienen un fusil" in paulo.html
    assert Call(paulo).name != call.typed["call"], "the next call is another one"


def test_enter_never_sends(office: Office) -> None:
    call = Call(office("paulo"))
    form = call.html[call.html.index('data-marks="/calls/marks"') :]
    button = form[form.index("<button") : form.index("</button>")]
    assert 'value="check"' in button
    call.hand.post("/calls/new", **call.typed, what=SPANISH)  # no button at all
    assert not call.receipt


def test_starting_again_shows_an_empty_page_and_tells_the_browser_to_forget(
    staff_line: StaffLine, office: Office
) -> None:
    paulo = office("paulo")
    call = Call(paulo)
    call.press(what=SPANISH, where="Niterói, RJ")
    answer = paulo.client.post("/calls/restart", data={"token": paulo.token})
    assert answer.status_code == 303 and "cache" in answer.headers["Clear-Site-Data"]
    again = Call(paulo)
    assert again.name != call.typed["call"] and PHONE not in again.html
    assert not stored(staff_line)


def test_when_the_line_cannot_store_the_page_stays_to_be_sent_again(
    staff_line: StaffLine, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise Unavailable

    call = Call(office("paulo"))
    with monkeypatch.context() as patch:
        patch.setattr(Tips, "store", broken)
        assert call.press("send", what=SPANISH, where="Niterói, RJ").status_code == 503
    assert SPANISH in call.html and not call.receipt
    assert call.name == call.typed["call"]
    call.press("send")
    assert call.receipt and len(stored(staff_line)) == 1


def test_what_was_typed_is_shown_when_the_session_is_over(
    office: Office, clock: MovableClock
) -> None:
    call = Call(office("paulo"))
    clock.advance(20 * 60)
    answer = call.press("send", what=SPANISH, detail__drugs__how="En motos")
    assert answer.status_code == 401
    assert SPANISH in call.html


def test_only_people_of_a_desk_take_calls(staff_line: StaffLine, office: Office) -> None:
    for name in ("samuel", "olga", "ana"):
        assert office(name).get("/calls/new").status_code == 404, name
    for name in ("paulo", "sofia"):
        assert office(name).get("/calls/new").status_code == 200, name
    ines, gabi = office("ines"), office("gabi")
    assert ines.get("/calls/new").status_code == 200, "a special desk's operator too"
    person = staff_line.access.people.named("ines")
    staff_line.access.people.certify(person.id, "integrity", "2020-01-01")
    for path in ("/calls/new", "/calls/marks", "/calls/restart"):
        data = {"token": ines.token, "what": SPANISH}
        assert ines.client.post(path, data=data).status_code == 404, path
        data = {"token": "0" * 32}
        assert gabi.client.post(path, data=data).status_code == 403, path


def test_who_took_calls_is_marked_once_a_day_and_never_with_a_tip(
    staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    paulo = office("paulo")
    for _ in range(3):
        Call(paulo).press("send", what=SPANISH)
    staff_line.audit.sequence()
    records = staff_line.audit.records()
    (mark,) = [record for record in records if "took_calls" in record]
    assert staff_line.access.people.named("paulo").id.hex() in mark
    assert not any(row.id.hex() in mark for row in stored(staff_line))
    assert staff_line.audit.count("received") == 3
    clock.advance(24 * 3600)
    Call(office("paulo"))
    assert staff_line.audit.count("took_calls") == 2
