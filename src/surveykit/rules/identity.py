"""Rules about who is who: identifiers, titles and ids that two entries must not share."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

from rapidfuzz import fuzz

from surveykit.catalog import Catalog
from surveykit.models import Author, Paper
from surveykit.rules.rule import Finding, Rule, at
from surveykit.text.letters import letters

NEAR = 92
"""Likeness of two folded titles, 0 to 100, from which they are called near-identical."""
MOST_NAMED = 3
"""Other entries that a message names."""
NEIGHBOURS = 24
"""Entries of one author with a word in common, up to which all are compared with each other."""


def _others(paper: Paper, papers: Sequence[Paper]) -> str:
    """Ids of the other papers of a group, for a message that stays short where there are thousands."""
    few = [p.id for p in papers[: MOST_NAMED + 1] if p is not paper][:MOST_NAMED]
    more = len(papers) - 1 - len(few)
    return ", ".join(few) + (f" and {more} more" if more else "")


def _shared(catalog: Catalog, scheme: str, named: str) -> Iterator[Finding]:
    owners: dict[str, list[Paper]] = defaultdict(list)
    for paper in catalog.papers:
        if value := getattr(paper.identifiers, scheme):
            owners[value.casefold() if scheme == "doi" else value].append(paper)
    for papers in owners.values():
        for paper in papers if len(papers) > 1 else ():
            value = getattr(paper.identifiers, scheme)
            message = f"{named} {value!r} is also that of {_others(paper, papers)}; correct one or merge"
            yield at(catalog, paper, ("identifiers", scheme), message)


def shared_arxiv(catalog: Catalog) -> Iterator[Finding]:
    """Entries that share an arXiv id."""
    return _shared(catalog, "arxiv", "arXiv id")


def shared_doi(catalog: Catalog) -> Iterator[Finding]:
    """Entries that share a DOI, whatever its case."""
    return _shared(catalog, "doi", "DOI")


def shared_openreview(catalog: Catalog) -> Iterator[Finding]:
    """Entries that share an OpenReview id."""
    return _shared(catalog, "openreview", "OpenReview id")


def former_ids(catalog: Catalog) -> Iterator[Finding]:
    """Former ids that are the id of an entry, or a former id of another one."""
    owners: dict[str, list[Paper]] = defaultdict(list)
    for paper in catalog.papers:
        for id_ in dict.fromkeys(paper.former_ids):
            owners[id_].append(paper)
    for paper in catalog.papers:
        times = Counter(paper.former_ids)
        for index, id_ in enumerate(paper.former_ids):
            shared = len(owners[id_]) > 1
            if id_ in catalog.paths or shared or times[id_] > 1:
                who = _others(paper, owners[id_]) if shared else "another entry"
                if not shared and id_ == paper.id:
                    who = "this entry"
                message = (
                    f"{id_!r} is also an id of {who}; an address leads to one entry"
                )
                yield at(catalog, paper, ("former_ids", index), message)


def shared_acl(catalog: Catalog) -> Iterator[Finding]:
    """Entries that share an ACL Anthology id."""
    return _shared(catalog, "acl", "ACL Anthology id")


def _title_words(paper: Paper) -> list[str]:
    return [w for w in map(letters, paper.title.en.split()) if w]


def _author_keys(paper: Paper) -> Iterable[str]:
    return {letters(a.last) + letters(a.given or "")[:1] for a in paper.authors}


def _common_author(a: Paper, b: Paper) -> bool:
    """Whether somebody wrote both; `R. J. Example` may be `Ricardo Example`."""
    return any(
        letters(x.last) == letters(y.last) and _same_given(x, y)
        for x in a.authors
        for y in b.authors
    )


def _same_given(x: Author, y: Author) -> bool:
    one, two = (letters((n.given or "").split(" ")[0]) for n in (x, y))
    return one.startswith(two) or two.startswith(one)


def same_title(catalog: Catalog) -> Iterator[Finding]:
    """Entries with the same title and a common author."""
    blocks: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, paper in enumerate(catalog.papers):
        title = "".join(_title_words(paper))
        for name in {letters(author.last) for author in paper.authors}:
            blocks[title, name].append(index)
    given = [
        sorted(letters(author.given or "") for author in paper.authors)
        for paper in catalog.papers
    ]
    pairs = _pairs(blocks.values(), [given.__getitem__])
    yield from _both_ways(catalog, "is", pairs)


def near_title(catalog: Catalog) -> Iterator[Finding]:
    """Entries with nearly the same title and a common author.

    Only pairs that share an author and one of the three longest words of the title are compared, so
    the cost follows the number of entries, not its square.
    """
    blocks: dict[tuple[str, str], list[int]] = defaultdict(list)
    titles = []
    for index, paper in enumerate(catalog.papers):
        words = _title_words(paper)
        titles.append("".join(words))
        longest = sorted(set(words), key=lambda w: (-len(w), w))[:3]
        for author in _author_keys(paper):
            for word in longest:
                blocks[author, word].append(index)
    # A title that is nearly another one begins or ends like it.
    orders = [titles.__getitem__, lambda index: titles[index][::-1]]
    pairs = (
        (one, two)
        for one, two in _pairs(blocks.values(), orders)
        if 0 < fuzz.ratio(titles[one], titles[two], score_cutoff=NEAR) < 100
    )
    yield from _both_ways(catalog, "is nearly", pairs)


def _pairs(
    blocks: Iterable[list[int]], orders: Sequence[Callable[[int], Any]]
) -> list[tuple[int, int]]:
    """Pairs within blocks; in a large one, of neighbours in each order."""
    pairs: set[tuple[int, int]] = set()
    for block in blocks:
        if len(block) <= NEIGHBOURS:
            pairs.update(combinations(block, 2))
            continue
        for order in orders:
            row = sorted(block, key=order)
            for place, one in enumerate(row):
                after = row[place + 1 : place + 1 + NEIGHBOURS]
                pairs.update((min(one, two), max(one, two)) for two in after)
    return sorted(pairs)


def _both_ways(
    catalog: Catalog, text: str, pairs: Iterable[tuple[int, int]]
) -> Iterator[Finding]:
    """One finding for each paper of the pairs that have an author in common."""
    like: dict[int, list[Paper]] = defaultdict(list)
    for one, two in pairs:
        a, b = catalog.papers[one], catalog.papers[two]
        if _common_author(a, b):
            like[one].append(b)
            like[two].append(a)
    for index, others in sorted(like.items()):
        paper = catalog.papers[index]
        message = f"title {text} that of {_others(paper, [paper, *others])}, with a common author; merge, or tell them apart"
        yield at(catalog, paper, ("title", "en"), message)


def unlike_id(catalog: Catalog) -> Iterator[Finding]:
    """Ids that do not begin with the first author's family name and a near year."""
    for paper in catalog.papers:
        first = paper.authors[0]
        name, year = re.fullmatch(r"([a-z]+)([0-9]{4}).*", paper.id).groups()  # type: ignore[union-attr]  # PaperId has this form
        families = {letters(first.last), letters(first.family or first.last)}
        ascii_names = {re.sub("[^a-z]", "", family) for family in families}
        if not any(
            n and (n.startswith(name) or name.startswith(n)) for n in ascii_names
        ):
            message = f"id {paper.id!r} does not begin with the first author's name, {first.last!r}"
            yield at(catalog, paper, ("id",), message)
        elif abs(int(year) - paper.year) > 3:
            message = (
                f"id {paper.id!r} says {year}, the entry {paper.year}; correct one"
            )
            yield at(catalog, paper, ("id",), message)


