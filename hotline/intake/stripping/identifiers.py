"""Stripping: what looks like an identifier, by shape, check digit or the noun before it.

Emits findings on the matching text, none overlapping. Whose they are is decided elsewhere. A
failed check digit makes a finding unsure; it never clears one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace

from hotline.intake.stripping.grammar import policy
from hotline.intake.stripping.lists import Lists, lists
from hotline.intake.stripping.normalise import Matching, Token
from hotline.intake.stripping.numbers import classify, spoken
from hotline.intake.stripping.spans import Finding, TooMuch
from hotline.tips import Language

_DOMAIN = r"[a-z0-9\-]{1,63}(?:\.[a-z0-9\-]{1,63}){1,5}"
_AT = re.compile(r"@" + _DOMAIN)
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._%+-")
_DOT = r"(?:\.| \. | (?:ponto|punto|dot|point|pwen|pwent) )"
_SPELLED = re.compile(
    rf"(?<![a-z0-9])[a-z0-9_\-]{{1,40}}(?:{_DOT}[a-z0-9_\-]{{1,40}}){{0,4}}"
    r" ?(?:\(at\)|\[at\]|\(arroba\)|\barroba\b|\barobase?\b|\barobas\b|\barobaz\b|\bat\b|@) ?"
    rf"[a-z0-9\-]{{1,40}}(?:{_DOT}[a-z0-9\-]{{2,20}}){{1,3}}"
)
_SPELLED_HINT = re.compile(r"@|arroba|aroba|\(at\)|\[at\]| at ")
_GLUED = re.compile(r" @[a-z0-9]")
_PROVIDER = re.compile(r"@(?:gmail|hotmail|outlook|yahoo|icloud|proton|live|uol|bol)|[. ]com?\b")
_HANDLE = re.compile(r"(?<![a-z0-9._])@[a-z0-9_](?:[a-z0-9_.]{0,38}[a-z0-9_])?")
_COORDINATES = re.compile(
    r"(?<![\d.])-?\d{1,3}\.\d{3,8} ?°? ?[nsew]?[,; ] ?-?\d{1,3}\.\d{3,8}(?: ?°? ?[nsew]\b)?"
    r"|\bhttps?://(?:maps\.|goo\.gl/maps|www\.google\.[a-z.]{2,6}/maps)[^\s]{1,200}"
)
_PLATE = re.compile(
    r"(?<![a-z0-9])(?:[a-z]{3}-?\d[a-j0-9]\d{2}|[a-z]{2}\d{3}[a-z]{2}|[a-z]{3}-\d{2,3}-\d{1,2}"
    r"|[a-z]{3} \d[a-j]\d{2}|[A-Z]{3} \d{4}|[A-Z]{2} \d{3} [A-Z]{2})(?![a-z0-9])"
)
_PLATE_CASED = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{3} \d{4}|[A-Z]{2} \d{3} [A-Z]{2})(?![A-Za-z0-9])"
)
_RUN = re.compile(
    r"(?<![a-z0-9@_.])(?:\+ ?)?(?:0(?:xx|\*\*) ?)?\(?\d(?:[ .\-/()]{0,2}\d){4,200}"
    r"(?:-[k\dx])?(?![a-z0-9@])"
)
_CODE = re.compile(r"(?<![a-z0-9])[a-z]{0,4}[ .\-]?\d[a-z0-9.\-/]{1,200}")
_LETTERS = re.compile(
    r"(?<![a-z0-9])(?:[ve]-\d{1,2}\.?\d{3}\.?\d{3}|[a-z]{4}\d{6}[a-z0-9]{3,8}|[a-z]{1,2}\d{7,9})(?![a-z0-9])"
)
_DIGIT = re.compile(r"\d")
_LINK = re.compile(
    r"(?<![a-z0-9@.])(?:https?://)?(?:[a-z0-9\-]{1,40}\.){1,3}"
    r"(?:com|net|org|me|io|gg|to|br|mx|ar|cl|co|pe|ht|ca|fr|uy|py|ec|bo|ve|us|tt|jm)/[^\s,;]{2,120}"
)
_NICK = re.compile(
    r"[a-z0-9_]{1,30}(?:[._\-][a-z0-9_]{1,30}){1,4}|(?=[a-z_]{2,20}\d)[a-z_]+[a-z0-9_]{1,24}"
)
_UUID = re.compile(
    r"(?<![a-z0-9])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![a-z0-9])"
)


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


class Taken:
    """The stretches already claimed; the first claim wins."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.found: list[Finding] = []

    def free(self, start: int, end: int) -> bool:
        at = bisect_left(self.starts, start)
        before = at == 0 or self.found[at - 1].end <= start
        return before and (at == len(self.found) or self.found[at].start >= end)

    def add(self, finding: Finding) -> None:
        """Raises TooMuch beyond what any report holds."""
        if len(self.found) >= policy().most_findings:
            raise TooMuch
        if self.free(finding.start, finding.end):
            at = bisect_left(self.starts, finding.start)
            self.starts.insert(at, finding.start)
            self.found.insert(at, finding)


