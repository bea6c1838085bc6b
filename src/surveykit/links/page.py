"""The first bytes of a page as title and visible text: kept in memory for one verdict, then forgotten."""

from __future__ import annotations

import html
import re
import zlib
from dataclasses import dataclass
from functools import cached_property

import httpx

MOST_BYTES = 64 * 1024
"""Bytes of a body that are read, before and after decompression."""
SHORT_BYTES = 32 * 1024
SHORT_TEXT = 600
"""Characters of visible text up to which a whole page is read as one message."""

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([\w-]{1,40})", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,400})", re.IGNORECASE)
_SILENT = re.compile(
    r"<(script|style|noscript|template)\b[^>]*>.*?</\1\s*>|<!--.*?-->",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Page:
    """What was read of a page."""

    content_type: str
    charset: str | None
    raw: bytes
    """At most MOST_BYTES, decompressed."""
    whole: bool
    """Whether that is the whole page."""

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
        try:
            return self.raw.decode(name, errors="replace")
        except (LookupError, ValueError):
            return self.raw.decode("utf-8", errors="replace")

    @cached_property
    def title(self) -> str:
        """Title on one line; empty for anything but HTML."""
        found = _TITLE.search(self._source) if self.html else None
        return _one_line(found[1]) if found else ""

    @cached_property
    def text(self) -> str:
        """Visible text on one line, title included; empty for anything but HTML."""
        if not self.html:
            return ""
        return _one_line(_TAG.sub(" ", _SILENT.sub(" ", self._source)))

    @cached_property
    def short(self) -> bool:
        """Whether it has so few words that the whole page is one message."""
        return len(self.raw) <= SHORT_BYTES and len(self.text) <= SHORT_TEXT

    @cached_property
    def all(self) -> str:
        """Text and source of a page in lower case: where the marks of walls and parked domains stand."""
        return f"{self.text}\n{self._source}".lower() if self.html else ""


def _one_line(text: str) -> str:
    return " ".join(html.unescape(text).split())


def read_page(headers: httpx.Headers, raw: bytes, *, whole: bool) -> Page:
    """Page from the first bytes of a body; a compressed one is unpacked up to MOST_BYTES."""
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing in ("gzip", "x-gzip", "deflate"):
        raw, whole = _unpacked(raw, whole)
    elif packing not in ("identity", ""):
        raw, whole = b"", False  # not asked for, not understood: nothing to read
    kind, _, rest = headers.get("content-type", "").lower().partition(";")
    found = re.search(r"charset=[\"']?([\w-]{1,40})", rest)
    return Page(kind.strip(), found[1] if found else None, raw, whole)


def _unpacked(raw: bytes, whole: bool) -> tuple[bytes, bool]:
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # with a header, or bare
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(raw, MOST_BYTES)
        except zlib.error:
            continue
        return found, whole and unpacker.eof
    return b"", False
