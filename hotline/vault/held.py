"""Held: a key that an agency makes and keeps itself, and packages only it can open.

Nothing here needs a line: the key is made, and packages are opened, on a machine that has never
seen the server. What the server is given is the public half; what it gives back is ciphertext.

One seed does two things, by two keys: what it opens with is its own, what it signs with is derived
from it in one direction. So one file and one passphrase are enough, a file from before there were
signatures signs as well, and whoever breaks a signature has learnt nothing that opens a package.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hotline.errors import BadInput
from hotline.tips import Body, Wrap
from hotline.vault.attachments import Card, page_of, pages_id
from hotline.vault.canonical import canonical
from hotline.vault.directory import HELD
from hotline.vault.envelope import agency_recipient
from hotline.vault.format import ID_BYTES, Damaged, Kind, digest
from hotline.vault.keys import PersonKey, new_person, new_seed, open_body, open_person, open_wrap
from hotline.vault.seal import load_public
from hotline.vault.signing import sign_bytes, signed_bytes

_GROUPS, _DIGITS = 8, 5
_SIGNS = b"hotline/agency-signing/1"
_SEALED = b"hotline/package-file/1\0"


class NotAKeyFile(BadInput):
    """Not a file that ``agency keygen`` made, or the other of the two."""

    code = "not_a_key_file"
    message = "This is not the right key file of an agency."
    hint = "'hotline agency keygen' writes two: one to keep, one ending in .pub to give away."


class NotAPackage(BadInput):
    """Not a file that was downloaded from an inbox."""

    code = "not_a_package"
    message = "This file is not a sealed package."
    hint = "Download it from the inbox again, and do not change it."


class WrongPassphrase(BadInput):
    code = "wrong_passphrase"
    message = "The passphrase does not open this key."
    hint = "Type it again; nobody can recover it, and a new key opens only what comes later."


class NotFromTheLine(BadInput):
    """Not signed by the line, or changed since."""

    code = "not_from_the_line"
    message = "This package was not signed by this line's key."
    hint = "Fetch it again; if that does not help, compare the line's fingerprint by telephone."


class NotForThisKey(BadInput):
    """Sealed to another agency or another key, or altered on its way."""

    code = "not_for_this_key"
    message = "This package does not open with this key."
    hint = "It was sealed to another key, or the file was changed."


def fingerprint(raw: bytes) -> str:
    """A public key as eight groups of five digits, to be read aloud and compared: 132 bits, more
    than anybody can search through for a key of the same digits. Digits are the same words in
    every language of the line."""
    number = int.from_bytes(digest(raw), "big") % 10 ** (_GROUPS * _DIGITS)
    digits = f"{number:0{_GROUPS * _DIGITS}d}"
    return " ".join(digits[i : i + _DIGITS] for i in range(0, len(digits), _DIGITS))


@dataclass(frozen=True, slots=True, repr=False)
class KeyFile:
    """An agency's own key. ``public`` begins with its suite's byte, the seed is in ``sealed``."""

    agency: str
    key: PersonKey

    @classmethod
    def new(cls, agency: str, passphrase: str, suite: int) -> KeyFile:
        """Raises WeakPassphrase."""
        return cls(agency, new_person(_id(agency), passphrase, new_seed(suite)))

    def private(self) -> bytes:
        """The file to keep."""
        return _file(
            "hotline agency key, private",
            agency=self.agency,
            public=self.key.public,
            salt=self.key.salt,
            sealed=self.key.sealed,
        )

    def public(self, signs: bytes) -> bytes:
        """The file to give to the line. ``signs``: the public half of ``signing_seed``."""
        return Halves(self.agency, self.key.public, signs).file()

    @classmethod
    def read(cls, content: bytes) -> KeyFile:
        """Raises NotAKeyFile."""
        try:
            raw = _read(content, "hotline agency key, private")
            key = PersonKey(*(b64decode(raw[name]) for name in ("public", "salt", "sealed")))
            return cls(str(raw["agency"]), key)
        except (ValueError, KeyError, TypeError):
            raise NotAKeyFile from None

    def seed(self, passphrase: str) -> bytes:
        """Raises WrongPassphrase."""
        seed = open_person(_id(self.agency), self.key, passphrase)
        if seed is None:
            raise WrongPassphrase
        return seed


@dataclass(frozen=True, slots=True)
class Halves:
    """What an agency gives away: what is sealed to, and the 32 bytes that verify its signatures
    (none in files from before there were)."""

    agency: str
    public: bytes
    signs: bytes = b""

    @property
    def fingerprint(self) -> str:
        """Of both: an altered half is another key."""
        return fingerprint(self.public + self.signs)

    def file(self) -> bytes:
        signs = {"signs": self.signs} if self.signs else {}
        return _file("hotline agency key, public", agency=self.agency, public=self.public, **signs)

    @classmethod
    def read(cls, content: bytes) -> Halves:
        """Raises NotAKeyFile."""
        try:
            raw = _read(content, "hotline agency key, public")
            found = cls(
                str(raw["agency"]), b64decode(raw["public"]), b64decode(raw.get("signs", ""))
            )
            load_public(found.public)
        except (ValueError, KeyError, TypeError, Damaged):
            raise NotAKeyFile from None
        if len(found.signs) not in (0, 32):
            raise NotAKeyFile
        return found


def signing_seed(seed: bytes) -> bytes:
    """The Ed25519 seed that belongs to an agency's opened key."""
    return hmac.digest(seed, _SIGNS, "sha256")


