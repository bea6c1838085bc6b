"""A small CLIP trained from scratch on pairs of which some may be poisoned.

RoCLIP: Yang, Gao and Mirzasoleiman, NeurIPS 2023, https://arxiv.org/abs/2303.06854. SafeCLIP: the same authors,
"Better Safe than Sorry", ICML 2024, https://arxiv.org/abs/2310.05862. CLIP, and CLIP on random views, are controls.

Shape letters: B batch, N pairs, L words of a caption, D embedding width, P captions of a pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.cleanclip.method import blank_words
from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.clip import CLIP, LogScale, clip_loss, text_tower
from reference_impls.lab.models.encoders import LabNetConfig, embed_all, small_encoder
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
)
from reference_impls.textonpair.method import poisoning_loss

Way = Literal["clip", "views", "roclip", "safeclip"]


@dataclass(frozen=True, kw_only=True)
class PretrainingConfig:
    """How a CLIP is trained on pairs that nobody has checked."""

    way: Way = "safeclip"
    """`roclip` matches pictures with the nearest caption of a random pool instead of their own in some epochs, `safeclip` gives
    CLIP's loss only pairs that agree; controls: `clip`, and `views`, which has RoCLIP's random views without the matching."""
    steps: int = 240
    """Optimiser steps with CLIP's loss."""
    batch: int = 64
    """Pairs per step."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    views: Views = field(default_factory=Views)
    """How random views of pictures are drawn; plain CLIP has none."""
    dropped: float = 0.2
    """Share of words that are blanked in a view of a caption; plain CLIP has none."""
    every: int = 3
    """RoCLIP: one epoch in so many is matched with the pool."""
    pool: int = 512
    """RoCLIP: captions drawn anew for each step."""
    warmup: int = 80
    """SafeCLIP: steps on pictures and on captions alone, before they meet."""
    meet: int = 40
    """SafeCLIP: steps with CLIP's loss on all pairs before they are divided."""
    meet_rate: float = 5e-4
    """SafeCLIP: learning rate of these."""
    certain: float = 0.9
    """SafeCLIP: a pair is safe at first if it is of the higher of two normal distributions of cosines with this probability."""
    safe: float = 0.9
    """SafeCLIP: share of all pairs that is safe in the end, those of highest cosine."""
    seed: int = 0
    """Of weights, batches and views."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(steps=self.steps, batch=self.batch, every=self.every, pool=self.pool)  # fmt: skip
        check_positive(warmup=self.warmup, meet=self.meet, meet_rate=self.meet_rate)
        check_positive(learning_rate=self.learning_rate, certain=self.certain)
        if not 0 <= self.dropped < 1:
            raise ConfigError(f"dropped must lie in [0, 1), got {self.dropped}")
        if not 0 < self.safe <= 1:
            raise ConfigError(f"safe must lie in (0, 1], got {self.safe}")


# -- Pieces ----------------------------------------------------------------------------


def two_normals(values_N: Tensor, rounds: int = 50) -> Tensor:
    """Probability (N,) of being of the one with the higher mean of two normal distributions that EM fits to numbers."""
    mean_2 = values_N.quantile(torch.tensor([0.1, 0.9]))
    deviation_2, weight_2 = (
        values_N.std().clamp(min=1e-3).repeat(2),
        torch.tensor([0.5, 0.5]),
    )
    share_N2 = torch.full((len(values_N), 2), 0.5)
    for _ in range(rounds):
        z_N2 = (values_N[:, None] - mean_2) / deviation_2
        share_N2 = (weight_2.log() - deviation_2.log() - z_N2.square() / 2).softmax(dim=1)  # fmt: skip
        weight_2 = share_N2.mean(dim=0).clamp(min=1e-6)
        mean_2 = (share_N2 * values_N[:, None]).mean(dim=0) / weight_2
        variance_2 = (share_N2 * (values_N[:, None] - mean_2).square()).mean(dim=0)
        deviation_2 = (variance_2 / weight_2).sqrt().clamp(min=1e-3)
    return share_N2[:, int(mean_2.argmax())]


def nearest(images_BD: Tensor, pool_PD: Tensor) -> Tensor:
    """Number (B,) of the text in the pool with the highest cosine to each image."""
    return (F.normalize(images_BD, dim=1) @ F.normalize(pool_PD, dim=1).T).argmax(dim=1)


# -- Training --------------------------------------------------------------------------


class Towers:
    """Both towers of a CLIP in training on pairs, and the losses that the ways are made of; batches are pairs by number."""

    def __init__(self, pairs: Dataset, config: PretrainingConfig, net: LabNetConfig) -> None:  # fmt: skip
        """Untrained towers, the same for the same seed."""
        self.images_N3HW, self.config = pairs.images_N3HW, config
        name = f"{config.way}-{config.seed}"
        self.image = small_encoder(net, name=name, size=pairs.size, seed=config.seed)
        self.text = text_tower(pairs.captions, self.image.dimension, config.seed)
        self.tokens_NL, self.scale = self.text.tokens(pairs.captions), LogScale()
        self.blank = self.text.index.get("a", 0)

    def train(self, loss: Callable[[Generator], Tensor], steps: int, rate: float, progress: Progress | None) -> None:  # fmt: skip
        """Lower a loss of batches that it draws itself."""
        modules: dict[str, nn.Module] = {"image": self.image.module, "text": self.text, "scale": self.scale}  # fmt: skip
        learner = one_cycle_learner(modules, steps=steps, learning_rate=rate, seed=self.config.seed)  # fmt: skip
        fit(loss, learner, steps=steps, progress=progress)

    def draw(self, chance: Generator, among_N: Tensor | None = None) -> Tensor:
        """A batch (B,) of all pairs, or of those that are marked."""
        if among_N is None:
            return draw_batch(len(self.images_N3HW), self.config.batch, chance)
        numbers = among_N.nonzero().flatten()
        return numbers[draw_batch(len(numbers), self.config.batch, chance)]

    def together(self, index_B: Tensor) -> Tensor:
        """CLIP's loss of pairs."""
        images_BD = self.image.encode(self.images_N3HW[index_B])
        return clip_loss(images_BD, self.text(self.tokens_NL[index_B]), self.scale())

    def views(self, index_B: Tensor, chance: Generator) -> tuple[Tensor, Tensor]:
        """Embeddings (B, D) of a random view of each picture and of each caption."""
        changed = random_views(self.images_N3HW[index_B], self.config.views, chance)
        blanked = blank_words(self.tokens_NL[index_B], self.config.dropped, self.blank, chance)  # fmt: skip
        return self.image.encode(changed), self.text(blanked)

    def apart(self, index_B: Tensor, chance: Generator) -> Tensor:
        """SafeCLIP: contrastive losses within pictures and within captions, two views of each, the mean of both."""
        first, second = self.views(index_B, chance), self.views(index_B, chance)
        losses = [clip_loss(*both, self.scale()) for both in zip(first, second, strict=True)]  # fmt: skip
        return torch.stack(losses).mean()

    def matched(self, index_B: Tensor, chance: Generator) -> Tensor:
        """RoCLIP: CLIP's loss of views of pictures and, for each, the nearest caption of a random pool."""
        images_BD, _ = self.views(index_B, chance)
        pool_P = draw_batch(len(self.tokens_NL), self.config.pool, chance)
        with torch.no_grad():
            pool_PD = self.text(self.tokens_NL[pool_P])
        found_B = pool_P[nearest(images_BD.detach(), pool_PD)]
        return poisoning_loss(images_BD, self.text(self.tokens_NL[found_B]), self.scale(), found_B)  # fmt: skip

    @torch.no_grad()
    def agreement(self) -> Tensor:
        """Cosine (N,) of each picture to its own caption."""
        self.image.module.eval()
        cosines_N = F.cosine_similarity(embed_all(self.image, self.images_N3HW), self.text(self.tokens_NL))  # fmt: skip
        self.image.module.train()
        return cosines_N


