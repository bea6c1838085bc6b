"""One page of the site as data, and the press that prints templates into pages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from surveykit.catalog import Catalog
from surveykit.kit import Lang
from surveykit.models import Bilingual, Paper, Summary
from surveykit.render import social
from surveykit.render.pages import charts, head
from surveykit.render.pages.policy import scripts_of
from surveykit.render.people import Byline, people
from surveykit.words import TAG, words

COINS_MOST = 100
"""Longest list that hands its papers to Zotero; longer ones have their BibTeX file."""


@dataclass(frozen=True)
class Page:
    """What a site generator needs to show one page; it may print `html` as it stands."""

    uri: str
    """Place of the source, `papers/holt2023finding.md`; the address is `papers/holt2023finding/`."""
    title: str
    """Plain text."""
    description: str
    """Plain text, one sentence."""
    html: str
    """The whole body, escaped; its links are relative to the address."""
    head: str = ""
    """More HTML for the head."""
    style: str = ""
    """Rules of its own for the head."""
    source: str | None = None
    """File to edit, relative to the repository root."""
    script: str = ""
    """A script of its own, below `assets/`; the page is complete without it."""
    inline: tuple[str, ...] = ()
    """Scripts inside `html` that its template holds, for the policy of the page."""
    image: str = social.SITE
    """Picture for social sites, below the root of the English pages."""

    @property
    def url(self) -> str:
        """Address below the root of the site, with a final slash; empty for the home page."""
        stem = self.uri.removesuffix(".md")
        return "" if stem == "index" else stem.removesuffix("/index") + "/"


def as_markdown(page: Page) -> str:
    """The page as a Markdown file: front matter and HTML, for any site generator."""
    meta = {"title": page.title, "description": page.description}
    front = "".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}\n"
        for key, value in meta.items()
        if value
    )
    style = f"<style>{page.style}</style>\n" if page.style else ""
    return f"---\n{front}---\n\n{style}{page.html.strip()}\n"


class Numbers:
    """Numbers of one page for the style sheet: `class="{{ var(n=3) }}"` in place of a style attribute.

    A content security policy can allow a style sheet by its hash, but attributes only all or none.
    """

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def __call__(self, unit: str = "", **numbers: float) -> str:
        """The class that sets these variables."""
        rule = ";".join(f"--{k}:{float(v):g}{unit}" for k, v in numbers.items())
        return self._classes.setdefault(rule, f"v{len(self._classes)}")

    @property
    def style(self) -> str:
        """The rules of all classes."""
        return "".join(f".{name}{{{rule}}}" for rule, name in self._classes.items())


class Press:
    """Templates compiled once, with a catalog and the words of one language in reach."""

    def __init__(self, catalog: Catalog, lang: Lang) -> None:
        self.catalog = catalog
        self.lang = lang
        self.words = words(lang, catalog)
        self.other: Lang = "en" if lang == "zh" else "zh"
        self._items: dict[tuple[str, str], Markup] = {}
        self._short: dict[str, str] = {}
        self._env = Environment(
            loader=PackageLoader("surveykit.render.pages"),
            autoescape=True,
            auto_reload=False,  # else each include asks the disk whether its file changed
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals.update(
            w=self.words,
            lang=lang,
            tag=TAG[lang],
            other_tag=TAG[self.other],
            catalog=catalog,
            survey=catalog.survey,
            mark=charts.mark,
            item=self.item,
            short=self.short,
            coins=self.coins,
            author=self.author,
            query=query,
            topic_axis=catalog.topic_axis.id,
            group_axis=catalog.group_axis.id,
            twin=len(catalog.kit.languages) > 1,
            first=self.first,
            sides=catalog.sides,
            # Files that do not depend on the language lie beside the English pages.
            shared="" if lang == "en" else "../",
        )
        self._env.filters.update(
            fill=lambda text, **values: text.format(**values),
            tr=lambda text: text.in_(lang),
            other=lambda text: text.in_(self.other),
            label=self.label,
            cited=cited,
        )
        parts: Any = self._env.get_template("parts.html").module
        self._item = parts.item

    @property
    def address(self) -> str:
        """Where the pages of this language begin; empty while no address is known."""
        site = self.catalog.survey.site
        return site and site + ("zh/" if self.lang == "zh" else "")

    def page(
        self, uri: str, template: str, *, title: str, description: str, **view: Any
    ) -> Page:
        """One page; `source`, `script` and the like go to the page, all else to the template."""
        own = {
            k: view.pop(k)
            for k in ("source", "head", "script", "inline", "image")
            if k in view
        }
        root = "../" * Page(uri, "", "", "").url.count("/")
        var = Numbers()
        html = self.fragment(template, root=root or "./", title=title, var=var, **view)
        return Page(uri, title, description, html, style=var.style, **own)

    def fragment(self, template: str, **view: Any) -> str:
        """HTML of one template."""
        return self._env.get_template(template).render(**view)

    def scripts(self, template: str) -> tuple[str, ...]:
        """The inline scripts of a template, which are plain text."""
        return scripts_of(self._env, template)

    def item(self, paper: Paper, root: str) -> Markup:
        """A paper in a list; printed once for each depth, as most papers are in many lists."""
        key = (paper.id, root)
        if key not in self._items:
            self._items[key] = Markup(self._item(paper, root))
        return self._items[key]

    def coins(self, papers: Sequence[Paper]) -> Markup:
        """Empty spans by which Zotero offers the papers of a list; none for a list nobody reads whole."""
        if len(papers) > COINS_MOST:
            return Markup("")
        spans = (head.coins(self.catalog, paper) for paper in papers)
        return Markup("").join(
            Markup(f'<span class="Z3988" title="{escape(s)}" hidden></span>')
            for s in spans
        )

    @cached_property
    def people(self) -> Mapping[str, Byline]:
        """Name -> byline, for all authors."""
        return people(self.catalog)

    def author(self, name: str) -> str:
        """Where the papers of an author are, below the root: the page of the name, or the table with its one paper."""
        return self.people[name].path or f"papers/?author={quote(name, safe='')}"

    def text(self, both: Bilingual | Summary) -> str:
        """The text in the language of the pages."""
        return both.in_(self.lang)

    def label(self, term: str, axis: str) -> str:
        """Label of a term."""
        return self.text(self.catalog.term(axis, term).label)

    def first(self, paper: Paper, axis: str) -> str:
        """Label of the first term of a paper on an axis; empty where it has none."""
        terms = paper.terms.get(axis, ())
        return self.label(terms[0], axis) if terms else ""

    def short(self, paper: Paper) -> str:
        """The name people use: the method's where it is short, what stands before a colon, or the first author."""
        if paper.id not in self._short:
            self._short[paper.id] = _short(paper)
        return self._short[paper.id]


def cited(source: str) -> Markup:
    """A source as a link where it is an address or an arXiv number, else its words."""
    if match := re.fullmatch(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})(,.*)?", source):
        href = f"https://arxiv.org/abs/{match[1]}"
    elif source.startswith(("https://", "http://")) and " " not in source:
        href = source
    else:
        return escape(source)
    return Markup('<a href="{}">{}</a>').format(href, source)


def _short(paper: Paper) -> str:
    if name := next((name for name in paper.aka if len(name) < 19), None):
        return name
    head, colon, _ = paper.title.en.partition(":")
    if colon and len(head) < 19:
        return head
    names = [author.last for author in paper.authors]
    more = {1: "", 2: f" & {names[-1]}"}.get(len(names), " et al.")
    return names[0] + more


def query(first: Mapping[str, str] | None = None, **wanted: str) -> str:
    """A query string for the explorer: `?year=2024&stage=design`; `first` holds names that are not known here."""
    pairs = {**(first or {}), **wanted}
    return "?" + "&".join(f"{k}={quote(v, safe=',')}" for k, v in pairs.items())
