"""What is measured: captions of clean and attacked images, by how many attributes they name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Generator, Tensor

from reference_impls.feature_attack.method import (
    PRESETS,
    AttackConfig,
    Target,
    attacked,
    telling,
    unlike,
)
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.models.captioner import CaptionerConfig, captioner
from reference_impls.lab.models.heads import captioned
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column


@dataclass(frozen=True, kw_only=True)
class Setting(AttackConfig):
    """An attack, and the captioner it is made against."""

    captioner: CaptionerConfig = field(
        default_factory=lambda: CaptionerConfig(steps=300)
    )
    """How the captioner learns."""


def measure(setup: Setup, setting: Setting) -> dict[str, float]:
    """Shares of attributes and of whole captions that are right, or the target's.

    The target of an image is a training image that shares none of its attributes, where there is one.
    """
    train, test = (captioned(one, setup.task) for one in (setup.train, setup.test))
    config = replace(setting.captioner, seed=setting.seed)
    writer = captioner(setup.encoder, train, config, progress=setup.progress)
    pool_PL, right_BL = writer.indices(train.captions), writer.indices(test.captions)
    chosen_B = unlike(right_BL, pool_PL, Generator().manual_seed(setting.seed))
    aim = train.take(chosen_B.cpu())
    target = Target(
        images_B3HW=aim.images_N3HW,
        texts_BD=setup.embed_text(aim.captions),
        words_BL=pool_PL[chosen_B],
    )
    told_L, images_B3HW = telling(pool_PL), test.images_N3HW

    def share(said_BL: Tensor, meant_BL: Tensor) -> float:
        return (said_BL == meant_BL)[:, told_L].float().mean().item()

    clean_BL = writer.write(images_B3HW)
    said_BL = writer.write(attacked(setting, writer, images_B3HW, right_BL, target))
    whole_B = (said_BL == target.words_BL).all(dim=1)
    return {
        "clean": share(clean_BL, right_BL),
        "attacked": share(said_BL, right_BL),
        "target": share(said_BL, target.words_BL),
        "caption": whole_B.float().mean().item(),
    }


GRID = Grid(
    home=Path(__file__).parent,
    about="Make a captioner say something else by changing what its image tower sees.",
    presets={name: Setting(**vars(one)) for name, one in PRESETS.items()},
    shown="tokens",
    measure=measure,
    columns={name: Column() for name in ("clean", "attacked", "target", "caption")},
    told=[
        Told(preset="tokens", measure="attacked", better="lower"),
        Told(preset="image", measure="target", better="higher"),
        Told(preset="text", measure="target", better="higher"),
    ],
    chart=("attacked", "target"),
    tasks=("",),
    model=studied_clip,
    quick={"budget": Budget(steps=2), "captioner": CaptionerConfig(steps=5)},
    says={"levels": 8, "wide": 16, "steps": 20},
    examples=["--count 40", "--preset image --budget.epsilon 8/255"],
    smoke="--train 256 --budget.steps 2 --captioner.steps 3 --captioner.batch 16",
)
