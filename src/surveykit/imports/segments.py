"""What is left of an item when title and links are taken away: authors, venue, date, remarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from surveykit.imports import linked
from surveykit.record import tidy

_YEAR = r"(?:19[5-9]|20[0-4])[0-9]"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"({_YEAR})\s*[./年-]\s*(?:[01]?[0-9])(?:\s*[./月-]\s*[0-3]?[0-9])?\s*[日月]?"
    rf"|(?:[0-3]?[0-9] )?(?:{_MONTHS})[a-z]*\.?,? ({_YEAR})|({_YEAR})",
    re.I,
)
_ANY_YEAR = re.compile(rf"(?<![0-9])({_YEAR})(?![0-9])")
_SHORT_YEAR = re.compile(
    r"(?:['’‘`]|(?<=[A-Za-z)]) ?)((?:0[5-9]|[12][0-9]|3[0-5]))(?![0-9])$"
)
_PREPRINT = re.compile(r"\W*(?:arxiv|corr|biorxiv|openreview|preprint)(?![a-z])", re.I)
EMPHASIS = "\u0002"
"""Stands where emphasis ends: the year behind a venue in emphasis belongs to it."""
_EDGES = " \t.,;:|/·•&+*^~-–—=>→()[]{}【】《》：，。；、\"“”'`‘’#!"
_LABELS = {
    "authors": re.compile(r"(?:authors?|by|作者)\s*[:：]\s*", re.I),
    "venue": re.compile(
        r"(?:venue|conference|journal|published (?:in|at)|publication|proceedings|会议|期刊|发表于?|出处)\s*[:：]\s*",
        re.I,
    ),
    "year": re.compile(
        r"(?:year|date|published(?: on)?|time|年份|时间|日期)\s*[:：]\s*", re.I
    ),
    "title": re.compile(r"(?:paper|title|论文|标题|题目)\s*[:：]\s*", re.I),
    "remark": re.compile(
        r"(?:key ?words?|tags?|abstract|digest|tl;?dr|summary|notes?|contributions?|institutions?|affiliations?|comments?|"
        r"task|dataset|code|github|links?|pdf|摘要|关键词|机构|备注|笔记|简介)\s*[:：]",
        re.I,
    ),
}
_INSTITUTION = re.compile(
    r"universit|institut|laborator|college|academy|department|school of|\blabs?\b|\binc\b|corporation|company|"
    r"research|microsoft|google|amazon|tencent|alibaba|huawei|baidu|nvidia|openai|meta ai|ibm|technolog|"
    r"大学|学院|研究|公司|实验室",
    re.I,
)
_LOWER = frozenset(
    "al bin da de del den der di dos du el ibn la le ter ul van von y".split()
)
_NAMED = frozenset(
    "Neurips NeurIPS Interspeech Oakland Usenix Cvpr Iclr Icml Nature Science Preprint".split()
)
_BETWEEN = re.compile(r"(?<!\s)(?:\s*[,;，；、]\s*(?:and\s|&\s)?|\s+and\s+|\s*&\s*)")
_FAMILY_FIRST = re.compile(
    r"^[^\W\d_][\w' -]{0,40}, [^,]{1,40}(?:,? and |, [^\W\d_]).*\band [^\W\d_][\w' -]{0,40}, [^\W\d_][\w.' -]{0,40}$"
    r"|^[^\W\d_][\w' -]{0,40}, [^,]{1,40} and [^\W\d_][\w' -]{0,40}, [^\W\d_][\w.' -]{0,40}$"
)
_CITED = re.compile(
    rf"([^\W\d_][\w'’ -]{{1,60}}?(?:,| et al\.?,?)) *\(?({_YEAR})[a-z]?\)?(?:[.-][01]?[0-9])?"
)


@dataclass
class Segments:
    """What an item says beside its title; the first of each kind counts."""

    authors: str = ""
    authors_line: int = 0
    venue: str = ""
    year: int | None = None
    remarks: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of what is nothing of all that."""

    def take(
        self, line: int, text: str, *, tag: bool = False, below: bool = False
    ) -> None:
        """Sort one text; `tag` for what stands in brackets or as code, `below` where one name may be the author."""
        for piece in _pieces(text):
            if below and not self.authors and is_full_name(piece):
                self._people(line, piece)
            else:
                self._sort(line, piece, tag=tag)

    def _sort(self, line: int, text: str, *, tag: bool) -> None:
        text = re.sub(r"^by (?=[^\W\d_a-z])", "", text)
        if (first := _DATE.match(text)) and text[first.end() :][:1] in (",", ";"):
            self.year = self.year or int(next(g for g in first.groups() if g))
            text = text[first.end() :].strip(_EDGES)
        kind = next((k for k, sign in _LABELS.items() if sign.match(text)), "")
        dated = None if kind == "remark" else _DATE.fullmatch(text)
        if kind in ("authors", "venue", "year"):
            text = _LABELS[kind].sub("", text, count=1)
        if kind == "authors":
            self._people(line, text)
        elif dated:
            self.year = self.year or int(next(g for g in dated.groups() if g))
        elif kind == "venue" or (kind != "remark" and is_venue(text, tag=tag)):
            self._appeared(line, text)
        elif kind != "remark" and not tag and (both := people_and_venue(text)):
            self._people(line, both[0])
            self._appeared(line, both[1])
        elif (
            kind != "remark"
            and not tag
            and not cited(text)
            and is_people(text, alone=False)
        ):
            self._people(line, text)
        elif not linked.labelled(text):
            self.remarks.append((line, text))

    def _people(self, line: int, text: str) -> None:
        if self.authors:
            self.remarks.append((line, text))
        else:
            self.authors, self.authors_line = text, line

    def _appeared(self, line: int, text: str) -> None:
        text = re.sub(
            r"^(?:in|to appear in|accepted (?:by|at|to)|published (?:in|at))[: ]+",
            "",
            text,
            flags=re.I,
        ).partition(" [")[0]
        if self.venue and not (
            _PREPRINT.match(self.venue) and not _PREPRINT.match(text)
        ):
            self.remarks.append((line, text))
            return
        self.venue = text
        self.year = year_in(text) or self.year


