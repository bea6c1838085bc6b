"""What is measured: how well each detector finds the poisoned pictures of a CLIP's training set, and what removing them helps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.data.poison import Poison, poisoned, success_rate
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.metrics.detection import auroc
from reference_impls.lab.models.clip import CLIP, train_clip
from reference_impls.lab.models.heads import captioned
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.poison_filter.method import PRESETS, FilterConfig, detector


@dataclass(frozen=True, kw_only=True)
class Setting(FilterConfig):
    """A detector, and what it searches."""

    poison: Poison = field(default_factory=lambda: Poison(share=0.02))
    """The attacker's trigger, target and share of poisoned pairs."""
    removed: float = 0.05
    """Share of the training pictures that leave, the most suspicious."""
    retrain: bool = False
    """Whether a CLIP learns again from what is left."""
    training: int = 160
    """Training steps of the CLIP that learns from poisoned pairs, and of the one that learns again."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        super().__post_init__()
        if not 0 < self.removed < 1:
            raise ConfigError(f"removed must lie in (0, 1), got {self.removed}")


def learned(pairs: Dataset, setting: Setting) -> CLIP:
    """A small CLIP that learned from pairs from the start."""
    return train_clip(pairs, replace(studied_clip(setting.seed), steps=setting.training))  # fmt: skip


@lru_cache(maxsize=8)
def shares(train: Dataset, task: str) -> tuple[Dataset, Dataset]:
    """The training set that the attacker poisons, seven eighths, and clean pairs of the defender."""
    pairs = captioned(replace(train, images_N3HW=train.images_N3HW.cpu()), task)
    cut = 7 * len(pairs) // 8
    return pairs.first(cut), pairs.take(range(cut, len(pairs)))


@lru_cache(maxsize=8)
def victim(pairs: Dataset, task: str, poison: Poison, steps: int, seed: int) -> tuple[Dataset, Tensor, CLIP]:  # fmt: skip
    """The poisoned pairs, which (N,) they are, and the CLIP that learned from them."""
    bad, marked_N = poisoned(pairs, task, poison, seed)
    return bad, marked_N, learned(bad, Setting(seed=seed, training=steps))


def measure(setup: Setup, setting: Setting) -> dict[str, float | None]:
    """Detection among the training pictures and at use, and attack success before and after the most suspicious left.

    Raises:
        DatasetError: pictures without labels of the task, or too few.
    """
    task, poison = setup.task, setting.poison
    if task not in setup.train.labels:
        raise DatasetError(f"{setup.train.name} has no task {task!r}; poison needs a class to aim at")  # fmt: skip
    pairs, clean = shares(setup.train, task)
    bad, marked_N, clip = victim(pairs, task, poison, setting.training, setting.seed)
    test = replace(setup.test, images_N3HW=setup.images_N3HW.cpu())
    labels_M = setup.labels_N.cpu()
    answer = replace(setup, encoder=clip.image, clip=clip).zero_shot()
    named = lambda images: answer(images).argmax(dim=1)  # noqa: E731
    score = detector(clip.image, bad.images_N3HW, clean.images_N3HW, named, setting)
    score_N = score(bad.images_N3HW)
    leaving_N = torch.zeros(len(bad), dtype=torch.bool)
    leaving_N[score_N.topk(max(1, round(setting.removed * len(bad)))).indices] = True
    others = test.images_N3HW[labels_M != poison.target]
    stamped = make_trigger(poison.trigger, test.size).apply(others)
    found = (leaving_N & marked_N).sum().item()
    after: tuple[float | None, float | None] = None, None
    if setting.retrain:
        again = learned(bad.take((~leaving_N).nonzero().flatten()), setting)
        answers = replace(setup, encoder=again.image, clip=again).zero_shot()
        right_M = answers(test.images_N3HW).argmax(dim=1) == labels_M
        after = success_rate(answers, test, task, poison), right_M.float().mean().item()
    return {
        "auroc": auroc(score_N[~marked_N], score_N[marked_N]) if marked_N.any() else None,
        "recall": found / marked_N.sum().item() if marked_N.any() else None,
        "precision": found / leaving_N.sum().item(),
        "use": auroc(score(test.images_N3HW), score(stamped)) if len(stamped) else None,
        "before": success_rate(answer, test, task, poison),
        "after": after[0],
        "accuracy": after[1],
    }  # fmt: skip


WIDE = TriggerSpec(kind="coloured", side=24, place="centre")
"""A trigger of an attacker who knows that only small patches are searched."""
SETTINGS = {
    **{name: Setting(**vars(one), retrain=name in ("random", "patchsearch")) for name, one in PRESETS.items()},
    **{f"{name}-many": Setting(**vars(one), poison=Poison(share=0.05)) for name, one in PRESETS.items()},
    **{f"{name}-wide": Setting(**vars(PRESETS[name]), poison=Poison(share=0.02, trigger=WIDE)) for name in ("beatrix", "patchsearch")},
}  # fmt: skip

GRID = Grid(
    home=Path(__file__).parent,
    about="Find the poisoned pictures in the training set of a CLIP, and triggered ones at use.",
    presets=SETTINGS,
    shown="patchsearch-many",
    measure=measure,
    columns={name: Column() for name in ("auroc", "recall", "precision", "use", "before", "after", "accuracy")},
    told=[
        Told(preset="patchsearch", measure="after", better="lower"),
        Told(preset="beatrix-many", measure="auroc", better="higher"),
    ],
    chart=("auroc", "recall", "use"),
    tasks=("foreground",),
    model=studied_clip,
    images=400,
    quick={"training": 4, "steps": 2, "flips": 8, "samples": 1},
    examples=["--preset beatrix --poison.share 0.01", "--preset slof --retrain"],
    smoke="--training 2 --steps 2 --flips 4 --clusters 4",
)  # fmt: skip
