"""What an import found, for a terminal, a program or a pull request."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from surveykit.errors import plural
from surveykit.imports.reading import KINDS, Anomaly
from surveykit.imports.run import Imported
from surveykit.render.markdown import escape
from surveykit.report import printable


def text(imported: Imported, name: str) -> str:
    """One line an anomaly, as `file:line: kind: message`, then the counts."""
    lines = [
        f"{printable(name)}:{a.line}: {a.kind}: {printable(a.message)}"
        for a in imported.anomalies
    ]
    return "\n".join([*lines, summary(imported)]) + "\n"


def summary(imported: Imported) -> str:
    """Counts on one line."""
    known = f", {len(imported.known)} known already" if imported.known else ""
    looked = plural(len(imported.anomalies), "anomaly")
    return (
        f"{plural(imported.papers, 'paper')}: {len(imported.drafts)} new{known}; "
        f"{looked if imported.anomalies else 'no anomalies'}"
    )


def as_json(imported: Imported) -> str:
    """Report for programs; `schema` grows when a field changes its meaning."""
    data = {
        "schema": 1,
        "format": imported.form,
        "papers": imported.papers,
        "new": [
            {
                "line": found.line,
                "name": found.name,
                "id": draft.id,
                "path": draft.path,
                "todo": draft.todo,
                "notes": draft.notes,
            }
            for found, draft in imported.drafts
        ],
        "known": [
            {"line": found.line, "name": found.name, "as": other}
            for found, other in imported.known
        ],
        "anomalies": [
            {"line": a.line, "kind": a.kind, "message": a.message}
            for a in imported.anomalies
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def markdown(imported: Imported, name: str) -> str:
    """Report for a pull request: anomalies by kind, then the new entries."""
    return "\n".join(_markdown(imported, name)) + "\n"


def _markdown(imported: Imported, name: str) -> Iterator[str]:
    yield f"## Import of {escape(name)}\n"
    yield f"{escape(summary(imported))}.\n"
    for kind, group in _by_kind(imported.anomalies).items():
        yield f"### {escape(kind)}: {escape(KINDS[kind])} ({len(group)})\n"
        yield from (f"- line {a.line}: {escape(a.message)}" for a in group)
        yield ""
    if imported.drafts:
        yield f"### New entries ({len(imported.drafts)})\n"
        yield "| line | entry | left to you |\n| ---: | --- | --- |"
        for found, draft in imported.drafts:
            todo = ", ".join(draft.todo)
            yield f"| {found.line} | `{draft.id}` | {escape(todo)} |"


def _by_kind(anomalies: tuple[Anomaly, ...]) -> dict[str, list[Anomaly]]:
    """Anomalies under their kinds, in the order of `KINDS`."""
    groups: dict[str, list[Anomaly]] = defaultdict(list)
    for anomaly in anomalies:
        groups[anomaly.kind].append(anomaly)
    return {kind: groups[kind] for kind in KINDS if kind in groups}