def _pieces(text: str) -> Iterator[str]:
    text = re.sub(rf"{EMPHASIS}(?=[\s\d,.;:()–-]{{0,40}}{_YEAR})", "", text)
    text = re.sub(rf"{EMPHASIS}(?=\s*(?:[.,]\s*)?$)", "", text).replace(EMPHASIS, " | ")
    for part in re.split(r"(?<!\s)\s+[|·•]\s+|\n|\s[–—]\s", text):
        plain = re.sub(r"^(?:\s|:[+\w-]+:|&nbsp;)+", "", tidy(part)).strip(_EDGES)
        plain += ")" if plain.count("(") > plain.count(")") else ""
        if re.search(r"\w", plain):
            yield plain


def year_in(text: str) -> int | None:
    """The year that a venue's name ends with or holds: `CVPR 2024`, `CVPR'24`, `AAAI(Oral) 24`."""
    if found := _ANY_YEAR.findall(text):
        return int(found[-1])
    short = _SHORT_YEAR.search(text.rstrip(" )].,"))
    return 2000 + int(short[1]) if short else None


def is_date(text: str) -> bool:
    """Whether a text is a date alone: `2024`, `2024.06.11`, `June 2024`."""
    return _DATE.fullmatch(tidy(text).strip(_EDGES)) is not None


def is_tag(text: str) -> bool:
    """Whether a text is no more than a date or a venue with its year: `2024.06`, `NeurIPS 2023 Spotlight`."""
    plain = tidy(text).strip(_EDGES)
    if _DATE.fullmatch(plain) or not re.search(r"[^\W\d_]", plain):
        return True
    words = plain.split()
    return (
        len(words) <= 6
        and is_venue(plain, tag=True)
        and not re.search(r":|[.?!] ", plain)
    )


def is_venue(text: str, *, tag: bool = False) -> bool:
    """Whether a text names where something appeared, and when."""
    if _PREPRINT.match(text):
        return len(text.split()) <= 12
    if len(text) > 220 or (not tag and cited(text)):
        return False
    first = text[:1]
    if year_in(text) is None:
        acronym = re.fullmatch(
            r"(?:(?:IEEE|ACM|Findings of|TMLR|USENIX)\s)?[A-Z][\w&@+-]*[A-Z&][\w&@+-]*(?:\s?\([A-Za-z]+\)| Workshops?| Findings)?",
            text,
        )
        return tag and (acronym is not None or text in _NAMED)
    if not (
        first.isupper() or first.isdigit() or first > "\u3400" or first in "'\u201c\""
    ) and not re.match(r"(?:in|accepted|published|to appear)\b", text, re.I):
        return False
    return people_and_venue(text) is None


