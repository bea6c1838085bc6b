"""What a person types or pastes -> which service knows the paper, and under which name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from surveykit.errors import IdentifierError
from surveykit.models import INVISIBLE

Kind = Literal["arxiv", "doi", "acl", "openreview", "github", "page"]

MOST_CHARACTERS = 2000
_ARXIV = re.compile(
    r"(?:arxiv\s*:\s*)?"
    r"([0-9]{2}(?:0[1-9]|1[0-2])\.[0-9]{4,5}|[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]{2})?/[0-9]{7})"
    r"(?:v[0-9]{1,3})?",
    re.IGNORECASE,
)
_DOI = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/\S+")
_ACL = re.compile(
    r"(?:acl\s*:\s*)?([0-9]{4}\.[a-z0-9]+-[a-z0-9]+\.[0-9]+|[A-Z][0-9]{2}-[0-9]{4})"
    r"(?:v[0-9]+)?",
    re.IGNORECASE,
)
_OPENREVIEW = re.compile(r"[A-Za-z0-9_-]{6,40}")
_BARE_OPENREVIEW = re.compile(r"(?=[^A-Z]*[A-Z])(?=.*[a-z0-9])[A-Za-z0-9_-]{8,14}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
# What publishers hang behind the DOI in their addresses.
_BEHIND_DOI = re.compile(
    r"(?:/(?:abstract|full|fulltext|full-text|pdf|epdf|meta|summary|references|html|figures|metrics))+/?$"
    r"|\.(?:pdf|html?|full|abstract)$",
    re.IGNORECASE,
)
_PAIRS = {")": "(", "]": "[", ">": "<", "}": "{"}
_ARXIV_DOI = "10.48550/arxiv."
_ACL_DOIS = ("10.18653/v1/", "10.3115/v1/")


@dataclass(frozen=True)
class Identifier:
    """A paper's name at one service, in the service's own spelling."""

    kind: Kind
    value: str
    """arXiv id without version; DOI without `https://doi.org/`; `owner/name` at GitHub; else an address."""

    def __str__(self) -> str:
        named = {"arxiv": "arXiv:", "page": "", "github": "https://github.com/"}
        return named.get(self.kind, f"{self.kind}:") + self.value


def identify(text: str) -> Identifier:
    """The identifier that a text means. Raises IdentifierError.

    Understood are arXiv ids of both styles, DOIs, ACL Anthology ids, OpenReview ids and repositories, bare, with a
    prefix (`arXiv:`, `doi:`, `acl:`, `openreview:`) or as an address, and addresses of other pages.
    """
    plain = INVISIBLE.sub("", text).strip().strip("\"'`").strip()
    if plain[:1] + plain[-1:] in ("<>", "()", "[]"):
        plain = plain[1:-1].strip()
    if not plain or len(plain) > MOST_CHARACTERS:
        raise IdentifierError(text, "too long" if plain else "empty")
    if ssh := re.fullmatch(r"git@github\.com:(.+)", plain):
        plain = f"https://github.com/{ssh[1]}"
    if re.match(r"https?:", plain, re.IGNORECASE):
        return _from_address(text, plain)
    for form in (_bare_arxiv, _bare_doi, _bare_acl, _prefixed, _bare_openreview):
        if found := form(plain):
            return found
    if re.match(r"(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+/\S", plain, re.IGNORECASE):
        return _from_address(text, f"https://{plain}")
    raise IdentifierError(text)


def identify_quietly(text: str) -> Identifier | None:
    """The identifier that a text means, or None."""
    try:
        return identify(text)
    except IdentifierError:
        return None


def arxiv_id(text: str) -> str | None:
    """The arXiv id that a text is, without version and class of subject; None for another text."""
    found = _ARXIV.fullmatch(text.strip())
    if not found:
        return None
    archive, slash, number = found[1].lower().rpartition("/")
    return archive.partition(".")[0] + slash + number


def doi(text: str) -> str | None:
    """The DOI that a text is or holds, with brackets and case as they are; None where there is none."""
    found = _DOI.search(text)
    if not found:
        return None
    value = found[0].strip("\"'`")
    while value:
        last = value[-1]
        loose = last in _PAIRS and value.count(last) > value.count(_PAIRS[last])
        if not loose and last not in ".,;:":
            break
        value = value[:-1]
    return value if _DOI.fullmatch(value) else None


def _bare_arxiv(text: str) -> Identifier | None:
    found = arxiv_id(text)
    return Identifier("arxiv", found) if found else None


def _bare_doi(text: str) -> Identifier | None:
    bare = re.sub(r"^(?:doi\s*[:=]?\s*|(?:dx\.)?doi\.org/)", "", text, flags=re.I)
    if not bare.startswith("10.") or re.search(r"\s", bare):
        return None
    return _of_doi(unquote(bare) if "%" in bare else bare)


def _of_doi(text: str) -> Identifier | None:
    """A DOI; one that arXiv or the ACL gave out names a paper there."""
    found = doi(text)
    if not found:
        return None
    low = found.lower()
    if low.startswith(_ARXIV_DOI) and (paper := arxiv_id(found[len(_ARXIV_DOI) :])):
        return Identifier("arxiv", paper)
    for prefix in _ACL_DOIS:
        if low.startswith(prefix) and (paper := _acl_id(found[len(prefix) :])):
            return Identifier("acl", paper)
    return Identifier("doi", found)


def _bare_acl(text: str) -> Identifier | None:
    found = _acl_id(text)
    return Identifier("acl", found) if found else None


def _acl_id(text: str) -> str | None:
    found = _ACL.fullmatch(text)
    if not found:
        return None
    return found[1].lower() if "." in found[1] else found[1].upper()


def _prefixed(text: str) -> Identifier | None:
    name, _, value = text.partition(":")
    value = value.strip()
    if name.lower() == "openreview" and _OPENREVIEW.fullmatch(value):
        return Identifier("openreview", value)
    if name.lower() == "github":
        return _repository(value)
    return None


def _bare_openreview(text: str) -> Identifier | None:
    return Identifier("openreview", text) if _BARE_OPENREVIEW.fullmatch(text) else None


def _from_address(text: str, url: str) -> Identifier:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
        _ = parts.port
    except ValueError as error:
        raise IdentifierError(text, str(error)) from None
    if "." not in host or re.search(r"[\s\\]", url) or "@" in parts.netloc:
        raise IdentifierError(text, "no public address")
    path = unquote(parts.path)
    for hosts, form in _HOSTS:
        if host == hosts or host.endswith(f".{hosts}"):
            found = form(parts, path)
            break
    else:
        found = _doi_inside(parts, path)
    return found or Identifier("page", _canonical(parts))


def _canonical(parts: SplitResult) -> str:
    return parts._replace(
        scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), fragment=""
    ).geturl()


def _arxiv_page(_: SplitResult, path: str) -> Identifier | None:
    found = re.fullmatch(
        r"/(?:abs|pdf|html|format|papers|ps|src|e-print|overview)/(.+?)(?:\.pdf)?/?",
        path,
    )
    return _bare_arxiv(found[1]) if found else None


def _doi_page(_: SplitResult, path: str) -> Identifier | None:
    return _of_doi(path.lstrip("/"))


def _acl_page(_: SplitResult, path: str) -> Identifier | None:
    name = path.rstrip("/").rpartition("/")[2]
    return _bare_acl(re.sub(r"\.(?:pdf|bib|xml|endf)$", "", name))


def _openreview_page(parts: SplitResult, _: str) -> Identifier | None:
    query = parse_qs(parts.query)
    value = (query.get("id") or query.get("forum") or [""])[0]
    fits = parts.path in ("/forum", "/pdf", "/attachment", "/references/pdf")
    found = fits and _OPENREVIEW.fullmatch(value)
    return Identifier("openreview", value) if found else None


def _github_page(_: SplitResult, path: str) -> Identifier | None:
    return _repository("/".join(path.strip("/").split("/")[:2]))


def _repository(name: str) -> Identifier | None:
    name = name.removesuffix(".git")
    if not _REPOSITORY.fullmatch(name) or ".." in name:
        return None
    return Identifier("github", name)


def _nature_page(parts: SplitResult, path: str) -> Identifier | None:
    found = re.fullmatch(r"/articles/(s?[0-9a-z-]+)(?:\.pdf)?/?", path)
    return (
        Identifier("doi", f"10.1038/{found[1]}") if found else _doi_inside(parts, path)
    )


def _doi_inside(parts: SplitResult, path: str) -> Identifier | None:
    """The DOI that stands in a publisher's address."""
    found = doi(path) or doi(unquote(parts.query).partition("&")[0])
    if not found:
        return None
    while (bare := _BEHIND_DOI.sub("", found)) != found and "/" in bare:
        found = bare
    return _of_doi(found)


_HOSTS: tuple[tuple[str, Callable[[SplitResult, str], Identifier | None]], ...] = (
    ("arxiv.org", _arxiv_page),
    ("alphaxiv.org", _arxiv_page),
    ("huggingface.co", _arxiv_page),
    ("doi.org", _doi_page),
    ("aclanthology.org", _acl_page),
    ("aclweb.org", _acl_page),
    ("openreview.net", _openreview_page),
    ("github.com", _github_page),
    ("nature.com", _nature_page),
)
