"""Bench: gives every fault a line of its own, on the database and the disk that it needs."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hotline import demo
from tests.campaign.cluster import Cluster
from tests.campaign.judged import Verdict, judged
from tests.campaign.scene import Scene, Taker
from tests.fast_clock import set_going, shared
from tests.line import copy_home, copy_line, copy_people, settings_for

WHOLE = 0o755  # PostgreSQL has another user


@dataclass(slots=True)
class Bench:
    """``founded`` is a home with everybody of the demonstration, ``at`` its hour. What is made
    lies in ``folder`` and ends with ``stack``."""

    founded: Path
    at: float
    folder: Path
    stack: ExitStack
    taker: Taker
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def sqlite(self, disk: Path | None = None) -> Scene:
        """A line whose home lies on ``disk``."""
        home = (disk or self.folder) / "home"
        home.mkdir()
        return self._scene(home, f"sqlite:///{home / 'hotline.db'}")

    def postgresql(self, cluster: Cluster | None = None) -> Scene:
        """A line on a PostgreSQL of its own, or on the one given."""
        home = self.folder / "home"
        home.mkdir()
        return self._scene(home, (cluster or self.cluster()).create("line"))

    def on(self, database: str) -> Scene:
        return self.sqlite() if database == "sqlite" else self.postgresql()

    def cluster(self, folder: Path | None = None, *more: str) -> Cluster:
        cluster = Cluster(folder or self.folder / "server", more)
        cluster.make()
        cluster.start()
        self.stack.callback(cluster.stop)
        return cluster

    def disk(self, size: str) -> Path:
        """A disk of memory, of ``size`` as mount has it; it needs root."""
        place = self.folder / "disk"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        self.stack.callback(lambda: subprocess.run(["umount", "-l", place], check=True))
        return place

    def judge(self, scene: Scene) -> Verdict:
        self.verdicts.append(judged(scene))
        return self.verdicts[-1]

    def note(self, text: str) -> None:
        self.notes.append(text)

    def _scene(self, home: Path, url: str) -> Scene:
        out = self.folder / "out"
        out.mkdir()
        set_going(out / "clock", self.at)
        settings = settings_for(home, url)
        if settings.sqlite:
            copy_line(self.founded, home, url)
        else:
            copy_home(self.founded, home)
            copy_people(self.founded, settings)
        return Scene(settings, out, self.taker)


@contextmanager
def bench(founded: Path, at: float, taker: Taker) -> Iterator[Bench]:
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="campaign-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(made))
        folder.chmod(WHOLE)
        yield Bench(founded, at, folder, stack, taker)


def found(home: Path) -> float:
    """Founds the demonstration's line there, now; gives its hour."""
    home.mkdir()
    file, at = home.parent / "founding", time.time()
    set_going(file, at)
    settings = settings_for(home, f"sqlite:///{home / 'hotline.db'}")
    clock = shared(file)
    demo.seed_others(settings, clock, demo.seed_officers(settings, clock, demo.FEW_MONTHS))
    return at


Run = Callable[[Bench, int], None]
