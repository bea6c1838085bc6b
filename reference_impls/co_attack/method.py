"""Attacks on pairs of image and text: Co-Attack and SGA as settings of one procedure.

Zhang, Yi and Sang, "Towards Adversarial Attack on Vision-Language Pre-training Models", ACM MM 2022,
https://arxiv.org/abs/2206.09391 (Co-Attack, for models without a fusion module); Lu et al., "Set-level
Guidance Attack", ICCV 2023, https://arxiv.org/abs/2307.14061 (SGA). Losses and constants are those of
their published programs, github.com/adversarial-for-goodness/Co-Attack and github.com/Zoky-2020/SGA,
written down as formulas; nothing of these programs is used.

Shape letters: N images, M captions of each, T of all, C candidates for a caption, D embedding width,
H and W pixels, 3 colour channels.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.co_attack.captions import Changes, Substitutes, reworded
from reference_impls.lab.attacks.pgd import Budget, ascend, project
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.clip import CLIP
from reference_impls.lab.models.image_text import ImageText

ImageLoss = Literal["none", "noise", "kl", "co", "set"]
TextLoss = Literal["none", "noise", "kl", "guided"]


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """Which of the two are attacked, and by which losses."""

    image: ImageLoss = "set"
    """`kl`: away from the clean embedding; `co`: also from the changed caption (Co-Attack); `set`: away from
    all changed captions, in several sizes (SGA); `noise`: random signs."""
    text: TextLoss = "guided"
    """`kl`: away from the caption's clean embedding; `guided`: away from the image's (SGA); `noise`: one of its changes, by chance."""
    alpha: float = 3.0
    """Weight of Co-Attack's second term."""
    scales: tuple[float, ...] = (0.5, 0.75, 1.25, 1.5)
    """Sizes beside the image's own in which `set` looks at it."""
    noise: float = 0.05
    """Standard deviation of the noise on those."""
    captions: int = 4
    """Captions of an image that `set` uses."""
    substitutes: Substitutes = "synonyms"
    """`synonyms`: a word gives way to one that means the same; `any`: to any that captions have at its place."""
    budget: Budget = field(default_factory=lambda: Budget(epsilon=2 / 255))
    """Of the image; of a caption it is one word."""
    seed: int = 0
    """Of all draws."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        if not self.alpha >= 0 or not self.noise >= 0:
            raise ConfigError(
                f"alpha and noise must not be below 0, got {self.alpha} and {self.noise}"
            )
        if self.captions < 1 or not all(one > 0 for one in self.scales):
            raise ConfigError("captions must be at least 1 and scales above 0")


PRESETS = {
    "noise": AttackConfig(image="noise", text="noise"),
    "image": AttackConfig(image="kl", text="none"),
    "text": AttackConfig(image="none", text="kl"),
    "text-any": AttackConfig(image="none", text="kl", substitutes="any"),
    "sep": AttackConfig(image="kl", text="kl"),
    "co-attack": AttackConfig(image="co", text="kl"),
    "sga-image": AttackConfig(text="none"),
    "sga-single": AttackConfig(captions=1, scales=()),
    "sga": AttackConfig(),
}
"""Controls first: noise, one of the two alone, each by itself, and SGA with one caption in one size."""


# -- Losses, one per row; attacks raise them -----------------------------------------


def divergence(moved_ND: Tensor, origin_ND: Tensor) -> Tensor:
    """KL divergence of the embeddings' softmax, from the origin to what moved, (N,)."""
    return F.kl_div(
        moved_ND.log_softmax(dim=1), origin_ND.softmax(dim=1), reduction="none"
    ).sum(dim=1)


def co_loss(
    moved_ND: Tensor, clean_ND: Tensor, texts_ND: Tensor, alpha: float
) -> Tensor:
    """Co-Attack's image loss, (N,): away from the clean image and from the changed caption."""
    unit_ND = F.normalize(moved_ND, dim=1)
    return divergence(moved_ND, clean_ND) + alpha * divergence(unit_ND, texts_ND)


