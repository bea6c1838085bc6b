"""A backdoor taken out of a CLIP with a few clean pairs.

CleanCLIP: Bansal et al., ICCV 2023, https://arxiv.org/abs/2303.03323. PAR: Singh, Croce and Hein, "Perturb and
Recover", 2024, https://arxiv.org/abs/2412.00727. Plain fine-tuning and pruning of dormant channels are controls.

Shape letters: B batch, N pairs, H and W pixels, D embedding width, L words of a caption,
K different captions, C channels.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.clip import CLIP, LogScale
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
)
from reference_impls.textonpair.method import poisoning_loss

Way = Literal["none", "prune", "plain", "cleanclip", "par"]
Model = TypeVar("Model", bound=CLIP | ImageText)


@dataclass(frozen=True, kw_only=True)
class RemovalConfig:
    """How the backdoor is taken out."""

    way: Way = "par"
    """`cleanclip` adds self-supervision within images and within texts to CLIP's loss, `par` first drives embeddings away
    from where they were; `plain` fine-tuning, `prune` and `none` are controls."""
    pairs: int = 1024
    """Clean pairs that the defender has."""
    steps: int = 100
    """Optimiser steps."""
    batch: int = 64
    """Pairs per step."""
    learning_rate: float = 1e-2
    """Peak of AdamW's one-cycle schedule."""
    weight: float = 1.0
    """CleanCLIP: of the self-supervised losses."""
    views: Views = field(default_factory=Views)
    """CleanCLIP: how a picture's second view is drawn."""
    dropped: float = 0.2
    """CleanCLIP: share of words that are blanked in a caption's second view."""
    tau: float = 1.0
    """PAR: squared distance of unit-length embeddings up to which they are driven away."""
    pruned: float = 0.3
    """Pruning: share of the last layer's input channels, those least active on clean images."""
    seed: int = 0
    """Of batches and views."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(pairs=self.pairs, steps=self.steps, batch=self.batch)
        check_positive(learning_rate=self.learning_rate, tau=self.tau)
        for name in ("dropped", "pruned"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must lie in [0, 1), got {getattr(self, name)}")  # fmt: skip


PRESETS: dict[str, RemovalConfig] = {
    "none": RemovalConfig(way="none"),
    "prune": RemovalConfig(way="prune"),
    "plain-gentle": RemovalConfig(way="plain", learning_rate=3e-3),
    "cleanclip-gentle": RemovalConfig(way="cleanclip", learning_rate=3e-3),
    "par-gentle": RemovalConfig(learning_rate=3e-3),
    "plain": RemovalConfig(way="plain"),
    "cleanclip": RemovalConfig(way="cleanclip"),
    "par": RemovalConfig(),
    "plain-256": RemovalConfig(way="plain", pairs=256),
    "cleanclip-256": RemovalConfig(way="cleanclip", pairs=256),
    "par-256": RemovalConfig(pairs=256),
}
"""What is measured."""


# -- Losses: means over a batch --------------------------------------------------------


def drift(now_BD: Tensor, before_BD: Tensor) -> Tensor:
    """Mean squared distance of unit-length embeddings, in [0, 4]."""
    apart_BD = F.normalize(now_BD, dim=1) - F.normalize(before_BD, dim=1)
    return apart_BD.square().sum(dim=1).mean()


def par_loss(clip: Tensor, drifts: list[Tensor], tau: float) -> Tensor:
    """PAR: CLIP's loss less the mean over modalities of the drift; a drift beyond tau counts nothing, so that CLIP's recovers."""
    perturbed = [torch.where(one > tau, 0.0, one) for one in drifts]
    return clip - torch.stack(perturbed).mean()


def blank_words(tokens_BL: Tensor, share: float, blank: int, chance: Generator) -> Tensor:  # fmt: skip
    """Captions with a share of their words replaced by the one numbered `blank`."""
    hit_BL = torch.rand(tokens_BL.shape, generator=chance) < share
    return tokens_BL.masked_fill(hit_BL, blank)


# -- Removal ---------------------------------------------------------------------------


@torch.no_grad()
def prune(encoder: Encoder, images_N3HW: Tensor, share: float) -> Encoder:
    """A copy whose last layer no longer reads its inputs that are least active on clean images (mean absolute value)."""
    pruned, seen = encoder.copy(), []
    *_, last = (one for one in pruned.module.modules() if isinstance(one, nn.Linear | nn.Conv2d))  # fmt: skip
    over = -1 if isinstance(last, nn.Linear) else 1
    hook = last.register_forward_pre_hook(lambda _, given: seen.append(given[0].abs().movedim(over, 0).flatten(1).mean(1)))  # fmt: skip
    embed_all(pruned, images_N3HW.to(pruned.device))
    hook.remove()
    activity_C = torch.stack(seen).mean(dim=0)
    last.weight[:, activity_C.argsort()[: round(share * len(activity_C))]] = 0
    return pruned


def remove(
    victim: Model, pairs: Dataset, config: RemovalConfig, progress: Progress | None = None
) -> Model:  # fmt: skip
    """A copy of the CLIP after removal with captioned pairs. The text tower of a model from outside stays as it is.

    Raises:
        DatasetError: fewer pairs than a batch, or a caption that the text tower cannot read.
    """
    if config.way == "none":
        return victim
    images_N3HW, device = pairs.images_N3HW, victim.image.device
    if config.way == "prune":
        return replace(victim, image=prune(victim.image, images_N3HW, config.pruned))
    check_dataset(pairs, config.batch)
    image, scale = victim.image.copy(), LogScale().to(device)
    trained: dict[str, nn.Module] = {"image": image.module, "scale": scale}
    text = copy.deepcopy(victim.text) if isinstance(victim, CLIP) else None
    if text:
        trained["text"], tokens_NL = text, text.tokens(pairs.captions)
        blank = text.index.get("a", 0)
    known = {caption: number for number, caption in enumerate(dict.fromkeys(pairs.captions))}  # fmt: skip
    own_N = torch.tensor([known[caption] for caption in pairs.captions])
    before_KD = victim.embed_text(list(known)).to(device)
    learner = one_cycle_learner(trained, steps=config.steps, learning_rate=config.learning_rate, seed=config.seed)  # fmt: skip

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(pairs), config.batch, chance)
        images, own_B = images_N3HW[index_B].to(device), own_N[index_B].to(device)
        now_BD = image.encode(images)
        words_BD = text(tokens_NL[index_B]) if text else before_KD[own_B]
        loss = poisoning_loss(now_BD, words_BD, scale(), own_B)
        if config.way == "par":
            with torch.no_grad():
                drifts = [(now_BD, victim.image.encode(images))]
            drifts += [(words_BD, before_KD[own_B])] if text else []
            return par_loss(loss, [drift(*one) for one in drifts], config.tau)
        if config.way == "cleanclip":
            view_BD = image.encode(random_views(images, config.views, chance))
            everyone_B = torch.arange(len(own_B), device=device)
            within = [poisoning_loss(now_BD, view_BD, scale(), everyone_B)]
            if text:
                blanked = blank_words(tokens_NL[index_B], config.dropped, blank, chance)
                within.append(poisoning_loss(words_BD, text(blanked), scale(), own_B))
            loss = loss + config.weight * torch.stack(within).mean()
        return loss

    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    towers: dict[str, Any] = {"image": image} | ({"text": text} if text else {})
    return replace(victim, **towers)
