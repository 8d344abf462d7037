"""Refusals: why a file is not taken, and what its sender can do instead. Nothing of the file."""

from __future__ import annotations

from hotline.errors import BadInput


class FileRefused(BadInput):
    """A file that is not taken. Its subclasses are all the reasons there are."""

    code = "file_refused"
    message = "This file could not be taken."
    hint = "Send your report without it."


class FileTooLarge(FileRefused):
    code = "too_large"
    status = 413
    message = "This file is larger than 10 MB."
    hint = "Send a smaller copy or only a part of it."


class FileEmpty(FileRefused):
    code = "empty"
    message = "This file is empty."
    hint = "Choose the file again."


class UnknownKind(FileRefused):
    code = "unknown_kind"
    message = "Files of this kind are not taken."
    hint = "Send a photo (JPEG, PNG or WebP), a PDF or a sound recording."


class UnknownPhoto(FileRefused):
    """HEIC and AVIF: no decoder of them is installed that we would trust with strangers' bytes."""

    code = "unknown_photo"
    message = "Photos of this kind (HEIC or AVIF) cannot be opened here."
    hint = "Take a screenshot of the photo and send that."


class Video(FileRefused):
    code = "video"
    message = "Videos are not taken yet."
    hint = "Send screenshots of what matters and tell the rest in words."


class Damaged(FileRefused):
    code = "damaged"
    message = "This file is damaged and cannot be opened."
    hint = "Choose it again, or send a screenshot of it."


class TooManyPixels(FileRefused):
    code = "too_many_pixels"
    message = "This file is too big to be opened safely."
    hint = "Send a smaller copy or a screenshot of it."


class TooManyPages(FileRefused):
    code = "too_many_pages"
    message = "This PDF has more than 20 pages."
    hint = "Send only the pages that matter."


class NoPages(FileRefused):
    code = "no_pages"
    message = "This PDF has no pages."
    hint = "Open it, see that it is the right one, and choose it again."


class Protected(FileRefused):
    code = "protected"
    message = "This PDF is locked with a password."
    hint = "Send a copy without the password, or screenshots of its pages."


class TimedOut(FileRefused):
    code = "timed_out"
    message = "This file took too long to open."
    hint = "Send a smaller copy or a screenshot of it."


class FilesClosed(FileRefused):
    """No process could be had, or it could not be shut in: no file is opened outside it."""

    code = "files_closed"
    status = 503
    message = "Files cannot be opened safely right now."
    hint = "Send your report without the file, or try again in a few minutes."


REASONS = {reason.code: reason for reason in FileRefused.__subclasses__()}
