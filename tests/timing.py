"""Timing: how long a line takes to answer numbers of every kind, told apart from the noise.

Every round asks one number of each kind, in an order drawn anew, so that whatever else the machine
does falls on all kinds alike; differences are taken within a round and their median is what counts,
with a bootstrap interval around it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from flask.testing import FlaskClient
from numpy.typing import NDArray

from hotline.assembly import PublicLine
from hotline.founding import PEPPER
from hotline.store.tips import put_reply
from hotline.tips import Channel, Contact, Language
from hotline.triage import messages
from hotline.vault import receipts
from hotline.vault.receipts import REPLY_SLOTS, ReplyKeys, new_code

BASE = "never existed"
KINDS = (BASE, "one digit wrong", "unanswered", "one answer", "all answers")
EACH = 30  # numbers a kind: more than the vault keeps opened keys for, so that none is warm
Ask = Callable[[str], tuple[int, int]]


def numbers(line: PublicLine, each: int = EACH) -> Mapping[str, Iterator[str]]:
    """Endless numbers of every kind; what must exist is told to the line and answered."""
    pepper = (line.settings.public / PEPPER).read_bytes()
    told = []
    for _ in range(3 * each):
        tip = Contact(channel=Channel.API, text="Boca de fumo em Niterói RJ")
        told.append(line.pipeline.receive(tip).code)
    unanswered, one, full = told[:each], told[each : 2 * each], told[2 * each :]
    for code in (*one, *full):
        keys = receipts.stretch(code, pepper)
        _answer(line, keys, REPLY_SLOTS - 1 if code in full else 0)
    wrong = [code[:-1] + str((int(code[-1]) + 1) % 10) for code in unanswered]
    return {
        BASE: iter(new_code, ""),
        "one digit wrong": cycle(wrong),
        "unanswered": cycle(unanswered),
        "one answer": cycle(one),
        "all answers": cycle(full),
    }


def _answer(line: PublicLine, keys: ReplyKeys, count: int) -> None:
    said = [messages.status(keys.lookup, keys.public, "asked", "2026-03-11")]
    for number in range(count):
        text = "A que horas isso acontece, e em qual esquina? " * 30
        said.append(
            messages.message(
                keys.lookup, keys.public, "question", text, Language.PT, "2026-03-11", number
            )
        )
    line.database.write(lambda connection: [put_reply(connection, *reply) for reply in said])


def by_form(client: FlaskClient, language: str = "pt-BR") -> Ask:
    def ask(code: str) -> tuple[int, int]:
        response = client.post(
            "/follow-up", data={"receipt": code}, headers={"Accept-Language": language}
        )
        return response.status_code, len(response.data)

    return ask


def by_api(client: FlaskClient, language: str = "pt-BR") -> Ask:
    def ask(code: str) -> tuple[int, int]:
        response = client.post(
            "/api/v1/follow-ups", json={"receipt": code}, headers={"Accept-Language": language}
        )
        return response.status_code, len(response.data)

    return ask


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds by kind and round: of the clock on the wall, and of the processor, which a
    busy machine hardly changes. ``seen``: every (status, size)."""

    wall: dict[str, NDArray[np.float64]]
    processor: dict[str, NDArray[np.float64]]
    seen: set[tuple[int, int]]


def measure(ask: Ask, numbers: Mapping[str, Iterator[str]], rounds: int) -> Times:
    order, chance = list(numbers), random.Random(6)
    wall, processor = (np.zeros((len(order), rounds)) for _ in range(2))
    kinds, seen = list(numbers), set()
    for number in range(rounds):
        chance.shuffle(order)
        for kind in order:
            code, at = next(numbers[kind]), (kinds.index(kind), number)
            started = time.perf_counter(), time.thread_time()
            answer = ask(code)
            processor[at] = (time.thread_time() - started[1]) * 1000
            wall[at] = (time.perf_counter() - started[0]) * 1000
            seen.add(answer)
    return Times(
        dict(zip(kinds, wall, strict=True)), dict(zip(kinds, processor, strict=True)), seen
    )


def interval(
    times: Sequence[float] | NDArray[np.float64], base: Sequence[float] | NDArray[np.float64]
) -> tuple[float, float, float]:
    """Median of the differences within a round, and its 95 % bootstrap interval."""
    differences = np.asarray(times) - np.asarray(base)
    draw = np.random.default_rng(6)
    medians = [np.median(draw.choice(differences, len(differences))) for _ in range(1000)]
    low, high = np.percentile(medians, (2.5, 97.5))
    return float(np.median(differences)), float(low), float(high)
