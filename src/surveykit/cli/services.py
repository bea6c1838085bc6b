"""What the commands that ask services share: their options, and the client."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from surveykit.catalog import Catalog
from surveykit.changes import kept
from surveykit.errors import MachineError
from surveykit.net.agent import user_agent
from surveykit.net.connect import transport
from surveykit.net.guard import Guard
from surveykit.sources.cache import Cache
from surveykit.sources.client import Client

CACHE = ".cache/sources"


@dataclass(frozen=True)
class Asking:
    """How services are asked."""

    offline: bool
    refresh: bool
    mailto: str | None
    cache: Path | None


def asking(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a command that asks services, --offline, --refresh, --mailto, --cache, which it gets as `how`."""

    @functools.wraps(command)
    def asks(
        *args: Any,
        offline: bool,
        refresh: bool,
        mailto: str | None,
        cache: Path | None,
        **others: Any,
    ) -> Any:
        how = Asking(offline, refresh, mailto, cache)
        return command(*args, how=how, **others)

    for option in (
        click.option(
            "--cache",
            type=click.Path(file_okay=False, path_type=Path),
            help=f"Folder of cached answers.  [default: {CACHE}]",
        ),
        click.option(
            "--mailto",
            envvar="SURVEYKIT_MAILTO",
            show_envvar=True,
            help="Email address for Crossref's polite pool, which is faster.",
        ),
        click.option(
            "--refresh", is_flag=True, help="Ask again, even for what was asked today."
        ),
        click.option(
            "--offline",
            is_flag=True,
            help="Use cached answers only, however old; make no requests.",
        ),
    ):
        asks = option(asks)
    return asks


@contextlib.asynccontextmanager
async def client(home: Path, catalog: Catalog, how: Asking) -> AsyncIterator[Client]:
    """A client that may ask public addresses. Raises MachineError."""
    if how.mailto and ("@" not in how.mailto or any(c.isspace() for c in how.mailto)):
        raise click.UsageError(f"--mailto: {how.mailto!r} is not an email address")
    guard = Guard()
    try:
        way = transport(guard, total=8)
    except OSError as error:
        raise MachineError(f"SSL_CERT_FILE or SSL_CERT_DIR: {error}") from None
    name = user_agent(catalog.survey.repository)
    try:
        yield Client(
            way,
            guard,
            Cache(how.cache or kept(home, CACHE)),
            f"{name} mailto:{how.mailto}" if how.mailto else name,
            mailto=how.mailto,
            github_token=os.environ.get("GITHUB_TOKEN"),
            openalex_key=os.environ.get("OPENALEX_API_KEY"),
            offline=how.offline,
            max_age_seconds=0.0 if how.refresh else 86400.0,
        )
    finally:
        await way.aclose()