def is_people(text: str, *, alone: bool) -> bool:
    """Whether a text is a list of names; `alone` for where one name suffices."""
    if _INSTITUTION.search(text) or len(text) > 6000:
        return False
    named, more = _and_others(text)
    inverted = _FAMILY_FIRST.search(named)  # `Wu, Baoyuan and Chen, Hongrui`
    parts = [p for p in _BETWEEN.split(named) if p]
    whole = [p for p in parts if p.strip().lower() not in ("and", "&")]
    if not whole or (len(whole) < 2 and not alone and not more):
        return False
    full = sum(" " in p.strip() or p.strip()[:1] > "\u3400" for p in whole)
    if not (alone or more or inverted) and 2 * full < len(whole):
        return False
    fitting = sum(_is_person(p) for p in whole)
    return fitting >= max(1, len(whole) - len(whole) // 5)


def is_full_name(text: str) -> bool:
    """Whether a line is one full name."""
    words = text.split()
    return (
        2 <= len(words) <= 4 and words[-1][:1].isupper() and is_people(text, alone=True)
    )


def _and_others(text: str) -> tuple[str, bool]:
    """The names before `et al.`, and whether it stands there."""
    found = re.search(
        r"(?<![\s,])[\s,]*(?:\bet\.? ?al\b\.?|\band others|\bothers|等人?|(?<!\.)\.{3}|…)[\s.]*$",
        text,
        re.I,
    )
    return (text[: found.start()], True) if found else (text, False)


def _is_person(text: str) -> bool:
    words = re.sub(r"\([^()]*\)", "", text).replace("~", " ").split()
    if re.fullmatch(r"[\u3400-\u9fff·]{2,5}", text.strip()):
        return True
    if not 1 <= len(words) <= 6 or re.search(r"[!?:/=<>_]|\d(?=\w)", text):
        return False
    if len(words) == 1 and (
        sum(map(str.isupper, text)) > 2
        or text.strip() in _NAMED
        or text.lower().startswith("arxiv")
    ):
        return False
    if words[0] in ("A", "An", "The") and len(words) > 2 and len(words[1]) > 2:
        return False
    small = [w for w in words if w[0].islower()]
    if any(
        w not in _LOWER and i not in (len(words) - 1,)
        for i, w in enumerate(words)
        if w in small
    ):
        return False
    return all(
        re.fullmatch(r"[^\W\d_](?:[^\W\d_]|[.'’`´-])*[\d*†‡§¶∗#✉]*", w) for w in words
    ) and any(w[0].isupper() for w in words)


def people_and_venue(text: str, *, alone: bool = True) -> tuple[str, str] | None:
    """`A. Author and B. Author. Venue, 2020` -> people and venue; `alone` for where one name suffices."""
    stops = list(re.finditer(r"[.;,](?:\s*,)?\s+(?=\S)", text))
    for stop in reversed(stops[-6:]):
        people = text[: stop.start()].strip()
        venue = text[stop.end() :].strip(_EDGES)
        if re.search(r"\b[A-Z]$", people) or not is_people(
            people, alone=alone and stop[0][0] != ","
        ):
            continue
        named = bool(venue) and (year_in(venue) or _PREPRINT.match(venue))
        if named and not is_date(venue) and not is_people(venue, alone=False):
            return people, venue
    return None


def cited(text: str) -> tuple[str, int] | None:
    """`Song and Mittal, 2020` -> family names and year."""
    found = _CITED.fullmatch(text)
    if found and text[:1] < "\u3400" and is_people(found[1].rstrip(","), alone=True):
        return found[1].rstrip(","), int(found[2])
    return None


def titlelike(text: str, *, least: int = 2) -> bool:
    """Whether a text can be a title: words, and not a date, a venue or a label."""
    words = re.findall(r"[^\W_][\w'’+.-]*", text)
    han = len(re.findall(r"[\u3400-\u9fff]", text))
    enough = len(words) >= least and len(text) >= (6 if least > 1 else 3)
    tag = (
        is_tag(text)
        if least > 1
        else is_date(text) or (len(words) < 4 and year_in(text))
    )
    return (enough or han >= 4) and not tag
