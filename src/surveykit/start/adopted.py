"""A list that exists already -> topics made of its headings, its venues, and an entry for each paper that says enough."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from surveykit.catalog import Catalog
from surveykit.draft import Draft, Drafter
from surveykit.errors import MachineError, plural
from surveykit.imports.review import review
from surveykit.imports.run import read_file
from surveykit.imports.segments import is_date, is_tag, is_venue, year_in
from surveykit.kit import Kit
from surveykit.record import Record
from surveykit.references.reading import Anomaly, ReadEntry, Reading
from surveykit.scalars import TODO_TERM
from surveykit.start.wish import Called, Topic, Wish, slug
from surveykit.text.markdown import escape
from surveykit.vocabulary import Survey, Taxonomy, Venue

UNSORTED = Topic(
    "unsorted",
    Called("Unsorted", "未分类"),
    "Papers that the list has under no heading.",
)
MOST_KEYWORDS = 12
"""Topics that keywords of references give at most; headings of a list give as many as there are."""
_PREPRINT = re.compile(r"(?i)\b(arxiv|corr|biorxiv|medrxiv|ssrn|preprint)\b")
_JOURNAL = re.compile(r"(?i)\b(journal|transactions|letters|magazine|review|annals)\b")
_ARXIV = Venue.model_validate(
    {"id": "arxiv", "name": "arXiv", "full": {"en": "arXiv", "zh": "arXiv"}, "kind": "preprint", "aliases": ["CoRR"]}
)  # fmt: skip


@dataclass(frozen=True)
class Waiting:
    """A paper of the list that no entry can be made of yet."""

    line: int
    title: str
    lacks: tuple[str, ...]
    """Fields that the list does not tell."""
    address: str
    """What `surveykit add` can look it up by; empty where the list has nothing of the kind."""


@dataclass(frozen=True)
class Adopted:
    """What a list gives."""

    wish: Wish
    texts: dict[str, str]
    """Path -> text of the entries, of the report and of the list of papers to look up."""
    papers: int
    """Papers that the list has."""
    entries: int
    waiting: tuple[Waiting, ...]
    anomalies: tuple[Anomaly, ...]


def adopt(path: Path, wish: Wish) -> Adopted:
    """Read a list and make the wish its own. Raises MachineError for a file without papers."""
    reading = read_file(path)
    if not reading.found:
        raise MachineError(f"{path}: no paper was found in it")
    shelves = _shelves(reading)
    topics, groups = _axes(shelves)
    wish = replace(wish, axes="topics", topics=topics, groups=groups)
    venues = _venues([found.record for found in reading.found])
    catalog = _catalog(wish, venues)
    reviewed = review(reading, catalog)
    drafter, texts, used = Drafter(catalog, wish.today), {}, Counter[str]()
    waiting: list[Waiting] = []
    ids: set[str] = set()
    for found in reviewed.new:
        draft = _decided(drafter.draft([found.record], ids), wish, shelves[found.line])
        draft = _placed(draft, found.record, catalog)
        if draft.todo:
            waiting.append(_waiting(found, draft))
            continue
        ids.add(draft.id)
        texts[draft.path] = draft.text
        used[str(draft.data["venue"])] += 1
    wish = replace(
        wish,
        examples=False,
        venues=_venue_file([v for v in venues if used[v.id] or v.id == "arxiv"], wish),
    )
    noted = tuple(sorted(set(reading.anomalies)))
    whole = Adopted(wish, texts, len(reading.found), len(texts), tuple(waiting), noted)
    if addresses := [one.address for one in waiting if _plain(one.address)]:
        texts["TO-ADD.txt"] = "".join(f"{address}\n" for address in addresses)
    texts["IMPORTED.md"] = _report(whole, path.name, len(reviewed.known))
    return whole


Topics = tuple[Topic, ...]
Shelf = tuple[str, ...]
"""The headings under which a paper stands, those left out that say a year or a venue, outermost first."""


def _shelves(reading: Reading) -> dict[int, Shelf]:
    """Line of each paper -> its shelf."""
    told = {f.line: tuple(filter(_is_topic, f.record.headings)) for f in reading.found}
    if _nested(reading):
        deep = any(len(shelf) > 1 for shelf in told.values())
        if deep and len({shelf[:1] for shelf in told.values()}) == 1:
            told = {line: shelf[1:] for line, shelf in told.items()}  # the list's name
        return told
    known = Counter(word for shelf in told.values() for word in shelf)
    top = {w for w, n in known.most_common(MOST_KEYWORDS) if n > 1}
    return {
        line: tuple(sorted(top & set(shelf), key=lambda w: (-known[w], w)))[:1]
        for line, shelf in told.items()
    }


def _nested(reading: Reading) -> bool:
    """Whether headings are those of sections, and not keywords of references."""
    references = (".bib", ".bibtex", ".json", ".ris", ".csv", ".tsv")
    return not reading.source.lower().endswith(references)


def _is_topic(heading: str) -> bool:
    dated = is_date(heading) or (is_tag(heading) and is_venue(heading))
    return not dated and bool(slug(heading) or heading.strip())


def _axes(shelves: Mapping[int, Shelf]) -> tuple[Topics, Topics]:
    """Topics, and groups where a third of the papers stand below a second heading."""
    tops = list(dict.fromkeys(shelf[0] for shelf in shelves.values() if shelf))
    seconds = list(dict.fromkeys(s[1] for s in shelves.values() if len(s) > 1))
    deep = sum(len(shelf) > 1 for shelf in shelves.values())
    bare = any(not shelf for shelf in shelves.values()) or not tops
    topics = (*_terms(tops), *([UNSORTED] if bare else []))
    if len(seconds) < 2 or deep * 3 < len(shelves):
        return topics, ()
    rest = [UNSORTED] if deep < len(shelves) else []
    return topics, (*_terms(seconds), *rest)


def _terms(headings: Sequence[str]) -> Iterator[Topic]:
    taken: set[str] = {UNSORTED.id}
    for place, heading in enumerate(headings, 1):
        name = slug(heading) or f"topic-{place}"
        while name in taken:
            name = f"{name}-{place}"
        taken.add(name)
        said = f"Papers that the list has under “{heading}”; to be replaced by a sentence that says what belongs here."
        yield Topic(name, Called(heading, heading), said)


def _decided(draft: Draft, wish: Wish, shelf: Shelf) -> Draft:
    """The draft with what the list decides: terms by its headings, no second language where there is none."""
    data = {**draft.data, "terms": {"topic": [_term(wish.topics, shelf[:1])]}}
    if wish.groups:
        data["terms"]["technique"] = [_term(wish.groups, shelf[1:2])]
    if "zh" in wish.languages:
        data["title"] = {**draft.data["title"], "zh": draft.data["title"]["en"]}
    data.pop("aka", None)
    return draft.decided(data)


def _placed(draft: Draft, record: Record, catalog: Catalog) -> Draft:
    """The draft with the venue that was made of the list's own words, where those name no other one."""
    id_ = slug(_bare(record.venue_text or ""))
    if draft.data["venue"] != TODO_TERM or id_ not in catalog.venues:
        return draft
    return draft.decided({**draft.data, "venue": id_})


