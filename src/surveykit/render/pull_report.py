"""What a reviewer of a pull request should see, as Markdown that holds no markup but our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from surveykit.catalog import Catalog
from surveykit.errors import Problem, Severity, plural
from surveykit.models import Paper
from surveykit.render.readme import short_authors, venue_label
from surveykit.scalars import is_mark
from surveykit.text.markdown import escape
from surveykit.text.printable import printable

MARKER = "<!-- surveykit report -->"
"""First line; by it the comment of an earlier run is found again."""
MOST_CHARACTERS = 60_000
"""A comment of the forge holds 65,536."""
MOST_LINES = 80
"""Of a difference."""
MOST_OF_A_TEXT = 1000
"""Characters; a summary fits in."""


@dataclass(frozen=True)
class ReportedEntry:
    """One entry that a pull request touches."""

    id: str
    path: str
    paper: Paper | None
    """None where it is deleted or cannot be read."""
    state: str
    """`new`, `changed`, `deleted` or `unreadable`."""
    fields: tuple[tuple[str, str, str], ...] = ()
    """Field, before, now."""
    duplicates: tuple[str, ...] = ()
    """Entries that may be the same paper, with the reason."""
    verdict: str = ""
    """What the services say of it."""
    links: tuple[tuple[str, str], ...] = ()
    """Address and state."""


@dataclass(frozen=True)
class PullRequest:
    """Everything that the report tells."""

    entries: tuple[ReportedEntry, ...]
    problems: tuple[Problem, ...] = ()
    unformatted: tuple[str, ...] = ()
    stale: tuple[str, ...] | None = ()
    """Generated files that do not follow from the entries; None where errors in entries kept them from being compared."""
    differences: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Generated file for readers -> lines of its difference to the base."""


def pull_report(pull: PullRequest, catalog: Catalog) -> str:
    """The report, at most `MOST_CHARACTERS` long."""
    text = "\n".join(_lines(pull, catalog)) + "\n"
    if len(text) <= MOST_CHARACTERS:
        return text
    whole = text[: MOST_CHARACTERS - 200]
    cut = whole[: whole.rfind("\n### ")] if "\n### " in whole else whole
    return f"{cut}\n\n… cut here: too long for a comment; the whole report is an artifact of the run.\n"


def _lines(pull: PullRequest, catalog: Catalog) -> Iterator[str]:
    yield MARKER
    yield "## Survey report · 综述检查报告\n"
    yield from _summary(pull)
    for entry in pull.entries:
        yield from _entry(entry, catalog)
    for path, lines in pull.differences.items():
        yield from _difference(path, lines)


def _summary(pull: PullRequest) -> Iterator[str]:
    counts: dict[str, int] = {}
    for entry in pull.entries:
        counts[entry.state] = counts.get(entry.state, 0) + 1
    said = (
        ", ".join(f"{n} {state}" for state, n in counts.items()) or "no entry changes"
    )
    yield f"Entries: {said}.\n"
    yield "| check · 检查 | result · 结果 | run · 命令 |\n| --- | --- | --- |"
    errors = sum(p.severity is Severity.ERROR for p in pull.problems)
    warnings = len(pull.problems) - errors
    rows = (
        (
            f"{plural(errors, 'error')}, {plural(warnings, 'warning')}",
            errors,
            "validate",
            "entries · 条目",
        ),
        (
            plural(len(pull.unformatted), "file"),
            len(pull.unformatted),
            "fmt",
            "form · 格式",
        ),
    )
    for result, bad, command, name in rows:
        yield f"| {name} | {'❌' if bad else '✅'} {result} | `surveykit {command}` |"
    yield f"| generated files · 生成文件 | {_generated(pull.stale)} | `surveykit build` |"
    yield ""
    for problem in pull.problems[:50]:
        where = f"{problem.path}:{problem.line}:{problem.column}"
        yield f"- {_shown(where)} {problem.rule} {problem.severity}: {_shown(problem.message)}"
    yield ""


def _generated(stale: tuple[str, ...] | None) -> str:
    if stale is None:
        return "➖ not compared while entries have errors · 条目有错误，未比较"
    return f"{'❌' if stale else '✅'} {len(stale)} stale"


def _entry(entry: ReportedEntry, catalog: Catalog) -> Iterator[str]:
    yield f"### {_shown(entry.id)} ({entry.state})\n"
    if entry.paper:
        yield from _card(entry.paper, catalog)
    if entry.state == "changed" and entry.fields:
        yield "| field · 字段 | before · 原值 | now · 新值 |\n| --- | --- | --- |"
        for name, before, now in entry.fields:
            yield f"| {_shown(name)} | {_shown(before)} | {_shown(now)} |"
        yield ""
    for text in entry.duplicates:
        yield f"- ⚠️ may be a duplicate · 可能重复: {_shown(text)}"
    if entry.verdict:
        yield f"- compared with the services · 与数据源比对: {_shown(entry.verdict)}"
    for url, state in entry.links:
        yield f"- link · 链接: {_shown(state)} {_shown(url)}"
    yield ""


def _card(paper: Paper, catalog: Catalog) -> Iterator[str]:
    where = (
        venue_label(catalog, paper, "en")
        if paper.venue in catalog.venues
        else str(paper.year)
    )
    yield f"**{_shown(paper.title.en)}**  "
    if "zh" in catalog.kit.languages:
        yield f"{_shown(paper.title.zh)}  "
    yield f"{_shown(short_authors(paper, 'en'))} · {_shown(where)}\n"
    terms = "; ".join(
        f"{axis}: {', '.join(_named(catalog, axis, ids))}"
        for axis, ids in paper.terms.items()
    )
    yield f"- {_shown(terms)}"
    names = {
        **paper.identifiers.model_dump(exclude_none=True),
        **paper.links.model_dump(exclude_none=True),
    }
    for name, value in names.items():
        yield f"- {_shown(name)}: {_shown(str(value))}"
    if paper.tldr:
        said = dict.fromkeys((paper.tldr.en, paper.tldr.zh))
        yield "\n".join(f"- {_shown(text)}" for text in said)
    if _unfinished(paper):
        yield "- ✍️ left to the author · 待作者补充 (`todo`)"
    yield ""


def _named(catalog: Catalog, axis: str, ids: Sequence[str]) -> list[str]:
    return [
        catalog.terms[axis, i].label.en if (axis, i) in catalog.terms else i
        for i in ids
    ]


def _unfinished(paper: Paper) -> bool:
    texts = [
        paper.title.zh,
        paper.venue,
        *(t for terms in paper.terms.values() for t in terms),
    ]
    return any(is_mark(text) for text in texts)


def _difference(path: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    shown = [_short(printable(line)) for line in lines[:MOST_LINES]]
    fence = "`" * (max((_run(line) for line in shown), default=0) + 3)
    yield f"<details><summary>{_shown(path)} ({plural(len(lines), 'line')})</summary>\n"
    yield f"{fence}diff"
    yield from shown
    if len(lines) > MOST_LINES:
        yield f"… {plural(len(lines) - MOST_LINES, 'more line')}"
    yield f"{fence}\n\n</details>\n"


def _run(line: str) -> int:
    """The longest run of backticks."""
    return max(map(len, re.findall("`+", line)), default=0)


def _shown(text: str) -> str:
    """A text as Markdown that shows it on one line; a long one is cut."""
    return escape(printable(_short(text)))


def _short(text: str) -> str:
    return text if len(text) <= MOST_OF_A_TEXT else f"{text[:MOST_OF_A_TEXT]}…"
