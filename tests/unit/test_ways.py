"""Ways: packages leave the line as each agency chose, and are delivered by its own word alone."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.delivery import mail, webhooks
from hotline.delivery.senders import RecordingProvider
from hotline.delivery.sending import Sending
from hotline.delivery.ways import NotDelivered, patience
from hotline.jobs import rq
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.limits import Limits, MemoryPlaces
from hotline.jobs.runner import Runner
from hotline.jobs.tasks import runner
from hotline.keyring import directory_change, held_change, hold
from hotline.log import Log
from hotline.routing.leaving import Delivery, Way
from hotline.settings import Settings
from hotline.store.line_alarms import LineAlarms
from hotline.store.tips import Change
from hotline.store.ways import Ways
from hotline.tips import Channel, Contact, Language, State
from hotline.triage.approvals import Deed
from hotline.triage.opening import open_tip
from hotline.vault.held import KeyFile, signing_seed, unpack
from hotline.vault.line import line_signer
from hotline.vault.signatures import public_half
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.receivers import DOWN, Running, receiving, set_up
from tests.services import free_port
from tests.terminal import agree

AGENCY, OTHER = "semsp-3304904", "mprj"
WORDS = "only for the agency itself"
CANARY = "Boca de fumo do Zezinho Quatrocentos em Niterói RJ"
QUICK = replace(
    patience(), webhook=replace(patience().webhook, connect=5, silence=1, total=2)
)  # seconds; for receivers that would never end


@dataclass(slots=True)
class Ground:
    """A line whose one agency holds its own key, and that agency's home."""

    line: StaffLine
    public: PublicLine
    home: Path
    seed: bytes
    clock: MovableClock
    runner: Runner
    said: io.StringIO

    def chooses(self, way: Way, agency: str = AGENCY) -> None:
        profile = self.line.profile
        changed = replace(profile.agencies[agency], way=way)
        agencies = {**profile.agencies, agency: changed}
        self.line = replace(self.line, profile=replace(profile, agencies=agencies))
        self.patient(QUICK)

    def patient(self, how: object) -> None:
        self.said = io.StringIO()
        log = Log(self.clock, public=False, out=self.said)
        sending = Sending(self.line, patience=how)  # type: ignore[arg-type]
        self.runner = runner(self.line, RecordingProvider(), log, sending=sending)

    def webhook(self, running: Running, at_once: int = 2) -> None:
        self.chooses(Way(Delivery.WEBHOOK, running.url, at_once))

    def forwards(self, text: str = CANARY, agency: str = AGENCY) -> bytes:
        self.public.pipeline.receive(Contact(channel=Channel.WEB, text=text))
        rows = self.line.tips.queue(["general:BR-RJ"], [State.WAITING])
        row = rows[0]
        opened = open_tip(self.line, self.who, row.id)
        package = self.line.envelope.package(opened.content, row.id, agency, "lead", "2026-03-20")
        follows = self.line.envelope.errand("notify", package.id, {"agency": agency})
        change = Change(
            row.id, row.version, state=State.FORWARDED, packages=(package,), errands=(follows,)
        )
        self.line.tips.apply(change)
        return package.id

    @property
    def who(self):
        if self._who is None:
            self._who = SignIn(self.line)("gabi")
        return self._who

    _who: object = None

    def drain(self) -> None:
        EmbeddedJobs(self.runner).drain()

    def problems(self) -> set[str]:
        return {problem for _, problem in self.line.outbox.problems("deliver")}

    def alarms(self) -> int:
        return int(LineAlarms(self.line.database).get("delivery_failing") is not None)


@pytest.fixture
def ground(settings: Settings, clock: MovableClock, tmp_path: Path) -> Iterator[Ground]:
    line = assemble_staff(settings, clock)
    made = KeyFile.new(AGENCY, WORDS, 1)
    seed = made.seed(WORDS)
    public, signs = made.key.public, public_half(signing_seed(seed))
    change = directory_change(line.settings, held_change(AGENCY, public, signs))
    hold(line.settings, line.access, AGENCY, public, agree(line, Deed.DIRECTORY, change), signs)
    line.close()
    home = tmp_path / "agency"
    line, intake = assemble_staff(settings, clock), assemble_public(settings, clock, pool=0)
    set_up(home, AGENCY, signing_seed(seed), public_half(line_signer(settings.staff)))
    made_ground = Ground(line, intake, home, seed, clock, None, io.StringIO())  # type: ignore[arg-type]
    made_ground.patient(QUICK)
    yield made_ground
    intake.close()
    line.close()


