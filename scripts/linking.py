"""How well and how fast similar tips are found: ``benchmark.py --part linking``."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import numpy as np

from hotline.intake.stripping import strip
from hotline.routing.classify import Types
from hotline.tips import Language
from hotline.triage.features import of_text
from hotline.triage.likeness import ROW, Rows, Told, alike, open_rows, pack
from hotline.vault.sketches import open_sketches, seal_sketch
from tests.linking.labelled import Labelled, tips

_QUEUE = 20_000
_DRAWS = 2000


def sketched(part: str) -> tuple[list[Labelled], list[Told], Rows]:
    """The tips of a part as a desk would hold them: stripped, typed, each with its sketch."""
    types, labelled, told = Types.load(), tips(part), []
    for tip in labelled:
        language = Language(tip.language)
        text = strip(tip.text, language).text
        group = types.get(types.classify(text, language).acts[0].code).group
        told.append(Told(of_text(text, language, types), tip.day, tip.place, group))
    return labelled, told, np.concatenate([pack(one) for one in told])


def suggested(part: str, *, placed: bool = True) -> dict[str, np.ndarray]:
    """By family ``(right, suggested, to be found)``: each tip is asked for those like it among all
    others of the part, as at a desk; what is shown at most is what the page shows."""
    labelled, _, rows = sketched(part)
    if not placed:
        rows["place"] = b""
    counts: dict[str, np.ndarray] = {}
    for at, tip in enumerate(labelled):
        found = [labelled[one.row].event for one in alike(rows, at)]
        wanted = sum(other.event == tip.event for other in labelled) - 1
        right = sum(event == tip.event for event in found)
        counts.setdefault(tip.family, np.zeros(3, int))
        counts[tip.family] += (right, len(found), wanted)
    return counts


def quality(counts: dict[str, np.ndarray]) -> dict[str, object]:
    """Precision and recall with 95 % intervals: families drawn anew with replacement, because the
    tips of one family are not independent of each other."""
    table = np.array(list(counts.values()))
    draws = np.random.default_rng(7).integers(0, len(table), (_DRAWS, len(table)))
    sums = table[draws].sum(axis=1)
    right, said, wanted = table.sum(axis=0)
    figures: dict[str, object] = {"suggested": int(said), "to be found": int(wanted)}
    for name, of, drawn in (("precision", said, sums[:, 1]), ("recall", wanted, sums[:, 2])):
        low, high = np.quantile(sums[:, 0] / np.maximum(drawn, 1), (0.025, 0.975))
        figures[name] = round(float(right / of), 3)
        figures[f"{name} 95 %"] = f"{low:.3f} to {high:.3f}"
    return figures


def speed() -> dict[str, object]:
    """A queue of 20,000 sketches, sealed: unsealed and compared, as one page of a tip does."""
    _, _, rows = sketched("dev")
    many = np.resize(rows, _QUEUE).copy()
    scatter = np.random.default_rng(7)
    many["words"][:, 8:] = scatter.integers(1, 2**32, many["words"][:, 8:].shape, np.uint32)
    types = Types.load()
    key, ids = secrets.token_bytes(32), [secrets.token_bytes(16) for _ in range(_QUEUE)]
    size, raw = ROW.itemsize, many.tobytes()
    sealed = [
        (tip, seal_sketch(key, tip, raw[at * size : (at + 1) * size])) for at, tip in enumerate(ids)
    ]
    opening = best(lambda: open_rows(open_sketches([key], sealed)))
    comparing = best(lambda: alike(many, 0))
    writing = best(lambda: of_text(tips("dev")[0].text, Language.PT, types))
    return {
        "sketches": _QUEUE,
        "bytes each": len(sealed[0][1]),
        "unsealed": f"{opening * 1e3:.0f} ms",
        "compared": f"{comparing * 1e3:.0f} ms",
        "a sketch made": f"{writing * 1e3:.2f} ms",
    }


def best(what: object, times: int = 5) -> float:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        what()  # type: ignore[operator]
        took.append(time.perf_counter() - begun)
    return min(took)


def report(parts: Sequence[str] = ("dev", "more", "test")) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for part in parts:
        counts = suggested(part)
        found[f"similar tips, {part} part"] = quality(counts)
        for kind, name in (("s", "sent again"), ("dt", "told by others")):
            some = {family: c for family, c in counts.items() if family[0] in kind}
            found[f"of these, {name}"] = quality(some) if part == "test" else {}
    found = {name: figures for name, figures in found.items() if figures}
    found["the same, places not known"] = quality(suggested("test", placed=False))
    found["a page beside a full queue"] = speed()
    return found
