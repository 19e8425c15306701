"""`redox-warehouse rebuild`: a payload from the tables."""

from __future__ import annotations

import click

from etl.cli.opening import ID, open_loader
from etl.settings import Settings


@click.command()
@click.argument("message_id", type=ID)
@click.option("--pretty", is_flag=True, help="Indent the JSON.")
@click.pass_obj
def rebuild(settings: Settings, message_id: int, pretty: bool) -> None:
    """Print the payload of MESSAGE_ID, rebuilt from the tables.

    Every populated value comes back with its type and exact text; null, "" and empty
    containers are not populated and are left out. `show` prints the received bytes instead.

    \b
    Example:
      redox-warehouse rebuild 42 --pretty
    """
    from etl.queries.messages import rebuilt_message

    with open_loader(settings) as loader:
        click.echo(rebuilt_message(loader, message_id, indent=2 if pretty else 0))
