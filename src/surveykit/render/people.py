"""Who wrote the papers: one entry for each name, with an address that stays the same."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surveykit.catalog import Catalog
from surveykit.models import Author, Paper
from surveykit.text.letters import fold

LEAST = 2
"""Papers that a name needs for a page of its own."""
_LONGEST = 60
"""Characters of a slug; an institution may have a long name."""


@dataclass(frozen=True)
class Byline:
    """A name as papers print it. Two people may share it, and one person may have two."""

    name: str
    """Given name first."""
    slug: str
    """Last part of the address of the page, in ASCII."""
    sort: str
    """The name as a list is sorted, family name first; folded."""
    han: tuple[str, ...]
    """Chinese forms of the name that entries give; two of them are two people."""
    orcids: tuple[str, ...]
    """ORCID iDs that entries give."""
    identified: bool
    """Whether all papers carry the same ORCID iD: then they are one person's."""
    papers: tuple[Paper, ...]
    """Newest first."""

    @property
    def path(self) -> str | None:
        """Address of the page below the root of the site; None for a name without one."""
        return f"authors/{self.slug}/" if len(self.papers) >= LEAST else None

    @property
    def initial(self) -> str:
        """Latin letter under which the name stands in a list; `#` for all other scripts."""
        first = self.sort[:1].upper()
        return first if "A" <= first <= "Z" else "#"

    @property
    def span(self) -> str:
        """Years of publication, `2021–25`."""
        first, last = self.papers[-1].year, self.papers[0].year
        return str(first) if first == last else f"{first}–{last % 100:02}"


def people(catalog: Catalog) -> Mapping[str, Byline]:
    """Name -> byline, in the order of family names; other scripts behind Latin letters."""
    signed: dict[str, list[tuple[Author, Paper]]] = defaultdict(list)
    for paper in catalog.papers:
        for author in dict.fromkeys(paper.authors):
            signed[author.name].append((author, paper))
    slugs = _slugs({name: [p for _, p in each] for name, each in signed.items()})
    found = [_person(name, slugs[name], each) for name, each in signed.items()]
    found.sort(key=lambda p: (p.initial == "#", p.sort, p.name))
    return {person.name: person for person in found}


def _person(name: str, slug: str, signed: list[tuple[Author, Paper]]) -> Byline:
    authors = [author for author, _ in signed]
    orcids = tuple(dict.fromkeys(a.orcid for a in authors if a.orcid))
    return Byline(
        name,
        slug,
        fold(f"{authors[0].last} {authors[0].given or ''}".strip()),
        tuple(dict.fromkeys(a.han for a in authors if a.han)),
        orcids,
        len(orcids) == 1 and all(a.orcid for a in authors),
        tuple({paper.id: paper for _, paper in signed}.values()),
    )


def _slugs(papers: Mapping[str, Iterable[Paper]]) -> dict[str, str]:
    """A slug for each name: its letters in ASCII.

    Where two names have the same letters, the one that came into the catalog first keeps them, so that its address stays; the others
    get a mark made of the name alone. So does a name without Latin letters.
    """
    same: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, signed in papers.items():
        first = min(paper.added for paper in signed).isoformat()
        same[_ascii(name)].append((first, name))
    slugs = {}
    for plain, names in same.items():
        for place, (_, name) in enumerate(sorted(names)):
            own = place == 0 and plain not in ("", "index") and len(plain) <= _LONGEST
            slugs[name] = plain if own else _marked(plain, name)
    return slugs


def _marked(plain: str, name: str) -> str:
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain[:_LONGEST].rstrip('-') or 'name'}-{mark}"


def _ascii(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", fold(name).replace("'", "")).strip("-")
