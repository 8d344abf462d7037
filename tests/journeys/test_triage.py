"""Triage: a tip is pulled, read, asked about and decided, by those who may and by nobody else."""

from __future__ import annotations

import re
import threading
from html import unescape

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.intake.thread import Receipt
from hotline.store.tips import Listed
from hotline.tips import Channel, Contact, Language, State
from hotline.triage.audit import balanced, ledger
from hotline.triage.opening import open_tip
from hotline.triage.pages.door import DONE
from hotline.web.i18n import say
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.line import SignIn

DRUGS = "Venda de drogas na praça em Niterói, RJ, toda noite"
PHONE = "98765-4321"
DOUBTFUL = f"Venda de drogas na rua das Acácias em Niterói, RJ. Telefone 21 {PHONE}"


OWN = "21 99888-7766"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def tell(line: PublicLine, text: str = DRUGS, **more: object) -> Receipt:
    contact = Contact(channel=Channel.WEB, text=text, language=Language.PT, **more)
    return line.pipeline.receive(contact)


def all_tips(line: StaffLine) -> list[Listed]:
    return line.tips.queue(list(line.profile.queues), list(State))


def offered(hand: Hand, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)"', hand.html)


def numbers(hand: Hand) -> list[str]:
    """The numbers of the doubtful spans as the text bears them."""
    return re.findall(r'<mark class="doubt"><a href="#doubt-(\d+)">', hand.html)


def said(code: str) -> str:
    return say(Language.PT, DONE[code])


def test_a_tips_whole_life(public_line: PublicLine, staff_line: StaffLine, office: Office) -> None:
    receipt = tell(public_line)
    operator, agency = office("paulo"), office("samuel")
    tip = operator.next()
    assert DRUGS in operator.html

    operator.post(f"/tips/{tip}/ask", prepared="", text="Há armas no local?")
    assert said("asked") in operator.html
    found = public_line.pipeline.follow_up(receipt.code)
    assert found.status == "asked"
    assert [(m.kind, m.text, m.language) for m in found.messages] == [
        ("question", "Há armas no local?", "pt")
    ]

    answer = Contact(channel=Channel.WEB, text="Sim, dois fuzis", language=Language.PT)
    public_line.pipeline.append(receipt.code, answer)
    operator.get(f"/tips/{tip}")
    assert "Sim, dois fuzis" in operator.html
    (addition,) = offered(operator, "addition")
    operator.post(f"/tips/{tip}/fold", addition=addition)
    assert not offered(operator, "addition")

    inbox = staff_line.access.people.named("samuel").agency
    operator.post(f"/tips/{tip}/forward", other=inbox, reason="credible")
    assert said("forwarded") in operator.html
    assert public_line.pipeline.follow_up(receipt.code).status == "forwarded"

    (package,) = staff_line.desk.packages(inbox)
    agency.get(f"/inbox/{package.id.hex()}")
    assert DRUGS in agency.html and "Sim, dois fuzis" in agency.html
    agency.post(f"/inbox/{package.id.hex()}/receipt")
    assert public_line.pipeline.follow_up(receipt.code).status == "confirmed"
    agency.post(f"/inbox/{package.id.hex()}/outcome", outcome="arrest")
    found = public_line.pipeline.follow_up(receipt.code)
    assert found.status == "arrest"
    assert len(found.messages) == 1
    assert balanced(ledger(staff_line))


def test_the_most_urgent_that_waited_longest_comes_first(
    public_line: PublicLine, staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line)
    clock.advance(7200)
    tell(public_line)
    tell(public_line, "Tem um homem armado atirando agora na praça em Niterói, RJ")
    ranks = {row.id.hex(): (row.priority, row.due_at) for row in all_tips(staff_line)}
    hand, pulled = office("paulo"), []
    while tip := hand.next():
        pulled.append(ranks[tip])
        hand.post(f"/tips/{tip}/release")
    assert len(pulled) == 3
    assert pulled == sorted(pulled)
    assert pulled[0] < pulled[1] < pulled[2]


