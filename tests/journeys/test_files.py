"""Files of a reporter: by form and app, in memory only, sealed with the tip, seen when asked for,
forwarded when a person kept them, and gone when a person removed them."""

from __future__ import annotations

import gc
import io
import os
import re
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Request
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.intake import files as intake_files
from hotline.intake.attachments import MOST_BYTES, MOST_FILES
from hotline.intake.attachments.refusals import FilesClosed
from hotline.intake.files import MOST_TOGETHER, Held, Room
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.pipeline import UNSEEN_FILES
from hotline.routing.route import Router
from hotline.store.database import DatabaseUnavailable
from hotline.store.tables import BodyRow, OutboxRow
from hotline.store.tips import Listed, Tips
from hotline.tips import Language, State
from hotline.triage.opening import Opened, open_tip
from hotline.triage.pages.door import DONE
from hotline.vault.directory import Directory, NoKey
from hotline.vault.envelope import RECORDING_LIFE
from hotline.vault.format import Kind
from hotline.web.i18n import say
from tests import pictures
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.forms import ENGLISH, Page, Walk, app_of, shared_line, stored
from tests.line import SignIn
from tests.promises.ground import read_once  # noqa: F401 - a fixture

DRUGS = "Boca de fumo na praça em Niterói RJ, toda noite"
IMAGES = "Um homem vende fotos de crianças nuas num grupo da internet"
WRITES = os.O_WRONLY | os.O_RDWR


class Watch:
    """Paths that this process opens for writing, also for files without a name (O_TMPFILE); pipes
    to the cleaning child have no path. SQLite's own are opened beneath Python and hold ciphertext
    only: ``promises`` look into those."""

    seen: list[str] | None = None

    @classmethod
    def hears(cls, event: str, args: tuple[Any, ...]) -> None:
        if cls.seen is None:
            return
        if event == "open":
            path, _, flags = args
            named = not isinstance(path, int) and path != os.devnull
            if named and isinstance(flags, int) and flags & WRITES:
                cls.seen.append(f"open {path}")
        elif event.startswith("tempfile."):
            cls.seen.append(event)


sys.addaudithook(Watch.hears)


@contextmanager
def watched() -> Iterator[list[str]]:
    Watch.seen = found = []
    try:
        yield found
    finally:
        Watch.seen = None


@dataclass
class Reporter:
    """Somebody on the last page of the form."""

    line: PublicLine
    what: str = DRUGS
    walk: Walk = field(init=False)

    def __post_init__(self) -> None:
        self.walk = Walk(app_of(self.line).test_client())
        self.walk.to_check(what=self.what)

    @property
    def page(self) -> Page:
        return self.walk.page

    def send(self, *files: bytes | None, go: str = "send", name: str = "IMG_77.jpg") -> Page:
        """Presses "Send" with these files in this order; None leaves a field empty."""
        fields = {k: v for k, v in self.page.fields.items() if not k.startswith("file-")}
        filled = [*files, *[None] * (MOST_FILES - len(files))]
        parts = [
            (f"file-{number}", name if data is not None else "", data or b"")
            for number, data in enumerate(filled, 1)
        ]
        body, kind = pictures.multipart(fields | {"go": go}, parts)
        self.walk.response = self.walk.client.post("/", data=body, content_type=kind)
        return self.page

    @property
    def status(self) -> int:
        return self.walk.response.status_code


@dataclass
class Line:
    """A line and its staff."""

    public: PublicLine
    staff: StaffLine
    clock: MovableClock

    def __post_init__(self) -> None:
        self.office = Office.of(self.staff)

    @property
    def rows(self) -> list[Listed]:
        return self.staff.tips.queue(list(self.staff.profile.queues), list(State))

    @property
    def row(self) -> Listed:
        (row,) = self.rows
        return row

    def kinds(self) -> list[Kind]:
        return sorted(Kind(body.kind) for body in self.staff.tips.bodies(self.row.id))

    def opened(self, name: str = "olga") -> Opened:
        self.clock.advance(31)  # a one-time code works once
        return open_tip(self.staff, SignIn(self.staff)(name), self.row.id)

    def work(self) -> None:
        log = Log(self.clock, public=False, out=io.StringIO())
        EmbeddedJobs(runner(self.staff, RecordingProvider(), log)).drain()


