"""HTTP message signatures: RFC 9421's own vector, and everything that must not verify."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, InvalidSignature
from http_message_signatures.algorithms import ED25519

from hotline.vault import signatures
from hotline.vault.signatures import (
    ACK_TAG,
    AGENCY_TAG,
    PACKAGE_TAG,
    Asked,
    Forged,
    key_named,
    public_half,
    sign,
    sign_response,
    verify,
    verify_response,
)

SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
NOW, NONCE = 1_800_000_000, "a-nonce-of-some-length"
URL = "https://line.example/agency/v1/packages/00ff?x=1"
JSON = {"Content-Type": "application/json"}

# RFC 9421, appendix B.1.4 (the key) and B.2.6 (the signature).
RFC_PUBLIC = base64.b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
RFC_SEED = base64.b64decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=")
RFC_HEADERS = {
    "Host": "example.com",
    "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "Content-Type": "application/json",
    "Content-Digest": "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+"
    "AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    "Content-Length": "18",
    "Signature-Input": 'sig-b26=("date" "@method" "@path" "@authority" "content-type" '
    '"content-length");created=1618884473;keyid="test-key-ed25519"',
    "Signature": "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu"
    "4A0w6vuQv5lIp5WPpBKRCw==:",
}


def _rfc(headers: dict[str, str]) -> None:
    message = signatures._Request("POST", "https://example.com/foo?param=Value&Pet=dog", headers)
    key = signatures._Key("test-key-ed25519", RFC_PUBLIC)
    covered = ("date", "@method", "@path", "@authority", "content-type", "content-length")
    # The vector does not cover its digest: its body is left to the caller.
    verifier = signatures._Verifier(key, 1618884473, 300)
    verifier.verify(message, max_age=None, require_components=covered)


def test_the_vector_of_the_rfc_verifies() -> None:
    assert public_half(RFC_SEED) == RFC_PUBLIC
    _rfc(RFC_HEADERS)
    with pytest.raises(InvalidSignature):
        _rfc({**RFC_HEADERS, "Date": "Tue, 20 Apr 2021 02:07:56 GMT"})


def test_we_sign_the_bytes_of_the_vector() -> None:
    """Ed25519 is deterministic: the same base under the same key is the same signature."""
    bare = {n: v for n, v in RFC_HEADERS.items() if n[:4] not in ("Sign", "Cont")}
    bare |= {n: RFC_HEADERS[n] for n in ("Content-Type", "Content-Length")}
    message = signatures._Request("POST", "https://example.com/foo?param=Value&Pet=dog", bare)
    signer = HTTPMessageSigner(signature_algorithm=ED25519)
    prepared = signer.prepare(
        message,
        key_id="test-key-ed25519",
        created=datetime.fromtimestamp(1618884473, UTC),
        include_alg=False,
        label="sig-b26",
        covered_component_ids=(
            *("date", "@method", "@path", "@authority"),
            *("content-type", "content-length"),
        ),
    )
    key = Ed25519PrivateKey.from_private_bytes(RFC_SEED)
    signer.apply(message, prepared, key.sign(prepared.signature_base))
    assert message.headers["Signature"] == RFC_HEADERS["Signature"]
    assert message.headers["Signature-Input"] == RFC_HEADERS["Signature-Input"]


def _request(**changed: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "seed": SEED,
        "key_id": "dh",
        "method": "POST",
        "url": URL,
        "headers": dict(JSON),
        "body": b'{"a":1}',
        "created": NOW,
        "nonce": NONCE,
        "tag": AGENCY_TAG,
    } | changed
    added = sign(**said)
    return {
        "public": public_half(SEED),
        "key_id": "dh",
        "method": said["method"],
        "url": said["url"],
        "headers": {**said["headers"], **added},
        "body": said["body"],
        "now": NOW,
        "tag": AGENCY_TAG,
    }


def test_what_was_signed_verifies_and_gives_its_nonce() -> None:
    assert verify(**_request()) == NONCE
    assert verify(**_request(method="GET", headers={}, body=b"")) == NONCE
    sent = _request()
    lower = {name.lower(): value for name, value in sent["headers"].items()}
    assert verify(**sent | {"headers": lower}) == NONCE
    # TLS may end at a proxy.
    assert verify(**sent | {"url": URL.replace("https", "http")}) == NONCE


@pytest.mark.parametrize("late", [-300, 300])
def test_a_clock_may_be_five_minutes_off(late: int) -> None:
    sent = _request()
    assert verify(**sent | {"now": NOW + late}) == NONCE
    with pytest.raises(Forged):
        verify(**sent | {"now": NOW + late + (1 if late > 0 else -1)})


@pytest.mark.parametrize(
    "changed",
    [
        {"public": public_half(OTHER)},
        {"public": b"short"},
        {"key_id": "mp"},
        {"method": "PUT"},
        {"url": URL.replace("line.example", "other.example")},
        {"url": URL.replace("00ff", "00fe")},
        {"url": URL.replace("x=1", "x=2")},
        {"body": b'{"a":2}'},
        {"body": b""},
        {"tag": PACKAGE_TAG},
        {"now": NOW + 301},
    ],
)
def test_nothing_that_was_signed_may_change(changed: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        verify(**_request() | changed)


def _less(name: str) -> dict[str, str]:
    return {n: v for n, v in _request()["headers"].items() if n != name}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        _less("Signature"),
        _less("Signature-Input"),
        _less("Content-Digest"),
        _less("Content-Type"),
        {**_request()["headers"], "Content-Type": "text/plain"},
        {**_request()["headers"], "Signature": "hotline=:AAAA:"},
        {**_request()["headers"], "Signature": "\x00é"},
        {**_request()["headers"], "Signature-Input": "hotline=();created=1"},
        # Two of the same purpose: which one was meant is not ours to guess.
        {
            **_request()["headers"],
            **{
                name: f"{_request()['headers'][name]}, {_request()['headers'][name]}".replace(
                    ", hotline=", ", again="
                )
                for name in ("Signature", "Signature-Input")
            },
        },
    ],
)
def test_headers_that_are_not_as_they_were(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        verify(**_request() | {"headers": headers})


def test_a_signature_that_covers_less_is_none() -> None:
    """Signed by the right key, but not over the body: a body could be put under it."""
    message = signatures._Request("POST", URL, dict(JSON))
    signer = HTTPMessageSigner(signature_algorithm=ED25519)
    when = datetime.fromtimestamp(NOW, UTC)
    prepared = signer.prepare(
        message,
        key_id="dh",
        created=when,
        nonce=NONCE,
        tag=AGENCY_TAG,
        covered_component_ids=("@method", "@authority", "@path", "@query", "content-type"),
    )
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    signer.apply(message, prepared, key.sign(prepared.signature_base))
    for body in (b"", b'{"a":1}'):
        with pytest.raises(Forged):
            verify(**_request() | {"headers": message.headers, "body": body})


@pytest.mark.parametrize("nonce", ["short", "x" * 65])
def test_a_nonce_has_a_sensible_length(nonce: str) -> None:
    with pytest.raises(Forged):
        verify(**_request(nonce=nonce))


def test_an_error_says_the_same_for_every_cause() -> None:
    said = set()
    for changed in ({"key_id": "mp"}, {"body": b"x"}, {"now": NOW + 999}, {"headers": {}}):
        with pytest.raises(Forged) as caught:
            verify(**_request() | changed)
        said.add((caught.value.message, caught.value.hint, caught.value.__cause__))
    assert len(said) == 1


def test_the_named_key_is_read_without_trust() -> None:
    sent = _request()["headers"]
    assert key_named(sent, AGENCY_TAG) == "dh"
    assert key_named(sent, PACKAGE_TAG) is None
    for value in ("", "é", "hotline=1", 'hotline=();keyid=5;tag="hotline-agency"', "x" * 100_000):
        assert key_named({"Signature-Input": value}, AGENCY_TAG) is None


def _answered(**changed: Any) -> dict[str, Any]:
    request = _request(tag=PACKAGE_TAG)
    asked = Asked("POST", URL, request["headers"])
    headers = dict(JSON)
    added = sign_response(OTHER, "dh", asked, 202, headers, b'{"ok":true}', NOW, ACK_TAG)
    return {
        "public": public_half(OTHER),
        "key_id": "dh",
        "asked": asked,
        "status": 202,
        "headers": {**headers, **added},
        "body": b'{"ok":true}',
        "now": NOW,
        "tag": ACK_TAG,
    } | changed


def test_an_answer_verifies() -> None:
    verify_response(**_answered())


@pytest.mark.parametrize(
    "changed",
    [
        {"status": 200},
        {"body": b'{"ok":false}'},
        {"public": public_half(SEED)},
        {"key_id": "mp"},
        {"tag": PACKAGE_TAG},
        {"now": NOW + 301},
        {"headers": {}},
        # The answer to another request, of the same address and body: its nonce differs.
        {"asked": Asked("POST", URL, _request(tag=PACKAGE_TAG, nonce="another-nonce")["headers"])},
        {"asked": Asked("POST", URL + "&y=2", _request(tag=PACKAGE_TAG)["headers"])},
        {"asked": Asked("GET", URL, _request(tag=PACKAGE_TAG)["headers"])},
        {"asked": Asked("POST", URL, {})},
    ],
)
def test_an_answer_answers_one_request(changed: dict[str, Any]) -> None:
    with pytest.raises(Forged):
        verify_response(**_answered(**changed))


def test_a_request_is_no_answer_to_itself() -> None:
    """A line whose webhook echoes what it got proves nothing."""
    request = _request(tag=ACK_TAG)
    asked = Asked("POST", URL, request["headers"])
    with pytest.raises(Forged):
        verify_response(
            public_half(SEED), "dh", asked, 200, request["headers"], request["body"], NOW, ACK_TAG
        )
