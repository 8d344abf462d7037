#!/usr/bin/env python3
"""Prints, as JSON, the texts whose segments scripts/segment_vectors.mjs has the provider count:
lengths around every limit, every letter of GSM-7, every letter of our own messages, and the
messages themselves."""

import json
from collections.abc import Iterator

from hotline.intake.details import text_of
from hotline.intake.prompts import TEXT, WHERE_BY_NAME
from hotline.routing.asking import table
from hotline.tips import Language

# 3GPP TS 23.038: the basic alphabet without its escape, then what stands behind the escape.
GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = "\f^{}\\[~]|€"
OTHER = "ãõâêôçáíóúìÁÃ’“”–—…\u00a0\u200b\tñ°ºªœŒ😀👍🏽🇧🇷漢ж"


def messages() -> list[str]:
    """Every text message of the line, in five languages, with the longest values."""
    values = {"receipt": "1234 5678 9012 3456 7890", "number": "0300-253-1177"}
    said = [
        sentence.say(language, **values)
        for sentence in (*TEXT.values(), WHERE_BY_NAME)
        for language in Language
    ]
    return said + [
        text_of(detail, language) for detail in table().values() for language in Language
    ]


def lengths() -> Iterator[str]:
    """Around each limit: plain, with two-place letters before and across it, and in UCS-2."""
    for n in (0, 1, 159, 160, 161, 305, 306, 307, 458, 459, 460, 1530, 1531):
        yield "a" * n
        yield "é" * n
    for n in (79, 80, 81, 152, 153, 154, 229, 230):
        yield "€" * n
    for n in (150, 151, 152, 153, 157, 158, 159, 160):
        for after in (0, 1, 2, 150, 151, 152, 153):
            yield "a" * n + "€" + "a" * after
    for n in (1, 69, 70, 71, 133, 134, 135, 200, 201, 202, 1600):
        yield "ã" * n
        yield "a" * (n - 1) + "ç"
    for n in (1, 34, 35, 36, 66, 67, 68, 100, 101):
        yield "😀" * n
        yield "a" + "😀" * n
    for n in (65, 66, 67, 68, 69):
        for after in (0, 1, 66, 67, 68):
            yield "ã" * n + "😀" + "ã" * after


def main() -> None:
    ours = messages()
    letters = sorted({*GSM, *ESCAPED, *OTHER, *"".join(ours)})
    print(json.dumps(list(dict.fromkeys([*lengths(), *letters, *ours]))))


if __name__ == "__main__":
    main()
