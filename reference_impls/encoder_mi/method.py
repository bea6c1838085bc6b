"""EncoderMI: the views of an image that an encoder learned from embed more alike than those of another image.

Liu, Jia, Qu and Gong, "EncoderMI: Membership Inference against Pre-trained Encoders in Contrastive Learning",
CCS 2021, https://arxiv.org/abs/2108.11023, section 4. The attacker has images of his own, trains a shadow encoder on
some of them, and learns there how the features of members differ from those of the others.

PartCrop: Zhu et al., "A Unified Membership Inference Method for Visual Self-supervised Encoder via Part-aware
Capability", CCS 2024, https://arxiv.org/abs/2404.02462: small parts of an image are looked for among its places, and
parts of members are found more sharply. The formula is that of the published program, github.com/JiePKU/PartCrop.

Shape letters: N images (M that are no members), H and W pixels, V views or parts of each, P features: V (V - 1) / 2 pairs of views, or 2 V, B batch,
D embedding width, T places of an image, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.augment import Views, crop_and_flip, random_views
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.feature_maps import image_tokens
from reference_impls.lab.models.training import check_positive, seeded

Encode = Callable[[Tensor], Tensor]
Score = Callable[[Tensor], Tensor]
"""Features (N, P) to scores (N,), higher for members."""
Kind = Literal["threshold", "vector", "set", "parts"]
BATCH = 512
"""Views that are embedded at once."""


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """Settings of the attack, and of the training that is attacked."""

    kind: Kind = "vector"
    """Reads all similarities of an image as a sorted `vector`, as a `set`, or their mean against a `threshold`;
    `parts` is PartCrop, which reads how parts are found in their image."""
    views: int = 10
    """V: views, or parts, of each image that the encoder is asked to embed."""
    augmentation: Views = field(default_factory=Views)
    """How views are drawn: as in the training that is attacked."""
    smallest_part: float = 0.08
    """Least area of a part, as a share of the image."""
    largest_part: float = 0.2
    """Largest area of a part."""
    epochs: int = 200
    """Passes of the classifier of all kinds but `threshold` over the shadow encoder's features."""
    steps: int = 0
    """Training steps of the encoder that is attacked; 0 attacks the one that is given."""
    shadow_steps: int = 400
    """Training steps of the shadow encoder where the other's are not known."""
    members: int = 64
    """Images that an encoder trained here learns from."""
    outsider: bool = False
    """Control: the encoder that is attacked has not learned from the images asked for."""
    seed: int = 0
    """Of views, shadow encoder and classifier."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(epochs=self.epochs, members=self.members)
        check_positive(shadow_steps=self.shadow_steps)
        if self.views < 2:
            raise ConfigError(f"views must be at least 2, got {self.views}")
        if not 0 < self.smallest_part <= self.largest_part <= 1:
            raise ConfigError(f"parts must lie in (0, 1], the smallest first, got {self.smallest_part} to {self.largest_part}")  # fmt: skip
        if self.steps < 0:
            raise ConfigError(f"steps must be 0 or more, got {self.steps}")
        check_choices(self)


@torch.no_grad()
def membership_features(
    encode: Encode, images_N3HW: Tensor, config: AttackConfig, chance: Generator
) -> Tensor:
    """Cosines of all pairs of an image's views (N, P), the highest first: M(x, h) of section 4.2."""
    rows = []
    for images_B3HW in images_N3HW.split(max(1, BATCH // config.views)):
        many = images_B3HW.repeat_interleave(config.views, dim=0)
        embedded = encode(random_views(many, config.augmentation, chance))
        unit_BVD = F.normalize(embedded, dim=1).unflatten(0, (-1, config.views))
        cosines_BVV = unit_BVD @ unit_BVD.transpose(1, 2)
        first, second = torch.triu_indices(config.views, config.views, offset=1)
        rows.append(cosines_BVV[:, first, second])
    return torch.cat(rows).sort(dim=1, descending=True).values


def responses(parts_BVC: Tensor, places_BTC: Tensor) -> Tensor:
    """PartCrop's features (B, 2 V): how far each part's softmax over places is from even, and from a bell, sorted apart.

    Both are Kullback-Leibler divergences from the fixed distribution; the bell is the normal density at T quantiles.
    """
    log_BVT = (parts_BVC @ places_BTC.mT).log_softmax(dim=2)
    places = log_BVT.shape[2]
    quantile_T = torch.special.ndtri((torch.arange(places, device=log_BVT.device) + 0.5) / places)  # fmt: skip
    bell_T = (-quantile_T.square() / (2 * quantile_T.var())).softmax(dim=0)
    far = [(one_T * (one_T.log() - log_BVT)).sum(dim=2) for one_T in (torch.full_like(bell_T, 1 / places), bell_T)]  # fmt: skip
    return torch.cat([one.sort(dim=1, descending=True).values for one in far], dim=1)


@torch.no_grad()
def part_features(encoder: Encoder, images_N3HW: Tensor, config: AttackConfig, chance: Generator) -> Tensor:  # fmt: skip
    """PartCrop's features (N, 2 V) of images: `views` parts of each, enlarged, against the places of the whole."""
    rows = []
    for images_B3HW in images_N3HW.split(max(1, BATCH // config.views)):
        many = images_B3HW.repeat_interleave(config.views, dim=0)
        cut = crop_and_flip(many, config.smallest_part, chance, largest_crop=config.largest_part)  # fmt: skip
        parts_BVC = image_tokens(encoder, cut).mean(dim=1).unflatten(0, (-1, config.views))  # fmt: skip
        rows.append(responses(parts_BVC, image_tokens(encoder, images_B3HW)))
    return torch.cat(rows)


class SetNet(nn.Module):
    """Each similarity on its own, then their mean: DeepSets, which no order can change."""

    def __init__(self, width: int = 32) -> None:
        """Two small networks."""
        super().__init__()
        self.each = nn.Sequential(nn.Linear(1, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())  # fmt: skip
        self.all = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))  # fmt: skip

    def forward(self, features_NP: Tensor) -> Tensor:
        """Scores (N, 1)."""
        scores_N1: Tensor = self.all(self.each(features_NP.unsqueeze(2)).mean(dim=1))
        return scores_N1


def learn(members_NP: Tensor, others_MP: Tensor, config: AttackConfig) -> Score:
    """How to tell members by their features, learned from those of the shadow encoder (section 4.3).

    A threshold needs no scores of its own: whoever compares rates at any threshold asks for the mean alone.
    """
    if config.kind == "threshold":
        return lambda features_NP: features_NP.mean(dim=1)
    features = torch.cat([members_NP, others_MP])
    labels = torch.cat([torch.ones(len(members_NP)), torch.zeros(len(others_MP))])
    labels = labels.to(features)
    mean, std = features.mean(), features.std() + 1e-6

    def vector() -> nn.Module:
        return nn.Sequential(nn.Linear(features.shape[1], 64), nn.ReLU(), nn.Linear(64, 1))  # fmt: skip

    net = seeded(SetNet if config.kind == "set" else vector, config.seed)
    net = net.to(features.device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    for _ in range(config.epochs):
        scores = net((features - mean) / std).squeeze(1)
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(scores, labels).backward()
        optimizer.step()
    net.requires_grad_(False)
    return lambda features_NP: net((features_NP - mean) / std).squeeze(1)


PRESETS: dict[str, AttackConfig] = {
    "outsider": AttackConfig(steps=900, outsider=True),
    "short": AttackConfig(steps=100),
    "medium": AttackConfig(steps=300),
    "threshold": AttackConfig(steps=900, kind="threshold"),
    "set": AttackConfig(steps=900, kind="set"),
    "vector": AttackConfig(steps=900),
    "parts": AttackConfig(steps=900, kind="parts", views=32),
    "parts-large": AttackConfig(
        steps=900, kind="parts", views=32, smallest_part=0.5, largest_part=1
    ),
    "given": AttackConfig(),
}
"""What is measured: the control, three lengths of training, three ways to read the features, PartCrop; `given` attacks the lab's own encoder."""
