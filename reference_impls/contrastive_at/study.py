"""What is measured: encoders that were pre-trained in each way, under a linear head and after fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reference_impls.contrastive_at.method import (
    PRESETS,
    PretrainConfig,
    pretrain,
)
from reference_impls.contrastive_at.tuning import fine_tune
from reference_impls.lab.attacks.adaptive import withstood
from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.models.encoders import SmallNetConfig, digest
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import kept
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column

NET = SmallNetConfig(widths=(16, 32, 64))
"""Architecture of the encoders."""


@dataclass(frozen=True, kw_only=True)
class Setting(PretrainConfig):
    """How an encoder is pre-trained, fine-tuned and attacked."""

    tuning: int = 60
    """Steps of adversarial fine-tuning."""
    attack: Budget = field(default_factory=Budget)
    """Of Auto-PGD, on test images."""


def measure(setup: Setup, setting: Setting) -> dict[str, float]:
    """Accuracy of a linear head on the frozen encoder, then of all of it after adversarial fine-tuning, clean and under Auto-PGD."""
    given, train = setup.original or setup.encoder, setup.train
    config = PretrainConfig(
        **{name: getattr(setting, name) for name in vars(PretrainConfig())}
    )
    encoder = kept(
        "contrastive-at",
        (digest(given), train.name, len(train), config),
        lambda checkpoint: pretrain(given, train, config, setup.progress),
    )
    linear = setup.linear(accelerated(encoder))
    tuned = fine_tune(encoder, train, setup.task, setting.tuning, config)
    found = {}
    for name, logits_of in (("", linear), ("tuned-", tuned)):
        clean, labels_B = setup.images_N3HW, setup.labels_N
        attacked = auto_pgd(logits_of, clean, labels_B, setting.attack)
        for which, images in (("clean", clean), ("robust", attacked)):
            right_B = withstood(logits_of, [images], labels_B)
            found[name + which] = right_B.float().mean().item()
    return found


def architecture(seed: int) -> SimCLRConfig:
    """Of the encoders that are pre-trained; training starts anew, so one step of the lab's is enough."""
    return SimCLRConfig(steps=1, net=NET, bf16=False, seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Pre-train an encoder without labels, on images that attack its own loss.",
    presets={name: Setting(**vars(one)) for name, one in PRESETS.items()},
    shown="rocl",
    measure=measure,
    columns={
        name: Column() for name in ("clean", "robust", "tuned-clean", "tuned-robust")
    },
    told=[
        Told(preset="acl", measure="robust", better="higher"),
        Told(preset="rocl", measure="robust", better="higher"),
        Told(preset="rotation-at", measure="tuned-robust", better="higher"),
    ],
    tasks=("foreground", "background"),
    images=100,
    chart=("clean", "robust", "tuned-robust"),
    model=architecture,
    quick={"steps": 2, "tuning": 2, "attack": Budget(steps=2)},
    says={
        "levels": round(255 * Budget().epsilon),
        "steps": Budget().steps,
        "tuning": 60,
    },
    examples=["--count 40", "--preset acl --task background --steps 60"],
    smoke="--steps 2 --tuning 2 --batch 8 --attack.steps 2",
)
