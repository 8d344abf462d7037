"""A second reader of our format, from docs/format.md alone: no line of the product's own vault.

It opens every kept vector, and what the product seals today; with one fact of a binding changed it
opens nothing. Its only imports are primitives.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM1024P384PrivateKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "hotline_format.json").read_text())
SUITES = {
    1: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
    2: Suite(KEM.MLKEM1024_P384, KDF.HKDF_SHA384, AEAD.CHACHA20_POLY1305),
}
LABELS = {
    "observation": "hotline/observation/1",
    "errand": "hotline/small/1",
    "receipt row": "hotline/receipt/1",
    "reply": "hotline/reply/1",
    "epoch seed": "hotline/epoch-seed/1",
}
Fact = dict[str, Any]


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def h(value: str | bytes) -> bytes:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()


def label(text: str) -> bytes:
    return text.encode().ljust(24, b"\0")


def month(text: str) -> bytes:
    return int(text.replace("-", "")).to_bytes(4, "big")


def expand(key: bytes, name: str) -> bytes:
    return HKDFExpand(SHA256(), 32, name.encode()).derive(key)


def unpad(padded: bytes) -> bytes:
    (length,) = struct.unpack(">I", padded[:4])
    payload, rest = padded[4 : 4 + length], padded[4 + length :]
    if len(payload) != length or rest.strip(b"\0"):
        raise InvalidTag
    return payload


def private(seed: bytes) -> tuple[Any, bytes]:
    """The private key of a seed, and its public key's bytes."""
    expanded = hashlib.shake_256(seed[1:]).digest(112)
    if seed[0] == 1:
        lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        curve = x25519.X25519PrivateKey.from_private_bytes(expanded[64:96])
        point = curve.public_key().public_bytes_raw()
        return (
            MLKEM768X25519PrivateKey(lattice, curve),
            b"\x01" + lattice.public_key().public_bytes_raw() + point,
        )
    large = mlkem.MLKEM1024PrivateKey.from_seed_bytes(expanded[:64])
    scalar = ec.derive_private_key(int.from_bytes(expanded[64:], "big"), ec.SECP384R1())
    dot = scalar.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return (
        MLKEM1024P384PrivateKey(large, scalar),
        b"\x02" + large.public_key().public_bytes_raw() + dot,
    )


def hpke(seed: bytes, sealed: bytes, info: Callable[[bytes], bytes]) -> bytes:
    if sealed[0] != seed[0]:
        raise InvalidTag
    return SUITES[seed[0]].decrypt(sealed[1:], private(seed)[0], info(sealed[:1]))


def open_body(fact: Fact) -> bytes:
    sealed = raw(fact["sealed"])
    if sealed[0] != 1:
        raise InvalidTag
    context = label("hotline/body/1") + b"\x01" + raw(fact["id"]) + bytes([fact["kind"]])
    decryptor = Cobblestone256Decryptor(raw(fact["key"]), context)
    return unpad(decryptor.update(sealed[1:]) + decryptor.finalize())


def open_wrap(fact: Fact) -> bytes:
    def info(suite: bytes) -> bytes:
        facts = raw(fact["id"]) + h(fact["recipient"]) + month(fact["month"])
        return label("hotline/wrap/1") + suite + facts + h(raw(fact["body"]))

    return hpke(raw(fact["seed"]), raw(fact["sealed"]), info)


def open_small(fact: Fact) -> bytes:
    def info(suite: bytes) -> bytes:
        facts = h(raw(fact["subject"])) + h(fact["recipient"]) + month(fact["month"])
        return label(LABELS[fact["what"]]) + suite + facts

    padded = hpke(raw(fact["seed"]), raw(fact["sealed"]), info)
    assert len(padded) == fact["size"]
    return unpad(padded)


def open_local(key: bytes, context: str, sealed: bytes) -> bytes:
    if sealed[0] != 1:
        raise InvalidTag
    bound = label("hotline/local/1") + b"\x01" + h(context)
    return AESGCMSIV(key).decrypt(sealed[1:13], sealed[13:], bound)


def mac(key: bytes, *parts: str) -> bytes:
    framed = b"".join(len(p.encode()).to_bytes(4, "big") + p.encode() for p in parts)
    return hmac.digest(key, framed, "sha256")


@lru_cache
def passphrase_key(words: str, salt: bytes) -> bytes:
    kdf = Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=64 * 1024)
    return kdf.derive(words.encode())


def open_person(fact: Fact) -> bytes:
    key = passphrase_key(fact["passphrase"], raw(fact["salt"]))
    seed = open_local(key, "person/" + fact["person"], raw(fact["sealed"]))
    if private(seed)[1] != raw(fact["public"]):
        raise InvalidTag
    return seed


