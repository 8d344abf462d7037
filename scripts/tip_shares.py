"""Shares: where the time of one tip goes, in one process without a network, each step by name.

Steps are timed around the line's own functions while tips pass through its WSGI application, one
at a time: so a commit is waited for alone, which under load is shared by all that wait.
"""

from __future__ import annotations

import functools
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from hotline import pipeline
from hotline.assembly import assemble_public
from hotline.intake.receipts import FreshReceipt
from hotline.intake.stripping import warm
from hotline.routing.classify import Types
from hotline.routing.route import Router
from hotline.settings import Settings
from hotline.store.tips import Tips
from hotline.vault.envelope import Envelope
from hotline.vault.receipts import new_code
from hotline.vault.small import random_key
from hotline.web.apps import public_app

STEPS: dict[str, tuple[object, str]] = {
    "strip": (pipeline, "strip_contact"),
    "types": (Types, "classify"),
    "place": (Router, "locate"),
    "decide": (Router, "decide"),
    "seal": (Envelope, "seal"),
    "write and sync": (Tips, "store"),
}


@contextmanager
def timed(spent: dict[str, float]) -> Iterator[None]:
    """Seconds within each of STEPS are added to ``spent``."""

    def around(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(work)
        def wrapped(*args: Any, **more: Any) -> Any:
            begun = time.perf_counter()
            try:
                return work(*args, **more)
            finally:
                spent[name] += time.perf_counter() - begun

        return wrapped

    patches = [
        patch.object(owner, name, around(step, getattr(owner, name)))
        for step, (owner, name) in STEPS.items()
    ]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def shares(settings: Settings, bodies: Sequence[bytes]) -> dict[str, float]:
    """Milliseconds of each step for one tip; the rest is Flask, the API and the test client."""
    line, spent = assemble_public(settings, pool=0), dict.fromkeys(STEPS, 0.0)
    one = line.pipeline.receipts._stretch()
    client = public_app(line).test_client()
    warm()
    gc.collect()
    gc.freeze()

    def take() -> FreshReceipt:
        return FreshReceipt(new_code(), random_key(), one.public)

    def send(body: bytes) -> None:
        answer = client.post("/api/v1/tips", data=body, content_type="application/json")
        assert answer.status_code == 201, answer.status

    with patch.object(line.pipeline.receipts, "take", take):
        for body in bodies:
            send(body)
        with timed(spent):
            begun = time.perf_counter()
            for body in bodies:
                send(body)
            whole = time.perf_counter() - begun
    gc.unfreeze()
    line.close()
    found = {step: spent[step] for step in STEPS}
    found |= {"Flask, API, test client": whole - sum(found.values()), "together": whole}
    return {step: round(seconds * 1e3 / len(bodies), 2) for step, seconds in found.items()}
