"""What the search of the site knows, as data for `site/assets/search.js`: one text for header, home page and paper table."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from opencc import OpenCC

from surveykit.models import Bilingual, Paper
from surveykit.render.pages import documents, lifecycle, reading
from surveykit.render.pages.page import Press

FILE = "search-index.js"
"""Below the root of each language; fetched once somebody searches. A script, since pages opened as files may load no data."""
ANSWERING = {
    "attacks": "break bypass evade 绕过",
    "defends-against": "mitigate 抵御 抵抗 缓解",
    "detects": "",
    "extends": "improve 改进",
}
"""Relations that a search knows, with words by which people ask for them beside label and role: "defense NAME" finds what
answers it; who merely evaluates it is not meant."""
STOP = frozenset(
    """a an and are as at be been but by can do does for from has have how in into is it its more not of on or than that the their
    them there these they this to under using via was what when where which while who why with without
    paper papers
    的 了 和 与 及 在 是 对 如何 什么 哪些 怎样 怎么 有 吗 谁 论文""".split()
)
"""Words that tell nothing, left out of the index and of what is asked."""
_BETWEEN = re.compile(r"[的了和与及在是对并将其等，。；：、（）“”《》—·]+")
_CVF = re.compile(
    r"openaccess\.thecvf\.com/content/?(\w+)/(?:\w+/)*?((?:[^_/]+_){3}[^_/]+)_"
)
_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")


def search_js(press: Press) -> str:
    """Papers in the order of the catalog, then what leads to groups of them.

    Names and terms stand once and are named by their numbers, so that a thousand papers stay below 250 KB compressed.
    """
    catalog = press.catalog
    names: dict[tuple[str, str | None], int] = {}
    terms = {key: number for number, key in enumerate(catalog.terms)}
    venues = {venue: number for number, venue in enumerate(catalog.by_venue)}
    place = {paper.id: number for number, paper in enumerate(catalog.papers)}
    known = {kind.id for kind in catalog.taxonomy.relations}
    order = [type_ for type_ in ANSWERING if type_ in known]

    def paper_row(paper: Paper) -> list[Any]:
        return [
            paper.id,
            *_both(press, paper.title),
            list(paper.aka),
            [names.setdefault((a.name, a.han), len(names)) for a in paper.authors],
            _numbers(paper),
            [terms[axis, t] for axis, ts in paper.terms.items() for t in ts],
            venues[paper.venue],
            paper.year,
            [
                (order.index(r.type), place[r.to])
                for r in paper.relations
                if r.type in order
            ],
            _telling(press.text(paper.tldr), press.text(paper.title))
            if paper.tldr
            else "",
        ]

    def term_row(key: tuple[str, str]) -> list[Any]:
        axis, term = key[0], catalog.terms[key]
        wider = terms[axis, term.parent] if term.parent else -1
        words = (*_both(press, term.label), *term.aliases.en, *term.aliases.zh)
        return [axis, term.id, wider, *dict.fromkeys(words)]

    def venue_row(venue: str) -> list[str]:
        known = catalog.venues[venue]
        return [venue, known.name, *dict.fromkeys(_both(press, known.full)), *known.aliases]  # fmt: skip

    data = {
        "papers": [paper_row(paper) for paper in catalog.papers],
        "names": [_name(press, name, han) for name, han in names],
        "terms": [term_row(key) for key in terms],
        "used": [number for key, number in terms.items() if catalog.having(*key)],
        "venues": [venue_row(venue) for venue in venues],
        "methods": [
            [
                card.id,
                card.name_in(press.lang),
                press.text(card.question),
                place[card.papers[0]],
            ]
            for card in catalog.cards.values()
        ],
        "relations": [_relation(press, type_) for type_ in order],
        "pages": _pages(press),
        "stop": sorted(STOP),
    }
    han = "".join(sorted(set(_HAN.findall(_compact(data)))))
    return f"sk.take('search',{_compact(data | {'han': _traditional(han)})})\n"


def _compact(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _short(address: str) -> str:
    """An address as `names` in search.js reads a pasted one; the CVF's titles are cut, so that page and PDF are one."""
    bare = address.partition("://")[2].removeprefix("www.").rstrip("/")
    return "".join(cvf.groups()) if (cvf := _CVF.match(bare)) else bare


def _name(press: Press, name: str, han: str | None) -> list[str]:
    """A name, its Han form, and the name of its page where there is one; what is missing at the end is left out."""
    known = press.people[name]
    if known.path:
        return [name, han or "", known.slug]
    return [name, han] if han else [name]


def _pages(press: Press) -> list[tuple[str, ...]]:
    """Address, title and first words of the pages that are no list of one thing; of documents also their headings."""
    w = press.words
    read = [
        (f"{name}/", getattr(w.read, name), getattr(w.read, f"{name}_lead"))
        for name in reading.pages(press.catalog)
    ]
    own = {"lifecycle": w.life} if lifecycle.told(press.catalog) else {}
    if press.catalog.duels:
        own |= {"matrix": w.matrix, "leaderboards": w.boards}
    own["new"] = w.news
    more = [(f"{at}/", its.title, its.lead) for at, its in own.items()]
    return [*read, *more, *documents.searched(press)]


def _telling(summary: str, title: str) -> str:
    """The words of a summary that tell more than the title; nobody reads them, so each stands once."""
    known = STOP | set(_WORD.findall(title.casefold()))
    words = _WORD.findall(_BETWEEN.sub(" ", summary.casefold()))
    return " ".join(word for word in dict.fromkeys(words) if word not in known)


def _numbers(paper: Paper) -> list[str]:
    """What a reader pastes: identifiers, and the addresses that they do not name."""
    ids, links = paper.identifiers, paper.links
    known = [i for i in (ids.arxiv, ids.doi, ids.acl, ids.openreview) if i]
    addresses = (links.paper, links.code, links.project)
    return known + [
        _short(address)
        for address in addresses
        if address and not any(i.casefold() in address.casefold() for i in known)
    ]


def _relation(press: Press, type_: str) -> str:
    """Words by which a reader may ask for papers with this relation."""
    kind = next(k for k in press.catalog.taxonomy.relations if k.id == type_)
    return f"{kind.label.en} {kind.label.zh} {ANSWERING[type_]}"


def _both(press: Press, text: Bilingual) -> tuple[str, str]:
    return press.text(text), text.in_(press.other)


@cache
def _traditional(simplified: str) -> str:
    """Pairs of a traditional character and the simplified one that the catalog has: `後后門门…`."""
    every = "\n".join(map(chr, range(0x3400, 0xA000)))
    pairs = zip(every.split("\n"), OpenCC("t2s").convert(every).split("\n"), strict=True)  # fmt: skip
    return "".join(old + new for old, new in pairs if old != new and new in simplified)
