"""What is measured: what an honest user, a thief and a thief with several accounts make of the answers."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from reference_impls.bucks.method import PRESETS, Service, ServiceConfig, aligned
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.heads import fit_linear_probe
from reference_impls.lab.models.suspects import check_labelled, predictions
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.stolen_encoder.method import TheftConfig, steal

LABELLED = 1024
"""Pictures that a thief's heads learn from, at most."""


def narrow(data: Dataset, task: str) -> Dataset:
    """The pictures of the first quarter of a task's classes, two at least: what an honest user has."""
    kept = max(2, len(data.classes[task]) // 4)
    return data.take((data.labels[task] < kept).nonzero().flatten())


def pooled(service: Service, embeddings_ND: Tensor, *, aware: bool) -> Tensor:
    """Answers (N, D) to queries shared among accounts; an aware thief has each ask first about the same pictures, and aligns."""
    config = service.config
    first = min(config.common, len(embeddings_ND)) if aware else 0
    parts = enumerate(embeddings_ND.tensor_split(config.accounts), start=10)
    got = [service.answer(torch.cat([embeddings_ND[:first], part]), number) for number, part in parts]  # fmt: skip
    if aware:
        return torch.cat([aligned(one[first:], one[:first], got[0][:first]) for one in got])  # fmt: skip
    return torch.cat(got)


def honest(service: Service, setup: Setup, task: str) -> tuple[float, float]:
    """Share of buckets that an honest user of a task has seen, and accuracy of his head; he asks about what he tests on, too."""
    train, half = setup.train, len(setup.train) // 2
    own = narrow(train.take(range(half, len(train))), task).first(
        service.config.queries
    )
    few, labels_N = narrow(setup.test, task), own.labels[task]
    z_ND = embed_all(setup.encoder, torch.cat([own.images_N3HW, few.images_N3HW]))
    got_ND = service.answer(z_ND, 1)
    head = fit_linear_probe(got_ND[: len(own)], labels_N, classes=len(own.classes[task]))  # fmt: skip
    right = head.accuracy(got_ND[len(own) :], few.labels[task])
    return service.seen(z_ND)[-1].item(), right


def measure(setup: Setup, config: ServiceConfig) -> dict[str, float | None]:
    """Accuracy of honest users' heads, one user a task, and over all tasks of heads on the copies of thieves.

    Thieves have pictures of the first half of what there is to learn from, all others of the second.
    """
    encoder, train, half = setup.encoder, setup.train, len(setup.train) // 2
    check_labelled(train)
    service = Service(embed_all(encoder, train.images_N3HW), config)
    users = [honest(service, setup, task) for task in train.labels]
    asked = train.images_N3HW[: min(half, config.queries)]
    labelled = train.take(range(half, len(train))).first(LABELLED)
    z_ND = embed_all(encoder, asked)
    found: dict[str, float | None] = dict.fromkeys(GRID.columns)
    found["seen"], found["honest"] = min(users)
    found["users"] = mean(right for _, right in users)
    found["seen-thief"] = service.seen(z_ND)[-1].item()
    answers = {"thief": service.answer(z_ND, 2)}
    if config.noise != "flat":
        answers["careful"] = answers["thief"][: max(2, len(asked) // 4)]
    if config.noise == "coverage":
        answers["sybils"] = pooled(service, z_ND, aware=False)
    if config.transformed:
        answers["aware"] = pooled(service, z_ND, aware=True)
    theft = TheftConfig(weight=0, steps=config.steps, seed=config.seed)
    true_TN = torch.stack([setup.test.labels[task] for task in labelled.labels])
    for name, rows in answers.items():
        copy = steal(encoder, asked[: len(rows)], theft, answers_ND=rows, progress=setup.progress)  # fmt: skip
        said_TN = predictions(copy, labelled, setup.images_N3HW)
        found[name] = (said_TN == true_TN).float().mean().item()
    return found


GRID = Grid(
    home=Path(__file__).parent,
    about="Serve embeddings that are the worse, the more of the space an account has seen.",
    presets=PRESETS,
    measure=measure,
    columns={one: Column() for one in ("honest", "users", "thief", "careful", "sybils", "aware", "seen", "seen-thief")},
    told=[Told(preset="b4b", measure="honest", better="higher"), Told(preset="b4b", measure="thief", better="lower")],
    chart=("honest", "thief", "careful", "sybils", "aware"),
    tasks=("",),
    images=1000,
    quick={"steps": 2, "queries": 64},
    says={"labelled": LABELLED},
    examples=["", "--sybils 8 --no-transformed"],
    smoke="--train 128 --steps 2 --queries 32",
)  # fmt: skip
