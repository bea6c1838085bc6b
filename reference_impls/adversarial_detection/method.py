"""Is an image that arrives an attack? Two detectors that look at it with an encoder learned without labels.

BEYOND: He et al., "Be Your Own Neighborhood", ICML 2024, https://arxiv.org/abs/2209.00005.
MirrorCheck: Fares et al., CVPR Workshops 2026, https://arxiv.org/abs/2406.09250, with retrieval in the
place of a captioner and of a text-to-image model, which the lab does not have.

The victim is the classifier that is attacked, the observer the encoder that looks on.
Shape letters: B batch, H and W pixels, D and E embedding widths of victim and observer, C classes, N captioned images,
K views or mirrors, M views of a batch, S signals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError, check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.heads import fit_mlp_head
from reference_impls.lab.models.training import check_positive
from reference_impls.lab.models.zero_shot import SCALE, ZeroShot

Detector = Literal["confidence", "mirror", "opinion", "beyond"]
Score = Callable[[Tensor], Tensor]
"""Images (B, 3, H, W) to what is suspicious of them, (B,) or several signals (B, S); gradients reach the images."""


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Which detector, and its settings."""

    detector: Detector = "beyond"
    """`beyond` asks an image's own views, `mirror` compares it with what the victim says of it; controls are
    `confidence`, the victim's own doubt, and `opinion`, whether the observer alone names it as the victim does."""
    views: int = 8
    """BEYOND: augmented neighbors of an image."""
    mirrors: int = 8
    """MirrorCheck: images that stand for the victim's caption."""
    seed: int = 0
    """Of views and of the observer's head."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(views=self.views, mirrors=self.mirrors)


PRESETS: dict[str, DetectorConfig] = {
    "confidence": DetectorConfig(detector="confidence"),
    "mirror": DetectorConfig(detector="mirror"),
    "opinion": DetectorConfig(detector="opinion"),
    "beyond": DetectorConfig(detector="beyond"),
}
"""What is measured; confidence is the control of all, opinion that of BEYOND."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """What a detector may use."""

    victim: ZeroShot
    observer: Encoder
    train: Dataset
    labels_N: Tensor
    """Of the task, one for each training image, on the observer's device."""
    captions_ND: Tensor
    """Of the training images, as the victim's text tower embeds them."""

    def observe(self, images_B3HW: Tensor) -> Tensor:
        """Unit embeddings (B, D) of the observer, which gets images of its own size."""
        size = (self.observer.size,) * 2
        if images_B3HW.shape[2:] != size:
            images_B3HW = F.interpolate(images_B3HW, size, mode="bilinear", antialias=True)  # fmt: skip
        return F.normalize(self.observer.encode(images_B3HW), dim=1)

    def observed(self) -> Tensor:
        """Those of the training images, (N, D)."""
        with torch.no_grad():
            batches = self.train.images_N3HW.split(256)
            return torch.cat([self.observe(images) for images in batches])


# -- Signals -------------------------------------------------------------------------


def doubt(logits_BC: Tensor) -> Tensor:
    """One minus the probability of the class that is named, (B,)."""
    return 1 - logits_BC.softmax(dim=1).amax(dim=1)


def mirror_distance(
    embeddings_BD: Tensor,
    seen_BE: Tensor,
    captions_ND: Tensor,
    observed_NE: Tensor,
    k: int,
) -> Tensor:
    """MirrorCheck's 1 - cos between an image and the image of its caption, (B,), all embeddings of unit length.

    The victim's caption is the nearest of N; its picture is the one that carries it. The k nearest count, with
    their softmax as weights, so that the victim's gradient passes.
    """
    nearest = (embeddings_BD @ captions_ND.T).topk(k, dim=1)
    weights_BK = (SCALE * nearest.values).softmax(dim=1)
    cosines_BK = torch.einsum("be,bke->bk", seen_BE, observed_NE[nearest.indices])
    return 1 - (weights_BK * cosines_BK).sum(dim=1)


