"""`surveykit build`: write all generated files, or say which are stale."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import click

from surveykit import deployment, load, outputs
from surveykit.catalog import Catalog
from surveykit.cli import generated
from surveykit.cli.catalog import exit_code, warn
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    example,
    note,
    openable,
    placed,
    repository,
    say,
)
from surveykit.errors import plural
from surveykit.render.pages import as_markdown, render_files, render_pages


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
    generated pages of docs/. Nothing is written while the catalog has errors.
    Addresses in them are those of catalog/survey.yaml; the website's are set by its
    deployment (docs/publishing.md).
    """
    if check and pages:
        raise click.UsageError("--check and --pages exclude each other")
    home = repository(root)
    checked = load.check(home, [])
    warn(placed(home, checked.problems))
    if checked.catalog is None or exit_code(checked.problems):
        return FOUND
    survey = deployment.placed(checked.catalog.survey, os.environ)
    if publish:
        deployment.check(survey)
    if pages:
        return _write_pages(pages, dataclasses.replace(checked.catalog, survey=survey))
    texts = generated.generated(checked.catalog)
    return _stale(home, texts) if check else _write(home, texts)


def _stale(home: Path, texts: dict[str, str]) -> int:
    differences = outputs.stale(home, texts)
    if not differences:
        return FINE
    say("".join(differences), end="")
    note(
        f"{len(differences)} of {plural(len(texts), 'file')} stale; run `surveykit build`"
    )
    return FOUND


def _write(home: Path, texts: dict[str, str]) -> int:
    written = outputs.write(home, texts)
    for path in written:
        say(openable(home, path))
    note(f"{len(written)} of {plural(len(texts), 'file')} changed")
    return FINE


def _write_pages(folder: Path, catalog: Catalog) -> int:
    texts: dict[str, str] = {}
    for lang in catalog.kit.languages:
        pages = {page.uri: as_markdown(page) for page in render_pages(catalog, lang)}
        pages |= render_files(catalog, lang)
        # Chinese pages lie below zh/, as on the site: they link to files beside the English ones.
        start = "" if lang == "en" else f"{lang}/"
        texts |= {start + path: text for path, text in pages.items()}
    written = outputs.write_folder(folder, texts)
    note(f"{len(written)} of {plural(len(texts), 'file')} changed")
    return FINE
