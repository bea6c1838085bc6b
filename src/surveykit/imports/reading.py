"""What reading a file of references gives: records, and whatever looked wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from pydantic import TypeAdapter, ValidationError

from surveykit.errors import IdentifierError
from surveykit.identifier import arxiv_id, doi, identify
from surveykit.models import Url
from surveykit.record import Record, tidy

KINDS = {
    "mojibake": "text that was decoded with the wrong character set",
    "lost": "something of the file that is not in its entry",
    "cut": "an entry that has no end or no title; not imported",
    "empty-key": "an entry without a key",
    "repeated-key": "two entries under one key",
    "repeated-field": "a field that stands twice",
    "syntax": "something that the format's rules do not allow; read all the same",
    "bad-value": "a value that an entry cannot hold",
    "not-kept": "facts for which the catalog has no place",
    "shared-identifier": "one identifier for different papers",
    "retracted": "a title that says that the paper was retracted or withdrawn",
    "duplicate": "a paper that is in the file or the catalog already",
    "differs": "a fact that the catalog has otherwise",
    "code-elsewhere": "a code link that may be another project's",
    "no-repository": "a code link that leads to no repository",
    "broken-line": "an address broken over two lines",
    "http": "an address without encryption",
    "version": "an address of one version of a preprint",
    "no-link": "an item of a list that is taken for no paper",
    "text": "text around the papers that was not read",
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
    _gathered: dict[tuple[str, str], set[int]] = field(default_factory=dict)

    def gather(self, line: int, kind: str, message: str) -> None:
        """Keep an anomaly that may come often: `close` notes it once, with all of its lines."""
        self._gathered.setdefault((kind, message), set()).add(line)

    def close(self) -> None:
        """Note what was gathered."""
        for (kind, message), lines in self._gathered.items():
            self.note(min(lines), kind, f"{message}: {_places(lines)}")
        self._gathered.clear()

    def note(self, line: int, kind: str, message: str) -> None:
        """Keep an anomaly."""
        self.anomalies.append(Anomaly(line, kind, tidy(message)))

    def unused(self, names: Iterable[str], what: str) -> None:
        """Note the names of what the file tells and no entry can hold, each as often as it stands there."""
        counts = sorted(Counter(names).items())
        for said, machine in (
            ("without a place in the catalog", False),
            ("in which programs keep notes of their own", True),
        ):
            told = [
                f"`{name}`" + (f" {count} times" if count > 1 else "")
                for name, count in counts
                if bool(_MACHINE.match(name)) == machine
            ]
            if told:
                self.note(1, "not-kept", f"{what} {said}: {', '.join(told)}")

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


def _places(lines: Iterable[int]) -> str:
    """`line 3` or `lines 3-5, 9`."""
    runs: list[tuple[int, int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    told = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    return f"line{'s' * (runs[0][0] != runs[-1][1])} {', '.join(told)}"


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
    bare = re.sub(r"^(?:pp?|no|nr|vol)\.\s*", "", text.strip(), flags=re.I)
    return re.sub(r"\s*[‐-―−-]+\s*", "-", bare)


def keywords(text: str) -> tuple[str, ...]:
    """Keywords of a list with commas or semicolons."""
    return tuple(word for part in re.split("[;,]", text) if (word := part.strip()))


def few(names: Iterable[str]) -> str:
    """Names for a message, at most ten of them."""
    told = [f"`{name}`" for name in names]
    return ", ".join(told[:10]) + (
        f" and {len(told) - 10} more" if len(told) > 10 else ""
    )


_URL: TypeAdapter[str] = TypeAdapter(Url)
_MACHINE = re.compile(
    "bdsk-|mendeley-|date-(?:added|modified)|creationdate|modificationdate|internal-note|biburl$|bibsource|timestamp"
    "|owner$|file$|local-url|groups$|__markedentry|citation-key|system_id|added-at|interhash|intrahash|papers3|rating$"
    "|read$|ranking|qualityassured|priority|readstatus|username|zotero|sentelink|citeulike|posted-at|ids$|label$|keywords-",
    re.I,
)
