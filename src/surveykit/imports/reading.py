"""What reading a file of references gives: records, and whatever looked wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from pydantic import TypeAdapter, ValidationError

from surveykit.errors import IdentifierError
from surveykit.identifier import arxiv_id, doi, identify
from surveykit.models import ArxivId, Url
from surveykit.record import Record, tidy

KINDS = {
    "mojibake": "text that was decoded with the wrong character set",
    "lost": "something of the file that is not in its entry",
    "cut": "an entry that has no end or no title; not imported",
    "empty-key": "an entry without a key",
    "repeated-key": "two entries under one key",
    "repeated-field": "a field that stands twice",
    "bad-value": "a value that an entry cannot hold",
    "not-kept": "facts for which the catalog has no place",
    "shared-identifier": "one identifier for different papers",
    "duplicate": "a paper that is in the file or the catalog already",
    "differs": "a fact that the catalog has otherwise",
    "code-elsewhere": "a code link that may be another project's",
    "no-repository": "a code link that leads to no repository",
    "broken-line": "an address broken over two lines",
    "http": "an address without encryption",
    "version": "an address of one version of a preprint",
    "no-link": "an item of a list without any address",
    "anchor": "a link within the file that leads nowhere",
    "missing-file": "a file that is not there",
    "count": "a table whose numbers do not add up",
    "empty-section": "a heading with nothing below it",
    "style": "an item that is written unlike the others",
    "separators": "names separated in more than one way",
    "no-authors": "papers without authors",
    "author": "a name that does not look like one",
    "capitals": "text in capitals throughout",
    "stray-space": "words torn apart",
    "title-suffix": "the venue's name at the end of a title",
    "affiliation": "an affiliation that is empty or misspelled",
    "venue": "a venue that the registry does not know, or under another name",
    "track": "a workshop or Findings paper under the name of the main conference",
    "year": "a year that the identifier contradicts",
    "check": "something for a person to look at",
}
"""Kind of anomaly -> what it means."""

_ARXIV_TEXT = re.compile(
    r"(?:arxiv(?:\.org/(?:abs|pdf))?\s*[:/]\s*|abs/)([0-9]{4}\.[0-9]{4,5})", re.I
)


@dataclass(frozen=True, order=True)
class Anomaly:
    """Something in the file that a person should know of."""

    line: int
    """1-based; 1 where the whole file is meant."""
    kind: str
    """One of `KINDS`."""
    message: str
    """What is wrong, and what was done about it, in one line."""


@dataclass(frozen=True)
class Found:
    """One paper of the file."""

    line: int
    """1-based line where it begins."""
    name: str
    """Its key in the file, or the beginning of its title."""
    record: Record


@dataclass
class Reading:
    """What a file holds; grows while it is read."""

    source: str
    """Name of the file, for messages and records."""
    found: list[Found] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)

    def note(self, line: int, kind: str, message: str) -> None:
        """Keep an anomaly."""
        self.anomalies.append(Anomaly(line, kind, tidy(message)))

    def add(self, line: int, name: str, values: Mapping[str, Any]) -> Record | None:
        """Keep a paper; values that `Record` refuses are reported and left out.

        Without a usable title there is no record: None, and an anomaly says so.
        """
        given = {key: value for key, value in values.items() if value}
        given["source"] = f"{self.source}#L{line}"
        try:
            record = Record.model_validate(given)
        except ValidationError as error:
            wrong = {str(detail["loc"][0]) for detail in error.errors()}
            for key in sorted(wrong):
                value = given.pop(key, None)
                if key != "title":
                    said = f"{name or 'entry'}: {key} {value!r} is left out"
                    self.note(line, "bad-value", said)
            if "title" in wrong:
                said = f"{name or 'entry'}: no usable title; not imported"
                self.note(line, "cut", said)
                return None
            record = Record.model_validate(given)
        self.found.append(Found(line, name or short(record.title), record))
        return record


def short(title: str) -> str:
    """A title as messages name it, at most 60 characters."""
    return title if len(title) <= 60 else f"{title[:59].rstrip()}…"


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


def arxiv_in(text: str) -> str | None:
    """The arXiv id in a text like `arXiv preprint arXiv:2110.02467`."""
    found = _ARXIV_TEXT.search(text)
    if not found:
        return None
    try:
        return _ARXIV.validate_python(found[1])
    except ValidationError:
        return None


_URL: TypeAdapter[str] = TypeAdapter(Url)
_ARXIV: TypeAdapter[str] = TypeAdapter(ArxivId)