@pytest.mark.parametrize("mode", ["ok", "confirm", "slow"])
def test_a_package_is_delivered_once_by_the_agencys_own_word(ground: Ground, mode: str) -> None:
    with receiving(ground.home, mode, now=ground.clock.seconds()) as there:
        ground.webhook(there)
        package = ground.forwards()
        ground.drain()
        assert there.taken() == [package.hex()]
        row = ground.line.desk.package(package)
        assert row.delivered == ground.clock.day()
        assert row.state == ("confirmed" if mode == "confirm" else "sent")
        assert ground.line.outbox.pending("deliver") == []
        # Put down twice, it is sent once.
        ground.line.outbox.add(*Sending(ground.line).errands(package, AGENCY))
        ground.drain()
        assert there.taken() == [package.hex()]
        sealed = (ground.home / "out" / f"{package.hex()}.sealed").read_bytes()
        assert unpack(sealed, AGENCY, ground.seed).document["text"] == CANARY
        assert ground.alarms() == 0
        assert ground.line.audit.count("package_handed_over") == 1


BAD = {
    "broken": "answered_500",
    "forged": "forged_answer",
    "replayed": "forged_answer",
    "unsigned": "forged_answer",
    "other": "wrong_answer",
    "oversize": "too_long",
    "endless": "too_long",
    "dripping": "too_slow",
    "silent": "too_slow",
    "redirect": "redirected",
    "rubbish": "no_http",
    DOWN: "unreachable",
}


@pytest.mark.parametrize("mode", BAD)
def test_what_is_not_the_agencys_word_delivers_nothing(ground: Ground, mode: str) -> None:
    with receiving(ground.home, mode, now=ground.clock.seconds()) as there:
        ground.webhook(there)
        package = ground.forwards()
        begun = time.monotonic()
        ground.drain()
        assert time.monotonic() - begun < 60, "whoever drips would hold a worker for ever"
        row = ground.line.desk.package(package)
        assert (row.delivered, row.state) == ("", "sent"), "it lies in the inbox, undelivered"
        assert ground.problems() == {BAD[mode]}
        assert ground.alarms() == (1 if BAD[mode] == "forged_answer" else 0)
        if mode == "redirect":
            assert len(there.asked()) == 1, "no redirect is followed"


def test_a_receiver_that_fails_by_turns_gets_everything_once(ground: Ground) -> None:
    with receiving(ground.home, "flaky", now=ground.clock.seconds()) as there:
        ground.webhook(there)
        sent = [ground.forwards(f"{CANARY} {n}") for n in range(8)]
        for _ in range(3):
            ground.drain()
            ground.clock.advance(30)
        assert sorted(there.taken()) == sorted(package.hex() for package in sent)
        assert all(ground.line.desk.package(package).delivered for package in sent)


def test_one_dead_agency_waits_alone_and_rings(ground: Ground) -> None:
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.chooses(Way(Delivery.WEBHOOK, f"http://127.0.0.1:{free_port()}/"))
        packages = [ground.forwards(f"{CANARY} {n}") for n in range(7)]
        ground.drain()
        assert ground.alarms() == 1
        assert Ways(ground.line.database).of(AGENCY).failures == patience().away.after
        assert "agency_away" in ground.problems()
        ground.webhook(there)
        ground.clock.advance(60)
        ground.drain()
        assert sorted(there.taken()) == sorted(package.hex() for package in packages)
        assert Ways(ground.line.database).of(AGENCY).failures == 0


