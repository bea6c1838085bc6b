"""What an import found, for a terminal, a program or a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from surveykit.errors import plural
from surveykit.imports.run import Imported
from surveykit.references.reading import ANOMALIES, ReadEntry
from surveykit.text.markdown import escape
from surveykit.text.printable import printable


def text(imported: Imported, name: str) -> str:
    """One line an anomaly, as `file:line: kind: message`, then the counts."""
    where, found = printable(name), imported.anomalies
    lines = [f"{where}:{a.line}: {a.kind}: {printable(a.message)}" for a in found]
    return "\n".join([*lines, summary(imported)]) + "\n"


def summary(imported: Imported) -> str:
    """Counts on one line."""
    new, known = len(imported.drafts), len(imported.known)
    told = f"{new} new" + (f", {known} known already" if known else "")
    odd = len(imported.anomalies)
    looked = plural(odd, "anomaly") if odd else "no anomalies"
    return f"{plural(imported.papers, 'paper')}: {told}; {looked}"


def as_json(imported: Imported) -> str:
    """Report for programs; `schema` grows when a field changes its meaning."""
    data = {
        "schema": 1,
        "format": imported.form,
        "papers": imported.papers,
        "new": [
            {
                **_named(found),
                "id": d.id,
                "path": d.path,
                "todo": d.todo,
                "notes": d.notes,
            }
            for found, d in imported.drafts
        ],
        "known": [{**_named(found), "as": other} for found, other in imported.known],
        "anomalies": [asdict(anomaly) for anomaly in imported.anomalies],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _named(found: ReadEntry) -> dict[str, object]:
    return {"line": found.line, "name": found.name}


def markdown(imported: Imported, name: str) -> str:
    """Report for a pull request: anomalies by kind, then the new entries."""
    return "\n".join(_markdown(imported, name)) + "\n"


def _markdown(imported: Imported, name: str) -> Iterator[str]:
    yield f"## Import of {escape(name)}\n"
    yield f"{escape(summary(imported))}.\n"
    for kind, meaning in ANOMALIES.items():
        if group := [a for a in imported.anomalies if a.kind == kind]:
            yield f"### {escape(kind)}: {escape(meaning)} ({len(group)})\n"
            yield from (f"- line {a.line}: {escape(a.message)}" for a in group)
            yield ""
    if imported.drafts:
        yield f"### New entries ({len(imported.drafts)})\n"
        yield "| line | entry | left to you |\n| ---: | --- | --- |"
        for found, draft in imported.drafts:
            todo = ", ".join(draft.todo)
            yield f"| {found.line} | `{draft.id}` | {escape(todo)} |"