@pytest.fixture(scope="module")
def shared(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    with shared_line(founded_home, tmp_path_factory.mktemp("files") / "home") as line:
        yield line


@pytest.fixture
def public(shared: PublicLine) -> Iterator[PublicLine]:
    """A line on which the test stores nothing."""
    before = stored(shared)
    yield shared
    assert stored(shared) == before


@pytest.fixture
def client(public: PublicLine) -> FlaskClient:
    return app_of(public).test_client()


@pytest.fixture
def line(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Line:
    return Line(public_line, staff_line, clock)


def said(code: str) -> str:
    return say(Language.PT, DONE[code])


def shown(hand: Hand) -> list[str]:
    """The addresses of the pictures on the page."""
    return re.findall(r'<img[^>]* src="([^"]+)"', hand.html)


def files_on(hand: Hand) -> list[str]:
    return list(dict.fromkeys(re.findall(r'name="file" value="([0-9a-f]{32})"', hand.html)))


def same_picture(data: bytes, colour: tuple[int, int, int]) -> bool:
    image = Image.open(io.BytesIO(data))
    return image.format == "JPEG" and all(
        abs(a - b) < 24 for a, b in zip(image.getpixel((5, 5)), colour, strict=True)
    )


def test_files_are_asked_for_last_and_a_report_needs_none(line: Line) -> None:
    reporter = Reporter(line.public)
    fields = [a for tag, a in reporter.page.tags if tag == "input" and a["type"] == "file"]
    assert [a["name"] for a in fields] == [f"file-{n}" for n in range(1, MOST_FILES + 1)]
    assert all("image/jpeg" in a["accept"] for a in fields)
    assert "10 MB" in reporter.page.words
    html = reporter.page.html
    assert html.index('name="form"') < html.index('type="file"'), "the answers are read first"
    assert len(reporter.send().receipt) == 20
    assert line.kinds() == [Kind.TIP]
    assert UNSEEN_FILES not in line.opened().content.tip.hold_reasons


def test_a_picture_reaches_the_operator_and_what_it_hid_does_not(line: Line) -> None:
    reporter = Reporter(line.public)
    assert len(reporter.send(pictures.jpeg("segredo"), None, pictures.pdf(2)).receipt) == 20
    assert line.kinds() == [Kind.TIP, *[Kind.ATTACHMENT] * 2, *[Kind.CARD] * 2]
    opened = line.opened()
    assert sorted((f.card.kind, f.card.pages) for f in opened.files) == [
        ("document", 2),
        ("image", 1),
    ]
    tip = opened.content.tip
    assert tip.held and tip.hold_reasons[-1] == UNSEEN_FILES
    subjects = {body.id for body in line.staff.tips.bodies(line.row.id)}
    assert [w.subject for w in line.staff.tips.wraps(subjects)] == [line.row.id], "one key for all"


def test_a_held_tip_goes_nowhere_by_itself(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same report leaves by itself without a picture, and waits with one."""
    decide = Router.decide
    monkeypatch.setattr(
        Router, "decide", lambda self, tip: replace(decide(self, tip), automatic=True)
    )
    Reporter(line.public).send()
    sent = line.staff.desk.packages_of(line.row.id)
    assert sent
    before = {row.id for row in line.rows}
    Reporter(line.public).send(pictures.jpeg())
    (with_file,) = [row for row in line.rows if row.id not in before]
    assert line.staff.desk.packages_of(with_file.id) == []


def test_nothing_of_a_file_touches_the_disk_in_clear(line: Line) -> None:
    large = pictures.jpeg("segredo") + bytes(6 * 1024 * 1024)
    Reporter(line.public).send()  # the day's key for marks is made once
    reporter = Reporter(line.public)
    with watched() as written:
        page = reporter.send(large, large, large)
    assert len(page.receipt) == 20
    assert written == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_watch_would_see_a_temporary_file(
    shared: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Request._get_file_stream
    monkeypatch.setattr(intake_files.MemoryRequest, "_get_file_stream", theirs)
    reporter = Reporter(shared)
    with watched() as written:
        reporter.send(pictures.jpeg() + bytes(6 * 1024 * 1024))
    assert written
    gc.collect()  # the file that Werkzeug leaves open


@pytest.mark.parametrize(
    ("number", "data", "sentence"),
    [
        (1, b"MZ not a picture", "Files of this kind are not taken."),
        (3, b"\xff\xd8\xff cut", "This file is damaged and cannot be opened."),
        (2, bytes(MOST_BYTES + 1), "This file is larger than 10 MB."),
        (5, b"FLV\1 a film", "Videos are not taken yet."),
        (1, b"", "This file is empty."),
    ],
    ids=["kind", "damaged", "large", "video", "empty"],
)
def test_a_refused_file_is_named_by_its_number_and_the_report_is_not_lost(
    public: PublicLine, number: int, data: bytes, sentence: str
) -> None:
    reporter = Reporter(public)
    before = [pictures.jpeg()] * (number - 1)
    page = reporter.send(*before, data, name="minha-casa.jpg")
    assert reporter.status == 422
    assert f"File {number}: {sentence}" in page.words
    assert f'href="#file-{number}"' in page.html and f'id="file-{number}-wrong"' in page.html
    assert "minha-casa" not in page.html
    assert ("go", "bare") in page.buttons
    assert DRUGS in page.words


def test_after_a_refusal_the_report_goes_without_its_files_or_with_others(line: Line) -> None:
    reporter = Reporter(line.public)
    reporter.send(b"MZ")
    reporter.send(pictures.jpeg(), b"MZ")
    assert (reporter.status, line.rows) == (422, [])
    refused = reporter.walk.response
    receipt = reporter.walk.press("go=bare").receipt
    assert line.kinds() == [Kind.TIP]
    reporter.walk.response = refused
    assert reporter.send(pictures.jpeg()).receipt == receipt
    assert line.kinds().count(Kind.CARD) == 1


def test_files_that_are_too_large_together_are_dropped_while_they_are_read(
    public: PublicLine,
) -> None:
    part = MOST_TOGETHER // 3
    reporter = Reporter(public)
    page = reporter.send(*(pictures.jpeg() + bytes(part) for _ in range(4)))
    assert reporter.status == 422
    assert "File 3: Together the files are larger than 20 MB." in page.words


def test_a_request_keeps_no_more_than_there_is_room_for() -> None:
    room = Room(3)
    first, second, third, fourth = (Held(room) for _ in range(4))
    for held in (first, second, third, fourth):
        for _ in range(MOST_TOGETHER // 1024):
            held.write(bytes(1024))
    assert len(first.getvalue()) == MOST_BYTES + 1, "`clean` sees that it is too large"
    assert not first.lost
    assert second.lost and second.getvalue() == b""
    assert room.bytes >= 0
    assert fourth.lost and fourth.getvalue() == b"", "more files than were asked for"


def test_a_form_without_end_is_refused_and_the_browser_keeps_the_answers(
    public: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = Reporter(public)
    monkeypatch.setattr(intake_files, "MOST_READ", 1024 * 1024)
    page = reporter.send(bytes(1024 * 1024))
    assert reporter.status == 413
    assert "Escolha arquivos menores" in page.words


def test_pages_that_take_no_files_keep_none_of_them(client: FlaskClient) -> None:
    body, kind = pictures.multipart({}, [("file-1", "a.jpg", bytes(100_000))])
    for path in ("/follow-up", "/api/v1/tips"):
        assert client.post(path, data=body, content_type=kind).status_code == 415
    held = intake_files.MemoryRequest({"REQUEST_METHOD": "POST"})._get_file_stream()
    held.write(bytes(100_000))
    assert held.read() == b""


def test_files_never_take_all_turns_and_a_report_in_words_gets_through(
    shared: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, client = pictures.jpeg() + bytes(3 * 1024 * 1024), app_of(shared).test_client()
    reporters = [Reporter(shared) for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(intake_files, "_turns", threading.BoundedSemaphore(1))
        for _ in range(2):
            assert post(client, packed(large)).status_code == 201, "a turn is given back"
        assert intake_files._turns.acquire(blocking=False)
        assert post(client, packed(large)).status_code == 503
        reporters[0].send(large)
        assert reporters[0].status == 503
        assert post(client).status_code == 201
        assert len(reporters[1].send(pictures.jpeg()).receipt) == 20, "a small file needs none"


def test_when_no_file_can_be_opened_the_line_says_that_it_is_the_line(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shut(data: bytes, content_type: str = "") -> None:
        raise FilesClosed

    monkeypatch.setattr(intake_files, "clean", shut)
    answer = post(client, packed(pictures.jpeg()))
    assert answer.status_code == 503
    assert "Files cannot be opened safely right now" in answer.json["title"]


def test_many_parts_are_refused(public: PublicLine) -> None:
    reporter = Reporter(public)
    body, kind = pictures.multipart(reporter.page.fields, [(f"x{n}", "x", b"") for n in range(60)])
    assert reporter.walk.client.post("/", data=body, content_type=kind).status_code == 413


def test_no_file_is_taken_with_reports_about_images_of_abuse(public: PublicLine) -> None:
    walk = Walk(app_of(public).test_client())
    walk.press("go=skip")
    walk.press(crime_type="CHD-03", what="")
    page = walk.to_check()
    assert 'type="file"' not in page.html
    assert "The address where they appear is enough." in page.words
    reporter = Reporter(public)
    reporter.walk = walk
    page = reporter.send(pictures.jpeg())
    assert reporter.status == 422
    assert 'href="#files"' in page.html and 'id="files"' in page.html
    told = Reporter(public, IMAGES).page
    assert 'type="file"' not in told.html, "also when only the words tell it"


def test_sending_twice_is_one_report_and_files_that_come_later_join_it(line: Line) -> None:
    reporter = Reporter(line.public)
    check = reporter.walk.response
    first = reporter.send(pictures.jpeg()).receipt
    reporter.walk.response = check
    assert reporter.send(pictures.jpeg()).receipt == first
    assert line.kinds() == [Kind.TIP, Kind.ATTACHMENT, Kind.CARD]
    reporter.walk.response = check
    assert reporter.send(pictures.jpeg(colour="darkred"), pictures.sound()).receipt == first
    assert line.kinds().count(Kind.CARD) == 2
    assert line.kinds().count(Kind.RECORDING) == 1
    assert len(line.opened().files) == 2
    assert line.staff.outbox.counts()[("news", "ready")] == 1


def test_what_came_later_moves_with_the_tip(line: Line) -> None:
    reporter = Reporter(line.public)
    check = reporter.walk.response
    reporter.send(pictures.jpeg())
    reporter.walk.response = check
    reporter.send(pictures.jpeg(colour="darkred"))
    line.work()
    hand = line.office("paulo")
    tip = hand.next()
    queue = next(q for q in line.staff.profile.queues if q.startswith("gbv:"))
    hand.post(f"/tips/{tip}/reroute", queue=queue, reason="training")
    assert line.row.queue == queue
    opened = line.opened("gabi")
    assert len(opened.files) == 2 and opened.elsewhere == 0
    recipients = {w.recipient for f in opened.files for w in line.staff.tips.wraps([f.card.id])}
    assert recipients == {f"queue:{queue}"}


def test_sound_goes_the_way_of_a_recording(line: Line) -> None:
    Reporter(line.public).send(pictures.sound(), pictures.jpeg())
    assert line.kinds() == [Kind.TIP, Kind.ATTACHMENT, Kind.RECORDING, Kind.CARD]
    hand = line.office("paulo")
    tip = hand.next()
    (recording,) = re.findall(r'name="recording" value="([0-9a-f]{32})"', hand.html)[:1]
    assert hand.post(f"/tips/{tip}/forward", lead="mprj", reason="credible").status_code == 409
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/listen", recording=recording)
    assert 'src="data:audio/wav;base64,' in hand.html
    line.clock.advance(RECORDING_LIFE)
    line.work()
    assert line.kinds() == [Kind.TIP, Kind.ATTACHMENT, Kind.NOTE, Kind.CARD]


def test_an_operator_sees_nothing_unasked_then_grey_then_clear(line: Line) -> None:
    Reporter(line.public).send(pictures.jpeg(), pictures.pdf(3))
    hand = line.office("paulo")
    tip = hand.next()
    assert shown(hand) == [] and "data:image" not in hand.html
    assert "Fotos: 1 · Documento, páginas: 3" in " ".join(hand.html.split())
    by_kind = {f.card.kind: f.card.id.hex() for f in line.opened().files}
    audit = line.staff.audit
    hand.post(f"/tips/{tip}/look", file=by_kind["image"], page="0")
    (address,) = shown(hand)
    assert audit.count("file_previewed") == audit.count("file_opened") == 0
    grey = hand.client.get(address)
    assert Image.open(io.BytesIO(grey.data)).mode == "L"
    assert audit.count("file_previewed") == 1
    assert "keep-file" not in hand.html, "nobody keeps what nobody has seen"
    hand.post(f"/tips/{tip}/look", file=by_kind["image"], page="1")
    (address,) = shown(hand)
    clear = hand.client.get(address)
    assert same_picture(clear.data, (0, 0, 128))
    assert audit.count("file_opened") == 1
    assert clear.mimetype == "image/jpeg"
    assert clear.headers["X-Content-Type-Options"] == "nosniff"
    assert clear.headers["Cache-Control"] == "no-store"
    assert "sandbox" in clear.headers["Content-Security-Policy"]
    assert "default-src 'none'" in clear.headers["Content-Security-Policy"]
    for page, colour in (("1", (0, 0, 128)), ("2", (139, 0, 0)), ("3", (0, 0, 0))):
        hand.post(f"/tips/{tip}/look", file=by_kind["document"], page=page)
        (address,) = shown(hand)
        assert same_picture(hand.client.get(address).data, colour)
    assert hand.client.get(address.replace("/3", "/4")).status_code == 404
    for wrong in ("-1", "x", "１", "99999"):
        assert hand.client.get(address[:-1] + wrong).status_code == 404


def test_nobody_else_sees_a_file(line: Line) -> None:
    Reporter(line.public).send(pictures.jpeg())
    paulo = line.office("paulo")
    tip = paulo.next()
    address = f"/tips/{tip}/files/{files_on(paulo)[0]}/1"
    line.clock.advance(31)
    tereza, samuel = line.office("tereza"), line.office("samuel")
    queue = next(q for q in line.staff.profile.queues if q.startswith("children:"))
    paulo.post(f"/tips/{tip}/reroute", queue=queue, reason="training")
    for hand in (paulo, samuel):
        assert hand.client.get(address).status_code == 404
    assert line.office.app.test_client().get(address).status_code == 303
    assert line.staff.audit.count("file_opened") == 0
    assert tereza.token


def test_only_what_was_kept_is_forwarded_and_a_removed_file_is_gone_everywhere(
    line: Line,
) -> None:
    Reporter(line.public).send(*(pictures.jpeg(colour=c) for c in ("navy", "darkred", "teal")))
    hand = line.office("paulo")
    tip = hand.next()
    kept, removed, open_ = files_on(hand)
    inbox = line.staff.access.people.named("samuel").agency
    hand.post(f"/tips/{tip}/keep-file", file=kept)
    assert said("file_kept") in hand.html
    hand.post(f"/tips/{tip}/remove-file", file=removed)
    assert said("file_removed") in hand.html
    assert files_on(hand) == [kept, open_]
    assert line.kinds().count(Kind.ATTACHMENT) == line.kinds().count(Kind.CARD) == 2
    assert hand.post(f"/tips/{tip}/keep-file", file=removed).status_code == 404
    hand.get(f"/tips/{tip}")
    assert "Arquivos sem decisão: 1" in hand.html
    hand.post(f"/tips/{tip}/forward", other=inbox, reason="credible")
    assert line.row.state is State.FORWARDED
    (package,) = [p for p in line.staff.desk.packages(inbox) if p.tip == line.row.id]
    samuel, base = line.office("samuel"), f"/inbox/{package.id.hex()}"
    samuel.get(base)
    assert files_on(samuel) == [kept] and shown(samuel) == []
    samuel.post(f"{base}/look", file=kept, page="0")
    assert Image.open(io.BytesIO(samuel.client.get(*shown(samuel)).data)).mode == "L"
    samuel.post(f"{base}/look", file=kept, page="1")
    assert samuel.client.get(*shown(samuel)).mimetype == "image/jpeg"
    assert line.staff.audit.count("package_file_opened") == 1
    assert line.staff.audit.count("package_file_previewed") == 1
    for other in (open_, removed):
        assert samuel.client.get(f"{base}/files/{other}/1").status_code == 404
    # Seen too late that it shows the reporter: nobody sees it from now on.
    address = shown(samuel)[0]
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/take")
    hand.post(f"/tips/{tip}/remove-file", file=kept)
    assert samuel.client.get(address).status_code == 410
    samuel.get(base)
    assert "removeu este arquivo" in samuel.html and files_on(samuel) == []


def test_what_the_operator_rewrites_keeps_its_files(line: Line) -> None:
    Reporter(line.public).send(pictures.jpeg())
    hand = line.office("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/keep-file", file=files_on(hand)[0])
    hand.post(f"/tips/{tip}/correct", type=["ORG-03"], place="Niterói, RJ")
    (file,) = line.opened().files
    assert file.kept


def post(client: FlaskClient, *files: object, **more: object) -> TestResponse:
    body = {"description": DRUGS, "attachments": list(files), **more}
    return client.post("/api/v1/tips", json=body, headers=ENGLISH)


def packed(data: bytes, **more: str) -> dict[str, str]:
    return {"data": b64encode(data).decode(), **more}


def test_an_app_sends_files_as_base64(line: Line) -> None:
    client = app_of(line.public).test_client()
    named = {"filename": "DCIM/joana.jpg", "content_type": "image/jpeg"}
    answer = post(client, packed(pictures.jpeg(), **named), packed(pictures.pdf(2)))
    assert answer.status_code == 201
    assert sorted(f.card.pages for f in line.opened().files) == [1, 2]


def test_an_idempotent_repeat_is_one_report_and_a_changed_file_another(line: Line) -> None:
    client = app_of(line.public).test_client()
    key = {"Idempotency-Key": "one"}
    body = {"description": DRUGS, "attachments": [packed(pictures.jpeg())]}
    first = client.post("/api/v1/tips", json=body, headers=key)
    again = client.post("/api/v1/tips", json=body, headers=key)
    assert (first.status_code, first.data) == (201, again.data)
    assert line.kinds() == [Kind.TIP, Kind.ATTACHMENT, Kind.CARD]
    body["attachments"] = [packed(pictures.jpeg(colour="darkred"))]
    assert client.post("/api/v1/tips", json=body, headers=key).status_code == 422
    assert len(line.rows) == 1


@pytest.mark.parametrize(
    ("files", "pointer"),
    [
        (["x"], "/attachments/0"),
        ([{}], "/attachments/0/data"),
        ([{"data": 7}], "/attachments/0/data"),
        ([{"data": "not base64!"}], "/attachments/0/data"),
        ([{"data": "é"}], "/attachments/0/data"),
        ([{"data": "", "url": "x"}], "/attachments/0"),
        ([{"data": "", "filename": 7}], "/attachments/0/filename"),
        ([{"data": ""}], "/attachments/0"),
        ([packed(b"MZ")], "/attachments/0"),
        ([packed(pictures.jpeg()), packed(b"MZ")], "/attachments/1"),
        ([packed(pictures.jpeg())] * (MOST_FILES + 1), "/attachments"),
        ([packed(bytes(MOST_BYTES + 1))], "/attachments/0"),
        ([packed(bytes(MOST_BYTES))] * 2 + [packed(b"x")], "/attachments"),
    ],
    ids=range(13),
)
def test_a_wrong_attachment_is_pointed_at_and_nothing_is_stored(
    client: FlaskClient, files: list[object], pointer: str
) -> None:
    answer = post(client, *files)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json["errors"][0]["pointer"] == pointer
    assert answer.json["errors"][0]["detail"]


@pytest.mark.parametrize("told", [{"crime_types": ["CHD-02"]}, {"description": IMAGES}])
def test_an_app_is_told_that_no_file_is_taken(client: FlaskClient, told: dict[str, object]) -> None:
    answer = post(client, packed(pictures.jpeg()), **told)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/attachments"


def test_a_body_that_is_too_large_is_refused_unread(client: FlaskClient) -> None:
    for path, size in (("tips", 30), ("follow-ups", 3)):
        large = b'{"description": "' + b"x" * (size * 1024 * 1024) + b'"}'
        answer = client.post(f"/api/v1/{path}", data=large, content_type="application/json")
        assert answer.status_code == 413


def failing_store(patch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    patch.setattr(Tips, "store", full)


def failing_seal(patch: pytest.MonkeyPatch) -> None:
    def no_key(*_: object, **__: object) -> None:
        raise NoKey

    patch.setattr(Directory, "key", no_key)


@pytest.mark.parametrize("fault", [failing_store, failing_seal])
def test_a_fault_is_said_and_nothing_is_half_stored(
    line: Line, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    reporter = Reporter(line.public)
    check = reporter.walk.response
    with monkeypatch.context() as patch:
        fault(patch)
        page = reporter.send(pictures.jpeg(), pictures.sound())
        assert reporter.status == 503
        assert "The line cannot take your report" in page.words
        answer = post(app_of(line.public).test_client(), packed(pictures.jpeg()))
        assert answer.status_code == 503
    assert line.rows == []
    with line.staff.database.read() as connection:
        for table in (BodyRow, OutboxRow):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0
    reporter.walk.response = check
    assert len(reporter.send(pictures.jpeg()).receipt) == 20
