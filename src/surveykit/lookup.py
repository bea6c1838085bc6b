"""Papers by what a person types: what the text names as a whole comes first, then papers in which its words occur."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from surveykit.addresses import address, entry_id, page
from surveykit.catalog import Catalog
from surveykit.identifier import identify_quietly
from surveykit.models import Paper, RelationType
from surveykit.text.letters import closed, fold, letters

WEIGHTS = {"names": 10, "id": 6, "title": 8, "authors": 5, "terms": 4, "venue": 3, "summary": 2}  # fmt: skip
"""What a word is worth where it is found; the best place counts."""
WHOLE_WORD = 2
"""Factor for a word that stands alone instead of inside another one."""
SHORT_WORD = 4
"""A word with fewer letters counts at the start of a word only: `PAD` is not in `adaptive padding`, but `oyster` is in `OysterNet`."""
NAMED, SPELLED, ANSWERING = 3_000, 2_000, 1_000
"""Head start of papers that the whole text names, with all its signs or by its letters alone, and of those that a relation leads to."""
RELATED: Mapping[str, tuple[RelationType, ...]] = {
    "defen": ("defends-against", "detects"),
    "mitigat": ("defends-against", "detects"),
    "防御": ("defends-against", "detects"),
    "detect": ("detects",),
    "检测": ("detects",),
    "attack": ("attacks",),
    "攻击": ("attacks",),
    "攻破": ("attacks",),
    "exten": ("extends",),
    "扩展": ("extends",),
    "evaluat": ("evaluates",),
    "评测": ("evaluates",),
    "compar": ("compares-with",),
    "对比": ("compares-with",),
}
"""Part of a word that asks for a relation -> the types meant: `defense OysterNet`, `检测 OysterNet`."""
_BESIDE = frozenset("a against an by for how of on the to 对 的 针对".split())
"""Words that may stand beside a name and a word for a relation."""
_HAN = "\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_HAN}]+|[^\s{_HAN}]+")
_AROUND = " .,:;!?\"'()[]{}“”‘’「」《》，。：；！？（）"


@dataclass(frozen=True)
class Hit:
    """A paper that answers a search."""

    paper: Paper
    score: int
    """Sum of the words' worth; only its order means something."""


@dataclass(frozen=True)
class _Row:
    """A paper as it is searched."""

    paper: Paper
    fields: Mapping[str, str]
    """Place of `WEIGHTS` -> folded text."""
    called: frozenset[str]
    """Names without blanks and hyphens: ids, numbers, titles, short names, addresses."""
    spelled: frozenset[str]
    """The same by their letters alone."""
    people: tuple[frozenset[str], ...]
    """Words of each author's name, Chinese form among them."""


@dataclass(frozen=True)
class Finder:
    """A catalog made ready for many searches."""

    catalog: Catalog
    _rows: tuple[_Row, ...] = field(init=False)

    def __post_init__(self) -> None:
        rows = tuple(_row(self.catalog, paper) for paper in self.catalog.papers)
        object.__setattr__(self, "_rows", rows)

    def search(self, words: Iterable[str]) -> tuple[Hit, ...]:
        """Papers that the words name or in which every word occurs, best first; accents, case and width do not matter."""
        text = _simplified(" ".join(words))
        wanted = _words(text)
        if not wanted:
            return ()
        head = self._head_starts(text, wanted)
        one_name = self._with_one_name(frozenset(wanted))
        hits = []
        for row in self._rows:
            score = head.get(row.paper.id, 0)
            if row.paper.id in one_name:
                score += WHOLE_WORD * WEIGHTS["authors"] * len(wanted)
            else:
                score += _worth(wanted, row.fields, people=not one_name)
            if score:
                hits.append(Hit(row.paper, score))
        return tuple(sorted(hits, key=lambda hit: -hit.score))

    def why_nothing(self, words: Iterable[str]) -> str:
        """Why a search found no paper: the words that occur nowhere, with the nearest ones that do."""
        wanted = _words(" ".join(words))
        lost = [word for word in wanted if not self.search([word])]
        if not lost:
            return (
                "each word occurs, but never all in one paper; give fewer of them"
                if wanted
                else "no word is given"
            )
        said = []
        for word in lost:
            near = difflib.get_close_matches(word, self._vocabulary, n=2, cutoff=0.75)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            said.append(f"{word!r} occurs nowhere{hint}")
        return "; ".join(said)

    @cached_property
    def _vocabulary(self) -> set[str]:
        texts = (text for row in self._rows for text in row.fields.values())
        return {word for text in texts for word in re.findall(r"[^\W_]{3,}", text)}

    def _head_starts(self, text: str, wanted: list[str]) -> dict[str, int]:
        """Id of a paper -> what it gets before any word is weighed."""
        start = {p.id: ANSWERING for p in self._answering(wanted)}
        start |= {p.id: SPELLED for p in self._named(letters(text), by_letters=True)}
        names = {closed(text.strip(_AROUND)), closed(entry_id(text)), *_pasted(text)}
        return start | {p.id: NAMED for name in names for p in self._named(name)}

    def _named(self, name: str, *, by_letters: bool = False) -> list[Paper]:
        return [
            row.paper
            for row in self._rows
            if name and name in (row.spelled if by_letters else row.called)
        ]

    def _answering(self, wanted: list[str]) -> list[Paper]:
        """Papers with the relations that some words ask for, to a paper that the other words name."""
        asked = {word: _relations(word) for word in wanted}
        types = {kind for kinds in asked.values() for kind in kinds}
        rest = [w for w in wanted if not asked[w] and w not in _BESIDE]
        targets = {paper.id for paper in self._named(closed("".join(rest)))}
        return [
            row.paper
            for row in self._rows
            for relation in row.paper.relations
            if relation.to in targets and relation.type in types
        ]

    def _with_one_name(self, wanted: frozenset[str]) -> frozenset[str]:
        """Papers with an author whose name holds all of several words: Yi Zhang, but not Yi Li and Wei Zhang."""
        if len(wanted) < 2:
            return frozenset()
        return frozenset(
            row.paper.id for row in self._rows if any(wanted <= p for p in row.people)
        )


