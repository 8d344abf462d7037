"""Files by SMS and WhatsApp: fetched by the worker, cleaned, sealed with the tip, and only then
forgotten by the provider; what is not taken leaves a sentence and nothing of itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import Kept, ProviderProblem, RecordingProvider
from hotline.intake.attachments import MOST_FILES
from hotline.intake.attachments.refusals import FilesClosed
from hotline.intake.merge import BARRED_FILES, UNSEEN_FILES
from hotline.intake.prompts import TEXT, Prompt
from hotline.jobs import enclosures
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.enclosures import LONGEST_TEXT, LOOK_AGAIN
from hotline.jobs.nightly import Nightly
from hotline.jobs.runner import BACKOFF
from hotline.jobs.tasks import FILES_AGAIN, runner
from hotline.log import Log
from hotline.pipeline import Pipeline
from hotline.simulate.phone import Inside, TextPhone, new_sid
from hotline.store.outbox import LEASE_SECONDS, Outbox
from hotline.store.tips import Listed
from hotline.tips import Language, State, Trace
from hotline.triage.attachments import seen
from hotline.triage.opening import Opened, open_tip
from hotline.vault.format import Kind
from hotline.web.apps import public_app
from hotline.web.i18n import say
from tests import pictures
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import SignIn
from tests.promises.ground import read_once  # noqa: F401 - a fixture

NUMBER = "+5521987650001"
DRUGS = "Vendem drogas na praça em Niterói RJ, toda noite"
IMAGES = "Um homem vende fotos de crianças nuas num grupo da internet"
BOOKED_UP = "+266696687"


@dataclass
class Line:
    """A line, a phone, and the provider behind both."""

    public: PublicLine
    staff: StaffLine
    clock: MovableClock
    provider: RecordingProvider = field(default_factory=RecordingProvider)

    def __post_init__(self) -> None:
        app = public_app(self.public)
        self.exchange = app.extensions["exchange"]
        self.exchange.closer.stop()
        self.wire = Inside(app.test_client(), self.public.settings)
        self.phone = TextPhone(self.wire, "whatsapp:" + NUMBER)
        log = Log(self.clock, public=False, out=io.StringIO())
        self.jobs = EmbeddedJobs(runner(self.staff, self.provider, log))

    def keep(self, data: bytes, declared: str = "image/jpeg") -> str:
        sid = new_sid("ME")
        self.provider.files[sid] = (declared, data)
        return sid

    def send(self, text: str, *files: str, sid: str = "", phone: TextPhone | None = None) -> str:
        """A message with these of the provider's files; what is said to it."""
        sid, fields = sid or new_sid("MM"), {"NumMedia": str(len(files))}
        for n, file in enumerate(files):
            fields[f"MediaUrl{n}"] = f"https://api.twilio.com/x/Messages/{sid}/Media/{file}"
            fields[f"MediaContentType{n}"] = self.provider.files[file][0]
        return "\n".join((phone or self.phone).send(text, MessageSid=sid, **fields))

    def work(self, *waits: int) -> None:
        for wait in (0, *waits):
            self.clock.advance(wait)
            self.jobs.drain()

    def end(self) -> None:
        """The conversation is over, and the worker has looked again."""
        self.phone.send("PARAR")
        self.work(LOOK_AGAIN)

    @property
    def rows(self) -> list[Listed]:
        return self.staff.tips.queue(list(self.staff.profile.queues), list(State))

    @property
    def row(self) -> Listed:
        (row,) = self.rows
        return row

    def kinds(self) -> list[Kind]:
        """What lies beside the tip and its later words."""
        bodies = self.staff.tips.bodies(self.row.id)
        return sorted(Kind(b.kind) for b in bodies if b.kind not in (Kind.TIP, Kind.SUMMARY))

    def opened(self, name: str = "olga") -> Opened:
        self.clock.advance(31)  # a one-time code works once
        return open_tip(self.staff, SignIn(self.staff)(name), self.row.id)

    def gone(self, resource: str) -> list[str]:
        return [sid for kind, sid in self.provider.erased if kind == resource]


