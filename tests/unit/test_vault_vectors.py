"""Vault: the library we seal with does what the standards say, byte by byte."""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hotline.vault import private
from hotline.vault.format import Damaged
from hotline.vault.seal import load_public
from hotline.vault.suites import LARGE, SCHEMES

HERE = Path(__file__).resolve().parent.parent / "vectors"
INSTALLED = Path(cryptography_vectors.__file__).parent

KEMS = {
    0x0010: KEM.P256,
    0x0012: KEM.P521,
    0x0020: KEM.X25519,
    0x0041: KEM.MLKEM768,
    0x0042: KEM.MLKEM1024,
    0x0051: KEM.MLKEM1024_P384,
    0x647A: KEM.MLKEM768_X25519,
}
CURVES = {0x0010: ec.SECP256R1(), 0x0012: ec.SECP521R1()}
KDFS = {1: KDF.HKDF_SHA256, 2: KDF.HKDF_SHA384, 3: KDF.HKDF_SHA512}
AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}
X_WING = 0x647A
OURS = {X_WING: 1, 0x0051: LARGE}  # the KEMs of our suites


def hpke(name: str) -> list[dict[str, Any]]:
    """Base-mode vectors of the suites that the library and we could use."""
    vectors = json.loads((INSTALLED / "HPKE" / name).read_text())
    return [
        v
        for v in vectors
        if v["mode"] == 0 and v["kem_id"] in KEMS and v["kdf_id"] in KDFS and v["aead_id"] in AEADS
    ]


def private_key(vector: dict[str, Any]) -> Any:
    raw = bytes.fromhex(vector["skRm"])
    match vector["kem_id"]:
        case 0x0020:
            return x25519.X25519PrivateKey.from_private_bytes(raw)
        case 0x0041:
            return mlkem.MLKEM768PrivateKey.from_seed_bytes(raw)
        case 0x0042:
            return mlkem.MLKEM1024PrivateKey.from_seed_bytes(raw)
        case kem if kem in OURS:
            suite, *halves = private._halves(bytes([OURS[kem]]) + raw)
            return private._JOIN[suite](*halves)
        case kem:
            return ec.derive_private_key(int.from_bytes(raw, "big"), CURVES[kem])


def ident(vector: dict[str, Any]) -> str:
    return f"{vector['kem_id']:04x}-{vector['kdf_id']:04x}-{vector['aead_id']:04x}"


@pytest.mark.parametrize(
    "vector", [*hpke("test-vectors.json"), *hpke("hpke-pq-test-vectors.json")], ids=ident
)
def test_hpke_opens_the_messages_of_the_standard(vector: dict[str, Any]) -> None:
    suite = Suite(KEMS[vector["kem_id"]], KDFS[vector["kdf_id"]], AEADS[vector["aead_id"]])
    first = vector["encryptions"][0]
    sealed = bytes.fromhex(vector["enc"] + first["ct"])
    opened = openssl.hpke._decrypt_with_aad(
        suite,
        sealed,
        private_key(vector),
        info=bytes.fromhex(vector["info"]),
        aad=bytes.fromhex(first["aad"]),
    )
    assert opened == bytes.fromhex(first["pt"])
    with pytest.raises(InvalidTag):
        openssl.hpke._decrypt_with_aad(
            suite, sealed, private_key(vector), info=b"other", aad=bytes.fromhex(first["aad"])
        )


def test_the_standards_vectors_are_really_read() -> None:
    assert len(hpke("test-vectors.json")) == 18
    assert {v["kem_id"] for v in hpke("hpke-pq-test-vectors.json")} >= {0x0041, 0x0042, *OURS}


@pytest.mark.parametrize(
    "vector",
    [
        v
        for v in json.loads((INSTALLED / "HPKE" / "hpke-pq-test-vectors.json").read_text())
        if v["kem_id"] in OURS
    ],
    ids=ident,
)
def test_our_seeds_give_the_public_keys_of_the_drafts(vector: dict[str, Any]) -> None:
    seed = bytes([OURS[vector["kem_id"]]]) + bytes.fromhex(vector["skRm"])
    public = seed[:1] + bytes.fromhex(vector["pkRm"])
    assert len(seed) == 33
    assert private.public_bytes(seed) == public
    scheme, key = load_public(public)
    assert scheme is SCHEMES[seed[0]]
    sealed = scheme.hpke.encrypt(b"a tip key", key, b"info")
    assert len(sealed) == scheme.enc_bytes + len(b"a tip key") + 16
    assert private.opened(seed, seed[:1] + sealed, b"info") == b"a tip key"
    other = bytes([3 - seed[0]])
    for wrong in (other + sealed, seed[:1] + sealed[:-1], seed[:1] + bytes(len(sealed)), b""):
        with pytest.raises(Damaged):
            private.opened(seed, wrong, b"info")


