"""Prove: audit and ledger on the command line: nothing was lost or altered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.cli import show
from hotline.errors import BadInput

if TYPE_CHECKING:
    from hotline.vault.signing import NoteKey

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
LARGEST = 1_000_000  # characters of a file somebody hands us
LARGEST_EXPORT = 20_000_000


@click.group()
def audit() -> None:
    """The tamper-evident log of every access."""


@contextmanager
def _staff() -> Iterator[StaffLine]:
    line = assemble_staff(settings_module.load())
    try:
        yield line
    finally:
        line.close()


def _text(file: Path, most: int = LARGEST) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            return opened.read(most)
    except (OSError, UnicodeDecodeError):
        raise BadInput("A file could not be read as text.", "Name a file that you kept.") from None


def _key(file: Path) -> NoteKey:
    from hotline.vault.signing import NoteKey

    key = NoteKey.read(_text(file))
    if key is None:
        raise BadInput("The key's file holds no key.", "'hotline audit key' writes one.")
    return key


@audit.command()
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--checkpoint", type=FILE, help="A checkpoint kept elsewhere; the log must extend it."
)
@click.option("--public-key", type=FILE, help="The key kept with it; default: the line's own.")
def verify(as_json: bool, checkpoint: Path | None, public_key: Path | None) -> None:
    """Recomputes the whole tree and compares it with every signed checkpoint."""
    from hotline.triage.audit import AuditBroken, catch_up
    from hotline.triage.audit import verify as verify_log

    kept = _text(checkpoint) if checkpoint else None
    key = _key(public_key) if public_key else None
    with _staff() as line:
        with suppress(AuditBroken):  # the report says what is broken
            catch_up(line)
        report = verify_log(line, kept, key)
    show(
        {
            "sound": report.sound,
            "size": report.size,
            "root": report.root.hex(),
            "waiting": report.waiting,
            "checked": report.checked,
            "problems": list(report.problems),
        },
        as_json=as_json,
        text=f"{'sound' if report.sound else 'ALTERED'}: {report.size} records, "
        f"root {report.root.hex()}" + "".join(f"\n  {problem}" for problem in report.problems),
    )
    if not report.sound:
        raise SystemExit(1)


@audit.command()
def checkpoint() -> None:
    """The newest signed checkpoint, for somebody outside to keep."""
    with _staff() as line:
        head = line.audit.head()
    if head is None:
        raise BadInput("Nothing was signed yet.", "Start 'hotline serve', or 'audit verify'.")
    click.echo(head[1], nl=False)


@audit.command()
def key() -> None:
    """The public key that checks this line's checkpoints; keep it with the first of them."""
    from hotline.triage.audit import key_of

    with _staff() as line:
        click.echo(str(key_of(line)))


@audit.command("list")
@click.option("--event", help="Only records of this event.")
@click.option("--id", "identity", help="Only records that name this person, tip or package.")
@click.option("--json", "as_json", is_flag=True, help="One record a line.")
def list_records(event: str | None, identity: str | None, as_json: bool) -> None:
    """The records in order: who read, decided, granted, and when."""
    with _staff() as line:
        for row in line.audit.rows():
            fields = json.loads(row.record)
            if event not in (None, row.event) or identity not in (None, *fields.values()):
                continue
            if as_json:
                click.echo(row.record)
                continue
            rest = " ".join(
                f"{name}={value}"
                for name, value in fields.items()
                if name not in ("at", "event", "id")
            )
            at = fields.get("at", "")
            click.echo(f"{row.position:>9} {fields['id']} {at:<20} {row.event:<20} {rest}")


