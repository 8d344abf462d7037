"""Files made to harm: only a cleaned file or a refusal comes of them, and soon; the child that
opens them can do nothing else, and what it says is not believed."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.doctor import files_opened
from hotline.errors import HotlineError
from hotline.intake.attachments import Cleaned, FileRefused, clean, cleaning, limits
from hotline.intake.attachments.jpeg import size_of_bare
from hotline.intake.attachments.outcome import framed, unframed
from hotline.intake.attachments.recognise import media_type_of
from hotline.intake.attachments.sounds import untagged
from tests import samples
from tests.promises.canaries import Aviary

BIRDS = Aviary()
Instead = Callable[..., None]
SAMPLES = {
    "photo": samples.photo(BIRDS),
    "png": samples.png(BIRDS),
    "webp": samples.webp(BIRDS),
    "pdf": samples.document(BIRDS),
    "mp3": samples.mp3(BIRDS),
    "wav": samples.wav(BIRDS),
    "m4a": samples.m4a(BIRDS),
    "webm": samples.webm(b"A_OPUS"),
    "ogg": samples.ogg(),
}


def refused(data: bytes) -> str:
    with pytest.raises(FileRefused) as error:
        clean(data)
    return error.value.code


def outcome(data: bytes) -> str:
    """``cleaned`` or the code of the refusal; anything else is an error of this test."""
    started = time.monotonic()
    try:
        cleaned = clean(data)
    except FileRefused as error:
        return error.code
    finally:
        assert time.monotonic() - started < limits.SECONDS + limits.WAIT_SECONDS
    assert isinstance(cleaned, Cleaned)
    return "cleaned"


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A good file, cut, with some bytes changed, a length overstated, or a part twice."""
    data = bytearray(SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["cut", "flip", "length", "twice", "gone"])):
            case "cut":
                del data[at:]
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "length":
                data[at : at + 4] = draw(
                    st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
                )
            case "twice":
                data[at:at] = data[at : at + draw(st.integers(1, 2000))]
            case "gone":
                del data[at : at + draw(st.integers(1, 200))]
    return bytes(data)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(spoilt())
def test_a_spoilt_file_is_cleaned_or_refused(data: bytes) -> None:
    outcome(data)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(spoilt() | st.binary(max_size=200))
def test_what_the_parent_reads_itself_raises_nothing_else(data: bytes) -> None:
    """Recognising happens outside the child, in plain Python; so does its second look at sounds."""
    try:
        media_type = media_type_of(data)
        if media_type.startswith("audio/"):
            assert len(untagged(data, media_type)) <= len(data)
    except FileRefused:
        pass


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=40), max_size=5), st.binary(max_size=9))
def test_a_frame_is_read_as_written_or_not_at_all(parts: list[bytes], tail: bytes) -> None:
    assert unframed(framed(parts)) == parts
    whole = framed([*parts, b"last"])
    for cut in range(1, 8):
        with pytest.raises(ValueError, match="cut within"):
            unframed(whole[:-cut])
    assert tail == b"" or unframed(framed([tail])) == [tail]


# Bombs


def zeros(millions: int) -> bytes:
    """So many MiB of zeros, packed: one piece that stands by itself, repeated."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    check = struct.pack(">HH", millions * 2**20 % 65521, 1)
    return b"\x78\x01" + piece * millions + b"\x03\x00" + check


def squeezed(millions: int) -> bytes:
    return zlib.compress(zeros(millions), 9)


def png_of(width: int, height: int, bits: int, colour: int, millions: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            samples.chunk(b"IHDR", head),
            samples.chunk(b"IDAT", zeros(millions)),
            samples.chunk(b"IEND", b""),
        )
    )


def test_the_bombs_are_armed() -> None:
    assert zlib.decompress(zeros(3)) == bytes(3 * 2**20)
    assert len(zeros(400)) < 2**20 and len(squeezed(600)) < 10_000


def test_a_picture_of_3600_million_dots_is_not_opened() -> None:
    assert refused(png_of(60_000, 60_000, 1, 0, 430)) == "too_many_pixels"


def test_the_costliest_picture_stays_within_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many dots as are taken, with transparency: in its memory and its 15 seconds of work."""
    monkeypatch.setattr(limits, "SECONDS", 90.0)  # of the clock; others may be at work here
    side = 8000
    assert side * side == limits.MOST_PIXELS
    assert clean(png_of(side, side, 8, 6, 246)).kind == "image"


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_a_text_that_unfolds_without_end_is_refused(name: bytes) -> None:
    data = samples.saved(samples.scene(), "PNG")
    assert (
        refused(data[:33] + samples.chunk(name, b"name\0\0" + zeros(300)) + data[33:]) == "damaged"
    )


def changed(number: int, body: bytes, box: bytes = b"0 0 595 842") -> bytes:
    return samples.pdf(samples.pages(1, box) | {number: body})


HUGE_IMAGE = (
    b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB"
    b"/BitsPerComponent 8/Filter[/FlateDecode/FlateDecode]"
)
DRAWS_IMAGE = samples.pages()[10].replace(b"/Font", b"/XObject<</I 5 0 R>>/Font")


