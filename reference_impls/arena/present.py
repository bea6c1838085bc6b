"""The matrix for a reader: tables in Markdown, and a page in both languages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from reference_impls.arena.matrix import Cell, task_label
from reference_impls.arena.registry import (
    ACCURACY,
    ATTACKS,
    DEFENSES,
    FALSE_ALARM,
    FINE_TUNINGS,
    FOUND,
    FROZEN,
    SCORE,
    SPARSE,
    SUCCESS,
    WORDS,
    ZERO_SHOT,
    Attack,
    Defense,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text, listed, localize
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
    return Section(
        WORDS["tables.robust"].fill(task=task_label(task)),
        paragraphs=(WORDS["tables.higher"],),
        table=_table(found, FINE_TUNINGS, task=task, metric=ACCURACY.id),
    )


def _table(found: Sequence[Cell], defenses: Sequence[Defense], **wanted: str) -> Table:
    """Attacks that have a figure against defenses."""
    rows: list[tuple[Text, ...]] = [
        (
            attack.label,
            *(
                _shown(found, attack=attack.id, defense=one.id, **wanted)
                for one in defenses
            ),
        )
        for attack in ATTACKS
        if _pick(found, attack=attack.id, **wanted)
    ]
    heads = (WORDS["heads.attack"], *(one.short for one in defenses))
    return Table(heads, rows)


def frozen_sections(
    found: Sequence[Cell], warnings: Mapping[str, Bilingual]
) -> list[Section]:
    """CLIPs behind defenses: what attacks within epsilon leave, what sparse ones do, and what was not run."""
    told, missing = [], []
    for attack in ATTACKS:
        beaten = [one.id for one in FROZEN if best_alone(found, one.id) == attack.id]
        if beaten:
            by = WORDS["tables.alone"].fill(attack=attack.label, defenses=_names(FROZEN, beaten))  # fmt: skip
            told.append(by)
    for why in dict.fromkeys(cell.why for cell in found if cell.why):
        gone = [cell for cell in found if cell.why == why]
        pairs = {
            "attacks": _names(ATTACKS, [cell.attack for cell in gone]),
            "defenses": _names(FROZEN, [cell.defense for cell in gone]),
        }
        missing.append(WORDS["tables.missing"].fill(**pairs, why=why))
    told += [
        WORDS["masking.of"].fill(defense=_names(FROZEN, [one]), sign=sign)
        for one, sign in warnings.items()
    ]
    return [
        Section(
            WORDS[f"published.{metric.id}"].fill(task=task_label(task)),
            paragraphs=said,
            table=_table(found, FROZEN, metric=metric.id),
        )
        for metric, said in ((ZERO_SHOT, told), (SPARSE, missing))
        if (task := next((c.task for c in found if c.metric == metric.id), None))
    ]


def best_alone(found: Sequence[Cell], defense: str) -> str | None:
    """Id of the attack within epsilon that by itself leaves a CLIP's defense the least, by its mean; None if none ran."""
    alone = {one.id for one in ATTACKS if one.kind not in ("none", "worst")}
    met = _pick(found, defense=defense, metric=ZERO_SHOT.id)
    by_value = {cell.attack: cell.value or 0 for cell in met if cell.attack in alone}
    return min(by_value, key=lambda name: by_value[name]) if by_value else None


def _names(known: Sequence[Attack | Defense], ids: Collection[str]) -> Bilingual:
    """Names of those whose ids are given, as a sentence lists them."""
    if {one.id for one in known} <= set(ids):
        return WORDS["tables.all"]
    names: list[Bilingual] = [getattr(one, "short", one.label) for one in known if one.id in ids]  # fmt: skip
    return listed(names)


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


def markdown(found: Sequence[Section], language: Language) -> str:
    """The tables for a README."""
    parts = []
    for section in found:
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
