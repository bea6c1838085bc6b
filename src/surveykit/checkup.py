"""Verdicts on entries and the state of their programs -> what became of the papers, without what is settled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from surveykit.catalog import Catalog
from surveykit.health import Health, HealthFinding, HealthKind, ordered
from surveykit.identifier import identify_quietly
from surveykit.links.engine import LinkFinding, Outcome
from surveykit.links.state import Reason, State
from surveykit.models import Paper
from surveykit.published import publications
from surveykit.text.retraction import in_title
from surveykit.venue_names import VenueNames
from surveykit.verifying import Verdict, is_preprint

MOST_SAID = 200
"""Characters of a remark."""


def examined(
    catalog: Catalog,
    verdicts: Sequence[Verdict],
    programs: Outcome,
    before: Health | None,
    today: date,
) -> Health:
    """One look at all papers; what was known `before` keeps its day, and stays where nobody answered."""
    found = [*_of_papers(catalog, verdicts, today), *_of_programs(programs, today)]
    heard = _heard(verdicts, programs)
    old = {one.key: one for one in (before.findings if before else ())}
    kept = [
        one
        for one in old.values()
        if (one.paper, _is_code(one)) not in heard and _still(catalog, one)
    ]
    first = {key: one.since for key, one in old.items()}
    dated = [
        one.model_copy(update={"since": first.get(one.key, one.since)})
        for one in (*kept, *found)
    ]
    open_ = [one for one in dated if not settled(catalog.get(one.paper), one)]
    silent = {fault.partition(":")[0] for v in verdicts for fault in v.failures}
    return Health(
        date=today,
        papers=len(verdicts),
        preprints=sum(is_preprint(catalog, catalog.get(v.id)) for v in verdicts),
        repositories=len(programs.findings),
        silent=tuple(sorted(silent)),
        findings=ordered(open_),
    )


def settled(paper: Paper, finding: HealthFinding) -> bool:
    """Whether somebody has seen to it: the entry tells of it, or names the notice among what it was compared with."""
    lost = finding.kind in ("retracted", "withdrawn", "concern")
    if lost and any(event.kind == "retracted" for event in paper.history):
        return True
    own = {_name(f"{scheme}:{value}") for scheme, value in paper.identifiers if value}
    notices = {_name(source) for source in finding.evidence} - own
    seen = {_name(source) for source in (paper.verified.by if paper.verified else ())}
    return bool(notices) and notices <= seen


def _name(source: str) -> str:
    """One name for `doi:10.1145/X`, `https://doi.org/10.1145/x` and the like."""
    known = identify_quietly(source)
    return f"{known.kind}:{known.value}".casefold() if known else source.casefold()


def _of_papers(
    catalog: Catalog, verdicts: Iterable[Verdict], today: date
) -> Iterator[HealthFinding]:
    names = VenueNames(catalog.venues)
    for verdict in verdicts:
        paper = catalog.get(verdict.id)
        for one in verdict.found:
            source = one.record.source
            for alarm in one.alarms:
                named = re.findall(r"\bby (doi:\S+)", alarm)
                yield _finding(paper, _kind(alarm), alarm, (source, *named), today)
            for notice in one.corrected_by:
                yield _finding(paper, "corrected", notice, (source, notice), today)
        if is_preprint(catalog, paper):
            for where in publications(catalog, names, paper, verdict.found)[:3]:
                said, by = where.named(catalog), (e.source for e in where.evidence)
                yield _finding(paper, "published", said, tuple(by), today)


def _kind(alarm: str) -> HealthKind:
    """What an alarm is about; its words are those of the modules in `sources`, not those of the paper that it quotes."""
    _, calls_itself, title = alarm.partition(" calls itself ")
    head, _, notice = alarm.partition(" says: ")
    words = in_title(title[1:-1]) if calls_itself else head.partition(": ")[0]
    if "concern" in words.casefold():
        return "concern"
    return "retracted" if "retract" in f"{words} {notice}".casefold() else "withdrawn"


def _of_programs(programs: Outcome, today: date) -> Iterator[HealthFinding]:
    for one in programs.findings:
        kind = _fate(one)
        says = one.result.target if kind == "code-moved" else None
        for place in one.link.places:
            if kind and place.entry:
                yield HealthFinding(
                    paper=place.entry,
                    kind=kind,
                    says=says or one.link.url,
                    evidence=(one.link.url,),
                    since=today,
                )


def _fate(one: LinkFinding) -> HealthKind | None:
    state, reason = one.result.state, one.result.reason
    if state is State.BROKEN:
        return "code-gone"
    if state is State.MOVED:
        return "code-moved"
    return "code-archived" if reason is Reason.REPOSITORY_ARCHIVED else None


def _finding(
    paper: Paper, kind: HealthKind, says: str, evidence: tuple[str, ...], today: date
) -> HealthFinding:
    cut = says if len(says) <= MOST_SAID else f"{says[: MOST_SAID - 1].rstrip()}…"
    return HealthFinding(
        paper=paper.id,
        kind=kind,
        says=cut,
        evidence=tuple(dict.fromkeys(evidence)),
        since=today,
    )


def _heard(verdicts: Iterable[Verdict], programs: Outcome) -> set[tuple[str, bool]]:
    """Papers, and whether it is their programs, of which this look knows all."""
    heard = {(verdict.id, False) for verdict in verdicts if not verdict.failures}
    for one in programs.findings:
        if one.result.state not in (State.SUSPECT, State.UNVERIFIABLE, State.SKIPPED):
            heard |= {(place.entry or "", True) for place in one.link.places}
    return heard


def _is_code(finding: HealthFinding) -> bool:
    return finding.kind.startswith("code")


def _still(catalog: Catalog, finding: HealthFinding) -> bool:
    """Whether the entry is as it was when this was found."""
    paper = catalog.by_id.get(finding.paper)
    if paper is None:
        return False
    if _is_code(finding):
        return paper.links.code == finding.evidence[0]
    return finding.kind != "published" or is_preprint(catalog, paper)