def find(matched: Matching, words: list[Token], languages: tuple[Language, ...]) -> list[Finding]:
    """All identifiers of the text in order of place."""
    taken, text, known = Taken(), matched.text, lists(languages)
    nouns = {i: known.kinds[t.word] for i, t in enumerate(words) if t.word in known.kinds}
    if "@" in text or _SPELLED_HINT.search(text):
        _mail(text, taken)
        _mail_told(words, known, taken)
    if "/" in text:
        _links(text, taken)
    _nicks(text, words, nouns, taken)
    if _DIGIT.search(text):
        _shapes(matched, taken)
        _after_nouns(text, words, nouns, known.common["mark"], taken)
        _plates(matched, taken)
        for match in _LETTERS.finditer(text):
            taken.add(Finding(match.start(), match.end(), "document", match[0]))
        for match in _RUN.finditer(text):
            noun = nearest(nouns, words, match.start())
            for finding in classify(text, match.start(), match.end(), noun, languages):
                taken.add(finding)
    for finding in spoken(words, known):
        taken.add(finding)
    return [_as_key(finding, words, nouns) for finding in taken.found]


def _as_key(finding: Finding, words: list[Token], nouns: dict[int, str]) -> Finding:
    """An address or number given as the key of an account ("chave pix: …") is an account."""
    if finding.kind not in ("email", "phone"):
        return finding
    kind = nearest(nouns, words, finding.start)
    return replace(finding, kind="account") if kind == "account" else finding


def _shapes(matched: Matching, taken: Taken) -> None:
    for match in _UUID.finditer(matched.text):
        taken.add(Finding(match.start(), match.end(), "account", _bare(match[0])))
    for match in _COORDINATES.finditer(matched.text):
        taken.add(Finding(match.start(), match.end(), "coordinates", _bare(match[0])))


def _links(text: str, taken: Taken) -> None:
    for match in _LINK.finditer(text):
        if "maps" not in match[0]:
            taken.add(Finding(match.start(), match.end(), "link", _bare(match[0])))


def _mail(text: str, taken: Taken) -> None:
    for match in _AT.finditer(text):
        start = match.start()
        while start and match.start() - start < 254 and text[start - 1] in _LOCAL:
            start -= 1
        if start < match.start():
            taken.add(Finding(start, match.end(), "email", text[start : match.end()]))
    if _SPELLED_HINT.search(text):
        for match in _SPELLED.finditer(text):
            if _GLUED.search(match[0]) and not _PROVIDER.search(match[0]):
                continue  # "insta @ana.b.c" is a profile
            if match[0].rsplit(".", 1)[-1].rsplit(" ", 1)[-1].isalpha():
                taken.add(Finding(match.start(), match.end(), "email", _bare(match[0])))
    for match in _HANDLE.finditer(text):
        taken.add(Finding(match.start(), match.end(), "handle", _bare(match[0])))


