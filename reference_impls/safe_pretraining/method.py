"""A small CLIP trained from scratch on pairs of which some may be poisoned.

RoCLIP: Yang, Gao and Mirzasoleiman, NeurIPS 2023, https://arxiv.org/abs/2303.06854. SafeCLIP: the same authors,
"Better Safe than Sorry", ICML 2024, https://arxiv.org/abs/2310.05862. Plain CLIP is the control.

Shape letters: B batch, N pairs, L words of a caption, D embedding width, P captions of a pool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.cleanclip.method import blank_words
from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import unknown
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.clip import CLIP, LogScale, TextTower, clip_loss
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

Way = Literal["clip", "roclip", "safeclip"]


@dataclass(frozen=True, kw_only=True)
class PretrainingConfig:
    """How a CLIP is trained on pairs that nobody has checked."""

    way: Way = "safeclip"
    """`roclip` matches images with the nearest caption of a random pool instead of their own in some epochs, `safeclip` gives
    CLIP's loss only pairs that agree; `clip` is the control."""
    steps: int = 300
    """Optimiser steps with CLIP's loss."""
    batch: int = 64
    """Pairs per step."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    views: Views = field(default_factory=Views)
    """RoCLIP and SafeCLIP: how views of pictures are drawn."""
    dropped: float = 0.2
    """RoCLIP and SafeCLIP: share of words that are blanked in a view of a caption."""
    every: int = 2
    """RoCLIP: one epoch in so many is matched with the pool."""
    pool: int = 512
    """RoCLIP: captions drawn anew for each step."""
    warmup: int = 100
    """SafeCLIP: steps on pictures and on captions alone, before they meet."""
    meet: int = 50
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
        if self.way not in get_args(Way):
            raise ConfigError(unknown("way", self.way, get_args(Way)))
        check_positive(steps=self.steps, batch=self.batch, every=self.every, pool=self.pool)  # fmt: skip
        check_positive(warmup=self.warmup, meet=self.meet, meet_rate=self.meet_rate)
        check_positive(learning_rate=self.learning_rate, certain=self.certain)
        if not 0 < self.safe <= 1:
            raise ConfigError(f"safe must lie in (0, 1], got {self.safe}")


# -- Pieces ----------------------------------------------------------------------------


def two_normals(values_N: Tensor, rounds: int = 50) -> Tensor:
    """Probability (N,) of being of the one with the higher mean of two normal distributions that EM fits to numbers."""
    mean_2 = values_N.quantile(torch.tensor([0.1, 0.9]))
    deviation_2, weight_2 = values_N.std().repeat(2), torch.tensor([0.5, 0.5])
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
    """Both towers of a CLIP in training on pairs, and the losses that the three ways are made of."""

    def __init__(self, pairs: Dataset, config: PretrainingConfig, net: LabNetConfig) -> None:  # fmt: skip
        """Untrained towers, the same for the same seed."""
        self.images_N3HW, self.config = pairs.images_N3HW, config
        name, seed = f"{config.way}-{config.seed}", config.seed
        self.image = small_encoder(net, name=name, size=pairs.size, seed=seed)
        words = sorted({word for one in pairs.captions for word in one.split()})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 1)
            length = len(pairs.captions[0].split())
            self.text = TextTower(words, length, self.image.dimension)
        self.tokens_NL, self.scale = self.text.tokens(pairs.captions), LogScale()
        self.blank = self.text.index.get("a", 0)

    def train(self, loss: Callable[[Generator], Tensor], steps: int, rate: float, progress: Progress | None) -> None:  # fmt: skip
        """Lower a loss of batches that it draws itself."""
        modules: dict[str, nn.Module] = {"image": self.image.module, "text": self.text, "scale": self.scale}  # fmt: skip
        learner = one_cycle_learner(modules, steps=steps, learning_rate=rate, seed=self.config.seed)  # fmt: skip
        fit(loss, learner, steps=steps, progress=progress)

    def draw(self, among: Tensor, chance: Generator) -> Tensor:
        """A batch of pairs, by number."""
        return among[draw_batch(len(among), self.config.batch, chance)]

    def views(self, index_B: Tensor, chance: Generator) -> tuple[Tensor, Tensor]:
        """Embeddings of a random view of each picture and of each caption."""
        changed = random_views(self.images_N3HW[index_B], self.config.views, chance)
        blanked = blank_words(self.tokens_NL[index_B], self.config.dropped, self.blank, chance)  # fmt: skip
        return self.image.encode(changed), self.text(blanked)

    def together(self, index_B: Tensor) -> Tensor:
        """CLIP's loss of pairs."""
        images_BD = self.image.encode(self.images_N3HW[index_B])
        return clip_loss(images_BD, self.text(self.tokens_NL[index_B]), self.scale())

    def apart(self, index_B: Tensor, chance: Generator) -> Tensor:
        """Contrastive losses within pictures and within captions, the mean of both."""
        first, second = self.views(index_B, chance), self.views(index_B, chance)
        losses = [clip_loss(*both, self.scale()) for both in zip(first, second, strict=True)]  # fmt: skip
        return torch.stack(losses).mean()

    def matched(self, index_B: Tensor, chance: Generator) -> Tensor:
        """RoCLIP: CLIP's loss of pictures and the nearest caption of a random pool."""
        images_BD, _ = self.views(index_B, chance)
        pool_P = draw_batch(len(self.tokens_NL), self.config.pool, chance)
        with torch.no_grad():
            pool_PD = self.text(self.tokens_NL[pool_P])
        found_B = pool_P[nearest(images_BD.detach(), pool_PD)]
        return poisoning_loss(images_BD, self.text(self.tokens_NL[found_B]), self.scale(), found_B)  # fmt: skip

    @torch.no_grad()
    def agreement(self) -> Tensor:
        """Cosine (N,) of each picture to its own caption."""
        training = self.image.module.training
        self.image.module.eval()
        cosines_N = F.cosine_similarity(embed_all(self.image, self.images_N3HW), self.text(self.tokens_NL))  # fmt: skip
        self.image.module.train(training)
        return cosines_N


