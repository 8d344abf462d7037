"""Agency: agencies with a key of their own: what they run themselves, and what the line runs."""

from __future__ import annotations

import click

from hotline.commands.agency_alone import ALONE
from hotline.commands.receiving import receive

_AT_THE_LINE = ("add", "drop", "line-key", "scorecard")


class _Agency(click.Group):
    """The line's commands bring the line with them; an agency's machine has none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_AT_THE_LINE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _AT_THE_LINE:
            return super().get_command(ctx, cmd_name)
        from hotline.commands import agency_line

        found: click.Command = getattr(agency_line, cmd_name.replace("-", "_"))
        return found


@click.group(cls=_Agency)
def agency() -> None:
    """Agencies with a key of their own. All but 'add', 'drop', 'line-key' and
    'scorecard' run at the agency."""


for _command in (*ALONE, receive):
    agency.add_command(_command)
