"""5,000 turns of garbage by SMS and WhatsApp: always an answer, never an error, always an end.

Seeded: a walk that fails fails again. The first number of a failure's message is its turn.
"""

from __future__ import annotations

import random
import re
import string
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hotline.assembly import PublicLine
from hotline.intake.limits import Limits, Rate
from hotline.intake.prompts import TEXT, Prompt
from hotline.intake.sessions import MemorySessions
from hotline.intake.signature import HEADER, sign
from hotline.log import Log
from hotline.simulate.phone import new_sid
from hotline.tips import Language
from hotline.vault import receipts
from hotline.vault.receipts import new_code
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.forms import shared_line

TURNS = 5000
RECEIPT = re.compile(r"(?:\d{4} ){4}\d{4}")
SEED = 20261122
REPORTS = [
    "Vendem drogas na esquina da rua das Flores em Niterói, toda noite",
    "El marido de la vecina le pega todas las noches, se oyen los gritos",
    "They lock the workers in and take their papers, a farm near Itaperuna",
    "Un enfant est seul depuis trois jours dans la maison d'en face",
    "Moun sa yo ap vann dwòg nan kwen lari a chak swa epi yo gen zam",
    "Despejam entulho no mangue", "Roubo de carga na Dutra", "A idosa do 302 não come",
    "O policial cobra dinheiro dos camelôs", "Socorro, estão atirando agora na Rocinha",
]  # fmt: skip
SHORT = [
    *("0", "1", "2", "3", "4", "9", "13", "1234567", "190", "?", "!", "sim", "não", "si", "no"),
    *("yes", "oui", "non", "wi", "sei lá", "talvez", "ok", "oi", "hola", "bonjour", "agora"),
    *("AJUDA", "help", "AYUDA", "aide", "ed", "repetir", "encore", "anko", "start", "info"),
]
STOPS = ["STOP", "PARAR", "Sair", "salir", "terminar", "ARRÊT", "quitter", "sispann", "fim", "end"]
CHARACTERS = (
    string.printable
    + "áãçéêíóõúñ¿¡€œ’“”—\u0000\u0001\u001b\u007f\u0085\u00a0\u00ad\u0300\u0301\u0488"
    + "\u200b\u200d\u202e\u2028\u2066\ufeff\ufffd\uffff\U000e0001\U0010ffff"
    + "😀👩👧🇧🇷漢字العربيةहिन्दी٣𝟙"
)


class Garbage:
    """What people, broken phones and attackers send, by chance but always the same."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.codes = [new_code() for _ in range(3)]

    def message(self) -> dict[str, str]:
        dice = self.dice
        kinds = [self.short] * 10 + [self.noise] * 4 + [self.report] * 2
        kinds += [self.stop, self.receipt, self.pin, self.pin, self.media, self.button]
        kinds += [self.packed, self.strange, self.huge] if dice.random() < 0.2 else []
        return dice.choice(kinds)()

    def short(self) -> dict[str, str]:
        return {"Body": self.dice.choice(SHORT)}

    def stop(self) -> dict[str, str]:
        return {"Body": self.dice.choice(STOPS)}

    def report(self) -> dict[str, str]:
        return {"Body": self.dice.choice(REPORTS)}

    def noise(self) -> dict[str, str]:
        return {"Body": "".join(self.dice.choices(CHARACTERS, k=self.dice.randint(0, 80)))}

    def receipt(self) -> dict[str, str]:
        code = self.dice.choice(self.codes)
        groups = self.dice.choice(["", " ", "-"]).join(code[i : i + 4] for i in range(0, 20, 4))
        if self.dice.random() < 0.3:
            groups = groups[:-1] + str((int(groups[-1]) + 1) % 10)
        return {"Body": groups + self.dice.choice(["", " ele voltou", "\n...", "9"])}

    def pin(self) -> dict[str, str]:
        choose = self.dice.choice
        return {
            "Body": choose(["", "", "aqui"]),
            "Latitude": choose(["-22.9", "91", "nan", "", "x", "1e309", "-22.90281"]),
            "Longitude": choose(["-43.2", "181", "inf", "-43.17806"]),
            "Label": choose(["", "Minha casa", "\x00" * 9, "a" * 5000]),
            "Address": choose(["", "Niterói", "٣" * 40]),
        }

    def media(self) -> dict[str, str]:
        choose = self.dice.choice
        return {
            "Body": choose(["", "", "veja a foto"]),
            "NumMedia": choose(["1", "10", "999", "-1", "x", ""]),
            "MediaUrl0": choose(
                ["https://api.twilio.com/x/ME" + "a" * 32, "file:///etc", "", "\x00"]
            ),
            "MediaContentType0": choose(
                ["image/jpeg", "text/plain", "TEXT/PLAIN; x", "", "video/mp4"]
            ),
        }

    def button(self) -> dict[str, str]:
        choose = self.dice.choice
        payload = choose(["", "1", "yes_1", "\x00", "sim"])
        return {"Body": choose(SHORT), "ButtonText": choose(SHORT), "ButtonPayload": payload}

    def packed(self) -> dict[str, str]:
        raw = self.dice.randbytes(90) if self.dice.random() < 0.5 else REPORTS[0].encode() * 2
        return {"Body": b64encode(raw).decode()}

    def strange(self) -> dict[str, str]:
        """Parameters nobody has seen yet, and those of other webhooks."""
        return {
            "Body": self.dice.choice(SHORT),
            "OptOutType": "STOP",
            "CallSid": new_sid("CA"),
            "Digits": "1",
            "".join(self.dice.choices(string.ascii_letters, k=8)): "x" * 100,
        }

    def huge(self) -> dict[str, str]:
        letter = self.dice.choice(["a", "ã", "\u0301", "1", " ", "🏳️‍🌈"])
        return {"Body": letter * self.dice.choice([1600, 20_000, 20_001, 60_000])}


@pytest.fixture(scope="module")
def line(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    with shared_line(founded_home, tmp_path_factory.mktemp("garbage") / "home") as line:
        yield line


def _quick(**cost: Any) -> Argon2id:
    """A thousand receipts at their real cost would take most of this test's time."""
    return Argon2id(**cost | {"iterations": 1, "memory_cost": 8})