def search(catalog: Catalog, words: Iterable[str]) -> tuple[Hit, ...]:
    """One search; `Finder` serves several."""
    return Finder(catalog).search(words)


def _row(catalog: Catalog, paper: Paper) -> _Row:
    venue = catalog.venue(paper)
    numbers = paper.identifiers.model_dump(exclude_none=True).values()
    methods = (card.name for card in catalog.methods(paper))
    titles = (paper.title.en, paper.title.zh)
    links = paper.links.model_dump(exclude_none=True).values()
    ids = (paper.id, *paper.former_ids, *numbers)
    texts: dict[str, Iterable[str | None]] = {
        "names": (*paper.aka, *methods),
        "id": ids,
        "title": titles,
        "authors": (n for a in paper.authors for n in (a.name, a.han)),
        "terms": _term_words(catalog, paper),
        "venue": (venue.id, venue.name, venue.full.en, venue.full.zh, str(paper.year)),
        "summary": (paper.tldr.en, paper.tldr.zh) if paper.tldr else (),
    }
    return _Row(
        paper,
        {n: fold("\n".join(p for p in parts if p)) for n, parts in texts.items()},
        frozenset(map(closed, (*paper.aka, *ids, *titles, *map(_bare, links)))),
        frozenset(filter(None, map(letters, (*paper.aka, *titles)))),
        tuple(_name_words(a.name, a.han or "") for a in paper.authors),
    )


def _name_words(*names: str) -> frozenset[str]:
    """Words of a name; `Peng-Fei` is `pengfei`, `peng` and `fei`, too."""
    words = {word for name in names for word in fold(name).split()}
    parts = {part for word in words for part in word.split("-")}
    return frozenset(words | parts | {closed(word) for word in words})


def _term_words(catalog: Catalog, paper: Paper) -> Iterable[str]:
    for axis, ids in paper.terms.items():
        for term_id in {up for one in ids for up in catalog.ancestry(axis, one)}:
            term = catalog.term(axis, term_id)
            yield from (term.id, term.label.en, term.label.zh)
            yield from (*term.aliases.en, *term.aliases.zh)


def _words(text: str) -> list[str]:
    """Words of a query, folded; Chinese ends where Latin letters begin."""
    return [w for word in _TOKEN.findall(fold(text)) if (w := word.strip(_AROUND))]


def _simplified(text: str) -> str:
    """The text in simplified characters, which the catalog has; the same where there is no Chinese in it."""
    if not re.search(f"[{_HAN}]", text):
        return text
    from opencc import OpenCC  # takes 0.1 s to load

    return str(OpenCC("t2s").convert(text))


def _pasted(text: str) -> set[str]:
    """What a pasted number or address names."""
    found, url = identify_quietly(text), address(text)
    names = {found.value, page(found) or ""} if found else set()
    return {closed(_bare(name)) for name in (*names, url or "") if name}


def _bare(url: str) -> str:
    """An address without what differs between its spellings."""
    return re.sub(r"^https?://(?:www\.)?", "", url).partition("#")[0].rstrip("/")


def _relations(word: str) -> tuple[RelationType, ...]:
    return next((kinds for part, kinds in RELATED.items() if part in word), ())


def _worth(wanted: list[str], fields: Mapping[str, str], *, people: bool) -> int:
    """Sum of what the words are worth; 0 if one of them is nowhere. Authors count only where `people` says so."""
    whole = 0
    for word in wanted:
        worth = 0
        for name, text in fields.items():
            if word in text and (people or name != "authors"):
                worth = max(worth, WEIGHTS[name] * _stands(word, text))
        if not worth:
            return 0
        whole += worth
    return whole


def _stands(word: str, text: str) -> int:
    """How a word stands in a text that has it: alone, within another word, or so short that this means nothing."""
    if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text):
        return WHOLE_WORD
    inside = len(word) >= SHORT_WORD or re.match(f"[{_HAN}]", word)
    return int(bool(inside or re.search(rf"(?<!\w){re.escape(word)}", text)))
