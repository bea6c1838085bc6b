"""What is measured: every variant, crafter and control on several encoders."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from reference_impls.advencoder.chart import charts
from reference_impls.advencoder.evaluate import evaluate
from reference_impls.advencoder.floor import FLOOR
from reference_impls.advencoder.method import AdvEncoderConfig, attack
from reference_impls.advencoder.suite import SuiteConfig
from reference_impls.advencoder.tables import headline, tables
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
    PARENT,
    LabData,
    clean_encoder,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import write_json
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.page import side_by_side
from reference_impls.lab.study.study import Prepare, Study

SEEDS = (0, 1, 2)
PICTURES = LabData()
SMALL, LARGE = PatchSpec(share=0.03), PatchSpec(share=0.0625)
TRANSFER = "PER made on another encoder"
"""The perturbation of the next seed's encoder."""
CONTROLS: dict[str, Callable[..., Universal]] = {
    "random signs": partial(random_sign_perturbation, AdvEncoderConfig().epsilon),
    "random patch 6.25 %": partial(random_patch, LARGE),
    "random patch 3 %": partial(random_patch, SMALL),
}
"""Changes that are made without the encoder."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One encoder under every change."""

    seed: int = 0
    """Of encoder, attacks, controls and heads."""
    other: int | None = None
    """Seed of the encoder whose perturbation is tried on this one; none, and there is no other."""
    tasks: tuple[str, ...] = ("texture", "shape", "foreground", "background")
    """Downstream tasks."""
    steps: int = 150
    """Of every attack: half the default. More buy nothing measurable on 32 px lab encoders."""
    batch: int = 64
    """Images per step, half the default as well."""
    parent: SimCLRConfig = PARENT
    """How encoders are trained; the seed is replaced."""
    lab: LabData = PICTURES
    """The pictures."""

    @property
    def name(self) -> str:
        """For progress."""
        return f"seed {self.seed}"

    @property
    def attacks(self) -> dict[str, AdvEncoderConfig]:
        """Every attack that is optimised, by name; the first ones are the methods, then ablations."""
        base = AdvEncoderConfig(steps=self.steps, batch=self.batch, seed=self.seed)
        signs = replace(base, crafter="signs", quality_weight=0, frequency_weight=0)
        patch = replace(base, variant="patch", patch=LARGE)
        return {
            "PER generator": base,
            "PER direct": replace(base, crafter="direct"),
            "UAP (signs)": signs,
            "PAT generator 6.25 %": patch,
            "PAT direct 6.25 %": replace(patch, crafter="direct"),
            "PAT generator 3 %": replace(patch, patch=SMALL),
            "PER without the frequency loss": replace(base, frequency_weight=0.0),
            "PER, frequency loss x 1000": replace(base, frequency_weight=1000.0),
        }


QUICK = Condition(steps=60, lab=LabData(train=1536, test=512))
"""Short attacks."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One attack on one task of one encoder."""

    seed: int
    attack: str
    task: str
    model: str
    """The downstream model."""
    clean_accuracy: float
    attacked_accuracy: float
    fooling_rate: float
    cosine: float
    """Mean over test images, of an embedding with and without the change."""
    seconds: float
    """Processor seconds of crafting; 0 for controls."""


# -- Measuring -----------------------------------------------------------------------


def conditions(options: StudyOptions) -> list[Condition]:
    """One per encoder; the next one's perturbation is tried on it, too."""
    first = QUICK if options.quick else Condition()
    seeds = list(dict.fromkeys(options.seeds or SEEDS[: 1 if options.quick else None]))
    others = [*seeds[1:], seeds[0]] if len(seeds) > 1 else [None]
    return [
        replace(first, seed=seed, other=other)
        for seed, other in zip(seeds, others, strict=True)
    ]


def prepare(asked: Sequence[Condition]) -> list[list[Prepare]]:
    """Encoders, then what is crafted on them: each is needed by more than one condition."""
    return [
        [partial(_encoder, one) for one in asked],
        [partial(_crafted, one, name) for one in asked for name in one.attacks],
    ]


def _encoder(condition: Condition) -> Encoder:
    parent = replace(condition.parent, seed=condition.seed)
    return clean_encoder(parent, condition.lab)


