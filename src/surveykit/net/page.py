"""The first bytes of a page as title and visible text: kept in memory for one verdict, then forgotten."""

from __future__ import annotations

import codecs
import re
import zlib
from dataclasses import dataclass
from functools import cached_property

import httpx
from selectolax.lexbor import LexborHTMLParser

MOST_BYTES = 64 * 1024
"""Bytes of a body that are read, before and after decompression."""
SHORT_BYTES = 32 * 1024
SHORT_TEXT = 600
"""Characters of visible text up to which a whole page is read as one message."""

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([\w-]{1,40})", re.IGNORECASE)
# Nesting costs the parser quadratic time, so no tag but these may hold others: the rest becomes `<br>`, and what
# readers do not see becomes `<noframes>`, whose content is one piece of text. Opening and closing tags apart, for a
# replacement without groups takes half the time.
_ENDS = r"(?=[\s/<>]|\Z)"
_SILENT = rf"(?:noscript|template){_ENDS}"
_NESTING = rf"(?!(?:title|script|style|noframes){_ENDS})[a-z][^\s/<>]*"
_FLAT = tuple(
    (re.compile(tag + name, re.IGNORECASE), tag + instead)
    for name, instead in ((_SILENT, "noframes"), (_NESTING, "br"))
    for tag in ("<", "</")
)
_TITLE_END = re.compile(r"</title(?=[\s/>])", re.IGNORECASE)
_TITLE_LENGTH = 400
# No charsets of pages, and quadratic.
_SLOW = frozenset({"idna", "punycode"})


@dataclass(frozen=True)
class FetchedPage:
    """What was read of a page."""

    content_type: str
    charset: str | None
    raw: bytes
    """At most MOST_BYTES, decompressed."""
    whole: bool
    """Whether that is the whole page."""
    cut: str = ""
    """Why the rest did not come, though it was asked for."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all."""
        return self.whole and not self.raw.strip()

    @cached_property
    def html(self) -> bool:
        """Whether it is a web page, by its type and not by a PDF's first bytes."""
        if self.raw.lstrip()[:5] == b"%PDF-":
            return False
        if self.content_type:
            return "html" in self.content_type
        return self.raw.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))

    @cached_property
    def _source(self) -> str:
        found = _CHARSET.search(self.raw[:2048])
        name = self.charset or (found[1].decode("ascii") if found else "utf-8")
        raw = self.raw[:MOST_BYTES]
        try:
            quick = codecs.lookup(name).name not in _SLOW
            return raw.decode(name if quick else "utf-8", errors="replace")
        except (LookupError, ValueError):
            return raw.decode("utf-8", errors="replace")

    @cached_property
    def _tree(self) -> LexborHTMLParser:
        return _parsed(self._source)

    @cached_property
    def title(self) -> str:
        """Title on one line; empty for anything but HTML."""
        if not self.html:
            return ""
        end = _TITLE_END.search(self._source) if len(self.raw) > SHORT_BYTES else None
        # of a long page, the first one that ends is most often the title, and what follows need not be parsed
        found = end and _parsed(self._source[: end.end()] + ">").css_first("title")
        found = found or self._tree.css_first("title")
        return _one_line(found.text()[:_TITLE_LENGTH]) if found else ""

    @cached_property
    def text(self) -> str:
        """Visible text on one line, title included; empty for anything but HTML."""
        root = self._tree.root if self.html else None
        return _one_line(root.text(separator=" ")) if root else ""

    @cached_property
    def short(self) -> bool:
        """Whether it has so few words that the whole page is one message."""
        return len(self.raw) <= SHORT_BYTES and len(self.text) <= SHORT_TEXT

    @cached_property
    def all(self) -> str:
        """Text and source of a page in lower case: where the marks of bot challenges and parked domains stand."""
        return f"{self.text}\n{self._source}".lower() if self.html else ""


def _parsed(source: str) -> LexborHTMLParser:
    for tags, instead in _FLAT:
        source = tags.sub(instead, source)
    tree = LexborHTMLParser(source)
    tree.strip_tags(["script", "style", "noframes"])
    return tree


def _one_line(text: str) -> str:
    return " ".join(text.split())


def read_page(
    headers: httpx.Headers, raw: bytes, *, whole: bool, cut: str = ""
) -> FetchedPage:
    """Page from the first bytes of a body; a compressed one is unpacked up to MOST_BYTES."""
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing in ("gzip", "x-gzip", "deflate"):
        raw, whole = _unpacked(raw, whole)
    elif packing not in ("identity", ""):
        raw, whole = b"", False  # not asked for, not understood: nothing to read
    kind, _, rest = headers.get("content-type", "").lower().partition(";")
    found = re.search(r"charset=[\"']?([\w-]{1,40})", rest)
    return FetchedPage(kind.strip(), found[1] if found else None, raw, whole, cut)


def _unpacked(raw: bytes, whole: bool) -> tuple[bytes, bool]:
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # with a header, or bare
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(raw, MOST_BYTES)
        except zlib.error:
            continue
        return found, whole and unpacker.eof
    return b"", False
