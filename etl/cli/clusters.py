"""The cluster that a command is to use: options that several have, and a session of Spark from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from etl.errors import UsageFault
from etl.settings import Settings
from etl.warehouse.lake import LakeFolder

Command = TypeVar("Command", bound=Callable[..., Any])


def cluster_options(command: Command) -> Command:
    """The options `master`, `remote` and `confs`."""
    for option in (
        click.option(
            "--conf",
            "confs",
            metavar="NAME=VALUE",
            multiple=True,
            help="A setting of Spark; repeatable.",
        ),
        click.option(
            "--remote", metavar="URL", help="URL of a Spark Connect server (sc://...) instead."
        ),
        click.option(
            "--master", metavar="URL", help="URL of the cluster, or local[N] [lake.master]."
        ),
    ):
        command = option(command)
    return command


@contextmanager
def open_cluster(master: str, remote: str | None, confs: tuple[str, ...]) -> Iterator[Any]:
    """A session of Spark that ends with the block."""
    from etl.lake.session import open_session

    pairs = [conf.partition("=") for conf in confs]
    if any(not mark for _, mark, _ in pairs):
        raise click.UsageError("--conf takes NAME=VALUE, such as spark.executor.memory=6g.")
    if not (master or remote):
        raise click.UsageError(
            "Name the cluster by --master or the setting lake.master; local[4] is this machine."
        )
    settings = {name: value for name, _, value in pairs}
    with open_session(master, remote=remote or "", settings=settings) as spark:
        yield spark


@contextmanager
def cluster_of_home(
    settings: Settings, master: str | None, remote: str | None, confs: tuple[str, ...]
) -> Iterator[Any]:
    """A session of Spark for a lake where one is named, else None: then this process does the work."""
    if not LakeFolder(settings.home).is_there():
        if master or remote or confs:
            raise UsageFault("This home is not a lake and needs no cluster; leave --master out.")
        yield None
    elif master or remote or settings.lake.master:
        with open_cluster(master or settings.lake.master, remote, confs) as spark:
            yield spark
    else:
        yield None
