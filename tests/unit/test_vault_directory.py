"""Vault: the directory and the sessions: what is not signed or not whole opens nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from hotline.vault.directory import (
    HELD,
    LIST,
    PIN,
    SEEN,
    SIGNATURE_BYTES,
    Directory,
    DirectoryKey,
    NoKey,
    OldDirectory,
    UntrustedDirectory,
    publish,
    write_file,
)
from hotline.vault.keys import new_seed
from hotline.vault.private import public_bytes
from hotline.vault.seal import PublicKey
from hotline.vault.sessions import Cookie
from hotline.vault.small import random_id

RAW = public_bytes(new_seed())
ANA, BIA = random_id(), random_id()
KEYS = [PublicKey("queue:general:BR-RJ", "2026-03", RAW), PublicKey("worker", "2026-04", RAW)]


@pytest.fixture
def signer() -> DirectoryKey:
    return DirectoryKey.new()


@pytest.fixture
def folder(tmp_path: Path, signer: DirectoryKey) -> Path:
    publish(tmp_path, KEYS, signer)
    return tmp_path


def test_a_signed_list_gives_its_keys_and_no_others(folder: Path) -> None:
    directory = Directory.load(folder)
    assert directory.key("worker", "2026-04").raw == RAW
    assert directory.recipients() == {"worker", "queue:general:BR-RJ"}
    assert directory.last_epoch("worker") == "2026-04"
    assert directory.last_epoch("nobody") == ""
    for recipient, month in (("worker", "2026-03"), ("queue:gbv:BR-RJ", "2026-03")):
        with pytest.raises(NoKey):
            directory.key(recipient, month)


@pytest.mark.parametrize("name", [LIST, PIN])
def test_a_missing_part_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UntrustedDirectory):
        Directory.load(folder)


@pytest.mark.parametrize("name", [LIST, PIN])
@pytest.mark.parametrize("damage", ["flip first", "flip last", "cut", "empty", "longer"])
def test_an_altered_part_is_refused(folder: Path, name: str, damage: str) -> None:
    raw = (folder / name).read_bytes()
    altered = {
        "flip first": bytes([raw[0] ^ 1]) + raw[1:],
        "flip last": raw[:-1] + bytes([raw[-1] ^ 1]),
        "cut": raw[:-1],
        "empty": b"",
        "longer": raw + b" ",
    }[damage]
    (folder / name).write_bytes(altered)
    with pytest.raises(UntrustedDirectory):
        Directory.load(folder)


def test_a_list_signed_by_another_key_is_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    publish(other, [PublicKey("worker", "2026-04", public_bytes(new_seed()))], DirectoryKey.new())
    (folder / LIST).write_bytes((other / LIST).read_bytes())
    with pytest.raises(UntrustedDirectory):
        Directory.load(folder)


def test_both_signatures_must_hold(folder: Path, signer: DirectoryKey) -> None:
    """Forging one algorithm is not enough: each half by a stranger is refused."""
    content = (folder / LIST).read_bytes()[SIGNATURE_BYTES:]
    stranger = DirectoryKey.new()
    good, bad = signer.sign(content), stranger.sign(content)
    for forged in (good[:64] + bad[64:], bad[:64] + good[64:]):
        (folder / LIST).write_bytes(forged + content)
        with pytest.raises(UntrustedDirectory):
            Directory.load(folder)
    (folder / LIST).write_bytes(good + content)
    Directory.load(folder)


def test_an_unsigned_list_of_the_attackers_keys_is_refused(folder: Path) -> None:
    signed = (folder / LIST).read_bytes()
    signature, document = signed[:SIGNATURE_BYTES], json.loads(signed[SIGNATURE_BYTES:])
    document["keys"].append(["worker", "2026-05", document["keys"][0][2]])
    (folder / LIST).write_bytes(signature + json.dumps(document).encode())
    with pytest.raises(UntrustedDirectory):
        Directory.load(folder)


def test_an_old_list_put_back_is_refused(folder: Path, signer: DirectoryKey) -> None:
    """A removed member's copied key must not come back with the list that named it."""
    old = (folder / LIST).read_bytes()
    Directory.load(folder)
    publish(folder, KEYS[1:], signer, serial=2)
    assert Directory.load(folder).serial == 2
    assert (folder / SEEN).read_text() == "2"
    (folder / LIST).write_bytes(old)
    with pytest.raises(OldDirectory):
        Directory.load(folder)
    for rubbish in ("", "two", "9"):
        (folder / SEEN).write_text(rubbish)
        publish(folder, KEYS, signer, serial=3)
        with pytest.raises(UntrustedDirectory):
            Directory.load(folder)


def test_after_its_last_month_a_list_gives_no_key(folder: Path, signer: DirectoryKey) -> None:
    """Not even one that an agency holds itself, which has no month."""
    keys = [*KEYS, PublicKey("agency:x", HELD, RAW), PublicKey("agency:x", "2026-03", RAW[::-1])]
    publish(folder, keys, signer)
    directory = Directory.load(folder)
    assert directory.expires == "2026-04"
    own = directory.key("agency:x", "2026-04")
    assert (own.epoch, own.raw) == (HELD, RAW), "its own key goes before a month's"
    assert directory.last_epoch("agency:x") == "2026-03"
    assert directory.held("agency:x")
    assert not directory.held("worker")
    for recipient in ("worker", "agency:x"):
        with pytest.raises(NoKey):
            directory.key(recipient, "2026-05")


def test_files_are_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_file(path, b"one")
    before = path.stat().st_ino
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_session_row_alone_opens_nothing() -> None:
    seed, cookie = new_seed(), Cookie.new()
    row = cookie.hide(seed, ANA)
    assert cookie.reveal(row, ANA) == seed
    assert cookie.reveal(row, BIA) is None, "a row lent to another person opens nothing"
    assert seed not in row
    assert cookie.secret not in row + cookie.id
    assert Cookie.new().reveal(row, ANA) is None
    assert Cookie(cookie.id).reveal(row, ANA) is None, "the row's id is no key"
    assert Cookie(bytes.fromhex(cookie.form_token)).reveal(row, ANA) is None


def test_a_cookie_survives_the_browser_and_rubbish_does_not() -> None:
    cookie = Cookie.new()
    again = Cookie.parse(cookie.value)
    assert again is not None
    assert (again.id, again.form_token) == (cookie.id, cookie.form_token)
    assert len({cookie.id, bytes.fromhex(cookie.form_token), cookie.secret}) == 3
    for rubbish in ("", "x", cookie.value[:-2], cookie.value + "AA", "é" * 43):
        assert Cookie.parse(rubbish) is None
