"""The syntax of BibTeX: entries and their fields, also of files that break its rules.

An entry is read by the rules as long as it keeps them. One whose braces or quotes do not match is read line by line
instead, up to where the next entry begins, so that a slip never costs more than the field in which it stands. Parsers
that libraries offer pass over a missing comma or brace, and what stands behind it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from surveykit.errors import plural
from surveykit.references.reading import Reading, few
from surveykit.text.dates import SHORT_MONTHS

_WORD = r"([^\W\d][^\s={}(),\"#%]*)"
_BEGIN = re.compile(r"@[ \t]*([A-Za-z][\w-]*)\s*[{(]")
_NEXT = re.compile(r"^[ \t]*@[ \t]*[A-Za-z][\w-]*\s*[{(]", re.M)
_NEXT_IN_LINE = re.compile(r"@[A-Za-z]+\{[^\s,{}=]*,")
_HEAD = re.compile(r"[^,={}\"]*")
_GAP = re.compile(r"(?:[\s,]+|%[^\n]*)*")
_NAME = re.compile(rf"{_WORD}\s*=")
_LINE_NAME = re.compile(rf"^[ \t]*{_WORD}[ \t]*=", re.M)
_COMMA_NAME = re.compile(rf",[ \t]*{_WORD}[ \t]*=")
_BARE = re.compile(r"[^\s,{}\"#=()%]+")
_HASHES = re.compile(r"[\s#]*")  # JabRef once wrote a string as `#jun#`
_REST = re.compile(r"[\s,})]*")
_RUN_ON = re.compile(rf"[,\n][ \t]*{_WORD}[ \t]*=[ \t]*[{{\"]")
_MORE = re.compile(rf"\s*,\s*{_WORD}\s*=")
_CLOSING_LINE = re.compile(r"\n[ \t]*[})][ \t]*(?=\n|$)")
_COMMENT = re.compile(r"^[ \t]*%[^\n]*?\b\w+[ \t]*=[ \t]*[{\"]", re.M)
_FIELDS_OUTSIDE = re.compile(r"^\s*,|\b(?:title|author|year|url|doi)\s*=", re.I)
MOST_EXPANDED, MOST_IN_FILE = 64 * 1024, 4 * 1024 * 1024
"""Characters that strings may bring into one value, and into all of a file: each can double the one before."""
_STYLES = "acmcs acta cacm ibmjrd ibmsj ieeese ieeetc ieeetcad ipl jacm jcss scp sicomp tocs tods tog toms toois toplas tcs"
"""Strings that BibTeX's standard styles define."""


@dataclass
class BibEntry:
    """One entry; the names of its type and of its fields are in lower case."""

    kind: str
    key: str
    line: int
    """1-based line where it begins."""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Value:
    text: str
    end: int
    undefined: tuple[str, ...]
    """Names without quotes for which no string is defined."""