def set_loss(moved_ND: Tensor, texts_NMD: Tensor) -> Tensor:
    """SGA's image loss, (N,): minus the cosines to all captions of the set."""
    unit_ND = F.normalize(moved_ND, dim=1)
    return -(texts_NMD @ unit_ND.unsqueeze(2)).sum(dim=(1, 2))


def resized(
    images_N3HW: Tensor, scale: float, noise: float, chance: Generator
) -> Tensor:
    """SGA's g(v, s): noise is added, the image is made larger or smaller, and brought back to its size."""
    drawn = torch.randn(images_N3HW.shape, generator=chance).to(images_N3HW)
    size, edge = images_N3HW.shape[-2:], max(1, int(scale * images_N3HW.shape[-1]))
    resize = partial(F.interpolate, mode="bicubic", antialias=True)
    other = resize(images_N3HW + noise * drawn, size=(edge, edge)).clamp(0, 1)
    return resize(other, size=size)


# -- The procedure -------------------------------------------------------------------


def random_signs(images_N3HW: Tensor, budget: Budget, chance: Generator) -> Tensor:
    """The images with as large a change as the budget allows, up or down by chance."""
    drawn = torch.rand(images_N3HW.shape, generator=chance).to(images_N3HW)
    signs = 1 - 2 * (drawn < 0.5).float()
    return project(images_N3HW + budget.epsilon * signs, images_N3HW, budget)


def image_loss(
    clip: CLIP | ImageText,
    clean_ND: Tensor,
    texts_NMD: Tensor,
    config: AttackConfig,
    chance: Generator,
) -> Callable[[Tensor], Tensor]:
    """From images to the loss that the attack raises, summed over them."""

    def loss(images: Tensor) -> Tensor:
        moved_ND = clip.image.encode(images)
        if config.image == "kl":
            return divergence(moved_ND, clean_ND).sum()
        if config.image == "co":
            return co_loss(moved_ND, clean_ND, texts_NMD[:, 0], config.alpha).sum()
        views = [resized(images, one, config.noise, chance) for one in config.scales]
        looked = [moved_ND, *(clip.image.encode(view) for view in views)]
        return torch.stack([set_loss(one, texts_NMD) for one in looked]).sum()

    return loss


def attack(
    clip: CLIP | ImageText,
    images_N3HW: Tensor,
    captions: Sequence[Sequence[str]],
    config: AttackConfig,
    changes: Changes,
) -> tuple[Tensor, list[tuple[str, ...]]]:
    """Images within the budget, and captions that differ in one word at most; as many of each image as given."""
    each = len(captions[0])
    flat = [one for several in captions for one in several]
    chance = Generator().manual_seed(config.seed)
    with torch.no_grad():
        clean_ND = clip.image.encode(images_N3HW)
        clean_TD = clip.embed_text(flat)

    def words(kind: TextLoss, guide_ND: Tensor) -> list[str]:
        unit_ND = F.normalize(guide_ND, dim=1)
        if kind == "noise":
            dice = random.Random(config.seed)
            return [dice.choice(changes(one) or [one]) for one in flat]

        def away(found_CD: Tensor, number: int) -> Tensor:
            if kind == "kl":
                return divergence(found_CD, clean_TD[number].expand_as(found_CD))
            return -found_CD @ unit_ND[number // each]

        return reworded(clip.embed_text, flat, changes, away)

    texts = flat if config.text == "none" else words(config.text, clean_ND)
    texts_NMD = clip.embed_text(texts).unflatten(0, (-1, each))[:, : config.captions]

    attacked = images_N3HW
    if config.image == "noise":
        attacked = random_signs(images_N3HW, config.budget, chance)
    elif config.image != "none":
        loss = image_loss(clip, clean_ND, texts_NMD, config, chance)
        attacked = ascend(loss, images_N3HW, config.budget, chance)
    if config.text == "guided":  # once more, against the image as it is now
        with torch.no_grad():
            texts = words("guided", clip.image.encode(attacked))
    return attacked, [tuple(texts[i : i + each]) for i in range(0, len(texts), each)]
