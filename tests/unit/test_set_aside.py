"""What a request leaves in a cycle is freed, also when what was loaded is set aside meanwhile."""

from __future__ import annotations

import gc
import threading
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
