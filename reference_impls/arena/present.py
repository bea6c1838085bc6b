"""The matrix for a reader: tables in Markdown, and a page in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reference_impls.arena.matrix import Cell, task_label
from reference_impls.arena.registry import (
    ACCURACY,
    ATTACKS,
    DEFENSES,
    FALSE_ALARM,
    FINE_TUNINGS,
    FOUND,
    SCORE,
    SUCCESS,
    WORDS,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.page import Answer, Page, Section, Table
from reference_impls.lab.study.readme import table


def sections(found: Sequence[Cell]) -> list[Section]:
    """All tables, as the page and the README show them."""
    tasks = list(
        dict.fromkeys(
            cell.task for cell in found if cell.metric == ACCURACY.id and cell.task
        )
    )
    return [
        *(_robust(found, task) for task in tasks),
        *(
            _backdoor(found, task)
            for task in tasks
            if _pick(found, task=task, metric=SUCCESS.id)
        ),
        *([_verdicts(found)] if _pick(found, metric=SCORE.id) else []),
    ]


def _robust(found: Sequence[Cell], task: str) -> Section:
    rows: list[tuple[Text, ...]] = []
    for attack in ATTACKS:
        if attack.kind == "backdoor":
            continue
        cells = [
            _shown(found, attack=attack.id, defense=one.id, task=task)
            for one in FINE_TUNINGS
        ]
        rows.append((attack.label, *cells))
    heads = (WORDS["heads.attack"], *(one.short for one in FINE_TUNINGS))
    return Section(
        WORDS["tables.robust"].fill(task=task_label(task)),
        paragraphs=(WORDS["tables.higher"],),
        table=Table(heads, rows),
    )


def _backdoor(found: Sequence[Cell], task: str) -> Section:
    rows: list[tuple[Text, ...]] = [
        (
            one.label,
            *(
                _shown(
                    found,
                    attack="badencoder",
                    defense=one.id,
                    task=task,
                    metric=metric,
                )
                for metric in (SUCCESS.id, "backdoored-accuracy")
            ),
        )
        for one in FINE_TUNINGS
    ]
    return Section(
        WORDS["tables.backdoor"].fill(task=task_label(task)),
        paragraphs=(WORDS["tables.success"],),
        table=Table((WORDS["heads.defense"], SUCCESS.label, WORDS["heads.kept"]), rows),
    )


def _verdicts(found: Sequence[Cell]) -> Section:
    rows: list[tuple[Text, ...]] = []
    labels = {one.id: one.label for one in DEFENSES}
    for attack, flag, words in (
        ("clean", FALSE_ALARM.id, WORDS["tables.clean"]),
        ("badencoder", FOUND.id, WORDS["tables.backdoored"]),
    ):
        for after in (None, *(one.id for one in FINE_TUNINGS)):
            chosen = {"attack": attack, "defense": "decree", "after": after}
            if not _pick(found, **chosen):
                continue
            how = WORDS["tables.as_it_is"] if after is None else labels[after]
            rows.append(
                (
                    words.fill(after=how),
                    _shown(found, metric=flag, **chosen),
                    _shown(found, metric=SCORE.id, **chosen),
                )
            )
    return Section(
        WORDS["tables.verdicts"],
        paragraphs=(WORDS["tables.verdicts_text"],),
        table=Table((WORDS["heads.encoder"], WORDS["heads.flagged"], "PL1"), rows),
    )


def _pick(found: Sequence[Cell], **wanted: Any) -> list[Cell]:
    return [
        cell
        for cell in found
        if cell.value is not None
        and all(getattr(cell, name) == value for name, value in wanted.items())
    ]


def _shown(found: Sequence[Cell], **wanted: Any) -> str:
    cell = next(iter(_pick(found, **wanted)), None)
    if cell is None or cell.value is None:
        return "–"
    return str(MeanStd(cell.value, cell.deviation or 0.0, len(cell.seeds)))


# -- Page and Markdown ---------------------------------------------------------------


def page(found: Sequence[Cell], *, waiting: int, total: int, about: Any) -> Page:
    """The whole matrix as a page."""
    return Page(
        title=WORDS["page.title"],
        subject=WORDS["page.subject"],
        answer=_answer(found, waiting, total),
        sections=sections(found),
        about=about,
    )


def _answer(found: Sequence[Cell], waiting: int, total: int) -> Answer:
    missing = WORDS["page.waiting"].fill(count=waiting, total=total)
    kept = {one.id: _worst(found, one.id) for one in FINE_TUNINGS}
    known = {name: value for name, value in kept.items() if value is not None}
    if not known:
        return Answer("open", WORDS["page.nothing"], missing)
    best = max(known, key=lambda name: known[name])
    label = next(one.label for one in DEFENSES if one.id == best)
    detail = WORDS["page.detail"].fill(
        value=known[best], standard=known.get("standard", 0.0)
    )
    return Answer(
        "calm",
        WORDS["page.best"].fill(best=label),
        detail.then(missing) if waiting else detail,
    )


def _worst(found: Sequence[Cell], defense: str) -> float | None:
    """Mean over tasks of the accuracy under the universal attack that costs the defense most."""
    universal = {one.id for one in ATTACKS if one.kind == "universal"}
    by_task: dict[str, list[float]] = {}
    for cell in _pick(found, defense=defense, metric=ACCURACY.id):
        if cell.attack in universal and cell.task and cell.value is not None:
            by_task.setdefault(cell.task, []).append(cell.value)
    if not by_task:
        return None
    return sum(min(values) for values in by_task.values()) / len(by_task)


def provenance(about: dict[str, Any]) -> Bilingual:
    """When and how the figures came about, in one paragraph."""
    return WORDS["tables.made"].fill(
        torch=about["versions"]["torch"],
        **about["trials"],
        **{name: about[name] for name in ("date", "command", "device", "threads")},
    )


def markdown(found: Sequence[Cell], language: Language) -> str:
    """The tables for a README."""
    parts = []
    for section in sections(found):
        parts += [f"### {localize(section.title, language)}", ""]
        parts += [
            line
            for text in section.paragraphs
            for line in (localize(text, language), "")
        ]
        if section.table:
            parts += table(section.table.headers, section.table.rows, language)
            parts.append("")
    return "\n".join(parts)
