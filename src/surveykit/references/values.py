"""Values of a file of references: fields, identifiers and addresses, pages and keywords."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from pydantic import TypeAdapter, ValidationError

from surveykit.identifier import arxiv_id, doi, identify_quietly
from surveykit.references.reading import Reading
from surveykit.scalars import Url
from surveykit.text.dates import When
from surveykit.text.names import People
from surveykit.text.plain import with_hyphens

_ARXIV_ID = r"(?:[0-9]{4}\.[0-9]{4,5}|[a-z-]{2,12}(?:\.[A-Za-z]{2})?/[0-9]{7})(?![0-9])"
_ARXIV_TEXT = re.compile(
    rf"(?i)(?:arxiv(?:\.org/(?:abs|pdf))?[^0-9a-z]{{0,4}}(?:(?:pre-?prints?|e-?prints?|abs)[^0-9a-z]{{0,4}})*"
    rf"(?:arxiv[^0-9a-z]{{0,4}})?|(?<![a-z])abs/)({_ARXIV_ID})"
)
_ARXIV_WORDS = re.compile(
    rf"(?i){_ARXIV_ID}|v[0-9]{{1,3}}|\[[\w., -]*\]|https?:|arxiv(?:\.org)?|corr|abs|pdf|(?:pre-?|e-?)prints?|[^\w]"
)


def kinds(**named: str) -> dict[str, str]:
    """A format's types of publications -> the kind that they are."""
    return {one: kind for kind, types in named.items() for one in types.split()}


class Fields:
    """Fields of one entry, which remember what was made use of."""

    def __init__(
        self, told: Iterable[tuple[str, str]], plain: Callable[[str], str] = str
    ) -> None:
        self._texts: dict[str, list[str]] = {}
        for name, text in told:
            if text.strip(" {}"):
                self._texts.setdefault(name, []).append(text)
        self._plain = plain
        self.used: dict[str, int] = {}

    def all(self, name: str) -> list[str]:
        """Every text of a field as it stands in the file."""
        texts = self._texts.get(name, [])
        self.used[name] = len(texts)
        return texts

    def raw(self, name: str) -> str:
        """A field as it stands in the file; empty where there is none."""
        return next(iter(self.all(name)), "")

    def look(self, name: str) -> str:
        """A field as plain text, without making use of it."""
        return self._plain(self._texts[name][0]) if name in self._texts else ""

    def text(self, *names: str) -> str:
        """The first of some fields that has a text and no use yet, as plain text."""
        for name in names:
            if name not in self.used and (text := self.look(name)):
                self.use(name)
                return text
        return ""

    def use(self, *names: str) -> None:
        """Count the first text of some fields as made use of."""
        self.used.update(dict.fromkeys(names, 1))

    @property
    def unused(self) -> list[str]:
        """The name of a field for each of its texts that nobody asked for."""
        names = self._texts.items()
        return [n for n, texts in names for _ in texts[self.used.get(n, 0) :]]


class Places:
    """What is found of one paper: of identifiers and addresses the first of each kind, another one is reported."""

    def __init__(self, name: str, line: int, reading: Reading) -> None:
        self.found: dict[str, Any] = {}
        self._name, self._line, self._reading = name, line, reading

    def note(self, kind: str, *said: str) -> None:
        """Report what is wrong with the paper."""
        for one in said:
            self._reading.note(self._line, kind, f"{self._name or 'entry'}: {one}")

    def add(self, kind: str, value: str) -> None:
        """Keep an identifier or address, unless there is one of its kind."""
        kept = self.found.setdefault(kind, value)
        if kept.lower() != value.lower():
            self.note(
                "check", f"{kind} {value!r} stands beside {kept!r}, which is kept"
            )

    def doi(self, text: str) -> None:
        """Keep the DOI of a text; one that arXiv gave out counts as arXiv id."""
        value = doi(unquote(text) if "%" in text else text) or ""
        given_out = value.lower().startswith("10.48550/arxiv.")
        paper = arxiv_id(value[15:]) if given_out else None
        found = {"arxiv": paper} if paper else {"doi": value} if value else {}
        self._all(found, f"{text[:100]!r} holds no DOI")

    def address(self, url: str, *, pdf: bool = False) -> None:
        """Keep an address, and the identifiers in it."""
        found = located(url)
        if pdf and "paper_url" in found:
            found["pdf_url"] = found.pop("paper_url")
        self._all(found, f"{url[:100]!r} is not the address of a page")

    def code(self, url: str) -> None:
        """Keep the address of a program."""
        found = usable(url)
        self._all(
            {"code_url": found} if found else {}, f"{url[:100]!r} is not an address"
        )

    def _all(self, found: Mapping[str, str], otherwise: str) -> None:
        for kind, value in found.items():
            self.add(kind, value)
        if not found:
            self.note("bad-value", f"{otherwise}; left out")

    def arxiv(
        self, fields: Fields, alone: str, among: str, stays: str, bare: str = ""
    ) -> None:
        """Keep the arXiv ids of some fields: those that stand alone, and those among words.

        A field with nothing else counts as used unless it `stays`; that called `bare` has an id without `arXiv:`.
        """
        for name in f"{alone} {among}".split():
            if not (text := fields.look(name)):
                continue
            number = arxiv_in(text)
            whole = number is not None and only_arxiv(text)
            if name == bare:
                number = number or arxiv_id(text)
                whole = number is not None
            if number and (whole or name in among.split()):
                self.add("arxiv", number)
            if whole and name not in stays.split():
                fields.use(name)

    def keep(
        self, title: str, where: str, kind: str, people: People, when: When, **more: Any
    ) -> None:
        """Keep the paper; what is doubtful of its people and its date is reported.

        It is a preprint where the venue is arXiv, or an arXiv id stands alone.
        """
        self.note("bad-value", *when.doubts)
        self.note("author", *people.doubts)
        alone = not where and "arxiv" in self.found and kind != "conference"
        more |= {name: with_hyphens(more[name]) for name in _HYPHENATED}
        more |= {"title": title, "authors": people.authors, "venue_text": where}
        more |= {"year": when.year, "month": when.month} | self.found
        more["kind"] = "preprint" if alone or is_arxiv(where) else kind
        self._reading.add(self._line, self._name, more)


def located(url: str) -> dict[str, str]:
    """What an address of a paper tells: `paper_url` or `pdf_url`, and the identifiers in it."""
    address = usable(url)
    if address is None:
        return {}
    known = identify_quietly(address)
    if known and known.kind == "arxiv":
        return {"arxiv": known.value}
    pdf = re.search(r"\.pdf($|[?#])|/pdf[/?]|/system/files/", address, re.I)
    found = {"pdf_url" if pdf else "paper_url": address}
    if known and known.kind in ("doi", "acl", "openreview"):
        found[known.kind] = known.value
    return found


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


def keywords(text: str) -> tuple[str, ...]:
    """Keywords of a list with commas or semicolons."""
    return tuple(filter(None, map(str.strip, re.split("[;,]", text))))


_HYPHENATED = ("volume", "number", "pages")
_URL: TypeAdapter[str] = TypeAdapter(Url)
