"""How `scripts/scan` runs a scanner: its own environment, its time, its findings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scan_ground import ROOT, Line, NotRun

SEVERITIES = ("low", "medium", "high", "critical")
PINS = {
    "bandit": "bandit==1.9.4",
    "pip-audit": "pip-audit==2.10.1",
    "sqlmap": "sqlmap==1.10.10",
    "wapiti": "wapiti3==3.2.3",
    "sslyze": "sslyze==6.3.1",
}
LONGEST = 1800.0  # seconds one command may take


@dataclass(frozen=True, slots=True)
class Finding:
    severity: str
    what: str
    where: str


@dataclass(slots=True)
class Ran:
    """``command`` as it was typed, paths and ports named; ``note`` what counts besides findings."""

    command: list[str]
    findings: list[Finding] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a tool gets: the line, the authority of the front (or why there is none), its own
    folder and the folder with the tools."""

    line: Line
    trusted: Path | NotRun
    place: Path
    tools: Path

    def authority(self) -> str:
        if isinstance(self.trusted, NotRun):
            raise self.trusted
        return str(self.trusted)

    def run(
        self, command: Sequence[str | Path], cwd: Path = ROOT, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Raises NotRun after LONGEST seconds: half a scan is none."""
        words = ["nice", "-n", "10", *map(str, command)]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")}
        try:
            return subprocess.run(
                words,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                cwd=cwd,
                timeout=LONGEST,
                stdin=subprocess.DEVNULL,
                env=kept | {"PYTHONPATH": str(ROOT)} | environ,
            )
        except subprocess.TimeoutExpired:
            raise NotRun(f"not finished after {LONGEST:.0f} seconds") from None

    def tool(self, name: str) -> Path:
        """The program, in a virtual environment of its own below ``tools``."""
        home = self.tools / PINS[name].replace("==", "-")
        program = home / "bin" / name
        if not program.exists():
            self.run([sys.executable, "-m", "venv", home])
            done = self.run([home / "bin" / "pip", "install", "-q", PINS[name]])
            if not program.exists():
                raise NotRun(f"{PINS[name]} could not be installed: {last(done)}")
        return program


def last(done: subprocess.CompletedProcess[str]) -> str:
    """The last line a program said, without paths."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return re.sub(r"(/[\w.@-]+){2,}", "PATH", lines[-1])[:200] if lines else "no word"


def by_severity(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(finding.severity for finding in findings)
    return {severity: counted[severity] for severity in SEVERITIES}
