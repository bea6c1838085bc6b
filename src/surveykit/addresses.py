"""Addresses as people paste them -> as an entry may hold them, and where the paper of an identifier is read."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from pydantic import TypeAdapter

from surveykit.identifier import Identifier
from surveykit.net.hosts import fault
from surveykit.scalars import Url

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
_MARKED = re.compile(r"!?\[[^\]]*\]\(\s*<?([^\s<>]+?)>?\s*\)")
_BARE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:/|$)", re.IGNORECASE)
_URL: TypeAdapter[str] = TypeAdapter(Url)


def half_width(text: str) -> str:
    """Text with the full-width signs of a Chinese keyboard as ASCII: `：` becomes `:`."""
    return text.translate(_FULL_WIDTH)


def address(text: str) -> str | None:
    """One address out of `<…>`, `[text](…)`, quotes, or without its `https://`; None for what is none."""
    plain = _bare(text)
    if re.search(r"\s", plain):
        return None  # two addresses, or words
    try:
        if not urlsplit(plain).netloc.isascii():
            return None
        return _URL.validate_python(quote(plain, safe="!#$%&'()*+,/:;=?@[]~-._"))
    except ValueError:  # among them pydantic's
        return None


def why_none(text: str) -> str:
    """Why a text that is no address is none, to follow it."""
    plain = _bare(text)
    found = re.match("https?://", plain, re.IGNORECASE) and fault(plain)
    return f"is not an address: {found.words}" if found else "is not an address"


def _bare(text: str) -> str:
    plain = half_width(text).strip()
    if marked := _MARKED.fullmatch(plain):
        plain = marked[1]
    plain = plain.rstrip(".,;。、").strip("<>`\"'“”‘’ ").rstrip(".,;。、")
    if plain.startswith("git@github.com:"):
        plain = f"github.com/{plain.partition(':')[2]}"
    return f"https://{plain}" if _BARE.match(plain) else plain


def page(found: Identifier, *, pdf: bool = False) -> str | None:
    """Where the paper that an identifier names is read; None where it does not say."""
    name = found.value
    pages = {
        "arxiv": f"https://arxiv.org/{'pdf' if pdf else 'abs'}/{name}",
        "doi": doi_page(name),
        "acl": f"https://aclanthology.org/{name}{'.pdf' if pdf else '/'}",
        "openreview": f"https://openreview.net/{'pdf' if pdf else 'forum'}?id={name}",
        "page": name,
    }
    return pages.get(found.kind)


def doi_page(doi: str) -> str:
    """Where a DOI leads, as an entry may hold it: `<` and others stand in DOIs and in no address."""
    return f"https://doi.org/{quote(doi, safe='/:;()._-')}"


def entry_id(text: str) -> str:
    """The id of an entry that a text means: itself, or the last part of the address of its page."""
    plain = text.strip(" `<>\n")
    if re.match("https?://", plain, re.IGNORECASE):
        plain = plain.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2]
    return plain.lower()
