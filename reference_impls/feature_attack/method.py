"""A captioner says something else, because its frozen image tower sees something else.

AttackVLM: Zhao et al., "On Evaluating Adversarial Robustness of Large Vision-Language Models", NeurIPS 2023,
https://arxiv.org/abs/2305.16934: features are matched with those of a target image (MF-ii) or text (MF-it).
VEAttack: Mei et al., "VEAttack", ICLR 2026, https://arxiv.org/abs/2505.17440: image tokens leave the clean ones.
All are projected signed gradient steps (`ascend`) up one of the scores below.

Shape letters: B batch, P pool of targets, H and W pixels, D embedding width, T image tokens, C their width,
L words of a caption.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Budget, ascend, start_of
from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.captioner import Captioner
from reference_impls.lab.models.feature_maps import image_tokens

Attack = Literal["noise", "embedding", "tokens", "image", "text", "caption", "caption-target"]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """Which features are matched or left, and how far pixels may move."""

    attack: Attack = "tokens"
    """`tokens` and `embedding` leave the clean features, `image` and `text` go toward a target's,
    `caption` and `caption-target` know the decoder as well, `noise` is the control."""
    budget: Budget = field(default_factory=lambda: Budget(epsilon=8 / 255, steps=20))
    """Of pixels and steps."""
    seed: int = 0
    """Of start, noise and targets."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)


WIDE = Budget(epsilon=16 / 255, steps=20)
PRESETS: dict[str, AttackConfig] = {
    **{one: AttackConfig(attack=one) for one in get_args(Attack)},
    "noise-wide": AttackConfig(attack="noise", budget=WIDE),
    "image-wide": AttackConfig(attack="image", budget=WIDE),
    "text-wide": AttackConfig(attack="text", budget=WIDE),
}
"""What is measured, the control first."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """What each attacked image is to be taken for."""

    images_B3HW: Tensor
    texts_BD: Tensor
    """Embeddings of its captions in the space of image and text."""
    words_BL: Tensor
    """Its captions, as the captioner spells them."""


# -- Scores: of each image, (B,); attacks raise them -----------------------------------


def leave_embedding(embeddings_BD: Tensor, clean_BD: Tensor) -> Tensor:
    """Minus the cosine of the pooled embeddings: VEAttack's comparison, an attack on the one vector of an image."""
    return -F.cosine_similarity(embeddings_BD, clean_BD)


def leave_tokens(tokens_BTC: Tensor, clean_BTC: Tensor) -> Tensor:
    """VEAttack: minus the cosine of each image token with the clean one of its place, mean over places."""
    return -F.cosine_similarity(tokens_BTC, clean_BTC, dim=2).mean(dim=1)


def match(embeddings_BD: Tensor, target_BD: Tensor) -> Tensor:
    """AttackVLM: the cosine with the embedding of the target image (MF-ii) or of the target text (MF-it)."""
    return F.cosine_similarity(embeddings_BD, target_BD)


def score_of(
    config: AttackConfig,
    captioner: Captioner,
    images_B3HW: Tensor,
    words_BL: Tensor,
    target: Target,
) -> Callable[[Tensor], Tensor]:
    """The score (B,) that an attack raises, of changed images (B, 3, H, W)."""
    encoder = captioner.encoder
    with torch.no_grad():
        clean_BD, aim_BD = encoder.encode(images_B3HW), encoder.encode(target.images_B3HW)  # fmt: skip
        clean_BTC = image_tokens(encoder, images_B3HW)
    scores: dict[str, Callable[[Tensor], Tensor]] = {
        "embedding": lambda x: leave_embedding(encoder.encode(x), clean_BD),
        "tokens": lambda x: leave_tokens(image_tokens(encoder, x), clean_BTC),
        "image": lambda x: match(encoder.encode(x), aim_BD),
        "text": lambda x: match(encoder.encode(x), target.texts_BD),
        "caption": lambda x: captioner.loss(image_tokens(encoder, x), words_BL),
        "caption-target": lambda x: -captioner.loss(image_tokens(encoder, x), target.words_BL),
    }  # fmt: skip
    return scores[config.attack]


def attacked(
    config: AttackConfig,
    captioner: Captioner,
    images_B3HW: Tensor,
    words_BL: Tensor,
    target: Target,
) -> Tensor:
    """Images (B, 3, H, W) within the budget; the right captions `words_BL` are known to `caption` alone."""
    chance = Generator().manual_seed(config.seed)
    if config.attack == "noise":
        return start_of(images_B3HW, config.budget, chance)
    score = score_of(config, captioner, images_B3HW, words_BL, target)
    return ascend(lambda x: score(x).sum(), images_B3HW, config.budget, chance)


# -- Targets, and what captions say ----------------------------------------------------


def telling(words_PL: Tensor) -> Tensor:
    """Whether captions differ at a place (L,); the others are the sentence around the attributes."""
    return (words_PL != words_PL[:1]).any(dim=0)


def unlike(words_BL: Tensor, pool_PL: Tensor, chance: Generator) -> Tensor:
    """For each caption (B,) the index of one of the pool that shares as few telling words as any, drawn at random."""
    told_L = telling(pool_PL)
    order_P = torch.randperm(len(pool_PL), generator=chance).to(pool_PL.device)
    pool_PL = pool_PL[order_P]
    shared_B = [(row_L == pool_PL)[:, told_L].sum(dim=1).argmin() for row_L in words_BL]
    return order_P[torch.stack(shared_B)]
