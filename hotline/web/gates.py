"""Gates: whoever sends slowly holds a thread with nothing else to do, and nobody else's turn.

The proxy hands on what is sent as it comes, for it may put no report on its disk, and an onion
service has no proxy. So a request in words is read before it is worked on, in one of many threads;
one with files is read while it is worked on, and there are few of those at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 512  # requests that are sent, wait or are worked on; the others wait in the network
WORDS, FILES = 16, 8  # requests that are worked on at once
SMALL = 128 * 1024  # bytes: more than the longest report in words


def gated(app: WSGIApplication) -> WSGIApplication:
    """The same application; its places are kept until an answer is closed."""
    words, files = BoundedSemaphore(WORDS), BoundedSemaphore(FILES)

    def waiting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        size = _size(environ)
        if size <= SMALL:
            # What is cut short is the application's to refuse.
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(size) if size else b"")
        gate = words if size <= SMALL else files
        gate.acquire()
        try:
            return ClosingIterator(app(environ, start_response), gate.release)
        except BaseException:
            gate.release()
            raise

    return waiting


def _size(environ: WSGIEnvironment) -> int:
    """Bytes that are announced; one more than SMALL where nobody says how many come."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return SMALL + 1
    announced = environ.get("CONTENT_LENGTH") or "0"
    return int(announced) if announced.isdecimal() else SMALL + 1
