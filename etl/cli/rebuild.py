"""`redox-warehouse rebuild`: a payload from the tables."""

from __future__ import annotations

import json

import click

from etl.cli.opening import open_loader
from etl.settings import Settings


@click.command()
@click.argument("message_id", type=int)
@click.option("--pretty", is_flag=True, help="Indent the JSON.")
@click.pass_obj
def rebuild(settings: Settings, message_id: int, pretty: bool) -> None:
    """Print the payload of MESSAGE_ID, put together from the tables alone.

    Every populated value comes back with its type and exact text; null, "" and empty
    containers are not populated and stay away. `show` prints the received bytes instead.

    \b
    Example:
      redox-warehouse rebuild 42 --pretty
    """
    from etl.pipeline.messages import rebuilt_message

    with open_loader(settings) as loader:
        text = rebuilt_message(loader, message_id)
    click.echo(json.dumps(json.loads(text), indent=2) if pretty else text)
