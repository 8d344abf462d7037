"""Errors: each failure a person may meet is a sentence, a hint, a status; nothing of theirs.

Rule of the house: no message ever holds the user's words, a number, a path of theirs or the
arguments of a foreign exception. ``HotlineError`` is defined here; each error lives beside what
raises it.
"""

from __future__ import annotations

from typing import ClassVar


class HotlineError(Exception):
    """Base of all errors we show. ``code`` is stable for machines; ``message`` and ``hint`` are
    English msgids that a surface may translate; ``status`` is the HTTP status."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    message: str = "Something went wrong on our side."
    hint: str = "Try again in a few minutes."

    def __init__(self, message: str | None = None, hint: str | None = None) -> None:
        if message is not None:
            self.message = message
        if hint is not None:
            self.hint = hint
        super().__init__(self.message)


class Unavailable(HotlineError):
    """The line cannot take a tip safely now (no key, no database, no disk): it says so."""

    code = "unavailable"
    status = 503
    message = "The line cannot take your report safely right now."
    hint = "Nothing was stored. Try again in a few minutes, or report another way."


class BadInput(HotlineError):
    """What came in cannot be taken as it is; the sentence says why and what would do."""

    code = "bad_input"
    status = 422
    message = "This report cannot be read."
    hint = "Send it again as plain text."


class TooLarge(BadInput):
    """More than the line takes in one piece."""

    code = "too_large"
    status = 413
    message = "This is longer than the line can take in one piece."
    hint = "Send it in two parts."


class Busy(HotlineError):
    """The global budget is used up: slow down honestly, never block a person."""

    code = "busy"
    status = 503
    message = "The line is very busy."
    hint = "Wait a minute and send it again. Nothing of it was stored."


class NotAllowed(HotlineError):
    """The signed-in person may not do this. Same answer as for a thing that does not exist."""

    code = "not_found"
    status = 404
    message = "There is nothing here for you."
    hint = "Go back to your queue."
