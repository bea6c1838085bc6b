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
# readers do not see becomes `<noframes>`, whose content is one piece of text.
_TAG = re.compile(r"<(/?)([a-z][^\s/<>]*)", re.IGNORECASE)
_KEPT = frozenset({"title", "script", "style"})
_SILENT = frozenset({"noscript", "template"})
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
    def _said(self) -> tuple[str, str]:
        if not self.html:
            return "", ""
        tree = LexborHTMLParser(_TAG.sub(_flat, self._source))
        tree.strip_tags(["script", "style", "noframes"])
        heading = tree.css_first("title")
        title = heading.text()[:_TITLE_LENGTH] if heading else ""
        text = tree.root.text(separator=" ") if tree.root else ""
        return _one_line(title), _one_line(text)

    @property
    def title(self) -> str:
        """Title on one line; empty for anything but HTML."""
        return self._said[0]

    @property
    def text(self) -> str:
        """Visible text on one line, title included; empty for anything but HTML."""
        return self._said[1]

    @cached_property
    def short(self) -> bool:
        """Whether it has so few words that the whole page is one message."""
        return len(self.raw) <= SHORT_BYTES and len(self.text) <= SHORT_TEXT

    @cached_property
    def all(self) -> str:
        """Text and source of a page in lower case: where the marks of bot challenges and parked domains stand."""
        return f"{self.text}\n{self._source}".lower() if self.html else ""


def _flat(tag: re.Match[str]) -> str:
    name = tag[2].lower()
    if name in _KEPT:
        return tag[0]
    return f"<{tag[1]}{'noframes' if name in _SILENT else 'br'}"


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
    page = FetchedPage(kind.strip(), found[1] if found else None, raw, whole, cut)
    _ = page.all  # parsed here, where nobody waits for it
    return page


def _unpacked(raw: bytes, whole: bool) -> tuple[bytes, bool]:
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # with a header, or bare
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(raw, MOST_BYTES)
        except zlib.error:
            continue
        return found, whole and unpacker.eof
    return b"", False
