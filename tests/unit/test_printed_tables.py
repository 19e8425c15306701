"""Tables on the terminal: what was received is shown, and does nothing else."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from etl.cli.tables import print_table


def test_received_text_does_not_steer_the_terminal() -> None:
    shown = StringIO()

    print_table(Console(file=shown, width=120), [{"received": "\x1b]0;title\x07[red]\u202eé a\nb"}])

    assert r"\x1b]0;title\x07[red]\u202eé a\nb" in shown.getvalue()
    assert not {"\x1b", "\x07", "\u202e"} & set(shown.getvalue())
