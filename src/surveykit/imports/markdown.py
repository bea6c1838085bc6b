r"""Lists of papers in Markdown ("awesome lists") -> records.

Two styles are read. In one, an item is `**Title** [[pdf]](url) [[code]](url)` with authors,
affiliations and venue as items of its own below it; in the other it is one line,
`Title. Venue 2022. [\[pdf\]](url)`. Headings become the record's headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from surveykit.imports import document, wording
from surveykit.imports.names import author
from surveykit.imports.reading import Reading, arxiv_in, located, short, usable
from surveykit.models import Author

_LINK = re.compile(
    r"\[(?:\\?\[)?\s*([^\[\]\\]*?)\s*(?:\\?\])?\]\s?"
    r"\(\s*<?((?:[^()\s]|\([^()\s]*\))*)>?(?:\s+\"[^\"]*\")?\s*\)"
)
_ITEM = re.compile(r"(\s*)(?:[-*+]|[0-9]{1,4}[.)])\s+(.*)")
_BOLD = re.compile(r"\*\*(.+?)\*\*|__(.+?)__")
_YEAR = re.compile(r"\b((?:19|20)[0-9]{2})\b")
_CODE = re.compile(r"code|github|repo|implementation|代码", re.I)
_OTHER = re.compile(
    r"project|site|page|video|slides?|demo|dataset|blog|poster|主页", re.I
)
_PAPER = re.compile(r"pdf|paper|arxiv|link|doi|abs|html|论文|acm|ieee|openreview", re.I)


@dataclass
class _Item:
    """One item of a list, with what stands below it."""

    line: int
    headings: tuple[str, ...]
    text: str
    details: list[tuple[int, str]] = field(default_factory=list)


def read(text: str, source: str) -> Reading:
    """Records of a list."""
    reading = Reading(source)
    lines = document.lines(text, reading)
    items = list(_items(lines))
    document.check(lines, [i.line for i in items if _is_paper(i)], reading)
    for item in items:
        if _is_paper(item):
            _read_item(item, reading)
        elif not _is_contents(item.text):
            said = f"{short(item.text)!r} has no address; not taken for a paper"
            reading.note(item.line, "no-link", said)
    papers = [item for item in items if _is_paper(item)]
    wording.check_style([(i.line, i.text) for i in papers], reading)
    several = [item.details for item in papers if len(item.details) > 1]
    wording.check_separators([details[0] for details in several], reading)
    if affiliated := sum(len(details) > 2 for details in several):
        said = f"the affiliations of {affiliated} papers have no place in the catalog"
        reading.note(1, "not-kept", said)
    return reading


def _items(lines: list[document.Line]) -> Iterator[_Item]:
    current: _Item | None = None
    outer = 0
    for line in lines:
        found = _ITEM.fullmatch(line.text)
        indent = len(found[1].expandtabs(4)) if found else 0
        inside = line.text.startswith((" ", "\t"))
        if found and (current is None or indent <= outer):
            if current:
                yield current
            outer = indent
            current = _Item(line.number, line.headings, found[2].strip())
        elif current and found:
            current.details.append((line.number, found[2].strip()))
        elif current and inside and line.text.strip():
            _go_on(current, line.text.strip())
        elif current and (line.text.strip() or line.heading):
            yield current
            current = None
    if current:
        yield current


def _go_on(item: _Item, text: str) -> None:
    """A line without a sign of its own continues what stands above it."""
    if item.details:
        number, before = item.details.pop()
        item.details.append((number, f"{before} {text}"))
    else:
        item.text += f" {text}"


def _is_paper(item: _Item) -> bool:
    return any(re.match("https?:", url) for _, url in _links(item))


def _is_contents(text: str) -> bool:
    """Whether an item only leads to a place in the same file."""
    return bool(re.search(r"\]\(#", text))


def _links(item: _Item) -> list[tuple[str, str]]:
    texts = [item.text, *(text for _, text in item.details)]
    return [pair for text in texts for pair in _LINK.findall(text)]


def _read_item(item: _Item, reading: Reading) -> None:
    title, rest = _title(item)
    title = wording.mended_title(title, item.line, reading)
    details = [(n, t) for n, t in item.details if not _LINK.search(t)]
    venue = _venue(rest, details)
    authors = _authors(details, venue, title, reading)
    wording.check_affiliations(
        [(n, t) for n, t in details[bool(authors) :] if t != venue], reading
    )
    year = _YEAR.findall(venue or "")
    values: dict[str, object] = {
        "title": title,
        "authors": authors,
        "venue_text": venue,
        "year": int(year[-1]) if year else None,
        "headings": tuple(wording.plain(h) for h in item.headings),
    }
    values |= _addresses(item, title, reading)
    if "arxiv" not in values and venue and (known := arxiv_in(venue)):
        values["arxiv"] = known
    if re.match(r"\W*(arxiv|corr)\b", venue or "", re.I):
        values["kind"] = "preprint"
    reading.add(item.line, short(title), values)


def _title(item: _Item) -> tuple[str, str]:
    """The title, and what is said behind it on the same line."""
    bare = _LINK.sub("", item.text)
    if bold := _BOLD.search(item.text):
        inner = _LINK.sub(lambda link: link[1], bold[1] or bold[2])
        rest = _LINK.sub("", item.text.replace(bold[0], " "))
        return wording.plain(inner), wording.plain(rest)
    first = _LINK.match(item.text)
    if first and not (_PAPER.fullmatch(first[1]) or _CODE.fullmatch(first[1])):
        return wording.plain(first[1]), wording.plain(bare)
    text = wording.plain(bare).strip(" .;,|")
    sentence = re.match(r"(.+[.?!])\s+(.+?)$", text)
    if sentence and _YEAR.search(sentence[2]):
        return sentence[1].removesuffix("."), sentence[2]
    return text, ""


def _venue(rest: str, details: list[tuple[int, str]]) -> str | None:
    for _, text in reversed(details):
        if _YEAR.search(text) and not text.lower().startswith("http"):
            return text
    rest = rest.strip(" .;,-–()[]")
    return rest if _YEAR.search(rest) else None


def _authors(
    details: list[tuple[int, str]], venue: str | None, title: str, reading: Reading
) -> tuple[Author, ...]:
    if not details or details[0][1] == venue:
        return ()
    line, text = details[0]
    people = []
    for name in re.split(r"\s*[,;，、]\s*|\s+and\s+|\s*&\s*", wording.plain(text)):
        if not name:
            continue
        mended = wording.mended_name(name, line, reading)
        if one := author(mended):
            people.append(one)
        else:
            reading.note(
                line, "author", f"{short(title)}: {name!r} is no name; left out"
            )
    return tuple(people)


def _addresses(item: _Item, title: str, reading: Reading) -> dict[str, str]:
    values: dict[str, str] = {}
    for label, url in _links(item):
        address = usable(url)
        if address is None:
            said = f"{short(title)}: the address {url[:80]!r} cannot be used; left out"
            reading.note(item.line, "bad-value", said)
            continue
        code = _CODE.search(label) or (
            re.match(r"https?://(www\.)?(github|gitlab)\.com/", address)
            and not _OTHER.search(label)
        )
        if address.startswith("http:"):
            reading.note(item.line, "http", f"{address} is not encrypted; try https")
        if code:
            values.setdefault("code_url", address)
        elif _OTHER.search(label):
            said = f"{short(title)}: the link {label!r} to {address} is left out"
            reading.note(item.line, "not-kept", said)
        else:
            if version := re.search(r"arxiv\.org/\w+/[0-9.]+(v[0-9]+)", address):
                said = (
                    f"{address} names version {version[1]}; the id is kept without it"
                )
                reading.note(item.line, "version", said)
            for name, value in located(address).items():
                values.setdefault(name, value)
    return values