def test_two_operators_never_pull_the_same_tip(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    for _ in range(6):
        tell(public_line)
    hands = [office(name) for name in ("paulo", "gabi", "tereza")]
    pulled: list[str] = []
    start = threading.Barrier(len(hands))

    def work(hand: Hand) -> None:
        start.wait()
        for _ in range(2):
            tip = hand.next()
            pulled.append(tip)
            hand.post(f"/tips/{tip}/forward", other="mprj", reason="credible")

    threads = [threading.Thread(target=work, args=(hand,)) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "" not in pulled
    assert len(set(pulled)) == 6 == len(pulled)
    assert ledger(staff_line)["forwarded"] == 6


def test_a_lease_runs_out_and_until_then_nobody_else_decides(
    public_line: PublicLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line)
    paulo, gabi = office("paulo"), office("gabi")
    tip = paulo.next()
    assert gabi.next() == ""
    gabi.get(f"/tips/{tip}")
    gabi.version = paulo.version
    refused = gabi.post(f"/tips/{tip}/note", text="Já vi isto antes")
    assert refused.status_code == 409
    assert "Já vi isto antes" in gabi.html
    beat = {"token": paulo.token}
    clock.advance(10 * 60)
    assert paulo.client.post(f"/tips/{tip}/heartbeat", data=beat).status_code == 200
    gabi.get("/desk")
    clock.advance(10 * 60)
    assert gabi.next() == "", "the sign of life renewed the lease"
    clock.advance(6 * 60)
    assert gabi.next() == tip
    assert paulo.client.post(f"/tips/{tip}/heartbeat", data=beat).status_code == 401


def test_a_stale_version_conflicts_and_keeps_what_was_typed(
    public_line: PublicLine, office: Office
) -> None:
    receipt = tell(public_line)
    hand = office("paulo")
    tip = hand.next()
    read = hand.version
    hand.post(f"/tips/{tip}/note", text="Primeira nota")
    hand.version = read
    stale = hand.post(f"/tips/{tip}/reply", prepared="", text="Obrigado pela <ajuda>")
    assert stale.status_code == 409
    assert "Obrigado pela <ajuda>" in unescape(hand.html)
    assert public_line.pipeline.follow_up(receipt.code).messages == ()


def test_doubtful_words_are_decided_before_forwarding(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    tell(public_line, DOUBTFUL)
    hand = office("paulo")
    tip = hand.next()
    assert PHONE not in hand.html
    refused = hand.post(f"/tips/{tip}/forward", lead="mprj", reason="credible")
    assert refused.status_code == 409
    assert not staff_line.desk.packages_of(bytes.fromhex(tip))
    hand.post(f"/tips/{tip}/reveal")
    assert PHONE in hand.html
    before = staff_line.tips.body(bytes.fromhex(tip))
    hand.post(f"/tips/{tip}/doubts", **{"doubt-1": "remove"})
    assert said("decided") in hand.html and PHONE not in hand.html
    assert staff_line.tips.body(bytes.fromhex(tip)) != before
    opened = open_tip(staff_line, sign_in("gabi"), bytes.fromhex(tip))
    assert opened.content.tip.doubts == ()
    assert PHONE not in opened.content.tip.text
    assert [removed.kind for removed in opened.content.tip.removed] == ["phone"]
    hand.post(f"/tips/{tip}/forward", lead="mprj", reason="credible")
    assert [p.agency for p in staff_line.desk.packages_of(bytes.fromhex(tip))] == ["mprj"]


def test_kept_words_are_forwarded(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line, DOUBTFUL)
    hand, agency = office("paulo"), office("samuel")
    tip = hand.next()
    hand.post(f"/tips/{tip}/doubts", **{"doubt-1": "keep"})
    inbox = staff_line.access.people.named("samuel").agency
    hand.post(f"/tips/{tip}/forward", other=inbox, reason="credible")
    (package,) = staff_line.desk.packages(inbox)
    agency.get(f"/inbox/{package.id.hex()}")
    assert DOUBTFUL in agency.html


def test_doubtful_words_are_decided_one_by_one(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    tell(public_line, f"{DOUBTFUL}. O perfil @marcao_vendas manda. Me liguem no {OWN}")
    hand = office("paulo")
    tip = hand.next()
    assert numbers(hand) == ["1", "2"]
    assert "marcao_vendas" not in hand.html and "99888" not in hand.html
    hand.post(f"/tips/{tip}/doubts", **{"doubt-1": "keep"})
    assert said("decided_one") in hand.html and numbers(hand) == ["1"]
    assert PHONE in hand.html and "marcao_vendas" not in hand.html
    stale = str(int(hand.version) - 1)
    assert hand.post(f"/tips/{tip}/doubts", version=stale, **{"doubt-1": "keep"}).status_code == 409
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/doubts", **{"doubt-1": "remove"})
    assert said("decided") in hand.html and numbers(hand) == []
    told = open_tip(staff_line, sign_in("gabi"), bytes.fromhex(tip)).content.tip
    assert told.doubts == ()
    assert PHONE in told.text and "marcao_vendas" not in told.text
    assert [removed.kind for removed in told.removed] == ["phone", "handle"]


def test_words_that_were_shown_stay_shown_until_the_last_is_decided(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line, f"{DOUBTFUL}. O perfil @marcao_vendas manda")
    hand = office("paulo")
    tip = hand.next()
    shown = {"shown": "yes", "token": hand.token, "version": hand.version}
    answer = hand.client.post(f"/tips/{tip}/doubts", data={**shown, "doubt-1": "remove"})
    assert answer.status_code == 307
    assert answer.location == f"/tips/{tip}/reveal?done=decided_one#doubt-1"
    hand.post(f"/tips/{tip}/reveal?done=decided_one")
    assert "marcao_vendas" in hand.html and PHONE not in hand.html
    assert 'name="shown"' in hand.html
    hand.post(f"/tips/{tip}/doubts", shown="yes", **{"doubt-1": "remove"})
    assert said("decided") in hand.html and "marcao_vendas" not in hand.html
    staff_line.audit.sequence()
    seen = [r for r in staff_line.audit.records() if tip in r and '"event":"revealed"' in r]
    assert len(seen) == 1, "every page that shows them is an event"


def test_the_page_says_what_was_removed_and_why_in_the_readers_language(
    public_line: PublicLine, office: Office
) -> None:
    tell(public_line, f"{DOUBTFUL}. Aqui é a Joana Ribeiro. Me liguem no {OWN}. Joana Ribeiro")
    paulo = office("paulo")
    tip = paulo.next()
    assert "Joana" not in paulo.html and "99888" not in paulo.html
    for language, kinds, doubt, reasons in (
        ("pt", ["nome 2", "telefone 1"], "telefone a conferir", "o texto não diz de quem é"),
        ("ht", ["non 2", "telefòn 1"], "telefòn", "tèks la pa di se pou ki moun"),
        ("en", ["name 2", "phone number 1"], "phone number to check", "does not say whose it is"),
    ):
        paulo.post("/settings", language=language)
        page = unescape(paulo.get(f"/tips/{tip}").get_data(as_text=True))
        counted = re.findall(r'<span class="kind">(.*?) <b>(\d+)</b>', page)
        assert [f"{kind} {count}" for kind, count in counted] == kinds
        assert re.search(rf"<mark.*?{doubt}.*?</mark>", page)
        assert reasons in page
    assert "an identifier nobody could attribute" in page


def test_who_only_looks_on_is_offered_no_decision(public_line: PublicLine, office: Office) -> None:
    tell(public_line, DOUBTFUL)
    paulo, gabi = office("paulo"), office("gabi")
    tip = paulo.next()
    assert offered(paulo, "doubt-1") == ["remove", "keep"]
    gabi.get(f"/tips/{tip}")
    assert numbers(gabi) == ["1"] and offered(gabi, "doubt-1") == []


def test_recused_bodies_are_never_offered_and_never_accepted(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    tell(
        public_line,
        "Policiais militares cobram propina dos comerciantes em Niterói, RJ",
        implicates=("pmerj",),
    )
    hand = office("ines")
    tip = hand.next()
    opened = open_tip(staff_line, sign_in("olga"), bytes.fromhex(tip))
    assert "sesp-rj" in opened.recused, "the police stand under the secretariat"
    options = re.findall(r'<option value="([^"]+)"', hand.html)
    choices = {*offered(hand, "lead"), *offered(hand, "copy"), *options}
    under = {
        agency
        for agency in staff_line.profile.agencies
        if staff_line.profile.under(agency, opened.recused)
    }
    assert "pmerj" in under
    assert not choices & under
    refused = hand.post(f"/tips/{tip}/forward", lead="pmerj", reason="credible")
    assert refused.status_code == 422
    assert not staff_line.desk.packages_of(bytes.fromhex(tip))
    recused_queues = [q for q, e in staff_line.profile.queues.items() if e.agency in under]
    for queue in recused_queues:
        assert hand.post(f"/tips/{tip}/reroute", queue=queue, reason="training").status_code == 422


def test_without_a_current_certificate_a_special_tip_does_not_exist(
    public_line: PublicLine, staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line, "Meu vizinho bate na mulher toda noite em Niterói, RJ")
    (row,) = all_tips(staff_line)
    assert row.queue == "gbv:BR-RJ"
    assert row.type_group is None and row.municipality is None
    paulo, gabi = office("paulo"), office("gabi")
    path = f"/tips/{row.id.hex()}"
    there, nowhere = paulo.get(path), paulo.get(f"/tips/{bytes(16).hex()}")
    assert there.status_code == nowhere.status_code == 404
    assert there.get_data() == nowhere.get_data()
    assert paulo.next() == ""
    assert gabi.next() == row.id.hex()

    person = staff_line.access.people.named("gabi")
    staff_line.access.certify(bytes(16), person, "gbv", "2026-03-09")
    assert gabi.get(path).status_code == 404
    assert gabi.post(f"{path}/close", reason="hoax").status_code == 404
    assert gabi.next() == ""
    gabi.get("/desk")
    assert 'class="shut"' in gabi.html
    assert not gabi.get("/tips").get_data(as_text=True).count(row.id.hex())


def test_a_tip_about_a_child_is_closed_by_two_people(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    receipt = tell(public_line, "Uma menina de 8 anos apanha todo dia do padrasto em Niterói, RJ")
    gabi, sofia = office("gabi"), office("sofia")
    tip = gabi.next()
    gabi.post(f"/tips/{tip}/close", reason="not_actionable")
    assert said("close_requested") in gabi.html
    assert gabi.next() == ""
    gabi.get(f"/tips/{tip}")
    again = gabi.post(f"/tips/{tip}/close", reason="not_actionable")
    assert again.status_code == 409
    assert ledger(staff_line)["closed"] == 0

    sofia.get(f"/tips/{tip}")
    assert 'id="second-title"' in sofia.html
    gabi.post(f"/tips/{tip}/release")
    sofia.post(f"/tips/{tip}/close", reason="not_actionable")
    assert said("closed") in sofia.html
    assert ledger(staff_line)["closed"] == 1
    assert public_line.pipeline.follow_up(receipt.code).status == "closed"

    sofia.get(f"/tips/{tip}")
    sofia.post(f"/tips/{tip}/reopen")
    sofia.post(f"/tips/{tip}/close", reason="hoax")
    assert said("close_requested") in sofia.html, "a spent request confirms nothing"


def test_the_second_reader_may_disagree(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line, "Uma menina de 8 anos apanha todo dia do padrasto em Niterói, RJ")
    gabi, sofia = office("gabi"), office("sofia")
    tip = gabi.next()
    gabi.post(f"/tips/{tip}/close", reason="hoax")
    sofia.get(f"/tips/{tip}")
    sofia.post(f"/tips/{tip}/keep")
    assert said("close_refused") in sofia.html
    assert 'id="second-title"' not in sofia.html
    assert ledger(staff_line)["closed"] == 0


def test_an_ordinary_tip_is_closed_by_one_person_with_a_reason(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line)
    hand = office("paulo")
    tip = hand.next()
    assert hand.post(f"/tips/{tip}/close", reason="because").status_code == 422
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/close", reason="duplicate")
    assert said("closed") in hand.html
    assert balanced(ledger(staff_line)) and ledger(staff_line)["closed"] == 1


def test_a_corrected_type_sends_the_tip_where_it_belongs(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    receipt = tell(public_line)
    paulo, gabi = office("paulo"), office("gabi")
    tip = paulo.next()
    assert paulo.post(f"/tips/{tip}/correct", type="XXX-99", place="").status_code == 422
    paulo.get(f"/tips/{tip}")
    assert paulo.post(f"/tips/{tip}/correct", type="GBV-01", place="Xyzzy").status_code == 422
    paulo.get(f"/tips/{tip}")
    paulo.post(f"/tips/{tip}/correct", type=["GBV-01", ""], place="São Gonçalo, RJ")
    assert said("rerouted") in paulo.html
    row = staff_line.tips.one(bytes.fromhex(tip))
    assert row.queue == "gbv:BR-RJ"
    assert row.type_group is None and row.municipality is None
    assert paulo.get(f"/tips/{tip}").status_code == 404
    more = Contact(channel=Channel.WEB, text="Ele voltou ontem", language=Language.PT)
    public_line.pipeline.append(receipt.code, more)
    assert gabi.next() == tip
    assert DRUGS in gabi.html and "São Gonçalo" in gabi.html
    assert "Ele voltou ontem" in gabi.html, "the receipt leads to the new queue"


def test_a_rerouted_tip_leaves_its_queue_with_its_additions(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    receipt = tell(public_line)
    more = Contact(channel=Channel.WEB, text="É na rua de trás", language=Language.PT)
    public_line.pipeline.append(receipt.code, more)
    paulo, tereza = office("paulo"), office("tereza")
    tip = paulo.next()
    assert paulo.post(f"/tips/{tip}/reroute", queue="nowhere", reason="place").status_code == 422
    paulo.get(f"/tips/{tip}")
    paulo.post(f"/tips/{tip}/reroute", queue="trafficking:BR-RJ", reason="training")
    assert said("rerouted") in paulo.html
    assert paulo.get(f"/tips/{tip}").status_code == 404
    bodies = [body.id for body in staff_line.tips.bodies(bytes.fromhex(tip))]
    recipients = {w.recipient for w in staff_line.tips.wraps(bodies)}
    assert recipients == {"queue:trafficking:BR-RJ"}
    tereza.get(f"/tips/{tip}")
    assert DRUGS in tereza.html and "É na rua de trás" in tereza.html


def test_reading_and_revealing_leave_marks_that_name_the_reader(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line, DOUBTFUL)
    hand = office("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/reveal")
    staff_line.audit.sequence()
    paulo = staff_line.access.people.named("paulo").id.hex()
    records = [record for record in staff_line.audit.records() if tip in record]
    marks = [
        event
        for event in ("claimed", "read", "revealed")
        if any(f'"event":"{event}"' in record and paulo in record for record in records)
    ]
    assert marks == ["claimed", "read", "revealed"]
    assert not any("Niter" in record for record in staff_line.audit.records())


def test_every_page_of_the_console_declares_who_may_use_it(office: Office) -> None:
    table = office.app.extensions["console_access"]
    free = {"static", "health.healthz", "health.readyz"}
    rules = {rule.endpoint for rule in office.app.url_map.iter_rules()}
    ours = {endpoint for endpoint in rules if endpoint.startswith("console.")}
    assert ours == set(table)
    assert all(roles for roles in table.values())
    assert {endpoint for endpoint, roles in table.items() if "anyone" in roles} == {
        "console.sign_in",
        "console.sign_in_page",
        "console.join",
        "console.join_page",
        "console.first_code",
    }
    others = {endpoint for endpoint in rules - ours if not endpoint.startswith("health")}
    # Nobody signs in to these: a token or this machine alone, and an agency's key (test_status,
    # test_agency_by_key).
    assert others - free == {"metrics.show"} | {
        f"agencies.{name}" for name in ("answer", "confirm", "described", "fetch", "listed")
    }


def test_nobody_enters_without_a_session_or_with_another_role(office: Office) -> None:
    hands = {name: office(name) for name in ("paulo", "samuel", "olga", "ana")}
    table = office.app.extensions["console_access"]
    stranger = office.app.test_client()
    for rule in office.app.url_map.iter_rules():
        roles = table.get(rule.endpoint, {"anyone"})
        if "anyone" in roles:
            continue
        path = rule.build(dict.fromkeys(rule.arguments, "00" * 16))[1]
        posting = "POST" in rule.methods
        answer = stranger.post(path) if posting else stranger.get(path)
        assert answer.status_code == (401 if posting else 303), path
        if "signed-in" in roles:
            continue
        for hand in hands.values():
            person = office.line.access.resume(hand.client.get_cookie("__Host-hotline").value)
            if person.has(*roles):
                continue
            data = {"token": hand.token}
            answer = hand.client.post(path, data=data) if posting else hand.client.get(path)
            assert answer.status_code == 404, path


def test_a_form_of_another_site_or_session_is_refused(
    public_line: PublicLine, office: Office
) -> None:
    tell(public_line)
    hand, other = office("paulo"), office("gabi")
    for data, headers in (
        ({}, {}),
        ({"token": "0" * 64}, {}),
        ({"token": other.token}, {}),
        ({"token": hand.token}, {"Sec-Fetch-Site": "cross-site"}),
        ({"token": hand.token}, {"Sec-Fetch-Site": "same-site"}),
    ):
        assert hand.client.post("/next", data=data, headers=headers).status_code == 403
    right = {"Sec-Fetch-Site": "same-origin"}
    answer = hand.client.post("/next", data={"token": hand.token}, headers=right)
    assert answer.status_code == 303


def test_the_cookie_is_strict_and_ends_with_the_session(
    office: Office, clock: MovableClock
) -> None:
    hand = office("paulo")
    clock.advance(60)
    fields = {"name": "paulo", "passphrase": "wrong", "code": "000000"}
    assert office.app.test_client().post("/sign-in", data=fields).status_code == 401
    cookie = hand.client.get_cookie("__Host-hotline")
    assert cookie is not None
    assert cookie.secure and cookie.http_only and cookie.same_site == "Strict"
    assert cookie.path == "/" and cookie.max_age is None
    assert hand.get("/desk").status_code == 200
    clock.advance(16 * 60)
    assert hand.get("/desk").status_code == 303

    gabi = office("gabi")
    value = gabi.client.get_cookie("__Host-hotline").value
    gabi.post("/sign-out")
    gabi.client.set_cookie("__Host-hotline", value)
    assert gabi.get("/desk").status_code == 303


def test_everybody_reads_the_console_in_their_own_language(office: Office) -> None:
    hand = office("paulo")
    assert '<html lang="pt-BR">' in hand.get("/desk").get_data(as_text=True)
    hand.post("/settings", language="ht")
    assert '<html lang="ht">' in hand.get("/desk").get_data(as_text=True)
