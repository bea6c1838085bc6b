"""Atom feeds (RFC 4287): the papers that came last or changed last, all of them, by topic, by technique and by author."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from xml.etree.ElementTree import Element, SubElement, tostring

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.render.people import people

MOST = 60
"""Entries of a feed."""
_SPACE = uuid.UUID("6f0f3b0e-6a0b-5d3c-9d55-2c1f0a6f7e11")
"""Names of this project; ids made from it stay when the site moves."""
_ATOM = "http://www.w3.org/2005/Atom"
_TAG = {"en": "en", "zh": "zh-CN"}
_TITLES = {
    "all": ("new and changed papers", "新增与更新的论文"),
    "new": ("new papers", "新增论文"),
}


def feed_axes(catalog: Catalog) -> tuple[str, ...]:
    """Axes of which each term has a feed: the topics and the techniques."""
    return tuple(dict.fromkeys((catalog.topic_axis.id, catalog.group_axis.id)))


def feeds(catalog: Catalog, lang: str) -> dict[str, str]:
    """Path below the root of one language -> XML: `all`, `new`, and one for each topic, each technique and each author with a page."""
    zh = lang == "zh"
    made = {
        f"feeds/{name}.atom": _feed(
            catalog, lang, name, catalog.papers, titles[zh], changed=name == "all"
        )
        for name, titles in _TITLES.items()
    }
    for axis in feed_axes(catalog):
        for term in catalog.axes[axis].terms:
            name, papers = f"{axis}/{term.id}", catalog.having(axis, term.id)
            title = term.label.in_(lang)
            made[f"feeds/{name}.atom"] = _feed(
                catalog, lang, name, papers, title, changed=True
            )
    for person in people(catalog).values():
        if person.path:
            name = f"author/{person.slug}"
            made[f"feeds/{name}.atom"] = _feed(
                catalog, lang, name, person.papers, person.name, changed=True
            )
    return made


def _feed(
    catalog: Catalog,
    lang: str,
    name: str,
    papers: Sequence[Paper],
    title: str,
    *,
    changed: bool,
) -> str:
    """One feed; `changed` puts papers at the day they changed last, else at the day they came."""
    site = catalog.survey.site
    # Without an address, links are relative to the feed (RFC 4287, section 2).
    base = (
        site + ("zh/" if lang == "zh" else "")
        if site
        else "../" * (name.count("/") + 1)
    )
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": _TAG[lang]})
    _add(root, "id", _urn(f"feed/{lang}/{name}"))
    colon = "：" if lang == "zh" else ": "
    _add(root, "title", f"{catalog.survey.short_title.in_(lang)}{colon}{title}")
    _add(root, "subtitle", catalog.survey.tagline.in_(lang))
    kept = sorted(papers, key=lambda p: _order(p, changed), reverse=True)[:MOST]
    day = max((_day(p, changed) for p in kept), default=catalog.updated)
    _add(root, "updated", _moment(day))
    own = {"rel": "self", "type": "application/atom+xml"}
    if site:
        SubElement(root, "link", own | {"href": f"{base}feeds/{name}.atom"})
    SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": base})
    _people(root, [keeper.name for keeper in catalog.survey.maintainers])
    _add(root, "rights", catalog.kit.license_name)
    for paper in kept:
        _entry(root, catalog, paper, lang, base, _day(paper, changed))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, "unicode") + "\n"


def _entry(
    root: Element, catalog: Catalog, paper: Paper, lang: str, base: str, day: date
) -> None:
    entry = SubElement(root, "entry")
    # A renamed entry is the same to whoever has read it.
    _add(entry, "id", _urn(f"paper/{(*paper.former_ids, paper.id)[0]}"))
    _add(entry, "title", paper.title.in_(lang))
    href = f"{base}papers/{paper.id}/"
    SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": href})
    related = {"rel": "related", "href": paper.links.paper}
    SubElement(entry, "link", related)
    _add(entry, "published", _moment(paper.added))
    _add(entry, "updated", _moment(day))
    _people(entry, [author.name for author in paper.authors])
    for axis in (catalog.topic_axis.id, "role", "technique"):
        for term in paper.terms.get(axis, ()):
            label = catalog.term(axis, term).label.in_(lang)
            SubElement(entry, "category", {"term": term, "label": label})
    where = f"{catalog.venue(paper).name} {paper.year}"
    told = paper.tldr.in_(lang) if paper.tldr else ""
    stop = ". " if lang == "en" else "。"
    changes = [
        f"{event.date}: {event.note.in_(lang)}"
        for event in sorted(paper.history, key=lambda e: e.date, reverse=True)
    ]
    _add(entry, "summary", stop.join([where, *changes, told]).strip())


def _day(paper: Paper, changed: bool) -> date:
    if not changed:
        return paper.added
    days = [event.date for event in paper.history]
    days += [paper.verified.date] if paper.verified else []
    return max([paper.added, *days])


def _order(paper: Paper, changed: bool) -> tuple[date, int, int, str]:
    return (_day(paper, changed), paper.year, paper.month or 0, paper.id)


def _moment(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _urn(name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_SPACE, name)}"


def _add(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text


def _people(parent: Element, names: Iterable[str]) -> None:
    for name in names:
        _add(SubElement(parent, "author"), "name", name)