def pretrain(
    pairs: Dataset, config: PretrainingConfig, net: LabNetConfig, progress: Progress | None = None
) -> tuple[CLIP, Tensor]:  # fmt: skip
    """A CLIP of captioned pictures, and which pairs (N,) are safe in the end: all of them, but with SafeCLIP.

    Raises:
        DatasetError: fewer pairs than a batch.
    """
    check_dataset(pairs, config.batch)
    towers, count, steps = Towers(pairs, config, net), len(pairs), iter(range(config.steps))  # fmt: skip
    epoch, safe_N = max(1, count // config.batch), torch.ones(count, dtype=torch.bool)

    def loss_of_step(chance: Generator) -> Tensor:
        step = next(steps)
        if config.way == "safeclip":
            if step % epoch == 0:
                share = first + (config.safe - first) * step / config.steps
                best = towers.agreement().topk(max(config.batch, round(share * count)))
                safe_N.zero_()[best.indices] = True
            loss = towers.together(towers.draw(chance, safe_N))
            risky_B = towers.draw(chance, ~safe_N)[: config.batch // 2]
            return loss + towers.apart(risky_B, chance) if len(risky_B) > 1 else loss
        index_B = towers.draw(chance)
        if config.way == "clip":
            return towers.together(index_B)
        if config.way == "roclip" and step // epoch % config.every == config.every - 1:
            return towers.matched(index_B, chance)
        return clip_loss(*towers.views(index_B, chance), towers.scale())

    if config.way == "safeclip":
        towers.train(lambda chance: towers.apart(towers.draw(chance), chance), config.warmup, config.learning_rate, progress)  # fmt: skip
        towers.train(lambda chance: towers.together(towers.draw(chance)), config.meet, config.meet_rate, progress)  # fmt: skip
        first = (two_normals(towers.agreement()) > config.certain).float().mean().item()
    towers.train(loss_of_step, config.steps, config.learning_rate, progress)
    return CLIP(towers.image, towers.text), safe_N
