"""What a person wrote for one field of an entry -> the value as an entry takes it, or how to write it.

People write `June`, `pp. 12–25`, `CVPR 2024`, a term's label, an address in Markdown, several authors on one line. What has
one meaning is taken; what has none, or two, is refused with the value and with what to write instead.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args
from urllib.parse import unquote

from pydantic import ValidationError

from surveykit.addresses import address, entry_id, half_width, page, why_none
from surveykit.catalog import Catalog
from surveykit.errors import IssueError
from surveykit.forms import model_in
from surveykit.identifier import doi, identify_quietly
from surveykit.models import Author, Paper
from surveykit.query import terms_called, terms_near
from surveykit.text.dates import MONTHS
from surveykit.text.letters import fold
from surveykit.text.names import from_line
from surveykit.venue_names import VenueNames
from surveykit.yaml_tree import parse, shown

REMOVED = ("-", "(remove)", "(删除)")
"""What stands for "no value": only where the field may be left out."""
PROPOSE = "CONTRIBUTING.md, “When no term or venue fits”, says how to propose one"
_SEPARATORS = re.compile(r"([,，、;；/\n])")
_BULLET = re.compile(r"^ *(?:[-*•]|[0-9]{1,3}[.)]) +", re.MULTILINE)
_HAN_FIRST = re.compile(r"([\u3400-\u9fff·]{2,8}) ?[(（]([A-Za-z][^()（）]*)[)）]")
_WORDS = {
    "main conference": "main", "主会": "main", "主会议": "main", "研讨会": "workshop", "摘要": "abstract", "论文": "paper",
    "全文": "paper", "full text": "paper", "full paper": "paper",
}  # fmt: skip
_EXAMPLES = {
    "arxiv": "an arXiv id like 2303.15180",
    "doi": "a DOI like 10.1145/3503161.3547801",
    "openreview": "an OpenReview forum id like iC4UHbQ01Mp, or the forum's address",
    "acl": "an ACL Anthology id like 2020.acl-main.249",
}


@dataclass(frozen=True)
class Answer:
    """An answer and what it is an answer to."""

    name: str
    """As the form offers it: `links.code`, `authors`."""
    text: str
    """As written; nothing invisible, lines ended by `\\n`."""
    entry: Mapping[str, Any]
    """The entry as plain data, as it stands."""
    catalog: Catalog
    notes: list[str] = field(default_factory=list)
    """What a reader should be told of the reading; grows."""

    @property
    def inner(self) -> str:
        """Last step of the name: `code`."""
        return self.name.rpartition(".")[2]

    @property
    def line(self) -> str:
        """The text on one line, without the quotes of code around it."""
        text = " ".join(self.text.split())
        quoted = text[:1] == text[-1:] == "`" and text.count("`") == 2
        return text[1:-1].strip() if quoted else text

    @property
    def plain(self) -> str:
        """The same with full-width signs of a Chinese keyboard as ASCII, without quotes around it."""
        return half_width(self.line).strip("\"'“”‘’ ")

    def refused(self, why: str, how: str) -> IssueError:
        """The exception that says why, and how to write it."""
        return IssueError(f"{self.name}: {shown(self.line)} {why}; write {how}")


def value(answer: Answer) -> Any:
    """The field's value as plain data. Raises IssueError."""
    readers = (answer.name, answer.name.partition(".")[0])
    return next(_READERS[name] for name in (*readers, "") if name in _READERS)(answer)


def removes(answer: Answer) -> bool:
    """Whether the answer says that the field is to be left out. Raises IssueError where it may not."""
    if half_width(answer.line).lower() not in REMOVED:
        return False
    key, _, inner = answer.name.partition(".")
    outer = Paper.model_fields[key]
    needed = outer.is_required()
    if key == "terms":
        needed = bool(answer.catalog.axes[inner].min_terms)
    elif needed and inner and (model := model_in(outer.annotation)):
        needed = model.model_fields[inner].is_required()
    if needed:
        raise answer.refused("would remove what every entry has", "the right value")
    return True


def _text(answer: Answer) -> str:
    text = " ".join(answer.text.split())
    if answer.inner == "zh" or text == (ascii_ := half_width(text)):
        return text
    answer.notes.append(f"{answer.name}: full-width signs were written as ASCII")
    return " ".join(re.sub(r"([,:;?!])(?=\w)", r"\1 ", ascii_).split())


