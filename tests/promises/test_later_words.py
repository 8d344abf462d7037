"""What a reporter says later is never lost, rings when it is danger, and never reaches the body it
names; and a person's decision is not undone by a conversation that ends after it."""

from __future__ import annotations

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.store.tips import Listed
from hotline.tips import Channel, Contact, Priority, Question, State
from hotline.triage import corrections, dispositions
from hotline.triage.opening import open_tip
from tests.line import SignIn

DRUGS = "Boca de fumo na rua das Acácias em Niterói, RJ, toda noite"
DANGER = "Tiroteio agora na praça em Niterói, RJ, tem gente baleada"
POLICE = "Um policial militar recebe dinheiro dos traficantes toda sexta-feira"


def contact(text: str = "", **more: object) -> Contact:
    return Contact(channel=Channel.SMS, text=text, **more)


def every(line: StaffLine) -> list[Listed]:
    return line.tips.queue(list(line.profile.queues), list(State))


def drain(line: StaffLine) -> None:
    log = Log(line.clock, public=False)
    EmbeddedJobs(runner(line, RecordingProvider(), log)).drain()


def test_words_told_while_a_person_rewrites_the_tip_stand_beside_it(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    _, thread = public_line.pipeline.open(contact(DANGER), once="sms:1")
    assert thread is not None
    paulo, tip = sign_in("paulo"), thread.key.tip
    opened = open_tip(staff_line, paulo, tip)
    corrections.correct(staff_line, paulo, opened, types=["ORG-03"], place="")
    told = contact(answers={Question.WHO: "um homem de boné vermelho"})
    public_line.pipeline.add(thread, told, once="sms:2")
    opened = open_tip(staff_line, paulo, tip)
    assert opened.content.classified.primary == "ORG-03"
    (retold,) = opened.additions
    assert "boné vermelho" in retold.text
    corrections.fold(staff_line, paulo, opened, retold.id)
    opened = open_tip(staff_line, paulo, tip)
    assert "boné vermelho" in opened.content.tip.words
    assert opened.content.classified.primary == "ORG-03"
    assert opened.additions == ()


def test_danger_told_later_rings_like_danger_told_at_once(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    receipt = public_line.pipeline.receive(contact(DRUGS))
    public_line.pipeline.append(receipt.code, contact(DANGER), once="sms:3")
    public_line.pipeline.append(receipt.code, contact(DANGER), once="sms:3")
    urgent = [row for row in every(staff_line) if row.priority is Priority.P0]
    assert len(every(staff_line)) == 2
    assert len(urgent) == 1
    assert staff_line.outbox.counts()["relay", "ready"] == 1


def test_an_accusation_told_later_does_not_reach_the_accused(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    receipt = public_line.pipeline.receive(contact(DRUGS))
    (first,) = every(staff_line)
    public_line.pipeline.append(receipt.code, contact(POLICE), once="sms:4")
    assert len(staff_line.tips.bodies(first.id)) == 1
    (second,) = [row for row in every(staff_line) if row.id != first.id]
    assert second.queue.startswith("integrity")


def test_a_conversation_that_ends_later_does_not_undo_a_persons_move(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    _, thread = public_line.pipeline.open(contact("vendem droga na praca toda noite"), once="s:1")
    assert thread is not None
    tip, olga = thread.key.tip, sign_in("olga")
    opened = open_tip(staff_line, olga, tip)
    reason = next(iter(dispositions.REROUTE_REASONS))
    dispositions.reroute(staff_line, olga, opened, queue="integrity:BR-RJ", reason=reason)
    where = contact(answers={Question.WHERE: "Niterói, RJ"})
    public_line.pipeline.conclude(public_line.pipeline.add(thread, where, once="s:2"))
    drain(staff_line)
    row = staff_line.tips.one(tip)
    assert row is not None
    assert row.queue == "integrity:BR-RJ"
    assert "Niterói" in open_tip(staff_line, olga, tip).content.tip.words
    held = {wrap.recipient for wrap in staff_line.tips.wraps([tip])}
    assert held == {"queue:integrity:BR-RJ"}


def test_a_later_relay_takes_the_place_of_the_one_that_knew_less(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    _, thread = public_line.pipeline.open(contact("tiroteio agora, tem gente baleada"), once="r:1")
    assert thread is not None
    assert thread.relay
    where = contact(answers={Question.WHERE: "Niterói, RJ"})
    later = public_line.pipeline.add(thread, where, once="r:2")
    assert later.relay != thread.relay
    assert staff_line.outbox.counts()["relay", "ready"] == 2
    drain(staff_line)
    assert staff_line.outbox.counts()["relay", "ready"] == 1
