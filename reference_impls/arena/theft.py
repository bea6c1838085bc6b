"""The command `theft`: what copies of an encoder are worth, and whether its owner knows them again, by protection.

A service gives embeddings away. Thieves ask about pictures of their own and train a copy; an honest user learns a head for
a narrow task. Watermarks change the encoder itself, all other protections its answers.

Shape letters: N pictures, D embedding width, P width of the answers, T tasks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from statistics import mean
from typing import Any

import torch
from torch import Generator, Tensor

from reference_impls.arena.boards import Board, Trial
from reference_impls.arena.guards import BITS, NOISE, guard
from reference_impls.bucks.method import Service, ServiceConfig
from reference_impls.bucks.study import narrow
from reference_impls.lab.data.augment import random_views
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import fit_linear_probe
from reference_impls.lab.models.suspects import predictions
from reference_impls.lab.models.zoo import studied_encoder
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.setup import Setup, lab_setup
from reference_impls.stolen_encoder import method as stolen_encoder
from reference_impls.stolen_encoder.method import TheftConfig, steal
from reference_impls.watermark import method as watermark
from reference_impls.watermark.method import Key, MarkConfig, mark
from reference_impls.watermark.study import LEVEL, evidence, p_value

Answer = Callable[[Tensor, int], Tensor]
"""Embeddings (N, D) of all queries of an account, and its number, to what it gets (N, P)."""
THIEVES: Mapping[str, TheftConfig] = {
    "scratch": stolen_encoder.PRESETS["scratch-1024"],
    "conventional": replace(stolen_encoder.PRESETS["alone"], standardised=False),
    "stolen-encoder": stolen_encoder.PRESETS["stolen-1024"],
    "cont-steal": stolen_encoder.PRESETS["contrastive-1024"],
}
"""By row; only the first asks nothing, and only the second learns from answers as they are."""
MARKS = ("sslguard", "ssl-wm")
"""Columns whose encoder carries a mark, named as the watermark's presets."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One protection of one encoder, and all that is tried on it."""

    seed: int
    protection: str
    queries: int = 1024
    """Pictures of every thief, and at most of an honest user."""
    steps: int = 100
    """Of a copy."""
    labelled: int = 512
    """Pictures from which heads on a copy learn."""
    images: int = 400
    """Test pictures."""
    looked: int = 200
    """The first of them, on which a mark is looked for."""
    marking: int = 120
    """Steps of a mark."""
    noise: float = NOISE
    """Of the guard; here so that trials are measured again when it changes."""
    bits: int = BITS
    """The same."""
    service: ServiceConfig = field(default_factory=ServiceConfig)

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.protection}, seed {self.seed}"


def conditions(options: StudyOptions) -> list[Condition]:
    """Every protection of one encoder, then of the next."""
    small: dict[str, Any] = {
        "queries": 64,
        "steps": 2,
        "labelled": 64,
        "images": 32,
        "marking": 2,
    }
    return [
        Condition(seed=seed, protection=one.id, **(small if options.quick else {}))
        for seed in options.seeds_of()
        for one in THEFT.columns
    ]


# -- Measuring -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Api:
    """What is served under a protection."""

    encoder: Encoder
    answer: Answer
    mark: MarkConfig | None = None
    key: Key | None = None


def served(condition: Condition, setup: Setup) -> Api:
    """The encoder of a seed behind its protection."""
    seed, protection, own = condition.seed, condition.protection, setup.train.images_N3HW  # fmt: skip
    if protection in MARKS:
        config = replace(watermark.PRESETS[protection], steps=condition.marking, seed=seed)  # fmt: skip
        marked, key = mark(setup.original or setup.encoder, own, config)
        return Api(encoder=marked, answer=lambda z_ND, _: z_ND, mark=config, key=key)
    if protection == "b4b":
        terms = replace(condition.service, queries=condition.queries, seed=seed)
        service = Service(embed_all(setup.encoder, own), terms)
        return Api(encoder=setup.encoder, answer=service.answer)
    behind = guard(setup.encoder, own, protection, seed)
    return Api(encoder=setup.encoder, answer=lambda z_ND, _: behind(z_ND))


@lru_cache(maxsize=4)
def alone(setup: Setup, config: TheftConfig) -> Encoder:
    """Who asks nothing makes the same of every service."""
    return steal(setup.encoder, setup.train.images_N3HW[: config.pictures], config)


