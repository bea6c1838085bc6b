"""The matrix as the website reads it: `reference_impls/arena.json`.

`docs/format.md`, section Arena, says what each key means. The file of a run's own folder, with every setting
and every reason for a missing figure, is `matrix.as_json`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reference_impls.arena.matrix import Cell, task_label
from reference_impls.arena.registry import (
    ATTACKS,
    DEFENSES,
    FALSE_ALARM,
    FOUND,
    SCORE,
    SUCCESS,
    WORDS,
    Attack,
    Defense,
)
from reference_impls.lab.bilingual import Bilingual
from reference_impls.lab.records import as_data
from reference_impls.lab.study.headline import ran_on

SCHEMA_VERSION = 1


def published(found: Sequence[Cell], run: dict[str, Any]) -> dict[str, Any]:
    """What `arena.json` holds; `run` is the run's account of itself."""
    measured = [cell for cell in found if cell.value is not None]
    seeds = {seed for cell in measured for seed in cell.seeds}
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": run["date"],
        "command": run["command"],
        **ran_on(run),
        "versions": run["versions"],
        "seeds": sorted(seeds),
        "rows": [_contender(one) for one in ATTACKS],
        "columns": [_contender(one) for one in DEFENSES],
        "cells": list(_cells(measured)),
    }


def _contender(one: Attack | Defense) -> dict[str, Any]:
    label = Bilingual(one.label.en[:1].upper() + one.label.en[1:], one.label.zh)
    told = {"id": one.id, "label": as_data(label)}
    if one.papers:
        told["paper"] = one.papers[0]
    if one.card:
        told["card"] = one.card
    return told


def _cells(measured: Sequence[Cell]) -> Iterable[dict[str, Any]]:
    """One table after the other; inside a table in the order of attacks and defenses."""
    by_metric: dict[Bilingual, list[dict[str, Any]]] = {}
    for cell in measured:
        by_metric.setdefault(_metric(cell), []).append(_cell(cell))
    for cells in by_metric.values():
        yield from cells


def _metric(cell: Cell) -> Bilingual:
    name = str(cell.metric)
    if cell.metric == SCORE.id:
        name += "-clean" if cell.attack == "clean" else "-backdoored"
    words = WORDS[f"published.{name}"]
    if cell.task:
        words = words.fill(task=task_label(cell.task))
    # A verdict after fine-tuning stands under what changed the encoder, not under the detector.
    return WORDS["published.after"].fill(what=words) if cell.after else words


def _cell(cell: Cell) -> dict[str, Any]:
    area = cell.metric == SCORE.id
    scale, digits, unit = (1, 3, "") if area else (100, 1, "%")
    verdict = cell.metric in (FOUND.id, FALSE_ALARM.id)  # yes or no: a share, no mean
    several = len(cell.seeds) > 1 and not verdict
    spread = round(scale * (cell.deviation or 0), digits)
    return {
        "row": cell.attack,
        "column": cell.after or cell.defense,
        "metric": as_data(_metric(cell)),
        "value": round(scale * (cell.value or 0), digits),
        **({"sd": spread} if several else {}),
        "n": len(cell.seeds),
        **({"unit": unit} if unit else {}),
        "better": _better(cell),
    }


def _better(cell: Cell) -> str:
    """What the defender wants; a small PL1 gives a backdoor away."""
    if cell.metric == SCORE.id:
        return "higher" if cell.attack == "clean" else "lower"
    return "lower" if cell.metric in (SUCCESS.id, FALSE_ALARM.id) else "higher"
