"""`surveykit show`: one paper with its relations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from surveykit.catalog import Catalog
from surveykit.cli.catalog import open_catalog
from surveykit.cli.papers import as_record, paper_called
from surveykit.cli.terminal import (
    FINE,
    as_json,
    example,
    openable,
    repository,
    say,
    say_json,
)
from surveykit.models import Paper
from surveykit.render.nearest import because
from surveykit.render.readme import venue_label


@click.command(epilog=example("surveykit show holt2023finding"))
@click.argument("paper_id", metavar="ID")
@as_json
@click.pass_obj
def show(root: Path | None, paper_id: str, as_json: bool) -> int:
    """Show one paper with its relations."""
    catalog = open_catalog(root)
    paper = paper_called(catalog, paper_id)
    if as_json:
        say_json(as_record(paper))
        return FINE
    path = openable(repository(root), catalog.paths[paper.id])
    for name, value in (*_lines(catalog, paper), ("file", path)):
        say(click.style(f"{name:<11}", dim=True) + value)
    return FINE


def _lines(catalog: Catalog, paper: Paper) -> Iterable[tuple[str, str]]:
    yield "title", click.style(paper.title.en, bold=True)
    if "zh" in catalog.kit.languages:
        yield "", paper.title.zh
    if paper.aka:
        yield "also", ", ".join(paper.aka)
    yield "authors", ", ".join(author.name for author in paper.authors)
    yield "venue", venue_label(catalog, paper, "en")
    yield from paper.identifiers.model_dump(exclude_none=True).items()
    yield from paper.links.model_dump(exclude_none=True).items()
    for axis, terms in paper.terms.items():
        yield axis, ", ".join(catalog.term(axis, term).label.en for term in terms)
    if paper.tldr:
        yield "summary", paper.tldr.en
        if "zh" in catalog.kit.languages:
            yield "", paper.tldr.zh
    yield from _relations(catalog, paper)
    for card in catalog.methods(paper):
        yield "run", card.command
    if closest := catalog.closest_runnable(paper):
        why = because(catalog, paper, closest, "en")
        yield "closest", f"{closest.card.name}, {why}: {closest.card.command}"


def _relations(catalog: Catalog, paper: Paper) -> Iterable[tuple[str, str]]:
    kinds = {kind.id: kind for kind in catalog.taxonomy.relations}
    for link in catalog.links(paper):
        kind = kinds[link.relation.type]
        label = kind.inverse if link.inverse else kind.label
        yield "relation", f"{label.en} {link.other.id}: {link.relation.why.en}"
