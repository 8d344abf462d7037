"""Stripping: runs of digits, written or spoken: telephone, document, account, or none of these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import ModuleType

from hotline.intake.stripping.grammar import policy
from hotline.intake.stripping.lists import Lists
from hotline.intake.stripping.normalise import Token
from hotline.intake.stripping.spans import Finding
from hotline.tips import Language

_REGIONS = {
    Language.PT: ("BR",),
    Language.ES: (
        "MX",
        "AR",
        "CO",
        "CL",
        "PE",
        "VE",
        "EC",
        "GT",
        "BO",
        "PY",
        "UY",
        "CR",
        "SV",
        "US",
    ),
    Language.EN: ("US", "JM", "TT"),
    Language.FR: ("HT", "CA", "GP", "FR"),
    Language.HT: ("HT", "US", "CL"),
}
_DATE = re.compile(r"\(?(?:\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}|\d{4}[/.\-]\d{1,2}[/.\-]\d{1,2})\)?")
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3}){1,4}")
_MONEY_BEFORE = re.compile(r"(?:r\$|us\$|\$|€|u\$s|rd\$|s/\.?|gdes?) ?$")
_MONEY_AFTER = re.compile(
    r",\d{2}(?!\d)| ?(?:reais|real|pesos|soles|dolares|dollars?|bucks|gourdes?|goud|euros)\b"
    r"| ?(?:mil|kg|km|metros|macos)\b"
)
_CPF = re.compile(r"\d{3}\.\d{3}\.\d{3}[\-. ]\d{2}")
_CNPJ = re.compile(r"\d{2}\.?\d{3}\.?\d{3}/\d{4}-?\d{2}")
_CEP = re.compile(r"\d{5}-\d{3}|\d{2}\.\d{3}-\d{3}")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_DOTTED = re.compile(r"\d{1,2}\.\d{3}\.\d{3}-[\dkx]|\d{3}\.\d{5}\.\d{2}-\d|\d{4} \d{4} \d{4}")
_COURT = re.compile(r"\d{7}-\d{2}\.\d{4}\.\d\.\d{2}\.\d{4}")
_SERVICE = re.compile(r"0?[389]00\d{6,8}|4004\d{4}|1800\d{7}")  # lines of organisations


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


@lru_cache(maxsize=1)
def _checkers() -> tuple[ModuleType, ...]:
    from stdnum.ar import cuit
    from stdnum.br import cnpj, cpf
    from stdnum.cl import rut
    from stdnum.us import ssn

    return cpf, cnpj, rut, ssn, cuit


def warm() -> None:
    """Load number metadata for the regions served."""
    _checkers()
    for regions in _REGIONS.values():
        for region in regions:
            _valid("2133445566", region)


@lru_cache(maxsize=1)
def _phonenumbers() -> ModuleType:
    import phonenumbers

    return phonenumbers


def _valid(digits: str, region: str) -> bool:
    library = _phonenumbers()
    try:
        return bool(library.is_valid_number(library.parse(digits, region)))
    except library.NumberParseException:
        return False


def _phone_valid(raw: str, digits: str, languages: Iterable[Language]) -> bool:
    if raw.startswith("+"):
        return _valid("+" + digits, "ZZ")
    regions = dict.fromkeys(region for x in languages for region in _REGIONS[x])
    return any(_valid(digits, region) for region in regions) or (
        len(digits) >= 11 and _valid("+" + digits, "ZZ")
    )


def _shaped(raw: str) -> str:
    """The kind a written form gives away by itself; "none" is surely no identifier."""
    for pattern, kind in (
        (_CNPJ, "company"), (_CPF, "document"), (_SSN, "document"), (_DOTTED, "document"),
        (_COURT, "document"), (_DATE, "none"), (_CEP, "none"),
    ):  # fmt: skip
        if pattern.fullmatch(raw):
            return kind
    return ""


def classify(
    text: str, start: int, end: int, noun: str, languages: tuple[Language, ...]
) -> Iterator[Finding]:
    """What the digit run ``text[start:end]`` is; ``noun`` is the kind named before it."""
    while text[end - 1] in "-/. ":
        end -= 1
    raw = text[start:end]
    if raw.endswith(")") and "(" not in raw:
        end, raw = end - 1, raw[:-1]
    digits = _digits(raw)
    if digits in policy().short_numbers or len(digits) < 5:
        return
    kind, sure = _kind(text, start, end, noun, languages)
    if kind:
        yield Finding(start, end, kind, digits, sure)


def _kind(
    text: str, start: int, end: int, noun: str, languages: tuple[Language, ...]
) -> tuple[str, bool]:
    raw = text[start:end]
    digits = _digits(raw)
    shape = _shaped(raw)
    money = _MONEY_BEFORE.search(text[max(0, start - 5) : start]) or _MONEY_AFTER.match(text, end)
    if shape == "none" and noun != "phone":
        return "", False
    if noun in ("document", "account", "plate"):
        return noun, shape == noun
    if shape in ("document", "company"):
        return shape, _checked(raw)
    if money or _THOUSANDS.fullmatch(raw) or len(digits) < 7:
        return "", False
    return _by_length(raw, digits, noun, languages)


def _by_length(
    raw: str, digits: str, noun: str, languages: tuple[Language, ...]
) -> tuple[str, bool]:
    if len(digits) >= 15:
        return ("account", True) if len(digits) <= 22 else ("number", False)
    if _SERVICE.fullmatch(digits):
        return "number", True
    valid = _phone_valid(raw, digits, languages)
    if valid or noun == "phone":
        return "phone", valid
    if len(digits) == 11 and _checked(digits):
        return "document", True
    if len(digits) <= 13 and _grouped(raw):
        return "phone", False
    return ("number", False) if len(digits) >= 8 else ("", False)


def _grouped(raw: str) -> bool:
    """Written the way people write telephone numbers: groups of two to five digits."""
    groups = [len(group) for group in re.findall(r"\d+", raw)]
    return ("(" in raw or raw.startswith("+") or len(groups) > 1) and all(
        size <= 5 for size in groups
    )


def _checked(raw: str) -> bool:
    return any(module.is_valid(raw) for module in _checkers())


def spoken(words: list[Token], known: Lists) -> Iterator[Finding]:
    """Numbers told in words ("nove oito sete meia", "trente-six quarante-quatre"), at least
    seven digits of which two words or more are spelled."""
    table = known.numbers
    repeat = known.common["repeat"]
    links = known.common["digit_link"] | repeat
    i = 0
    while i < len(words):
        if words[i].word in table:
            j = _run_end(words, i, table, links)
            begin = _run_start(words, i)
            digits = _compose(words[begin:j], table, repeat)
            spelled = sum(token.word in table for token in words[begin:j])
            if len(digits) >= 7 and spelled >= 2:
                yield Finding(words[begin].start, words[j - 1].end, "phone", digits, False)
            i = j
        else:
            i += 1


def _run_start(words: list[Token], i: int) -> int:
    while i and words[i - 1].word.isdigit() and not words[i].hard:
        i -= 1
    return i


def _run_end(words: list[Token], i: int, table: dict[str, int], links: frozenset[str]) -> int:
    last = i + 1
    j = i + 1
    while j < len(words) and j - i < 40 and not words[j].hard:
        word = words[j].word
        if word in table or word.isdigit():
            last = j + 1
        elif word not in links:
            break
        j += 1
    return last


def _compose(words: list[Token], table: dict[str, int], twice: frozenset[str]) -> str:
    out: list[str] = []
    tens = 0
    repeat = 1
    for token in words:
        if token.word in twice:
            repeat = 2
            continue
        value = table.get(token.word)
        if value is None and not token.word.isdigit():
            continue
        if value is None:
            out.append(token.word)
            tens = 0
        elif tens and value < (20 if tens in (60, 80) else 10):
            out[-1] = str(tens + value)
            tens = 0
        elif value == 20 and out and out[-1] == "4" and token.word.startswith("vingt"):
            out[-1], tens = "80", 80
        else:
            out.append(str(value) * repeat)
            tens = value if value >= 20 and value % 10 == 0 else 0
        repeat = 1
    return "".join(out)
