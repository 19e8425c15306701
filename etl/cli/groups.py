"""Groups of commands that suggest the nearest name where none fits."""

from __future__ import annotations

from difflib import get_close_matches

import click


class NearGroup(click.Group):
    """A group that names the nearest command when there is none of the given name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; raises UsageError with the nearest name."""
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            near = get_close_matches(args[0].lower(), known, n=1, cutoff=0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}."
            raise click.UsageError(f"No command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)
