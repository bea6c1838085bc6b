"""The links to check: each distinct address once, with every place where it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

from surveykit.errors import Loc
from surveykit.net.hosts import is_placeholder
from surveykit.yaml_tree import Tree, read

if TYPE_CHECKING:  # a list of addresses is checked without the catalog
    from surveykit.catalog import Catalog
    from surveykit.models import Paper

SURVEY_FILE = "catalog/survey.yaml"
LINK_KINDS = (
    "paper",
    "pdf",
    "code",
    "project",
    "slides",
    "video",
    "source",
    "survey",
)
"""What a link may be to an entry; `source` is what a summary or a relation rests on."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address stands."""

    path: str
    """File, relative to the repository; or the list that was given."""
    line: int
    column: int
    kind: str
    """One of LINK_KINDS; empty for a list of links."""
    written: str
    """The address as it stands there, fragment included."""
    loc: Loc = ()
    """Way to the value inside the file."""
    entry: str | None = None
    """Id of the entry."""


@dataclass(frozen=True, slots=True)
class Link:
    """One address, without fragment."""

    url: str
    places: tuple[Place, ...]
    doi: str | None = None
    """DOI whose record proves that the link's paper exists."""
    arxiv: str | None = None
    """arXiv id that does."""

    @property
    def pdf(self) -> bool:
        """Whether a PDF is promised here."""
        return any(place.kind == "pdf" for place in self.places)


def catalog_links(
    catalog: Catalog,
    root: Path,
    *,
    ids: Collection[str] = (),
    kinds: Collection[str] = (),
) -> tuple[Link, ...]:
    """Links of the given entries and kinds; of all where nothing is given."""
    places = list(_catalog_places(catalog, root, ids))
    chosen = [place for place in places if not kinds or place.kind in kinds]
    return _joined(chosen, catalog)


def from_lines(lines: Iterable[str], name: str) -> tuple[Link, ...]:
    """Links of a list with one address a line; empty lines and lines with `#` in front do not count."""
    places = []
    for number, line in enumerate(lines, 1):
        url = line.strip()
        if url and not url.startswith("#"):
            column = line.index(url[0]) + 1
            places.append(Place(name, number, column, "", url))
    return _joined(places, None)


def _catalog_places(
    catalog: Catalog, root: Path, ids: Collection[str]
) -> Iterator[Place]:
    for paper in catalog.papers:
        if not ids or paper.id in ids:
            path, tree = _file(root, catalog.paths[paper.id])
            for kind, loc, url in _paper_urls(paper):
                yield Place(path, *tree.place(loc), kind, url, loc, paper.id)
    if not ids:
        path, tree = _file(root, SURVEY_FILE)
        for kind, loc, url in _survey_urls(catalog):
            yield Place(path, *tree.place(loc), kind, url, loc)


def _paper_urls(paper: Paper) -> Iterator[tuple[str, Loc, str]]:
    for kind, url in paper.links.model_dump(exclude_none=True).items():
        yield kind, ("links", kind), url
    if paper.tldr and _is_url(paper.tldr.source):
        yield "source", ("tldr", "source"), paper.tldr.source
    for index, relation in enumerate(paper.relations):
        if _is_url(relation.source):
            yield "source", ("relations", index, "source"), relation.source


def _survey_urls(catalog: Catalog) -> Iterator[tuple[str, Loc, str]]:
    survey = catalog.survey
    people = enumerate(survey.maintainers)
    found: list[tuple[Loc, str | None]] = [
        (("repository",), survey.repository),
        (("site",), survey.site),
        *((("maintainers", index, "url"), person.url) for index, person in people),
    ]
    for loc, url in found:
        if url and not is_placeholder(url):
            yield "survey", loc, url


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and " " not in text


def _file(root: Path, path: str) -> tuple[str, Tree]:
    return path, read(root / path, root=root)


def _joined(places: Iterable[Place], catalog: Catalog | None) -> tuple[Link, ...]:
    groups: dict[str, list[Place]] = {}
    for place in places:
        groups.setdefault(urldefrag(place.written).url, []).append(place)
    return tuple(_link(url, tuple(places), catalog) for url, places in groups.items())


def _link(url: str, places: tuple[Place, ...], catalog: Catalog | None) -> Link:
    """A DOI speaks for the paper's page; an arXiv id also for a PDF whose address holds it."""
    doi = arxiv = None
    for place in places:
        if catalog and place.entry and place.kind in ("paper", "pdf"):
            known = catalog.by_id[place.entry].identifiers
            doi = doi or (known.doi if place.kind == "paper" else None)
            if known.arxiv and (place.kind == "paper" or known.arxiv in url):
                arxiv = known.arxiv
    return Link(url, places, doi, arxiv)
