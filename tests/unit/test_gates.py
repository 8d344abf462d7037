"""Gates: senders that never finish keep nobody from being answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest

from hotline.web.gates import FILES, SMALL, THREADS, WORDS, gated

PATIENCE = 60.0  # seconds


class Slow:
    """A body that does not come before ``go``."""

    def __init__(self, go: threading.Event) -> None:
        self.go = go

    def read(self, size: int = -1) -> bytes:
        self.go.wait(PATIENCE)
        return b""


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    said = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [said]


def call(app: Any, body: Any, size: str | None, **more: str) -> bytes:
    environ = {"wsgi.input": body, **more}
    if size is not None:
        environ["CONTENT_LENGTH"] = size
    answer = app(environ, lambda *_: None)
    said = b"".join(answer)
    answer.close()
    return said


@pytest.mark.parametrize(("size", "many"), [("100", WORDS * 4), (str(SMALL + 1), FILES * 4)])
def test_whoever_sends_slowly_keeps_no_report_in_words_out(size: str, many: int) -> None:
    app, go = gated(echo), threading.Event()
    assert many < THREADS
    with ThreadPoolExecutor(many + 1) as pool:
        slow = [pool.submit(call, app, Slow(go), size) for _ in range(many)]
        try:
            told = pool.submit(call, app, BytesIO(b"words"), "5")
            assert told.result(PATIENCE / 2) == b"words"
            assert not any(one.done() for one in slow)
        finally:
            go.set()
        assert [one.result(PATIENCE) for one in slow] == [b""] * many, "and each gets its turn"


@pytest.mark.parametrize("size", [None, "", "5", "x", str(SMALL + 1)])
def test_the_application_reads_what_was_sent(size: str | None) -> None:
    app = gated(echo)
    read = b"" if not size else b"words"
    assert call(app, BytesIO(b"words"), size) == read
    assert call(app, BytesIO(b"words"), None, HTTP_TRANSFER_ENCODING="chunked") == b"words"


def test_a_place_is_given_back_by_what_fails_too() -> None:
    def broken(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise ValueError

    app = gated(broken)
    for _ in range(2 * WORDS):
        with pytest.raises(ValueError):
            call(app, BytesIO(b"words"), "5")
