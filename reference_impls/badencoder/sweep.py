"""The figures of the README: two triggers on several encoders, beside two controls.

Encoders, attacks and figures are kept in the lab's cache under the content of their
settings, so that a killed sweep goes on where it was.

Shape letters: N images, D embedding width, H and W pixels.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reference_impls.badencoder.method import BadEncoderConfig, attack, success_rate
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger, save_png
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.encoders import (
    Encoder,
    embed_all,
    load_encoder,
    save_encoder,
)
from reference_impls.lab.models.heads import Head, fit_mlp_head
from reference_impls.lab.models.training import Progress, SimCLRConfig
from reference_impls.lab.models.zoo import (
    LabData,
    clean_encoder,
    reference_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, write_json
from reference_impls.lab.study.page import side_by_side

TASKS = ("texture", "shape", "foreground", "background")
"""Downstream tasks of the tables; the attack sees none of their labels."""
DEFAULT = TriggerSpec()
PUBLISHED = TriggerSpec(side=10)
"""The white square of the published program's trigger file for 32 px."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is attacked, and how it is measured."""

    seeds: tuple[int, ...] = (200, 201, 202, 203, 204)
    """Each has an encoder, attacks, a reference image, a control and heads of its own."""
    triggers: tuple[TriggerSpec, ...] = (DEFAULT, PUBLISHED)
    """Each is planted in a copy of every encoder."""
    tasks: tuple[str, ...] = TASKS
    """Downstream tasks."""
    steps: int = BadEncoderConfig().steps
    """Of every attack."""
    parent: SimCLRConfig = field(default_factory=lambda: SimCLRConfig(steps=200))
    """How encoders are trained; the seed is replaced."""
    lab: LabData = field(default_factory=lambda: LabData(seed=201))
    """The pictures; like the seeds, no other experiment of the lab draws them."""

    def __post_init__(self) -> None:
        """Refuse seeds that no generator takes."""
        for seed in self.seeds:
            if seed < 0:
                raise ConfigError(f"seeds must not be negative, got {seed}")

    def reference(self, seed: int) -> Dataset:
        """The reference image of a seed, one of the attacker's pictures, with its labels."""
        pictures = reference_dataset(self.lab)
        return pictures.take([seed % len(pictures)])

    def attack(self, seed: int, trigger: TriggerSpec) -> BadEncoderConfig:
        """The settings of one attack."""
        return BadEncoderConfig(trigger=trigger, steps=self.steps, seed=seed)


QUICK = Plan(
    seeds=(0, 1),
    triggers=(DEFAULT,),
    steps=150,
    parent=SimCLRConfig(steps=80),
    lab=LabData(train=1536, test=512),
)
"""Two encoders, short trainings; other seeds and pictures than those of the README."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attack on one task of one encoder; fractions lie in [0, 1]."""

    seed: int
    trigger: str
    task: str
    label: str
    """Class of the reference image."""
    target: str
    """Class that the head on the backdoored encoder sees in the reference image."""
    clean_accuracy: float
    """Without the trigger, of a head on the clean encoder."""
    backdoored_accuracy: float
    """The same on the backdoored encoder."""
    success_rate: float
    """Stamped images of other classes that are taken for the target."""
    trigger_on_clean: float
    """The same on the clean encoder: what the trigger does by itself."""
    patch_on_backdoored: float
    """Images under a random patch of equal size and place, taken for the target."""
    success_as_published: float
    """Stamped images of all classes that are taken for the reference image's label."""
    seconds: float
    """Processor seconds of the attack; of an interrupted one, since it went on."""


Report = Callable[[int, str], None]
"""Called with the number of finished attacks and what is being done."""


def run(plan: Plan, *, report: Report = lambda done, words: None) -> list[Row]:
    """All rows; what is finished is read from the lab's cache."""
    rows: list[Row] = []
    jobs = [(seed, trigger) for seed in plan.seeds for trigger in plan.triggers]
    for number, (seed, trigger) in enumerate(jobs):
        rows += _rows_of(plan, seed, trigger, _saying(report, number, seed, trigger))
        report(number + 1, f"seed {seed}, {trigger}: done")
    return rows


def _saying(
    report: Report, number: int, seed: int, trigger: TriggerSpec
) -> Callable[[str], Progress]:
    def of(what: str) -> Progress:
        def progress(step: int, steps: int, loss: float) -> None:
            words = f"seed {seed}, {trigger}: {what} {step}/{steps}, loss {loss:.3f}"
            report(number, words)

        return progress

    return of


def _rows_of(
    plan: Plan,
    seed: int,
    trigger: TriggerSpec,
    progress: Callable[[str], Progress],
) -> list[Row]:
    parent, config = replace(plan.parent, seed=seed), plan.attack(seed, trigger)
    key = content_key(parent, config, plan.lab, seed)
    path = cache_folder() / "badencoder" / f"{seed}-{trigger}-{key}.safetensors"
    figures = path.with_name(f"{path.stem}-{content_key(plan.tasks)}.json")
    if not figures.exists():
        clean = clean_encoder(parent, plan.lab, progress=progress("training"))
        backdoored, seconds = _attacked(plan, clean, config, path, progress("attack"))
        found = measured(plan, seed, clean, backdoored, config, seconds)
        write_json([asdict(row) for row in found], figures)
    return [Row(**row) for row in json.loads(figures.read_text(encoding="utf-8"))]