def _crafted(condition: Condition, name: str) -> tuple[Universal, float]:
    """A change and the processor seconds it took, from the cache if it is there."""
    suite, config = SuiteConfig(), condition.attacks[name]
    key = content_key(condition.parent, condition.lab, config, suite.images)
    path = cache_folder() / "advencoder" / f"{config}-{key}.npz"
    spent = path.with_suffix(".json")
    if not spent.exists():
        encoder, started = _encoder(condition), time.process_time()
        change = attack(encoder, suite.surrogate(encoder.size), config)
        seconds = time.process_time() - started
        change.save(path)
        write_json(
            {"seconds": seconds}, spent
        )  # last: it says that the change is there
    return load(path), float(json.loads(spent.read_text(encoding="utf-8"))["seconds"])


def measured(condition: Condition) -> list[Trial]:
    """Craft every change, and evaluate all of them on the encoder."""
    encoder, seed = _encoder(condition), condition.seed
    made = {name: _crafted(condition, name) for name in condition.attacks}
    changes = {name: change for name, (change, _) in made.items()}
    changes |= {k: make(encoder.size, seed=seed) for k, make in CONTROLS.items()}
    if condition.other is not None:
        other = replace(condition, seed=condition.other)
        changes[TRANSFER], _ = _crafted(other, "PER generator")
    found = evaluate(
        encoder,
        changes,
        train=train_dataset(condition.lab),
        test=test_dataset(condition.lab),
        tasks=condition.tasks,
        seed=seed,
    )
    return [
        Trial(
            seed=seed,
            attack=one.attack,
            task=one.task,
            model=one.model,
            clean_accuracy=one.clean_accuracy,
            attacked_accuracy=one.attacked_accuracy,
            fooling_rate=one.fooling_rate,
            cosine=found.cosines[one.attack],
            seconds=made[one.attack][1] if one.attack in made else 0.0,
        )
        for one in found.outcomes
    ]


# -- Results -------------------------------------------------------------------------

FIGURES = (
    "clean_accuracy",
    "attacked_accuracy",
    "fooling_rate",
    "cosine",
    "seconds",
)


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> dict[str, Any]:
    """The settings, all rows, and per attack, task and model their mean and deviation."""
    shared = ("tasks", "steps", "batch", "parent", "lab")
    return {
        "settings": {
            "seeds": [one.seed for one in asked],
            **{name: getattr(asked[0], name) for name in shared},
        },
        "summary": _summary(trials),
        "rows": trials,
    }


def _summary(trials: Sequence[Trial]) -> list[Mapping[str, Any]]:
    groups: dict[tuple[str, str, str], list[Trial]] = {}
    for one in trials:
        groups.setdefault((one.attack, one.task, one.model), []).append(one)
    return [
        {
            **dict(zip(("attack", "task", "model"), names, strict=True)),
            **{k: MeanStd.of([getattr(one, k) for one in group]) for k in FIGURES},
        }
        for names, group in groups.items()
    ]


def _seeds(trials: Sequence[Trial]) -> list[int]:
    return sorted({one.seed for one in trials})


def examples(asked: Sequence[Condition], folder: Path) -> None:
    """Test images, and the same with the perturbation and with the patch."""
    images = test_dataset(asked[0].lab).images_N3HW[:8]
    chosen = (
        _crafted(asked[0], name)[0]
        for name in ("PER generator", "PAT generator 6.25 %")
    )
    strips = [images, *(change.apply(images) for change in chosen)]
    rows = torch.nn.functional.pad(
        torch.stack([side_by_side(strip) for strip in strips]), (0, 0, 0, 1), value=1.0
    )
    picture_3HW = torch.cat(list(rows), dim=1)[:, :-1]
    save_png(picture_3HW, folder / "examples.png", scale=3)


STUDY = Study(
    home=Path(__file__).parent,
    parts=(FLOOR,),
    trial=Trial,
    conditions=conditions,
    measure=measured,
    prepare=prepare,
    results=results,
    headline=headline,
    seeds=_seeds,
    tables=tables,
    charts=charts,
    pictures=examples,
)