@audit.command()
@click.argument("record", required=False)
@click.option("--from", "kept", type=FILE, help="Prove that the log only grew since this one.")
@click.option("--checkpoint", type=FILE, help="Prove the record under this one, not the newest.")
def prove(record: str | None, kept: Path | None, checkpoint: Path | None) -> None:
    """A proof, as JSON, that RECORD is in the log, or with --from that the log only grew."""
    from hotline.triage.proofs import prove_consistency, prove_inclusion

    if (record is None) == (kept is None) or (kept and checkpoint):
        raise click.UsageError("Give the id of a record, or --from a checkpoint.")
    with _staff() as line:
        if kept is not None:
            proof = prove_consistency(line, _text(kept))
        else:
            try:
                identity = bytes.fromhex(record or "")
            except ValueError:
                raise BadInput(
                    "This is no id of a record.", "'hotline audit list' shows them."
                ) from (None)
            proof = prove_inclusion(line, identity, _text(checkpoint) if checkpoint else None)
    click.echo(json.dumps(proof, indent=1))


@audit.command("check-proof")
@click.argument("proof", type=FILE)
@click.option("--checkpoint", type=FILE, required=True, help="The checkpoint you kept.")
@click.option("--public-key", type=FILE, required=True, help="The line's key that you kept.")
def check_proof(proof: Path, checkpoint: Path, public_key: Path) -> None:
    """Checks a proof against what you kept. Needs no home and no database."""
    from hotline.triage.proofs import check_proof as check

    click.echo(check(_text(proof, LARGEST_EXPORT), _text(checkpoint), _key(public_key)))


@click.group()
def ledger() -> None:
    """The balance of all tips."""


@ledger.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--full", is_flag=True, help="Look for every tip there ever was, not only new ones.")
@click.option("--months", is_flag=True, help="The same by month of arrival (a full check).")
@click.option("--queues", is_flag=True, help="Tips that have a row, by queue.")
def check(as_json: bool, full: bool, months: bool, queues: bool) -> None:
    """received = waiting + forwarded + closed + shredded, or an alarm and exit 1."""
    from hotline.triage.ledger import PROBLEMS, by_queue
    from hotline.triage.ledger import full as look_at_all
    from hotline.triage.ledger import quick as look

    with _staff() as line:
        found = look_at_all(line) if full or months else look(line)
        desks = by_queue(line) if queues else {}
    said: dict[str, object] = dict(found.figures)
    lines = [f"{name:<10} {count}" for name, count in found.figures.items()]
    if months:
        said["months"] = found.months
        lines += _table(found.months)
    if queues:
        said["queues"] = desks
        lines += _table(desks)
    if not found.sound:
        said["problems"] = [
            {"code": one.code, "count": one.count, "tips": [tip.hex() for tip in one.tips]}
            for one in found.problems
        ]
        for one in found.problems:
            lines.append(f"{one.code}: {one.count} {PROBLEMS[one.code]}")
            lines += [f"  {tip.hex()}" for tip in one.tips]
    lines.append("balanced" if found.sound else "NOT BALANCED")
    show(said, as_json=as_json, text="\n".join(lines))
    if not found.sound:
        raise SystemExit(1)


def _table(rows: dict[str, dict[str, int]]) -> list[str]:
    return [
        f"{name:<24} " + "  ".join(f"{what} {count}" for what, count in counts.items())
        for name, counts in rows.items()
    ]


@ledger.command("statement")
@click.argument("month", required=False)
def statement(month: str | None) -> None:
    """The signed public statement of MONTH (YYYY-MM); default: the newest."""
    from hotline.triage.statements import kept

    with _staff() as line:
        there = dict(kept(line.settings))
    if not there or (month and month not in there):
        raise BadInput(
            "There is no such statement.",
            "One is written when a month is over and the ledger balances.",
        )
    click.echo(there[month or max(there)], nl=False)


@ledger.command("verify")
@click.argument("statements", type=FILE, nargs=-1, required=True)
@click.option("--public-key", type=FILE, required=True, help="The line's key that you kept.")
def verify_statements(statements: tuple[Path, ...], public_key: Path) -> None:
    """Checks STATEMENTS, oldest first: each signed, each balancing, each naming the one before.
    Needs no home and no database."""
    from hotline.triage.statements import verify as verify_chain

    for one in verify_chain(_key(public_key), [_text(file) for file in statements]):
        click.echo(f"{one.month} " + " ".join(f"{n} {c}" for n, c in one.figures.items()))
    click.echo("sound")
