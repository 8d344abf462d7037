"""Receiving: an agency's own webhook, on its own machine, behind its web server."""

from __future__ import annotations

from pathlib import Path

import click

from hotline.clock import Clock
from hotline.commands.agency_alone import FILE, FOLDER
from hotline.commands.asking import ask_passphrase
from hotline.delivery.receiver import Receiver, server
from hotline.vault.held import KeyFile, read_line, signing_seed


@click.command()
@click.option("--key", required=True, type=FILE, help="The key file that was kept.")
@click.option("--line-key", required=True, type=FILE, help="The line's own key file.")
@click.option("--url", required=True, help="The webhook's address, as the line has it.")
@click.option("--out", required=True, type=FOLDER, help="Where the sealed files go.")
@click.option("--port", default=8090, type=click.IntRange(0, 65535), show_default=True)
def receive(key: Path, line_key: Path, url: str, out: Path, port: int) -> None:
    """Takes packages that the line posts to your webhook, on this machine's own address only: let
    your web server, with TLS, hand them on. 'hotline agency open' reads the files."""
    kept = KeyFile.read(key.read_bytes())
    seed = kept.seed(ask_passphrase(f"the key of {kept.agency}", again=False))
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = read_line(line_key.read_bytes())
    taker = Receiver(kept.agency, signing_seed(seed), line, url, out, Clock().seconds)
    with server(taker, port, click.echo) as serving:
        click.echo(f"Listening on http://127.0.0.1:{serving.server_address[1]}; Ctrl-C ends it.")
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            click.echo("Ended.")
