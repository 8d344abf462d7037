#!/usr/bin/env python3
"""Makes tests/vectors/hotline_format.json: one of every sealed thing in docs/format.md.

    .venv/bin/python scripts/build_vectors.py

Keys, ids and what they hold are derived from fixed words; seals are random by nature, so each run
gives other bytes of the same meaning. The file is kept: it says what this format is, and what was
sealed by it must open for ever. Make it anew only when the format changes.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline.vault import format as fmt
from hotline.vault.attachments import join
from hotline.vault.directory import HELD, LIST, PIN, DirectoryKey, publish
from hotline.vault.format import Kind
from hotline.vault.held import Halves, KeyFile, pack, signing_seed
from hotline.vault.keys import grant, new_person
from hotline.vault.private import public_bytes
from hotline.vault.receipts import place_receipt, seal_reply, stretch
from hotline.vault.seal import PublicKey, key_name, seal_body, seal_small, wrap_key
from hotline.vault.sessions import Cookie
from hotline.vault.signatures import public_half
from hotline.vault.small import derive, mac, seal
from hotline.vault.suites import SCHEMES

TARGET = Path(__file__).parent.parent / "tests" / "vectors" / "hotline_format.json"
DESK, MONTH = "queue:general:BR-RJ", "2026-11"
AGENCY = "semsp-3304904"
CODE, WORDS = "12345678901234567890", "four words make it long"


def fixed(name: str, width: int) -> bytes:
    return hashlib.shake_256(b"hotline vectors: " + name.encode()).digest(width)


def hexed(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: hexed(one) for name, one in value.items()}
    return [hexed(one) for one in value] if isinstance(value, list | tuple) else value


def bodies() -> list[dict[str, Any]]:
    made = []
    for kind in Kind:
        key, subject = fixed(f"key {kind.name}", 32), fixed(f"id {kind.name}", 16)
        payload = f"what a {kind.name.lower()} says, with an é".encode()
        size = None
        if kind is Kind.ATTACHMENT:
            payload = join([b"\xff\xd8\xff one", b"\xff\xd8\xff and two"])
            size = max(fmt.SMALLEST, fmt.padme(len(payload) + 4))
        body = seal_body(key, subject, fixed("tip", 16), kind, payload, size)
        made.append(
            {
                "kind": int(kind),
                "key": key,
                "id": subject,
                "payload": payload,
                "sealed": body.sealed,
            }
        )
    return made


def wraps(body: dict[str, Any], seeds: dict[int, bytes]) -> list[dict[str, Any]]:
    made = []
    for suite, seed in seeds.items():
        for recipient, month in ((DESK, MONTH), ("agency:" + AGENCY, HELD)):
            to = PublicKey(recipient, month, public_bytes(seed))
            wrap = wrap_key(body["key"], body["id"], fmt.digest(body["sealed"]), to)
            facts = {"suite": suite, "seed": seed, "recipient": recipient, "month": month}
            made.append(
                facts
                | {"id": body["id"], "body": body["sealed"], "key": body["key"]}
                | {"sealed": wrap.sealed}
            )
    return made


def small(seeds: dict[int, bytes]) -> list[dict[str, Any]]:
    made = []
    for suite, seed in seeds.items():
        public, person = public_bytes(seed), fixed("person", 16)
        ident, lookup = fixed("observation", 16), stretch(CODE, fixed("pepper", 32)).lookup
        for name, label, subject, recipient, month, payload, size in (
            ("observation", fmt.COUNT, ident, "statistics", MONTH, b'{"month":"2026-11"}', 768),
            ("errand", fmt.SMALL, ident, "worker", MONTH, b'{"sid":"SM1"}', 1024),
        ):
            sealed = seal_small(label, subject, PublicKey(recipient, month, public), payload, size)
            made.append(
                {"what": name, "seed": seed, "subject": subject, "recipient": recipient}
                | {"month": month, "payload": payload, "size": size, "sealed": sealed}
            )
        epoch_seed = bytes([suite]) + fixed("epoch", 32)
        made.append(
            {"what": "epoch seed", "seed": seed, "subject": person, "recipient": DESK}
            | {"month": MONTH, "payload": epoch_seed, "size": 64}
            | {"sealed": grant(epoch_seed, DESK, MONTH, person, public)}
        )
        keys, slot = stretch(CODE, fixed("pepper", 32)), fixed("slot", 16)
        reply_public, tip = keys.public_in(suite), fixed("tip", 16)
        to = "reporter:" + lookup.hex()
        made.append(
            {"what": "receipt row", "seed": keys.seed(suite), "subject": lookup, "recipient": to}
            | {"month": HELD, "payload": tip + b"general:BR-RJ", "size": 128}
            | {"sealed": place_receipt(lookup, reply_public, tip, "general:BR-RJ").sealed}
        )
        made.append(
            {"what": "reply", "seed": keys.seed(suite), "subject": lookup + slot, "recipient": to}
            | {"month": HELD, "payload": b"thank you", "size": 4096}
            | {"sealed": seal_reply(lookup, reply_public, slot, b"thank you")}
        )
    return made


def local() -> list[dict[str, Any]]:
    person, seed = fixed("person", 16), b"\x01" + fixed("person seed", 32)
    cookie, day = Cookie(fixed("cookie", 32)), fixed("day", 32)
    own = new_person(person, WORDS, seed)
    message = "sms:SM1"
    return [
        {"what": "person", "passphrase": WORDS, "salt": own.salt, "person": person}
        | {"payload": seed, "public": own.public, "sealed": own.sealed},
        {"what": "totp", "seed": seed, "payload": b"JBSWY3DPEHPK3PXP"}
        | {"sealed": seal(derive(seed, "hotline/totp/1"), "totp", b"JBSWY3DPEHPK3PXP")},
        {"what": "session", "cookie": cookie.secret, "row": cookie.id, "person": person}
        | {"payload": seed, "sealed": cookie.hide(seed, person), "form_token": cookie.form_token},
        {"what": "answer", "day_key": day, "message": message, "payload": b"an answer"}
        | {"mark": mac(day, "mark", message)}
        | {"sealed": seal(mac(day, "answer", message), "answer", b"an answer")},
    ]


def directory() -> dict[str, Any]:
    signer = DirectoryKey(fixed("signer", 64))
    keys = [
        PublicKey(DESK, MONTH, public_bytes(b"\x01" + fixed("desk", 32))),
        PublicKey("agency:" + AGENCY, HELD, public_bytes(b"\x02" + fixed("agency", 32))),
    ]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        publish(place, keys, signer, serial=7, suite=2)
        pin, signed = (place / PIN).read_bytes(), (place / LIST).read_bytes()
    facts = {"serial": 7, "expires": MONTH, "suite": 2}
    names = {key.recipient: key_name(key.raw) for key in keys}
    return {"pin": pin, "signed": signed, "names": names} | facts


def held() -> dict[str, Any]:
    own = KeyFile.new(AGENCY, WORDS, 1)
    seed, identity, key = own.seed(WORDS), fixed("package", 16), fixed("package key", 32)
    signs = public_half(signing_seed(seed))
    card = fixed("card", 16)
    pages = seal_body(
        fixed("pages", 32),
        fmt.digest(b"pages" + card)[:16],
        fixed("tip", 16),
        Kind.ATTACHMENT,
        join([b"\xff\xd8\xff one"]),
    )
    named = {"id": card.hex(), "kind": "image", "pages": 1, "thumbnail": "", "key": ""}
    document = {"text": "told", "files": [named | {"key": fixed("pages", 32).hex()}]}
    body = seal_body(key, identity, fixed("tip", 16), Kind.PACKAGE, json.dumps(document).encode())
    to = PublicKey("agency:" + AGENCY, HELD, own.key.public)
    wrap = wrap_key(key, identity, fmt.digest(body.sealed), to)
    return {
        "agency": AGENCY,
        "passphrase": WORDS,
        "private": json.loads(own.private()),
        "public": json.loads(own.public(signs)),
        "fingerprint": Halves(AGENCY, own.key.public, signs).fingerprint,
        "seed": seed,
        "package": json.loads(pack(AGENCY, body, wrap, [pages])),
        "document": document,
        "page": b"\xff\xd8\xff one",
    }


def main() -> None:
    seeds = {suite: bytes([suite]) + fixed(f"seed {suite}", 32) for suite in SCHEMES}
    pepper = fixed("pepper", 32)
    keys = stretch(CODE, pepper)
    made = bodies()
    vectors = {
        "about": "docs/format.md; made by scripts/build_vectors.py; all bytes in hex",
        "seeds": [{"seed": s, "public": public_bytes(s)} for s in seeds.values()],
        "bodies": made,
        "wraps": wraps(made[0], seeds),
        "small": small(seeds),
        "receipt": {"digits": CODE, "pepper": pepper, "lookup": keys.lookup}
        | {"seeds": [keys.seed(suite) for suite in SCHEMES]},
        "local": local(),
        "directory": directory(),
        "held": held(),
        "ids": {
            "card": fixed("card", 16),
            "pages": fmt.digest(b"pages" + fixed("card", 16))[:16],
            "tip": fixed("tip", 16),
            "summary 3": fmt.digest(b"summary\x03" + fixed("tip", 16))[:16],
        },
        "padding": {"padme": [[n, fmt.padme(n)] for n in (1, 2, 9, 2048, 2049, 100_000, 1 << 20)]}
        | {"length": struct.pack(">I", 5)},
    }
    TARGET.write_text(json.dumps(hexed(vectors), indent=1) + "\n")


if __name__ == "__main__":
    main()