def _mail_told(words: list[Token], known: Lists, taken: Taken) -> None:
    """An address as people say it: "josielmar, tudo junto, arroba, rede norte, ponto com"."""
    common = known.common
    stops = common["copula"] | common["mail_stop"]
    for at, token in enumerate(words):
        if token.word not in common["at_sign"]:
            continue
        end = dot = 0
        for i in range(at + 1, min(at + 9, len(words))):
            if words[i].hard:
                break
            if dot and i == dot + 1:
                end = i + 1
            if words[i].word in common["dot_sign"]:
                dot = i
        start = at
        while start and at - start < 9 and not words[start].hard:
            before = words[start - 1].word
            if before in stops or before in known.kinds:
                break
            start -= 1
        if end and start < at:
            value = _bare("".join(t.word for t in words[start:end]))
            taken.add(Finding(words[start].start, words[end - 1].end, "email", value))


def _nicks(text: str, words: list[Token], nouns: dict[int, str], taken: Taken) -> None:
    """A name of an account after the word for it, without an @: "insta moonmilk.wav"."""
    for i, kind in nouns.items():
        if kind != "handle":
            continue
        for j in range(i + 1, min(i + 5, len(words))):
            if words[j].hard:
                break
            match = _NICK.match(text, words[j].start)
            if match and not match[0].replace(".", "").replace("-", "").isdigit():
                taken.add(Finding(match.start(), match.end(), "handle", _bare(match[0])))
                break


def nearest(nouns: dict[int, str], words: list[Token], position: int, reach: int = 5) -> str:
    """The kind named by the last such word at most ``reach`` words before ``position``."""
    at = bisect_left(words, position, key=lambda token: token.start) - 1
    for i in range(at, max(-1, at - reach), -1):
        if i in nouns:
            return nouns[i]
        if i < len(words) and words[i].hard and i != at + 1:
            break
    return ""


def _after_nouns(
    text: str,
    words: list[Token],
    nouns: dict[int, str],
    generic: frozenset[str],
    taken: Taken,
) -> None:
    """Numbers and codes directly after a noun that names them, whatever their shape."""
    for i, kind in nouns.items():
        if kind not in ("document", "plate", "account", "handle"):
            continue
        for j in range(i + 1, min(i + 5, len(words))):
            if words[j].hard and j > i + 1:
                break
            if j in nouns and nouns[j] != kind and words[j].word not in generic:
                break
            match = _CODE.match(text, words[j].start)
            if words[j].word.isalpha() and not words[j].upper:
                continue
            if match is None or not _coded(match[0], kind):
                continue
            end = match.start() + len(match[0].rstrip(".-/"))
            end = _plate_end(text, end) if kind == "plate" else _more_digits(text, end)
            taken.add(Finding(match.start(), end, kind, _bare(text[match.start() : end])))
            break


def _coded(code: str, kind: str) -> bool:
    digits = sum(c.isdigit() for c in code)
    if kind == "handle":
        return False
    least = {"plate": 2, "document": 3}.get(kind, 4)
    return digits >= least and not re.fullmatch(r"\d{1,2}/\d{1,2}/\d{2,4}", code)


_MORE = re.compile(r"(?:[ .\-/]\d{1,6}){1,6}(?![a-z0-9])")
_PLATE_MORE = re.compile(r"[ \-][a-z0-9]{1,4}(?![a-z0-9])")


def _more_digits(text: str, end: int) -> int:
    match = _MORE.match(text, end)
    return match.end() if match else end


def _plate_end(text: str, end: int) -> int:
    for _ in range(2):
        match = _PLATE_MORE.match(text, end)
        if match is None or (match[0][1:].isalpha() and len(match[0]) not in (3, 4)):
            return end
        end = match.end()
    return end


def _plates(matched: Matching, taken: Taken) -> None:
    for pattern, text in ((_PLATE, matched.text), (_PLATE_CASED, matched.cased)):
        for match in pattern.finditer(text):
            taken.add(Finding(match.start(), match.end(), "plate", _bare(match[0]).lower()))
