"""What is left of an item when title and links are taken away: authors, venue, date, remarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from surveykit.imports import linked
from surveykit.text.letters import tidy

_YEAR = r"(?:19[5-9]|20[0-4])[0-9]"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"(?i)({_YEAR})\s*[./年-]\s*(?:[01]?[0-9])(?:\s*[./月-]\s*[0-3]?[0-9])?\s*[日月]?"
    rf"|(?:[0-3]?[0-9] )?(?:{_MONTHS})[a-z]*\.?,? ({_YEAR})|({_YEAR})"
)
_ANY_YEAR = re.compile(rf"(?<![0-9])({_YEAR})(?![0-9])")
_SHORT_YEAR = r"(?:['’‘`]|(?<=[A-Za-z)]) ?)((?:0[5-9]|[12][0-9]|3[0-5]))(?![0-9])$"
PREPRINT = r"(?i)\W*(?:arxiv|corr|biorxiv|openreview|preprint)(?![a-z])"
EMPHASIS = "\u0002"
"""Stands where emphasis ends: the year behind a venue in emphasis belongs to it."""
_EDGES = " \t.,;:|/·•&+*^~-–—=>→()[]{}【】《》：，。；、\"“”'`‘’#!"
_LABEL = re.compile(
    r"(?i)(?:(?P<authors>authors?|by|作者)|(?P<title>paper|title|论文|标题|题目)"
    r"|(?P<venue>venue|conference|journal|published (?:in|at)|publication|proceedings|会议|期刊|发表于?|出处)"
    r"|(?P<year>year|date|published(?: on)?|time|年份|时间|日期)"
    r"|(?P<remark>key ?words?|tags?|abstract|digest|tl;?dr|summary|notes?|contributions?|institutions?|affiliations?|comments?"
    r"|task|dataset|code|github|links?|pdf|摘要|关键词|机构|备注|笔记|简介))\s*[:：]\s*"
)
_INSTITUTION = re.compile(
    r"(?i)universit|institut|laborator|college|academy|department|school of|\blabs?\b|\binc\b|corporation|company|"
    r"\bacm\b|\bieee\b|\busenix\b|\bworkshops?\b|research|microsoft|google|amazon|tencent|alibaba|huawei|baidu|nvidia|openai|meta ai|ibm|technolog|"
    r"大学|学院|研究|公司|实验室"
)
_EVENTS = r"(?i)\b(?:blogs?|competitions?|courses?|seminars?|talks?|tool(?:s|box|boxes|kits?)|tutorials?|workshops?|竞赛|课程|讲座|教程|研讨会)\W*$"
_LOWER = "al bin da de del den der di dos du el ibn la le ter ul van von y".split()
_NAMED = "Neurips NeurIPS Interspeech Oakland Usenix Cvpr Iclr Icml Nature Science Preprint".split()
_ACRONYM = r"(?:(?:IEEE|ACM|Findings of|TMLR|USENIX)\s)?[A-Z][\w&@+-]*[A-Z&][\w&@+-]*(?:\s?\([A-Za-z]+\)| Workshops?| Findings)?"
_BETWEEN = re.compile(r"(?<!\s)(?:\s*[,;，；、]\s*(?:and\s|&\s)?|\s+and\s+|\s*&\s*)")
_FAMILY_FIRST = re.compile(
    r"^[^\W\d_][\w' -]{0,40}, [^,]{1,40}(?:,? and |, [^\W\d_]).*\band [^\W\d_][\w' -]{0,40}, [^\W\d_][\w.' -]{0,40}$"
    r"|^[^\W\d_][\w' -]{0,40}, [^,]{1,40},? and [^\W\d_][\w' -]{0,40}, [^\W\d_][\w.' -]{0,40}$"
)
_CITED = rf"([^\W\d_][\w'’ -]{{1,60}}?(?:,| et al\.?,?)) *\(?({_YEAR})[a-z]?\)?(?:[.-][01]?[0-9])?"
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[.'’`´-])*[\d*†‡§¶∗#✉]*")
_OTHERS = r"(?i)(?<![\s,])[\s,]*(?:\bet\.? ?al\b\.?|\band others|\bothers|等人?|\.{3}|…)[\s.]*$"


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
            self._dated(first)
            text = text[first.end() :].strip(_EDGES)
        label = _LABEL.match(text)
        kind = label.lastgroup if label else None
        if label and kind in ("authors", "venue", "year"):
            text = text[label.end() :]
        if kind == "remark":
            self._remark(line, text)
        elif kind == "authors":
            self._people(line, text)
        elif dated := _DATE.fullmatch(text):
            self._dated(dated)
        elif kind == "venue" or is_venue(text, tag=tag):
            self._appeared(line, text)
        elif not tag and (both := people_and_venue(text)):
            self._people(line, both[0])
            self._appeared(line, both[1])
        elif not tag and not cited(text) and is_people(text, alone=False):
            self._people(line, text)
        else:
            self._remark(line, text)

    def _dated(self, date: re.Match[str]) -> None:
        self.year = self.year or int(date[date.lastindex or 0])

    def _remark(self, line: int, text: str) -> None:
        if not linked.labeled(text):
            self.remarks.append((line, text))

    def _people(self, line: int, text: str) -> None:
        if self.authors:
            self.remarks.append((line, text))
        else:
            self.authors, self.authors_line = text, line

    def _appeared(self, line: int, text: str) -> None:
        before = (
            r"(?i)^(?:in|to appear in|accepted (?:by|at|to)|published (?:in|at))[: ]+"
        )
        text = re.sub(before, "", text).partition(" [")[0]
        preprint = re.match(PREPRINT, self.venue) and not re.match(PREPRINT, text)
        if self.venue and not preprint:
            self.remarks.append((line, text))
        else:
            self.venue, self.year = text, year_in(text) or self.year


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
    short = re.search(_SHORT_YEAR, text.rstrip(" )].,"))
    return 2000 + int(short[1]) if short else None


def names_events(heading: str) -> bool:
    """Whether what stands below a heading has venues and is no paper: workshops, tutorials, talks, tools."""
    return re.search(_EVENTS, heading) is not None


def is_venue_behind(before: str, after: str) -> bool:
    """Whether what could be a name is a venue by what stands around it: people before it, or a year behind."""
    dated = re.match(rf"[\s,.;:(]{{0,9}}{_YEAR}(?![0-9])", after)
    people = before.strip(_EDGES)
    return bool(people) and (dated is not None or is_people(people, alone=False))


def is_date(text: str) -> bool:
    """Whether a text is a date alone: `2024`, `2024.06.11`, `June 2024`."""
    return _DATE.fullmatch(tidy(text).strip(_EDGES)) is not None


def is_tag(text: str) -> bool:
    """Whether a text is no more than a date or a venue with its year: `2024.06`, `NeurIPS 2023 Spotlight`."""
    plain = tidy(text).strip(_EDGES)
    if _DATE.fullmatch(plain) or not re.search(r"[^\W\d_]", plain):
        return True
    short = len(plain.split()) <= 6 and not re.search(r":|[.?!] ", plain)
    return short and is_venue(plain, tag=True)


def is_venue(text: str, *, tag: bool = False) -> bool:
    """Whether a text names where something appeared, and when."""
    if re.match(PREPRINT, text):
        return len(text.split()) <= 12
    if len(text) > 220 or (not tag and cited(text)):
        return False
    if year_in(text) is None:
        return tag and (bool(re.fullmatch(_ACRONYM, text)) or text in _NAMED)
    first = text[:1]
    opens = (
        first.isupper() or first.isdigit() or first > "\u3400" or first in "'\u201c\""
    )
    if not opens and not re.match(r"(?i)(?:in|accepted|published|to appear)\b", text):
        return False
    return people_and_venue(text) is None


def is_people(text: str, *, alone: bool) -> bool:
    """Whether a text is a list of names; `alone` for where one name suffices."""
    if _INSTITUTION.search(text) or len(text) > 6000:
        return False
    tail = max(0, len(text) - 60)
    others = re.search(_OTHERS, text[tail:])
    named = text[: tail + others.start()] if others else text
    inverted = _FAMILY_FIRST.search(named)  # `Wu, Baoyuan and Chen, Hongrui`
    parts = [p for p in _BETWEEN.split(named) if p]
    whole = [p for p in parts if p.strip().lower() not in ("and", "&")]
    if not whole or (len(whole) < 2 and not alone and not others):
        return False
    full = sum(" " in p.strip() or p.strip()[:1] > "\u3400" for p in whole)
    if not (alone or others or inverted) and 2 * full < len(whole):
        return False
    return sum(map(_is_person, whole)) >= max(1, len(whole) - len(whole) // 5)


def is_full_name(text: str) -> bool:
    """Whether a line is one full name."""
    words = text.split()
    proper = 2 <= len(words) <= 4 and words[-1][:1].isupper()
    return proper and is_people(text, alone=True)


def _is_person(text: str) -> bool:
    words = re.sub(r"\([^()]*\)", "", text).replace("~", " ").split()
    plain = text.strip()
    if re.fullmatch(r"[\u3400-\u9fff·]{2,5}", plain):
        return True
    if not 1 <= len(words) <= 6 or re.search(r"[!?:/=<>_]|\d(?=\w)", text):
        return False
    if len(words) == 1:
        venue = plain in _NAMED or text.lower().startswith("arxiv")
        if venue or sum(map(str.isupper, text)) > 2:
            return False
    elif words[0] in ("A", "An", "The") and len(words) > 2 and len(words[1]) > 2:
        return False
    if any(word[0].islower() and word not in _LOWER for word in words[:-1]):
        return False
    return all(map(_WORD.fullmatch, words)) and any(w[0].isupper() for w in words)


def people_and_venue(text: str, *, alone: bool = True) -> tuple[str, str] | None:
    """`A. Author and B. Author. Venue, 2020` -> people and venue; `alone` for where one name suffices."""
    stops = list(re.finditer(r"[.;,](?:\s*,)?\s+(?=\S)", text))
    for stop in reversed(stops[-6:]):
        people = text[: stop.start()].strip()
        venue = text[stop.end() :].strip(_EDGES)
        enough = alone and stop[0][0] != ","
        if re.search(r"\b[A-Z]$", people) or not is_people(people, alone=enough):
            continue
        named = bool(venue) and (year_in(venue) or re.match(PREPRINT, venue))
        if named and not is_date(venue) and not is_people(venue, alone=False):
            return people, venue
    return None


def cited(text: str) -> tuple[str, int] | None:
    """`Song and Mittal, 2020` -> family names and year."""
    found = re.fullmatch(_CITED, text)
    people = found[1].rstrip(",") if found else ""
    if found and text[:1] < "\u3400" and is_people(people, alone=True):
        return people, int(found[2])
    return None


def titlelike(text: str, *, least: int = 2) -> bool:
    """Whether a text can be a title: words, and not a date, a venue or a label."""
    words = len(re.findall(r"[^\W_][\w'’+.-]*", text))
    han = len(re.findall(r"[\u3400-\u9fff]", text))
    if han < 4 and (words < least or len(text) < (6 if least > 1 else 3)):
        return False
    if least > 1:
        return not is_tag(text)
    return not is_date(text) and not (words < 4 and year_in(text))