@pytest.mark.parametrize(
    ("data", "allowed"),
    [
        (samples.pdf(samples.pages(1, b"0 0 1000000000 1000000000")), {"cleaned"}),
        (samples.pdf(samples.pages(1, b"0 0 0.00001 90000000")), {"cleaned", "damaged"}),
        (samples.pdf(samples.pages(1, b"0 0 nan inf")), {"cleaned", "damaged"}),
        (changed(2, b"<</Type/Pages/Count 1/Kids[2 0 R]>>"), {"damaged"}),
        (changed(2, b"<</Type/Pages/Count 999999999/Kids[10 0 R 10 0 R]>>"), {"cleaned"}),
        (changed(2, b"<</Type/Pages/Count 7/Kids[]>>"), {"damaged"}),
        (changed(2, b"[" * 100_000), {"damaged", "no_pages"}),
        (
            changed(3, samples.stream(squeezed(600), b"/Filter[/FlateDecode/FlateDecode]")),
            {"cleaned", "damaged", "timed_out", "too_many_pixels"},
        ),
        (
            samples.pdf(
                samples.pages()
                | {
                    3: samples.stream(b"600 0 0 800 0 0 cm /I Do"),
                    5: samples.stream(squeezed(300), HUGE_IMAGE),
                    10: DRAWS_IMAGE,
                }
            ),
            {"cleaned", "damaged", "timed_out", "too_many_pixels"},
        ),
    ],
    ids=["box", "narrow", "nan", "loop", "count", "kids", "deep", "unfolding", "image"],
)
def test_a_pdf_made_to_harm_ends_soon(data: bytes, allowed: set[str]) -> None:
    assert outcome(data) in allowed


def test_a_locked_pdf_is_refused_with_what_to_do() -> None:
    encrypt = b"<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>" % (b"41" * 32, b"42" * 32)
    objects = samples.pages() | {9: encrypt}
    data = samples.pdf(objects, extra=b"/Encrypt 9 0 R/ID[<00112233><00112233>]")
    with pytest.raises(FileRefused) as error:
        clean(data)
    assert error.value.code == "protected" and "password" in error.value.hint


# The child: honest programs put in its place


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Instead:
    """Runs a program in place of the child."""

    def replace(program: str, seconds: float = limits.SECONDS) -> None:
        monkeypatch.setattr(limits, "SECONDS", seconds)
        monkeypatch.setattr(cleaning, "COMMAND", (sys.executable, "-I", "-c", program))

    return replace


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    children: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            children.append(self)

    monkeypatch.setattr(cleaning.subprocess, "Popen", Noted)
    return children


ANSWER = "import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({!r})"
GOOD = SAMPLES["photo"]
PLAIN = samples.saved(samples.scene(), "JPEG", quality=50)
SMALL = samples.saved(samples.scene((90, 60)), "JPEG")


def test_the_seam_itself_is_honest(instead: Instead) -> None:
    """What the programs below answer is taken when it is right; so it is refused for what it is."""
    instead(ANSWER.format(framed([b"ok", SMALL, PLAIN])))
    assert clean(GOOD) == Cleaned("image", (PLAIN,), thumbnail=SMALL)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import time; time.sleep(60)", "timed_out"),
        ("import os, time; os.close(1); os.close(0); time.sleep(60)", "timed_out"),
        ("while True: pass", "timed_out"),
        ("import os; os.kill(os.getpid(), 9)", "timed_out"),
        ("import os; os.kill(os.getpid(), 11)", "damaged"),
        ("raise SystemExit(1)", "damaged"),
        ("raise SystemExit(3)", "files_closed"),
        ("", "damaged"),
        ("while True: print('x' * 65536)", "damaged"),
    ],
)
def test_a_child_that_fails_leaves_a_refusal_and_no_process(
    instead: Instead, started: list[subprocess.Popen[bytes]], program: str, code: str
) -> None:
    instead(program, 1.0 if code == "timed_out" else limits.SECONDS)
    began = time.monotonic()
    assert refused(GOOD + bytes(2**20)) == code
    assert time.monotonic() - began < 10
    assert [child.poll() is None for child in started] == [False]


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense",
        b"\xff\xff\xff\xff",
        framed([]),
        framed([b"ok"]),
        framed([b"ok", SMALL]),
        framed([b"no such word"]),
        framed([b"ok", b"", PLAIN]),
        framed([b"ok", SMALL, b"GIF89a"]),
        framed([b"ok", SMALL, PLAIN, PLAIN]),
        framed([b"ok", SMALL, PLAIN + b"tail"]),
        framed([b"ok", SMALL, PLAIN[:-2]]),
        framed([b"ok", SMALL, GOOD]),
        framed([b"ok", GOOD, PLAIN]),
        framed([b"ok", PLAIN, PLAIN]),
        framed([b"ok", SMALL, samples.saved(samples.scene((2049, 9)), "JPEG")]),
        framed([b"ok", SMALL, samples.saved(samples.scene(), "JPEG", progressive=True)]),
        framed([b"ok", SMALL, samples.saved(samples.scene(), "JPEG", comment=b"me")]),
        framed([b"ok", SMALL, samples.saved(samples.scene(), "PNG")]),
    ],
)
def test_an_answer_that_no_honest_child_gives_is_not_believed(
    instead: Instead, answer: bytes
) -> None:
    instead(ANSWER.format(answer))
    assert refused(GOOD) == "damaged"


