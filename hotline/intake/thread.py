"""Thread: what a reporter holds: a receipt, a running conversation, the answers it opens."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hotline.tips import Redacted, Tip
from hotline.vault.content import decode_tip, encode_tip
from hotline.vault.envelope import TipKey


@dataclass(frozen=True, slots=True, repr=False)
class Receipt(Redacted):
    """What the reporter gets. ``code`` are 20 digits; ``answer`` the bytes the channel sends, the
    same for a repeated message; ``urgent`` when danger was told; ``types`` for advice."""

    code: str
    answer: bytes
    repeated: bool = False
    urgent: bool = False
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Thread(Redacted):
    """What a running conversation remembers: the tip's key and what was told, stripped.

    ``answers`` counts what was added; ``settled`` the queue the tip was last sent to, empty
    while only the unresolved desk sees it; ``relayed`` the place last told to the relay, ``relay``
    the hex id of that errand."""

    key: TipKey
    body_hash: bytes
    tip: Tip
    code: str
    lookup: bytes
    reply_key: bytes
    observation: bytes
    day: str
    answers: int = 0
    queue: str = ""
    settled: str = ""
    relayed: str | None = None
    relay: str = ""
    names: tuple[str, ...] = ()

    def dump(self) -> bytes:
        """For the session's memory, which seals it under a key of its own."""
        return json.dumps(
            {
                "tip_id": self.key.tip.hex(),
                "key": self.key.key.hex(),
                "body_hash": self.body_hash.hex(),
                "tip": encode_tip(self.tip),
                "code": self.code,
                "lookup": self.lookup.hex(),
                "reply_key": self.reply_key.hex(),
                "observation": self.observation.hex(),
                "day": self.day,
                "answers": self.answers,
                "queue": self.queue,
                "settled": self.settled,
                "relayed": self.relayed,
                "relay": self.relay,
                "names": self.names,
            }
        ).encode("utf-8", "replace")

    @classmethod
    def load(cls, raw: bytes) -> Thread:
        d = json.loads(raw)
        return cls(
            key=TipKey(bytes.fromhex(d["tip_id"]), bytes.fromhex(d["key"])),
            body_hash=bytes.fromhex(d["body_hash"]),
            tip=decode_tip(d["tip"]),
            code=d["code"],
            lookup=bytes.fromhex(d["lookup"]),
            reply_key=bytes.fromhex(d["reply_key"]),
            observation=bytes.fromhex(d["observation"]),
            day=d["day"],
            answers=d["answers"],
            queue=d["queue"],
            settled=d["settled"],
            relayed=d["relayed"],
            relay=d["relay"],
            names=tuple(d["names"]),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """Something the line says to the reporter. ``kind``: status, question or reply."""

    kind: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a receipt opens. Unknown, wrong and unanswered receipts give the empty one. ``sign`` is
    what is kept once the newest message was read, empty when there is none."""

    status: str = "waiting"
    messages: tuple[Message, ...] = field(default_factory=tuple)
    sign: bytes = field(default=b"", repr=False)