def test_what_is_never_taken_is_buried_and_can_be_retried(ground: Ground) -> None:
    ground.chooses(Way(Delivery.WEBHOOK, f"http://127.0.0.1:{free_port()}/"))
    package = ground.forwards()
    ground.drain()
    for wait in patience().webhook.waits:
        assert ground.line.outbox.buried() == []
        ground.clock.advance(max(wait, patience().away.pauses[-1]))
        ground.drain()
    ((errand, kind, _),) = ground.line.outbox.buried()
    assert kind == "deliver" and ground.line.desk.package(package).state == "sent"
    assert "errand_buried" in ground.said.getvalue() and package.hex() not in ground.said.getvalue()
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.webhook(there)
        ground.clock.advance(0)
        ground.line.outbox.retry(errand)
        Ways(ground.line.database).well(AGENCY)
        ground.drain()
        assert there.taken() == [package.hex()]


@pytest.mark.parametrize("gone", ["undone", "erased", "answered", "inbox"])
def test_what_is_gone_meanwhile_is_sent_nowhere(ground: Ground, gone: str) -> None:
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.webhook(there)
        package = ground.forwards()
        if gone == "undone":  # the package never arrived
            (notify,) = ground.line.outbox.pending("notify")
            ground.line.outbox.done(notify.id, *Sending(ground.line).errands(package, AGENCY))
        else:
            ground.line.desk.arrive(package, AGENCY)
            (notify,) = ground.line.outbox.pending("notify")
            ground.line.outbox.done(notify.id, *Sending(ground.line).errands(package, AGENCY))
        if gone == "erased":
            erase(ground.line, package)
        elif gone == "answered":
            who = SignIn(ground.line)("samuel").person.id
            ground.line.desk.advance(package, "answered", "outcome_recorded", who)
        elif gone == "inbox":
            ground.chooses(Way())
        ground.drain()
        assert there.asked() == [] and ground.line.outbox.pending("deliver") == []


def erase(line: StaffLine, package: bytes) -> None:
    from sqlalchemy import delete

    from hotline.store.tables import PackageRow

    line.database.write(lambda c: c.execute(delete(PackageRow).where(PackageRow.id == package)))


def test_without_a_key_of_its_own_nothing_leaves_and_an_alarm_rings(ground: Ground) -> None:
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.chooses(Way(Delivery.WEBHOOK, there.url), OTHER)
        package = ground.forwards(agency=OTHER)
        ground.drain()
        assert there.asked() == [] and ground.alarms() == 1
        assert ground.line.desk.package(package).state == "sent"


def test_only_so_many_are_under_way_to_one_agency(ground: Ground) -> None:
    places = MemoryPlaces(ground.clock.seconds)
    sending = Sending(ground.line, patience=QUICK)
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.webhook(there, at_once=1)
        log = Log(ground.clock, public=False, out=io.StringIO())
        sending = Sending(ground.line, patience=QUICK)
        does = runner(ground.line, RecordingProvider(), log, places=places, sending=sending)
        ground.forwards()
        with Limits(places).slot(f"deliver:{AGENCY}", 1, 60):
            EmbeddedJobs(does).drain()
            assert there.asked() == [] and ground.problems() == {"busy"}
        ground.clock.advance(5)
        EmbeddedJobs(does).drain()
        assert len(there.taken()) == 1


def test_nothing_readable_is_on_the_wire_or_on_any_disk(
    ground: Ground, settings: Settings, tmp_path: Path
) -> None:
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.webhook(there)
        package = ground.forwards()
        tip = ground.line.desk.package(package) or ground.line.desk.packages_of
        ground.drain()
        row = ground.line.desk.package(package)
        assert tip is not None and row is not None
        found = [f for f in tmp_path.rglob("*") if f.is_file()]
        everything = b"".join(f.read_bytes() for f in found) + b"".join(there.asked())
        for word in ("Zezinho", "Quatrocentos", "Boca de fumo"):
            assert word.encode() not in everything
        assert row.tip.hex().encode() not in b"".join(there.asked())
        assert "general:" not in b"".join(there.asked()).decode("latin-1")


