"""Entries compared with what services say today: what agrees, what does not, what is missing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from surveykit.catalog import Catalog
from surveykit.errors import FetchError, NotFoundError, OddAnswerError, ServiceError
from surveykit.models import Paper
from surveykit.record import Record
from surveykit.sources import acl, arxiv, crossref, dblp, openreview
from surveykit.sources.client import Client
from surveykit.sources.found import Found
from surveykit.sources.resolve import Find, Search, find_doi
from surveykit.text.letters import letters
from surveykit.venue_names import VenueNames
from surveykit.weighing import Contradiction, differences, same_work

MOST_ODD = 3
AT_ONCE = 8
"""Entries that are looked at together; each service is asked at its own pace."""
_REGISTRAR = {"doi": 2, "acl": 1}
_PUBLISHED = ("conference", "journal")


class Status(StrEnum):
    """What comparing an entry gave."""

    OK = "ok"
    """Every service that knows it agrees."""
    MISMATCH = "mismatch"
    """A service says something else, or that the paper was withdrawn."""
    MISSING = "missing"
    """Nothing contradicts, but a service knows an identifier or a published version that the entry lacks."""
    UNVERIFIED = "unverified"
    """Nobody who answered knows it."""


@dataclass(frozen=True)
class Lacking:
    """Something the entry lacks."""

    field: str
    """`identifiers.doi`, or `venue` for a published version of a preprint."""
    value: str
    source: str
    safe: bool
    """Whether it may be filled in without a person: an identifier of a record that is proven to be the paper's."""


@dataclass(frozen=True)
class Verdict:
    """What is known of one entry."""

    id: str
    status: Status
    agreed: tuple[str, ...] = ()
    """Sources that were compared and agree: `arXiv:2303.15180`."""
    differences: tuple[Contradiction, ...] = ()
    candidates: tuple[Lacking, ...] = ()
    notes: tuple[str, ...] = ()
    """Differences that are no faults: another title of the preprint."""
    failures: tuple[str, ...] = ()
    """Services that gave no answer."""
    found: tuple[Found, ...] = ()
    """What was found of the paper, whether or not it agrees."""


@dataclass
class _Case:
    """One entry and all that is said of it."""

    paper: Paper
    own: list[Found] = field(default_factory=list)
    """Found under the entry's identifiers."""
    searched: list[Found] = field(default_factory=list)
    """Found by title, and proven to be the same paper."""
    differences: list[Contradiction] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Sought(StrEnum):
    """What is looked for by title."""

    NOTHING = "nothing"
    """Only identifiers are followed."""
    UNKNOWN = "unknown"
    """The published version, where no identifier leads to one, and papers that nobody knows."""
    PUBLISHED = "published"
    """The published version of preprints alone, at every service that can be searched."""


