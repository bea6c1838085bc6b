"""What `surveykit build` does when something has changed."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from surveykit import deployment, load, outputs
from surveykit.catalog import Catalog
from surveykit.cli import generated
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    exit_code,
    note,
    openable,
    placed,
    say,
    warn,
)
from surveykit.errors import plural
from surveykit.memory import Memory
from surveykit.render.pages import as_markdown, render_files, render_pages


def build(
    home: Path, memory: Memory, check: bool, pages: Path | None, publish: bool
) -> int:
    """Write everything, or say what is stale; gives back the exit code."""
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
    code = _stale(home, texts) if check else _write(home, texts)
    memory.keep(checked.problems, texts)
    return code


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
