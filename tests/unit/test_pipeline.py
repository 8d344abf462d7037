"""A tip's life on the real assembly: stored once, sealed, opened only by its queue."""

from __future__ import annotations

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.intake.thread import Thread
from hotline.routing.classify import REMOVED
from hotline.routing.route import SURE
from hotline.tips import (
    Certainty,
    Channel,
    Contact,
    Language,
    Question,
    QueueKind,
    State,
    queue_kind,
)
from hotline.triage.access import NoCertificate
from hotline.vault.content import decode
from hotline.vault.envelope import queue_recipient
from hotline.vault.keys import open_body, open_wrap
from tests.line import SignIn
from tests.routing.labelled import tips

DRUGS = "Boca de fumo na rua das Acácias em Niterói, RJ, toda noite"


def open_tip(line: StaffLine, who: object, tip: bytes):
    row = line.tips.one(tip)
    body = line.tips.body(tip)
    (wrap,) = [w for w in line.tips.wraps([tip]) if w.recipient == queue_recipient(row.queue)]
    seed = line.access.epoch_seed(who, wrap.recipient, wrap.epoch)
    return decode(open_body(open_wrap(seed, wrap, body), body))


def only_tip(line: StaffLine):
    (row,) = line.tips.queue(list(line.profile.queues), list(State))
    return row


def test_a_received_tip_is_opened_by_its_queue(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    receipt = public_line.pipeline.receive(
        Contact(channel=Channel.WEB, text=DRUGS, answers={Question.WHEN: "sextas"})
    )
    row = only_tip(staff_line)
    content = open_tip(staff_line, sign_in("paulo"), row.id)
    assert len(receipt.code) == 20
    assert row.queue == "general:BR-RJ"
    assert row.municipality == "BR:IBGE:3303302"
    assert content.tip.text == DRUGS
    assert content.tip.language is Language.PT
    assert content.tip.answers[Question.WHEN] == "sextas"
    assert content.classified.primary == "ORG-01"


def test_a_repeated_message_changes_nothing_and_gets_the_same_answer(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    contact = Contact(channel=Channel.SMS, text=DRUGS)
    first = public_line.pipeline.receive(contact, once="sms:SM1")
    again = public_line.pipeline.receive(contact, once="sms:SM1")
    assert again.repeated
    assert again.answer == first.answer
    only_tip(staff_line)


def test_a_conversation_is_seen_by_the_unresolved_desk_until_it_ends(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    from hotline.delivery.senders import RecordingProvider
    from hotline.jobs.embedded import EmbeddedJobs
    from hotline.jobs.tasks import runner
    from hotline.log import Log

    _, thread = public_line.pipeline.open(
        Contact(channel=Channel.SMS, text="vendem droga na praca toda noite"), once="sms:1"
    )
    assert thread is not None
    assert only_tip(staff_line).queue == "unresolved:BR-RJ"
    assert only_tip(staff_line).state is State.OPEN
    thread = Thread.load(thread.dump())
    thread = public_line.pipeline.add(
        thread, Contact(channel=Channel.SMS, answers={Question.WHERE: "Niterói, RJ"}), once="sms:2"
    )
    public_line.pipeline.conclude(thread)
    jobs = EmbeddedJobs(
        runner(staff_line, RecordingProvider(), Log(staff_line.clock, public=False))
    )
    jobs.drain()
    row = only_tip(staff_line)
    assert (row.queue, row.state) == ("general:BR-RJ", State.WAITING)
    assert row.municipality == "BR:IBGE:3303302"
    recipients = {wrap.recipient for wrap in staff_line.tips.wraps([row.id])}
    assert recipients == {"queue:general:BR-RJ"}
    assert open_tip(staff_line, sign_in("paulo"), row.id).tip.text.startswith("vendem droga")


def test_a_special_tip_stays_shut_without_a_certificate(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    public_line.pipeline.receive(
        Contact(
            channel=Channel.WEB, crime_types=("GBV-01",), text="Ele bate na esposa em Niterói RJ"
        )
    )
    row = only_tip(staff_line)
    assert row.queue == "gbv:BR-RJ"
    assert row.type_group is None
    assert row.municipality is None
    assert open_tip(staff_line, sign_in("gabi"), row.id).classified.primary == "GBV-01"
    with pytest.raises(NoCertificate):
        open_tip(staff_line, sign_in("paulo"), row.id)


def test_the_receipt_opens_its_tip_and_what_is_added_reaches_the_queue(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    receipt = public_line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS))
    assert public_line.pipeline.follow_up(receipt.code).messages == ()
    public_line.pipeline.append(
        receipt.code, Contact(channel=Channel.WEB, text="Agora estão na rua ao lado")
    )
    row = only_tip(staff_line)
    assert len(staff_line.tips.bodies(row.id)) == 2


def test_what_is_added_with_an_unknown_receipt_is_not_lost(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    public_line.pipeline.append(
        "1234 5678", Contact(channel=Channel.WEB, text="Agora estão na rua ao lado")
    )
    only_tip(staff_line)


def test_a_type_that_only_removed_words_told_is_still_known(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    text = "meu padrasto abusa da minha irmã de 8 anos"
    public_line.pipeline.receive(Contact(channel=Channel.WEB, text=text, language=Language.PT))
    assert queue_kind(only_tip(staff_line).queue) is QueueKind.CHILDREN


def test_a_municipality_that_only_removed_words_told_is_still_known(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    """ "I work at the registry of Volta Redonda": the sentence goes, the tip does not go astray."""
    text = "Trabalho no cartório em Volta Redonda. Vendem procurações falsas de gente morta."
    weighed = public_line.pipeline.weigh(Contact(channel=Channel.WEB, text=text))
    assert "Volta Redonda" not in weighed.tip.words
    place = weighed.classified.place
    assert (place.name, place.certainty) == ("Volta Redonda", Certainty.PROBABLE)
    assert place.reasons == (REMOVED,)

    elsewhere = text + " Isso é no fórum de Niterói RJ."
    weighed = public_line.pipeline.weigh(Contact(channel=Channel.WEB, text=elsewhere))
    assert weighed.classified.place.name == "Niterói"
    assert weighed.tip.heard_place is None


def test_stripping_leaves_a_line_knowing_where_most_tips_are_from(public_line: PublicLine) -> None:
    """Of the plain labelled tips from Brazil that name their municipality."""
    told = [tip for tip in tips("plain") if tip.place is None or tip.place[2] == "BR"]
    proposed = right = 0
    for tip in told:
        contact = Contact(channel=Channel.WEB, text=tip.text, language=Language(tip.language))
        place = public_line.pipeline.weigh(contact).classified.place
        if place.municipality and place.certainty in SURE:
            proposed += 1
            right += tip.place is not None and place.name == tip.place[0]
    assert right / proposed >= 0.97
    assert right / sum(tip.place is not None for tip in told) >= 0.88
