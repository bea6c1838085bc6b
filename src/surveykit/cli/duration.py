"""A stretch of time on the command line."""

from __future__ import annotations

import re

import click

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType[float]):
    """`90s`, `5m`, `1h`, `7d` as seconds."""

    name = "duration"

    def convert(
        self,
        value: str | float,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Seconds; a usage error for anything else."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
        if not found:
            self.fail(
                f"{value!r} is not a duration; write 90s, 5m, 1h or 7d", param, ctx
            )
        return int(found[1]) * UNITS[found[2]]
