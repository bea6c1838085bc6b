"""What a run found, for people and programs: text, JSON, annotations, JUnit XML, the body of one rolling issue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from surveykit.errors import plural
from surveykit.links.engine import LinkFinding, Outcome
from surveykit.links.gather import Place
from surveykit.links.state import State

ANNOTATIONS = 10
"""More errors of one step are not shown by GitHub."""
WORTH_TELLING = (
    State.BROKEN,
    State.BLOCKED,
    State.SUSPECT,
    State.MOVED,
    State.UNVERIFIABLE,
)
ALARMS = (State.BROKEN, State.BLOCKED)
HEADINGS = {
    State.BROKEN: "Broken",
    State.BLOCKED: "Not allowed",
    State.SUSPECT: "Failing, not yet on enough runs",
    State.MOVED: "Moved for good (`surveykit check-links --fix` rewrites these)",
    State.UNVERIFIABLE: "Closed to programs; look by hand when in doubt",
}


def text(outcome: Outcome) -> str:
    """Report for a terminal: one line a link and place, the worst first, then the counts."""
    lines = [
        f"{place.path}:{place.line}:{place.column}: {_line(finding)}"
        for finding in _told(outcome)
        for place in finding.link.places
    ]
    return "\n".join([*lines, summary(outcome)])


def summary(outcome: Outcome) -> str:
    """Counts on one line."""
    counts = [f"{n} {state}" for state, n in outcome.counts.items() if n]
    if outcome.unchecked:
        counts.append(f"{outcome.unchecked} not checked")
    total = len(outcome.findings) + outcome.unchecked
    return f"{plural(total, 'link')}: {', '.join(counts) or 'nothing to check'}"


def as_json(outcome: Outcome) -> str:
    """Report for programs; `schema` grows when a field changes its meaning."""
    data = {
        "schema": 1,
        "counts": outcome.counts,
        "unchecked": outcome.unchecked,
        "interrupted": outcome.interrupted,
        "links": [_record(finding) for finding in outcome.findings],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _record(finding: LinkFinding) -> dict[str, Any]:
    result = finding.result
    return {
        "url": finding.link.url,
        "state": result.state,
        "reason": result.reason,
        "detail": result.detail,
        "status": result.status,
        "target": result.target,
        "hops": [{"url": hop.url, "status": hop.status} for hop in result.hops],
        "seconds": result.seconds,
        "failing_days": [str(day) for day in finding.failures],
        "places": [_where(place) for place in finding.link.places],
    }


def _where(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "entry": place.entry,
        "kind": place.kind or None,
    }


def github(outcome: Outcome) -> str:
    """Workflow commands: the first ten errors, and the counts as a notice."""
    rows = [
        (place, finding)
        for finding in _told(outcome)
        if finding.result.state in ALARMS
        for place in finding.link.places
    ]
    lines = [_annotation(place, finding) for place, finding in rows[:ANNOTATIONS]]
    more = len(rows) - ANNOTATIONS
    rest = f"; {more} more errors stand in the step summary" if more > 0 else ""
    return "\n".join([*lines, f"::notice::{_escaped(summary(outcome) + rest)}"])


def _annotation(place: Place, finding: LinkFinding) -> str:
    file = _escaped(place.path).replace(":", "%3A").replace(",", "%2C")
    where = f"file={file},line={place.line},col={place.column}"
    return (
        f"::error {where},title=link {finding.result.state}::{_escaped(_line(finding))}"
    )


def _escaped(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def junit(outcome: Outcome) -> str:
    """JUnit XML: a test case for each link and place; suspect and unverifiable ones are skipped."""
    cases = [
        (place, finding)
        for finding in outcome.findings
        for place in finding.link.places
    ]
    alarms = sum(finding.result.state in ALARMS for _, finding in cases)
    skipped = sum(_aside(finding) for _, finding in cases)
    suite = ElementTree.Element(
        "testsuite",
        name="surveykit check-links",
        tests=str(len(cases)),
        failures=str(alarms),
        errors="0",
        skipped=str(skipped),
    )
    for place, finding in cases:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_plain(place.path),
            name=_plain(place.written),
            file=_plain(place.path),
            line=str(place.line),
            time=str(finding.result.seconds),
        )
        if finding.result.state in ALARMS or _aside(finding):
            kind = "failure" if finding.result.state in ALARMS else "skipped"
            ElementTree.SubElement(case, kind, message=_line(finding))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(
        suite, encoding="unicode"
    )


def _aside(finding: LinkFinding) -> bool:
    return finding.result.state in (State.SUSPECT, State.UNVERIFIABLE, State.SKIPPED)


def markdown(outcome: Outcome) -> str:
    """Body of the rolling issue: the same findings give the same words, on whatever day."""
    told = [f for f in outcome.findings if f.result.state in WORTH_TELLING]
    alarms = [f for f in told if f.result.state in ALARMS]
    if alarms:
        first = f"{len(alarms)} {'link needs' if len(alarms) == 1 else 'links need'} a new address or has to go."
    elif outcome.unchecked:
        first = "No link that was checked is broken; others wait for the next run."
    else:
        first = "All is well: no link of the catalog is broken."
    parts = ["# Links", first]
    for state in WORTH_TELLING:
        rows = sorted(
            _row(place, finding)
            for finding in told
            if finding.result.state is state
            for place in finding.link.places
        )
        if rows:
            head = f"## {HEADINGS[state]} ({len(rows)})"
            table = "| where | link | what was seen |\n|---|---|---|\n"
            parts.append(f"{head}\n\n{table}" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _row(place: Place, finding: LinkFinding) -> str:
    where = f"{place.path}:{place.line}"
    # Times and error texts differ from run to run; the reason, the status and the target do not.
    result = finding.result
    seen = [str(result.reason), str(result.status or ""), result.target or ""]
    if finding.failures:
        seen.append(f"since {finding.failures[0]}")
    cells = (where, place.written, " · ".join(word for word in seen if word))
    return f"| {' | '.join(map(_code, cells))} |"


def _code(words: str) -> str:
    """Words in a table cell that can be nothing but words."""
    clean = _plain(words).replace("`", "'").replace("|", "%7C")
    return f"`{clean}`"


def _told(outcome: Outcome) -> Iterator[LinkFinding]:
    for state in WORTH_TELLING:
        yield from _sorted(f for f in outcome.findings if f.result.state is state)


def _sorted(findings: Iterable[LinkFinding]) -> Sequence[LinkFinding]:
    def first(finding: LinkFinding) -> tuple[str, int, str]:
        place = finding.link.places[0]
        return place.path, place.line, finding.link.url

    return sorted(findings, key=first)


def _line(finding: LinkFinding) -> str:
    """State, reason, evidence and address on one line."""
    result = finding.result
    words = [str(result.state), str(result.reason)]
    if result.status:
        words.append(str(result.status))
    words.append(finding.link.url)
    if result.target:
        words.append(f"-> {result.target}")
    elif result.last != finding.link.url:
        words.append(f"(at {result.last})")
    if result.detail:
        words.append(f"({result.detail})")
    if finding.failures:
        runs = len(finding.failures)
        words.append(f"[{plural(runs, 'failing run')} since {finding.failures[0]}]")
    return _plain(" ".join(words))


def _plain(words: str) -> str:
    """Without control and direction characters: addresses come from strangers."""
    return re.sub(
        r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udfff]",
        "?",
        words,
    )
