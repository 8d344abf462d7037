"""Wire: webhooks come twice and in any order; clients are slow, stop half way, or send too much."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from hotline import serve
from hotline.assembly import assemble_public
from hotline.simulate.phone import Inside, NoAnswer, new_sid
from hotline.web.apps import public_app
from tests.campaign.bench import Bench
from tests.campaign.scene import CANARY, Scene
from tests.promises import canaries
from tests.services import free_port

COPIES, PEOPLE, AT_ONCE = 4, 4, 8
SLOW = 60  # clients that never finish; the process has sixteen threads
ANSWER_SECONDS = 30.0  # a report that is sent whole is answered by then


def webhooks(bench: Bench, rounds: int) -> None:
    """Each person sends two messages; each webhook comes four times, all of them shuffled and eight
    at once. One answer a message, one tip a person."""
    scene, chance = bench.sqlite(), random.Random(rounds)
    line = assemble_public(scene.settings, scene.clock, pool=0)
    app, two_ways, people = public_app(line), 0, 0
    try:
        for _ in range(rounds):
            sent = [message for _ in range(PEOPLE) for message in _messages()]
            people += PEOPLE
            queue = sent * COPIES
            chance.shuffle(queue)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = list(
                    pool.map(lambda m: _sent(Inside(app.test_client(), scene.settings), m), queue)
                )
            by_message: dict[str, set[bytes]] = {}
            for message, answer in zip(queue, answers, strict=True):
                by_message.setdefault(message["Body"], set()).add(answer)
            two_ways += sum(len(said - {b""}) > 1 for said in by_message.values())
            for body, said in by_message.items():
                if said - {b""}:
                    scene.extra |= dict.fromkeys(_words(body), "")
            kept = bench.judge(scene).kept
            assert kept == people, f"{people} people, {kept} tips"
    finally:
        line.close()
    assert two_ways == 0, f"{two_ways} messages were answered in two ways"
    bench.note(f"{rounds * PEOPLE * 2} messages, each {COPIES} times")


def _messages() -> Iterator[dict[str, str]]:
    number = canaries.number()
    for told in (
        "Boca de fumo {} na rua das Flores em Niterói RJ",
        "na esquina do {} tem uma casa azul",
    ):
        body = told.format(canaries.word(CANARY))
        yield {
            "MessageSid": new_sid("SM"),
            "From": number,
            "To": "+552122530000",
            "Body": body,
            "NumMedia": "0",
        }


def _sent(wire: Inside, message: dict[str, str]) -> bytes:
    with suppress(NoAnswer):
        return wire.post("/twilio/sms", message)
    return b""


def _words(body: str) -> list[str]:
    return [piece for piece in body.split() if piece.startswith(CANARY)]


def slow(bench: Bench, rounds: int) -> None:
    """The line's own public process, with no proxy before it. In each round sixty connections stop
    half way through their headers or their report, or drop it; others report meanwhile."""
    scene = bench.sqlite()
    ports = serve.Ports(free_port(), free_port(), free_port())
    waited: list[float] = []
    with serve.running(scene.settings, ports, ["public"]) as children:
        serve.wait_ready(f"http://127.0.0.1:{ports.public}/healthz", children)
        for _ in range(rounds):
            with _half_way(ports.public), ThreadPoolExecutor(4) as pool:
                waited += pool.map(lambda _: _report(scene, ports.public), range(8))
            bench.judge(scene)
    bench.note(
        f"{SLOW} slow clients a round; reports beside them answered within {max(waited):.1f} s"
    )


def _report(scene: Scene, port: int) -> float:
    began, word = time.monotonic(), canaries.word(CANARY)
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    body = json.dumps({"description": f"Boca de fumo {word} na rua das Flores em Niterói RJ"})
    headers = {"Content-Type": "application/json", "Idempotency-Key": word}
    client.request("POST", "/api/v1/tips", body, headers)
    answer = client.getresponse()
    said = json.loads(answer.read())
    assert answer.status == 201, f"a report was refused: {answer.status}"
    with _lock:
        scene.extra[word] = said["receipt"].replace(" ", "")
    client.close()
    return time.monotonic() - began


_lock = threading.Lock()


@contextmanager
def _half_way(port: int) -> Iterator[None]:
    """They hold on for as long as the round lasts."""
    word = canaries.word(CANARY)
    head = b"POST /api/v1/tips HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    whole = json.dumps({"description": f"Boca de fumo {word} em Niterói RJ"}).encode()
    size = head + b"Content-Length: %d\r\n\r\n"
    kinds = (head, size % len(whole) + whole[:20], size % 10**9 + whole)
    opened = []
    try:
        for number in range(SLOW):
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
            opened.append(one)
            with suppress(OSError):
                one.sendall(kinds[number % len(kinds)])
        for one in opened[::10]:  # and some are gone
            one.close()
        yield
    finally:
        for one in opened:
            one.close()
