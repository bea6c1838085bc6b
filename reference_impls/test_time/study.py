"""What is measured: every defense and its control before small CLIPs, under both attackers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from reference_impls.lab.attacks.adaptive import eot, withstood
from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.pgd import Budget, margin, pgd
from reference_impls.lab.models.zero_shot import blank_text
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.test_time.method import PRESETS, DefenseConfig, defended


@dataclass(frozen=True, kw_only=True)
class Setting(DefenseConfig):
    """A defense and who attacks it."""

    attack: Budget = field(default_factory=Budget)
    """Budget of the attacker."""
    draws: int = 4
    """Draws of the defense's noise that an aware attacker averages over, in every step."""


def measure(setup: Setup, setting: Setting) -> dict[str, float]:
    """Accuracies behind a defense.

    Unaware: Auto-PGD on the classifier alone. Aware: also PGD on the margin through the defense, twice as many steps;
    an image counts if it withstands both.
    """
    classifier, attack = setup.zero_shot(), setting.attack
    images_B3HW, labels_B = setup.images_N3HW, setup.labels_N
    blank_D = blank_text(setup.embed_text, setup.train)
    encode = defended(setup.encoder, setup.train, blank_D, setting)

    def behind(images: Tensor) -> Tensor:
        return classifier.logits(encode(images))

    attacks = [auto_pgd(classifier, images_B3HW, labels_B, attack)]
    if setting.defense != "none":
        known = eot(behind, setting.draws if setting.defense in ("noise", "ttc") else 1)
        longer = replace(attack, steps=2 * attack.steps)
        attacks.append(pgd(known, images_B3HW, labels_B, longer, loss=margin))
    clean, *attacked = (withstood(behind, [x], labels_B) for x in (images_B3HW, *attacks))  # fmt: skip
    shares = {"clean": clean, "naive": attacked[0], "aware": torch.stack(attacked).all(0)}  # fmt: skip
    return {name: one.float().mean().item() for name, one in shares.items()}


GRID = Grid(
    home=Path(__file__).parent,
    about="Clean an attacked image, or its embedding, before a frozen CLIP names it.",
    presets={name: Setting(**vars(one)) for name, one in PRESETS.items()},
    shown="ttc",
    measure=measure,
    columns={"clean": Column(), "naive": Column(), "aware": Column()},
    told=[
        Told(preset=one, measure="aware", better="higher")
        for one in ("ttc", "reversal", "clipure")
    ],
    chart=("clean", "naive", "aware"),
    model=studied_clip,
    images=100,
    quick={"attack": Budget(steps=2)},
    says={"levels": round(255 * Budget().epsilon), "steps": Budget().steps, "draws": 4},
    examples=["--count 40", "--preset reversal --task texture --attack.epsilon 2/255"],
    smoke="--attack.steps 2 --draws 1",
)
