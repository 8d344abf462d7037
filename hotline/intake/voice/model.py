"""Voice: a model's directory, held against the checksums that lie in it.

The list protects against a copy that is broken, incomplete or silently replaced by another
version; not against somebody who may write both the files and the list. So the directory belongs
to another user than the line's, and ``hotline doctor`` shows the list's own fingerprint.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hotline.intake.voice.engine import NotHeard

SUMS = "SHA256SUMS"
# Without the tokenizer the library would ask a hub for one.
NEEDED = ("config.json", "model.bin", "tokenizer.json")
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:\./)?([^/\0]+)")


@dataclass(frozen=True, slots=True)
class Checked:
    """A model whose files are what their list says. ``fingerprint`` is the list's own SHA-256."""

    name: str
    files: int
    size: int
    fingerprint: str


def listed(folder: Path) -> dict[str, str]:
    """File name → checksum, as ``sha256sum *`` writes them. A model is a directory of ours and
    never the name of one elsewhere. Raises NotHeard."""
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeError):
        raise NotHeard("model_missing") from None
    sums: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in lines)):
        if not (found := _LINE.fullmatch(line)):
            raise NotHeard("model_altered")
        if found[2] != SUMS:
            sums[found[2]] = found[1]
    if not set(NEEDED) <= set(sums):
        raise NotHeard("model_incomplete")
    return sums


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file of the list, once its bytes are what the list says: what is used is what was
    checked. A file that is not in the list is never read. Raises NotHeard."""
    for name, wanted in listed(folder).items():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            raise NotHeard("model_incomplete") from None
        if hashlib.sha256(content).hexdigest() != wanted:
            raise NotHeard("model_altered")
        yield name, content


def check(folder: Path) -> Checked:
    """Reads everything. Raises NotHeard."""
    sizes = [len(content) for _, content in files(folder)]
    print_ = hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()
    return Checked(folder.name, len(sizes), sum(sizes), print_)


def size(folder: Path) -> int:
    """Bytes that the files of the list take. Raises NotHeard."""
    try:
        return sum((folder / name).stat().st_size for name in listed(folder))
    except OSError:
        raise NotHeard("model_incomplete") from None
