"""The labelled tips: reading them, and what counts as removed and kept (docs/labelling.md)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PARTS = ("development", "indirect", "test")
STRUCTURED = frozenset(("phone", "email", "handle", "document", "account", "plate", "link"))
_MARK = re.compile(r"\{\{([rka]):([a-z]+)\|(.+?)\}\}", re.DOTALL)


class Label(NamedTuple):
    """``start`` to ``end`` in code points of the text; ``role`` is r, k or a."""

    start: int
    end: int
    role: str
    kind: str


@dataclass(frozen=True)
class Tip:
    id: str
    language: str
    voice: str
    tricks: tuple[str, ...]
    text: str
    labels: tuple[Label, ...]


class Outcome(NamedTuple):
    """One tip after an engine: which code points it hid, and whether it holds the tip."""

    tip: Tip
    hidden: frozenset[int]
    held: bool

    def share(self, label: Label) -> float:
        """How much of a label is hidden, counted in letters and digits."""
        places = [i for i in range(label.start, label.end) if self.tip.text[i].isalnum()]
        return sum(i in self.hidden for i in places) / max(1, len(places))

    def removed(self, label: Label) -> bool:
        return self.share(label) >= 0.8

    def kept(self, label: Label) -> bool:
        return self.share(label) <= 0.2

    def of(self, role: str) -> Iterator[Label]:
        return (label for label in self.tip.labels if label.role == role)

    @property
    def leaks(self) -> bool:
        return not self.held and not all(self.removed(label) for label in self.of("r"))


def parse(row: dict[str, object]) -> Tip:
    """A tip from its marked line. Raises KeyError, TypeError or ValueError for a broken one."""
    marked, pieces, labels, done, length = str(row["marked"]), [], [], 0, 0
    for match in _MARK.finditer(marked):
        before = marked[done : match.start()]
        length += len(before)
        labels.append(Label(length, length + len(match[3]), match[1], match[2]))
        pieces += (before, match[3])
        length += len(match[3])
        done = match.end()
    text = "".join((*pieces, marked[done:]))
    if "{{" in text or "}}" in text:
        raise ValueError(f"{row['id']}: a broken mark")
    tricks = row["tricks"]
    assert isinstance(tricks, list)
    return Tip(
        str(row["id"]), str(row["language"]), str(row["voice"]), tuple(tricks), text, tuple(labels)
    )


def files(part: str) -> list[Path]:
    return sorted((HERE / part).glob("*.jsonl"))


def tips(part: str, hands: Iterable[str] = ()) -> list[Tip]:
    """The tips of ``part`` in order, of all hands or of those whose files are named."""
    wanted = set(hands)
    chosen = [path for path in files(part) if not wanted or path.stem in wanted]
    lines = [line for path in chosen for line in path.read_text("utf-8").splitlines() if line]
    return [parse(json.loads(line)) for line in lines]


def digest(part: str) -> str:
    """SHA-256 over the part's files in order of name: which tips a report speaks of."""
    total = hashlib.sha256()
    for path in files(part):
        total.update(path.read_bytes())
    return total.hexdigest()