def _authors(answer: Answer) -> list[Any]:
    """Authors on one line or one a line; what the entry knows of a name stays."""
    known = {_name(author): author for author in answer.entry.get("authors", ())}
    found: list[Any] = []
    for line in filter(None, map(str.strip, _BULLET.sub("", answer.text).split("\n"))):
        found += _parts(answer, line) if line.startswith("{") else _people(answer, line)
    told = [isinstance(author, dict) and "han" in author for author in found]
    return [
        a if new else known.get(_name(a), a) for a, new in zip(found, told, strict=True)
    ]


def _parts(answer: Answer, line: str) -> list[Any]:
    """One author as in an entry: `{literal: The Team}`."""
    tree = parse(line)
    try:
        return [Author.model_validate(tree.data).written]
    except ValidationError:
        how = "{given: Ana, particle: de la, family: Cruz} or {literal: The Team}"
        raise answer.refused("has parts that are none of a name", how) from None


def _people(answer: Answer, line: str) -> list[Any]:
    how = "`Given Family`, one a line, without affiliations; a group as {literal: The Team}"
    people = from_line(_HAN_FIRST.sub(r"\2 \1", line))
    if people.doubts:
        raise IssueError(f"authors: {'; '.join(people.doubts)}; write {how}")
    if not people.authors:
        raise answer.refused("names nobody", how)
    return [author.written for author in people.authors]


def _name(author: Any) -> str:
    return author if isinstance(author, str) else Author.model_validate(author).name


