"""Rules about who is who: identifiers, titles and ids that two entries must not share."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from rapidfuzz import fuzz, process

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.rules.rule import Finding, Rule, at
from surveykit.text.letters import letters

NEAR = 92
"""Likeness of two folded titles, 0 to 100, from which they are called near-identical."""
MOST_NAMED = 3
"""Other entries that a message names."""
NEIGHBOURS = 24
"""Titles like one that are looked at, and neighbours on each side where there are too many titles to compare them all."""
MOST_WORK = 6_000_000_000
"""Steps of comparing titles, about as many as the processor takes in six seconds: 5,000 titles of 100 letters."""
LONGEST_GIVEN = 40
"""Letters of a given name that are compared."""


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


def _people(papers: Sequence[Paper]) -> list[set[tuple[str, str]]]:
    """Keys of each paper: two share one if, and only if, somebody may have written both.

    `R. J. Example` may be `Ricardo Example`. So a person is filed under the family name with the given name, and with each
    shorter form of it that stands somewhere.
    """
    named = [
        {
            (letters(a.last), letters((a.given or "").split(" ")[0])[:LONGEST_GIVEN])
            for a in paper.authors
        }
        for paper in papers
    ]
    known = {person for people in named for person in people}
    return [
        {
            key
            for last, given in people
            for end in range(len(given) + 1)
            if (key := (last, given[:end])) in known
        }
        for people in named
    ]


def same_title(catalog: Catalog) -> Iterator[Finding]:
    """Entries with the same title and a common author."""
    alike: dict[tuple[str, tuple[str, str]], list[int]] = defaultdict(list)
    for index, people in enumerate(_people(catalog.papers)):
        title = "".join(_title_words(catalog.papers[index]))
        for person in people:
            alike[title, person].append(index)
    found: dict[int, list[Sequence[int]]] = defaultdict(list)
    for group in alike.values():
        for index in group if len(group) > 1 else ():
            found[index].append(group)
    yield from _told(catalog, "is", found)


def near_title(catalog: Catalog) -> Iterator[Finding]:
    """Entries with nearly the same title and a common author, unless a relation says that they are two works.

    All titles of one author are compared with each other, the authors of few first. Where the work is more than `MOST_WORK`,
    the titles of those that are left meet their neighbours in order alone.
    """
    titles = ["".join(_title_words(paper)) for paper in catalog.papers]
    blocks: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, people in enumerate(_people(catalog.papers)):
        for person in people:
            blocks[person].append(index)
    related: dict[str, set[str]] = defaultdict(set)
    for paper in catalog.papers:
        for relation in paper.relations:  # of which one may lead nowhere
            related[paper.id].add(relation.to)
            related[relation.to].add(paper.id)
    found: dict[int, list[Sequence[int]]] = defaultdict(list)
    work = 0
    for block in sorted(set(map(tuple, blocks.values())), key=lambda b: (len(b), b)):
        holders: dict[str, list[int]] = defaultdict(list)
        for index in block:
            holders[titles[index]].append(index)
        work += _work(holders)
        compare = _all if work <= MOST_WORK else _neighbours
        for title, near in compare(list(holders)):
            for index in holders[title]:
                told = related[catalog.papers[index].id]
                for other in near:
                    rest = [n for n in holders[other] if catalog.papers[n].id not in told]  # fmt: skip
                    found[index] += [rest] if rest else []
    yield from _told(catalog, "is nearly", found)


def _work(titles: Collection[str]) -> int:
    """Steps of comparing all titles with each other: a machine word of one, against the letters of the other."""
    longest = max(map(len, titles))
    return len(titles) ** 2 * longest * (longest // 64 + 1) if len(titles) > 1 else 0


def _all(titles: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each title and those most like it."""
    for title in titles if len(titles) > 1 else ():
        likest = process.extract(
            title, titles, scorer=fuzz.ratio, score_cutoff=NEAR, limit=NEIGHBOURS + 1
        )
        yield title, [other for other, _, _ in likest if other != title]


def _neighbours(titles: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The same of those that stand near in order, for a title that is nearly another one begins or ends like it."""
    for order in (sorted(titles), sorted(titles, key=lambda title: title[::-1])):
        for place, title in enumerate(order):
            row = order[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]
            near = (fuzz.ratio(title, o, score_cutoff=NEAR) for o in row)
            yield (
                title,
                [o for o, like in zip(row, near, strict=True) if like and o != title],
            )


def _told(
    catalog: Catalog, text: str, found: Mapping[int, Sequence[Sequence[int]]]
) -> Iterator[Finding]:
    """One finding for each paper, with the first of the others; there may be thousands for each of thousands."""
    for index, groups in sorted(found.items()):
        others: set[int] = set()
        for group in groups:
            others.update(group[: NEIGHBOURS + 1] if len(others) <= NEIGHBOURS else ())
        least = max([len(others | {index}), *map(len, groups)]) - 1
        paper = catalog.papers[index]
        named = [catalog.papers[n] for n in sorted(others - {index})[:MOST_NAMED]]
        ids = ", ".join(other.id for other in named)
        more = f" and {least - len(named)} more" if least > len(named) else ""
        message = f"title {text} that of {ids}{more}, with a common author; merge, or tell them apart"
        if named:
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
        "# a.yaml, venue: arxiv\ntitle: {en: Growing Mushrooms}\n# b.yaml, venue: tifs\ntitle: {en: Growing mushrooms}",
        "# b.yaml, venue: tifs\ntitle: {en: Growing Mushrooms}\nidentifiers:\n  arxiv: '2303.15180'",
        same_title,
    ),
    Rule(
        "SK306",
        "a former id leads to one entry",
        "The website sends readers from the former id to the entry; the id of another entry would never be reached.",
        "id: holt2023finding\nformer_ids: [holt2023finding]",
        "id: holt2023finding\nformer_ids: [holt2023caps]",
        former_ids,
    ),
    Rule(
        "SK401",
        "nearly the same title with a common author is one paper",
        "Usually the preprint and the published version under a slightly changed title. Merge the entries; if they are two works, a relation of one to the other says so. All titles of an author are compared with each other; where one author has more than about 5,000, each is compared with its neighbours in order alone.",
        "Growing Mushrooms: A Study\nGrowing Mushrooms, a Study",
        "Growing Mushrooms: A Study",
        near_title,
    ),
    Rule(
        "SK402",
        "an id begins with the first author's family name and the year",
        "The id is also the BibTeX key and the address of the page, so it should be guessable: family name, year, first significant word, in ASCII lower case. An id stays when the year of a paper moves by up to three years.",
        "id: smith2023detecting   # first author Shiwei Feng",
        "id: holt2023finding",
        unlike_id,
    ),
)
