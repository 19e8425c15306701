"""The `redox-warehouse` command: global options, the list of commands, one error boundary."""

from __future__ import annotations

import ast
import errno
import importlib
import sys
from importlib.abc import InspectLoader
from importlib.util import find_spec
from pathlib import Path

import click

from etl.cli.groups import NearGroup
from etl.cli.stops import held_stops, recognized_stops, say_stopped, stop_code
from etl.errors import DiskFull, RedoxWarehouseError
from etl.process import keep_files_private
from etl.without_pandas import leave_pandas_out
from models.catalog import CatalogFaults

COMMANDS = {
    "backup": "etl.cli.backup:backup",
    "catalog": "etl.cli.catalog:catalog",
    "compact": "etl.cli.compact:compact",
    "doctor": "etl.cli.doctor:doctor",
    "drift": "etl.cli.drift:drift",
    "export": "etl.cli.export:export",
    "findings": "etl.cli.findings:findings",
    "load": "etl.cli.load:load",
    "migrate": "etl.cli.migrate:migrate",
    "publish": "etl.cli.publish:publish",
    "purge": "etl.cli.purge:purge",
    "pull": "etl.cli.pull:pull",
    "quarantine": "etl.cli.quarantine:quarantine",
    "recover": "etl.cli.recover:recover",
    "rebuild": "etl.cli.rebuild:rebuild",
    "receive": "etl.cli.receive:receive",
    "reliability": "etl.cli.reliability:reliability",
    "reload": "etl.cli.reload:reload",
    "restore": "etl.cli.backup:restore",
    "retain": "etl.cli.retain:retain",
    "show": "etl.cli.show:show",
    "source": "etl.cli.source:source",
    "spark-load": "etl.cli.spark_load:spark_load",
    "sql": "etl.cli.sql:sql",
    "status": "etl.cli.status:status",
    "synth": "etl.cli.synth:synth",
}
LONGEST_HELP = 200
"""Characters of a command's first sentence; a test holds them to one line of 80."""


class LazyGroup(NearGroup):
    """Imports a command only when it is called, so that the list of them is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        with held_stops():
            command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _short_help(COMMANDS[name])) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _short_help(target: str) -> str:
    """The first sentence of a command, from its source: importing them all takes seconds."""
    module, _, name = target.partition(":")
    spec = find_spec(module)
    loader = spec.loader if spec else None
    source = loader.get_source(module) if isinstance(loader, InspectLoader) else None
    for node in ast.parse(source or "").body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return click.Command(name, help=ast.get_docstring(node)).get_short_help_str(
                LONGEST_HELP
            )
    return ""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="REDOX_WAREHOUSE_HOME",
    help="Folder that holds all state (default .redox-warehouse).",
)
@click.version_option(package_name="redox-warehouse")
@click.pass_context
def cli(ctx: click.Context, home: Path | None) -> None:
    """Load Redox data model messages into relational tables, losing nothing.

    \b
    Exit codes: 0 success, 2 wrong call, 3 some items quarantined, 4 warehouse busy,
    5 disk full, 130 stopped (143 by SIGTERM, 129 by SIGHUP), 1 anything else.

    \b
    Tables fit the terminal (--wide prints all columns). Piped, they are
    tab-separated, one record a line, with notes on standard error.

    \b
    Shell completion (bash; zsh and fish alike, see docs/terminal.md):
      eval "$(_REDOX_WAREHOUSE_COMPLETE=bash_source redox-warehouse)"
    """
    if ctx.resilient_parsing or "--help" in sys.argv or "-h" in sys.argv:
        return
    from etl.process import prepare_process
    from etl.settings import read_settings

    if ctx.invoked_subcommand != "doctor":  # which reports faulty settings itself
        ctx.obj = read_settings(home)
        prepare_process(ctx.obj)


def main() -> None:
    """Run the command line; every error becomes one sentence and an exit code."""
    leave_pandas_out()
    keep_files_private()
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        with recognized_stops():
            result = cli.main(standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        say_stopped()
        return stop_code()
    except RedoxWarehouseError as error:
        return _say(str(error), error.exit_code)
    except CatalogFaults as faults:
        return _say(str(faults), 2)
    except BrokenPipeError:
        return 0
    except MemoryError:  # Arrow's is one too
        return _say(
            "There is not enough memory; free some, or lower load.workers and load.load_bytes, and "
            "run the command again.", 1
        )  # fmt: skip
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _say(
                "The disk is full; free space and run the command again.", DiskFull.exit_code
            )
        name = errno.errorcode.get(error.errno or 0, "unknown")
        return _say(f"The system refused ({name}); run `redox-warehouse doctor` to see why.", 1)
    except Exception as error:  # the door: nothing of the error's text may be shown
        place = _place_of(error)
        return _say(
            f"Internal error {type(error).__name__} at {place}; please report this place.", 1
        )


def _place_of(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _say(sentence: str, code: int) -> int:
    click.echo(f"redox-warehouse: {sentence}", err=True)
    return code
