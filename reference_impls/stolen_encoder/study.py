"""What is measured: what a copy is worth, and whether it errs as its victim does, by number of queries."""

from __future__ import annotations

from pathlib import Path

import torch

from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.suspects import check_labelled, predictions
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.stolen_encoder.method import PRESETS, TheftConfig, steal

LABELLED = 1024
"""Pictures that heads learn from, at most."""


def measure(setup: Setup, config: TheftConfig) -> dict[str, float | None]:
    """Of heads on the copy, over all tasks: accuracy, and how often they say what heads on the victim say.

    The attacker has pictures of the first half of what there is to learn from; the heads' labelled ones are of the second.
    """
    train, half = setup.train, len(setup.train) // 2
    check_labelled(train)
    if config.pictures > half:
        raise DatasetError(f"own-pictures must be at most {half}, half of those to learn from, got {config.pictures}")  # fmt: skip
    copy = steal(setup.encoder, train.images_N3HW[: config.pictures], config, progress=setup.progress)  # fmt: skip
    labelled, test = train.take(range(half, len(train))).first(LABELLED), setup.test
    victim_TN, copy_TN = (predictions(one, labelled, test.images_N3HW) for one in (setup.encoder, copy))  # fmt: skip
    true_TN = torch.stack([test.labels[task] for task in labelled.labels])
    same_TN, wrong_TN = copy_TN == victim_TN, victim_TN != true_TN
    return {
        "queries": config.queries,
        "accuracy": (copy_TN == true_TN).float().mean().item(),
        "victim": 1 - wrong_TN.float().mean().item(),
        "agreement": same_TN.float().mean().item(),
        "errors": same_TN[wrong_TN].float().mean().item() if wrong_TN.any() else None,
    }


GRID = Grid(
    home=Path(__file__).parent,
    about="Copy an encoder by asking it for embeddings, and see what the copy is worth.",
    presets=PRESETS,
    shown="stolen-1024",
    kept=("pictures",),
    measure=measure,
    columns={
        "queries": Column(form=".0f", share=False),
        **{one: Column() for one in ("accuracy", "victim", "agreement", "errors")},
    },
    told=[
        Told(preset="stolen-1024", measure="agreement", better="higher"),
        Told(preset="contrastive-1024", measure="agreement", better="higher"),
    ],
    chart=("accuracy", "agreement", "errors"),
    tasks=("",),
    images=1000,
    quick={"steps": 2, "pictures": 64},
    says={"labelled": LABELLED, "steps": TheftConfig().steps},
    examples=["", "--preset contrastive-1024 --own-pictures 200"],
    smoke="--train 128 --own-pictures 32 --steps 3 --batch 16",
)
