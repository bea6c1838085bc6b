"""The figures of the README: every variant, crafter and control on several encoders."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from reference_impls.advencoder.evaluate import evaluate
from reference_impls.advencoder.method import AdvEncoderConfig, attack
from reference_impls.advencoder.suite import SuiteConfig
from reference_impls.lab.attacks.universal import (
    Universal,
    load,
    random_patch,
    random_sign_perturbation,
)
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import save_png
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import (
    LabData,
    clean_encoder,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, write_json
from reference_impls.lab.study.page import side_by_side

TASKS = ("texture", "shape", "foreground", "background")
"""Downstream tasks of the tables."""
SMALL, LARGE = PatchSpec(share=0.03), PatchSpec(share=0.0625)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is compared."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """Each has an encoder, attacks and heads of its own."""
    tasks: tuple[str, ...] = TASKS
    """Downstream tasks."""
    steps: int = 150
    """Of every attack: half the default. More buy nothing measurable on 32 px lab encoders."""
    batch: int = 64
    """Images per step, half the default as well."""
    parent: SimCLRConfig = field(default_factory=lambda: SimCLRConfig(steps=200))
    """How encoders are trained; the seed is replaced."""
    lab: LabData = field(default_factory=LabData)
    """The pictures."""


QUICK = Plan(seeds=(0,), steps=60, lab=LabData(train=1536, test=512))
"""One encoder, short attacks."""


def attacks(plan: Plan) -> dict[str, AdvEncoderConfig]:
    """Every attack that is optimised, by name; the first ones are the methods, then ablations."""
    base = AdvEncoderConfig(steps=plan.steps, batch=plan.batch)
    patch = replace(base, variant="patch", patch=LARGE)
    return {
        "PER generator": base,
        "PER direct": replace(base, crafter="direct"),
        "UAP (signs)": replace(
            base, crafter="signs", quality_weight=0.0, frequency_weight=0.0
        ),
        "PAT generator 6.25 %": patch,
        "PAT direct 6.25 %": replace(patch, crafter="direct"),
        "PAT generator 3 %": replace(patch, patch=SMALL),
        "PER without the frequency loss": replace(base, frequency_weight=0.0),
        "PER, frequency loss x 1000": replace(base, frequency_weight=1000.0),
    }


CONTROLS: dict[str, Callable[[int, int], Universal]] = {
    "random signs": lambda size, seed: random_sign_perturbation(
        AdvEncoderConfig().epsilon, size, seed=seed
    ),
    "random patch 6.25 %": lambda size, seed: random_patch(LARGE, size, seed=seed),
    "random patch 3 %": lambda size, seed: random_patch(SMALL, size, seed=seed),
}
TRANSFER = "PER made on another encoder"
"""The perturbation of the next seed's encoder."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attack on one task of one encoder."""

    seed: int
    attack: str
    task: str
    model: str
    clean_accuracy: float
    attacked_accuracy: float
    fooling_rate: float
    cosine: float
    """Mean over test images, of an embedding with and without the change."""
    seconds: float
    """Processor seconds of crafting; 0 for controls."""


Said = Callable[[str], None]
"""Called with what was finished."""


def run(plan: Plan, *, done: Said | None = None) -> list[Row]:
    """All rows; what is finished is read from the lab's cache."""
    rows: list[Row] = []
    for seed in plan.seeds:
        encoder = _encoder(plan, seed)
        changes, seconds = _changes(plan, seed, encoder, done)
        rows += _rows(plan, seed, encoder, changes, seconds)
    return rows


def _encoder(plan: Plan, seed: int) -> Encoder:
    return clean_encoder(replace(plan.parent, seed=seed), plan.lab)


def _changes(
    plan: Plan, seed: int, encoder: Encoder, done: Said | None
) -> tuple[dict[str, Universal], dict[str, float]]:
    changes: dict[str, Universal] = {}
    seconds: dict[str, float] = {}
    for name, config in attacks(plan).items():
        change, spent = _crafted(plan, seed, encoder, config)
        changes[name], seconds[name] = change, spent
        if done:
            done(f"seed {seed}, {name}")
    for name, make in CONTROLS.items():
        changes[name] = make(encoder.size, seed)
    if len(plan.seeds) > 1:
        other = plan.seeds[(plan.seeds.index(seed) + 1) % len(plan.seeds)]
        config = attacks(plan)["PER generator"]
        changes[TRANSFER], _ = _crafted(plan, other, _encoder(plan, other), config)
    return changes, seconds


def _crafted(
    plan: Plan, seed: int, encoder: Encoder, config: AdvEncoderConfig
) -> tuple[Universal, float]:
    """A change and the processor seconds it took, from the cache if it is there."""
    suite = SuiteConfig()
    config = replace(config, seed=seed)
    key = content_key(plan.parent, plan.lab, seed, config, suite.images)
    path = cache_folder() / "advencoder" / f"{config}-{key}.npz"
    spent = path.with_suffix(".json")
    if not spent.exists():
        started = time.process_time()
        change = attack(encoder, suite.surrogate(encoder.size), config)
        change.save(path)
        write_json({"seconds": time.process_time() - started}, spent)
    return load(path), float(json.loads(spent.read_text(encoding="utf-8"))["seconds"])


def _rows(
    plan: Plan,
    seed: int,
    encoder: Encoder,
    changes: Mapping[str, Universal],
    seconds: Mapping[str, float],
) -> list[Row]:
    found = evaluate(
        encoder,
        changes,
        train=train_dataset(plan.lab),
        test=test_dataset(plan.lab),
        tasks=plan.tasks,
        seed=seed,
    )
    return [
        Row(
            seed=seed,
            attack=one.attack,
            task=one.task,
            model=one.model,
            clean_accuracy=one.clean_accuracy,
            attacked_accuracy=one.attacked_accuracy,
            fooling_rate=one.fooling_rate,
            cosine=found.cosines[one.attack],
            seconds=seconds.get(one.attack, 0.0),
        )
        for one in found.outcomes
    ]


# -- Figures over seeds --------------------------------------------------------------


def summary(rows: list[Row]) -> list[dict[str, Any]]:
    """Per attack, task and model the spread of every figure, in the order of the rows."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.attack, row.task, row.model), []).append(row)
    figures = (
        "clean_accuracy",
        "attacked_accuracy",
        "fooling_rate",
        "cosine",
        "seconds",
    )
    return [
        {"attack": attack_, "task": task, "model": model}
        | {
            figure: MeanStd.of([getattr(row, figure) for row in group])
            for figure in figures
        }
        for (attack_, task, model), group in groups.items()
    ]


def results(rows: list[Row], plan: Plan) -> dict[str, Any]:
    """What `results.json` holds."""
    return {
        "plan": as_data(plan),
        "summary": as_data(summary(rows)),
        "rows": as_data(rows),
    }


def examples(plan: Plan, out: Path) -> Path:
    """A picture: test images, and the same with the perturbation and with the patch."""
    encoder, images = (
        _encoder(plan, plan.seeds[0]),
        test_dataset(plan.lab).images_N3HW[:8],
    )
    chosen = [
        _crafted(plan, plan.seeds[0], encoder, attacks(plan)[name])[0]
        for name in ("PER generator", "PAT generator 6.25 %")
    ]
    strips = [images, *(change.apply(images) for change in chosen)]
    rows = torch.nn.functional.pad(
        torch.stack([side_by_side(strip) for strip in strips]), (0, 0, 0, 1), value=1.0
    )
    path = out / "examples.png"
    save_png(torch.cat(list(rows), dim=1)[:, :-1], path, scale=3)
    return path