def _attacked(
    plan: Plan,
    clean: Encoder,
    config: BadEncoderConfig,
    path: Path,
    progress: Progress,
) -> tuple[Encoder, float]:
    """A backdoored copy and the processor seconds it took, from the cache if it is there."""
    spent = path.with_suffix(".json")
    if not spent.exists():
        started = time.process_time()
        backdoored = attack(
            clean,
            train_dataset(plan.lab),
            plan.reference(config.seed).images_N3HW[0],
            config,
            checkpoint=path.with_suffix(".checkpoint"),
            progress=progress,
        )
        seconds = time.process_time() - started
        save_encoder(backdoored, path)
        write_json({"seconds": seconds}, spent)  # last: it says the weights are whole
    seconds = json.loads(spent.read_text(encoding="utf-8"))["seconds"]
    return load_encoder(path), float(seconds)


# -- Measuring -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Seen:
    """Everything one encoder is asked, as embeddings."""

    train_ND: Tensor
    test_ND: Tensor
    stamped_ND: Tensor
    patched_ND: Tensor
    reference_1D: Tensor


def measured(
    plan: Plan,
    seed: int,
    clean: Encoder,
    backdoored: Encoder,
    config: BadEncoderConfig,
    seconds: float,
) -> list[Row]:
    """One row per task, each judged by an MLP head on the clean and on the backdoored encoder."""
    train, test = train_dataset(plan.lab), test_dataset(plan.lab)
    reference, patch = plan.reference(seed), control(config.trigger, seed)
    images = (
        train.images_N3HW,
        test.images_N3HW,
        make_trigger(config.trigger, plan.lab.size).apply(test.images_N3HW),
        make_trigger(patch, plan.lab.size).apply(test.images_N3HW),
        reference.images_N3HW,
    )
    before, after = (
        _Seen(*(embed_all(encoder, some) for some in images))
        for encoder in (clean, backdoored)
    )
    rows = []
    for task in plan.tasks:
        labels_N, names = test.labels[task], test.classes[task]
        old, new = (_head(seen, train, task, seed) for seen in (before, after))
        was, target = (
            int(head.predict(seen.reference_1D))
            for head, seen in ((old, before), (new, after))
        )
        label = int(reference.labels[task])
        as_published_N = new.predict(after.stamped_ND) == label
        rows.append(
            Row(
                seed=seed,
                trigger=str(config.trigger),
                task=task,
                label=names[label],
                target=names[target],
                clean_accuracy=old.accuracy(before.test_ND, labels_N),
                backdoored_accuracy=new.accuracy(after.test_ND, labels_N),
                success_rate=success_rate(new, after.stamped_ND, labels_N, target),
                trigger_on_clean=success_rate(old, before.stamped_ND, labels_N, was),
                patch_on_backdoored=success_rate(
                    new, after.patched_ND, labels_N, target
                ),
                success_as_published=as_published_N.float().mean().item(),
                seconds=round(seconds, 1),
            )
        )
    return rows


def control(trigger: TriggerSpec, seed: int) -> TriggerSpec:
    """A patch of random pixels as large as the trigger and in its place."""
    return replace(trigger, kind="coloured", seed=seed)


def _head(seen: _Seen, train: Dataset, task: str, seed: int) -> Head:
    classes = len(train.classes[task])
    return fit_mlp_head(seen.train_ND, train.labels[task], classes=classes, seed=seed)


# -- Figures over seeds --------------------------------------------------------------

FIGURES = (
    "success_rate",
    "trigger_on_clean",
    "patch_on_backdoored",
    "clean_accuracy",
    "backdoored_accuracy",
    "success_as_published",
    "seconds",
)


def spread(rows: Sequence[Row], figure: str, *, times: float = 1, **of: str) -> MeanStd:
    """A figure over the encoders, of the rows whose fields have these values."""
    return MeanStd.of(
        [
            times * getattr(row, figure)
            for row in rows
            if all(getattr(row, name) == value for name, value in of.items())
        ]
    )


def results(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """What `results.json` holds beside headline and provenance."""
    pairs = dict.fromkeys((row.trigger, row.task) for row in rows)
    return {
        "plan": as_data(plan),
        "summary": [
            {"trigger": trigger, "task": task}
            | {
                figure: as_data(spread(rows, figure, trigger=trigger, task=task))
                for figure in FIGURES
            }
            for trigger, task in pairs
        ],
        "rows": [as_data(row) for row in rows],
    }


# -- The picture ---------------------------------------------------------------------

SHOWN, GAP, SCALE = 8, 4, 3
"""Images in a row; pixels beside the reference image; size of a pixel."""


def examples(plan: Plan, path: Path) -> Path:
    """Test images, the same under every trigger, and the first seed's reference image, as high as all rows."""
    plain = test_dataset(plan.lab).images_N3HW[:SHOWN]
    stamped = [make_trigger(one, plan.lab.size).apply(plain) for one in plan.triggers]
    strips = [side_by_side(some) for some in (plain, *stamped)]
    lined = [_framed(strip, bottom=1) for strip in strips]
    rows_3HW = torch.cat(lined, dim=1)[:, :-1]
    reference_3HW = plan.reference(plan.seeds[0]).images_N3HW[0]
    for side in (1, 2):  # each of its pixels becomes a square
        reference_3HW = reference_3HW.repeat_interleave(len(strips), dim=side)
    free = rows_3HW.shape[1] - reference_3HW.shape[1]
    column_3HW = _framed(
        reference_3HW, left=GAP, top=free // 2, bottom=free - free // 2
    )
    save_png(torch.cat([rows_3HW, column_3HW], dim=2), path, scale=SCALE)
    return path


def _framed(
    image_3HW: Tensor, *, left: int = 0, top: int = 0, bottom: int = 0
) -> Tensor:
    return torch.nn.functional.pad(image_3HW, (left, 0, top, bottom), value=1.0)
