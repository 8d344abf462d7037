"""Prove: audit and ledger on the command line: nothing was lost or altered."""

from __future__ import annotations

from pathlib import Path

import click

from hotline import settings as settings_module
from hotline.assembly import assemble_staff
from hotline.cli import show


@click.group()
def audit() -> None:
    """The tamper-evident log of every access."""


@audit.command()
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, path_type=Path),
    help="A checkpoint kept elsewhere; the log must extend it.",
)
def verify(as_json: bool, checkpoint: Path | None) -> None:
    """Recomputes the whole tree and compares it with the signed checkpoint."""
    from hotline.triage.audit import sequence_and_sign
    from hotline.triage.audit import verify as verify_log

    line = assemble_staff(settings_module.load())
    try:
        sequence_and_sign(line)
        report = verify_log(line, checkpoint.read_text() if checkpoint else None)
    finally:
        line.close()
    show(
        {
            "sound": report.sound,
            "size": report.size,
            "root": report.root.hex(),
            "problems": list(report.problems),
        },
        as_json=as_json,
        text=f"{'sound' if report.sound else 'ALTERED'}: {report.size} records, "
        f"root {report.root.hex()}" + "".join(f"\n  {problem}" for problem in report.problems),
    )
    if not report.sound:
        raise SystemExit(1)


@click.group()
def ledger() -> None:
    """The balance of all tips."""


@ledger.command()
@click.option("--json", "as_json", is_flag=True)
def check(as_json: bool) -> None:
    """received = waiting + forwarded + closed + shredded, or an alarm and exit 1."""
    from hotline.triage.audit import ledger as balance

    line = assemble_staff(settings_module.load())
    try:
        counts = balance(line)
    finally:
        line.close()
    rest = counts["waiting"] + counts["forwarded"] + counts["closed"] + counts["shredded"]
    sound = counts["received"] == rest
    show(
        counts,
        as_json=as_json,
        text="\n".join(f"{name:<10} {count}" for name, count in counts.items())
        + ("\nbalanced" if sound else "\nNOT BALANCED"),
    )
    if not sound:
        raise SystemExit(1)
