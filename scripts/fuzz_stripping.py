#!/usr/bin/env python3
"""Search for texts that break a promise of stripping, led by the code they reach.

    .venv/bin/python scripts/fuzz_stripping.py --minutes 30

The search is libFuzzer's, through atheris (`pip install ".[fuzz]"`; wheels for Linux). A text
counts as new when it reaches a branch of hotline/intake/stripping that none did, or has something
hidden for a reason that none had. Texts are changed by whole pieces: phrases of the grammars, spans
and sentences of the labelled tips, our own tokens, odd characters. Each is held against the
promises of tests/stripping/seeds/promises.py. The few that together reach what no labelled tip
does are kept in tests/stripping/seeds/texts.jsonl, which the unit tests read again.

Exits 1 when a promise is broken; the smallest text that does so is printed as a Python literal.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from random import Random
from zlib import crc32

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent.parent))

ROOM = "hotline.intake.stripping"
LONGEST = 1_000  # bytes of a text in the search
RUNS = " -.,:_'(=0a"  # what regular expressions repeat
SECONDS = 0.2  # for a flood, as in tests/unit/test_stripping_robust.py
HOPELESS = 3.0
MOST_TEXTS, MOST_BYTES = 300, 300_000


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


# The search itself: a process of its own, whose imports atheris instruments.


class Search:
    """What libFuzzer calls: one text at a time, and changed texts from old ones."""

    def __init__(self, ground: Path) -> None:
        import atheris

        with atheris.instrument_imports(include=[ROOM]):
            from hotline.intake.stripping import warm
        from tests.stripping.seeds import pieces, promises

        warm()
        self._promises, self._ground = promises, ground
        self._atheris, self._marks = atheris, {}
        self._broken: dict[str, int] = {}
        self._slowest = 0.0
        self._tips = [tip.text for tip in pieces.development()]
        self._sources = (
            pieces.phrases(), pieces.phrases(), pieces.labelled_spans(),
            pieces.sentences(), pieces.tokens(), pieces.ODD,
        )  # fmt: skip

    def reach(self, data: bytes) -> None:
        """Strip a text and tell the fuzzer what came of it: for each thing that can come of a
        text stands a function of its own, whose call counts as a branch."""
        text = decoded(data)
        begun = time.process_time()
        try:
            stripped = self._promises.in_time(text)
        except self._promises.Broken:
            return  # found by ``check``
        self._time(text, time.process_time() - begun)
        told = [(s.kind, s.reason) for s in (*stripped.removed, *stripped.doubtful)]
        for outcome in {*told, *(("", reason) for reason in stripped.reasons)}:
            mark = (stripped.language, *outcome)
            if mark not in self._marks:
                self._marks[mark] = self._atheris.instrument_func(eval("lambda: None"))  # nosec B307 - a constant
            self._marks[mark]()

    def _time(self, text: str, took: float) -> None:
        if len(text) >= 50 and took / len(text) > self._slowest:
            self._slowest = took / len(text)
            (self._ground / "slowest").write_bytes(encoded(text))

    def check(self, data: bytes) -> None:
        """A text against what can fail of any, and against one more of the promises in turn."""
        self.reach(data)
        text, turn = decoded(data), crc32(data)
        language = self._promises.ASKED[turn % len(self._promises.ASKED)]
        first, second, *others = self._promises.PROMISES
        for promise in (first, second, others[turn // 7 % len(others)]):
            try:
                promise(text, language)
            except self._promises.Broken as broken:
                self._note(text, promise.__name__, language and language.value, broken.about)
                return

    def _note(self, text: str, promise: str, language: str | None, about: str) -> None:
        """Keep the shortest text for each way in which a promise is broken."""
        name = f"{promise}-{crc32(about.encode()):08x}"
        if len(text) < self._broken.get(name, sys.maxsize):
            self._broken[name] = len(text)
            row = {"promise": promise, "language": language, "about": about, "text": text}
            (self._ground / "broken" / name).write_text(json.dumps(row), "ascii")

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.1:
            return bytes(self._atheris.Mutate(data, most))
        text = decoded(data)
        for _ in range(random.choice((1, 1, 2, 4))):
            text = self._changed(text, random)
        return encoded(text)[:most]

    def _changed(self, text: str, random: Random) -> str:
        start = random.randint(0, len(text))
        end = min(len(text), start + int(random.paretovariate(0.5)))
        old, piece = text[start:end], random.choice(random.choice(self._sources))
        gap = random.choice((" ", " ", "", ", ", "\n"))
        other = random.choice(self._tips)
        new = random.choice(
            (
                piece, f"{gap}{piece}{gap}", f"{gap}{piece}{gap}{old}", "", old * 2,
                old * random.randint(2, 20), old.swapcase(), old.upper(), old[::-1],
                gap + random.choice((*RUNS, old[:1])) * random.randint(2, 500) + gap,
            )
        )  # fmt: skip
        if random.random() < 0.1:
            return text[:start] + gap + other[random.randint(0, len(other)) :]
        return text[:start] + new + text[end:]


def search(ground: Path, task: str, flags: list[str]) -> None:
    """The process that libFuzzer runs in. Never returns."""
    import atheris

    found = Search(ground)
    one = found.check if task == "check" else found.reach
    atheris.Setup([str(ground / task), *flags], one, custom_mutator=found.mutate)
    atheris.Fuzz()


# The process around it.


def launch(ground: Path, task: str, flags: Iterable[str]) -> str:
    """Run ``search`` and return libFuzzer's log. It starts itself again by its own name when it
    merges, so that name must be a program."""
    starter = ground / task
    words = [sys.executable, str(HERE), "--search", str(ground), task]
    starter.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', "utf-8")
    starter.chmod(0o700)
    done = subprocess.run(
        [starter, *flags], cwd=ground, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    log = done.stdout.decode("utf-8", "replace")
    if done.returncode and not stopped(ground):
        sys.exit(f"{log[-4000:]}\nThe search itself failed (exit {done.returncode}).")
    return log


def lay(folder: Path, texts: Iterable[str]) -> None:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number:05}").write_bytes(encoded(text))


def read(folder: Path) -> list[str]:
    return [decoded(path.read_bytes()) for path in sorted(folder.iterdir())]


def smallest(text: str, fails: Callable[[str], bool]) -> str:
    """``text`` without everything it does not need to go on failing."""
    before = ""
    while before != text:
        before, size = text, len(text) // 2 or 1
        while size:
            at = 0
            while at < len(text):
                shorter = text[:at] + text[at + size :]
                if fails(shorter):
                    text = shorter
                else:
                    at += size
            size //= 2
    return text


def broken(ground: Path) -> list[str]:
    """Each broken promise in words, with the smallest text that breaks it in the same way."""
    from hotline.tips import Language
    from tests.stripping.seeds import promises

    found = []
    by_name = {promise.__name__: promise for promise in promises.PROMISES}
    for path in sorted((ground / "broken").iterdir()):
        row = json.loads(path.read_text("ascii"))
        language = row["language"] and Language(row["language"])

        def failure(text: str, row: dict[str, str] = row, asked: object = language) -> str:
            try:
                by_name[row["promise"]](text, asked)
            except promises.Broken as failed:
                return str(failed) if failed.about == row["about"] else ""
            return ""

        text = smallest(row["text"], lambda text, how=failure: bool(how(text)))
        found.append(f"{row['promise']}, asked {language}: {failure(text)}\n    {text!r}")
    return found


def stopped(ground: Path) -> list[str]:
    """The text at which the search itself came to an end, if it did (a crash below Python)."""
    left = (path for path in ground.iterdir() if re.search(r"-[0-9a-f]{40}$", path.name))
    return [f"{path.name[:-41]}\n    {decoded(path.read_bytes())!r}" for path in left]


def flooded(text: str, share: float, rounds: int) -> float:
    """The processor time for a text repeated to the greatest length that is read, or a share of
    it; the best of some rounds."""
    from tests.stripping.seeds import pieces, promises

    flood = pieces.longest_read(text)
    flood = flood[: round(share * len(flood))]
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        try:
            promises.in_time(flood, seconds=HOPELESS)
        except promises.Broken:
            return float("inf")
        best = min(best, time.process_time() - begun)
    return best


def slowest(texts: list[str]) -> tuple[float, str]:
    """The text that takes longest when repeated to a flood, and how long."""
    short = sorted(texts, key=partial(flooded, share=0.3, rounds=1), reverse=True)[:3]
    return max((flooded(text, 1, rounds=3), text) for text in short)


def keep(ground: Path) -> list[str]:
    """Choose the texts that together reach what the labelled tips do not, and save them."""
    from tests.stripping.seeds import pieces

    before = set(read(ground / "tips"))
    flags = ["-set_cover_merge=1", "-use_counters=0", "-rss_limit_mb=0", "tips", "seeds", "found"]
    launch(ground, "reach", flags)
    kept, size = [], 0
    for text in sorted(set(read(ground / "tips")) - before, key=lambda text: (len(text), text)):
        size += len(json.dumps(text)) + 1
        if size <= MOST_BYTES and len(kept) < MOST_TEXTS:
            kept.append(text)
    pieces.SEEDS.write_text("".join(json.dumps(text) + "\n" for text in kept), "ascii")
    return kept


def fuzz(ground: Path, minutes: float) -> int:
    from hotline.intake.stripping import warm
    from tests.stripping.seeds import pieces

    warm()
    lay(ground / "tips", (tip.text for tip in pieces.development()))
    lay(ground / "seeds", pieces.seeds())
    lay(ground / "found", ())
    lay(ground / "broken", ())
    limits = [f"-max_total_time={round(60 * minutes)}", f"-max_len={LONGEST}", "-timeout=60"]
    flags = [*limits, "-rss_limit_mb=0", "-print_final_stats=1", "found", "tips", "seeds"]
    log = launch(ground, "check", flags)
    reached = [int(number) for number in re.findall(r"cov: (\d+)", log)]
    runs = re.search(r"number_of_executed_units: (\d+)", log)
    first = re.search(r"INITED cov: (\d+)", log)
    kept = keep(ground)
    took, text = slowest([*kept, decoded((ground / "slowest").read_bytes())])
    print(
        f"{runs and runs[1]} executions, {first and first[1]} branches at first, {reached[-1]} now"
    )
    print(f"{len(kept)} texts kept in {pieces.SEEDS.relative_to(HERE.parent.parent)}")
    print(f"slowest when repeated to the greatest length read: {took:.3f} s\n    {text!r}")
    found = broken(ground) + stopped(ground)
    if took > SECONDS:
        found.append(f"in time: {took:.3f} s, see above")
    print("\n".join(("", f"{len(found)} broken:", *found)) if found else "no promise broken")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--search", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.search:
        ground, task, *flags = options.search
        search(Path(ground), task, flags)
    with tempfile.TemporaryDirectory(prefix="fuzz-stripping.") as ground:
        return fuzz(Path(ground), options.minutes)


if __name__ == "__main__":
    sys.exit(main())