def pretrain(
    pairs: Dataset, config: PretrainingConfig, net: LabNetConfig, progress: Progress | None = None
) -> tuple[CLIP, Tensor]:  # fmt: skip
    """A CLIP of captioned pictures, and which pairs (N,) CLIP's loss has seen in the last epoch.

    Raises:
        DatasetError: fewer pairs than a batch, or captions of different lengths.
    """
    check_dataset(pairs, config.batch)
    towers, count = Towers(pairs, config, net), len(pairs)
    everyone, epoch, steps = torch.arange(count), max(1, count // config.batch), iter(range(config.steps))  # fmt: skip
    safe_N = torch.ones(count, dtype=torch.bool)

    def loss_of_step(chance: Generator) -> Tensor:
        step = next(steps)
        if config.way == "safeclip":
            if step % epoch == 0:
                grown = first + (config.safe - first) * step / config.steps
                size = max(config.batch, min(count, round(grown * count)))
                safe_N.zero_()[towers.agreement().topk(size).indices] = True
            risky_B = towers.draw((~safe_N).nonzero().flatten(), chance)
            loss = towers.together(towers.draw(safe_N.nonzero().flatten(), chance))
            return loss + towers.apart(risky_B, chance) if len(risky_B) > 1 else loss
        index_B = towers.draw(everyone, chance)
        if config.way == "clip":
            return towers.together(index_B)
        if step // epoch % config.every == config.every - 1:
            return towers.matched(index_B, chance)
        return clip_loss(*towers.views(index_B, chance), towers.scale())

    if config.way == "safeclip":
        towers.train(lambda chance: towers.apart(towers.draw(everyone, chance), chance), config.warmup, config.learning_rate, progress)  # fmt: skip
        towers.train(lambda chance: towers.together(towers.draw(everyone, chance)), config.meet, config.meet_rate, progress)  # fmt: skip
        first = (two_normals(towers.agreement()) > config.certain).float().mean().item()
    towers.train(loss_of_step, config.steps, config.learning_rate, progress)
    return CLIP(towers.image, towers.text), safe_N
