"""Quick: reads TOML whose bulk is lists of words, which ``tomllib`` takes half a second over.

Lists of plain words between straight quotes are taken out first and put back afterwards; whatever
stands otherwise is left to ``tomllib``. Each list must come back exactly once, else ``tomllib``
reads it all: a list may stand in a comment or within a text.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

_WORD = r'"[^"\\\x00-\x1f\x7f]*"'
_LIST = re.compile(rf"\[[ \t]*{_WORD}(?:[ \t]*,[ \t]*{_WORD})*[ \t]*,?[ \t]*\]")
_STAND_IN = "\x1a"  # may not stand in TOML unescaped


def loads(text: str) -> dict[str, Any]:
    """What ``tomllib.loads`` gives. Raises TOMLDecodeError."""
    if "\\" in text:
        return tomllib.loads(text)  # it could hold a stand-in of its own
    lists: list[str] = []

    def out(found: re.Match[str]) -> str:
        lists.append(found[0])
        return f'"\\u001A{len(lists) - 1}"'

    try:
        left = tomllib.loads(_LIST.sub(out, text))
    except tomllib.TOMLDecodeError:  # its sentence names lines and columns of this text
        return tomllib.loads(text)
    back: set[int] = set()
    whole = _put_back(left, lists, back)
    assert isinstance(whole, dict)
    return whole if len(back) == len(lists) else tomllib.loads(text)


def _put_back(value: Any, lists: list[str], back: set[int]) -> Any:
    if isinstance(value, dict):
        return {key: _put_back(one, lists, back) for key, one in value.items()}
    if isinstance(value, list):
        return [_put_back(one, lists, back) for one in value]
    if isinstance(value, str) and value.startswith(_STAND_IN) and value[1:].isdecimal():
        at = int(value[1:])
        if at < len(lists) and at not in back:
            back.add(at)
            return lists[at].split('"')[1::2]
    return value
