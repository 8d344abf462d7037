"""Sealing: what the vault costs beside the bare library doing the same, in the same run.

Each work is done in turns, a slice by us and a slice by the library, and processor time is taken:
what others use this machine for is in neither. The ratio is the median over the turns.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymerkle
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from sqlalchemy import insert

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.migrate import upgrade
from hotline.store.tables import AuditRow
from hotline.tips import Wrap
from hotline.triage.tree import Frontier, leaf_hash
from hotline.vault.format import Kind, digest
from hotline.vault.keys import new_seed, open_body, open_key, open_wrap
from hotline.vault.private import public_bytes
from hotline.vault.receipts import new_code, stretch
from hotline.vault.seal import PublicKey, seal_body, wrap_key
from hotline.vault.small import random_id, random_key

TURNS = 41
RAW = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
PAYLOAD = b"x" * 1400  # a tip of a few sentences as JSON: the smallest bucket, 2 KiB
MONTH, DESK = "2026-11", "queue:general:BR-RJ"
Work = Callable[[], object]


def paired(ours: Work, bare: Work, each: int) -> dict[str, object]:
    """A second of processor time: how many by us, how many by the library; the ratio of costs."""
    ours()
    bare()
    mine, theirs = [], []
    for turn in range(TURNS):
        order = ((ours, mine), (bare, theirs)) if turn % 2 else ((bare, theirs), (ours, mine))
        for work, costs in order:
            begun = time.process_time()
            for _ in range(each):
                work()
            costs.append((time.process_time() - begun) / each)
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return {
        "a second": round(1 / statistics.median(mine)),
        "library": round(1 / statistics.median(theirs)),
        "times its cost": round(ratio, 2),
    }


def report() -> dict[str, dict[str, object]]:
    return {"a second of one core, beside the bare library": {**sealing(), **auditing()}}


def sealing() -> dict[str, object]:
    """A tip of 2 KiB for one recipient; opened; its key sealed again; a receipt stretched."""
    seed, other = new_seed(), new_seed()
    to, now = (PublicKey(DESK, MONTH, public_bytes(one)) for one in (seed, other))
    expanded = hashlib.shake_256(seed[1:]).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    private = MLKEM768X25519PrivateKey(lattice, X25519PrivateKey.from_private_bytes(expanded[64:]))
    public, context, info = private.public_key(), bytes(42), bytes(109)
    padded = PAYLOAD.ljust(2048, b"\0")
    key, subject = random_key(), random_id()
    body = seal_body(key, subject, subject, Kind.TIP, PAYLOAD)
    hash_ = digest(body.sealed)
    wrap = wrap_key(key, subject, hash_, to)
    bare_body, bare_wrap = _bare_body(key, context, padded), RAW.encrypt(key, public, info)
    pepper = random_key()

    def seal() -> Wrap:
        fresh = random_key()
        made = seal_body(fresh, subject, subject, Kind.TIP, PAYLOAD)
        return wrap_key(fresh, subject, digest(made.sealed), to)

    def bare_seal() -> bytes:
        fresh = secrets.token_bytes(32)
        made = _bare_body(fresh, context, padded)
        hashlib.sha256(made).digest()
        return RAW.encrypt(fresh, public, info)

    def open_() -> bytes:
        return open_body(open_wrap(seed, wrap, body), body)

    def bare_open() -> bytes:
        hashlib.sha256(bare_body).digest()
        decryptor = Cobblestone256Decryptor(RAW.decrypt(bare_wrap, private, info), context)
        return decryptor.update(bare_body) + decryptor.finalize()

    return {
        "seal": paired(seal, bare_seal, 40),
        "open": paired(open_, bare_open, 40),
        "re-wrap": paired(
            lambda: wrap_key(open_key(seed, wrap, hash_), subject, hash_, now),
            lambda: RAW.encrypt(RAW.decrypt(bare_wrap, private, info), public, info),
            40,
        ),
        "receipt": paired(
            lambda: stretch(new_code(), pepper).public, lambda: _bare_receipt(pepper), 1
        ),
    }


def _bare_body(key: bytes, context: bytes, padded: bytes) -> bytes:
    encryptor = Cobblestone256Encryptor(key, context)
    return encryptor.update(padded) + encryptor.finalize()


def _bare_receipt(pepper: bytes) -> bytes:
    """Argon2id, and a key pair from what it gives."""
    root = Argon2id(
        salt=b"hotline-receipts",
        length=32,
        iterations=2,
        lanes=1,
        memory_cost=19 * 1024,
        secret=pepper,
    ).derive(str(secrets.randbelow(10**19)).encode())
    expanded = hashlib.shake_256(root).digest(96)
    curve = X25519PrivateKey.from_private_bytes(expanded[64:]).public_key()
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key()
    return lattice.public_bytes_raw() + curve.public_bytes_raw()


def auditing() -> dict[str, object]:
    """A record written in a transaction of many, beside a bare insert of the same; a leaf added
    to the tree, beside pymerkle's."""
    with tempfile.TemporaryDirectory(prefix="hotline-pace-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'audit.db'}")
        upgrade(database)
        tip = random_id().hex()

        def ours(connection: Any) -> None:
            for _ in range(50):
                note(connection, "received", tip=tip, month=MONTH)

        def bare(connection: Any) -> None:
            for _ in range(50):
                identity = os.urandom(16)
                facts = {"event": "received", "id": identity.hex(), "month": MONTH, "tip": tip}
                record = json.dumps(facts, sort_keys=True, separators=(",", ":"))
                row = insert(AuditRow).values(id=identity, event="received", record=record)
                connection.execute(row)

        record = paired(lambda: database.write(ours), lambda: database.write(bare), 1)
        database.close()
    for name in ("a second", "library"):
        record[name] = int(str(record[name])) * 50
    frontier, tree = Frontier(), pymerkle.InmemoryTree()
    leaf = json.dumps({"event": "received", "id": tip, "month": MONTH, "tip": tip}).encode()
    return {
        "audit record": record,
        "audit tree": paired(
            lambda: frontier.add(leaf_hash(leaf)), lambda: tree.append_entry(leaf), 500
        ),
    }
