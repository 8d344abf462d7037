"""Files: what a reporter sends along: held in memory only, within limits kept while it is read.

A name is never looked at; a file is known by its number, as the reporter counts them.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from flask import Request

from hotline.errors import BadInput, Busy
from hotline.intake.attachments import MOST_BYTES, MOST_FILES, Cleaned, FileRefused, clean
from hotline.tips import Redacted

MOST_TOGETHER = 20 * 1024 * 1024  # bytes of all files of a report
# Of a whole request. Files beyond MOST_TOGETHER are read and dropped, because a browser shows the
# answer only when all it sends was taken; beyond this it shows that the connection was cut.
MOST_READ = 64 * 1024 * 1024
_MOST_PARTS = 40
# Larger bodies take turns, so that neither the threads nor the memory of a process are ever all
# taken by files: a report in words always gets through.
_SMALL = 2 * 1024 * 1024
_turns = threading.BoundedSemaphore(6)


class TooLargeTogether(FileRefused):
    """One file too many bytes for the report, though not for itself."""

    code = "too_large_together"
    status = 413
    message = "Together the files are larger than 20 MB."
    hint = "Send fewer or smaller files."


class FilesBarred(BadInput):
    """Files with a report about images that nobody may keep or send."""

    code = "files_barred"
    message = "Files are not taken with this kind of report."
    hint = "Do not save the images and do not send them to anyone."


class WrongFile(BadInput):
    """File ``number``, from 1, was refused; sentence and hint are those of why."""

    code = "wrong_file"

    def __init__(self, number: int, refused: FileRefused) -> None:
        super().__init__(refused.message, refused.hint)
        self.number = number
        self.refused = refused


@dataclass(frozen=True, slots=True, repr=False)
class Sent(Redacted):
    """A file as it came. ``number`` counts from 1; ``lost``: there was no room for it."""

    number: int
    data: bytes
    content_type: str = ""
    lost: bool = False


class Room:
    """What is left in memory for the files of one request. A request that no view made room for
    keeps nothing of what it brings."""

    def __init__(self, files: int = 0) -> None:
        self.files = files
        self.bytes = MOST_TOGETHER


class Held(io.BytesIO):
    """One file while it is read: what there is no room for is dropped as it comes. Of a file that
    is too large by itself one byte more than allowed is kept, so that ``clean`` says so."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        room.files -= 1
        self.lost = room.files < 0

    def write(self, data: bytes) -> int:  # type: ignore[override]  # Werkzeug gives bytes only
        kept = b"" if self.lost else data[: MOST_BYTES + 1 - self.tell()]
        if len(kept) > self._room.bytes:
            self.lost = True
            self._room.bytes += self.tell()
            self.seek(0)
            self.truncate()
        else:
            self._room.bytes -= len(kept)
            super().write(kept)
        return len(data)


class MemoryRequest(Request):
    """A request whose files are never on a disk: Werkzeug's own writes larger ones in clear into
    the temporary directory."""

    room = Room()
    _turn = False

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return Held(self.room)

    def make_room(self) -> None:
        """For a view that takes files: a form of ``MOST_FILES``, and no longer than it may be.
        Raises Busy."""
        self.take_turn()
        self.room = Room(MOST_FILES)
        self.max_content_length = MOST_READ
        self.max_form_parts = _MOST_PARTS

    def take_turn(self) -> None:
        """Before a body that may be large is read. Raises Busy."""
        if self._turn or (self.content_length or MOST_READ) <= _SMALL:
            return
        if not _turns.acquire(blocking=False):
            raise Busy
        self._turn = True

    def close(self) -> None:
        """Flask's last word to every request."""
        super().close()
        if self._turn:
            self._turn = False
            _turns.release()

    def sent(self) -> tuple[Sent, ...]:
        """The files in the fields ``file-1``, ``file-2``, … that hold one."""
        found = []
        for number in range(1, MOST_FILES + 1):
            file = self.files.get(field_of(number))
            if file is None:
                continue
            held = file.stream
            lost = isinstance(held, Held) and held.lost
            data = file.read()
            if data or lost or file.filename:
                found.append(Sent(number, data, file.mimetype, lost))
        return tuple(found)


def field_of(number: int) -> str:
    """The form's name for a file."""
    return f"file-{number}"


def cleaned(files: Sequence[Sent]) -> tuple[Cleaned, ...]:
    """What may be kept of the files. Raises WrongFile for the first that is refused."""
    found = []
    for file in files:
        try:
            if file.lost:
                raise TooLargeTogether
            found.append(clean(file.data, file.content_type))
        except FileRefused as refused:
            raise WrongFile(file.number, refused) from None
    return tuple(found)
