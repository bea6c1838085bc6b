"""What is measured: how often the encoder behind a service is named, with the encoder as it was and fine-tuned."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import mean

from torch import Tensor

from reference_impls.fingerprint.method import (
    PRESETS,
    ProbeConfig,
    Service,
    agreement,
    named,
    probes,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import Encoder, SmallNetConfig
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.suspects import check_labelled, fine_tuned
from reference_impls.lab.models.training import SimCLRConfig, train_simclr
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column

LABELLED = 1024
"""Pictures that services learn from, at most."""


@lru_cache(maxsize=32)
def stranger(train: Dataset, seed: int, steps: int) -> Encoder:
    """A further candidate: SimCLR with a seed of its own on the same pictures."""
    net = SmallNetConfig(widths=(16, 32, 64))
    config = SimCLRConfig(steps=steps, batch=32, net=net, bf16=False, seed=seed)
    return accelerated(train_simclr(train, config))


@lru_cache(maxsize=64)
def made(candidate: Encoder, test: Dataset, config: ProbeConfig) -> Tensor:
    """A candidate's probes, the same whatever is then compared."""
    return probes(candidate, test.images_N3HW[: config.probes], config)


@lru_cache(maxsize=64)
def services(encoder: Encoder, train: Dataset, tuning: int, seed: int) -> tuple[Service, ...]:  # fmt: skip
    """A service for each task, on the encoder as it is or fine-tuned on the first task; it learned from the second half."""
    half = len(train) // 2
    labelled = train.take(range(half, len(train))).first(LABELLED)
    tasks = list(labelled.labels)
    if tuning:
        encoder = fine_tuned(encoder, labelled, tasks[0], steps=tuning, seed=seed)
    return tuple(linear_classifier(encoder, labelled, task) for task in tasks)


def measure(setup: Setup, config: ProbeConfig) -> dict[str, float | None]:
    """Share of services, five candidates times all tasks, whose encoder is named."""
    train, test, pictures = setup.train, setup.test, setup.images_N3HW[: config.probes]
    check_labelled(train)
    first, steps = 1000 * (config.seed + 1), min(100, config.steps)
    candidates = [setup.encoder, *(stranger(train, first + n, steps) for n in range(1, config.candidates))]  # fmt: skip
    how = replace(config, outputs="labels")
    probes_of = [made(one, test, how) for one in candidates]
    found: dict[str, float | None] = {}
    for name, tuning in (("frozen", 0), ("tuned", config.tuning)):
        found[name] = mean(
            named([agreement(service, pictures, x, config.outputs) for x in probes_of], truth)
            for truth, encoder in enumerate(candidates)
            for service in services(encoder, train, tuning, config.seed)
        )  # fmt: skip
    return found


GRID = Grid(
    home=Path(__file__).parent,
    about="Name the encoder that a downstream classifier was built on, from its answers.",
    presets=PRESETS,
    measure=measure,
    columns={"frozen": Column(), "tuned": Column()},
    told=[
        Told(preset=one, measure="frozen", better="higher")
        for one in ("teacher", "pei")
    ],
    chart=("frozen", "tuned"),
    tasks=("",),
    images=64,
    quick={"steps": 2, "probes": 4, "candidates": 2, "tuning": 2},
    says={
        "labelled": LABELLED,
        "candidates": ProbeConfig().candidates,
        "chance": f"{1 / ProbeConfig().candidates:.2f}",
    },
    examples=["", "--preset teacher --candidate-encoders 3"],
    smoke="--train 64 --candidate-encoders 2 --steps 2 --probes 4 --tuning 2",
)