def mirror(scene: Scene, config: DetectorConfig) -> Score:
    """MirrorCheck with captions and pictures of the training images."""
    observed_NE, k = scene.observed(), min(config.mirrors, len(scene.train))

    def distance(images: Tensor) -> Tensor:
        z_BD = F.normalize(scene.victim.encoder.encode(images), dim=1)
        return mirror_distance(z_BD, scene.observe(images), scene.captions_ND, observed_NE, k)  # fmt: skip

    return distance


def disagreement(own_BD: Tensor, views_KBD: Tensor, named_KB: Tensor) -> Tensor:
    """BEYOND's two signals (B, 2): share of views with another label, and 1 - cos to them on average.

    `named_KB` is the log-probability that the observer gives the victim's label, in each view. Above one half
    it counts as agreement; the gradient is that of the log-probability, which never vanishes.
    """
    agree_KB = (named_KB.exp() > 0.5).to(named_KB) + (named_KB - named_KB.detach())
    cosines_KB = (views_KBD * own_BD).sum(dim=-1)
    return 1 - torch.stack([agree_KB.mean(dim=0), cosines_KB.mean(dim=0)], dim=1)


def beyond(scene: Scene, config: DetectorConfig) -> Score:
    """BEYOND: an attacked image disagrees with its own augmented views in label and in representation.

    As `opinion` the only view is the image, so that labels alone speak: its control.
    """
    classes, seed = len(scene.victim.classes_CD), config.seed
    head = fit_mlp_head(scene.observed(), scene.labels_N, classes=classes, seed=seed)
    chance, k = Generator().manual_seed(seed), config.views

    def signals(images: Tensor) -> Tensor:
        label_B, own_BD = scene.victim(images).argmax(dim=1), scene.observe(images)
        if config.detector == "opinion":
            named_BC = head.logits(own_BD).log_softmax(dim=1)
            return -named_BC.gather(1, label_B.unsqueeze(1))
        views = random_views(images.repeat(k, 1, 1, 1), NEIGHBORS, chance)
        views_KBD = scene.observe(views).unflatten(0, (k, -1))
        named_KBC = head.logits(views_KBD.flatten(0, 1)).log_softmax(dim=1)
        named_M1 = named_KBC.gather(1, label_B.repeat(k).unsqueeze(1))
        return disagreement(own_BD, views_KBD, named_M1.view(k, -1))

    return signals


NEIGHBORS = Views(gray_probability=0)
"""Views of BEYOND; gray ones would hide the label where it is a color."""


FEWEST = 20
"""Clean images: 5 % of fewer is none."""


# -- The detector --------------------------------------------------------------------


def standardised(score: Score, clean_N3HW: Tensor) -> Score:
    """The largest of the signals, each in standard deviations above its mean on clean images, (B,).

    Flagging where it exceeds a threshold is flagging where any signal exceeds its own.

    Raises:
        DatasetError: too few clean images.
    """
    if len(clean_N3HW) < FEWEST:
        raise DatasetError(
            f"{FEWEST} clean images that the victim names right must set the threshold, got {len(clean_N3HW)}"
        )
    with torch.no_grad():
        values = score(clean_N3HW)
        mean, std = values.mean(dim=0), values.std(dim=0).clamp(min=1e-6)

    def suspicion(images: Tensor) -> Tensor:
        return ((score(images) - mean) / std).view(len(images), -1).amax(dim=1)

    return suspicion


def detector(scene: Scene, config: DetectorConfig, clean_N3HW: Tensor) -> Score:
    """How suspicious images are, (B,), in standard deviations of clean ones."""
    if config.detector == "confidence":
        return standardised(lambda x: doubt(scene.victim(x)), clean_N3HW)
    make = mirror if config.detector == "mirror" else beyond
    return standardised(make(scene, config), clean_N3HW)
