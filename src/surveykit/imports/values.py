"""Values of a file of references: fields, identifiers and addresses, pages and keywords."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote

from pydantic import TypeAdapter, ValidationError

from surveykit.errors import IdentifierError
from surveykit.identifier import arxiv_id, doi, identify
from surveykit.imports.reading import Reading
from surveykit.models import Url

_ARXIV_ID = r"(?:[0-9]{4}\.[0-9]{4,5}|[a-z-]{2,12}(?:\.[A-Za-z]{2})?/[0-9]{7})(?![0-9])"
_ARXIV_TEXT = re.compile(
    rf"(?:arxiv(?:\.org/(?:abs|pdf))?[^0-9a-z]{{0,4}}(?:(?:pre-?prints?|e-?prints?|abs)[^0-9a-z]{{0,4}})*"
    rf"(?:arxiv[^0-9a-z]{{0,4}})?|(?<![a-z])abs/)({_ARXIV_ID})",
    re.I,
)
_ARXIV_WORDS = re.compile(
    rf"{_ARXIV_ID}|v[0-9]{{1,3}}|\[[\w., -]*\]|https?:|arxiv(?:\.org)?|corr|abs|pdf|(?:pre-?|e-?)prints?|[^\w]",
    re.I,
)


class Fields:
    """Fields of one entry, which remember what was made use of."""

    def __init__(self, raw: Mapping[str, str], plain: Callable[[str], str]) -> None:
        self._raw = {name: value for name, value in raw.items() if value.strip(" {}")}
        self._plain = plain
        self.used: set[str] = set()

    def raw(self, name: str) -> str:
        """A field as it stands in the file; empty where there is none."""
        self.used.add(name)
        return self._raw.get(name, "")

    def has(self, name: str) -> bool:
        """Whether a field says something."""
        return name in self._raw

    def look(self, name: str) -> str:
        """A field as plain text, without making use of it."""
        raw = self._raw.get(name)
        return self._plain(raw) if raw else ""

    def text(self, *names: str) -> str:
        """The first of some fields that has a text and no use yet, as plain text."""
        for name in names:
            if name not in self.used and (text := self.look(name)):
                self.used.add(name)
                return text
        return ""

    @property
    def unused(self) -> list[str]:
        """Names of the fields that nobody asked for."""
        return [name for name in self._raw if name not in self.used]


class Places:
    """Identifiers and addresses of one paper: the first of each kind is kept, another one is reported."""

    def __init__(self, name: str, line: int, reading: Reading) -> None:
        self.found: dict[str, str] = {}
        self._name, self._line, self._reading = name or "entry", line, reading

    def add(self, kind: str, value: str) -> None:
        """Keep an identifier or address, unless there is one of its kind."""
        kept = self.found.setdefault(kind, value)
        if kept.lower() != value.lower():
            said = f"{kind} {value!r} stands beside {kept!r}, which is kept"
            self._reading.note(self._line, "check", f"{self._name}: {said}")

    def doi(self, text: str) -> None:
        """Keep the DOI of a text."""
        self._all(doi_of(text), f"{text[:100]!r} holds no DOI")

    def address(self, url: str, *, pdf: bool = False) -> None:
        """Keep an address, and the identifiers in it."""
        found = located(url)
        if pdf and "paper_url" in found:
            found["pdf_url"] = found.pop("paper_url")
        self._all(found, f"{url[:100]!r} is no address of a page")

    def code(self, url: str) -> None:
        """Keep the address of a program."""
        found = usable(url)
        self._all({"code_url": found} if found else {}, f"{url[:100]!r} is no address")

    def kind(self, told: str, where: str) -> str:
        """The kind of publication: `preprint` where the venue is arXiv, or an arXiv id stands alone."""
        alone = not where and "arxiv" in self.found and told != "conference"
        return "preprint" if alone or is_arxiv(where) else told

    def _all(self, found: Mapping[str, str], otherwise: str) -> None:
        for kind, value in found.items():
            self.add(kind, value)
        if not found:
            self.refuse(otherwise)

    def refuse(self, why: str) -> None:
        """Report a value that is left out."""
        self._reading.note(self._line, "bad-value", f"{self._name}: {why}; left out")


def located(url: str) -> dict[str, str]:
    """What an address of a paper tells: `paper_url` or `pdf_url`, and the identifiers in it."""
    address = usable(url)
    if address is None:
        return {}
    values = {}
    if re.search(r"\.pdf($|[?#])|/pdf[/?]|/system/files/", address, re.I):
        values["pdf_url"] = address
    else:
        values["paper_url"] = address
    try:
        known = identify(address)
    except IdentifierError:
        return values
    if known.kind in ("arxiv", "doi", "acl", "openreview"):
        values[known.kind] = known.value
    if known.kind == "arxiv":
        values.pop("paper_url", None)
        values.pop("pdf_url", None)
    return values


def doi_of(text: str) -> dict[str, str]:
    """The DOI that a field holds, with or without its address; one that arXiv gave out counts as arXiv id."""
    value = doi(unquote(text) if "%" in text else text)
    if not value:
        return {}
    name = value.lower()
    if name.startswith("10.48550/arxiv.") and (paper := arxiv_id(name[15:])):
        return {"arxiv": paper}
    return {"doi": value}


def usable(url: str) -> str | None:
    """An address as an entry may hold it; None for what cannot be made one."""
    plain = "".join(url.split())
    if re.match(r"(www\.|[a-z0-9-]+(\.[a-z0-9-]+)+/)", plain, re.I):
        plain = f"https://{plain}"
    plain = quote(plain, safe="!#$%&'()*+,/:;=?@[]~-._")
    try:
        return _URL.validate_python(plain)
    except ValidationError:
        return None


def addresses(text: str) -> list[str]:
    """The addresses of a field, divided by blanks; one may be broken over two lines."""
    words = text.split()
    if len(words) > 1 and all(re.match("https?://|www[.]", word) for word in words):
        return [word.rstrip(";,") for word in words]
    return ["".join(words)] if words else []


def arxiv_in(text: str) -> str | None:
    """The arXiv id in a text like `arXiv preprint arXiv:2110.02467` or `CoRR, abs/cs/0112017`."""
    found = _ARXIV_TEXT.search(text)
    return arxiv_id(found[1]) if found else None


def is_arxiv(venue: str) -> bool:
    """Whether the name of a journal or archive means arXiv."""
    return re.search(r"\barxiv\b|\bcorr\b", venue, re.I) is not None


def only_arxiv(text: str) -> bool:
    """Whether a text says nothing but an arXiv id: `arXiv:2110.02467v2 [cs.CV]`."""
    return arxiv_in(text) is not None and not _ARXIV_WORDS.sub("", text)


def with_hyphens(text: str) -> str:
    """Pages, a volume or a number with one hyphen: `pp. 12--19` -> `12-19`, `No. 3` -> `3`."""
    if not text or text.isalnum():
        return text
    bare = re.sub(r"^(?:pp?|no|nr|vol)\.\s*", "", text.strip(), flags=re.I)
    return re.sub(r"(?<!\s)\s*[‐-―−-]+\s*", "-", bare)


def keywords(text: str) -> tuple[str, ...]:
    """Keywords of a list with commas or semicolons."""
    return tuple(word for part in re.split("[;,]", text) if (word := part.strip()))


_URL: TypeAdapter[str] = TypeAdapter(Url)
