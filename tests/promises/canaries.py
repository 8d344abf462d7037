"""Canaries: values that must never be found at rest, in every encoding one might be stored in."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

_ZEROS = re.compile(rb"\0{64,}")
_HEAD = 8  # bytes; no form is shorter


def word(kind: str) -> str:
    """A value nobody else uses: letters only, so that no stemmer or number rule touches it."""
    tail = "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(12))
    return f"{kind}{tail}"


def number() -> str:
    """A Brazilian mobile number in E.164."""
    return f"+55219{secrets.randbelow(90_000_000) + 10_000_000}"


def sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def _hashed(raw: bytes) -> Iterator[bytes]:
    for name in ("sha256", "sha1", "md5", "sha512"):
        value = hashlib.new(name, raw, usedforsecurity=False).digest()
        # 16 bytes of a hash are as good as all of it, and find truncated ones too.
        yield value[:16]
        yield value.hex()[:32].encode()
        yield value.hex()[:32].upper().encode()
        yield base64.b64encode(value)[:20]
        yield base64.urlsafe_b64encode(value)[:20]


def _written(raw: bytes) -> Iterator[bytes]:
    """The bytes themselves, in what text is commonly put into."""
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield base64.b32encode(raw).rstrip(b"=")
    # Base64 depends on what stands before: three offsets, without the ends that neighbours change.
    for lead in range(3):
        coded = base64.b64encode(bytes(lead) + raw).rstrip(b"=")
        yield coded[-(-lead * 8 // 6) + 1 : -2]
    yield raw[::-1]


def _words(value: str) -> Iterator[bytes]:
    yield from _written(value.encode())
    yield from _written(value.lower().encode())
    yield value.encode("utf-16-le")
    yield value.encode("utf-16-be")
    yield quote(value, safe="").encode()
    yield from _hashed(value.encode())


def _number(e164: str) -> Iterator[bytes]:
    """Every digits-only form holds the subscriber's nine digits; the others are written out."""
    digits = e164.removeprefix("+")
    national, subscriber = digits[2:], digits[4:]
    for text in (
        subscriber,
        f"{subscriber[:5]}-{subscriber[5:]}",
        f"{subscriber[:5]} {subscriber[5:]}",
    ):
        yield from _written(text.encode())
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-be")
    for text in (e164, digits, national, "0" + national):
        yield from _written(text.encode())
    for text in (e164, digits, national, subscriber, "whatsapp:" + e164, "tel:" + e164):
        yield from _hashed(text.encode())
    yield int(digits).to_bytes(8, "big")
    yield int(digits).to_bytes(8, "little")


def _address(text: str) -> Iterator[bytes]:
    address = ipaddress.ip_address(text)
    for form in {text, address.exploded, address.compressed}:
        yield from _words(form)
    yield from _hashed(address.packed)
    if address.version == 6:  # four bytes would be found anywhere
        yield address.packed


@dataclass(slots=True)
class Aviary:
    """All canaries of a test, by the field they are planted in."""

    planted: dict[str, list[bytes]] = field(default_factory=dict)

    def _plant(self, name: str, value: str, forms: Iterable[bytes]) -> str:
        self.planted[name] = sorted({form for form in forms if len(form) >= _HEAD})
        return value

    def word(self, name: str, value: str = "") -> str:
        value = value or word("canary")
        return self._plant(name, value, _words(value))

    def sid(self, name: str, prefix: str) -> str:
        value = sid(prefix)
        raw = bytes.fromhex(value[2:])
        forms = [*_words(value), *_written(value[2:].encode()), raw, *_hashed(raw)]
        return self._plant(name, value, forms)

    def number(self, name: str) -> str:
        value = number()
        return self._plant(name, value, _number(value))

    def address(self, name: str, value: str) -> str:
        return self._plant(name, value, _address(value))

    def found(self, places: Iterable[tuple[str, bytes]]) -> list[str]:
        """``"field in place"`` of every canary that is there, in whatever encoding."""
        heads: dict[bytes, list[tuple[str, bytes]]] = {}
        for name, forms in self.planted.items():
            for form in forms:
                heads.setdefault(form[:_HEAD], []).append((name, form))
        hits = set()
        for place, raw in places:
            data = _ZEROS.sub(bytes(16), raw)
            # One look a byte, however many forms there are.
            for at in [i for i in range(len(data)) if data[i : i + _HEAD] in heads]:
                for name, form in heads[data[at : at + _HEAD]]:
                    if data.startswith(form, at):
                        hits.add(f"{name} in {place}")
        return sorted(hits)


@dataclass(slots=True)
class Before:
    """What lay there before anybody reported: the same bytes later are not searched again."""

    seen: set[bytes] = field(default_factory=set)

    def remember(self, places: Iterable[tuple[str, bytes]]) -> None:
        self.seen |= {hashlib.sha256(raw).digest() for _, raw in places}

    def news(self, places: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        return ((p, raw) for p, raw in places if hashlib.sha256(raw).digest() not in self.seen)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte under a folder, and every name."""
    for path in sorted(folder.rglob("*")):
        yield f"the name {path.name}", path.name.encode()
        if path.is_file():
            yield path.name, path.read_bytes()


def postgres(url: str) -> Iterator[tuple[str, bytes]]:
    """The server's files of this database: tables, journals, caches, and its own log."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    data = Path(row[0])
    for part in (f"base/{row[1]}", "pg_wal", "global", "pg_xact", "pg_stat", "base/pgsql_tmp"):
        if (data / part).is_dir():
            for path in sorted((data / part).rglob("*")):
                if path.is_file():
                    yield f"PostgreSQL's {part}", path.read_bytes()
    yield "PostgreSQL's log", (data.parent / "log").read_bytes()


def redis_keys(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key and every value."""
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter("*"):
            yield "a Redis key", key
            kind = client.type(key)
            if kind == b"string":
                yield "a Redis string", client.get(key)
            else:
                yield f"a Redis {kind.decode()}", client.dump(key)
                yield from (("a Redis member", member) for member in _members(client, key, kind))


def _members(client: redis.Redis, key: bytes, kind: bytes) -> list[bytes]:
    match kind:
        case b"hash":
            return [part for pair in client.hgetall(key).items() for part in pair]
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return list(client.smembers(key))
        case b"zset":
            return client.zrange(key, 0, -1)
        case _:
            return [repr(client.xrange(key)).encode()]
