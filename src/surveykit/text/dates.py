"""Years and months in the forms of BibTeX, biblatex, CSL and RIS."""

from __future__ import annotations

import re
from dataclasses import dataclass

_YEAR = re.compile(r"(?<![0-9])(?:1[0-9]|20)[0-9]{2}(?![0-9])")
_PLAIN_YEAR = re.compile(r"(?:c(?:a|irca)?\.?|©)?\s*[0-9]{4}[a-z]?\.?", re.I)
_ISO = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-[0-9]{2}(?:T.*)?)?)?([~?%])?")
_NAMES = "january february march april may june july august september october november december"
_HAN = "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月"
MONTHS = {
    name[:letters]: number
    for names in (_NAMES, _HAN)
    for number, name in enumerate(names.split(), start=1)
    for letters in range(min(len(name), 3), len(name) + 1)
}
"""Name of a month, or at least three letters of it -> its number."""
SHORT_MONTHS = tuple(name[:3] for name in _NAMES.split())


@dataclass(frozen=True)
class When:
    """Year and month of a publication, as far as they are told."""

    year: int | None = None
    month: int | None = None
    doubts: tuple[str, ...] = ()
    """What could not be read, or could be read otherwise, with its text."""


def when(year: str = "", month: str = "", date: str = "") -> When:
    """What a year, a month and a date say together; the first two go before the date."""
    dated = _date(date)
    if dated.year and year.strip() and str(dated.year) not in year:
        said = f"the year {year!r} and the date {date!r} differ; the year is taken"
        dated = When(None, None, (*dated.doubts, said))
    one, doubts = _year(year or ("" if date else month))
    if not year:
        one, doubts = one or dated.year, ()
    number, more = _month(month)
    return When(one, number or dated.month, (*doubts, *more, *dated.doubts))


def _year(text: str) -> tuple[int | None, tuple[str, ...]]:
    years = list(dict.fromkeys(_YEAR.findall(text)))
    plain = text.strip(" {}()[]")
    if not years:
        return None, (f"the year {text!r} cannot be read",) if plain else ()
    sure = len(years) == 1 and _PLAIN_YEAR.fullmatch(plain)
    said = f"the year {text!r} is read as {years[0]}"
    return int(years[0]), () if sure else (said,)


def _month(text: str) -> tuple[int | None, tuple[str, ...]]:
    plain = text.strip(" {}#.").lower()
    if not plain:
        return None, ()
    if number := re.fullmatch(r"([0-9]{1,2})\s*月?", plain):
        found = [int(number[1])]
    else:
        words = re.sub(r"\bsept[^\W\d_]*", "sept", plain)
        found = [MONTHS.get(word, 0) for word in re.findall(r"[^\W\d_]+", words)]
    months = [number for number in dict.fromkeys(found) if 1 <= number <= 12]
    if not months:
        return None, (f"the month {text!r} cannot be read",)
    more = (f"the month {text!r} is read as {months[0]}",) if len(months) > 1 else ()
    return months[0], more


def _date(text: str) -> When:
    """A date of biblatex (ISO 8601-2), `2024-05-03/2024-05-07`, `2024-21`, `/2024`, or one in words."""
    if not text.strip():
        return When()
    begin, _, end = (part.strip() for part in text.partition("/"))
    found = _ISO.fullmatch(begin if begin not in ("", "..") else end)
    if not found:
        (one, doubts), number = _year(text), _month(text)[0]
        return When(one, number, () if one or number else doubts)
    year, month = int(found[1]), int(found[2] or 0)
    doubts = ()
    another = _YEAR.findall(end)[:1] not in ([], [found[1]])
    if begin in ("", "..") or found[3] or another:
        doubts = (f"the date {text!r} is read as {year}",)
    if found[2] and not 1 <= month <= 12:
        doubts += (f"the month of the date {text!r} cannot be read",)
    return When(year, month if 1 <= month <= 12 else None, doubts)
