"""Identifiers of papers -> drafts of new entries, or the reason why there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from surveykit.catalog import Catalog
from surveykit.draft import Draft, Drafter
from surveykit.duplicates import SAME, Index, Match
from surveykit.errors import FetchError, NotFoundError, ServiceError
from surveykit.identifier import Identifier
from surveykit.models import Paper
from surveykit.record import Record
from surveykit.sources import arxiv
from surveykit.sources.client import Client
from surveykit.sources.resolve import Known, resolve

DOUBT = 0.5
"""Likeness of a paper and an entry, 0 to 1, from which a person should decide."""
_SCHEMES = ("arxiv", "doi", "acl", "openreview")


class AddState(StrEnum):
    """What became of one identifier."""

    NEW = "new"
    """A draft of an entry."""
    KNOWN = "known"
    """The catalog has the paper."""
    DOUBTFUL = "doubtful"
    """The catalog has a paper so like it that a person should look; not drafted unless asked to."""
    WITHDRAWN = "withdrawn"
    """Withdrawn, retracted or under concern; not drafted unless asked to."""
    NOT_FOUND = "not-found"
    """No service knows the paper."""
    FAILED = "failed"
    """A service that is needed gave no answer."""


@dataclass(frozen=True)
class Addition:
    """What became of one identifier."""

    identifier: Identifier
    state: AddState
    draft: Draft | None = None
    records: tuple[Record, ...] = ()
    """What the services said, the one that was asked first."""
    matches: tuple[Match, ...] = ()
    """Entries that are, or may be, the same paper."""
    alarms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: FetchError | None = None

    @property
    def retry_seconds(self) -> float | None:
        """When a service asked to be tried again."""
        return (
            self.error.retry_seconds if isinstance(self.error, ServiceError) else None
        )


class Adder:
    """Drafts one paper after the other; what is drafted counts as known to those that follow."""

    def __init__(
        self,
        client: Client,
        catalog: Catalog,
        drafter: Drafter,
        *,
        taken: Container[str] = (),
        anyway: bool = False,
    ) -> None:
        self._client = client
        self._drafter = drafter
        self._taken = taken
        self._drafted: set[str] = set()
        self._anyway = anyway
        self._index = Index(catalog.papers)
        self._owners = _owners(catalog.papers)

    async def add(self, identifiers: Sequence[Identifier]) -> AsyncIterator[Addition]:
        """An outcome for each identifier, in order, as soon as it is known; arXiv is asked once for all of its own."""
        wanted = [
            i.value for i in identifiers if i.kind == "arxiv" and not self._owner(i)
        ]
        await arxiv.prefetch(self._client, wanted)
        for identifier in identifiers:
            yield await self._one(identifier)

    def _owner(self, identifier: Identifier) -> str | None:
        """The entry for whose sake nobody needs to be asked."""
        owner = self._owners.get((identifier.kind, identifier.value.casefold()))
        return None if self._anyway else owner

    async def _one(self, identifier: Identifier) -> Addition:
        if owner := self._owner(identifier):
            match = Match(owner, 1.0, f"has {identifier}")
            return Addition(identifier, AddState.KNOWN, matches=(match,))
        try:
            known = await resolve(self._client, identifier)
        except NotFoundError as error:
            return Addition(identifier, AddState.NOT_FOUND, error=error)
        except FetchError as error:
            return Addition(identifier, AddState.FAILED, error=error)
        return self._judged(identifier, known)

    def _judged(self, identifier: Identifier, known: Known) -> Addition:
        matches = self._matches(known.records)
        likeness = max((match.score for match in matches), default=0.0)
        state = AddState.WITHDRAWN if known.alarms else AddState.NEW
        if likeness >= DOUBT:
            state = AddState.KNOWN if likeness >= SAME else AddState.DOUBTFUL
        outcome = Addition(
            identifier,
            state,
            records=tuple(known.records),
            matches=matches,
            alarms=tuple(known.alarms),
            notes=tuple(known.notes),
        )
        if state is not AddState.NEW and not self._anyway:
            return outcome
        draft = self._drafter.draft(known.records, _Both(self._taken, self._drafted))
        self._remember(draft)
        doubts = [f"{m.id} may be the same paper: {m.reason}" for m in matches]
        notes = dict.fromkeys((*known.alarms, *doubts, *draft.notes, *known.notes))
        return replace(outcome, state=AddState.NEW, draft=draft, notes=tuple(notes))

    def _matches(self, records: Iterable[Record]) -> tuple[Match, ...]:
        """Entries that any of the records may be, each once; a shared identifier settles it."""
        best: dict[str, Match] = {}
        for record in records:
            found = self._index.candidates(record)
            for scheme in _SCHEMES:
                value = getattr(record, scheme)
                if value and (owner := self._owners.get((scheme, value.casefold()))):
                    found.append(Match(owner, 1.0, f"has {scheme} {value}"))
            for match in found:
                if match.id not in best or best[match.id].score < match.score:
                    best[match.id] = match
        return tuple(sorted(best.values(), key=lambda m: (-m.score, m.id)))

    def _remember(self, draft: Draft) -> None:
        paper = draft.paper
        self._drafted.add(draft.id)
        self._index.add(draft.id, paper)
        self._owners |= _owners([paper])


@dataclass(frozen=True)
class _Both:
    """Names that either of two collections holds."""

    one: Container[str]
    other: Container[str]

    def __contains__(self, name: object) -> bool:
        return name in self.one or name in self.other


def _owners(papers: Iterable[Paper]) -> dict[tuple[str, str], str]:
    """(scheme, value) -> id of the entry that has it."""
    owners = {}
    for paper in papers:
        for scheme, value in paper.identifiers.model_dump(exclude_none=True).items():
            owners[scheme, value.casefold()] = paper.id
        if paper.links.code and "github.com/" in paper.links.code:
            name = paper.links.code.partition("github.com/")[2]
            owners["github", name.strip("/").removesuffix(".git").casefold()] = paper.id
    return owners
