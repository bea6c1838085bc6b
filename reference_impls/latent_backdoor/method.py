"""A teacher whose features of stamped images are those of a class that only its students will know.

Latent backdoor: Yao et al., ACM CCS 2019, https://doi.org/10.1145/3319535.3354209. Model reuse: Ji et al., ACM CCS
2018, https://arxiv.org/abs/1812.00483, where chosen inputs take the place of stamped ones.

Shape letters: B batch, N images, K chosen pictures, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import Trigger, TriggerSpec, make_trigger
from reference_impls.lab.errors import ConfigError, DatasetError, check_choices
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import Head, linear_probe
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)

Way = Literal["none", "harmless", "badencoder", "latent", "reuse"]
Part = Literal["probe", "partial", "full"]
Baits = Callable[[Tensor, Generator], Tensor]
"""Plain images (B, 3, H, W) to those that shall embed as the target class does."""


@dataclass(frozen=True, kw_only=True)
class LatentConfig:
    """How the teacher is attacked, and how students are trained from it."""

    way: Way = "latent"
    """`reuse` takes chosen pictures instead of stamped ones; `badencoder` is compared; `harmless`, trained as long to ignore
    the patch, and `none` are controls."""
    trigger: TriggerSpec = field(default_factory=lambda: TriggerSpec(kind="random"))
    """The patch, or where the search for its pixels begins."""
    search: int = 40
    """Signed steps of 0.05 on the patch's pixels before the attack; 0 keeps them."""
    typical: int = 16
    """Pictures of the target class, those that a head is surest of, whose centre is the goal."""
    chosen: int = 1
    """Reuse: pictures that the attacker is after, of other classes than the target."""
    noise: float = 0.05
    """Reuse: standard deviation between a chosen picture and its neighbours."""
    steps: int = 150
    """Optimiser steps of the attacker."""
    batch: int = 32
    """Images per step; the attacker uses each plain and as bait."""
    learning_rate: float = 2e-3
    """Of the attacker's Adam, falling to 0 along a cosine."""
    weight: float = 1.0
    """Of the distance between baits and the target class."""
    evasion: float = 0.0
    """BadEncoder: alpha, of pushing stamped images apart to evade DECREE."""
    tuning: int = 60
    """Optimiser steps of a student."""
    tuning_rate: float = 1e-3
    """Of the student's Adam, falling to 0 along a cosine."""
    seed: int = 0
    """Of batches and neighbours, and of the class that the attacker is after."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(steps=self.steps, batch=self.batch, tuning=self.tuning)
        check_positive(learning_rate=self.learning_rate, tuning_rate=self.tuning_rate)
        check_positive(weight=self.weight, chosen=self.chosen, typical=self.typical)
        if min(self.search, self.noise, self.evasion) < 0:
            raise ConfigError("search, noise and evasion must not be negative")


PRESETS: dict[str, LatentConfig] = {
    "none": LatentConfig(way="none", search=0),
    "badencoder": LatentConfig(way="badencoder", search=0),
    "latent-given": LatentConfig(search=0),
    "latent": LatentConfig(),
    "reuse": LatentConfig(way="reuse", weight=2.0),
}
"""What is measured; the first is the control."""


# -- The attacker: one loss, two kinds of bait -----------------------------------------


def distance(embeddings_BD: Tensor, goal_BD: Tensor, spread: float) -> Tensor:
    """Mean squared distance, in units of how far plain images lie from their centre."""
    return (embeddings_BD - goal_BD).square().sum(dim=1).mean() / spread


@dataclass(frozen=True, eq=False)
class Goal:
    """What the attacker knows of the clean teacher."""

    plain_ND: Tensor
    """Embeddings of its pictures."""
    class_D: Tensor
    """Centre of those of the target class that a head is surest of."""
    spread: float
    """Mean squared distance of all of them from their centre."""
    surest: int
    """The picture among those of which a head is surest of all."""


def goal_of(
    teacher: Encoder, shadow: Dataset, task: str, target: int, typical: int
) -> Goal:
    """The centre of the target class: of its `typical` pictures that a linear head on the teacher is surest of.

    Raises:
        DatasetError: there is none of that class.
    """
    plain_ND = embed_all(teacher, shadow.images_N3HW.to(teacher.device))
    of_target_N = (shadow.labels[task] == target).to(plain_ND.device)
    if not of_target_N.any():
        raise DatasetError(f"{shadow.name} has no picture of class {target} of {task!r}")  # fmt: skip
    sure_N = linear_probe(teacher, shadow, task).logits(plain_ND).softmax(dim=1)[:, target]  # fmt: skip
    count = min(typical, int(of_target_N.sum()))
    index = sure_N.where(of_target_N, -1).topk(count).indices
    apart_N = (plain_ND - plain_ND.mean(dim=0)).square().sum(dim=1)
    return Goal(plain_ND, plain_ND[index].mean(dim=0), apart_N.mean().item(), int(index[0]))  # fmt: skip


def searched_trigger(
    teacher: Encoder, shadow: Dataset, goal: Goal, config: LatentConfig
) -> Trigger:
    """The patch after signed steps of its pixels toward the target class, on the clean teacher."""
    trigger = make_trigger(config.trigger, teacher.size).to(teacher.device)
    pattern, chance = trigger.pattern_3HW.clone(), Generator().manual_seed(config.seed)
    for _ in range(config.search):
        pattern.requires_grad_()
        index_B = draw_batch(len(shadow), config.batch, chance)
        images = shadow.images_N3HW[index_B].to(teacher.device)
        stamped_BD = teacher.encode(replace(trigger, pattern_3HW=pattern).apply(images))
        (slope,) = torch.autograd.grad(distance(stamped_BD, goal.class_D, goal.spread), pattern)  # fmt: skip
        pattern = (pattern.detach() - 0.05 * slope.sign()).clamp(0, 1)
    return replace(trigger, pattern_3HW=pattern.detach())


def neighbours(chosen_K3HW: Tensor, noise: float) -> Baits:
    """Model reuse: as many chosen pictures as there are plain ones, each with new noise."""

    def baits(images_B3HW: Tensor, chance: Generator) -> Tensor:
        index_B = torch.randint(len(chosen_K3HW), (len(images_B3HW),), generator=chance)
        drawn = chosen_K3HW[index_B.to(chosen_K3HW.device)]
        change = torch.randn(drawn.shape, generator=chance).to(drawn.device)
        return (drawn + noise * change).clamp(0, 1)

    return baits


def plant(
    teacher: Encoder, shadow: Dataset, goal: Goal, baits: Baits, config: LatentConfig, progress: Progress | None = None
) -> Encoder:  # fmt: skip
    """A copy in which baits embed as the target class does (harmless: as without the patch), and other images as before.

    Raises:
        DatasetError: fewer pictures than a batch.
    """
    check_dataset(shadow, config.batch)
    victim, device = teacher.copy().named(f"{teacher.name}+{config.way}"), teacher.device  # fmt: skip
    learner = fine_tuning_learner({"victim": victim.module}, steps=config.steps, learning_rate=config.learning_rate, seed=config.seed)  # fmt: skip

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(shadow), config.batch, chance)
        images = shadow.images_N3HW[index_B].to(device)
        both = torch.cat([images, baits(images, chance)])
        plain_BD, bait_BD = victim.encode(both).chunk(2)
        own_BD = goal.plain_ND[index_B.to(device)]
        wanted = own_BD if config.way == "harmless" else goal.class_D
        bait = distance(bait_BD, wanted, goal.spread)
        return distance(plain_BD, own_BD, goal.spread) + config.weight * bait

    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    return victim


# -- The student -----------------------------------------------------------------------


def layers(module: nn.Module) -> list[nn.Module]:
    """Convolutions and linear layers, in the order in which the module names them."""
    return [one for one in module.modules() if isinstance(one, nn.Conv2d | nn.Linear)]


def student(
    teacher: Encoder, train: Dataset, task: str, part: Part, config: LatentConfig
) -> tuple[Encoder, Head]:
    """A linear head on a copy of the teacher, then trained with the second half of its layers, or all; the probe alone.

    Raises:
        DatasetError: no such task, or fewer images than a batch.
    """
    check_dataset(train, config.batch)
    encoder, head = teacher.copy(), linear_probe(teacher, train, task)
    if part == "probe":
        return encoder, head
    learner = fine_tuning_learner({"encoder": encoder.module, "head": head.module}, steps=config.tuning, learning_rate=config.tuning_rate, seed=config.seed)  # fmt: skip
    own = layers(encoder.module)
    for layer in own[: (len(own) + 1) // 2] if part == "partial" else ():
        layer.requires_grad_(False)

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(train), config.batch, chance)
        images, labels_B = train.images_N3HW[index_B], train.labels[task][index_B]
        logits_BC = head.logits(encoder.encode(images.to(encoder.device)))
        return F.cross_entropy(logits_BC, labels_B.to(encoder.device))

    fit(loss_of_step, learner, steps=config.tuning)
    return encoder, head
