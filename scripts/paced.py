"""Paced: what intake_pace.py loads: the line's public process, or the floor beside it.

The line is the one that ``hotline serve`` starts, with its pool of receipts full at once: their
numbers were never stretched, for a line does that while nobody reports (docs/performance.md). The
floor takes the same request, seals the same number of bytes into the same rows and commits them,
and does nothing else: no stripping, no classification, no place, no route, no checks.
"""

from __future__ import annotations

import os
import secrets

from flask import Flask, Response, request

from hotline import serve
from hotline import settings as settings_module
from hotline.assembly import PublicLine, adopt, assemble_public
from hotline.intake.receipts import FreshReceipt, ReceiptPool
from hotline.process import harden
from hotline.tips import Channel, Contact, Language, State
from hotline.vault.content import TipContent
from hotline.vault.envelope import TipKey
from hotline.vault.receipts import new_code
from hotline.vault.small import random_id, random_key

FLOOR = "HOTLINE_PACE_FLOOR"
TOLD = "Boca de fumo na esquina da praça em Niterói, toda sexta à noite, um rapaz de boné. " * 2


def full(pool: ReceiptPool) -> None:
    """In the place of the pool's own filling."""
    one = pool._stretch()
    while not pool._stop.is_set():
        pool._ready.put(FreshReceipt(new_code(), secrets.token_bytes(32), one.public))


def public() -> Flask:
    ReceiptPool._fill = full  # type: ignore[method-assign,assignment]
    return floor() if FLOOR in os.environ else serve.public()


def floor() -> Flask:
    harden(secret=True)
    settings = settings_module.load()
    adopt(settings)
    app = Flask(__name__)
    bare = Bare(assemble_public(settings))
    app.add_url_rule("/api/v1/tips", "tips", bare.tip, methods=["POST"])
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    return app


class Bare:
    """Flask, sealing, commit."""

    def __init__(self, line: PublicLine) -> None:
        self._pipeline = line.pipeline
        told = Contact(channel=Channel.WEB, text=TOLD, language=Language.PT)
        self._weighed = line.pipeline.weigh(told)

    def tip(self) -> tuple[Response, int]:
        request.get_json()
        line, weighed = self._pipeline, self._weighed
        receipt = line.receipts.take()
        content = TipContent(
            classified=weighed.classified,
            decision=weighed.decision,
            lookup=receipt.lookup,
            reply_key=receipt.public,
            observation=random_id(),
            day=line.clock.day(),
        )
        key, queue = TipKey(random_id(), random_key()), weighed.decision.queue
        line.tips.store(line.envelope.seal(content, key, queue=queue, state=State.WAITING))
        return Response(f'{{"receipt": "{receipt.code}"}}', mimetype="application/json"), 201