def test_garbage_is_always_answered_and_every_conversation_ends(
    line: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    incidents: list[BaseException] = []
    monkeypatch.setattr(Log, "incident", lambda self, error: incidents.append(error))
    monkeypatch.setattr(receipts, "Argon2id", _quick)
    app = public_app(line)
    exchange = app.extensions["exchange"]
    exchange.closer.stop()
    exchange.limits = Limits(line.clock, one=Rate(10**6, 10**6), everyone=Rate(10**6, 10**6))
    client, clock = app.test_client(), line.clock
    assert isinstance(clock, MovableClock)
    assert isinstance(exchange.sessions, MemorySessions)

    def send(params: dict[str, str]) -> str:
        signed = sign(line.settings.tokens[0], line.settings.public_url, "/twilio/sms", params)
        answer = client.post("/twilio/sms", data=params, headers={HEADER: signed})
        assert answer.status_code == 200, (turn, answer.status_code)
        root = ElementTree.fromstring(answer.data)
        assert root.tag == "Response", turn
        assert all(child.tag == "Message" for child in root), turn
        return "\n".join("".join(message.itertext()) for message in root)

    garbage = Garbage(SEED)
    dice = garbage.dice
    numbers = [f"+55219876{n:05}" for n in range(20)]
    numbers += [f"whatsapp:+55219877{n:05}" for n in range(10)]
    unavailable = {TEXT[Prompt.UNAVAILABLE].say(language) for language in Language}
    said: dict[str, list[str]] = defaultdict(list)
    sent: list[tuple[dict[str, str], str]] = []
    for turn in range(TURNS):
        if sent and dice.random() < 0.05:  # the provider tries again, in any order
            params, before = dice.choice(sent[-40:])
            assert send(params) == before, turn
            continue
        sender = (
            dice.choice(numbers)
            if dice.random() < 0.97
            else dice.choice(["anonymous", "", "BANCO"])
        )
        sid = f"SM{dice.getrandbits(128):032x}"
        params = {"MessageSid": sid, "From": sender, "To": "+55", **garbage.message()}
        text = send(params)
        assert text, (turn, params)
        assert text.partition("\n")[0] not in unavailable, (turn, params, incidents)
        said[sender].append(text)
        sent.append((params, text))
        if dice.random() < 0.01:
            clock.advance(dice.choice([60, 19 * 60, 21 * 60, 3 * 3600]))
            exchange.closer.run_once()
        if dice.random() < 0.001:
            exchange.sessions._epochs.clear()
    assert incidents == []
    _all_end(exchange, clock, numbers, said, send)


def _all_end(exchange, clock, numbers, said, send) -> None:  # type: ignore[no-untyped-def]
    goodbyes = {TEXT[Prompt.GOODBYE].say(language) for language in Language}
    for nth, number in enumerate(numbers):
        if nth % 2:
            stop = {"MessageSid": new_sid("SM"), "From": number, "To": "+55", "Body": "STOP"}
            said[number].append(send(stop))
            assert said[number][-1] in goodbyes
    clock.advance(21 * 60)
    exchange.closer.run_once()
    assert exchange.sessions._kept == {}
    for number in numbers:
        told = "\n".join(said[number])
        assert RECEIPT.search(told) or any(bye in told for bye in goodbyes), number