def read_public(content: bytes) -> tuple[str, bytes]:
    """Agency and public key of the file to give away. Raises NotAKeyFile."""
    found = Halves.read(content)
    return found.agency, found.public


def line_file(public: bytes) -> bytes:
    """The file by which an agency knows the line: the public half of what the line signs with."""
    return _file("hotline line key, public", public=public)


def read_line(content: bytes) -> bytes:
    """Raises NotAKeyFile."""
    try:
        public = b64decode(_read(content, "hotline line key, public")["public"])
    except (ValueError, KeyError, TypeError):
        raise NotAKeyFile from None
    if len(public) != 32:
        raise NotAKeyFile
    return public


def pack(
    agency: str, body: Body, wrap: Wrap, files: Sequence[Body], line: bytes | None = None
) -> bytes:
    """A package as it is downloaded, signed by the seed ``line``. ``files`` are the pages of every
    file of its tip, for the server cannot know which ones the package names: those it names not
    stay noise, since each has a key of its own that stands in its card alone. The tip's id is not
    told."""
    fields: dict[str, Any] = {
        "agency": agency,
        "id": b64encode(body.id).decode(),
        "body": b64encode(body.sealed).decode(),
        "wrap": b64encode(wrap.sealed).decode(),
        "files": {file.id.hex(): b64encode(file.sealed).decode() for file in files},
    }
    if line is not None:
        fields["signature"] = sign_bytes(line, _SEALED + _signed(fields))
    return _file("hotline sealed package", **fields)


def check_line(content: bytes, line: bytes) -> tuple[str, bytes]:
    """That the line whose public half is ``line`` signed this very file: agency and package id.
    Raises NotAPackage, NotFromTheLine."""
    try:
        raw = _read(content, "hotline sealed package")
        names = ("agency", "id", "body", "wrap", "files")
        fields = {name: raw[name] for name in names}
        if raw.keys() != {"kind", "version", "signature", *names}:
            raise NotFromTheLine
        if not signed_bytes(line, _SEALED + _signed(fields), b64decode(raw["signature"])):
            raise NotFromTheLine
        return str(raw["agency"]), b64decode(raw["id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAPackage from None


def _signed(fields: dict[str, Any]) -> bytes:
    return digest(canonical(fields))


@dataclass(frozen=True, slots=True, repr=False)
class Unpacked:
    """``document`` is what ``envelope.package_document`` made; ``pages`` are JPEGs by file name."""

    document: dict[str, Any]
    pages: dict[str, bytes]


def unpack(content: bytes, agency: str, seed: bytes) -> Unpacked:
    """Opens a downloaded package. Everything in it is bound: to this agency, this package, its
    kind; so an altered or mixed file opens nothing. Raises NotAPackage, NotForThisKey."""
    try:
        raw = _read(content, "hotline sealed package")
        identity, sealed, wrapped = (b64decode(raw[name]) for name in ("id", "body", "wrap"))
        files = {bytes.fromhex(id): b64decode(blob) for id, blob in raw["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAPackage from None
    body = Body(identity, b"", int(Kind.PACKAGE), sealed)
    try:
        key = open_wrap(seed, Wrap(identity, agency_recipient(agency), HELD, wrapped), body)
        document = json.loads(open_body(key, body))
        cards = [Card.read(card) for card in document["files"]]
        pages = {name: page for card in cards for name, page in _pages(card, files)}
    except (Damaged, ValueError):
        raise NotForThisKey from None
    return Unpacked(document, pages)


def _pages(card: Card, files: dict[bytes, bytes]) -> list[tuple[str, bytes]]:
    """Nothing for a file that the line has removed since."""
    subject = pages_id(card.id)
    if subject not in files:
        return []
    payload = open_body(card.key, Body(subject, b"", int(Kind.ATTACHMENT), files[subject]))
    numbers = range(1, card.pages + 1)
    return [(f"{card.id.hex()}-{n}.jpg", page_of(payload, n)) for n in numbers]


def _id(agency: str) -> bytes:
    """What the key file is bound to in the place of a person."""
    return digest("agency-key/" + agency)[:ID_BYTES]


def _file(kind: str, **fields: Any) -> bytes:
    plain = {n: b64encode(v).decode() if isinstance(v, bytes) else v for n, v in fields.items()}
    return json.dumps({"kind": kind, "version": 1, **plain}, indent=1).encode() + b"\n"


def _read(content: bytes, kind: str) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(content)
    if raw["kind"] != kind or raw["version"] != 1:
        raise ValueError
    return raw
