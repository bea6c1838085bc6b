"""Questions to a person at a terminal: does the paper belong here, what is it called in Chinese, which terms hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.prompt import Confirm, Prompt
from rich.table import Table

from surveykit.adding import Addition
from surveykit.catalog import Catalog
from surveykit.draft import Draft
from surveykit.errors import plural
from surveykit.scalars import TODO_TERM
from surveykit.suggest import Suggestion
from surveykit.vocabulary import Axis

MOST_AUTHORS = 6
LEAVE = "?"
"""Answer that leaves a question to later."""


def judged(outcome: Addition, catalog: Catalog) -> Addition:
    """The outcome with what the person decided; without a draft where the paper does not belong here."""
    draft = outcome.draft
    if draft is None:
        return outcome
    console = Console(stderr=True)
    _show(console, outcome)
    if not Confirm.ask("Does it belong in the survey?", console=console, default=True):
        return dataclasses.replace(outcome, draft=None, matches=(), alarms=())
    console.print(
        f"[dim]Enter takes what stands in brackets; {LEAVE} leaves the question to later.[/dim]"
    )
    data: dict[str, Any] = {**draft.data, "terms": dict(draft.data["terms"])}
    if "zh" in catalog.kit.languages:
        title = Prompt.ask("Chinese title", console=console, default=LEAVE).strip()
        if title and title != LEAVE:
            data["title"] = {**draft.data["title"], "zh": title}
    if "aka" in data:
        _name(console, data)
    for axis in catalog.taxonomy.axes:
        _decide(console, axis, data, draft, catalog)
    return dataclasses.replace(outcome, draft=draft.decided(data))


def _name(console: Console, data: dict[str, Any]) -> None:
    """Ask whether the name that the title begins with is the paper's own."""
    text = "Short names of its method, parted by commas; - for none"
    said = Prompt.ask(text, console=console, default=data["aka"][-1]).strip()
    if said == "-":
        del data["aka"]
    elif said != LEAVE:
        data["aka"] = [name for part in said.split(",") if (name := part.strip())]


def _show(console: Console, outcome: Addition) -> None:
    draft = outcome.draft
    if draft is None:
        return
    paper = draft.paper
    names = [author.name for author in paper.authors]
    more = (
        f" and {len(names) - MOST_AUTHORS:,} more" if len(names) > MOST_AUTHORS else ""
    )
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column()
    facts = {
        "authors": ", ".join(names[:MOST_AUTHORS]) + more,
        "appeared": f"{paper.venue} {paper.year}"
        + ("" if paper.track == "main" else f", {paper.track}"),
        "known as": ", ".join(
            f"{k} {v}"
            for k, v in paper.identifiers.model_dump(exclude_none=True).items()
        ),
        "page": paper.links.paper,
        "sources": ", ".join(record.source for record in outcome.records),
    }
    for name, value in facts.items():
        rows.add_row(name, escape(value))
    for text in outcome.notes:
        rows.add_row("[yellow]look at[/yellow]", escape(text))
    console.print(
        Panel(
            rows,
            title=f"[bold]{escape(paper.title.en)}[/bold]",
            subtitle=draft.path,
            title_align="left",
            subtitle_align="left",
        )
    )
    abstract = next((r.abstract for r in outcome.records if r.abstract), None)
    if abstract:
        console.print(f"[dim]{escape(abstract)}[/dim]\n")


def _decide(
    console: Console, axis: Axis, data: dict[str, Any], draft: Draft, catalog: Catalog
) -> None:
    """Ask for the terms of one axis until the answer is one that the taxonomy allows."""
    terms: dict[str, list[str]] = data["terms"]
    if not _applies(axis, terms, catalog):
        terms.pop(axis.id, None)
        return
    suggested = draft.suggestions.get(axis.id, ())
    console.print(f"\n[bold]{axis.label.en}[/bold]  {axis.question.en}")
    for one in suggested:
        console.print(f"  [cyan]{one.term}[/cyan]  [dim]{escape(one.reason)}[/dim]")
    choices = [t.id for t in axis.terms if not _is_group(axis, t.id)]
    offered = [term for term in choices if _fits(axis, term, terms)] or choices
    console.print(Padding(f"[dim]{', '.join(offered)}[/dim]", (0, 0, 0, 2)))
    default = _default(axis, suggested)
    while True:
        said = Prompt.ask(f"{axis.id}", console=console, default=default).strip()
        chosen = [part for part in said.replace(",", " ").split() if part]
        if said == LEAVE:
            terms[axis.id] = [TODO_TERM, *(s.term for s in suggested)]
            return
        if chosen == ["-"] and axis.min_terms == 0:
            terms.pop(axis.id, None)
            return
        wrong = [term for term in chosen if term not in choices]
        if not wrong and axis.min_terms <= len(chosen) <= axis.max_terms and chosen:
            terms[axis.id] = list(dict.fromkeys(chosen))
            return
        fault = (
            f"no term {', '.join(wrong)}"
            if wrong
            else f"between {max(1, axis.min_terms)} and {plural(axis.max_terms, 'term')}"
        )
        console.print(f"  [red]{escape(fault)}[/red]")


def _default(axis: Axis, suggested: Sequence[Suggestion]) -> str:
    if suggested:
        return " ".join(one.term for one in suggested)
    return LEAVE if axis.min_terms else "-"


def _is_group(axis: Axis, term: str) -> bool:
    return axis.leaves_only and any(other.parent == term for other in axis.terms)


def _fits(axis: Axis, term: str, chosen: dict[str, list[str]]) -> bool:
    """Whether the group of a term is shown under what was chosen before; undecided axes exclude nothing."""
    groups = {other.id: other for other in axis.terms}
    parent = groups.get(groups[term].parent or "")
    return parent is None or all(
        TODO_TERM in chosen.get(other, [TODO_TERM]) or set(words) & set(chosen[other])
        for other, words in parent.applies_to.items()
    )


def _applies(axis: Axis, terms: dict[str, list[str]], catalog: Catalog) -> bool:
    if not axis.only_for_roles:
        return True
    roles = [role for role in terms.get("role", ()) if role != TODO_TERM]
    wide = {up for role in roles for up in catalog.ancestry("role", role)}
    return bool(wide & set(axis.only_for_roles))
