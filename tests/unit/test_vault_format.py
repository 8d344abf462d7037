"""Vault: what is sealed opens as documented, and nowhere else."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.tips import Body
from hotline.vault import format as fmt
from hotline.vault.format import Damaged, Kind
from hotline.vault.keys import (
    WeakPassphrase,
    grant,
    new_person,
    new_seed,
    open_body,
    open_grant,
    open_person,
    open_small,
    open_wrap,
)
from hotline.vault.private import KEPT_SECONDS, _kept, forget_parsed, opened, public_bytes
from hotline.vault.seal import PublicKey, load_public, seal_body, seal_small, wrap_key
from hotline.vault.small import mac, random_id, random_key, seal, unseal
from hotline.vault.suites import LARGE, SCHEMES, X_WING

SEED = new_seed()
DESK = PublicKey("queue:general:BR-RJ", "2026-03", public_bytes(SEED))


def body_of(payload: bytes = b"the tip", kind: Kind = Kind.TIP) -> tuple[bytes, Body]:
    key, subject = random_key(), random_id()
    return key, seal_body(key, subject, subject, kind, payload)


def test_a_body_opens_as_documented() -> None:
    key, body = body_of()
    context = b"hotline/body/1".ljust(24, b"\0") + b"\x01" + body.id + b"\x01"
    assert fmt.body_context(body.id, Kind.TIP) == context
    assert len(context) == 42
    assert body.sealed[0] == 1
    # salt 24, commitment 32, padded payload, one tag of 16 a chunk of 16 KiB
    assert len(body.sealed) == 1 + 24 + 32 + 2048 + 16
    assert open_body(key, body) == b"the tip"


def test_a_wrap_opens_as_documented() -> None:
    key, body = body_of()
    wrap = wrap_key(key, body.id, fmt.digest(body.sealed), DESK)
    info = (
        b"hotline/wrap/1".ljust(24, b"\0")
        + b"\x01"
        + body.id
        + hashlib.sha256(DESK.recipient.encode()).digest()
        + (202603).to_bytes(4, "big")
        + hashlib.sha256(body.sealed).digest()
    )
    assert len(info) == 24 + 1 + 16 + 32 + 4 + 32
    assert wrap.sealed[0] == 1
    assert len(wrap.sealed) == 1 + 1120 + 32 + 16
    assert opened(SEED, wrap.sealed, info) == key
    assert open_wrap(SEED, wrap, body) == key


def test_a_small_message_opens_as_documented() -> None:
    subject = random_id()
    sealed = seal_small(fmt.SMALL, subject, DESK, b"hello", 64)
    info = (
        b"hotline/small/1".ljust(24, b"\0")
        + b"\x01"
        + hashlib.sha256(subject).digest()
        + hashlib.sha256(DESK.recipient.encode()).digest()
        + (202603).to_bytes(4, "big")
    )
    assert len(sealed) == 64 + 1137
    padded = opened(SEED, sealed, info)
    assert padded == struct.pack(">I", 5) + b"hello" + bytes(55)


def test_a_wrap_moved_to_another_body_recipient_or_month_does_not_open() -> None:
    key, body = body_of()
    _, other = body_of()
    wrap = wrap_key(key, body.id, fmt.digest(body.sealed), DESK)
    moved = [
        (wrap, other),
        (wrap, replace(body, sealed=other.sealed)),
        (wrap, replace(body, id=other.id)),
        (replace(wrap, recipient="queue:general:BR-SP"), body),
        (replace(wrap, epoch="2026-04"), body),
    ]
    for wrong_wrap, wrong_body in moved:
        with pytest.raises(Damaged):
            open_wrap(SEED, wrong_wrap, wrong_body)
    with pytest.raises(Damaged):
        open_wrap(new_seed(), wrap, body)


def test_a_body_posing_as_another_tip_or_kind_does_not_open() -> None:
    key, body = body_of()
    for wrong in (replace(body, id=random_id()), replace(body, kind=int(Kind.NOTE))):
        with pytest.raises(Damaged):
            open_body(key, wrong)
    with pytest.raises(Damaged):
        open_body(random_key(), body)


@pytest.mark.parametrize("length", [0, 7, 3000, 40_000])
def test_cut_extended_or_altered_ciphertext_does_not_open(length: int) -> None:
    key, body = body_of(b"x" * length)
    sealed = body.sealed
    chunk = 16384 + 16
    for wrong in (
        b"",
        sealed[:1],
        sealed[:57],
        sealed[:-1],
        sealed[:-16],
        sealed + b"\0",
        sealed + sealed[-chunk:],
        sealed[:60] + bytes([sealed[60] ^ 1]) + sealed[61:],
        sealed[:-1] + bytes([sealed[-1] ^ 0x80]),
    ):
        with pytest.raises(Damaged):
            open_body(key, replace(body, sealed=wrong))


@pytest.mark.parametrize("suite", [0, 2, 255])
def test_an_unknown_suite_is_refused(suite: int) -> None:
    key, body = body_of()
    wrap = wrap_key(key, body.id, fmt.digest(body.sealed), DESK)
    small = seal_small(fmt.SMALL, b"s", DESK, b"", 32)
    other = bytes([suite])
    with pytest.raises(Damaged):
        open_body(key, replace(body, sealed=other + body.sealed[1:]))
    with pytest.raises(Damaged):
        open_wrap(SEED, replace(wrap, sealed=other + wrap.sealed[1:]), body)
    with pytest.raises(Damaged):
        open_small(SEED, fmt.SMALL, b"s", DESK.recipient, DESK.epoch, other + small[1:])


def test_a_small_message_under_another_label_does_not_open() -> None:
    sealed = seal_small(fmt.COUNT, b"s", DESK, b"", 32)
    for label in (fmt.SMALL, fmt.REPLY, fmt.PLACED, fmt.SEED):
        with pytest.raises(Damaged):
            open_small(SEED, label, b"s", DESK.recipient, DESK.epoch, sealed)


def test_labels_are_distinct_and_of_one_width() -> None:
    labels = [fmt.BODY, fmt.WRAP, fmt.SMALL, fmt.REPLY, fmt.PLACED, fmt.COUNT, fmt.SEED, fmt.LOCAL]
    assert len(set(labels)) == len(labels)
    assert {len(label) for label in labels} == {24}


def test_bindings_of_a_wrong_width_are_refused() -> None:
    with pytest.raises(ValueError, match="width"):
        fmt.body_context(b"short", Kind.TIP)
    with pytest.raises(ValueError, match="width"):
        fmt.wrap_info(1, random_id(), "queue:x", "2026-03", b"short")
    for raw in (b"", bytes(1217), b"\x01" + bytes(1215), b"\x02" + bytes(1216), b"\x03" * 1217):
        with pytest.raises(Damaged):
            load_public(raw)


@given(st.binary(max_size=20_000))
def test_padding_gives_back_what_went_in_and_hides_its_length(payload: bytes) -> None:
    padded = fmt.pad(payload)
    assert fmt.unpad(padded) == payload
    assert len(padded) in {2048 << n for n in range(10)}
    assert len(padded) == 2048 or len(padded) < 2 * (len(payload) + 4)


def test_padding_has_its_edges_where_documented() -> None:
    assert [len(fmt.pad(bytes(n))) for n in (0, 2044, 2045, 4092, 4093)] == [
        2048,
        2048,
        4096,
        4096,
        8192,
    ]
    with pytest.raises(ValueError, match="fit"):
        fmt.pad(bytes(61), 64)
    for wrong in (b"", b"\0\0", b"\0\0\0\x05hell", b"\0\0\0\x01ab", b"\xff" * 64):
        with pytest.raises(Damaged):
            fmt.unpad(wrong)


@given(st.integers(min_value=2, max_value=1 << 40))
def test_padme_never_shrinks_and_adds_at_most_an_eighth(length: int) -> None:
    padded = fmt.padme(length)
    assert length <= padded <= length * 1.12 + 1
    assert fmt.padme(padded) == padded


def test_equal_tips_give_different_bytes() -> None:
    key, subject = random_key(), random_id()
    sealed = {seal_body(key, subject, subject, Kind.TIP, b"same").sealed for _ in range(8)}
    assert len(sealed) == 8


def test_a_person_key_opens_with_its_passphrase_and_person_only() -> None:
    person, seed = random_id(), new_seed()
    key = new_person(person, "four words make it long", seed)
    assert key.public == public_bytes(seed)
    assert open_person(person, key, "four words make it long") == seed
    assert open_person(person, key, "four words make it Long") is None
    assert open_person(random_id(), key, "four words make it long") is None
    exchanged = replace(key, public=public_bytes(new_seed()))
    assert open_person(person, exchanged, "four words make it long") is None
    assert key.sealed[0] == 1
    assert len(key.sealed) == 1 + 12 + 33 + 16
    unknown = replace(key, sealed=b"\x02" + key.sealed[1:])
    assert open_person(person, unknown, "four words make it long") is None
    with pytest.raises(WeakPassphrase):
        new_person(person, "fourteen chars")


def test_a_grant_opens_for_its_member_queue_and_month_only() -> None:
    seed, person, epoch_seed = new_seed(), random_id(), new_seed()
    sealed = grant(epoch_seed, "queue:gbv:BR-RJ", "2026-03", person, public_bytes(seed))
    assert open_grant(seed, "queue:gbv:BR-RJ", "2026-03", person, sealed) == epoch_seed
    for own, queue, month, who in (
        (new_seed(), "queue:gbv:BR-RJ", "2026-03", person),
        (seed, "queue:general:BR-RJ", "2026-03", person),
        (seed, "queue:gbv:BR-RJ", "2026-04", person),
        (seed, "queue:gbv:BR-RJ", "2026-03", random_id()),
    ):
        with pytest.raises(Damaged):
            open_grant(own, queue, month, who, sealed)


def test_small_seals_are_bound_to_their_context_and_key() -> None:
    key = random_key()
    sealed = seal(key, "answer", b"text")
    assert unseal(key, "answer", sealed) == b"text"
    for wrong_key, context, blob in (
        (random_key(), "answer", sealed),
        (key, "form", sealed),
        (key, "answer", sealed[:-1]),
        (key, "answer", sealed + b"\0"),
        (key, "answer", b""),
        (key, "answer", b"short"),
    ):
        with pytest.raises(Damaged):
            unseal(wrong_key, context, blob)


def test_marks_do_not_run_together() -> None:
    key = random_key()
    assert mac(key, "ab", "c") != mac(key, "a", "bc")
    assert mac(key, "ab") != mac(key, "ab", "")


@pytest.mark.parametrize("suite", [X_WING, LARGE])
def test_every_suite_seals_and_opens_and_no_other_reads_it(suite: int) -> None:
    seed = new_seed(suite)
    raw = public_bytes(seed)
    desk = replace(DESK, raw=raw)
    scheme = SCHEMES[suite]
    assert (seed[0], raw[0], len(raw)) == (suite, suite, 1 + scheme.public_bytes)
    key, body = body_of()
    wrap = wrap_key(key, body.id, fmt.digest(body.sealed), desk)
    small = seal_small(fmt.SMALL, b"s", desk, b"told", 64)
    assert len(wrap.sealed) == 1 + scheme.enc_bytes + 32 + 16
    assert len(small) == 1 + scheme.enc_bytes + 64 + 16
    assert open_wrap(seed, wrap, body) == key
    assert open_small(seed, fmt.SMALL, b"s", desk.recipient, desk.epoch, small) == b"told"
    other = bytes([X_WING + LARGE - suite])
    for forged in (replace(wrap, sealed=other + wrap.sealed[1:]),):
        for wrong in (seed, other + seed[1:]):
            with pytest.raises(Damaged):
                open_wrap(wrong, forged, body)
    with pytest.raises(Damaged):
        open_wrap(other + seed[1:], wrap, body)


def test_parsed_keys_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("hotline.vault.private.time.monotonic", lambda: now[0])
    forget_parsed()
    key, body = body_of()
    wrap = wrap_key(key, body.id, fmt.digest(body.sealed), DESK)
    assert open_wrap(SEED, wrap, body) == key
    assert len(_kept) == 1
    other = new_seed()
    now[0] += KEPT_SECONDS + 1
    with pytest.raises(Damaged):
        open_wrap(other, wrap, body)
    assert list(_kept._keys) == [other], "a minute unused is enough"
    forget_parsed()
    assert len(_kept) == 0
    for _ in range(70):
        with pytest.raises(Damaged):
            open_wrap(new_seed(), wrap, body)
    assert len(_kept) <= 64
