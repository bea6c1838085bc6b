"""Markdown of the survey's texts: what it cites and where, and its HTML.

A small part of Markdown is understood, no HTML. `[@id; @id]` cites entries, `[words](@id)` cites one under other words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from surveykit.text.tables import TableRenderer

OWN = "{own}"
"""End of a paragraph that says nothing about a paper, and so needs no citation."""
MOST_BRACKETS = 2_000
"""The parser's work grows with the square of the opening brackets in a paragraph."""
_CITE = re.compile(r"\[(@[a-z0-9]+(?:; ?@[a-z0-9]+)*)\]")
_WORD = re.compile(r"[㐀-鿿]|[^\W_㐀-鿿]+(?:[-’'.][^\W_㐀-鿿]+)*")
_SHOWN = {
    "paragraph_open",
    "inline",
    "heading_open",
    "bullet_list_open",
    "ordered_list_open",
    "list_item_open",
    "blockquote_open",
    "table_open",
    "thead_open",
    "tbody_open",
    "tr_open",
    "th_open",
    "td_open",
}


@dataclass(frozen=True)
class Spot:
    """Something in a text with its 0-based line and column in the body."""

    what: str
    """An entry's id, an address, a kind of block."""
    line: int
    column: int = 0
    words: int = 0


@dataclass(frozen=True)
class Section:
    """A heading, and how many words stand below it up to the next one."""

    text: str
    anchor: str
    level: int
    line: int
    words: int = 0


@dataclass
class Prose:
    """A text that was read."""

    tokens: Sequence[Token] = ()
    cites: list[Spot] = field(default_factory=list)
    """Cited ids in the order of the text, as often as they stand there."""
    links: list[Spot] = field(default_factory=list)
    pictures: list[Spot] = field(default_factory=list)
    bare: list[Spot] = field(default_factory=list)
    """Paragraphs and list items without citation, link, picture or mark; `words` says how long they are."""
    foreign: list[Spot] = field(default_factory=list)
    """What has no place in a text: other blocks, citations that are none."""
    sections: list[Section] = field(default_factory=list)
    words: int = 0
    """English words and Chinese characters."""

    @property
    def cited(self) -> tuple[str, ...]:
        """Cited ids, each once, in the order in which they come first."""
        return tuple(dict.fromkeys(spot.what for spot in self.cites))


def count(text: str) -> int:
    """Words of a text; each Chinese character counts as one."""
    return len(_WORD.findall(text))


def _cite(state: StateInline, silent: bool) -> bool:
    found = _CITE.match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        token = state.push("cite", "", 0)
        token.content = found[0]
        token.meta = {"ids": [part.strip(" @") for part in found[1].split(";")]}
    state.pos = found.end()
    return True


class Show(Protocol):
    """How citations, links and pictures look on a page; every method gives HTML."""

    def cite(self, ids: Sequence[str]) -> str:
        """A citation in parentheses."""

    def link(self, href: str) -> str:
        """Opening tag of a link; `@id` leads to an entry."""

    def picture(self, source: str, alt: str, caption: str) -> str:
        """A figure."""


