"""Two: the officers behind a deed that needs two, at one terminal or one after the other.

What they type is asked for at a terminal, or read from standard input, one a line: passphrase and
one-time code of ``--by``, then passphrase and one-time code of ``--and``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from hotline.errors import BadInput

if TYPE_CHECKING:
    from hotline.store.people import Person
    from hotline.triage.access import Access
    from hotline.triage.approvals import Deed, Request

LATER = "or ask with --request and repeat the command when a second approved"


def by_two(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options ``--by`` and ``--and``, as ``giver`` and ``second``."""
    command = click.option("--and", "second", help="The second officer, at the same terminal.")(
        command
    )
    return click.option("--by", "giver", required=True, help="The officer who decides it.")(command)


def may_ask(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option ``--request``, as ``later``."""
    return click.option(
        "--request",
        "later",
        is_flag=True,
        help="Only asks: the second officer approves on the page of requests.",
    )(command)


def typed(label: str, *, hidden: bool) -> str:
    """Asked for at a terminal; one line of standard input otherwise."""
    if sys.stdin.isatty():
        answer: str = click.prompt(label, hide_input=hidden)
        return answer
    return sys.stdin.readline().rstrip("\n")


def officers(access: Access, *names: str | None) -> list[Person]:
    """The officers of these names, all different. Raises BadInput."""
    people = [access.people.named(name.strip().lower()) for name in names if name]
    found = [p for p in people if p is not None and p.active and "officer" in p.roles]
    if len(found) < len(people):
        raise BadInput("No officer of that name is enrolled.", "Name an officer of this line.")
    if len({person.id for person in found}) < len(found):
        raise BadInput("The same officer was named twice.", "Name two officers.")
    return found


def present(access: Access, *names: str | None) -> list[tuple[Person, bytes]]:
    """The officers of these names, each of whom typed passphrase and one-time code: person and
    seed. Raises BadInput, SignInRefused."""
    return [
        access.prove(
            person.name,
            typed(f"Passphrase of {person.name}", hidden=True),
            typed(f"One-time code of {person.name}", hidden=False),
        )
        for person in officers(access, *names)
    ]


def asked(
    access: Access, here: list[tuple[Person, bytes]], deed: Deed, facts: Mapping[str, str], why: str
) -> Request:
    """One officer's request, for a second to approve on the page of requests. Raises TwoNeeded."""
    if len(here) > 1:
        raise BadInput(
            "Both --and and --request were given.",
            "Name the second officer who is here, or only ask.",
        )
    return access.approvals.ask(here[0][0].id, deed, facts, why)


def say_asked(request: Request) -> None:
    click.echo(f"Asked for: request {request.id.hex()[:8]}.")
    click.echo("A second officer approves it on the console's page of requests within three days.")
    click.echo("Then run this command again without --request.")


def agreed(
    access: Access, here: list[tuple[Person, bytes]], deed: Deed, facts: Mapping[str, str], why: str
) -> Person:
    """Who does it, the first of those present, with an approval that the deed then uses up: given
    here and now by a second officer, or, with none, earlier on the page of requests. Raises
    TwoNeeded."""
    from hotline.triage.approvals import TwoNeeded

    (first, _), *others = here
    if others:
        request = access.approvals.ask(first.id, deed, facts, why)
        access.approvals.approve(others[0][0].id, request.id)
    elif len(access.approvals.deciders(deed)) < 2:
        raise TwoNeeded
    return first


@contextmanager
def hinting(later: str = "") -> Iterator[None]:
    """Says on the command line what to do about a missing approval."""
    from hotline.triage.approvals import NotApproved

    try:
        yield
    except NotApproved as problem:
        raise NotApproved(
            problem.message, f"Name a second officer with --and, {later or 'or ask on /requests'}."
        ) from None
