"""The documentation as pages: documents of the repository, their links led to pages, to files on the forge, or nowhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from markupsafe import Markup, escape

from surveykit.catalog import Catalog
from surveykit.documents import CONTENTS, FOLDER, Document, named
from surveykit.render.pages.page import Page, Press
from surveykit.text.markdown import slug

_METHOD = re.compile(r"reference_impls/(\w+)(?:/README(?:\.zh-CN)?\.md)?")
"""A method's folder or what is written there: the site has a page of it."""
CONTENTS_FROM = 3
"""Sections that make a list of them worth its place."""


@dataclass(frozen=True)
class Entry:
    """A line of the contents."""

    name: str
    words: str
    url: str
    """Below the root of the language."""
    more: str
    """What the document holds, in a sentence."""


def document_pages(press: Press) -> Iterator[Page]:
    """A page for each document, also where the language has none of its own: then it shows the English one and says so."""
    documents = press.catalog.documents
    groups = contents(press)
    order = [entry for _, entries in groups for entry in entries]
    for name in documents:
        if name == CONTENTS:
            yield _contents(press, groups)
        else:
            yield _page(press, name, groups, order)


def contents(press: Press) -> list[tuple[str, list[Entry]]]:
    """The page of contents as headings with their lines."""
    page = press.catalog.documents.get(CONTENTS)
    if not page:
        return []
    document = page.get(press.lang, page["en"])
    return [
        (heading, [Entry(named(h), words, address(named(h)), more) for words, h, more in lines])
        for heading, lines in document.groups()
    ]  # fmt: skip


def searched(press: Press) -> list[tuple[str, str, str, str]]:
    """What the search knows: address, title, first words, headings."""
    found = []
    for entry in (e for _, entries in contents(press) for e in entries):
        if both := press.catalog.documents.get(entry.name):
            document = both.get(press.lang, both["en"])
            headings = " ".join(h.text for h in document.outline if h.level == 2)
            found.append((entry.url, entry.words, entry.more or document.lead, headings))  # fmt: skip
    return found


def document_pictures(catalog: Catalog) -> dict[str, str]:
    """Place below the root of the English pages -> file of the repository, for all pictures of documents."""
    return {
        path: path
        for both in catalog.documents.values()
        for document in both.values()
        for source in document.pictures
        if (path := _picture(document, source))
    }


def address(name: str) -> str:
    """Address of a document below the root of a language."""
    return f"{FOLDER}/" if name == CONTENTS else f"{FOLDER}/{name}/"


def _contents(press: Press, groups: list[tuple[str, list[Entry]]]) -> Page:
    both = press.catalog.documents[CONTENTS]
    document = both.get(press.lang, both["en"])
    return press.page(
        f"{FOLDER}/index.md",
        "documents.html",
        title=document.title,
        description=document.lead or document.title,
        lead=Markup(document.lead_html(_Frame(press, document, "../"))),
        groups=groups,
    )


def _page(
    press: Press, name: str, groups: list[tuple[str, list[Entry]]], order: list[Entry]
) -> Page:
    both = press.catalog.documents[name]
    document = both.get(press.lang, both["en"])
    around = zip([None, *order[:-1]], order, [*order[1:], None], strict=True)
    before, after = next(((b, a) for b, e, a in around if e.name == name), (None, None))
    frame = _Frame(press, document, "../" * address(name).count("/"))
    return press.page(
        f"{FOLDER}/{name}.md",
        "document.html",
        title=document.title,
        description=document.lead or document.title,
        lead=Markup(document.lead_html(frame)),
        text=Markup(document.html(frame)),
        document=document,
        foreign=press.lang not in both,
        name=name,
        groups=groups,
        group=next((g for g, lines in groups if name in {e.name for e in lines}), ""),
        sections=[(h.text, f"#{h.anchor}") for h in document.outline if h.level == 2],
        most=CONTENTS_FROM,
        before=before,
        after=after,
    )


def _path(document: Document, href: str) -> str:
    """The file that a document's link means, relative to the repository root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(document.path), href))


def _picture(document: Document, source: str) -> str:
    """The same of a picture; empty where it lies elsewhere."""
    parts, path = urlsplit(source), _path(document, source)
    own = not parts.scheme and not parts.netloc and path.startswith(f"{FOLDER}/")
    return path if own else ""


class _Frame:
    """Links, pictures and code of one document; whatever comes from it is escaped."""

    def __init__(self, press: Press, document: Document, root: str) -> None:
        self._press = press
        self._document = document
        self._root = root

    def link(self, href: str) -> Markup:
        target = self._target(href)
        return Markup('<a href="{}">').format(target) if target else Markup("<a>")

    def _target(self, href: str) -> str:
        parts = urlsplit(href)
        if parts.scheme or parts.netloc:
            return href if parts.scheme in ("http", "https") else ""
        if not parts.path:
            return href
        path, fragment = _path(self._document, parts.path), parts.fragment
        inside = path.startswith(f"{FOLDER}/") and path.endswith(".md")
        both = self._press.catalog.documents.get(named(path.removeprefix(f"{FOLDER}/"))) if inside else None  # fmt: skip
        if both:
            document = both.get(self._press.lang, both["en"])
            top = not fragment or unquote(fragment) == slug(document.title)
            return self._root + address(document.name) + ("" if top else f"#{fragment}")
        if (method := _METHOD.fullmatch(path)) and method[
            1
        ] in self._press.catalog.cards:
            return f"{self._root}methods/{method[1]}/"
        repository = self._press.catalog.survey.repository
        if not repository or path.startswith("../"):
            return ""
        if path == ".":
            return repository
        kind = "tree" if parts.path.endswith("/") else "blob"
        return f"{repository}/{kind}/main/{path}" + (f"#{fragment}" if fragment else "")

    def picture(self, source: str, alt: str) -> Markup:
        path = _picture(self._document, source)
        if not path:
            return escape(alt)
        shared = "" if self._press.lang == "en" else "../"
        form = '<img src="{}" alt="{}" loading="lazy">'
        return Markup(form).format(self._root + shared + path, alt)

    def code(self, text: str, language: str) -> Markup:
        words = self._press.words
        printed = language in ("", "text")  # by a program, so nobody types or copies it
        form = '<div class="sk-cmd{}"><pre tabindex="0" role="group" aria-label="{}"><code>{}</code></pre>{}</div>'
        button = '<button type="button" class="sk-copy"><span>{}</span></button>'
        return Markup(form).format(
            " sk-printed" if printed else "",
            words.docs.output if printed else language,
            text.rstrip("\n"),
            "" if printed else Markup(button).format(words.common.copy_text),
        )