def open_kept(fact: Fact) -> bytes:
    """One of the local things."""
    match fact["what"]:
        case "person":
            return open_person(fact)
        case "totp":
            return open_local(
                expand(raw(fact["seed"]), "hotline/totp/1"), "totp", raw(fact["sealed"])
            )
        case "session":
            cookie = raw(fact["cookie"])
            if expand(cookie, "hotline/session-id/1") != raw(fact["row"]):
                raise InvalidTag
            key = expand(cookie, "hotline/session-key/1")
            return open_local(key, "session/" + fact["person"], raw(fact["sealed"]))
        case _:
            if mac(raw(fact["day_key"]), "mark", fact["message"]) != raw(fact["mark"]):
                raise InvalidTag
            key = mac(raw(fact["day_key"]), "answer", fact["message"])
            return open_local(key, "answer", raw(fact["sealed"]))


def flipped(value: Any) -> Any:
    """Another value of the same shape: a bit of bytes, the end of a name, another number."""
    if isinstance(value, int):
        return value % 8 + 1
    try:
        data = bytes.fromhex(value)
        return (data[:-1] + bytes([data[-1] ^ 1])).hex()
    except ValueError:
        return value[:-1] + ("1" if value[-1] != "1" else "2")


def refuses(opener: Callable[[Fact], bytes], fact: Fact, names: tuple[str, ...]) -> None:
    """Each of these facts changed alone, and each suite byte, opens nothing."""
    for name in names:
        with pytest.raises((InvalidTag, ValueError, KeyError)):
            opener(fact | {name: flipped(fact[name])})
    for other in ("00", "01", "02", "03"):
        if other != fact["sealed"][:2]:
            with pytest.raises((InvalidTag, ValueError, KeyError)):
                opener(fact | {"sealed": other + fact["sealed"][2:]})


@pytest.mark.parametrize("fact", VECTORS["seeds"], ids=lambda f: f["seed"][:2])
def test_seeds_give_their_public_keys(fact: Fact) -> None:
    assert private(raw(fact["seed"]))[1] == raw(fact["public"])


@pytest.mark.parametrize("fact", VECTORS["bodies"], ids=lambda f: str(f["kind"]))
def test_bodies(fact: Fact) -> None:
    assert open_body(fact) == raw(fact["payload"])
    refuses(open_body, fact, ("key", "id", "kind", "sealed"))


@pytest.mark.parametrize("fact", VECTORS["wraps"], ids=lambda f: f"{f['suite']} {f['month']}")
def test_wraps(fact: Fact) -> None:
    assert open_wrap(fact) == raw(fact["key"])
    refuses(open_wrap, fact, ("seed", "id", "recipient", "month", "body", "sealed"))


@pytest.mark.parametrize("fact", VECTORS["small"], ids=lambda f: f"{f['seed'][:2]} {f['what']}")
def test_small_messages(fact: Fact) -> None:
    assert open_small(fact) == raw(fact["payload"])
    refuses(open_small, fact, ("seed", "subject", "recipient", "month", "sealed"))
    for what in LABELS.keys() - {fact["what"]}:
        with pytest.raises(InvalidTag):
            open_small(fact | {"what": what})


@pytest.mark.parametrize("fact", VECTORS["local"], ids=lambda f: f["what"])
def test_local_things(fact: Fact) -> None:
    assert open_kept(fact) == raw(fact["payload"])
    skipped = ("what", "payload", "form_token", "passphrase", "salt")
    refuses(open_kept, fact, tuple(name for name in fact if name not in skipped))
    if fact["what"] == "session":
        assert expand(raw(fact["cookie"]), "hotline/form-token/1").hex() == fact["form_token"]


def test_every_kind_of_thing_has_a_vector() -> None:
    assert {fact["kind"] for fact in VECTORS["bodies"]} == set(range(1, 10))
    assert {(f["seed"][:2], f["what"]) for f in VECTORS["small"]} == {
        (suite, what) for suite in ("01", "02") for what in LABELS
    }
    assert {fact["what"] for fact in VECTORS["local"]} == {"person", "totp", "session", "answer"}


def test_a_receipt_gives_its_lookup_and_keys() -> None:
    fact = VECTORS["receipt"]
    root = Argon2id(
        salt=b"hotline-receipts",
        length=32,
        iterations=2,
        lanes=1,
        memory_cost=19 * 1024,
        secret=raw(fact["pepper"]),
    ).derive(fact["digits"].encode())
    assert expand(root, "hotline/lookup/1").hex() == fact["lookup"]
    secret = expand(root, "hotline/reply/1")
    for suite, seed in enumerate(fact["seeds"], 1):
        assert bytes([suite]) + expand(secret, f"hotline/reply-key/{suite}") == raw(seed)


