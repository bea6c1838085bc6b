"""`surveykit cite`: citations of some papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from surveykit.catalog import Catalog
from surveykit.cli.catalog import open_catalog
from surveykit.cli.papers import paper_called
from surveykit.cli.terminal import (
    FINE,
    as_json,
    example,
    say,
    say_json,
)
from surveykit.models import Paper
from surveykit.render import bibtex, citation, csl, ris


@click.command(epilog=example("surveykit cite holt2023finding --style gbt7714"))
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option(
    "--style",
    type=click.Choice(["bibtex", "apa", "gbt7714", "csl", "ris"]),
    default="bibtex",
    show_default=True,
    help="csl is CSL-JSON; ris is for reference managers.",
)
@as_json
@click.pass_obj
def cite(root: Path | None, ids: tuple[str, ...], style: str, as_json: bool) -> int:
    """Print the citations of some papers."""
    catalog = open_catalog(root)
    papers = [paper_called(catalog, paper_id) for paper_id in ids]
    if as_json:
        say_json({p.id: _citations([p], style, catalog) for p in papers})
    else:
        say(_citations(papers, style, catalog))
    return FINE


def _citations(papers: Sequence[Paper], style: str, catalog: Catalog) -> str:
    if style in ("apa", "gbt7714"):
        write = citation.apa if style == "apa" else citation.gbt7714
        return "\n\n".join(write(paper, catalog) for paper in papers)
    whole = {"bibtex": bibtex.bibliography, "csl": csl.csl_json, "ris": ris.ris}[style]
    return whole(papers, catalog).rstrip("\n")
