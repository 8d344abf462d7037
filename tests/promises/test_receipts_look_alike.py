"""Promise 1, for those who come back: nobody learns from an answer whether a number is a receipt.

Lookups of numbers that never existed, have a wrong digit, wait for an answer or have one: same
status, same size, same time. Argon2id costs the same for every number and is replaced here by
something quick, and the processor's time is taken, so that a difference of one millisecond stands
out of the noise of a busy machine; scripts/receipt_timing.py measures with it, and on the wall.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from hotline import pipeline
from hotline.assembly import PublicLine
from hotline.intake import receipts as pool
from hotline.tips import Language
from hotline.vault import receipts
from hotline.vault.receipts import ReplyKeys, open_replies
from hotline.vault.small import mac
from tests.forms import app_of, shared_line
from tests.timing import BASE, KINDS, by_api, by_form, interval, measure, numbers

ROUNDS = 120
WITHIN = 1.0  # ms


def quick(code: str, pepper: bytes) -> ReplyKeys:
    return ReplyKeys(mac(pepper, "lookup", code), mac(pepper, "seed", code))


@pytest.fixture(scope="module")
def line(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(receipts, "stretch", quick)
        patched.setattr(pool, "stretch", quick)
        with shared_line(founded_home, tmp_path_factory.mktemp("receipts") / "home") as line:
            yield line


@pytest.fixture(scope="module")
def kinds(line: PublicLine) -> dict[str, Iterator[str]]:
    return dict(numbers(line))


@pytest.fixture
def client(line: PublicLine) -> FlaskClient:
    return app_of(line).test_client()


@pytest.mark.parametrize("language", [language.tag for language in Language])
def test_every_answer_has_one_status_and_one_size(
    client: FlaskClient, kinds: dict[str, Iterator[str]], language: str
) -> None:
    for ask in (by_form(client, language), by_api(client, language)):
        assert {ask(next(kinds[kind])) for kind in KINDS} == {(200, 32 * 1024)}


def test_the_numbers_are_what_they_are_called(
    client: FlaskClient, kinds: dict[str, Iterator[str]]
) -> None:
    """Otherwise all would be alike for a bad reason."""
    said = {
        kind: client.post("/api/v1/follow-ups", json={"receipt": next(kinds[kind])}).json
        for kind in KINDS
    }
    waiting = {"status": "waiting", "messages": []}
    assert said[BASE] == said["one digit wrong"] == said["unanswered"] == waiting
    assert said["one answer"] == {"status": "asked", "messages": []}
    assert len(said["all answers"]["messages"]) == 7


@pytest.mark.parametrize("by", [by_api, by_form])
def test_no_kind_takes_a_millisecond_more(
    client: FlaskClient, kinds: dict[str, Iterator[str]], by: object
) -> None:
    ask = by(client)  # type: ignore[operator]
    measure(ask, kinds, 5)
    times = measure(ask, kinds, ROUNDS)
    assert len(times.seen) == 1
    for kind in KINDS[1:]:
        _, low, high = interval(times.processor[kind], times.processor[BASE])
        assert low >= -WITHIN, (kind, low, high)
        assert high <= WITHIN, (kind, low, high)


def test_a_millisecond_would_be_found(
    client: FlaskClient, kinds: dict[str, Iterator[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measure itself: one millisecond where there are answers, planted."""

    def slower(keys: ReplyKeys, slots: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        found = open_replies(keys, slots)
        until = time.thread_time() + 0.001 * bool(found)
        while time.thread_time() < until:
            pass
        return found

    monkeypatch.setattr(pipeline, "open_replies", slower)
    taken = measure(by_api(client), kinds, ROUNDS).processor
    for kind in ("one answer", "all answers"):
        assert interval(taken[kind], taken[BASE])[2] > WITHIN
    assert interval(taken["unanswered"], taken[BASE])[2] <= WITHIN