def test_rq_workers_do_the_same(
    ground: Ground, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.webhook(there)
        package = ground.forwards()
        monkeypatch.setattr(rq, "_runner", lambda: ground.runner)
        with rq.connect(redis_url) as connection:
            pusher = rq.Pusher(connection)
            while ground.runner.ready():
                pusher.sweep(ground.runner.ready)
                rq.work(redis_url, burst=True)
        assert there.taken() == [package.hex()]


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1",
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "fd00:ec2::254",
    ],
)
def test_a_name_that_leads_to_a_forbidden_address_is_not_called(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a name that resolves to this machine: only its own names mean it."""

    def found(host: str, port: int, **_: object) -> list[object]:
        return [(0, 0, 0, "", ("203.0.113.7", port)), (0, 0, 0, "", (address, port))]

    monkeypatch.setattr("socket.getaddrinfo", found)
    with pytest.raises(NotDelivered) as refused:
        webhooks.post("https://agency.example/", {}, b"", QUICK.webhook)
    assert refused.value.reason == "forbidden_address"


def test_no_proxy_of_the_environment_sees_a_package(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with receiving(ground.home, "ok", now=ground.clock.seconds()) as there:
        ground.webhook(there)
        ground.forwards()
        ground.drain()
        assert len(there.taken()) == 1


class Postbox:
    """What a mail server took, and what it says instead of taking."""

    def __init__(self, says: str = "250 OK") -> None:
        self.says = says
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.says == "close":
            server.transport.close()
        if self.says == "250 OK":
            self.letters.append(bytes(envelope.content or b""))
        return self.says


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, str]]:
    box, port = Postbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


def by_mail(ground: Ground, url: str) -> None:
    ground.line = replace(ground.line, settings=replace(ground.line.settings, smtp_url=url))
    way = Way(Delivery.EMAIL, "plantao@agency.example", language=Language.PT)
    ground.chooses(way)


def test_mail_says_once_an_hour_of_the_table_that_something_waits(
    ground: Ground, postbox: tuple[Postbox, str]
) -> None:
    box, url = postbox
    by_mail(ground, url)
    packages = [ground.forwards(f"{CANARY} {n}") for n in range(3)]
    ground.drain()
    assert box.letters == [], "not when they came"
    left = patience().mail.next(ground.clock).timestamp() - ground.clock.seconds()
    ground.clock.advance(left + 1)
    ground.drain()
    (letter,) = box.letters
    text = letter.decode()
    for told in (*(p.hex() for p in packages), AGENCY, "Niter", "3 ", "Zezinho", "line.example/"):
        assert told not in text.replace("plantao@agency.example", "")
    assert ground.line.outbox.pending("deliver") == []


@pytest.mark.parametrize("says", ["451 later", "550 no", "close"])
def test_mail_that_is_refused_is_tried_again(
    ground: Ground, postbox: tuple[Postbox, str], says: str
) -> None:
    box, url = postbox
    by_mail(ground, url)
    ground.forwards()
    ground.drain()
    box.says = says
    left = patience().mail.next(ground.clock).timestamp() - ground.clock.seconds()
    ground.clock.advance(left + 1)
    ground.drain()
    assert ground.problems() == {"mail_refused"}
    box.says = "250 OK"
    ground.clock.advance(60)
    ground.drain()
    assert len(box.letters) == 1 and ground.line.outbox.pending("deliver") == []


def test_letters_of_two_days_differ_by_their_date_and_random_id_alone(settings: Settings) -> None:
    def bare(now: float) -> str:
        whole = mail.letter(settings, "a@agency.example", Language.HT, now).as_string()
        return re.sub(r"(Date|Message-ID): .*\n", "", whole)

    assert bare(0) == bare(86_400 * 100)


def test_every_language_has_its_own_words(settings: Settings) -> None:
    said = {str(mail.letter(settings, "a@b.example", one, 0)["Subject"]) for one in Language}
    assert len(said) == len(Language)


def test_the_patience_is_sound() -> None:
    found = patience()
    assert list(found.mail.hours) == sorted(set(found.mail.hours))
    assert found.webhook.total > found.webhook.connect and list(found.webhook.waits) == sorted(
        found.webhook.waits
    )
    assert json.dumps(found.away.pauses)
