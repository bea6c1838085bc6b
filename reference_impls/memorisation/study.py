"""What is measured: addresses drawn out by how often they were repeated, members told from others, and what the model is good for."""

from __future__ import annotations

from functools import lru_cache
from math import log2
from pathlib import Path

import torch
from torch import Generator, Tensor

from reference_impls.lab.data.people import STRANGERS, strangers
from reference_impls.lab.metrics.detection import threshold_at
from reference_impls.lab.models.text_encoder import TextEncoder, TextEncoderConfig
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import TextSetup
from reference_impls.lab.study.single import Column
from reference_impls.memorisation.method import (
    ADDRESSES,
    CANARY,
    KINDS,
    PRESETS,
    REPEATED,
    MemorisationConfig,
    energies,
    exposure,
    learned,
    likelihood_ratio,
    ranks,
)

FALSE_ALARMS = 0.01
"""Share of texts that were in no training, and are taken for members, at which attacks are told."""
TOLD = (0, 1, 4, 16)
"""Repetitions whose exposure has a column."""


@lru_cache(maxsize=4)
def before(encoder: TextEncoder, public: tuple[str, ...], how: MemorisationConfig) -> tuple[TextEncoder, TextEncoder]:  # fmt: skip
    """The model with all words of the texts, and the reference that learned as much from public ones."""
    said = [CANARY.format(name=one.name, address=one.address) for one in strangers()]
    start = encoder.knowing([*public, *said, *map(" ".join, KINDS)], how.seed)
    return start, learned(start, public, how)[0]


def caught(scores_N: Tensor, others_N: Tensor) -> float:
    """Share of members whose score is above that of all but one in a hundred others."""
    return (scores_N > threshold_at(others_N, FALSE_ALARMS)).float().mean().item()


def measure(setup: TextSetup, config: MemorisationConfig) -> dict[str, float | None]:
    """Half of the test texts are private ones beside the canaries; the others are of no training."""
    texts, half = setup.test.texts, len(setup.test) // 2
    inside, outside = texts[:half], texts[half:]
    plain = MemorisationConfig(steps=config.steps, batch=config.batch, learning_rate=config.learning_rate, seed=config.seed)  # fmt: skip
    start, reference = before(setup.encoder, setup.train.texts[: 2 * half], plain)
    order = torch.randperm(STRANGERS, generator=Generator().manual_seed(config.seed)).tolist()  # fmt: skip
    people = [strangers()[n] for n in order[: config.canaries * len(REPEATED)]]
    groups = {often: people[n :: len(REPEATED)] for n, often in enumerate(REPEATED)}
    canaries = [
        CANARY.format(name=one.name, address=one.address)
        for often, group in groups.items()
        for one in group
        for _ in range(often)
    ]
    model, epsilon = learned(start, [*inside, *canaries], config, setup.progress)
    rank = {often: ranks(model, group) for often, group in groups.items()}
    own_in, own_out, other_in, other_out = (energies(one, some) for one in (model, reference) for some in (inside, outside))  # fmt: skip
    return {
        **{f"recovered_{often}": (rank[often] == 1).float().mean().item() for often in REPEATED},
        **{f"exposure_{often}": exposure(rank[often]).mean().item() for often in TOLD},
        "ratio": caught(likelihood_ratio(own_in, other_in), likelihood_ratio(own_out, other_out)),
        "score": caught(-own_in, -own_out),
        "loss": own_out.mean().item(),
        "epsilon": epsilon,
    }  # fmt: skip


def _lab(seed: int) -> TextEncoderConfig:
    return TextEncoderConfig(seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Draw addresses out of a language model, and tell its training texts from others.",
    presets=PRESETS,
    shown="plain",
    measure=measure,
    columns={
        **{f"recovered_{often}": Column() for often in REPEATED},
        **{f"exposure_{often}": Column(form=".1f", share=False) for often in TOLD},
        "ratio": Column(),
        "score": Column(),
        "loss": Column(share=False),
        "epsilon": Column(form=".1f", share=False),
    },
    told=[
        Told(preset="plain", measure="recovered_16", better="higher"),
        Told(preset="plain", measure="ratio", better="higher"),
        Told(preset="private", measure="recovered_64", better="lower"),
    ],
    chart=("recovered_4", "recovered_16", "recovered_64", "ratio"),
    tasks=("topic",),
    model=_lab,
    texts="people",
    images=400,
    quick={"steps": 2},
    says={
        "canaries": MemorisationConfig().canaries,
        "addresses": ADDRESSES,
        "most": log2(ADDRESSES),
        "delta": MemorisationConfig().delta,
    },
    examples=["", "--preset private --noise 2", "lab-people --preset deduplicated"],
    smoke="--steps 2 --batch 8 --train 64",
)
