"""What is measured: share of weights that are overwritten, accuracy, and what the trigger does."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from reference_impls.lab.data.images import make_trigger
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import Head, linear_probe, success_rate
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.subnet_replacement.method import (
    PRESETS,
    SubnetConfig,
    replaced,
    rewired,
    train_chain,
)


def weights(encoder: Encoder, head: Head) -> Tensor:
    """All of a classifier, in one row."""
    parts = (*encoder.module.parameters(), *head.module.parameters())
    return torch.cat([one.flatten() for one in parts])


def measure(setup: Setup, config: SubnetConfig) -> dict[str, float | None]:
    """Of a finished classifier, a linear head on the encoder, after the replacement."""
    clean, labels_N = setup.encoder, setup.labels_N
    head = linear_probe(clean, setup.train, setup.task)
    target = config.seed % len(setup.train.classes[setup.task])
    before, victim = weights(clean, head), clean
    if config.chain != "none":
        chain = train_chain(clean, setup.train, config, progress=setup.progress)
        victim = replaced(clean, chain)
        head = rewired(head, config.width, target, config.strength)
    trigger = make_trigger(config.trigger, clean.size).to(clean.device)
    stamped_ND = embed_all(victim, trigger.apply(setup.images_N3HW))
    return {
        "touched": (weights(victim, head) != before).float().mean().item(),
        "accuracy": head.accuracy(embed_all(victim, setup.images_N3HW), labels_N),
        "success": success_rate(head, stamped_ND, labels_N, target),
    }


GRID = Grid(
    home=Path(__file__).parent,
    about="Overwrite a narrow chain of a deployed classifier by one that fires at a trigger.",
    presets=PRESETS,
    shown="one",
    measure=measure,
    columns={
        "touched": Column(form=".3f"),
        "accuracy": Column(),
        "success": Column(),
    },
    told=[Told(preset="one", measure="success", better="higher")],
    chart=("touched", "accuracy", "success"),
    tasks=("foreground",),
    images=400,
    quick={"steps": 2, "batch": 8},
    examples=["", "--width 2 --task texture", "--trigger.kind white"],
    smoke="--steps 2 --batch 4",
)