_TWO = "Two papers never share {}; one of the two entries copied it from the other, or both are one paper. Look it up and correct the wrong one, or merge the entries."

RULES = (
    Rule(
        "SK301",
        "an arXiv id belongs to one entry",
        _TWO.format("an arXiv id"),
        "# a.yaml and b.yaml\nidentifiers:\n  arxiv: '2303.15180'",
        "# a.yaml\nidentifiers:\n  arxiv: '2303.15180'\n# b.yaml\nidentifiers:\n  arxiv: '2307.10934'",
        shared_arxiv,
    ),
    Rule(
        "SK302",
        "a DOI belongs to one entry",
        _TWO.format("a DOI") + " Case does not matter in a DOI.",
        "# a.yaml\ndoi: 10.5555/AB.1\n# b.yaml\ndoi: 10.5555/ab.1",
        "# a.yaml\ndoi: 10.5555/AB.1\n# b.yaml\ndoi: 10.5555/ab.2",
        shared_doi,
    ),
    Rule(
        "SK303",
        "an OpenReview id belongs to one entry",
        _TWO.format("an OpenReview id"),
        "# a.yaml and b.yaml\nopenreview: iC4UHbQ01Mp",
        "# a.yaml\nopenreview: iC4UHbQ01Mp",
        shared_openreview,
    ),
    Rule(
        "SK304",
        "an ACL Anthology id belongs to one entry",
        _TWO.format("an ACL Anthology id"),
        "# a.yaml and b.yaml\nacl: 2020.acl-main.249",
        "# a.yaml\nacl: 2020.acl-main.249",
        shared_acl,
    ),
    Rule(
        "SK305",
        "a title with the same author stands in the catalog once",
        "The preprint and the published version of a paper are one entry: keep the published version and put the arXiv id under `identifiers`.",
        "# a.yaml, venue: arxiv\ntitle: {en: Guarding Encoders}\n# b.yaml, venue: tifs\ntitle: {en: Guarding encoders}",
        "# b.yaml, venue: tifs\ntitle: {en: Guarding Encoders}\nidentifiers:\n  arxiv: '2303.15180'",
        same_title,
    ),
    Rule(
        "SK306",
        "a former id leads to one entry",
        "The website sends readers from the former id to the entry; the id of another entry would never be reached.",
        "id: feng2023detecting\nformer_ids: [feng2023detecting]",
        "id: feng2023detecting\nformer_ids: [feng2023backdoors]",
        former_ids,
    ),
    Rule(
        "SK401",
        "nearly the same title with a common author is one paper",
        "Usually the preprint and the published version under a slightly changed title. Merge the entries; if they are two works, nothing is wrong.",
        "Guarding Encoders: A Study\nGuarding Encoders, a Study",
        "Guarding Encoders: A Study",
        near_title,
    ),
    Rule(
        "SK402",
        "an id begins with the first author's family name and the year",
        "The id is also the BibTeX key and the address of the page, so it should be guessable: family name, year, first significant word, in ASCII lower case. An id stays when the year of a paper moves by up to three years.",
        "id: smith2023detecting   # first author Shiwei Feng",
        "id: feng2023detecting",
        unlike_id,
    ),
)
