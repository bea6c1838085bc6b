"""`surveykit serve`: the website while one edits."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from surveykit.cli.terminal import (
    example,
    repository,
)
from surveykit.errors import MachineError

SITE_CONFIGS = {"en": "mkdocs.yml", "zh": "site/mkdocs.zh.yml"}


@click.command(epilog=example("surveykit serve --lang zh"))
@click.option(
    "--lang",
    type=click.Choice(list(SITE_CONFIGS)),
    default="en",
    show_default=True,
    help="Language of the site.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port on this machine.",
)
@click.pass_obj
def serve(root: Path | None, lang: str, port: int) -> NoReturn:
    """Show the website while you edit.

    It shows one language and reloads when an entry changes.
    """
    home = repository(root)
    config = home / SITE_CONFIGS[lang]
    if not config.is_file():
        raise MachineError(
            f"{config} is missing; the survey has no site in this language"
        )
    # The option is spelled out because some releases of click turn its default around.
    command = ["serve", "--livereload", "-f", str(config), "-a", f"127.0.0.1:{port}"]
    os.chdir(home)
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    # In place of this process, so that a signal meant for it ends the server.
    os.execv(sys.executable, [sys.executable, "-m", "mkdocs", *command])
