"""What is measured: two triggers planted in several encoders, on four tasks, beside two controls.

Shape letters: N images, D embedding width, H and W pixels.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reference_impls.badencoder.method import (
    DEFAULT,
    PUBLISHED,
    BadEncoderConfig,
    attack,
)
from reference_impls.badencoder.tables import headline, tables
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
from reference_impls.lab.models.heads import Head, fit_mlp_head, success_rate
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import (
    PARENT,
    LabData,
    clean_encoder,
    reference_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import write_json
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.page import side_by_side
from reference_impls.lab.study.study import Study

SEEDS = (200, 201, 202, 203, 204)
PICTURES = LabData(seed=201)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One attack on one encoder."""

    seed: int
    """Of encoder, attack, reference image, control and heads."""
    trigger: TriggerSpec
    """What opens the backdoor."""
    tasks: tuple[str, ...] = ("texture", "shape", "foreground", "background")
    """Downstream tasks; the attack sees none of their labels."""
    steps: int = BadEncoderConfig().steps
    """Of the attack."""
    parent: SimCLRConfig = PARENT
    """How the encoder is trained; the seed is replaced."""
    lab: LabData = PICTURES
    """The pictures; like the seeds, no other experiment of the lab draws them."""

    def __post_init__(self) -> None:
        """Refuse seeds that no generator takes."""
        if self.seed < 0:
            raise ConfigError(f"seeds must not be negative, got {self.seed}")

    @property
    def name(self) -> str:
        """For progress."""
        return f"seed {self.seed}, {self.trigger}"

    @property
    def attack(self) -> BadEncoderConfig:
        """The settings of the attack."""
        return BadEncoderConfig(trigger=self.trigger, steps=self.steps, seed=self.seed)

    @property
    def reference(self) -> Dataset:
        """The reference image, one of the attacker's pictures, with its labels."""
        pictures = reference_dataset(self.lab)
        return pictures.take([self.seed % len(pictures)])


QUICK = Condition(
    seed=0,
    trigger=DEFAULT,
    steps=150,
    parent=SimCLRConfig(steps=80),
    lab=LabData(train=1536, test=512),
)
"""Short trainings; other seeds and pictures than those of the README."""


@dataclass(frozen=True, kw_only=True)
class Trial:
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


# -- Measuring -----------------------------------------------------------------------


def conditions(options: StudyOptions) -> list[Condition]:
    """Every encoder with every trigger."""
    triggers = (DEFAULT,) if options.quick else (DEFAULT, PUBLISHED)
    seeds = options.seeds or ((0, 1) if options.quick else SEEDS)
    first = QUICK if options.quick else Condition(seed=0, trigger=DEFAULT)
    return [
        replace(first, seed=seed, trigger=trigger)
        for seed in dict.fromkeys(seeds)
        for trigger in triggers
    ]


def measured(condition: Condition) -> list[Trial]:
    """Train the encoder, attack a copy, measure both; a killed run goes on where it was."""
    clean = clean_encoder(replace(condition.parent, seed=condition.seed), condition.lab)
    backdoored, seconds = _attacked(condition, clean)
    return compared(condition, clean, backdoored, seconds)


