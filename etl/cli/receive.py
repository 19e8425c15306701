"""`redox-warehouse receive`: the webhook as a process. What it does lives in `etl.web`."""

from __future__ import annotations

import click

from etl.logging import set_up_logging
from etl.settings import Settings, read_settings

EPILOG = """\b
Examples:
  REDOX_WAREHOUSE_RECEIVE__TOKENS=... redox-warehouse receive
  redox-warehouse receive --port 9000 --token-file /etc/redox-warehouse/tokens

\b
Tokens come from the environment or a file, never from the command line, where every
user of the machine could read them. Put a proxy with TLS in front; docs/receiver.md shows one.
"""


@click.command(epilog=EPILOG)
@click.option("--host", help="Address to listen on [receive.host, 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port [receive.port, 8642].")
@click.option("--path", help="Path that Redox posts to [receive.path, /redox].")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False),
    help="File with one valid token per line, read again when it changes [receive.token_file].",
)
@click.option("--log-json", is_flag=True, help="Log one JSON object per line.")
@click.pass_obj
def receive(settings: Settings, /, log_json: bool, **options: str | int | None) -> None:
    """Receive messages from Redox and keep them for the next load.

    Runs a web server that answers Redox's verification request, checks the token of every message,
    and writes it to disk before it answers 200. Closed segments appear in HOME/incoming, where
    `redox-warehouse load` and the Dagster sensor find them.
    """
    from etl.web.server import run_receiver  # costs time that other commands need not spend

    set_up_logging(as_json=log_json)
    given = {name: value for name, value in options.items() if value is not None}
    run_receiver(read_settings(settings.home, receive=given))
