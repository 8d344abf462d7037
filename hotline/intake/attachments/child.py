"""Child: one file, opened in a process of its own that can do nothing else.

It gets the bytes by standard input and answers by standard output; see ``outcome`` for the frame
and ``cell`` for what it gives up first. It keeps nothing and says nothing on standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from hotline.intake.attachments import cell
from hotline.intake.attachments.limits import MOST_BYTES
from hotline.intake.attachments.outcome import framed
from hotline.intake.attachments.refusals import Damaged, FileRefused, TooManyPixels
from hotline.intake.attachments.sounds import untagged

NOT_READY = 3  # exit status: this process could not be shut in, or a decoder is not installed
Worker = Callable[[bytes], tuple[bytes, list[bytes]]]


def main(media_type: str) -> None:
    """Never returns: nothing that a library registered for the end is run."""
    try:
        cell.enter()
        worker = _worker(media_type)
        data = sys.stdin.buffer.read(MOST_BYTES + 1)
        cell.shut()
    except BaseException:  # noqa: BLE001 - whatever it was, no file is opened
        os._exit(NOT_READY)
    try:
        sys.stdout.buffer.write(framed(_answer(worker, data)))
        sys.stdout.buffer.flush()
    finally:
        os._exit(0)


def _worker(media_type: str) -> Worker:
    """Loads only the decoder that is needed: that is most of the time a small file takes."""
    if media_type.startswith("audio/"):
        return lambda data: (b"", [untagged(data, media_type)])
    if media_type == "application/pdf":
        from hotline.intake.attachments import documents

        return documents.cleaned
    from hotline.intake.attachments import images

    return lambda data: images.cleaned(data, media_type)


def _answer(worker: Worker, data: bytes) -> list[bytes]:
    try:
        thumbnail, parts = worker(data)
    except FileRefused as refused:
        return [refused.code.encode()]
    except MemoryError:
        return [TooManyPixels.code.encode()]
    except Exception:  # noqa: BLE001 - decoders raise anything at all, and all of it means this
        return [Damaged.code.encode()]
    return [b"ok", thumbnail, *parts]
