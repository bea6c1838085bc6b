"""Encoder stealing: a service returns embeddings of the attacker's pictures, and a copy learns to return the same.

Liu et al., "StolenEncoder: Stealing Pre-trained Encoders in Self-supervised Learning", CCS 2022,
https://arxiv.org/abs/2201.05889; Sha et al., "Can't Steal? Cont-Steal! Contrastive Stealing Attacks Against Image
Encoders", CVPR 2023, https://arxiv.org/abs/2201.07513. The losses are those of the papers' published programs,
github.com/liu00222/StolenEncoder and github.com/zeyangsha/Cont-Steal.

Shape letters: B batch, N pictures, H and W pixels, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import torch
import tyro
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.encoders import (
    Encoder,
    SmallNetConfig,
    embed_all,
    small_encoder,
)
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fit,
    nt_xent,
    one_cycle_learner,
    projection_head,
)

Loss = Literal["scratch", "distance", "contrastive"]


@dataclass(frozen=True, kw_only=True)
class TheftConfig:
    """Settings of an attacker."""

    loss: Loss = "distance"
    """`distance`: StolenEncoder. `contrastive`: Cont-Steal. `scratch`: SimCLR on the same pictures, nothing is asked."""
    pictures: Annotated[int, tyro.conf.arg(name="own-pictures")] = 1024
    """Pictures that the attacker has; an embedding is asked for each of them once."""
    renewed: bool = False
    """Contrastive: ask again in every step, about the views drawn in it, as the published program does."""
    weight: float = 1.0
    """Distance: lambda, how much random views count beside the pictures; 0 leaves them out."""
    standardised: bool = True
    """Shift and scale every entry of the answers to mean 0 and standard deviation 1 before anything is compared."""
    temperature: float = 0.2
    """Of the contrastive loss, and of SimCLR's."""
    net: SmallNetConfig = field(default_factory=lambda: SmallNetConfig(widths=(24, 48, 96)))  # fmt: skip
    """Architecture of the copy, whose last layer has the victim's width."""
    views: Views = field(default_factory=Views)
    """How random views are drawn."""
    steps: int = 200
    """Optimiser steps."""
    batch: int = 32
    """Pictures of a step, at most all."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    seed: int = 0
    """Of weights, batches and views."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(temperature=self.temperature, steps=self.steps)
        check_positive(learning_rate=self.learning_rate)
        if self.weight < 0:
            raise ConfigError(f"weight must be at least 0, got {self.weight}")
        if min(self.pictures, self.batch) < 2:
            raise ConfigError("own-pictures and batch must be at least 2")

    @property
    def queries(self) -> int:
        """Embeddings that are asked for."""
        if self.loss == "scratch":
            return 0
        again = self.steps * min(self.batch, self.pictures)
        renewed = self.renewed and self.loss == "contrastive"
        return self.pictures + again * renewed


PICTURES = (64, 1024)
CROPS = Views(smallest_crop=0.7, jitter_probability=0, gray_probability=0)
"""Views whose colours stay as they are."""

PRESETS: dict[str, TheftConfig] = {}
for number in PICTURES:
    stolen = TheftConfig(pictures=number, views=CROPS)
    PRESETS[f"scratch-{number}"] = TheftConfig(loss="scratch", pictures=number)
    PRESETS[f"stolen-{number}"] = stolen
    PRESETS[f"contrastive-{number}"] = replace(stolen, loss="contrastive", temperature=0.1)  # fmt: skip
PRESETS["alone"] = TheftConfig(weight=0)
PRESETS["renewed"] = replace(PRESETS["contrastive-1024"], renewed=True)
"""What is measured; the first is the control."""


# -- The losses ----------------------------------------------------------------------