class _Renderer(TableRenderer):
    def cite(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        return str(env["show"].cite(tokens[idx].meta["ids"]))

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        return str(env["show"].link(str(tokens[idx].attrs["href"])))

    def image(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any
    ) -> str:
        token = tokens[idx]
        source, title = str(token.attrs["src"]), str(token.attrs.get("title", ""))
        return str(env["show"].picture(source, token.content, title))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    parser.enable("table").disable(["html_block", "html_inline", "reference"])
    parser.inline.ruler.before("link", "cite", _cite)
    return parser


_PARSER = _parser()


@lru_cache(512)
def read_prose(body: str) -> Prose:
    """A body as tokens, with the places of what it refers to."""
    if body.count("[") > MOST_BRACKETS:
        return Prose(foreign=[Spot(f"more than {MOST_BRACKETS} brackets `[`", 0)])
    return _Reader(body).read()


class _Reader:
    def __init__(self, body: str) -> None:
        self._body = body
        self._starts = [0, *(m.end() for m in re.finditer("\n", body))]
        self._cursor = 0
        self._made = Prose(_PARSER.parse(body))

    def read(self) -> Prose:
        made = self._made
        for index, token in enumerate(made.tokens):
            if token.nesting < 0:
                continue
            if token.type not in _SHOWN:
                said = {"hr": "a rule", "fence": "a code block"}.get(
                    token.type, f"a {token.type.replace('_', ' ')}"
                )
                made.foreign.append(Spot(said, (token.map or [0])[0]))
            if token.type == "heading_open":
                self._heading(index)
            elif token.type == "inline":
                self._inline(index)
        return made

    def _heading(self, index: int) -> None:
        token, inline = self._made.tokens[index], self._made.tokens[index + 1]
        level, line = int(token.tag[1]), (token.map or [0])[0]
        if level not in (2, 3):
            self._made.foreign.append(Spot(f"a heading of level {level}", line))
        anchor = f"s{len(self._made.sections) + 1}"
        token.attrSet("id", anchor)
        self._made.sections.append(Section(_plain(inline), anchor, level, line))

    def _inline(self, index: int) -> None:
        made, token = self._made, self._made.tokens[index]
        line = (token.map or [0])[0]
        self._cursor = max(self._cursor, self._starts[line])
        own = _unmark(token)
        before = len(made.cites) + len(made.links) + len(made.pictures)
        for child in token.children or ():
            self._child(child)
        referred = len(made.cites) + len(made.links) + len(made.pictures) - before
        words = count(_plain(token))
        made.words += words
        if made.sections and made.tokens[index - 1].type != "heading_open":
            last = made.sections[-1]
            made.sections[-1] = Section(
                last.text, last.anchor, last.level, last.line, last.words + words
            )
        opener = made.tokens[index - 1]
        if opener.type == "paragraph_open" and not referred and not own:
            made.bare.append(Spot("paragraph", line, 0, words))
        only = token.children or []
        if opener.type == "paragraph_open" and [c.type for c in only] == ["image"]:
            opener.hidden = made.tokens[index + 1].hidden = True  # a figure is no text

    def _child(self, child: Token) -> None:
        made = self._made
        if child.type == "cite":
            made.cites += [self._spot(f"@{id_}", id_) for id_ in child.meta["ids"]]
        elif child.type == "link_open":
            href = str(child.attrs["href"])
            if href.startswith("@"):
                made.cites.append(self._spot(href, href[1:]))
            else:
                made.links.append(self._spot(href, href))
        elif child.type == "image":
            source = str(child.attrs["src"])
            made.pictures.append(self._spot(source, source))
        elif child.type == "text" and "[@" in child.content:
            spot = self._spot("[@", "a citation that is none; write `[@id; @id]`")
            made.foreign.append(spot)

    def _spot(self, needle: str, what: str) -> Spot:
        """The next place of some letters; markup that hides them leaves the place where reading stands."""
        found = self._body.find(needle, self._cursor)
        at = self._cursor if found < 0 else found
        self._cursor = at if found < 0 else found + len(needle)
        line = bisect_right(self._starts, at) - 1
        return Spot(what, line, at - self._starts[line])


def _unmark(token: Token) -> bool:
    """Take the mark of own words from a paragraph, and say whether it was there."""
    last = token.children[-1] if token.children else None
    if not last or last.type != "text" or not last.content.endswith(OWN):
        return False
    last.content = last.content.removesuffix(OWN).rstrip()
    return True


def _plain(token: Token) -> str:
    return "".join(_texts(token.children or ())).strip()


def _texts(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("text", "code_inline"):
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield " "


def to_html(prose: Prose, show: Show, heading: str, prefix: str = "") -> str:
    """HTML of a text; `heading` names its tables, `prefix` sets its anchors apart from those of other texts."""
    env: Mapping[str, Any] = {"show": show, "heading": heading}
    html = _PARSER.renderer.render(prose.tokens, _PARSER.options, env)  # type: ignore[arg-type]  # it only reads
    return re.sub(r'(<h[23] id=")', rf"\g<1>{prefix}", html)
