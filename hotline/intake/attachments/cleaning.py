"""Cleaning: starts the child, waits no longer than it may, and believes nothing of its answer."""

from __future__ import annotations

import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hotline.intake.attachments import limits
from hotline.intake.attachments.child import NOT_READY
from hotline.intake.attachments.jpeg import size_of_bare
from hotline.intake.attachments.outcome import Cleaned, unframed
from hotline.intake.attachments.recognise import media_type_of
from hotline.intake.attachments.refusals import (
    REASONS,
    Damaged,
    FileEmpty,
    FilesClosed,
    FileTooLarge,
    TimedOut,
)

# Isolated: no variable and no working directory changes what is imported. The folder of this very
# package goes first, so that the child runs the code of its parent.
_FOLDER = str(Path(__file__).parents[3])
_PROGRAM = """\
import sys
sys.path.insert(0, sys.argv[1])
from hotline.intake.attachments.child import main
main(sys.argv[2])
"""
COMMAND = (sys.executable, "-I", "-B", "-c", _PROGRAM, _FOLDER)
_PIECE = 64 * 1024
_turns = threading.BoundedSemaphore(limits.AT_ONCE)


def clean(data: bytes, content_type: str = "") -> Cleaned:
    """The file as drawn pixels, or a sound without its tags. Blocks for up to 30 seconds, mostly
    under one. Raises FileRefused. ``content_type`` is whatever the sender says and is not believed.
    """
    del content_type
    if not data:
        raise FileEmpty
    if len(data) > limits.MOST_BYTES:
        raise FileTooLarge
    media_type = media_type_of(data)
    with _turn():
        answer = asked([*COMMAND, media_type], data, limits.SECONDS)
    return _believed(answer, media_type, len(data))


@contextmanager
def _turn() -> Iterator[None]:
    """So that a flood of files cannot take all memory: ``AT_ONCE`` children, the others wait."""
    if not _turns.acquire(timeout=limits.WAIT_SECONDS):
        raise FilesClosed
    try:
        yield
    finally:
        _turns.release()


def asked(command: Sequence[str], data: bytes, seconds: float) -> bytes:
    """What the command answers to the data. Raises TimedOut, FilesClosed, Damaged."""
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a decoder's complaint may quote the file
            env={},
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
    except OSError:
        raise FilesClosed from None
    with child:
        try:
            answer = _exchanged(child, data, time.monotonic() + seconds)
            status = child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            raise TimedOut from None
        finally:
            child.kill()
    if status == NOT_READY:
        raise FilesClosed
    if status in (-signal.SIGKILL, -signal.SIGXCPU):  # the kernel's way to say the time is over
        raise TimedOut
    if status != 0:
        raise Damaged
    return answer


def _exchanged(child: subprocess.Popen[bytes], data: bytes, until: float) -> bytes:
    """Writes and reads at once, neither blocking: a child that does neither is only slow."""
    assert child.stdin is not None and child.stdout is not None
    source, sink = child.stdin.fileno(), child.stdout.fileno()
    os.set_blocking(source, False)
    unsent, answer = memoryview(data), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(source, selectors.EVENT_WRITE)
        ready.register(sink, selectors.EVENT_READ)
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(child.args, left)
            for key, _ in ready.select(left):
                if key.fd == source:
                    unsent = unsent[_sent(source, unsent) :]
                    if not unsent:
                        ready.unregister(source)
                        child.stdin.close()
                    continue
                piece = os.read(sink, _PIECE)
                answer += piece
                if not piece:
                    return bytes(answer)
                if len(answer) > limits.MOST_ANSWER:
                    raise Damaged


def _sent(source: int, unsent: memoryview) -> int:
    try:
        return os.write(source, unsent[:_PIECE])
    except BrokenPipeError:  # it stopped listening; its answer or its status says why
        return len(unsent)


def _believed(answer: bytes, media_type: str, size: int) -> Cleaned:
    """The answer, if it is one that an honest child could give. Raises FileRefused."""
    try:
        word, *parts = unframed(answer)
    except ValueError:
        raise Damaged from None
    if word != b"ok":
        raise REASONS.get(word.decode("latin-1"), Damaged)
    if len(parts) < 2:
        raise Damaged
    thumbnail, *pages = parts
    if media_type.startswith("audio/"):
        return _sound(pages, media_type, size)
    most = limits.MOST_PAGES if media_type == "application/pdf" else 1
    if len(pages) > most:
        raise Damaged
    _check_picture(thumbnail, limits.THUMBNAIL_SIDE)
    for page in pages:
        _check_picture(page, limits.PAGE_SIDE)
    return Cleaned(
        "document" if media_type == "application/pdf" else "image",
        tuple(pages),
        thumbnail=thumbnail,
    )


def _sound(parts: Sequence[bytes], media_type: str, size: int) -> Cleaned:
    if len(parts) != 1 or len(parts[0]) > size:
        raise Damaged
    if media_type_of(parts[0]) != media_type:
        raise Damaged
    return Cleaned("sound", (), sound=parts[0], media_type=media_type)


def _check_picture(picture: bytes, side: int) -> None:
    try:
        width, height = size_of_bare(picture)
    except (ValueError, struct.error):
        raise Damaged from None
    if not (0 < width <= side and 0 < height <= side):
        raise Damaged
