"""Writes pairs.json and held_out.json: pairs of works that are, or are not, the same paper, made from the catalog.

    python tests/duplicates/make_pairs.py [held-out]

Rules and thresholds were chosen with pairs.json and further seeds (9 to 12, 2026); held_out.json is of a seed that was
looked at once, when they were fixed, and holds none of the pairs of pairs.json. Its works are of the same catalog.
The same catalog and seed give the same bytes. Identifiers are left out on most pairs, so that titles, authors and
years have to do the work.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from surveykit.catalog import Catalog
from surveykit.load import load_catalog
from surveykit.models import Author, Paper
from surveykit.render.bibtex import protected
from surveykit.text.letters import tidy

HERE = Path(__file__).parent
HELD_OUT = 20261121
"""Seed of held_out.json."""
EACH = 22
"""Pairs of each kind, as far as the catalog has them."""

Work = dict[str, Any]
Change = Callable[[Work, random.Random], Work | None]


def work(paper: Paper) -> Work:
    """What a list would say of a paper."""
    authors = [
        a.model_dump(exclude_none=True, exclude={"han", "orcid"}) for a in paper.authors
    ]
    return {"title": paper.title.en, "authors": authors, "year": paper.year}


def mojibake(one: Work, chance: random.Random) -> Work | None:
    text = json.dumps(one, ensure_ascii=False)
    if text.isascii():
        return None
    return json.loads(
        tidy(text.encode().decode(chance.choice(["mac_roman", "latin-1"])))
    )


def subtitle_dropped(one: Work, _: random.Random) -> Work | None:
    head, colon, _ = one["title"].partition(": ")
    return one | {"title": head} if colon and len(head) > 5 else None


def name_dropped(one: Work, _: random.Random) -> Work | None:
    _, colon, rest = one["title"].partition(": ")
    return one | {"title": rest} if colon and len(rest.split()) > 3 else None


def latex(one: Work, _: random.Random) -> Work:
    return one | {"title": protected(one["title"])}


def case(one: Work, chance: random.Random) -> Work:
    change = chance.choice([str.upper, str.lower, str.capitalize, str.title])
    return one | {"title": change(one["title"])}


def published(one: Work, chance: random.Random) -> Work:
    """The preprint, one or two years earlier, before its title was polished."""
    words = one["title"].split()
    change = chance.choice(
        [lambda: words, lambda: [*words, "Models"], lambda: ["Towards", *words]]
    )
    number = f"{one['year'] % 100:02}01.{chance.randrange(10_000):05}"
    return one | {
        "title": " ".join(change()),
        "year": one["year"] - chance.choice([1, 2]),
        "arxiv": number,
    }


def initials(one: Work, _: random.Random) -> Work:
    def short(author: Work) -> Work:
        given = " ".join(f"{part[0]}." for part in author.get("given", "").split())
        return author | {"given": given} if given else author

    return one | {"authors": [short(a) for a in one["authors"]]}


def misprint(one: Work, chance: random.Random) -> Work:
    title = one["title"]
    at = chance.randrange(1, len(title) - 2)
    return one | {"title": title[:at] + title[at + 1] + title[at] + title[at + 2 :]}


def hyphens(one: Work, _: random.Random) -> Work | None:
    title = (
        one["title"]
        .replace("pre-trained", "pretrained")
        .replace("Pre-trained", "Pretrained")
    )
    title = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", title)
    return one | {"title": title} if title != one["title"] else None


def without_authors(one: Work, _: random.Random) -> Work | None:
    return one | {"authors": []} if len(one["title"].split()) > 4 else None


def and_others(one: Work, _: random.Random) -> Work | None:
    return one | {"authors": one["authors"][:2]} if len(one["authors"]) > 3 else None


def spaces(one: Work, _: random.Random) -> Work:
    return one | {"title": re.sub(r"[:,?!–—-]+\s*", " ", one["title"]).strip()}


SAME: tuple[Change, ...] = (
    mojibake, subtitle_dropped, name_dropped, latex, case, published, initials, misprint, hyphens, without_authors,
    and_others, spaces,
)  # fmt: skip


def other_authors(one: Work, chance: random.Random, others: list[Work]) -> Work:
    """The same title, of other people: there are several "Adversarial Training"."""
    names = {a.get("family") for a in one["authors"]}
    far = [o for o in others if not names & {a.get("family") for a in o["authors"]}]
    other = chance.choice(far)
    return one | {"authors": other["authors"], "year": other["year"]}


def next_part(one: Work, chance: random.Random, _: list[Work]) -> Work:
    """A later part of a series by the same people."""
    return one | {
        "title": f"{one['title']} {chance.choice(['II', '2', 'Part 2', 'III'])}",
        "year": one["year"] + 1,
    }


def other_object(one: Work, chance: random.Random, _: list[Work]) -> Work | None:
    """The same people do the same to something else in the same year."""
    words = one["title"].split()
    if len(words) < 6:
        return None
    other = chance.choice(
        ["Speech Recognition Systems", "Graph Neural Networks", "Recommender Systems"]
    )
    return one | {"title": " ".join([*words[:-3], other])}


def other_number(one: Work, _: random.Random, __: list[Work]) -> Work:
    """The same title and people, but each has its own arXiv id: two papers of a series."""
    return one | {"arxiv": "2001.00001"}


def pairs(
    catalog: Catalog, chance: random.Random, seen: list[Work] | None = None
) -> Iterator[Work]:
    """All pairs, by kind, but for those that were `seen`."""
    known = {json.dumps(pair, ensure_ascii=False) for pair in seen or []}
    works = [work(paper) for paper in catalog.papers]
    for change in SAME:
        shuffled = chance.sample(works, len(works))
        made = ((one, change(one, chance)) for one in shuffled)
        yield from _some(change.__name__, True, ((a, b) for a, b in made if b), known)
    for make in (other_authors, next_part, other_object):
        shuffled = chance.sample(works, len(works))
        made = ((one, make(one, chance, works)) for one in shuffled)
        yield from _some(make.__name__, False, ((a, b) for a, b in made if b), known)
    numbered = (
        (one | {"arxiv": "2002.00002"}, other_number(one, chance, works))
        for one in works
    )
    yield from _some("other_number", False, numbered, known)
    near = (
        (work(a), work(b))
        for a, b in combinations(catalog.papers, 2)
        if abs(a.year - b.year) <= 1 and len(_names(a) & _names(b)) > 1
    )
    yield from _some("same_group", False, near, known, 4 * EACH)


def _names(paper: Paper) -> set[str]:
    return {author.name for author in paper.authors}


def _some(
    kind: str,
    same: bool,
    found: Iterator[tuple[Work, Work]],
    seen: set[str],
    most: int = EACH,
) -> Iterator[Work]:
    made = (
        {"kind": kind, "same": same, "a": _short(a), "b": _short(b)} for a, b in found
    )
    fresh = (p for p in made if json.dumps(p, ensure_ascii=False) not in seen)
    yield from islice(fresh, most)


def _short(one: Work) -> Work:
    """Authors as strings where that says the same."""
    names = [_plain(author) for author in one["authors"]]
    return one | {"authors": names}


def _plain(author: Work) -> str | Work:
    plain = Author(**author).name
    simple = author.keys() == {"given", "family"} and " " not in author["family"]
    return plain if simple else author


def main() -> None:
    """Write one of the files, one pair a line."""
    catalog = load_catalog(HERE.parents[1])
    if "held-out" in sys.argv[1:]:
        seen = json.loads((HERE / "pairs.json").read_text(encoding="utf-8"))
        _write("held_out.json", pairs(catalog, random.Random(HELD_OUT), seen))
    else:
        _write("pairs.json", pairs(catalog, random.Random(8)))


def _write(name: str, found: Iterable[Work]) -> None:
    lines = [json.dumps(pair, ensure_ascii=False) for pair in found]
    (HERE / name).write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
