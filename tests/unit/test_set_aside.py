"""What a request leaves in a cycle is freed, also when what was loaded is set aside meanwhile."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import run_wsgi_app

from hotline.web.sweeping import Requests, set_aside

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATIENCE = 60


class Told:
    """A report in a cycle, as every request leaves some."""

    def __init__(self) -> None:
        self.itself = self


class Application:
    """Answers when it is let; ``seen`` knows whether the report is still somewhere."""

    def __init__(self) -> None:
        self.came, self.may_go = threading.Event(), threading.Event()
        self.seen: weakref.ref[Told] | None = None

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        told = Told()
        self.seen = weakref.ref(told)
        self.came.set()
        assert self.may_go.wait(PATIENCE)
        if "fails" in environ:
            raise ValueError
        start("200 OK", [])
        return [b"thanks"]


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """The collector of the test process looks at everything again."""
    yield
    gc.unfreeze()


@pytest.mark.parametrize("environ", [{}, {"fails": True}])
def test_what_a_request_of_just_then_leaves_is_not_set_aside(environ: dict[str, bool]) -> None:
    requests, answer = Requests(), Application()
    app = requests.counted(answer)

    def ask() -> None:
        try:
            assert b"".join(run_wsgi_app(app, dict(environ), buffered=True)[0]) == b"thanks"
        except ValueError:
            assert environ

    asking = threading.Thread(target=ask)
    asking.start()
    assert answer.came.wait(PATIENCE)
    assert not set_aside(requests, 0.01, every=True), "nobody is alone while somebody asks"
    done: list[bool] = []
    waiting = threading.Thread(
        target=lambda: done.append(set_aside(requests, PATIENCE, every=True))
    )
    waiting.start()
    answer.may_go.set()
    for thread in (asking, waiting):
        thread.join(PATIENCE)
    assert done == [True]
    gc.collect()
    assert answer.seen is not None and answer.seen() is None


def test_nobody_comes_in_while_everything_is_looked_through() -> None:
    requests, answer = Requests(), Application()
    answer.may_go.set()
    asking = threading.Thread(target=run_wsgi_app, args=(requests.counted(answer), {}, True))
    with requests.shut_out(PATIENCE) as alone:
        asking.start()
        assert alone
        assert not answer.came.is_set()
    asking.join(PATIENCE)
    assert answer.came.is_set()


def test_on_a_busy_day_the_door_is_shut_until_those_inside_are_answered() -> None:
    requests, early, late = Requests(), Application(), Application()
    late.may_go.set()
    first = threading.Thread(target=run_wsgi_app, args=(requests.counted(early), {}, True))
    second = threading.Thread(target=run_wsgi_app, args=(requests.counted(late), {}, True))
    first.start()
    assert early.came.wait(PATIENCE)
    found: list[tuple[bool, bool]] = []

    def shut() -> None:
        with requests.shut_out(0, PATIENCE) as alone:
            found.append((alone, late.came.is_set()))

    sweeping = threading.Thread(target=shut)
    sweeping.start()
    while not requests.shut:
        time.sleep(0.001)
    second.start()
    assert not late.came.wait(0.05), "nobody enters a shut door"
    early.may_go.set()
    for thread in (sweeping, first, second):
        thread.join(PATIENCE)
    assert found == [(True, False)]
    assert late.came.is_set()


def test_who_sends_slowly_keeps_nobody_out() -> None:
    requests, slow, other = Requests(), Application(), Application()
    other.may_go.set()
    sending = threading.Thread(target=run_wsgi_app, args=(requests.counted(slow), {}, True))
    sending.start()
    assert slow.came.wait(PATIENCE)
    assert not set_aside(requests, 0, every=True)
    run_wsgi_app(requests.counted(other), {}, True)
    assert other.came.is_set()
    slow.may_go.set()
    sending.join(PATIENCE)