def _term(topics: Sequence[Topic], heading: Shelf) -> str:
    return next((t.id for t in topics if (t.name.en,) == heading), UNSORTED.id)


def _waiting(found: ReadEntry, draft: Draft) -> Waiting:
    record = found.record
    names = (record.arxiv, record.doi, record.acl, record.openreview and f"https://openreview.net/forum?id={record.openreview}", record.paper_url, record.pdf_url)  # fmt: skip
    address = next((name for name in names if name), "")
    lacks = [name.partition(".")[0] for name in draft.todo]
    return Waiting(found.line, record.title, tuple(dict.fromkeys(lacks)), address)


def _venues(records: Sequence[Record]) -> list[Venue]:
    """Every venue that the list names, as far as its name alone tells of it."""
    made = {"arxiv": _ARXIV}
    for record in records:
        text = _bare(record.venue_text or "")
        if not text or _PREPRINT.search(text):
            continue
        id_ = slug(text)
        if id_ and id_ not in made:
            journal = record.kind == "journal" or bool(_JOURNAL.search(text))
            made[id_] = Venue.model_validate(
                {
                    "id": id_,
                    "name": text,
                    "full": {"en": text, "zh": text},
                    "kind": "journal" if journal else "conference",
                }
            )
    return list(made.values())


def _bare(text: str) -> str:
    """A venue's name without its year: `ICML 2021`, `ICML'21` and `2021 ICML` are `ICML`."""
    year = year_in(text)
    if year:
        text = re.sub(rf"[,(]?\s?(?:{year}|['’]{year % 100:02})\)?", " ", text)
    text = re.sub(
        r"(?i)^(?:in\s+)?proceedings of (?:the )?", "", " ".join(text.split())
    )
    return text.strip(" ,.;:()[]*_")


def _venue_file(venues: Sequence[Venue], wish: Wish) -> str:
    lines = [
        "# Where papers appear, as the imported list names it; full names and kinds are to be looked up."
    ]
    for venue in venues:
        full = {lang: venue.full.in_(lang) for lang in wish.languages}
        told = ", ".join(f"{lang}: {_q(text)}" for lang, text in full.items())
        lines += [
            f"- id: {venue.id}",
            f"  name: {_q(venue.name)}",
            f"  full: {{{told}}}",
            f"  kind: {venue.kind}",
        ]
        lines += (
            [f"  aliases: [{', '.join(map(_q, venue.aliases))}]"]
            if venue.aliases
            else []
        )
    return "\n".join(lines) + "\n"


def _q(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _catalog(wish: Wish, venues: Sequence[Venue]) -> Catalog:
    """A catalog without entries, by which the importer finds venues and repeated papers."""
    return Catalog(
        Survey.model_construct(),
        Taxonomy(axes=(), relations=()),
        {venue.id: venue for venue in venues},
        (),
        kit=Kit(languages=wish.languages),
    )


def _plain(address: str) -> bool:
    """Whether an address is safe in quotes of a shell, and for `xargs`."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9:/.?=_()&%~+-]*", address))


def _report(adopted: Adopted, name: str, known: int) -> str:
    return "\n".join(_reported(adopted, name, known)) + "\n"


def _reported(adopted: Adopted, name: str, known: int) -> Iterator[str]:
    yield f"# What came of {escape(name)}\n"
    yield "Delete this file once nothing in it is left to do.\n"
    again = f", {plural(known, 'paper')} listed twice" if known else ""
    yield f"{plural(adopted.papers, 'paper')}: {plural(adopted.entries, 'entry')} written{again}, {len(adopted.waiting)} to look up.\n"
    if adopted.waiting:
        yield "## To look up\n"
        yield "The list does not say enough of these. `surveykit add` looks them up, all at once by `xargs surveykit add < TO-ADD.txt`:\n"
        yield "| line | paper | not told | command |\n| ---: | --- | --- | --- |"
        for one in adopted.waiting:
            plain = _plain(one.address)
            command = f"`surveykit add '{one.address}'`" if plain else ""
            yield f"| {one.line} | {escape(one.title)} | {', '.join(one.lacks)} | {command} |"
        yield ""
    if adopted.anomalies:
        yield "## What looked wrong in the list\n"
        yield from (
            f"- line {a.line}: {escape(a.kind)}: {escape(a.message)}"
            for a in adopted.anomalies
        )
