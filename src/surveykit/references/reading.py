"""What reading a file of references gives: records, and whatever looked wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from surveykit.record import Record
from surveykit.text.letters import tidy

ANOMALIES = {
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
    "no-authors": "papers without authors",
    "author": "a name that does not look like one",
    "capitals": "text in capitals throughout",
    "stray-space": "words torn apart",
    "title-suffix": "the venue's name at the end of a title",
    "venue": "a venue that the registry does not know, or under another name",
    "track": "a workshop or Findings paper under the name of the main conference",
    "year": "a year that the identifier contradicts",
    "check": "something for a person to look at",
}
"""Kind of anomaly -> what it means."""


@dataclass(frozen=True, order=True)
class Anomaly:
    """Something in the file that a person should know of."""

    line: int
    """1-based; 1 where the whole file is meant."""
    kind: str
    """One of `ANOMALIES`."""
    message: str
    """What is wrong, and what was done about it, in one line."""


@dataclass(frozen=True)
class ReadEntry:
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
    found: list[ReadEntry] = field(default_factory=list)
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
        where = (
            "without a place in the catalog|in which programs keep notes of their own"
        )
        for machine, said in enumerate(where.split("|")):
            some = [pair for pair in counts if bool(_MACHINE.match(pair[0])) == machine]
            told = (f"`{name}`" + f" {n} times" * (n > 1) for name, n in some)
            if some:
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
            for key in sorted(wrong - {"title"}):
                said = f"{name or 'entry'}: {key} {given.pop(key)!r} is left out"
                self.note(line, "bad-value", said)
            if "title" in wrong:
                said = f"{name or 'entry'}: no usable title; not imported"
                self.note(line, "cut", said)
                return None
            record = Record.model_validate(given)
        self.found.append(ReadEntry(line, name or short(record.title), record))
        return record


def _places(lines: Iterable[int]) -> str:
    """`line 3` or `lines 3-5, 9`."""
    runs: list[tuple[int, int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    told = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
    return f"line{'s' * (runs[0][0] != runs[-1][1])} {told}"


def short(title: str) -> str:
    """A title as messages name it, at most 60 characters."""
    return title if len(title) <= 60 else f"{title[:59].rstrip()}…"


def few(names: Iterable[str]) -> str:
    """Names for a message, at most ten of them."""
    told = [f"`{name}`" for name in names]
    more = f" and {len(told) - 10} more" if len(told) > 10 else ""
    return ", ".join(told[:10]) + more


_MACHINE = re.compile(
    "(?i)bdsk-|mendeley-|date-(?:added|modified)|creationdate|modificationdate|internal-note|biburl$|bibsource|timestamp"
    "|owner$|file$|local-url|groups$|__markedentry|citation-key|system_id|added-at|interhash|intrahash|papers3|rating$"
    "|read$|ranking|qualityassured|priority|readstatus|username|zotero|sentelink|citeulike|posted-at|ids$|label$|keywords-"
)