class Verifier:
    """Looks at entries; `search` says what to look for that their identifiers do not lead to."""

    def __init__(
        self,
        client: Client,
        catalog: Catalog,
        *,
        search: Sought = Sought.UNKNOWN,
        seen: Callable[[Verdict], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._search = search
        self._seen = seen
        self._catalog = catalog
        self._odd: dict[Search, list[str]] = defaultdict(list)
        self._venues = VenueNames(catalog.venues)

    async def verify(self, papers: Sequence[Paper]) -> tuple[Verdict, ...]:
        """A verdict for each entry, in order; `seen` is told of each as it comes."""
        preprints, fault = await self._preprints(papers)
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(paper: Paper) -> Verdict:
            async with slots:
                case = _Case(paper)
                await self._identified(case, preprints, fault)
                await self._look_for_more(case)
            verdict = self._verdict(case)
            self._seen(verdict)
            return verdict

        return tuple(await asyncio.gather(*(one(paper) for paper in papers)))

    async def _preprints(
        self, papers: Sequence[Paper]
    ) -> tuple[Mapping[str, Found], ServiceError | None]:
        """Records of all arXiv ids, asked for together."""
        ids = sorted({p.identifiers.arxiv for p in papers if p.identifiers.arxiv})
        try:
            return await arxiv.find_all(self._client, ids), None
        except ServiceError as error:
            return {}, error
        except NotFoundError:  # one wrong id spoils the whole answer
            return await self._preprints_one_by_one(ids)

    async def _preprints_one_by_one(
        self, ids: Iterable[str]
    ) -> tuple[Mapping[str, Found], ServiceError | None]:
        found = {}
        for id_ in ids:
            try:
                found[id_] = await arxiv.find(self._client, id_)
            except NotFoundError:
                continue
            except ServiceError as error:
                return found, error
        return found, None

    async def _identified(
        self,
        case: _Case,
        preprints: Mapping[str, Found],
        fault: ServiceError | None,
    ) -> None:
        known = case.paper.identifiers
        if known.arxiv and (found := preprints.get(known.arxiv)):
            case.own.append(found)
        elif known.arxiv and fault:
            case.failures.append(str(fault))
        elif known.arxiv:
            case.differences.append(_unknown("arxiv", known.arxiv, "arXiv"))
        for scheme, find in (("doi", find_doi), ("acl", acl.find)):
            if value := getattr(known, scheme):
                await self._ask(case, scheme, find, value)
        if known.openreview and not case.own:
            await self._ask(case, "openreview", openreview.find, known.openreview)
        await self._prove_all(case)

    async def _prove_all(self, case: _Case) -> None:
        """Ask the registrar for the DOIs, and the Anthology for the ids, that others have named where the entry has none."""
        finders: tuple[tuple[str, Find], ...] = (("doi", find_doi), ("acl", acl.find))
        for scheme, find in finders:
            if getattr(case.paper.identifiers, scheme) is None:
                found = (*case.own, *case.searched)
                named = [n for f in found if (n := getattr(f.record, scheme))]
                known = {f.record.source.casefold() for f in found}
                for key, value in {n.casefold(): n for n in named}.items():
                    if f"{scheme}:{key}" not in known:
                        await self._prove(case, find, value)

    async def _prove(self, case: _Case, find: Find, value: str) -> None:
        """Add what there is under an identifier that others have named, if it is the same paper."""
        try:
            found = await find(self._client, value)
        except NotFoundError:
            return
        except FetchError as error:
            case.failures.append(str(error))
            return
        if same_work(case.paper, found.record):
            case.searched.append(found)

    async def _ask(self, case: _Case, scheme: str, find: Find, value: str) -> None:
        try:
            case.own.append(await find(self._client, value))
        except NotFoundError as error:
            case.differences.append(_unknown(scheme, value, error.service))
        except FetchError as error:
            case.failures.append(str(error))

    async def _look_for_more(self, case: _Case) -> None:
        if self._search is Sought.PUBLISHED:
            if is_preprint(self._catalog, case.paper):
                await self._searched(case, everywhere=True)
        elif self._search is Sought.UNKNOWN and self._needs_search(case):
            await self._searched(case)

    def _needs_search(self, case: _Case) -> bool:
        """Whether nobody has told yet of the published version."""
        found = (*case.own, *case.searched)
        return not any(f.record.kind in _PUBLISHED for f in found)

    async def _searched(self, case: _Case, *, everywhere: bool = False) -> None:
        """Add what services have under the paper's title; a preprint may have got another one on the way."""
        paper = case.paper
        searches = (dblp.search, crossref.search, arxiv.search)
        if everywhere:
            searches = (dblp.search, crossref.search, openreview.search)
        titles = {letters(paper.title.en): paper.title.en}
        for found in case.own if everywhere else ():
            if found.record.kind == "preprint" and not found.alarms:
                titles.setdefault(letters(found.record.title), found.record.title)
        for search in searches:
            first = search is dblp.search
            if not (everywhere or first) and case.own + case.searched:
                break  # the others are for papers that nobody knows
            for title in titles.values():
                asked = paper.title.model_copy(update={"en": title})
                like = paper.model_copy(update={"title": asked})
                results = await self._results(case, search, title)
                case.searched += [f for f in results if same_work(like, f.record)]
        await self._prove_all(case)

    async def _results(
        self, case: _Case, search: Search, title: str
    ) -> tuple[Found, ...]:
        """What a search gives. A service that thrice answers with something else, like a page for people, is left alone."""
        odd, family = self._odd[search], case.paper.authors[0].last
        try:
            if len(odd) < MOST_ODD:
                return await search(self._client, title, family)
            case.failures.append(odd[0])
        except FetchError as error:
            odd += [str(error)] if isinstance(error, OddAnswerError) else []
            case.failures.append(str(error))
        return ()

    def _verdict(self, case: _Case) -> Verdict:
        paper = case.paper
        found = [*case.own, *case.searched]
        wrong = list(case.differences)
        notes: list[str] = []
        agreed = []
        for one in found:
            told = list(differences(paper, one.record, self._venues))
            told += [
                Contradiction("state", "listed", alarm, one.record.source)
                for alarm in one.alarms
            ]
            faults = [d for d in told if not d.minor]
            wrong += faults
            notes += [str(d) for d in told if d.minor]
            if not faults:
                agreed.append(one.record.source)
        known = [f.record for f in found if same_work(paper, f.record)]
        lacking = tuple(self._candidates(paper, known))
        if wrong:
            status = Status.MISMATCH
        elif lacking:
            status = Status.MISSING
        else:
            status = Status.OK if agreed else Status.UNVERIFIED
        return Verdict(
            paper.id,
            status,
            tuple(dict.fromkeys(agreed)),
            tuple(dict.fromkeys(wrong)),
            lacking,
            tuple(dict.fromkeys(notes)),
            tuple(dict.fromkeys(case.failures)),
            tuple(found),
        )

    def _candidates(self, paper: Paper, records: Sequence[Record]) -> Iterator[Lacking]:
        best_last = sorted(
            records, key=lambda r: _REGISTRAR.get(r.source.partition(":")[0], 0)
        )
        for scheme in ("doi", "arxiv", "acl"):
            if getattr(paper.identifiers, scheme) is None:
                values = {
                    value.casefold(): (value, record.source)
                    for record in best_last
                    if (value := getattr(record, scheme))
                }
                for value, source in values.values():
                    # What others tell of a DOI is a hint; what its registrar says is proof.
                    proven = scheme != "doi" or source.startswith("doi:")
                    preprint = scheme == "doi" and paper.venue == "arxiv"
                    safe = len(values) == 1 and proven and not preprint
                    yield Lacking(f"identifiers.{scheme}", value, source, safe)
        if paper.venue == "arxiv":
            yield from self._published_as(best_last)

    def _published_as(self, records: Sequence[Record]) -> Iterator[Lacking]:
        """Where a preprint was published meanwhile, once for each venue."""
        told: dict[str, Lacking] = {}
        for record in records:
            if record.kind in _PUBLISHED and record.venue_text:
                where = self._venues.find(record.venue_text)
                name = where.venue if where else record.venue_text
                said = f"{name} {record.year or ''}".strip()
                told[name] = Lacking("venue", said, record.source, safe=False)
        yield from told.values()


def is_preprint(catalog: Catalog, paper: Paper) -> bool:
    """Whether the entry knows of no venue yet but a preprint server; a draft may know of none at all."""
    return paper.venue in catalog.venues and catalog.venue(paper).kind == "preprint"


def _unknown(scheme: str, value: str, service: str) -> Contradiction:
    return Contradiction(
        f"identifiers.{scheme}", value, f"unknown to {service}", service
    )


def stamped(catalog: Catalog, verdict: Verdict, day: str) -> dict[str, object]:
    """The `verified` of an entry that agrees: today, the sources of today, and what it was compared with before."""
    old = catalog.get(verdict.id).verified
    by = [*verdict.agreed, *(old.by if old else ())]
    new: dict[str, object] = {"date": day, "by": list(dict.fromkeys(by))}
    if old and old.doubt:
        new["doubt"] = old.doubt.written(catalog.kit.languages)
    return new


def filled(paper: Paper, verdict: Verdict) -> dict[str, str]:
    """The identifiers of an entry with those that may be filled in without a person."""
    known = paper.identifiers.model_dump(exclude_none=True)
    for one in verdict.candidates:
        if one.safe:
            known.setdefault(one.field.removeprefix("identifiers."), one.value)
    return known
