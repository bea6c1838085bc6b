"""What the commands that answer questions about papers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from surveykit.addresses import entry_id
from surveykit.catalog import Catalog
from surveykit.cli.tables import table
from surveykit.cli.terminal import (
    FINE,
    FOUND,
    note,
    say_json,
)
from surveykit.errors import UnknownPaperError
from surveykit.lookup import search
from surveykit.models import Paper


def paper_called(catalog: Catalog, text: str) -> Paper:
    """The paper of an id, of a former one, or of the address of its page."""
    wanted = entry_id(text)
    for paper in catalog.papers:
        if wanted in paper.former_ids:
            note(f"{wanted} is called {paper.id} now")
            return paper
    try:
        return catalog.get(wanted)
    except UnknownPaperError as error:
        if error.suggestions:
            raise
        near = [hit.paper.id for hit in search(catalog, [text])[:3]]
        if near:
            raise UnknownPaperError(wanted, near) from None
        hint = "`surveykit search WORDS` finds ids"
        raise click.UsageError(f"{error}; {hint}") from None


def print_papers(
    catalog: Catalog, papers: Sequence[Paper], as_json: bool, why: str = ""
) -> int:
    """Print papers as a table or as JSON, or why there are none; gives back the exit code."""
    if as_json:
        say_json([as_record(paper) for paper in papers])
    elif papers:
        rows = [(p.id, str(p.year), catalog.venue(p).name, p.title.en) for p in papers]
        table(("id", "year", "venue", "title"), rows)
    if not papers:
        note("no paper matches" + (f": {why}" if why else ""))
    return FINE if papers else FOUND


def as_record(paper: Paper) -> dict[str, Any]:
    """An entry as JSON has it."""
    return paper.model_dump(mode="json", exclude_defaults=True)