@pytest.fixture
def line(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Iterator[Line]:
    yield Line(public_line, staff_line, clock)


def said(prompt: Prompt) -> str:
    return TEXT[prompt].say(Language.PT)


def test_a_picture_reaches_the_operator_and_then_the_provider_forgets_it(line: Line) -> None:
    file, sid = line.keep(pictures.jpeg("segredo")), new_sid("MM")
    answer = line.send(DRUGS, file, sid=sid)
    assert answer.startswith(said(Prompt.FILES))
    assert answer.endswith(said(Prompt.NOW))
    line.work(LOOK_AGAIN, LOOK_AGAIN)
    assert line.kinds() == [] and line.provider.erased == [], "while it is told, the queue may move"
    line.end()
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD]
    assert line.gone("media") == [file]
    assert sid not in line.gone("message")
    opened = line.opened("paulo")
    (attached,) = opened.files
    assert opened.elsewhere == 0
    assert seen(line.staff, attached.card, 1).startswith(b"\xff\xd8\xff")
    assert b"segredo" not in seen(line.staff, attached.card, 1)
    assert opened.content.tip.held and UNSEEN_FILES in opened.content.tip.hold_reasons
    line.work(FILES_AGAIN)
    assert sid in line.gone("message")
    assert line.staff.outbox.counts() == {}


def test_a_message_never_goes_before_its_files(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    files, sid = [line.keep(pictures.jpeg()), line.keep(pictures.png("x"))], new_sid("MM")
    line.send(DRUGS, *files, sid=sid)
    line.provider.failures = ["http_503"] * 3
    line.phone.send("PARAR")
    erase, had = line.provider.erase, {}

    def watched(trace: Trace) -> None:
        had[trace.sid] = line.kinds().count(Kind.CARD)
        erase(trace)

    monkeypatch.setattr(line.provider, "erase", watched)
    line.work(*[FILES_AGAIN] * 6)
    assert had[sid] == 2 and all(had[file] >= 1 for file in files)
    assert sid in line.gone("message")


def test_a_file_alone_is_a_tip_and_the_words_after_it_give_the_language(line: Line) -> None:
    answer = line.send("", line.keep(pictures.jpeg()))
    assert said(Prompt.FILES) in answer and said(Prompt.NOW) in answer
    assert len(line.rows) == 1
    answer = line.send("They sell drugs at the market every day and nobody does anything")
    assert TEXT[Prompt.WHERE].say(Language.EN) in answer
    line.end()
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD]
    assert line.opened().content.tip.language is Language.EN


def test_who_sends_a_video_hears_at_once_that_none_is_taken(line: Line) -> None:
    """And whoever asks for help, before. The operator reads what came."""
    assert "videos" in line.send("ajuda")
    line.send(DRUGS)
    video, picture = line.keep(b"FLV\1 a film", "video/mp4"), pictures.jpeg()
    answer = line.send("", video)
    assert answer == said(Prompt.VIDEO) + "\n" + said(Prompt.NOW)
    answer = line.send("", line.keep(picture), video)
    assert answer.startswith(said(Prompt.FILES) + "\n" + said(Prompt.VIDEO))
    line.end()
    assert line.kinds().count(Kind.CARD) == 1
    assert [one.refused for one in line.opened().additions] == ["video", "video"]
    assert video in line.gone("media")


@pytest.mark.parametrize("words", ["ajuda", "oi", "...", "não sei", "repetir"])
def test_words_that_tell_nothing_lose_no_file(line: Line, words: str) -> None:
    assert said(Prompt.FILES) in line.send(words, line.keep(pictures.jpeg()))
    line.send(words, line.keep(pictures.jpeg()))
    line.end()
    assert line.kinds().count(Kind.CARD) == 2


def test_files_are_no_answer_and_pass_over_no_question(line: Line) -> None:
    line.send(DRUGS)
    for _ in range(MOST_FILES):
        answer = line.send("", line.keep(pictures.jpeg()))
        assert answer == said(Prompt.FILES) + "\n" + said(Prompt.NOW)
    more = line.keep(pictures.jpeg())
    assert line.send("", more).startswith(said(Prompt.FILES_LEFT))
    line.end()
    assert line.kinds().count(Kind.CARD) == MOST_FILES
    assert more in line.gone("media")