def _venue(answer: Answer) -> str:
    names = VenueNames(answer.catalog.venues)
    found = names.find(answer.plain)
    if found is None:
        short = {
            fold(n): v.id
            for v in answer.catalog.venues.values()
            for n in (v.id, v.name)
        }
        near = difflib.get_close_matches(fold(answer.plain), short, n=1, cutoff=0.75)
        guess = names.guess(answer.plain) or (short[near[0]] if near else None)
        hint = f"; did you mean `{guess}`?" if guess else ""
        why = f"is not a venue of catalog/venues.yaml{hint}"
        raise answer.refused(why, f"its id, like cvpr; {PROPOSE}")
    year = re.search(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", answer.plain)
    if year and int(year[0]) != answer.entry.get("year"):
        answer.notes.append(f"venue: {year[0]} was not kept; `year` is its own field")
    if found.track != answer.entry.get("track", "main"):
        answer.notes.append(
            f"venue: the track {found.track} was not kept; `track` is its own field"
        )
    return found.venue


def _terms(answer: Answer) -> list[str]:
    """Ids of terms from ids, labels in either language or other words; labels may hold commas."""
    text = _BULLET.sub("", answer.text).strip(" []\n`")
    pieces = _SEPARATORS.split(text)
    axis = answer.catalog.axes[answer.inner]
    found: list[str] = []
    while pieces:
        # The longest beginning that is one term, as labels hold commas, too; else its first piece.
        tries = [(n, "".join(pieces[:n]).strip(" .。`")) for n in (7, 5, 3, 1)]
        fits = (try_ for try_ in tries if len(terms_called(axis, try_[1])) == 1)
        taken, said = next(fits, tries[-1])
        found += [_term(answer, said, terms_called(axis, said))] if said else []
        del pieces[: taken + 1]
    return list(dict.fromkeys(found))


def _term(answer: Answer, said: str, ids: tuple[str, ...]) -> str:
    if len(ids) == 1:
        return ids[0]
    axis = answer.catalog.axes[answer.inner]
    asked = Answer(answer.name, said, answer.entry, answer.catalog)
    if ids:
        raise asked.refused("has two meanings", " or ".join(f"`{id_}`" for id_ in ids))
    axes = answer.catalog.taxonomy.axes
    elsewhere = [
        f"`{id_}` of terms.{a.id}" for a in axes for id_ in terms_called(a, said)
    ]
    near = elsewhere or [f"`{id_}`" for id_ in terms_near(axis, said)]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    known = ", ".join(term.id for term in axis.terms[:8])
    more = ", …" if len(axis.terms) > 8 else ""
    raise asked.refused(
        f"is not a term of this axis{hint}", f"ids like {known}{more}; {PROPOSE}"
    )


def _year(answer: Answer) -> int:
    found = re.fullmatch(r"([0-9]{4})\s*年?", answer.plain)
    if not found:
        raise answer.refused("is not a year", "four digits, like 2024")
    return int(found[1])


def _month(answer: Answer) -> int:
    plain = fold(answer.plain)
    words = re.findall(r"[a-z]+|[0-9]+|[一二三四五六七八九十]+月?", plain)
    years = [word for word in words if len(word) == 4 and word.isdigit()]
    named = [MONTHS[word] for word in words if word in MONTHS]
    numbers = [int(word) for word in words if word.isdigit() and len(word) <= 2]
    year_first = bool(years) and words[0] == years[0]
    if not named and (len(numbers) == 1 or (year_first and len(numbers) == 2)):
        named = numbers[:1]
    if len(named) != 1 or not 1 <= named[0] <= 12 or len(years) > 1:
        raise answer.refused("is not a month", "1 to 12, or its name")
    if years and int(years[0]) != answer.entry.get("year"):
        answer.notes.append(f"month: {years[0]} was not kept; `year` is its own field")
    return named[0]


def _pages(answer: Answer) -> str:
    plain = re.sub(r"^(?:pages?|pp?|第)\b\.?\s*", "", answer.plain, flags=re.I)
    plain = plain.removeprefix("第").rstrip("页. ").strip()
    return re.sub(r" ?(?:[-‐‑‒–—―−~∼]+|至|到) ?", "-", plain)


def _volume(answer: Answer) -> str:
    plain = re.sub(
        r"^(?:volume|vol|number|issue|no)\b\.?\s*", "", answer.plain, flags=re.I
    )
    return plain.removeprefix("第").rstrip("卷期号 ").strip()


def _word(answer: Answer) -> str:
    """One of a few fixed words."""
    field_ = Paper.model_fields[answer.name.partition(".")[0]]
    inner = model_in(field_.annotation)
    if inner:
        field_ = inner.model_fields[answer.inner]
    words = get_args(field_.annotation)
    said = _WORDS.get(fold(answer.plain), fold(answer.plain))
    if said not in words:
        raise answer.refused("cannot be chosen", f"one of {', '.join(words)}")
    return said


def _identifier(answer: Answer) -> str:
    scheme = answer.inner
    text = address(answer.line) or answer.plain.strip("<>")
    found = identify_quietly(text) or identify_quietly(f"{scheme}:{text}")
    if found and found.kind == scheme:
        return found.value
    bare = doi(unquote(text)) if scheme == "doi" else None
    if bare and not bare.lower().startswith("10.48550/"):
        return bare
    if bare:
        raise answer.refused(
            "is arXiv's DOI of a preprint", "it under identifiers.arxiv"
        )
    raise answer.refused("is not one", _EXAMPLES[scheme])


def _link(answer: Answer) -> str:
    """An address; for the paper and its PDF also an identifier. The addresses of arXiv lose their version."""
    url = address(answer.line)
    found = identify_quietly(url or answer.plain.strip("<>"))
    if (
        answer.inner in ("paper", "pdf")
        and found
        and (not url or found.kind == "arxiv")
    ):
        url = page(found, pdf=answer.inner == "pdf")
    if url is None:
        raise answer.refused(
            why_none(answer.line), "one, like https://example.org/paper.pdf"
        )
    return url


def _names(answer: Answer) -> list[str]:
    """Names, one a line or parted by commas."""
    lines = _BULLET.sub("", half_width(answer.text))
    parts = (" ".join(part.split()) for part in re.split(r"[,、;\n]+", lines))
    return [part for part in parts if part]


def _ids(answer: Answer) -> list[str]:
    return [entry_id(word) for word in re.split(r"[\s,，、;；]+", answer.text.strip())]


_READERS: Mapping[str, Callable[[Answer], Any]] = {
    "aka": _names,
    "authors": _authors,
    "venue": _venue,
    "track": _word,
    "year": _year,
    "month": _month,
    "volume": _volume,
    "number": _volume,
    "pages": _pages,
    "identifiers": _identifier,
    "links": _link,
    "terms": _terms,
    "tldr.basis": _word,
    "former_ids": _ids,
    "": _text,
}
