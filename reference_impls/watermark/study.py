"""What is measured: evidence for the mark in encoders that are the owner's, that came from it, and that did not."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.heads import seeded
from reference_impls.lab.models.suspects import (
    check_labelled,
    fine_tuned,
    predictions,
    pruned,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.stolen_encoder.method import TheftConfig, steal
from reference_impls.watermark.method import (
    PRESETS,
    Key,
    MarkConfig,
    decoded_share,
    mark,
    outlier,
)

LABELLED, PICTURES = 1024, 200
"""Pictures that heads learn from, and verification pictures, at most."""
LEAST = 2.0
"""Deviations from which SSL-WM's test speaks for the mark."""
SUSPECTS = ("owner", "tuned", "pruned", "stolen", "rotated", "innocent")


def evidence(suspect: Encoder, key: Key, labelled: Dataset, images_N3HW: Tensor) -> float:  # fmt: skip
    """In [0, 1]: share of verification pictures that decode to the secret, or of tasks whose answers to stamped ones are outliers."""
    if key.decoder:
        return decoded_share(suspect, key, images_N3HW)
    both = torch.cat([key.stamp(images_N3HW), images_N3HW])
    answers = predictions(suspect, labelled, both).unflatten(1, (2, -1))
    return sum(outlier(*task) > LEAST for task in answers) / len(answers)


def rotated(encoder: Encoder, seed: int) -> Encoder:
    """The encoder with its embeddings turned by a random rotation, after which linear heads are as good as before."""
    turn = seeded(lambda: nn.utils.parametrizations.orthogonal(nn.Linear(encoder.dimension, encoder.dimension, bias=False)), seed)  # fmt: skip
    both = nn.Sequential(encoder.module, turn.to(encoder.device))
    return replace(encoder, module=both.eval().requires_grad_(False))


@lru_cache(maxsize=16)
def innocents(clean: Encoder, train: Dataset, seed: int, steps: int) -> tuple[Encoder, ...]:  # fmt: skip
    """Encoders that came from no marked one: the owner's before it was marked, a copy of that, and one from scratch."""
    config = TheftConfig(weight=0, standardised=False, steps=steps, seed=seed + 200)
    alone = replace(config, loss="scratch")
    return clean, *(steal(clean, train.images_N3HW, one) for one in (config, alone))


def measure(setup: Setup, config: MarkConfig) -> dict[str, float | None]:
    """Evidence in every suspect, and what heads on the marked encoder are right about, over all tasks.

    A thief has pictures of the first half of what there is to learn from; who fine-tunes, prunes or builds heads, of the second.
    """
    train, half = setup.train, len(setup.train) // 2
    check_labelled(train)
    clean, steps = setup.original or setup.encoder, 2 if config.steps < 10 else 100
    owner, key = mark(clean, train.images_N3HW, config, setup.progress)
    labelled = train.take(range(half, len(train))).first(LABELLED)
    asked, task, images = train.first(min(half, LABELLED)), next(iter(train.labels)), setup.images_N3HW  # fmt: skip
    suspects = {"owner": owner}
    if config.scheme != "none":
        theft = TheftConfig(weight=0, standardised=False, steps=steps, seed=config.seed + 100)  # fmt: skip
        suspects["tuned"] = fine_tuned(owner, labelled, task, steps=steps // 2, seed=config.seed)  # fmt: skip
        suspects |= {"pruned": pruned(owner, 0.5), "rotated": rotated(owner, config.seed)}  # fmt: skip
        suspects["stolen"] = steal(owner, asked.images_N3HW, theft)
    found: dict[str, float | None] = dict.fromkeys(SUSPECTS)
    for name, one in suspects.items():
        found[name] = evidence(one, key, labelled, images[:PICTURES])
    free = innocents(clean, asked, setup.seed, steps)
    found["innocent"] = max(evidence(one, key, labelled, images[:PICTURES]) for one in free)  # fmt: skip
    right = [said_N == setup.test.labels[one] for one, said_N in zip(labelled.labels, predictions(owner, labelled, images), strict=True)]  # fmt: skip
    return found | {"accuracy": torch.stack(right).float().mean().item()}


GRID = Grid(
    home=Path(__file__).parent,
    about="Mark an encoder, and look for the mark in copies of it and in others.",
    presets=PRESETS,
    measure=measure,
    columns={one: Column() for one in (*SUSPECTS, "accuracy")},
    told=[
        Told(preset="sslguard", measure="stolen", better="higher"),
        Told(preset="ssl-wm", measure="stolen", better="higher"),
    ],
    chart=SUSPECTS,
    tasks=("",),
    images=400,
    quick={"steps": 2},
    says={"labelled": LABELLED, "pictures": PICTURES},
    examples=["", "--preset ssl-wm --weight 0.3"],
    smoke="--train 64 --steps 2 --batch 16",
)
