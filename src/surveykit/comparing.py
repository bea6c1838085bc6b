"""Other lists, read into records, beside a catalog and what it has declined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from surveykit.catalog import Catalog
from surveykit.duplicates import SAME, Index, Work
from surveykit.record import Record
from surveykit.vocabulary import Declined


@dataclass
class Missing:
    """A paper of other lists that the catalog neither has nor has declined."""

    record: Record
    """As the first list that knows an identifier has it, else the first of all."""
    lists: list[str]
    """Names of the lists that have it."""


@dataclass
class ListStanding:
    """One list beside the catalog: ids of entries, titles of declined papers, and how many it lacks."""

    have: list[str] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)
    missing: int = 0

    @property
    def papers(self) -> int:
        """Papers of the list, each once."""
        return len(self.have) + len(self.declined) + self.missing

    @property
    def recall(self) -> float | None:
        """Share of the papers that were not declined which the catalog has; None where none is left."""
        wanted = len(self.have) + self.missing
        return len(self.have) / wanted if wanted else None


def compared(
    catalog: Catalog, lists: Mapping[str, Sequence[Record]]
) -> tuple[dict[str, ListStanding], list[Missing]]:
    """Name -> counts for each list, and what the catalog lacks: those that most lists name first."""
    known = Index(catalog.papers)
    out = Index()
    for at, paper in enumerate(catalog.declined):
        out.add(str(at), _work(paper))
    lacking: dict[str, Missing] = {}
    index = Index()
    counts = {}
    for name, records in lists.items():
        counts[name] = one = ListStanding()
        seen: set[str] = set()
        for record in records:
            work = Work.of(record)
            entry, number = _same(known, work), _same(out, work)
            if entry is not None:
                key = entry
            elif number is not None:
                key = f"declined {number}"
            else:
                key = _lacks(lacking, index, record, work, name)
            if key in seen:
                continue
            seen.add(key)
            if entry is not None:
                one.have.append(entry)
            elif number is not None:
                one.declined.append(catalog.declined[int(number)].title)
            else:
                one.missing += 1
    return counts, sorted(lacking.values(), key=lambda m: -len(m.lists))


def _work(paper: Declined) -> Work:
    known = {k: v.casefold() for k, v in paper.identifiers if v}
    return Work(paper.title, (), None, known)


def _same(index: Index, work: Work) -> str | None:
    """The work that is the same paper, also where the list has an identifier of another one beside the title."""
    for form in (work, replace(work, identifiers={})):
        for match in index.candidates(form):
            if match.score >= SAME:
                return match.id
    return None


def _lacks(
    lacking: dict[str, Missing], index: Index, record: Record, work: Work, name: str
) -> str:
    """Keep a paper among those that are missing; gives its key there."""
    key = _same(index, work)
    if key is None:
        key = f"missing {len(lacking)}"
        lacking[key] = Missing(record, [name])
        index.add(key, work)
        return key
    one = lacking[key]
    if name not in one.lists:
        one.lists.append(name)
    if not _named(one.record) and _named(record):
        one.record = record
        index.add(key, work)
    return key


def _named(record: Record) -> bool:
    """Whether somebody could add the paper by an identifier."""
    return bool(record.arxiv or record.doi or record.acl or record.openreview)
