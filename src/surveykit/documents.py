"""Documents: Markdown files below `docs/` that the website shows, and their HTML.

They are written for the forge, and read there as here: its anchors, its tables, its links from file to file. No HTML
is understood but the anchor `<a id="…"></a>`; comments are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import pairwise
from typing import Any, Protocol

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from surveykit.text.markdown import Heading, Outline
from surveykit.text.tables import TableRenderer

FOLDER = "docs"
CONTENTS = "README"
"""Name of the page of contents; a folder without it is no documentation."""
SHORT = 24
"""Letters of code that are not divided between lines: a browser would break `--steps` behind its hyphens."""
_CHINESE = ".zh-CN"
_TITLE = re.compile(r"^# ", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_TWIN = re.compile(r"\[(中文|English)\]\([^)]*\)")
"""A paragraph that leads to the other language; the site has its own way there."""
_WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
"""Characters that need no blank between them; a browser would show one where a line of the file ends."""
_ANCHOR = re.compile(r'<a id="([^"<>]+)">')


class Frame(Protocol):
    """How links, pictures and code look on a page; every method gives HTML."""

    def link(self, href: str) -> str:
        """Opening tag of a link."""

    def picture(self, source: str, alt: str) -> str:
        """A picture, whose source is written as in the file."""

    def code(self, text: str, language: str) -> str:
        """A block of code; the language is empty for what a program prints."""


@dataclass(frozen=True)
class Document:
    """One document in one language."""

    name: str
    """Path below the folder without its ending, `tutorials/publish`; the same in both languages."""
    path: str
    """File, relative to the repository root."""
    body: str
    """Markdown from the title on."""
    generated: bool = False
    """Whether a program wrote it, so that nobody edits it by hand."""

    @cached_property
    def _tokens(self) -> list[Token]:
        return _PARSER.parse(self.body)

    @cached_property
    def outline(self) -> tuple[Heading, ...]:
        """Its headings, the title first, with the anchors of the forge."""
        outline = Outline()
        for token, inside in _pairs(self._tokens, "heading_open"):
            outline.heading(int(token.tag[1]), _plain(inside))
        return tuple(outline.headings)

    @property
    def title(self) -> str:
        """Plain text; the name where the file has no heading."""
        return self.outline[0].text if self.outline else self.name

    @cached_property
    def lead(self) -> str:
        """Plain text of the paragraph below the title; empty where something else stands there."""
        first = self._first
        return _plain(self._tokens[first + 1]) if first else ""

    @cached_property
    def _first(self) -> int:
        """Where the paragraph below the title opens; 0 for nowhere."""
        for index, token in enumerate(self._tokens):
            if token.level or token.nesting < 0 or token.type == "html_block":
                continue
            if token.type == "paragraph_open":
                if not _TWIN.fullmatch(self._tokens[index + 1].content):
                    return index
            elif token.tag != "h1":
                return 0
        return 0

    @cached_property
    def pictures(self) -> tuple[str, ...]:
        """Sources of its pictures, as they are written."""
        inside = (t for token in self._tokens for t in token.children or ())
        return tuple(str(t.attrs["src"]) for t in inside if t.type == "image")

    def groups(self) -> list[tuple[str, list[tuple[str, str, str]]]]:
        """Of a page of contents: headings, each with what its list links to, as words, address and the words behind it."""
        groups: list[tuple[str, list[tuple[str, str, str]]]] = []
        for index, token in enumerate(self._tokens):
            if token.type == "heading_open" and token.tag == "h2":
                groups.append((_plain(self._tokens[index + 1]), []))
            elif token.type == "inline" and groups:
                inside = token.children or ()
                if [t.type for t in inside[:1]] == ["link_open"]:
                    groups[-1][1].append(_linked(inside))
        return groups

    def lead_html(self, frame: Frame) -> str:
        """HTML of the lead."""
        first = self._first
        return _rendered(self._tokens[first + 1 : first + 2], frame, "") if first else ""  # fmt: skip

    def html(self, frame: Frame) -> str:
        """HTML of what stands below title and lead."""
        first, left_out = self._first, set()
        left_out |= {first, first + 1, first + 2} if first else set()
        headings = iter(self.outline)
        for index, token in enumerate(self._tokens):
            inside = self._tokens[index + 1] if token.nesting > 0 else None
            if token.type == "heading_open":
                token.attrSet("id", next(headings).anchor)
                if token.tag == "h1":
                    left_out |= {index, index + 1, index + 2}
            elif token.type in ("th_open", "td_open") and inside:
                if str(token.attrs.pop("style", "")).endswith("right"):
                    token.attrSet(
                        "class", "sk-end"
                    )  # a policy stops styles in attributes
                if not inside.content:
                    token.tag = self._tokens[index + 2].tag = "td"  # heads nothing
            elif inside and _TWIN.fullmatch(inside.content):
                left_out |= {index, index + 1, index + 2}
        kept = [t for i, t in enumerate(self._tokens) if i not in left_out]
        return _rendered(kept, frame, self.title)


Documents = Mapping[str, Mapping[str, Document]]
"""Name -> language -> document."""


def divided(path: str, text: str) -> Iterator[tuple[str, Document]]:
    """Language and document of a file; below a second title stands the Chinese text."""
    name = path.removeprefix(f"{FOLDER}/").removesuffix(".md")
    generated = "<!-- Generated by" in text[:400]
    if name.endswith(_CHINESE):
        yield "zh", Document(name.removesuffix(_CHINESE), path, text, generated)
        return
    code = [m.span() for m in _FENCED.finditer(text)]
    titles = [
        match.start()
        for match in _TITLE.finditer(text)
        if not any(start <= match.start() < end for start, end in code)
    ]
    cut = titles[1] if len(titles) > 1 else len(text)
    yield "en", Document(name, path, text[:cut].rstrip("-\n ") + "\n", generated)
    if text[cut:]:
        yield "zh", Document(name, path, text[cut:], generated)


def named(href: str) -> str:
    """Name of the document that a path relative to the folder means; both languages have one."""
    return href.partition("#")[0].removesuffix(".md").removesuffix(_CHINESE)


def _pairs(tokens: Sequence[Token], kind: str) -> Iterator[tuple[Token, Token]]:
    for token, inside in pairwise(tokens):
        if token.type == kind:
            yield token, inside


def _linked(tokens: Sequence[Token]) -> tuple[str, str, str]:
    """A line that begins with a link: its words, its address, and what stands behind it."""
    end = next(n for n, token in enumerate(tokens) if token.type == "link_close")
    more = _text(tokens[end + 1 :]).lstrip(":： ")
    return _text(tokens[:end]), str(tokens[0].attrs["href"]), more


def _plain(token: Token) -> str:
    return _text(token.children or ())


def _text(tokens: Sequence[Token]) -> str:
    parts = []
    for child in tokens:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(child.content)
    return "".join(parts).strip()


def _rendered(tokens: Sequence[Token], frame: Frame, heading: str) -> str:
    env: dict[str, Any] = {"frame": frame, "heading": heading}
    return str(_PARSER.renderer.render(tokens, _PARSER.options, env))


def _tame(html: str) -> str:
    """HTML in a document: anchors stay, comments go, all else is shown as letters."""
    html = re.sub(r"<!--.*?(?:-->|\Z)", "", html, flags=re.DOTALL)
    parts = _ANCHOR.split(html.replace("</a>", ""))
    made = [f'<span id="{escape(p)}"></span>' if n % 2 else escape(p.strip("\n")) for n, p in enumerate(parts)]  # fmt: skip
    return "".join(made)


class _Renderer(TableRenderer):
    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        return str(env["frame"].link(str(tokens[idx].attrs["href"])))

    def image(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        token = tokens[idx]
        return str(env["frame"].picture(str(token.attrs["src"]), token.content))

    def softbreak(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        around = (t.content for t in tokens[max(idx - 1, 0) : idx + 2 : 2])
        before, after = next(around, ""), next(around, "")
        return "" if _WIDE.match(before[-1:]) and _WIDE.match(after[:1]) else "\n"

    def fence(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        token = tokens[idx]
        return str(env["frame"].code(token.content, token.info.strip()))

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        return str(env["frame"].code(tokens[idx].content, ""))

    def code_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        text = tokens[idx].content
        whole = ' class="sk-nb"' if len(text) <= SHORT else ""
        return f"<code{whole}>{escape(text)}</code>"

    def html_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        return _tame(tokens[idx].content)

    def html_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        return _tame(tokens[idx].content)


_PARSER = MarkdownIt("commonmark", renderer_cls=_Renderer).enable("table")