class File:
    """The entries of a text; what is wrong with their syntax is noted in the reading."""

    def __init__(self, text: str, reading: Reading) -> None:
        self._text = text
        self._reading = reading
        self._breaks = [found.start() for found in re.finditer("\n", text)]
        begins = (found.start() for found in _NEXT.finditer(text))
        self._begins = [*begins, len(text)]
        self._strings = {name: name for name in (*SHORT_MONTHS, *_STYLES.split())}
        self._undefined: dict[str, int] = {}
        self._budget = MOST_IN_FILE
        self._too_long = 0
        """Line of the first value that its strings make too long."""
        self._comments: list[int] = []
        self._loose: list[tuple[int, str]] = []

    def entries(self) -> Iterator[BibEntry]:
        """Entries in their order; strings and comments are none."""
        at = outside = 0
        while begin := _BEGIN.search(self._text, at):
            line = max(self._text.rfind("\n", at, begin.start()) + 1, at)
            if self._text[line : begin.start()].lstrip().startswith("%"):
                self._comments.append(self._line(begin.start()))
                at = begin.end()
                continue
            self._pass_over(outside, begin.start())
            end = self._begins[bisect_right(self._begins, begin.start())]
            entry, at = self._block(begin, end)
            outside = at
            if entry:
                yield entry
        self._pass_over(outside, len(self._text))
        self._sum_up()

    def _block(self, begin: re.Match[str], end: int) -> tuple[BibEntry | None, int]:
        kind, at = begin[1].lower(), begin.end()
        line = self._line(begin.start())
        if kind in ("comment", "preamble"):
            brace = begin[0][-1] == "{"
            closed = (
                self._closed(at - 1, end) if brace else self._text.find(")", at, end)
            )
            if closed is not None and closed >= 0:
                return None, closed
            if kind == "comment":
                said = "@comment is not closed before the next entry; as in BibTeX, it hides no entry"
                self._reading.note(line, "syntax", said)
            return None, end
        if kind == "string":
            return None, self._string(at, end)
        key, at = self._key(at, end, line)
        entry = BibEntry(kind, key, line)
        notes, comments = len(self._reading.anomalies), len(self._comments)
        after = self._by_rules(entry, at, end)
        if after is None or _MORE.match(self._text, after, end):
            entry.fields.clear()
            del self._reading.anomalies[notes:], self._comments[comments:]
            after = self._by_lines(entry, at, end)
            if not entry.fields:
                return None, after
        return entry, after

    def _string(self, at: int, end: int) -> int:
        name = _NAME.match(self._text, self._end(_GAP, at, end), end)
        value = self._value(name.end(), end) if name else None
        if not name or not value:
            said = f"a @string that cannot be read: {self._text[at:end][:60]!r}"
            self._reading.note(self._line(at), "lost", said)
            return end
        self._strings[name[1].lower()] = value.text
        return self._end(_REST, value.end, end)

    def _end(self, pattern: re.Pattern[str], at: int, end: int) -> int:
        """Where what fits the pattern ends, which may be nothing."""
        found = pattern.match(self._text, at, end)
        return found.end() if found else at

    def _key(self, at: int, end: int, line: int) -> tuple[str, int]:
        """The key, and where the fields begin."""
        stop = self._end(_HEAD, at, end)
        head, sign = self._text[at:stop], self._text[stop : stop + 1]
        words, said = head.split(), ""
        if sign == "=" and words:
            name = words.pop()
            stop = at + len(head.rstrip()) - len(name)
            said = f"{' '.join(words)}: no comma behind the key" if words else ""
        elif len(words) > 1 and sign == ",":
            said = f"the key {' '.join(words)!r} holds blanks"
        if said:
            self._reading.note(line, "syntax", said)
        return " ".join(words), stop

    def _by_rules(self, entry: BibEntry, at: int, end: int) -> int | None:
        """Reads the fields; where the entry ends, or None when it breaks the rules."""
        undefined: list[str] = []
        while True:
            start, at = at, self._end(_GAP, at, end)
            gap = self._text[start:at]
            for comment in re.finditer(r"(?m)^[^%\n]*%.*=", gap):
                self._comments.append(self._line(start + comment.start()))
            if at == end or self._text[at] in "})":
                break
            name = _NAME.match(self._text, at, end)
            value = self._value(name.end(), end) if name else None
            if not name or not value:
                return None
            if entry.fields and "," not in gap:
                said = f"{entry.key}: no comma before `{name[1]}`"
                self._reading.note(self._line(at), "syntax", said)
            self._keep(entry, name[1], value.text, at)
            undefined += value.undefined
            at = value.end
        if at == end and not self._ends(entry, end):
            return None
        for one in undefined:
            self._undefined.setdefault(one, entry.line)
        return min(at + 1, end)

    def _ends(self, entry: BibEntry, end: int) -> bool:
        """Whether an entry without a closing brace is whole all the same."""
        cut = end == len(self._text) and self._text[end - 1 :].isalnum()
        if cut or any(map(_RUN_ON.search, entry.fields.values())):
            return False
        said = f"{entry.key}: a closing brace is missing; {few(entry.fields)} could be read"
        self._reading.note(entry.line, "cut", said)
        return True

    def _by_lines(self, entry: BibEntry, at: int, end: int) -> int:
        """Reads fields that each go on to the line where the next one begins; where the entry ends."""
        if later := _NEXT_IN_LINE.search(self._text, at, end):
            end = later.start()
        first = _NAME.match(self._text, self._end(_GAP, at, end), end)
        start = first.end() if first else at
        names = list(_LINE_NAME.finditer(self._text, start, end))
        names = names or list(_COMMA_NAME.finditer(self._text, start, end))
        names = [first, *names] if first else names
        if not names:
            said = f"{entry.key or '@' + entry.kind}: no field could be read: {self._text[at:end][:60]!r}"
            self._reading.note(entry.line, "cut", said)
            return end
        closing = _CLOSING_LINE.search(self._text, names[-1].end(), end)
        stop = closing.start() if closing else end
        mended: list[str] = []
        untils = [*(name.start() for name in names[1:]), stop]
        for name, until in zip(names, untils, strict=True):
            odd = self._segment(entry, name, until)
            if odd and name is names[-1] and not closing:
                said = f"{entry.key}: `{odd[1]}` has no end; it is left out"
                self._reading.note(self._line(odd.start(1)), "cut", said)
            elif odd:
                mended.append(odd[1])
                rest = _unclosed(self._text[odd.end() : until])
                self._keep(entry, odd[1], rest, odd.start(1))
        if mended or closing:
            said = f"{entry.key}: braces, quotes or commas are wrong at {few(mended or entry.fields)}; read line by line"
            self._reading.note(entry.line, "syntax", said)
        return closing.end() if closing else end

    def _segment(
        self, entry: BibEntry, name: re.Match[str], until: int
    ) -> re.Match[str] | None:
        """Reads fields up to a place; gives the name of the one that does not end before it."""
        while value := self._value(name.end(), until):
            rest = self._end(_REST, value.end, until)
            more = _NAME.match(self._text, rest, until)
            if rest < until and not more:
                break
            self._keep(entry, name[1], value.text, name.start(1))
            if not more:
                return None
            name = more
        return name

    def _keep(self, entry: BibEntry, name: str, text: str, at: int) -> None:
        if name.lower() in entry.fields:
            said = f"{entry.key}: `{name}` stands twice; {text[:60]!r} is left out"
            self._reading.note(self._line(at), "repeated-field", said)
        entry.fields.setdefault(name.lower(), text)

    def _value(self, at: int, end: int) -> _Value | None:
        """The text behind an equals sign: pieces joined by `#`; None where one has no end."""
        pieces: list[str] = []
        undefined: list[str] = []
        budget = MOST_EXPANDED
        while True:
            start = self._end(_HASHES, at, end)
            sign = self._text[start : min(start + 1, end)]
            if pieces and "#" not in self._text[at:start]:
                break
            if sign in ("{", '"'):
                after = self._closed(start, end)
                if after is None:
                    return None
                pieces.append(self._text[start + 1 : after - 1])
                at = after
            elif bare := _BARE.match(self._text, start, end):
                known = self._strings.get(bare[0].lower())
                budget -= len(known or "")
                self._budget -= len(known or "")
                if min(budget, self._budget) < 0:
                    self._too_long = self._too_long or self._line(start)
                    known = ""
                pieces.append(bare[0] if known is None else known)
                if known is None and not bare[0].isdecimal():
                    undefined.append(bare[0])
                at = bare.end()
            elif sign not in ("", ",", "}", ")") and not pieces:
                return None
            else:
                at = start
                break
        return _Value("".join(pieces), at, tuple(undefined))

    def _closed(self, at: int, end: int) -> int | None:
        """Where the piece that begins with a brace or a quote is closed; braces count behind a backslash, too."""
        quoted, depth = self._text[at] == '"', 0
        signs = _SIGNS if quoted else _BRACES
        for found in signs.finditer(self._text, at + quoted, end):
            sign = found[0]
            depth += (sign == "{") - (sign == "}")
            if depth < 0:
                return None
            if depth == 0 and (sign == '"' or not quoted):
                return found.end()
        return None

    def _pass_over(self, start: int, end: int) -> None:
        """Text between entries, which BibTeX passes over."""
        text = self._text[start:end]
        lines = re.sub(r"(?im)^[ \t]*%.*|@comment\b", "", text)
        for found in _COMMENT.finditer(self._text, start, end):
            self._comments.append(self._line(found.start()))
        said = " ".join(lines.split())[:80]
        if not re.search(r"\w", said):
            return
        first = self._line(end - len(text.lstrip()))
        if _FIELDS_OUTSIDE.search(lines):
            told = f"text outside of any entry is not imported: {said!r}"
            self._reading.note(first, "lost", told)
        else:
            self._loose.append((first, said))

    def _sum_up(self) -> None:
        if self._too_long:
            said = f"strings make a value longer than {MOST_EXPANDED} characters, or the file longer than {MOST_IN_FILE}; what is beyond is left out"
            self._reading.note(self._too_long, "lost", said)
        if self._undefined:
            said = f"no @string of the file defines {few(self._undefined)}; the name itself is taken"
            self._reading.note(min(self._undefined.values()), "syntax", said)
        if self._comments:
            pieces = plural(len(self._comments), "piece")
            said = f"{pieces} behind %, entries or fields, passed over"
            self._reading.note(min(self._comments), "not-kept", said)
        if self._loose:
            line, said = self._loose[0]
            rest = plural(len(self._loose) - 1, "more piece")
            more = f", and {rest}" * (len(self._loose) > 1)
            told = f"text outside of any entry is passed over: {said!r}{more}"
            self._reading.note(line, "not-kept", told)

    def _line(self, at: int) -> int:
        return bisect_left(self._breaks, at) + 1


_SIGNS, _BRACES = re.compile('[{}"]'), re.compile("[{}]")


def _unclosed(text: str) -> str:
    """What a field with odd braces or quotes holds, without those around it."""
    plain = text.strip().rstrip(", \t\n")
    if plain.startswith('"'):
        return plain[1:].removesuffix('"')
    plain = plain.removeprefix("{")
    return plain.removesuffix("}") if plain.count("}") > plain.count("{") else plain