def _attacked(condition: Condition, clean: Encoder) -> tuple[Encoder, float]:
    """A backdoored copy and the processor seconds it took, from the cache if it is there."""
    key = content_key(condition.parent, condition.attack, condition.lab)
    name = f"{condition.seed}-{condition.trigger}-{key}.safetensors"
    path = cache_folder() / "badencoder" / name
    spent = path.with_suffix(".json")
    if not spent.exists():
        started = time.process_time()
        backdoored = attack(
            clean,
            train_dataset(condition.lab),
            condition.reference.images_N3HW[0],
            condition.attack,
            checkpoint=path.with_suffix(".checkpoint"),
        )
        seconds = time.process_time() - started
        save_encoder(backdoored, path)
        write_json({"seconds": seconds}, spent)  # last: it says the weights are whole
    seconds = json.loads(spent.read_text(encoding="utf-8"))["seconds"]
    return load_encoder(path), float(seconds)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Everything one encoder is asked, as embeddings."""

    train_ND: Tensor
    test_ND: Tensor
    stamped_ND: Tensor
    patched_ND: Tensor
    reference_1D: Tensor


def compared(
    condition: Condition, clean: Encoder, backdoored: Encoder, seconds: float
) -> list[Trial]:
    """One trial per task, each judged by an MLP head on the clean and on the backdoored encoder."""
    lab, seed = condition.lab, condition.seed
    train, test, reference = train_dataset(lab), test_dataset(lab), condition.reference
    patches = (condition.trigger, control(condition.trigger, seed))
    images = (
        train.images_N3HW,
        test.images_N3HW,
        *(make_trigger(one, lab.size).apply(test.images_N3HW) for one in patches),
        reference.images_N3HW,
    )
    before, after = (
        _Seen(*(embed_all(encoder, some) for some in images))
        for encoder in (clean, backdoored)
    )
    trials = []
    for task in condition.tasks:
        labels_N, names = test.labels[task], test.classes[task]
        old, new = (_head(seen, train, task, seed) for seen in (before, after))
        was, target = (
            int(head.predict(seen.reference_1D))
            for head, seen in ((old, before), (new, after))
        )
        label = int(reference.labels[task])
        as_published_N = new.predict(after.stamped_ND) == label
        trials.append(
            Trial(
                seed=seed,
                trigger=str(condition.trigger),
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
    return trials


def control(trigger: TriggerSpec, seed: int) -> TriggerSpec:
    """A patch of random pixels as large as the trigger and in its place."""
    return replace(trigger, kind="coloured", seed=seed)


def _head(seen: _Seen, train: Dataset, task: str, seed: int) -> Head:
    classes = len(train.classes[task])
    return fit_mlp_head(seen.train_ND, train.labels[task], classes=classes, seed=seed)


# -- Results -------------------------------------------------------------------------

FIGURES = (
    "success_rate",
    "trigger_on_clean",
    "patch_on_backdoored",
    "clean_accuracy",
    "backdoored_accuracy",
    "success_as_published",
    "seconds",
)


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> dict[str, Any]:
    """The settings, all rows, and their mean and deviation over the encoders."""
    cells = dict.fromkeys((one.trigger, one.task) for one in trials)
    return {
        "settings": {
            "seeds": list(dict.fromkeys(one.seed for one in asked)),
            "triggers": list(dict.fromkeys(one.trigger for one in asked)),
            **{k: getattr(asked[0], k) for k in ("tasks", "steps", "parent", "lab")},
        },
        "summary": [
            {
                "trigger": trigger,
                "task": task,
                **{name: _spread(trials, trigger, task, name) for name in FIGURES},
            }
            for trigger, task in cells
        ],
        "rows": trials,
    }


def _spread(trials: Sequence[Trial], trigger: str, task: str, name: str) -> MeanStd:
    chosen = [one for one in trials if (one.trigger, one.task) == (trigger, task)]
    return MeanStd.of([getattr(one, name) for one in chosen])


def _seeds(trials: Sequence[Trial]) -> list[int]:
    return sorted({one.seed for one in trials})


# -- The picture ---------------------------------------------------------------------

SHOWN, GAP, SCALE = 8, 4, 3
"""Images in a row; pixels beside the reference image; size of a pixel."""


def examples(asked: Sequence[Condition], folder: Path) -> None:
    """Test images, the same under every trigger, and the first reference image, as high as all rows."""
    lab, triggers = asked[0].lab, dict.fromkeys(one.trigger for one in asked)
    plain = test_dataset(lab).images_N3HW[:SHOWN]
    stamped = [make_trigger(one, lab.size).apply(plain) for one in triggers]
    strips = [side_by_side(some) for some in (plain, *stamped)]
    lined = [_framed(strip, bottom=1) for strip in strips]
    rows_3HW = torch.cat(lined, dim=1)[:, :-1]
    reference_3HW = asked[0].reference.images_N3HW[0]
    for side in (1, 2):  # each of its pixels becomes a square
        reference_3HW = reference_3HW.repeat_interleave(len(strips), dim=side)
    free = rows_3HW.shape[1] - reference_3HW.shape[1]
    column_3HW = _framed(
        reference_3HW, left=GAP, top=free // 2, bottom=free - free // 2
    )
    picture_3HW = torch.cat([rows_3HW, column_3HW], dim=2)
    save_png(picture_3HW, folder / "examples.png", scale=SCALE)


def _framed(
    image_3HW: Tensor, *, left: int = 0, top: int = 0, bottom: int = 0
) -> Tensor:
    return torch.nn.functional.pad(image_3HW, (left, 0, top, bottom), value=1.0)


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=conditions,
    measure=measured,
    chain=attrgetter("seed"),
    results=results,
    headline=headline,
    seeds=_seeds,
    tables=tables,
    pictures=examples,
)
