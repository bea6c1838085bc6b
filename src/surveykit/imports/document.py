"""A list in Markdown as a document: its blocks under their headings, each with the line where it begins.

Markdown is rendered to HTML that remembers lines, and the HTML is read as a tree: so Markdown's own tables and lists
and those that are written in HTML are one thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain, repeat

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser, LexborNode

from surveykit.references.reading import Reading
from surveykit.text.letters import tidy

DEEPEST = 60
"""Elements within each other; what lies deeper is text without form."""
BREAK = "\u2028"
"""A span that ends a line for good; a line that only goes on in the next one ends with `\\n`."""
NOWHERE = "#"
"""Address of a link that has none."""
_NESTED = 200
_BLOCKS = frozenset(
    "address article aside blockquote caption center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3"
    " h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_ANY_BLOCK = ",".join(sorted(_BLOCKS))
_TAKES_ALL = r"(?i)<(?=/?(?:iframe|math|noembed|noframes|noscript|plaintext|script|select|style|svg|template|textarea|title|xmp)\b)"
"""Elements that hide what follows, or that read it by rules of their own; they are text, as on GitHub."""
_NESTING = r"(?i)<(/?)(?!(?:area|br|col|dd|dt|hr|img|input|li|link|meta|p|source|td|th|tr|wbr)\b)[a-z]"
"""Tags that are open until they are closed."""
_TAG = re.compile(r"(?i)<([a-z][a-z0-9]*)(?=[\s/>])")
_CUT = re.compile(r"\]\(\s*https?://[^)\s]*$")


@dataclass(frozen=True)
class Span:
    """A piece of text in one style; the end of a line is a span of its own."""

    text: str
    url: str = ""
    """Where it leads; empty outside of links."""
    bold: bool = False
    emphasis: bool = False
    code: bool = False
    line: int = 0
    """Where it stands in the file."""


@dataclass
class Block:
    """An item of a list, a row of a table, a paragraph or a code block."""

    kind: str
    """`item`, `row`, `text`, `code`, or `heading`."""
    line: int
    headings: tuple[str, ...] = ()
    """Of all levels below the first, outermost first."""
    spans: list[Span] = field(default_factory=list)
    inner: list[Block] = field(default_factory=list)
    """What an item holds below its own text; the cells of a row."""
    level: int = 0
    """Of a heading, 1 to 7; of a row, the number of its table."""
    aside: bool = False
    """Whether a reader has to unfold it; of a row, whether it is a heading of columns."""

    @property
    def text(self) -> str:
        """The text on one line."""
        return tidy("".join(span.text for span in self.spans))


def lines_of(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans line by line; a line that continues the one above begins with its line break."""
    lines: list[list[Span]] = [[]]
    for span in spans:
        if span.url or span.text not in ("\n", BREAK):
            lines[-1].append(replace(span, text=" ") if span.text == "\n" else span)
        else:
            lines.append([span] if span.text == "\n" else [])
    return [line for line in lines if any(s.text.strip() or s.url for s in line)]


def flat(spans: Sequence[Span]) -> list[Span]:
    """Spans without ends of lines."""
    return [Span(" ") if s.text in ("\n", BREAK) else s for s in spans]


def parse(text: str, reading: Reading) -> list[Block]:
    """Blocks in their order; comments and pictures are left out."""
    markdown = MarkdownIt("commonmark", {"html": True, "maxNesting": _NESTED})
    markdown.enable(["table", "strikethrough"])
    markdown.core.ruler.before("inline", "brackets", _without_towers)
    joined, numbers = _joined(text, reading)
    tokens = markdown.parse(joined)
    marker = _Marker(numbers, reading)
    for token in tokens:
        marker.mark(token)
    if deep := next((t.map for t in tokens if t.level >= _NESTED - 1 and t.map), None):
        said = f"blocks more than {_NESTED} deep in each other are not read"
        reading.note(numbers[deep[0]], "lost", said)
    tree = LexborHTMLParser(markdown.renderer.render(tokens, markdown.options, {}))
    walker = _Walker()
    if tree.body is not None:
        walker.walk(tree.body, walker.found, 0)
    return walker.found


def _without_towers(state: StateCore) -> None:
    """Take brackets within brackets within brackets for text: Markdown's links cost the square of their depth."""
    for token in state.tokens:
        if token.type == "inline" and token.content.count("[") > DEEPEST:
            depths = accumulate((c == "[") - (c == "]") for c in token.content)
            if max(depths) > DEEPEST:
                token.content = token.content.replace("[", "\\[")


def _joined(text: str, reading: Reading) -> tuple[str, list[int]]:
    """The text with addresses in one piece that were broken over two lines, and the number of each line."""
    lines: list[str] = []
    numbers: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if lines and _CUT.search(lines[-1]) and line.strip():
            lines[-1] += line.strip()
            url = re.findall(r"https?://[^)\s]*", lines[-1])[-1]
            said = f"an address goes on in the next line; read as {url}"
            reading.note(numbers[-1], "broken-line", said)
        else:
            lines.append(line)
            numbers.append(number)
    return "\n".join(lines), numbers


