"""Commands for readers: list, search, show, cite, stats."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from surveykit.cli.terminal import (
    FINE,
    FOUND,
    as_json,
    example,
    known,
    load,
    note,
    openable,
    repository,
    say,
    say_json,
    table,
)
from surveykit.errors import UnknownPaperError

if TYPE_CHECKING:
    from surveykit.catalog import Catalog
    from surveykit.models import Paper


@click.command(
    "list",
    epilog=example("surveykit list threat=backdoor role=detection --year 2022-2024"),
)
@click.argument("terms", nargs=-1, metavar="[AXIS=TERM]...")
@click.option("--year", "years", metavar="YEAR[-YEAR]", help="Year or range of years.")
@click.option("--venue", metavar="ID", help="Venue, for example cvpr.")
@click.option(
    "--with-code", is_flag=True, help="Only papers with the authors' program."
)
@as_json
@click.pass_obj
def list_papers(
    root: Path | None,
    *,
    terms: tuple[str, ...],
    years: str | None,
    venue: str | None,
    with_code: bool,
    as_json: bool,
) -> int:
    """List the papers with all given terms.

    A paper with a narrower term has the wider one too.
    """
    from surveykit.query import Filter, select

    catalog = load(root)
    wanted = Filter(
        terms=tuple(_term(catalog, term) for term in terms),
        years=_years(years) if years else None,
        venue=_venue(catalog, venue) if venue else None,
        with_code=with_code,
    )
    return _papers(catalog, select(catalog, wanted), as_json)


@click.command(epilog=example("surveykit search 后门 clip"))
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Number of papers shown.",
)
@as_json
@click.pass_obj
def search(root: Path | None, words: tuple[str, ...], most: int, as_json: bool) -> int:
    """Find papers by WORDS in either language.

    Titles, names, summaries, terms, venues and ids are searched. Every word must occur;
    accents and case do not matter; the best match comes first.
    """
    from surveykit import query

    catalog = load(root)
    hits = query.search(catalog, words)
    if len(hits) > most:
        note(f"{most} of {len(hits)} shown; --most {len(hits)} shows all")
    why = "" if hits else query.why_nothing(catalog, words)
    return _papers(catalog, [hit.paper for hit in hits[:most]], as_json, why)


@click.command(epilog=example("surveykit show feng2023detecting"))
@click.argument("paper_id", metavar="ID")
@as_json
@click.pass_obj
def show(root: Path | None, paper_id: str, as_json: bool) -> int:
    """Show one paper with its relations."""
    catalog = load(root)
    paper = _paper(catalog, paper_id)
    if as_json:
        say_json(_record(paper))
        return FINE
    path = openable(repository(root), catalog.paths[paper.id])
    for name, value in (*_lines(catalog, paper), ("file", path)):
        say(click.style(f"{name:<11}", dim=True) + value)
    return FINE


@click.command(epilog=example("surveykit cite feng2023detecting --style gbt7714"))
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
    catalog = load(root)
    papers = [_paper(catalog, paper_id) for paper_id in ids]
    if as_json:
        say_json({p.id: _citations([p], style, catalog) for p in papers})
    else:
        say(_citations(papers, style, catalog))
    return FINE


@click.command(epilog=example("surveykit stats --json"))
@click.option(
    "--coverage",
    is_flag=True,
    help="Show instead what can be run, for each technique.",
)
@as_json
@click.pass_obj
def stats(root: Path | None, *, coverage: bool, as_json: bool) -> int:
    """Count papers by year, threat, role, venue.

    Each is counted once, under its main term.
    """
    from surveykit.query import statistics

    if coverage:
        return _coverage(load(root), as_json)
    figures = dataclasses.asdict(statistics(load(root)))
    if as_json:
        say_json(figures)
        return FINE
    rows = []
    for name, value in figures.items():
        counts = value if isinstance(value, Mapping) else {"": value}
        title = name.replace("_", " ")
        rows += [(title, str(key), str(count)) for key, count in counts.items()]
    table(("figure", "of", "count"), rows)
    return FINE


def _coverage(catalog: Catalog, as_json: bool) -> int:
    from surveykit.query import coverage

    headers = ("technique", "papers", "runnable", "closest", "nothing")
    rows = [[getattr(row, name) for name in headers] for row in coverage(catalog)]
    if as_json:
        say_json([dict(zip(headers, row, strict=True)) for row in rows])
        return FINE
    sums = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    table(headers, ([str(cell) for cell in row] for row in [*rows, ["all", *sums]]))
    return FINE


COMMANDS = (list_papers, search, show, cite, stats)


def _paper(catalog: Catalog, text: str) -> Paper:
    """The paper of an id, of a former one, or of the address of its page."""
    from surveykit import query
    from surveykit.addresses import entry_id

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
        near = [hit.paper.id for hit in query.search(catalog, [text])[:3]]
        if near:
            raise UnknownPaperError(wanted, near) from None
        hint = "`surveykit search WORDS` finds ids"
        raise click.UsageError(f"{error}; {hint}") from None


def _term(catalog: Catalog, text: str) -> tuple[str, str]:
    """Axis and term; a term may be given by its label, too."""
    from surveykit.query import terms_called, terms_near

    axis, equals, said = text.partition("=")
    homes = [
        f"{a.id}={term}"
        for a in catalog.taxonomy.axes
        for term in terms_called(a, said or text)
    ]
    hint = f"; did you mean {' or '.join(homes)}?" if homes else ""
    if not equals:
        raise click.UsageError(f"{text!r} is not of the form axis=term{hint}")
    known(axis, catalog.axes, "axis")
    mine = [term for term in homes if term.startswith(f"{axis}=")]
    if len(mine) == 1:
        return axis, mine[0].removeprefix(f"{axis}=")
    near = terms_near(catalog.axes[axis], said)
    if near and not hint:
        hint = f"; did you mean {', '.join(near)}?"
    if hint:
        raise click.UsageError(f"no {axis} term {said!r}{hint}")
    return axis, known(said, (t.id for t in catalog.axes[axis].terms), f"{axis} term")


def _venue(catalog: Catalog, text: str) -> str:
    """Id of a venue, which may be given by any of its names."""
    from surveykit.venue_names import VenueNames

    found = VenueNames(catalog.venues).find(text)
    if found:
        return found.venue
    return known(text, catalog.venues, "venue")


def _years(text: str) -> range:
    first, dash, last = text.partition("-")
    years = first, last if dash else first
    if not all(year.isascii() and year.isdigit() and len(year) == 4 for year in years):
        raise click.UsageError(f"--year {text!r} is neither YEAR nor YEAR-YEAR")
    return range(int(years[0]), int(years[1]) + 1)


def _papers(
    catalog: Catalog, papers: Sequence[Paper], as_json: bool, why: str = ""
) -> int:
    if as_json:
        say_json([_record(paper) for paper in papers])
    elif papers:
        rows = [(p.id, str(p.year), catalog.venue(p).name, p.title.en) for p in papers]
        table(("id", "year", "venue", "title"), rows)
    if not papers:
        note("no paper matches" + (f": {why}" if why else ""))
    return FINE if papers else FOUND


def _record(paper: Paper) -> dict[str, Any]:
    return paper.model_dump(mode="json", exclude_defaults=True)


def _lines(catalog: Catalog, paper: Paper) -> Iterable[tuple[str, str]]:
    from surveykit.render.nearest import because
    from surveykit.render.readme import venue_label

    yield "title", click.style(paper.title.en, bold=True)
    yield "", paper.title.zh
    yield "authors", ", ".join(author.name for author in paper.authors)
    yield "venue", venue_label(catalog, paper, "en")
    yield from paper.identifiers.model_dump(exclude_none=True).items()
    yield from paper.links.model_dump(exclude_none=True).items()
    for axis, terms in paper.terms.items():
        yield axis, ", ".join(catalog.term(axis, term).label.en for term in terms)
    if paper.tldr:
        yield "summary", paper.tldr.en
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


def _citations(papers: Sequence[Paper], style: str, catalog: Catalog) -> str:
    from surveykit.render import bibtex, citation, csl, ris

    if style in ("apa", "gbt7714"):
        write = citation.apa if style == "apa" else citation.gbt7714
        return "\n\n".join(write(paper, catalog) for paper in papers)
    whole = {"bibtex": bibtex.bibliography, "csl": csl.csl_json, "ris": ris.ris}[style]
    return whole(papers, catalog).rstrip("\n")