def test_who_stops_before_telling_anything_leaves_no_file(line: Line) -> None:
    file = line.keep(pictures.jpeg())
    line.send("PARAR", file)
    line.work()
    assert line.rows == [] and line.gone("media") == [file]


def test_who_stops_with_a_picture_still_gives_it(line: Line) -> None:
    line.send(DRUGS)
    line.send("PARAR", line.keep(pictures.jpeg()))
    line.work(LOOK_AGAIN)
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD]
    assert line.row.state is State.WAITING


def test_a_withheld_sender_has_a_tip_with_the_file(line: Line) -> None:
    phone = TextPhone(line.wire, BOOKED_UP)
    answer = line.send("", line.keep(pictures.jpeg()), phone=phone)
    assert said(Prompt.FILES) in answer and said(Prompt.NOW) not in answer
    line.work(LOOK_AGAIN)
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD]


def test_files_come_later_with_the_receipt(line: Line) -> None:
    line.send(DRUGS)
    code = line.exchange.sessions
    session = code.get(code.key("whatsapp", line.phone.line, NUMBER))
    line.end()
    other = TextPhone(line.wire, "+5521987650002")
    assert said(Prompt.FILES) in line.send(
        session.thread.code, line.keep(pictures.jpeg()), phone=other
    )
    assert said(Prompt.FILES) in line.send("", line.keep(pictures.pdf(2)), phone=other)
    line.work(LOOK_AGAIN)
    assert line.kinds().count(Kind.CARD) == 2
    assert Kind.SUPPLEMENT not in line.kinds(), "no word was told"


def test_a_voice_note_is_heard_once_and_forgotten(line: Line) -> None:
    file = line.keep(pictures.sound(), "audio/ogg")
    line.send(DRUGS, file)
    line.end()
    assert line.kinds() == [Kind.RECORDING]
    assert ("forget_recording", "ready") in line.staff.outbox.counts()
    assert line.gone("media") == [file]
    (recording,) = line.opened("paulo").recordings
    assert recording.waits


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"FLV\1 a film", "Videos are not taken yet."),
        (b"MZ not a picture", "Files of this kind are not taken."),
        (b"\xff\xd8\xff cut", "This file is damaged and cannot be opened."),
        (bytes(11 * 1024 * 1024), "This file is larger than 10 MB."),
        (b"", "This file is empty."),
    ],
    ids=["video", "kind", "damaged", "large", "empty"],
)
def test_a_file_that_is_refused_leaves_a_sentence_for_the_operator(
    line: Line, data: bytes, sentence: str
) -> None:
    file = line.keep(data)
    line.send(DRUGS, file)
    line.end()
    assert line.kinds() == [Kind.SUPPLEMENT]
    assert line.gone("media") == [file]
    hand = Office.of(line.staff)("paulo")
    hand.next()
    html = unescape(hand.html)
    for words in ("A file of the reporter was not taken", sentence, "Nothing of it was kept."):
        assert say(Language.PT, words) in html
    assert 'name="addition"' not in html


def test_what_the_provider_says_is_too_large_is_refused_and_not_tried_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def media(message: str, sid: str) -> tuple[str, bytes]:
        raise ProviderProblem("too_large")

    monkeypatch.setattr(line.provider, "media", media)
    line.send(DRUGS, line.keep(b""))
    line.end()
    assert [a.refused for a in line.opened().additions] == ["too_large"]


def test_no_process_to_open_a_file_is_no_fault_of_the_file(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = enclosures.clean

    def closed(data: bytes, kind: str) -> object:
        raise FilesClosed

    monkeypatch.setattr(enclosures, "clean", closed)
    line.send(DRUGS, line.keep(pictures.jpeg()))
    line.end()
    assert line.kinds() == [] and line.gone("media") == []
    monkeypatch.setattr(enclosures, "clean", real)
    line.work(BACKOFF[1])
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD]


def test_a_long_message_that_became_a_file_is_words(line: Line) -> None:
    text = f"Eles vendem de noite. Meu telefone é {NUMBER}, me liga. " + "Na praça. " * 300
    line.send(DRUGS, line.keep(text.encode(), "text/plain"))
    line.end()
    (addition,) = line.opened().additions
    assert "Eles vendem de noite" in addition.text and NUMBER[-8:] not in addition.text


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"a" * (LONGEST_TEXT + 1), "too_large"), (b"\xff\xfe\x00", "unknown_kind")],
)
def test_a_text_that_is_too_long_or_no_text_is_refused(line: Line, data: bytes, code: str) -> None:
    line.send(DRUGS, line.keep(data, "text/plain"))
    line.end()
    assert [a.refused for a in line.opened().additions] == [code]