class _Marker:
    """Gives every element the line where it begins, and makes text of tags that hide what follows, or lie too deep."""

    def __init__(self, numbers: list[int], reading: Reading) -> None:
        self._numbers, self._reading = numbers, reading
        self._depth = 0
        """Elements of raw HTML that are open; the parser's time grows with the square of it."""

    def mark(self, token: Token) -> None:
        for child in token.children or ():
            if child.type == "html_inline":
                child.content = self._tamed(child.content)
        if token.map is None:
            return
        first, end = token.map
        if token.type == "html_block":
            if token.content.lstrip().startswith("<!--") and "-->" not in token.content:
                said = f"a comment is not closed; the {end - first} lines behind it are not read"
                self._reading.note(self._numbers[first], "lost", said)
            numbers = chain(self._numbers[first:], repeat(self._numbers[-1]))
            lines = zip(self._tamed(token.content).split("\n"), numbers, strict=False)
            marked = (_TAG.sub(rf'<\1 data-line="{n}"', line) for line, n in lines)
            token.content = "\n".join(marked)
        elif token.nesting >= 0:
            token.attrSet("data-line", str(self._numbers[first]))

    def _tamed(self, html: str) -> str:
        return re.sub(_NESTING, self._tag, re.sub(_TAKES_ALL, "&lt;", html))

    def _tag(self, found: re.Match[str]) -> str:
        if not found[1] and self._depth > 2 * DEEPEST:
            return found[0].replace("<", "&lt;")
        self._depth = max(0, self._depth + (-1 if found[1] else 1))
        return found[0]


class _Walker:
    """Reads a tree of HTML into blocks."""

    def __init__(self) -> None:
        self.found: list[Block] = []
        self._line = 1
        self._above: list[tuple[int, str]] = []
        self._tables = 0

    def _block(self, kind: str, into: list[Block], **more: object) -> Block:
        titles = tuple(title for depth, title in self._above if depth > 1 and title)
        block = Block(kind, self._line, titles, **more)  # type: ignore[arg-type]  # level and aside
        into.append(block)
        return block

    def walk(self, node: LexborNode, into: list[Block], depth: int) -> None:
        """Add what an element holds; text that stands in no block of its own becomes one."""
        open_text: Block | None = None
        for child in _children(node):
            tag = child.tag or ""
            if tag not in _BLOCKS and not _holds_block(child):
                spans = list(self._spans(child))
                if open_text is None and any(s.text.strip() or s.url for s in spans):
                    open_text = self._block("text", into)
                if open_text is not None:
                    open_text.spans += spans
            else:
                open_text = None
                self._line = _number(child, "data-line", self._line)
                self._enter(tag, child, into, depth)

    def _enter(self, tag: str, node: LexborNode, into: list[Block], depth: int) -> None:
        if depth > DEEPEST:
            self._block("text", into).spans.append(Span(node.text()))
        elif re.fullmatch("h[1-6]|summary", tag):
            self._heading(tag, node, into)
        elif tag == "li":
            self._fill(self._block("item", into), node, depth)
        elif tag == "tr":
            cells = [cell for cell in _children(node) if cell.tag in ("td", "th")]
            head = all(
                cell.tag == "th" for cell in _children(node) if cell.tag != "-text"
            )
            row = self._block("row", into, level=self._tables, aside=head)
            for cell in cells:
                self._line = _number(cell, "data-line", self._line)
                for _ in range(min(_number(cell, "colspan", 1), 20)):
                    self._fill(self._block("cell", row.inner), cell, depth)
        elif tag == "pre":
            inner = node.css_first("code") or node
            self._line = _number(inner, "data-line", self._line)
            self._block("code", into).spans.append(Span(node.text()))
        else:
            self._tables += tag == "table"
            before = list(self._above)
            self.walk(node, into, depth + 1)
            if tag == "details":
                self._above = before

    def _heading(self, tag: str, node: LexborNode, into: list[Block]) -> None:
        level = int(tag[1]) if tag != "summary" else 7
        self._above = [pair for pair in self._above if pair[0] < level]
        heading = self._block("heading", into, level=level)
        heading.spans += self._spans(node)
        self._above.append((level, heading.text))

    def _fill(self, block: Block, node: LexborNode, depth: int) -> None:
        """Own text and inner blocks of an item or a cell."""
        inner: list[Block] = []
        above = list(self._above)
        self.walk(node, inner, depth + 1)
        self._above = above
        asides = {id(b) for b in inner if b.headings != block.headings}
        for one in inner:
            if one.kind == "text" and id(one) not in asides:
                block.spans += [*([Span(BREAK)] if block.spans else []), *one.spans]
            elif one.kind != "heading":
                one.aside = one.aside or id(one) in asides
                block.inner.append(one)

    def _spans(self, node: LexborNode) -> Iterator[Span]:
        """Pieces of text below a node that holds no block."""
        stack = [(node, "", False, False, False)]
        while stack:
            here, url, bold, emphasis, code = stack.pop()
            tag = here.tag or ""
            if tag == "-text":
                for part in filter(None, re.split(r"(\n)", here.text_content or "")):
                    self._line += part == "\n"
                    yield Span(part, url, bold, emphasis, code, self._line)
                continue
            if tag == "br":
                yield Span(BREAK)
            elif tag == "img" and url:
                # A badge says by its text what the link around it is; by itself it is no link.
                yield Span(here.attributes.get("alt") or "", url, line=self._line)
            elif tag == "a":
                url = (here.attributes.get("href") or "").strip() or NOWHERE
            bold |= tag in ("b", "strong")
            emphasis |= tag in ("i", "em", "cite")
            code |= tag in ("code", "kbd", "tt")
            below = reversed(list(_children(here)))
            stack += [(child, url, bold, emphasis, code) for child in below]


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        if child.tag != "-comment":
            yield child
        child = child.next


def _holds_block(node: LexborNode) -> bool:
    return node.child is not None and node.css_first(_ANY_BLOCK) is not None


def _number(node: LexborNode, name: str, otherwise: int) -> int:
    told = node.attributes.get(name) or ""
    return int(told) if re.fullmatch("[1-9][0-9]{0,7}", told) else otherwise
