"""Proof: that the audit records in a copy give the tree its head names, while they pass."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hotline.keeping.archive import Row
from hotline.triage.tree import Frontier, leaf_hash
from hotline.vault.copies import BadBackup


@dataclass(slots=True)
class TreeCheck:
    """Keeps log n hashes, not the records. ``size`` is how many had their place."""

    _tree: Frontier = field(default_factory=Frontier)
    _named: tuple[int, bytes] = (0, b"")
    _found: bytes = b""

    @property
    def size(self) -> int:
        return self._tree.size

    def expect(self, told: Any) -> None:
        """``{"size", "root"}`` as in a copy's head. Raises BadBackup."""
        try:
            self._named = int(told["size"]), base64.b64decode(told["root"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise BadBackup from None

    def watch(self, columns: list[str], rows: Iterator[Row]) -> Iterator[Row]:
        """The rows of the audit, which must come in their order and without a gap."""
        place, record = columns.index("position"), columns.index("record")
        for row in rows:
            if row[place] is not None:
                if row[place] != self._tree.size:
                    raise BadBackup
                self._tree.add(leaf_hash(row[record].encode()))
                if self._tree.size == self._named[0]:
                    self._found = self._tree.root()
            yield row

    def verify(self) -> None:
        """Raises BadBackup unless the named root was met."""
        if self._named[0] and self._found != self._named[1]:
            raise BadBackup
