"""A text of the survey as part of a page: its HTML with citations, figures, contents and the list of what it cites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from surveykit.catalog import Catalog
from surveykit.models import Paper
from surveykit.prose import Prose, Section, read_prose, to_html
from surveykit.render.pages.methods import Shown, headline
from surveykit.render.pages.page import Press
from surveykit.texts import ABOUT_TERMS, Text, TextHead
from surveykit.vocabulary import Card

PER_MINUTE = {"en": 220, "zh": 400}
"""English words and Chinese characters that are read in a minute."""


@dataclass(frozen=True)
class Written:
    """One text, ready to print."""

    id: str
    head: TextHead
    html: Markup
    sections: tuple[Section, ...]
    """Headings of the upper level; their anchors stand in the HTML."""
    cited: tuple[Paper, ...]
    """What the text cites, each once, in the order in which it comes first."""
    minutes: int
    """How long it takes to read."""
    source: str
    """File, relative to the repository root."""


def written(press: Press, id_: str, root: str) -> Written | None:
    """A text in the language of the pages; None where there is none."""
    text = press.catalog.texts.get(id_, {}).get(press.lang)
    return _written(press, text, root) if text else None


def of_kind(press: Press, kind: str, root: str) -> list[Written]:
    """Texts of a kind, in their order."""
    found = [t for t in _texts(press) if t.head.kind == kind]
    found.sort(key=lambda text: (text.head.order, text.id))
    return [_written(press, text, root) for text in found]


def about(press: Press, axis: str, term: str, root: str) -> list[Written]:
    """Texts about a term, the shortest kind first."""
    found = [
        t
        for t in _texts(press)
        if t.head.of == term and press.catalog.axis_of(t.head.kind) == axis
    ]
    found.sort(key=lambda text: ABOUT_TERMS.index(text.head.kind))
    return [_written(press, text, root) for text in found]


def all_cited(texts: Sequence[Written]) -> list[Paper]:
    """What several texts cite, each once."""
    return list({p.id: p for text in texts for p in text.cited}.values())


def _texts(press: Press) -> list[Text]:
    versions = press.catalog.texts.values()
    return [both[press.lang] for both in versions if press.lang in both]


def _written(press: Press, text: Text, root: str) -> Written:
    prose: Prose = read_prose(text.body)
    known = press.catalog.by_id
    prefix = f"{text.id}-"
    sections = tuple(
        Section(s.text, prefix + s.anchor, s.level, s.line, s.words)
        for s in prose.sections
        if s.level == 2
    )
    html = to_html(prose, _Show(press, root), text.head.title, prefix)
    html = html.replace(' <span class="sk-cites">（', '<span class="sk-cites">（')
    cited = tuple(known[id_] for id_ in prose.cited if id_ in known)
    minutes = max(1, round(prose.words / PER_MINUTE[press.lang]))
    return Written(
        text.id, text.head, Markup(html), sections, cited, minutes, text.path
    )


class _Show:
    """Citations, links and figures for one depth of pages; whatever comes from a text is escaped."""

    def __init__(self, press: Press, root: str) -> None:
        self._press = press
        self._root = root

    def cite(self, ids: Sequence[str]) -> Markup:
        opening, mark, closing = (
            ("（", "；", "）") if self._press.lang == "zh" else ("(", "; ", ")")
        )
        links = Markup(mark).join(self._link_to(id_) for id_ in ids)
        return Markup('<span class="sk-cites">{}{}{}</span>').format(
            opening, links, closing
        )

    def _link_to(self, id_: str) -> Markup:
        paper = self._press.catalog.by_id.get(id_)
        if paper is None:  # a catalog that was not checked
            return escape(id_)
        label = author_year(paper, self._press.lang)
        return self.link(f"@{id_}") + escape(label) + Markup("</a>")

    def link(self, href: str) -> Markup:
        if href.startswith("@"):
            form = '<a class="sk-ref" href="{}papers/{}/" data-ref="{}">'
            return Markup(form).format(self._root, href[1:], href[1:])
        if href.startswith("page:"):
            href = self._root + href.removeprefix("page:")
        return Markup('<a href="{}">').format(href)

    def picture(self, source: str, alt: str, caption: str) -> Markup:
        kind, _, rest = source.partition(":")
        method, _, name = rest.partition("/")
        card = self._press.catalog.cards.get(method)
        if card is None:
            return escape(alt)
        if kind == "measured":
            results = self._press.catalog.results.get(method)
            html = self._press.fragment(
                "written_figures.html",
                card=card,
                caption=alt,
                shown=headline(results)[: int(name)],
                results=results,
                root=self._root,
            )
            return Markup(html)
        found = next((p for p in card.pictures if p.file == name), None)
        if found is None:
            return escape(alt)
        own = self._press.text(found.caption) if found.caption else ""
        html = self._press.fragment(
            "written_picture.html",
            card=card,
            picture=found,
            alt=alt or self._press.text(found.alt),
            caption=caption or own,
            root=self._root,
        )
        return Markup(html)


@dataclass(frozen=True)
class Compared:
    """One line of the comparison of a technique."""

    paper: Paper
    answers: int
    """Papers of the catalog that answer it or build on it."""
    measured: tuple[tuple[Card, Shown | None], ...]
    """Its methods, each with its first figure where it was measured."""


def compared(press: Press, papers: Sequence[Paper]) -> list[Compared]:
    """Papers of a technique side by side, in the order of the catalog."""
    catalog = press.catalog
    lines = []
    for paper in papers:
        shown = (
            (card, next(iter(headline(catalog.results.get(card.id))), None))
            for card in catalog.methods(paper)
        )
        lines.append(Compared(paper, taken_up(catalog, paper), tuple(shown)))
    return lines


def taken_up(catalog: Catalog, paper: Paper) -> int:
    """Papers whose relations lead to this one."""
    return len({link.other.id for link in catalog.links(paper) if link.inverse})


def author_year(paper: Paper, lang: str) -> str:
    """`Jia et al., 2022`, `Carlini & Terzis, 2022`, `Jia 等，2022`."""
    names = [author.last for author in paper.authors]
    if lang == "zh":
        more = {1: "", 2: f"、{names[-1]}"}.get(len(names), " 等")
        return f"{names[0]}{more}，{paper.year}"
    more = {1: "", 2: f" & {names[-1]}"}.get(len(names), " et al.")
    return f"{names[0]}{more}, {paper.year}"
