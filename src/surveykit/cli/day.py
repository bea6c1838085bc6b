"""A day on the command line."""

from __future__ import annotations

import re
from datetime import date

import click


class DayType(click.ParamType[date]):
    """A day, `2026-11-30`."""

    name = "day"

    def convert(
        self,
        value: str | date,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> date:
        """The day; a usage error for anything else."""
        if isinstance(value, date):
            return value
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
                return date.fromisoformat(value)
        except ValueError:  # no such day: 2026-02-30
            pass
        return self.fail(f"{value!r} is no day like 2026-11-30", param, ctx)
