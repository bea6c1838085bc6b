"""The matrix: from the figures of trials to cells over seeds; pure, and the format of a run's own `arena.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference_impls.arena.registry import (
    ACCURACY,
    ATTACKS,
    BACKDOORED_ACCURACY,
    DEFENSES,
    FALSE_ALARM,
    FINE_TUNINGS,
    FOUND,
    FROZEN,
    METRICS,
    SCORE,
    SPARSE,
    SUCCESS,
    WORDS,
    ZERO_SHOT,
    Attack,
    Defense,
    why_not,
)
from reference_impls.arena.trials import Start, Trial
from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.records import as_data

FORMAT = 1
"""Counted up when a field of a run's `arena.json` changes its meaning."""
Finished = tuple[Trial, dict[str, Any]]
"""A trial and its figures."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One figure of one defense against one attack, or why there is none."""

    attack: str
    """Id of the attack."""
    defense: str
    """Id of the defense or detector."""
    task: str | None
    """Downstream task; none where the verdict is on an encoder as it is."""
    after: str | None = None
    """For a detector: id of the fine-tuning that the encoder went through before; none is none."""
    metric: str | None = None
    """Id of the metric; none where nothing was measured."""
    value: float | None = None
    """Mean over seeds, in the metric's unit."""
    deviation: float | None = None
    """Sample standard deviation over seeds; 0 for one seed."""
    seeds: tuple[int, ...] = ()
    """Which seeds it rests on; their number is n."""
    why: Bilingual | None = None
    """Why there is no figure."""


def cells(
    finished: Sequence[Finished], settings: Sequence[tuple[str, int]]
) -> list[Cell]:
    """Every cell of fine-tuned models and detectors, also those without a figure, attack by attack."""
    found: list[Cell] = []
    for attack in ATTACKS:
        for defense in DEFENSES:
            if defense.kind == "detector":
                found += _verdicts(attack, defense, finished)
            elif defense.kind == "fine-tuning":
                found += _robustness(attack, defense, finished, settings)
    return found


def _robustness(
    attack: Attack,
    defense: Defense,
    finished: Sequence[Finished],
    settings: Sequence[tuple[str, int]],
) -> Iterable[Cell]:
    start: Start = "backdoored" if attack.kind == "backdoor" else "public"
    for task, levels in settings:
        chosen = [
            (trial, figures)
            for trial, figures in finished
            if (trial.kind, trial.start, trial.defense)
            == ("classifier", start, defense.id)
            and trial.subject
            and (trial.subject.setting.task, trial.subject.setting.levels)
            == (task, levels)
        ]
        name = f"{task} {levels}/255"
        if attack.kind == "backdoor":
            for metric, key in (
                (SUCCESS, "success"),
                (BACKDOORED_ACCURACY, "accuracy"),
            ):
                values = {trial.seed: figures[key] for trial, figures in chosen}
                yield _cell(attack, defense, name, metric.id, values)
            continue
        values = {
            trial.seed: figures["accuracies"][attack.id]
            for trial, figures in chosen
            if attack.id in figures["accuracies"]
        }
        yield _cell(attack, defense, name, ACCURACY.id, values)


def _verdicts(
    attack: Attack, detector: Defense, finished: Sequence[Finished]
) -> Iterable[Cell]:
    if attack.kind not in ("none", "backdoor"):
        yield _cell(attack, detector, None, SCORE.id, {})
        return
    start: Start = "backdoored" if attack.kind == "backdoor" else "public"
    flag = FOUND if start == "backdoored" else FALSE_ALARM
    for after in (None, *(one.id for one in FINE_TUNINGS)):
        chosen = [
            (trial, figures)
            for trial, figures in finished
            if (trial.kind, trial.start, trial.defense) == ("detector", start, after)
        ]
        if after == FINE_TUNINGS[0].id and not chosen:
            continue  # a probe leaves the encoder as it was
        subject = next((trial.subject for trial, _ in chosen if trial.subject), None)
        task = str(subject.setting) if subject else None
        flags = {trial.seed: float(figures["flagged"]) for trial, figures in chosen}
        scores = {
            trial.seed: figures["score"]
            for trial, figures in chosen
            if figures["score"] is not None
        }
        yield _cell(attack, detector, task, flag.id, flags, after=after)
        yield _cell(attack, detector, task, SCORE.id, scores, after=after)


def frozen_cells(
    accuracies: Mapping[tuple[str, int], Mapping[str, float]], task: str
) -> list[Cell]:
    """Every cell of CLIPs behind defenses, from accuracies by (defense, seed) and attack."""
    return [
        _cell(
            attack,
            defense,
            task.partition(" ")[0] if attack.sparse else task,
            (SPARSE if attack.sparse else ZERO_SHOT).id,
            {
                seed: found[attack.id]
                for (name, seed), found in accuracies.items()
                if name == defense.id and attack.id in found
            },
        )
        for attack in ATTACKS
        for defense in FROZEN
    ]


def _cell(
    attack: Attack,
    defense: Defense,
    task: str | None,
    metric: str,
    values: dict[int, float],
    *,
    after: str | None = None,
) -> Cell:
    if not values:
        return Cell(
            attack=attack.id,
            defense=defense.id,
            task=task,
            after=after,
            why=why_not(attack, defense),
        )
    spread = MeanStd.of(list(values.values()))
    return Cell(
        attack=attack.id,
        defense=defense.id,
        task=task,
        after=after,
        metric=metric,
        value=round(spread.mean, 4),
        deviation=round(spread.std, 4),
        seeds=tuple(sorted(values)),
    )


def as_json(found: Sequence[Cell], *, run: dict[str, Any], plan: Any) -> dict[str, Any]:
    """What the `arena.json` of a run's folder holds."""
    tasks = [cell.task for cell in found if cell.task and cell.metric == ACCURACY.id]
    return {
        "format": FORMAT,
        "attacks": as_data(ATTACKS),
        "defenses": as_data(DEFENSES),
        "metrics": as_data(METRICS),
        "tasks": [
            {"id": name, "label": as_data(task_label(name))}
            for name in dict.fromkeys(tasks)
        ],
        "cells": [_tidy(cell) for cell in found],
        "plan": as_data(plan),
        "run": run,
    }


def _tidy(cell: Cell) -> dict[str, Any]:
    """A cell without the fields that it does not need."""
    data: dict[str, Any] = as_data(cell)
    if cell.value is not None:
        data["n"] = len(cell.seeds)
    return {
        name: value
        for name, value in data.items()
        if (value is not None and value != []) or name == "task"
    }


def task_label(name: str) -> Bilingual:
    """A task and its budget, if it has one, as `foreground 4/255` in both languages."""
    task, _, epsilon = name.partition(" ")
    known = TASK_NAMES.get(task, Bilingual(task, task))
    if not epsilon:
        return known
    return WORDS["tables.task"].fill(task=known, epsilon=epsilon)
