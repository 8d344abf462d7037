"""SVG: elements as text, everything escaped, nothing a strict policy would block."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from hotline.analysis.formats.words import plain

# Okabe and Ito's colours that stand out from white and from a dark page alike (3:1), told apart
# with any sight; each line has its own dashes and mark as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#A8639A", "#7A7A7A", "currentColor")
DASHES = (None, "7 3", "2 3", "10 3 2 3", "1 4", "14 4")
MAIN = COLOURS[0]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and its twin, a table of the same figures for whoever does not see it: ``head``
    and ``rows`` are texts to be escaped, ``svg`` is markup."""

    svg: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def el(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element. Children are text unless they are Markup; ``class_`` is class, ``font_size``
    font-size; None leaves an attribute out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_shown(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(
        child if isinstance(child, Markup) else escape(plain(child)) for child in children
    )
    return Markup(f"<{name}{told}>{inner}</{name}>")  # noqa: S704 # nosec B704 - all escaped above


def _shown(value: str | float) -> str:
    return plain(value) if isinstance(value, str) else f"{round(value, 1):g}"


def text(words: str, x: float, y: float, **attributes: str | float | None) -> Markup:
    return el("text", words, x=x, y=y, **attributes)


def path(points: Iterable[tuple[float, float]], closed: bool = False) -> str:
    """The way through the points, as ``d`` has it."""
    way = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"M{way}{'Z' if closed else ''}" if way else ""


def mark(kind: int, x: float, y: float, colour: str) -> Markup:
    """A sign on a line: six kinds that differ in shape."""
    r = 3.5
    match kind % 6:
        case 0:
            return el("circle", cx=x, cy=y, r=r, fill=colour)
        case 1:
            corners = [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)]
        case 2:
            corners = [(x, y - r - 1), (x + r + 1, y + r), (x - r - 1, y + r)]
        case 3:
            corners = [(x, y - r - 1), (x + r + 1, y), (x, y + r + 1), (x - r - 1, y)]
        case 4:
            corners = [(x - r - 1, y - r), (x + r + 1, y - r), (x, y + r + 1)]
        case _:
            return el("circle", cx=x, cy=y, r=r, fill="none", stroke=colour, stroke_width=2)
    return el("path", d=path(corners, closed=True), fill=colour)


def drawing(kind: str, title: str, told: str, size: tuple[float, float], *body: Markup) -> Markup:
    """The whole picture, as wide as its place; ``told`` says in a sentence what it shows."""
    width, height = size
    key = "c" + hashlib.sha256(plain(f"{kind}\n{title}\n{told}").encode()).hexdigest()[:10]
    return el(
        "svg",
        el("title", title, id=f"{key}-title"),
        el("desc", told, id=f"{key}-desc"),
        el("g", *body, fill="currentColor", font_family="system-ui, sans-serif", font_size=13),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        class_=f"chart chart-{kind}",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that span both, at most ``most`` steps."""
    span = (high - low) or 1.0
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next(size * by for by in (1, 2, 5, 10, 20) if size * by * most >= span)
    if high - low >= 1:
        step = max(step, 1.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [at * step for at in range(first, max(last, first + 1) + 1)]


def number(value: float) -> str:
    """As nobody misreads it in any language: thousands by a narrow space, a decimal only where the
    number is small and not whole."""
    if not math.isfinite(value):
        return ""
    if abs(value) < 10 and not float(value).is_integer():
        return f"{round(value, 1) + 0.0:.1f}"
    return f"{round(value) + 0:,}".replace(",", "\u202f")


def short(words: str, most: int) -> str:
    words = " ".join(plain(words).split())
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
