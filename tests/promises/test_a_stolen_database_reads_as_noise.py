"""Promise 3: a stolen database reads as noise, also together with everything intake has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.settings import Settings
from hotline.store.tables import BodyRow, ObservationRow, OutboxRow, ReceiptRow, TipRow, WrapRow
from hotline.tips import Channel, Contact, Question, State, Trace
from hotline.vault.format import Damaged
from hotline.vault.keys import open_small, open_wrap
from hotline.vault.receipts import ReplyKeys, find_tip, stretch
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.promises import canaries
from tests.promises.canaries import Aviary
from tests.promises.ground import line_on, read_once  # noqa: F401 - a fixture
from tests.unit.test_pipeline import open_tip


@pytest.fixture(params=["sqlite", "postgres"])
def settings(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path
) -> Iterator[Settings]:
    yield from line_on(request.param, request, founded_home, tmp_path / "home")


def bytes_at_rest(settings: Settings) -> Iterator[tuple[str, bytes]]:
    yield from canaries.files(settings.home)
    if not settings.sqlite:
        yield from canaries.postgres(settings.database_url)


def test_no_word_of_a_tip_is_anywhere_in_clear(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, settings: Settings
) -> None:
    birds, pipeline = Aviary(), public_line.pipeline
    words = {name: birds.word(name) for name in ("what", "where", "doubt", "first", "later", "app")}
    text = f"Boca de fumo {words['what']} em Niterói RJ. Zap 21 98888-7777 {words['doubt']}"
    whole = Contact(channel=Channel.WEB, text=text, answers={Question.WHERE: words["where"]})
    receipt = pipeline.receive(whole, "form:" + birds.word("form"))
    special = f"Ele bate na esposa {birds.word('special')} em Niterói RJ"
    pipeline.receive(Contact(channel=Channel.WEB, text=special, crime_types=("GBV-01",)))
    urgent = f"Vão matar o vizinho agora {birds.word('urgent')} em Niterói RJ"
    pipeline.receive(Contact(channel=Channel.WEB, text=urgent))
    _, thread = pipeline.open(Contact(channel=Channel.SMS, text=f"droga {words['first']}"), "sms:1")
    assert thread is not None
    later = Contact(channel=Channel.SMS, answers={Question.WHO: f"o Zé {words['later']}"})
    pipeline.conclude(pipeline.add(thread, later, "sms:2", birds.word("said").encode()))
    pipeline.append(receipt.code, Contact(channel=Channel.API, text=f"Também {words['app']}"))
    pipeline.remember("sms:3", birds.word("remembered").encode())
    birds.word("receipt", receipt.code)
    birds.word("thread receipt", thread.code)
    assert birds.found(bytes_at_rest(settings)) == []
    # The words were there to be found: the desk reads them.
    rows = staff_line.tips.queue(["general:BR-RJ"], list(State))
    olga = sign_in("olga")
    read = [open_tip(staff_line, olga, row.id).tip.text for row in rows]
    assert any(words["what"] in text for text in read)


def test_the_database_and_all_that_intake_has_open_nothing(
    public_line: PublicLine, staff_line: StaffLine, settings: Settings, clock: MovableClock
) -> None:
    """Every secret intake can reach is tried as a private key on everything sealed."""
    traces = (Trace("message", "SM" + "1" * 32),)
    public_line.pipeline.receive(
        Contact(channel=Channel.SMS, text="Boca de fumo em Niterói RJ", traces=traces), "sms:1"
    )
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    body = staff_line.tips.body(row.id)
    assert body is not None
    wraps = staff_line.tips.wraps([row.id])
    with staff_line.database.read() as connection:
        errand = connection.execute(select(OutboxRow)).first()
        receipt = connection.execute(select(ReceiptRow)).first()
    assert errand is not None
    assert receipt is not None
    environment = [settings.twilio_account_sid, settings.twilio_auth_token, settings.database_url]
    secrets = [value.encode() for value in environment]
    secrets += [file.read_bytes() for file in settings.public.iterdir() if file.stat().st_size < 64]
    assert len(secrets) >= 5, "the pepper and a day key are among them"
    pepper = (settings.public / "receipts.pepper").read_bytes()
    seeds = {raw[i : i + 32] for raw in secrets for i in range(max(len(raw) - 31, 1))}
    seeds |= {stretch("0" * 20, pepper).secret, bytes(32)}
    seeds |= {receipt.key[:32], receipt.key[1:33], receipt.key[-32:]}
    for secret in (secret for secret in seeds if len(secret) == 32):
        seed = b"\x01" + secret  # as the vault keeps seeds: the suite's byte first
        for wrap in wraps:
            with pytest.raises(Damaged):
                open_wrap(seed, wrap, body)
        with pytest.raises(Damaged):
            open_small(seed, _small(), errand.id, "worker", errand.epoch, errand.payload)
        with pytest.raises(Damaged):
            find_tip(ReplyKeys(receipt.lookup, secret), receipt)


def _small() -> bytes:
    from hotline.vault.format import SMALL

    return SMALL


def test_intake_runs_without_any_file_of_the_staff(
    settings: Settings, clock: MovableClock, tmp_path: Path
) -> None:
    assemble_staff(settings, clock).close()  # ties the database to its directory
    shutil.move(settings.staff, tmp_path / "elsewhere")
    line = assemble_public(settings, clock, pool=0)
    receipt = line.pipeline.receive(Contact(channel=Channel.WEB, text="Boca de fumo em Niterói"))
    assert line.pipeline.follow_up(receipt.code).status == "waiting"
    line.close()


def test_sizes_do_not_tell_tips_apart(public_line: PublicLine, staff_line: StaffLine) -> None:
    """Bodies come in doubling buckets; every other sealed thing has one size of its kind."""
    queues = ("GBV-01", "ORG-01", "CHD-04", "ENV-01")
    for n in range(12):
        public_line.pipeline.receive(
            Contact(
                channel=Channel.WEB,
                text="Boca de fumo em Niterói RJ. " + "Sempre à noite. " * (3 * n),
                crime_types=(queues[n % 4],),
                traces=(Trace("message", f"SM{n:032x}"),),
            )
        )
    public_line.pipeline.receive(Contact(channel=Channel.WEB, text="Boca de fumo. " * 400))
    overhead = 1 + 24 + 32 + 16
    with staff_line.database.read() as connection:

        def sizes(column: object) -> set[int]:
            return set(connection.execute(select(func.length(column))).scalars())

        # A body of 16 KiB fills a chunk, so an empty one with a tag of its own ends it.
        buckets = {2048, 4096, 8192, 16384 + 16}
        assert {size - overhead for size in sizes(BodyRow.sealed)} <= buckets
        assert len(sizes(BodyRow.sealed)) < 5
        for column in (WrapRow.sealed, ObservationRow.sealed, ReceiptRow.sealed, ReceiptRow.key):
            assert len(sizes(column)) == 1, column
        assert len(sizes(OutboxRow.payload)) == 1
        clear = connection.execute(select(TipRow)).all()
    special = [row for row in clear if row.queue.partition(":")[0] not in ("general", "unresolved")]
    assert len(special) >= 6
    assert all(row.type_group is None and row.municipality is None for row in special)
    assert all(row.month == "2026-03" for row in clear)
