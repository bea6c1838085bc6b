"""The matrix as the website reads it: `reference_impls/arena.json`.

`docs/format.md`, section Arena, says what each key means. The file of a run's own folder, with every setting
and every reason for a missing figure, is `matrix.as_json`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference_impls.arena.matrix import Cell, task_label
from reference_impls.arena.registry import (
    ATTACKS,
    DEFENSES,
    FALSE_ALARM,
    FOUND,
    FROZEN,
    MISSING,
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
    """What `arena.json` holds of `study`, for `joined`; `run` is the run's account of itself."""
    measured = [cell for cell in found if cell.value is not None]
    seeds = {seed for cell in measured for seed in cell.seeds}
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": run["date"],
        "command": run["command"],
        **ran_on(run),
        "versions": run["versions"],
        "seeds": sorted(seeds),
        "cells": list(_cells(measured)),
    }


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """What `clips` found, beside what `study` did."""

    found: Sequence[Cell]
    warnings: Mapping[str, Bilingual]
    """By id of the defense: signs of masked gradients."""
    run: Mapping[str, Any]
    """The run's account of itself."""


def joined(arena: Mapping[str, Any], clips: Frozen | None) -> dict[str, Any]:
    """`arena.json` with the figures of `clips` in the place of its earlier ones, and reasons for pairs without."""
    frozen = [one.id for one in FROZEN]
    cells = [one for one in arena["cells"] if one["column"] not in frozen]
    further: list[dict[str, Any]] = []
    if clips:
        cells += _cells([cell for cell in clips.found if cell.value is not None])
        run, seeds = clips.run, {s for cell in clips.found for s in cell.seeds}
        about = {"about": as_data(WORDS["published.clips"]), "date": run["date"]}
        versions = {"command": run["command"], "versions": run["versions"]}
        further = [{**about, **versions, **ran_on(dict(run)), "seeds": sorted(seeds)}]
    return {
        **arena,
        "rows": [_contender(one) for one in ATTACKS],
        "columns": [_contender(one, clips.warnings if clips else {}) for one in DEFENSES],
        "cells": cells,
        "missing": [
            {"rows": one.attacks, "columns": one.defenses, "why": as_data(one.why)}
            for one in MISSING
        ],
        "further": further,
    }  # fmt: skip


def _contender(
    one: Attack | Defense, warnings: Mapping[str, Bilingual] | None = None
) -> dict[str, Any]:
    label = Bilingual(one.label.en[:1].upper() + one.label.en[1:], one.label.zh)
    told: dict[str, Any] = {"id": one.id, "label": as_data(label)}
    if warnings and one.id in warnings:
        told["warning"] = as_data(warnings[one.id])
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
