"""Pages of the documentation as tests read them: what they name, link to and tell to type."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))


@lru_cache
def functions_in(path: str) -> frozenset[str]:
    """The names of the test functions of a file, which is named from the top."""
    body = ast.parse((ROOT / path).read_text()).body
    names = (node.name for node in body if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in names if name.startswith("test_"))


def ticked(text: str) -> list[str]:
    """What stands in `ticks`."""
    return re.findall(r"`([^`]+)`", text)


def headings(page: Path) -> set[str]:
    """The anchors of a page, as code hosts make them: small letters, no marks, hyphens."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    found = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def dead_links(page: Path) -> list[str]:
    """Links of a page to a file or a heading that is not there."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in headings(there)):
            dead.append(link)
    return dead