def test_derived_ids_and_sizes() -> None:
    ids = VECTORS["ids"]
    assert h(b"pages" + raw(ids["card"]))[:16].hex() == ids["pages"]
    assert h(b"summary\x03" + raw(ids["tip"]))[:16].hex() == ids["summary 3"]
    for length, padded in VECTORS["padding"]["padme"][1:]:
        low = length.bit_length() - 1
        mask = (1 << (low - low.bit_length())) - 1
        assert (length + mask) & ~mask == padded
    (pages,) = (f for f in VECTORS["bodies"] if f["kind"] == 3)
    assert raw(pages["payload"])[:6] == struct.pack(">HI", 2, 7)


def read_list(pin: bytes, signed: bytes) -> Fact:
    prefix, content = b"hotline/directory/1", signed[64 + 3309 :]
    ed25519.Ed25519PublicKey.from_public_bytes(pin[:32]).verify(signed[:64], prefix + content)
    lattice = mldsa.MLDSA65PublicKey.from_public_bytes(pin[32:])
    lattice.verify(signed[64 : 64 + 3309], content, context=prefix)
    document: Fact = json.loads(content)
    return document


def test_the_signed_list() -> None:
    fact = VECTORS["directory"]
    document = read_list(raw(fact["pin"]), raw(fact["signed"]))
    assert {name: document[name] for name in ("serial", "expires", "suite")} == {
        name: fact[name] for name in ("serial", "expires", "suite")
    }
    assert document["keys"] == sorted(document["keys"])
    for recipient, _, key in document["keys"]:
        assert h(base64.b64decode(key))[:8].hex() == fact["names"][recipient]


def test_an_agencys_key_and_package() -> None:
    fact = VECTORS["held"]
    kept, package = fact["private"], fact["package"]
    assert fact["public"]["public"] == kept["public"]
    blobs = {name: base64.b64decode(kept[name]).hex() for name in ("public", "salt", "sealed")}
    signs = base64.b64decode(fact["public"]["signs"]).hex()
    person = h("agency-key/" + fact["agency"])[:16].hex()
    seed = open_person(blobs | {"passphrase": fact["passphrase"], "person": person})
    assert seed.hex() == fact["seed"]
    number = int.from_bytes(h(raw(blobs["public"]) + raw(signs)), "big") % 10**40
    assert f"{number:040d}" == fact["fingerprint"].replace(" ", "")
    identity, body, wrap = (
        base64.b64decode(package[name]).hex() for name in ("id", "body", "wrap")
    )
    to = {"recipient": "agency:" + package["agency"], "month": "0000-00"}
    key = open_wrap(to | {"seed": seed.hex(), "id": identity, "body": body, "sealed": wrap})
    opened = open_body({"id": identity, "kind": 5, "key": key.hex(), "sealed": body})
    assert json.loads(opened) == fact["document"]
    (card,) = fact["document"]["files"]
    ((subject, pages),) = package["files"].items()
    assert subject == h(b"pages" + raw(card["id"]))[:16].hex()
    sealed = base64.b64decode(pages).hex()
    bound = open_body({"id": subject, "kind": 3, "key": card["key"], "sealed": sealed})
    assert bound == struct.pack(">HI", 1, len(raw(fact["page"]))) + raw(fact["page"])


def test_it_opens_what_the_product_seals_today(tmp_path: Path) -> None:
    """A live sample: the script that made the vectors makes new ones, and they open too."""
    from runpy import run_path

    script = Path(__file__).parents[2] / "scripts" / "build_vectors.py"
    made = run_path(str(script))
    target = tmp_path / "fresh.json"
    made["main"].__globals__["TARGET"] = target
    made["main"]()
    fresh = json.loads(target.read_text())
    for kind, opener in (("bodies", open_body), ("small", open_small), ("local", open_kept)):
        assert [opener(f).hex() for f in fresh[kind]] == [f["payload"] for f in VECTORS[kind]]
    assert [open_wrap(f).hex() for f in fresh["wraps"]] == [f["key"] for f in VECTORS["wraps"]]
    for name in ("seeds", "receipt", "ids", "padding"):
        assert fresh[name] == VECTORS[name], "what is derived never changes"
    assert fresh["bodies"][0]["sealed"] != VECTORS["bodies"][0]["sealed"]
