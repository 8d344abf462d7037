"""Jobs: what waits and what was given up, on the command line."""

from __future__ import annotations

import click

from hotline import settings as settings_module
from hotline.assembly import assemble_staff
from hotline.cli import show
from hotline.commands.two import present
from hotline.errors import BadInput


@click.group()
def jobs() -> None:
    """Errands: what waits, and what was given up."""


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_jobs(as_json: bool) -> None:
    """How many wait in each lane, and what was given up and why."""
    line = assemble_staff(settings_module.load())
    try:
        waiting = line.outbox.waiting()
        given_up = line.outbox.given_up()
    finally:
        line.close()
    value = {
        "lanes": [
            {"lane": lane, "state": state, "count": count}
            for (lane, state), count in sorted(waiting.items())
        ],
        "buried": [
            {"kind": kind, "problem": problem, "count": count}
            for kind, problem, count, _ in given_up
        ],
    }
    lines = [f"{lane:<12} {state:<8} {count}" for (lane, state), count in sorted(waiting.items())]
    lines += [f"given up: {count} x {kind}: {problem}" for kind, problem, count, _ in given_up]
    show(value, as_json=as_json, text="\n".join(lines) or "nothing waits")


@jobs.command()
@click.option("--by", "officer", required=True, help="The officer who decides it.")
@click.option("--kind", default="", help="Only errands of this kind, with --problem.")
@click.option("--problem", default="", help="Only what failed of this problem, with --kind.")
@click.option("--json", "as_json", is_flag=True)
def retry(officer: str, kind: str, problem: str, as_json: bool) -> None:
    """Tries again what was given up. Nothing is done twice."""
    if bool(kind) != bool(problem):
        raise BadInput("--kind and --problem go together.", "See 'hotline jobs list'.")
    line = assemble_staff(settings_module.load())
    try:
        ((person, _),) = present(line.access, officer)
        count = line.outbox.retry_all(kind, problem)
        if count:
            line.audit.note("errands_retried", by=person.id.hex(), count=str(count))
    finally:
        line.close()
    show({"retried": count}, as_json=as_json, text=f"{count} errands are tried again")