def copied(api: Api, setup: Setup, config: TheftConfig) -> Encoder:
    """A thief's copy; Cont-Steal asks about one view of each picture, as its method draws it."""
    if config.loss == "scratch":
        return alone(setup, config)
    asked = own = setup.train.images_N3HW[: config.pictures]
    if config.loss == "contrastive":
        asked = random_views(own, config.views, Generator().manual_seed(config.seed))
    answers_NP = api.answer(embed_all(api.encoder, asked), 2)
    return steal(api.encoder, own, config, answers_ND=answers_NP)


def honest(api: Api, setup: Setup, task: str, queries: int) -> float:
    """Accuracy of a head that learned a task of few classes from answers, and is asked by answers."""
    train, half = setup.train, len(setup.train) // 2
    own = narrow(train.take(range(half, len(train))), task).first(queries)
    few = narrow(setup.test, task)
    z_ND = embed_all(api.encoder, torch.cat([own.images_N3HW, few.images_N3HW]))
    got_NP, known = api.answer(z_ND, 1), len(own)
    head = fit_linear_probe(got_NP[:known], own.labels[task], classes=len(own.classes[task]))  # fmt: skip
    return head.accuracy(got_NP[known:], few.labels[task])


def measured(condition: Condition) -> list[Trial]:
    """What thieves and honest users make of one encoder behind one protection."""
    setup = lab_setup(studied_encoder(condition.seed), "", condition.images)
    started, train, half = time.process_time(), setup.train, len(setup.train) // 2
    api, images = served(condition, setup), setup.images_N3HW
    labelled = train.take(range(half, len(train))).first(condition.labelled)
    victim_TN = predictions(api.encoder, labelled, images)
    true_TN = torch.stack([setup.test.labels[task] for task in labelled.labels])
    found: dict[str, dict[str, float]] = {}
    for row, thief in THIEVES.items():
        config = replace(thief, pictures=condition.queries, steps=condition.steps, seed=condition.seed)  # fmt: skip
        copy = copied(api, setup, config)
        copy_TN = predictions(copy, labelled, images)
        found[row] = {
            "copy": (copy_TN == true_TN).float().mean().item(),
            "agreement": (copy_TN == victim_TN).float().mean().item(),
            **known_again(
                api, copy, condition, setup, innocent=thief.loss == "scratch"
            ),
        }
    users = [honest(api, setup, task, condition.queries) for task in train.labels]
    found["user"] = {"honest": mean(users), **known_again(api, api.encoder, condition, setup)}  # fmt: skip
    seconds = round((time.process_time() - started) / len(found), 1)
    return [
        Trial(
            row=row,
            column=condition.protection,
            seed=condition.seed,
            figures={name: round(value, 4) for name, value in figures.items()},
            seconds=seconds,
        )
        for row, figures in found.items()
    ]


def known_again(api: Api, suspect: Encoder, condition: Condition, setup: Setup, *, innocent: bool = False) -> dict[str, float]:  # fmt: skip
    """Evidence for the mark in a suspect, its p-value, and whether the owner would make a claim; nothing without a mark.

    Of an innocent suspect a claim is wrong and a high p-value right, so its figures have names of their own.
    """
    if api.key is None or api.mark is None:
        return {}
    train, half = setup.train, len(setup.train) // 2
    labelled = train.take(range(half, len(train))).first(condition.labelled)
    asked = labelled, setup.images_N3HW[: condition.looked]
    p = p_value(suspect, api.key, api.mark.patch, *asked)
    if innocent:
        return {"p-innocent": p, "false-claim": float(p < LEVEL)}
    return {"evidence": evidence(suspect, api.key, *asked), "p": p, "claimed": float(p < LEVEL)}  # fmt: skip


def settings(asked: Sequence[Condition]) -> Mapping[str, Any]:
    """What all conditions have in common."""
    own = {name: value for name, value in vars(asked[0]).items() if name not in ("seed", "protection")}  # fmt: skip
    return own | {"thieves": THIEVES}


THEFT = Board(
    name="theft",
    about="Measure what copies of an encoder are worth, and whether they are known again, by protection.",
    conditions=conditions,
    measure=measured,
    settings=settings,
    chain=lambda condition: condition.seed,
)
