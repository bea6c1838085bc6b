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
    sure,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import Encoder, SmallNetConfig, embed_all
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import fit_linear_probe
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
    return train_simclr(train, config)


fast = lru_cache(maxsize=32)(accelerated)


@lru_cache(maxsize=64)
def made(candidate: Encoder, test: Dataset, config: ProbeConfig) -> Tensor:
    """A candidate's probes, the same whatever is then compared."""
    return probes(candidate, test.images_N3HW[: config.probes], config)


@lru_cache(maxsize=64)
def services(encoder: Encoder, train: Dataset, tuning: int, seed: int) -> tuple[Service, ...]:  # fmt: skip
    """A service for each task, on the encoder as it is or fine-tuned on the first task; it learned from the second half."""
    half = len(train) // 2
    labelled = train.take(range(half, len(train))).first(LABELLED)
    if tuning:
        first, *_ = labelled.labels
        encoder = fine_tuned(encoder, labelled, first, steps=tuning, seed=seed)
    encoder = fast(encoder)
    learned_MD = embed_all(encoder, labelled.images_N3HW)
    heads = [fit_linear_probe(learned_MD, labels_M, classes=len(labelled.classes[task])) for task, labels_M in labelled.labels.items()]  # fmt: skip
    return tuple(lambda x, head=head: head.logits(encoder.encode(x)) for head in heads)


def measure(setup: Setup, config: ProbeConfig) -> dict[str, float | None]:
    """Share of services, each candidate times all tasks, whose encoder is named."""
    train, test, first = setup.train, setup.test, 1000 * (config.seed + 1)
    check_labelled(train)
    others = [stranger(train, first + n, config.training) for n in range(1, config.candidates)]  # fmt: skip
    candidates = [setup.original or setup.encoder, *others]
    pictures = test.images_N3HW[: config.probes]
    probes_of = [made(fast(one), test, replace(config, outputs="labels")) for one in candidates]  # fmt: skip
    found: dict[str, float | None] = {}
    for name, tuning in (("frozen", 0), ("tuned", config.tuning)):
        truths, agreements = [], []
        for truth, encoder in enumerate(candidates):
            for service in services(encoder, train, tuning, config.seed):
                truths.append(truth)
                agreements.append([agreement(service, pictures, x, config.outputs) for x in probes_of])  # fmt: skip
        found[name] = mean(map(named, agreements, truths))
        found[f"{name}_sure"] = sure(agreements, truths)
    return found


MEASURES = "frozen", "frozen_sure", "tuned", "tuned_sure"

GRID = Grid(
    home=Path(__file__).parent,
    about="Name the encoder that a downstream classifier was built on, from its answers.",
    presets=PRESETS,
    shown="pei",
    measure=measure,
    columns={name: Column() for name in MEASURES},
    told=[
        Told(preset=one, measure="frozen", better="higher")
        for one in ("teacher", "pei")
    ],
    chart=MEASURES,
    tasks=("",),
    images=64,
    quick={"steps": 2, "probes": 4, "candidates": 2, "training": 2, "tuning": 2},
    says={
        "labelled": LABELLED,
        "tuning": ProbeConfig().tuning,
        "candidates": ProbeConfig().candidates,
        "chance": f"{1 / ProbeConfig().candidates:.2f}",
    },
    examples=["", "--preset teacher --candidate-encoders 3"],
    smoke="--train 64 --candidate-encoders 2 --steps 2 --probes 4 --training 2 --tuning 2",
)
