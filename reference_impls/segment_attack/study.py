"""What is measured: masks of clean and attacked images, for the prompt that was attacked and for others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Generator, Tensor

from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.segmenter import (
    SegmenterConfig,
    draw_points,
    iou,
    segmenter,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.segment_attack.method import PRESETS, AttackConfig, attacked

KNOWN, OTHERS = 8, 4
"""Points on the object that an attack may know; points it never knows, on the object and on the background each."""


@dataclass(frozen=True, kw_only=True)
class Setting(AttackConfig):
    """An attack, and the segmenter it is made against."""

    segmenter: SegmenterConfig = field(default_factory=SegmenterConfig)
    """How the segmenter learns."""


def measure(setup: Setup, setting: Setting) -> dict[str, float]:
    """Mean IoU with the true masks: of the object by a clean image, then of attacked ones by prompt."""
    config = replace(setting.segmenter, seed=setting.seed)
    tool = segmenter(setup.encoder, setup.train, config, progress=setup.progress)
    images_B3HW, masks_BHW = setup.images_N3HW, setup.test.masks_NHW
    if masks_BHW is None:
        raise DatasetError(f"{setup.test.name} has no masks to compare with")
    chance = Generator().manual_seed(1000 + setting.seed)
    known, others = (torch.stack([draw_points(masks_BHW, chance) for _ in range(n)]) for n in (max(KNOWN, setting.prompts), OTHERS))  # fmt: skip
    behind = torch.stack([draw_points(~masks_BHW, chance) for _ in range(OTHERS)])

    @torch.no_grad()
    def quality(images: Tensor, points_KB2: Tensor, meant_BHW: Tensor) -> float:
        embedding = tool.embed(images)
        each = [iou(tool.scores(embedding, at_B2) > 0, meant_BHW) for at_B2 in points_KB2]  # fmt: skip
        return torch.stack(each).mean().item()

    changed = attacked(setting, tool, images_B3HW, known, setup.train.images_N3HW)
    return {
        "clean": quality(images_B3HW, others, masks_BHW),
        "prompt": quality(changed, known[:1], masks_BHW),
        "others": quality(changed, others, masks_BHW),
        "ground-clean": quality(images_B3HW, behind, ~masks_BHW),
        "ground": quality(changed, behind, ~masks_BHW),
    }


GRID = Grid(
    home=Path(__file__).parent,
    about="Make a promptable segmenter lose its masks, for one prompt or for all.",
    presets={name: Setting(**vars(one)) for name, one in PRESETS.items()},
    measure=measure,
    images=100,
    columns={
        name: Column()
        for name in ("clean", "prompt", "others", "ground-clean", "ground")
    },
    told=[
        Told(preset="embedding", measure="others", better="lower"),
        Told(preset="mask", measure="others", better="lower"),
    ],
    chart=("prompt", "others", "ground"),
    tasks=("",),
    quick={
        "budget": Budget(steps=2),
        "rounds": 2,
        "segmenter": SegmenterConfig(steps=5),
    },
    says={"levels": 16, "steps": 20, "others": OTHERS},
    examples=["--count 40", "--preset mask --prompts 4 --budget.epsilon 8/255"],
    smoke="--train 256 --budget.steps 2 --segmenter.steps 3 --segmenter.batch 16",
)