def stolen_distance(
    copy_BD: Tensor, views_BD: Tensor, victim_BD: Tensor, weight: float
) -> Tensor:
    """StolenEncoder: mean over pictures of ‖g(x) - f(x)‖ + lambda ‖g(A(x)) - f(x)‖, all of unit length.

    f is the victim, asked about x alone: embeddings of a view A(x) and of x are taken to be close, so f(x) answers for both.
    """
    copy_BD, views_BD, victim_BD = (F.normalize(z, dim=1) for z in (copy_BD, views_BD, victim_BD))  # fmt: skip
    own_B, of_views_B = ((z - victim_BD).norm(dim=1) for z in (copy_BD, views_BD))
    loss: Tensor = (own_B + weight * of_views_B).mean()
    return loss


def contrastive_theft(copy_BD: Tensor, victim_BD: Tensor, temperature: float) -> Tensor:
    """Cont-Steal: the two encoders' embeddings of a picture are a positive pair, all others of both encoders are negatives.

    This is SimCLR's loss with the encoders in the place of two views; no gradient reaches the victim.
    """
    return nt_xent(copy_BD, victim_BD.detach(), temperature)


# -- The attack ----------------------------------------------------------------------


def standardiser(answers_ND: Tensor) -> Callable[[Tensor], Tensor]:
    """Shifts and scales embeddings (B, D) as gives each entry of the answers mean 0 and standard deviation 1."""
    mean_D, std_D = answers_ND.mean(dim=0), answers_ND.std(dim=0)
    least = 1e-3 * answers_ND.std()  # an entry that is always 0 stays so
    return lambda embeddings_BD: (embeddings_BD - mean_D) / (std_D + least)


def steal(
    victim: Encoder,
    pictures_N3HW: Tensor,
    config: TheftConfig,
    *,
    answers_ND: Tensor | None = None,
    progress: Progress | None = None,
) -> Encoder:
    """A copy of the victim; with `scratch`, an encoder that learned from the pictures alone.

    Answers that somebody returned already stand in the place of the victim's; of the victim only its size counts then.
    """
    width = victim.dimension if answers_ND is None else answers_ND.shape[1]
    net = replace(config.net, embedding=width)
    copy = small_encoder(net, name="copy", size=victim.size, seed=config.seed)
    copy = copy.to(victim.device)
    projector = projection_head(copy.dimension, config.seed).to(victim.device)
    parts = {"copy": copy.module, "projector": projector}
    learner = one_cycle_learner(parts, steps=config.steps, learning_rate=config.learning_rate, seed=config.seed)  # fmt: skip

    def view(images_B3HW: Tensor, chance: Generator) -> Tensor:
        return random_views(images_B3HW, config.views, chance)

    def encode(images_B3HW: Tensor) -> Tensor:
        return copy.encode(images_B3HW.contiguous(memory_format=torch.channels_last))

    scratch, contrastive = (config.loss == one for one in ("scratch", "contrastive"))
    asked = view(pictures_N3HW, learner.generator) if contrastive else pictures_N3HW
    if answers_ND is None:
        answers_ND = torch.zeros(len(asked), 1) if scratch else embed_all(victim, asked)
    scaled: Callable[[Tensor], Tensor] = torch.clone
    if config.standardised:
        scaled = standardiser(answers_ND)
    answers_ND = scaled(answers_ND)

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(pictures_N3HW), config.batch, chance)
        images, answers_BD = pictures_N3HW[index_B], answers_ND[index_B]
        views = view(images, chance)
        if contrastive:
            if config.renewed:
                answers_BD = scaled(embed_all(victim, views))
            return contrastive_theft(encode(views), answers_BD, config.temperature)
        if not (scratch or config.weight):
            alone_BD = encode(images)
            return stolen_distance(alone_BD, alone_BD, answers_BD, 0)
        others = view(images, chance) if scratch else images
        first_BD, second_BD = encode(torch.cat([others, views])).chunk(2)
        if scratch:
            return nt_xent(projector(first_BD), projector(second_BD), config.temperature)  # fmt: skip
        return stolen_distance(first_BD, second_BD, answers_BD, config.weight)

    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    return copy