def test_reports_of_such_images_bring_no_file(line: Line) -> None:
    file = line.keep(pictures.jpeg())
    answer = line.send(IMAGES, file)
    assert answer.startswith(said(Prompt.FILES_BARRED)) and said(Prompt.FILES) not in answer
    line.provider.files.clear()  # whoever asks for it now fails
    line.end()
    assert line.kinds() == [] and line.gone("media") == [file]
    assert BARRED_FILES in line.opened("gabi").content.tip.hold_reasons


def test_a_file_before_the_words_that_bar_it_is_not_fetched(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = line.keep(pictures.jpeg())
    assert said(Prompt.FILES) in line.send("", file)
    line.send(IMAGES)
    monkeypatch.setattr(line.provider, "media", None)
    line.end()
    assert line.kinds() == [Kind.SUPPLEMENT] and line.gone("media") == [file]
    assert [a.refused for a in line.opened("gabi").additions] == ["barred"]


def test_the_same_message_twice_and_a_worker_killed_after_its_commit_keep_one_file(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, sid = line.keep(pictures.jpeg()), new_sid("MM")
    assert line.send(DRUGS, file, sid=sid) == line.send(DRUGS, file, sid=sid)
    assert line.staff.outbox.counts()["media", "ready"] == 1
    done = Outbox.done

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    line.work()
    line.phone.send("PARAR")
    line.work()
    line.clock.advance(LOOK_AGAIN)
    monkeypatch.setattr(Outbox, "done", killed)
    with pytest.raises(KeyboardInterrupt):
        line.work()
    monkeypatch.setattr(Outbox, "done", done)
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD] and line.gone("media") == []
    line.work(LEASE_SECONDS + 1)
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD] and line.gone("media") == [file]


def test_a_file_that_cannot_be_fetched_is_given_up_with_an_alarm_and_spared_at_night(
    line: Line,
) -> None:
    file, sid = line.keep(pictures.jpeg()), new_sid("MM")
    data = line.provider.files.pop(file) if line.send(DRUGS, file, sid=sid) else None
    line.phone.send("PARAR")
    line.work(LOOK_AGAIN, *[wait + 1 for wait in BACKOFF])
    assert line.staff.outbox.counts()["media", "buried"] == 1
    old = Kept(sid, line.clock.seconds() - 40 * 3600)
    line.provider.shelves["message"] = [old]
    nightly = Nightly(line.staff, line.provider)
    nightly.run()
    line.clock.advance(24 * 3600)
    assert nightly.run()
    assert sid not in line.gone("message") and line.provider.shelves["message"] == [old]
    assert data is not None
    line.provider.files[file] = data
    (buried,) = [i for i, kind, _ in line.staff.outbox.buried() if kind == "media"]
    line.staff.outbox.retry(buried)
    line.work(FILES_AGAIN)
    assert line.kinds() == [Kind.ATTACHMENT, Kind.CARD]
    assert line.gone("media") == [file] and sid in line.gone("message")


def test_a_decided_tip_waits_again_when_its_file_is_there(line: Line) -> None:
    """A file that the provider gives late."""
    line.send(DRUGS, line.keep(pictures.jpeg()))
    line.work()
    line.phone.send("PARAR")
    line.work()
    hand = Office.of(line.staff)("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/close", reason="hoax")
    assert line.row.state is State.CLOSED
    line.work(LOOK_AGAIN)
    assert line.row.state is State.WAITING


def test_a_held_tip_goes_nowhere_by_itself(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    packages = Pipeline._packages

    def watched(self: Pipeline, content, tip: bytes):
        held.append(content.tip.held)
        return packages(self, content, tip)

    monkeypatch.setattr(Pipeline, "_packages", watched)
    line.send(DRUGS)
    line.send("", line.keep(pictures.jpeg()))
    line.end()
    assert held and all(held)
