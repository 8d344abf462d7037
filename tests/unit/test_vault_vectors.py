"""Vault: the library we seal with does what the standards say, byte by byte."""

from __future__ import annotations

import hashlib
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
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hotline.vault import keys
from hotline.vault.seal import HPKE, load_public

HERE = Path(__file__).resolve().parent.parent / "vectors"
INSTALLED = Path(cryptography_vectors.__file__).parent

KEMS = {
    0x0010: KEM.P256,
    0x0012: KEM.P521,
    0x0020: KEM.X25519,
    0x0041: KEM.MLKEM768,
    0x0042: KEM.MLKEM1024,
    0x647A: KEM.MLKEM768_X25519,
}
CURVES = {0x0010: ec.SECP256R1(), 0x0012: ec.SECP521R1()}
KDFS = {1: KDF.HKDF_SHA256, 2: KDF.HKDF_SHA384, 3: KDF.HKDF_SHA512}
AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}
X_WING = 0x647A


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
        case 0x647A:
            return keys._private(raw)
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
    assert {v["kem_id"] for v in hpke("hpke-pq-test-vectors.json")} >= {0x0041, 0x0042, X_WING}


@pytest.mark.parametrize(
    "vector",
    [
        v
        for v in json.loads((INSTALLED / "HPKE" / "hpke-pq-test-vectors.json").read_text())
        if v["kem_id"] == X_WING
    ],
    ids=ident,
)
def test_an_x_wing_seed_gives_the_public_key_of_the_draft(vector: dict[str, Any]) -> None:
    seed, public = bytes.fromhex(vector["skRm"]), bytes.fromhex(vector["pkRm"])
    assert len(seed) == 32
    assert len(public) == 1216
    assert keys.public_bytes(seed) == public
    sealed = HPKE.encrypt(b"a tip key", load_public(public), b"info")
    assert len(sealed) == 1120 + len(b"a tip key") + 16
    assert HPKE.decrypt(sealed, keys._private(seed), b"info") == b"a tip key"


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
