"""Signatures: HTTP messages signed with Ed25519 (RFC 9421), and answers bound to what they answer.

Covered are the method, the authority, the path and the query rather than the whole target URI: a
proxy that ends TLS changes the scheme, and nothing else may change. The body is covered by its
SHA-256 (RFC 9530), always, so that an empty body is as fixed as any other. An answer covers the
signature of its request too: it proves that this request was read, and answers no other.

Nothing here remembers: whoever verifies keeps each nonce for twice the window and refuses it again.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from hotline.errors import HotlineError

WINDOW = 300  # seconds a signature is good for, either side of the verifier's clock
PACKAGE_TAG = "hotline-package"  # the line to an agency's webhook
ACK_TAG = "hotline-ack"  # the agency's signed answer to it
AGENCY_TAG = "hotline-agency"  # an agency to the line
LONGEST_NONCE = 64  # characters

_LABEL = "hotline"
_REQUEST = ("@method", "@authority", "@path", "@query")
_ANSWERED = tuple(f'"{name}";req' for name in _REQUEST)


class Forged(HotlineError):
    """A signature that is missing, broken, old, of another key or of another purpose: one error,
    so that nobody learns which."""

    code = "forged"
    status = 401
    message = "This message is not signed as it should be."
    hint = "Check the key, its name, the address and the clock."


@dataclass(frozen=True, slots=True, repr=False)
class _Request:
    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class _Answer:
    status_code: int
    headers: dict[str, str]
    request: _Request


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A request as it was sent, with the signature headers that ``sign`` gave."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def message(self) -> _Request:
        return _Request(self.method, self.url, dict(self.headers))


class _Key(HTTPSignatureKeyResolver):
    """One key, by one name."""

    def __init__(self, key_id: str, public: bytes) -> None:
        self._key_id, self._public = key_id, public

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        if key_id != self._key_id:
            return None
        return Ed25519PublicKey.from_public_bytes(self._public)


class _Verifier(HTTPMessageVerifier):
    """By the caller's clock, early and late alike: two clocks differ in both directions."""

    def __init__(self, resolver: _Key, now: int, window: int) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=resolver)
        self._now, self._window = now, window

    def validate_created_and_expires(
        self, sig_input: Any, max_age: timedelta | None = None
    ) -> None:
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if type(created) is not int or abs(self._now - created) > self._window:
            raise Forged
        if expires is not None and (type(expires) is not int or expires < self._now):
            raise Forged


def public_half(seed: bytes) -> bytes:
    """The 32 bytes that verify what the seed of 32 bytes signs."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(
    seed: bytes,
    key_id: str,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    created: int,
    nonce: str,
    tag: str,
) -> dict[str, str]:
    """The headers to add to a request: Content-Digest, Signature-Input, Signature. ``created`` is
    in seconds since 1970; a Content-Type in ``headers`` is covered."""
    message = _Request(method, url, _plain(headers))
    covered = (*_REQUEST, "content-digest", *_typed(message.headers))
    return _signed(seed, key_id, message, covered, body, created, nonce, tag)


def verify(
    public: bytes,
    key_id: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: int,
    tag: str,
    window: int = WINDOW,
) -> str:
    """The nonce of a request that is signed by this key for this purpose, which the caller must
    refuse a second time. Raises Forged."""
    covered = (*_REQUEST, "content-digest", *(("content-type",) if body else ()))
    message = _Request(method, url, dict(headers))
    nonce = _verified(_Key(key_id, public), message, covered, body, now, tag, window)
    if nonce is None or not 8 <= len(nonce) <= LONGEST_NONCE:
        raise Forged
    return nonce


def sign_response(
    seed: bytes,
    key_id: str,
    asked: Asked,
    status: int,
    headers: dict[str, str],
    body: bytes,
    created: int,
    tag: str,
) -> dict[str, str]:
    """The headers to add to the answer to a request that ``sign`` signed."""
    message = _Answer(status, _plain(headers), asked.message())
    covered = (*_covered_answer(), *_typed(message.headers))
    return _signed(seed, key_id, message, covered, body, created, None, tag)


def verify_response(
    public: bytes,
    key_id: str,
    asked: Asked,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: int,
    tag: str,
    window: int = WINDOW,
) -> None:
    """Raises Forged unless this key answered this very request with this status and body."""
    covered = (*_covered_answer(), *(("content-type",) if body else ()))
    message = _Answer(status, dict(headers), asked.message())
    _verified(_Key(key_id, public), message, covered, body, now, tag, window)


def key_named(headers: Mapping[str, str], tag: str) -> str | None:
    """Whose key a message says it is signed by, so that it can be looked up; None for a message
    that says it in no way we read. Nothing is proved by it."""
    value = next((v for name, v in headers.items() if name.lower() == "signature-input"), "")
    try:
        parsed: Any = http_sf.parse(value.encode(), tltype="dictionary")
        members = [params for _, params in parsed.values()]
        named = [params.get("keyid") for params in members if params.get("tag") == tag]
    except Exception:  # noqa: BLE001  a stranger's words: the parser's errors are of many kinds
        return None
    return named[0] if len(named) == 1 and isinstance(named[0], str) else None


def _covered_answer() -> tuple[str, ...]:
    return ('"@status"', '"content-digest"', *_ANSWERED, f'"signature";req;key="{_LABEL}"')


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Without what is about to be added."""
    added = ("content-digest", "signature", "signature-input")
    return {name: value for name, value in headers.items() if name.lower() not in added}


def _typed(headers: Mapping[str, str]) -> tuple[str, ...]:
    return ("content-type",) if any(n.lower() == "content-type" for n in headers) else ()


def _signed(
    seed: bytes,
    key_id: str,
    message: _Request | _Answer,
    covered: tuple[str, ...],
    body: bytes,
    created: int,
    nonce: str | None,
    tag: str,
) -> dict[str, str]:
    signer = HTTPMessageSigner(signature_algorithm=ED25519)
    prepared = signer.prepare(
        message,
        key_id=key_id,
        created=datetime.fromtimestamp(created, UTC),
        nonce=nonce,
        label=_LABEL,
        tag=tag,
        covered_component_ids=covered,
        body=body,
    )
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(prepared.signature_base)
    signer.apply(message, prepared, signature)
    names = ("Content-Digest", "Signature-Input", "Signature")
    return {name: message.headers[name] for name in names}


def _verified(
    key: _Key,
    message: _Request | _Answer,
    covered: tuple[str, ...],
    body: bytes,
    now: int,
    tag: str | None,
    window: int,
) -> str | None:
    """The nonce of the one signature of this purpose. Raises Forged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (result,) = _Verifier(key, now, window).verify(
                message, max_age=None, expect_tag=tag, require_components=covered, body=body
            )
    except Exception:  # noqa: BLE001  whatever a stranger's headers make the parser say
        raise Forged from None
    return result.nonce
