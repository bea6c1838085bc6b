"""Commands that are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


def asked_for(place: str) -> Any:
    """What `module:name` says, of a module beside this one that is imported now."""
    module, _, name = place.partition(":")
    return getattr(import_module(f"{__package__}.{module}"), name)


class LazyGroup(click.Group):
    """A group that knows its commands by a table: name -> `module:command`, and the line for its help.

    The help of the group needs the lines alone, so nothing heavy is imported for it; a test compares them.
    """

    def __init__(
        self, *args: Any, table: Mapping[str, tuple[str, str]], **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self._places = {name: place for name, (place, _) in table.items()}
        for name, (_, line) in table.items():
            self.add_command(click.Command(name, help=line))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself; None where there is none of this name."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        command: click.Command = asked_for(place)
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands by their lines in the table."""
        click.Group(commands=self.commands).format_commands(ctx, formatter)