X_WING_DRAFT = json.loads((HERE / "xwing_draft.json").read_text())


@pytest.mark.parametrize("key", X_WING_DRAFT["keys"], ids=lambda key: key["sk"][:8])
def test_an_x_wing_seed_gives_the_public_key_of_the_draft(key: dict[str, str]) -> None:
    public = private.public_bytes(b"\x01" + bytes.fromhex(key["sk"]))[1:].hex()
    assert public.startswith(key["pk_begins"])
    assert public.endswith(key["pk_ends"])


def schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of RFC 9180, section 5.1, base mode, for suite 1."""
    suite = b"HPKE" + bytes.fromhex("647a00010002")

    def extract(salt: bytes, label: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")

    def expand(label: bytes, width: int) -> bytes:
        labelled = width.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return hmac.digest(secret, labelled + b"\x01", "sha256")[:width]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return expand(b"key", 32), expand(b"base_nonce", 12)


def test_we_decapsulate_what_the_draft_encapsulated() -> None:
    """No library call gives X-Wing's shared secret. So a message is sealed by hand under the one
    that the draft names; that it opens here shows that ours is the same."""
    ciphertext = bytes.fromhex("".join(X_WING_DRAFT["ct"]))
    assert len(ciphertext) == 1120
    seed = b"\x01" + bytes.fromhex(X_WING_DRAFT["keys"][0]["sk"])
    key, nonce = schedule(bytes.fromhex(X_WING_DRAFT["ss"]), b"info")
    sealed = b"\x01" + ciphertext + AESGCM(key).encrypt(nonce, b"a tip key", b"")
    assert private.opened(seed, sealed, b"info") == b"a tip key"
    key, nonce = schedule(bytes(32), b"info")
    with pytest.raises(Damaged):
        other = AESGCM(key).encrypt(nonce, b"a tip key", b"")
        private.opened(seed, b"\x01" + ciphertext + other, b"info")


def cobblestone() -> tuple[bytes, list[dict[str, Any]]]:
    document = json.loads((HERE / "cobblestone_256.json").read_text())
    return bytes.fromhex(document["key"]), document["tests"]


def opened(key: bytes, sealed: bytes, context: bytes = b"") -> bytes:
    decryptor = Cobblestone256Decryptor(key, context)
    return decryptor.update(sealed) + decryptor.finalize()


@pytest.mark.parametrize("test", cobblestone()[1], ids=lambda test: test["comment"])
def test_chunked_encryption_opens_as_c2sp_says_and_nothing_else_does(test: dict[str, Any]) -> None:
    key, _ = cobblestone()
    sealed = zlib.decompress(bytes.fromhex(test["ct"]))
    message = opened(key, sealed)
    assert len(message) == test["length"]
    assert hashlib.sha512(message).hexdigest() == test["sha512"]
    wrong = {
        "cut by one byte": sealed[:-1],
        "cut in the header": sealed[:40],
        "cut to the header": sealed[:56],
        "one byte longer": sealed + b"\0",
        "the last chunk twice": sealed + sealed[56:][-16:],
        "another salt": bytes([sealed[0] ^ 1]) + sealed[1:],
        "another commitment": sealed[:24] + bytes([sealed[24] ^ 1]) + sealed[25:],
        "another tag": sealed[:-1] + bytes([sealed[-1] ^ 1]),
    }
    for blob in wrong.values():
        with pytest.raises((InvalidTag, ValueError)):
            opened(key, blob)
    with pytest.raises(InvalidTag):
        opened(key, sealed, b"another context")
    with pytest.raises(InvalidTag):
        opened(bytes(32), sealed)


def argon2id() -> list[dict[str, str]]:
    cases: list[dict[str, str]] = []
    for line in (INSTALLED / "KDF" / "argon2id.txt").read_text().splitlines():
        name, found, value = line.partition("=")
        if name.strip() == "COUNT":
            cases.append({})
        elif found and not line.startswith("#"):
            cases[-1][name.strip()] = value.strip()
    return cases


@pytest.mark.parametrize("case", argon2id(), ids=lambda case: case["output"][:8])
def test_argon2id_gives_the_output_of_rfc_9106(case: dict[str, str]) -> None:
    kdf = Argon2id(
        salt=bytes.fromhex(case["salt"]),
        length=int(case["length"]),
        iterations=int(case["iter"]),
        lanes=int(case["lanes"]),
        memory_cost=int(case["memcost"]),
        ad=bytes.fromhex(case["ad"]) if "ad" in case else None,
        secret=bytes.fromhex(case["secret"]) if "secret" in case else None,
    )
    assert kdf.derive(bytes.fromhex(case["pass"])) == bytes.fromhex(case["output"])
