"""Canonical: one way to write a document, so that equal documents have equal bytes (RFC 8785)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def canonical(document: Mapping[str, Any]) -> bytes:
    """For what stands in our documents: strings, small whole numbers, lists and objects. RFC 8785
    sorts names by UTF-16, which for the names we have is their order here."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # A lone half of a surrogate pair has no UTF-8, and a reporter may have sent one.
    return text.encode("utf-8", "replace")
