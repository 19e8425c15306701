"""`redox-warehouse show`: received bytes."""

from __future__ import annotations

import click

from etl.cli.opening import ID, open_loader
from etl.settings import Settings


@click.command()
@click.argument("message_id", type=ID)
@click.option("--envelope", is_flag=True, help="Print it with the envelope in which it arrived.")
@click.pass_obj
def show(settings: Settings, message_id: int, envelope: bool) -> None:
    """Print the bytes of MESSAGE_ID exactly as received.

    \b
    Examples:
      redox-warehouse show 42
      redox-warehouse show 42 --envelope | jq .headers
    """
    from etl.queries.messages import received_bytes

    with open_loader(settings) as loader:
        raw = received_bytes(loader, message_id, envelope=envelope)
    with click.open_file("-", "wb") as out:
        out.write(raw)