def test_a_sound_is_looked_at_again(instead: Instead) -> None:
    for parts in ([b"MZ other"], [samples.AMR], [], [SAMPLES["mp3"] + bytes(9)], [b"x", b"y"]):
        instead(ANSWER.format(framed([b"ok", b"", *parts])))
        assert refused(SAMPLES["mp3"]) in ("damaged", "unknown_kind")


def test_without_a_process_no_file_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "COMMAND", (os.devnull,))
    assert refused(GOOD) == "files_closed"


def test_the_doctor_tells_whether_files_can_be_opened(instead: Instead) -> None:
    assert "process of their own" in files_opened()
    instead("raise SystemExit(3)")  # a decoder is missing
    with pytest.raises(HotlineError, match="every file is refused"):
        files_opened()


def test_a_flood_of_files_waits_its_turn(
    instead: Instead,
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instead("import time; time.sleep(60)", 2.0)
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.1)
    codes: list[str] = []
    threads = [threading.Thread(target=lambda: codes.append(outcome(GOOD))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["files_closed"] * 4 + ["timed_out"] * limits.AT_ONCE
    assert len(started) == limits.AT_ONCE


# The cell


def in_the_cell(program: str, before: str = "") -> str:
    """What a program says that runs where the decoders run."""
    setting = (
        f"import sys; sys.path.insert(0, {cleaning._FOLDER!r})\n"
        "import os, socket, resource, traceback\n"
        "from hotline.intake.attachments import cell\n"
        f"{before}\ncell.enter(); cell.shut()\n"
        "try:\n    print(eval(sys.argv[1]))\n"
        "except BaseException as error:\n"
        "    print(type(error).__name__, getattr(error, 'errno', 0))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", setting, program], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or f"ended by {-done.returncode}"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("socket.socket()", "OSError 24"),
        ("socket.socket(socket.AF_UNIX)", "OSError 24"),
        ("open('/etc/passwd')", "OSError 24"),
        ("os.memfd_create('x')", "OSError 24"),
        ("os.pipe()", "OSError 24"),
        ("os.fork()", "BlockingIOError 11"),
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))", "ValueError 0"),
        ("len(bytes(800 * 2**20))", "MemoryError 0"),
        ("resource.getrlimit(resource.RLIMIT_CORE)", "(0, 0)"),
        ("resource.getrlimit(resource.RLIMIT_FSIZE)", "(0, 0)"),
        ("os.geteuid() != 0 and os.getegid() != 0", "True"),
        ("os.execv('/bin/true', ['true'])", "OSError 24"),
    ],
)
def test_what_the_child_cannot_do(program: str, said: str) -> None:
    if program.startswith("os.exec"):
        # A new program needs its libraries, and no file can be opened.
        assert in_the_cell(program) != "None" and in_the_cell(program).startswith(("ended", "OSE"))
        return
    assert in_the_cell(program) == said


def test_the_child_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the kernel's clock of work done, whatever the parent does."""
    said = in_the_cell("[None for _ in iter(int, 1)]", before="cell.CPU_SECONDS = 1")
    assert said in ("ended by 9", "ended by 24")


def test_where_the_kernel_allows_it_the_child_has_a_network_of_its_own() -> None:
    allowed = subprocess.run(["unshare", "--user", "--net", "true"], check=False).returncode == 0
    names = in_the_cell("names", before="cell.enter(); names = list(socket.if_nameindex())")
    assert not allowed or re.fullmatch(r"\[\(1, 'lo'\)\]", names)


def test_the_child_is_told_nothing_and_inherits_nothing(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "canary")
    program = (
        "import os, sys; sys.stdin.buffer.read();"
        "print(dict(os.environ), os.getcwd(), sorted(os.listdir('/proc/self/fd')), sys.argv)"
    )
    with Path(os.devnull).open() as held:
        os.set_inheritable(held.fileno(), True)
        said = cleaning.asked([sys.executable, "-I", "-c", program, "image/png"], b"x", 9.0)
    environment, _, rest = said.decode().partition("} ")
    assert "canary" not in environment and "HOME" not in environment
    assert rest.startswith("/ ['0', '1', '2', '3'] ['-c', 'image/png']")  # 3 is the listing's own


def test_a_bare_picture_is_told_from_one_that_carries_something() -> None:
    assert size_of_bare(PLAIN) == samples.SIZE
    for extra in (b"\xff\xe1\x00\x04ab", b"\xff\xfe\x00\x04ab", b"\xff\xe2\x00\x04ab"):
        with pytest.raises(ValueError, match="no picture needs"):
            size_of_bare(PLAIN[:20] + extra + PLAIN[20:])
    with pytest.raises(ValueError, match="one scan"):
        size_of_bare(PLAIN + PLAIN)
    assert io.BytesIO(PLAIN).read(2) == b"\xff\xd8"
