"""`surveykit build`: write all generated files, or say which are stale."""

from __future__ import annotations

from pathlib import Path

import click

from surveykit import outputs
from surveykit.cli.lazy import asked_for
from surveykit.cli.terminal import (
    FINE,
    example,
    exit_code,
    note,
    placed,
    repository,
    warn,
)
from surveykit.errors import plural
from surveykit.memory import Memory


@click.command(epilog=example("surveykit build --check"))
@click.option(
    "--check", is_flag=True, help="Write nothing; show which files are stale."
)
@click.option(
    "--pages",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the website's pages into this folder, as Markdown, and nothing else.",
)
@click.option(
    "--publish",
    is_flag=True,
    help="Refuse to build while the addresses of site and repository are placeholders.",
)
@click.pass_obj
def build(root: Path | None, check: bool, pages: Path | None, publish: bool) -> int:
    """Write all generated files.

    These are the READMEs with their pictures, survey.bib, catalog/schema.json and the
    generated pages of docs/. Nothing is written while the catalog has errors, and nothing
    is rendered while neither they nor what they are made from have changed.
    Addresses in them are those of catalog/survey.yaml; the website's are set by its
    deployment (docs/publishing.md).
    """
    if check and pages:
        raise click.UsageError("--check and --pages exclude each other")
    home = repository(root)
    memory = Memory(home)
    if not (pages or publish) and _unchanged(home, memory, check):
        return FINE
    code: int = asked_for("building:build")(home, memory, check, pages, publish)
    return code


def _unchanged(home: Path, memory: Memory, check: bool) -> bool:
    """Whether every file holds what would be written again; if so, it is said as after writing."""
    known = memory.recall()
    if not known or not known.texts or exit_code(known.problems):
        return False
    if not outputs.hold(home, known.texts):
        return False
    warn(placed(home, known.problems))
    if not check:
        outputs.sweep(home, known.texts)
        note(f"0 of {plural(len(known.texts), 'file')} changed")
    return True
