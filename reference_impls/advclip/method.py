"""AdvCLIP: one patch that breaks every task built on a CLIP-like encoder.

Zhou et al., "AdvCLIP: Downstream-agnostic Adversarial Examples in Multimodal Contrastive
Learning", ACM Multimedia 2023, https://arxiv.org/abs/2308.07026.

The attacker has the encoders and unlabelled image-text pairs, and knows no downstream task.
One patch is made for all images: under it an image no longer embeds near its own text, near
itself, nor among its old neighbours.

Departures from the published program are listed in `README.md`.

Shape letters: B batch, N images of a dataset, H and W pixels, S side of a patch, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    as_patch,
    check_epsilon,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec, place_patch
from reference_impls.lab.errors import ConfigError, DatasetError, check_choices
from reference_impls.lab.models.contrastive import info_nce
from reference_impls.lab.models.encoders import check_usable, embed_all
from reference_impls.lab.models.fast import accelerated, encode_in_parts
from reference_impls.lab.models.generator import (
    CraftSettings,
    Discriminator,
    FreePixels,
    PatchGenerator,
    craft,
    gan_losses,
)
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
)
from reference_impls.lab.study.options import Fraction

# -- Settings ------------------------------------------------------------------------

Crafter = Literal["direct", "generator", "linf"]
LEARNING_RATES: dict[Crafter, float] = {"direct": 0.3, "generator": 5e-3, "linf": 0.3}
"""Of Adam, falling to 0; the published generator takes a constant 2e-4."""


@dataclass(frozen=True, kw_only=True)
class AdvCLIPConfig:
    """Settings of the attack; the weights of the losses are the published ones."""

    crafter: Crafter = "direct"
    """`generator` and discriminator as published, `direct` optimises the patch's pixels by
    themselves, `linf` a perturbation of all pixels within epsilon."""
    patch: PatchSpec = field(default_factory=PatchSpec)
    """Of `generator` and `direct`; the published share is 0.03."""
    epsilon: Fraction = 8 / 255
    """Bound of `linf`, on the [0, 1] scale of pixels."""
    steps: int = 300
    """Of the optimiser."""
    batch: int = 32
    """Image-text pairs per step; the published program takes 16."""
    learning_rate: float | None = None
    """Instead of that of the crafter."""
    temperature: float = 0.1
    """Of InfoNCE."""
    contrast_weight: float = 10.0
    """Alpha, of the contrastive losses."""
    text_weight: float = 5.0
    """Beta, of the text's part in the contrastive losses; 0 needs no text tower."""
    topology_weight: float = 1.0
    """Delta, of the topology deviations."""
    text_topology_weight: float = 5.0
    """Gamma, of the text's part in the topology deviations; 0 needs no text tower."""
    quality_weight: float = 1.0
    """Of the mean squared change of the images; the published program has it at 1."""
    gan_weight: float = 1.0
    """Of deceiving the discriminator; only `generator` has one."""
    micro_batch: int | None = None
    """Images whose activations are held at once; less memory for one more forward pass."""
    bf16: bool = False
    """Encode in bfloat16."""
    seed: int = 0
    """Of the first pixels, batches and random places."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_epsilon(self.epsilon)
        check_positive(steps=self.steps, temperature=self.temperature)
        if self.batch < 3:
            raise ConfigError(
                f"batch must be at least 3 images to have neighbours, got {self.batch}"
            )
        for name in ("micro_batch", "learning_rate"):
            value = getattr(self, name)
            if value is not None:
                check_positive(**{name: value})
        for name in WEIGHTS:
            if not getattr(self, name) >= 0:
                raise ConfigError(
                    f"{name} must not be negative, got {getattr(self, name)}"
                )

    @property
    def needs_text(self) -> bool:
        """Whether a loss compares images with texts."""
        return bool(
            self.contrast_weight * self.text_weight
            or self.topology_weight * self.text_topology_weight
        )


WEIGHTS = (
    "contrast_weight",
    "text_weight",
    "topology_weight",
    "text_topology_weight",
    "quality_weight",
    "gan_weight",
)

# -- Losses: pure functions, one equation each ---------------------------------------


def similarity_graph(embeddings_BD: Tensor) -> Tensor:
    """The batch's topology (B, B): each row says how much of an image's likeness goes to whom.

    Cosine distances less the distance to the row's nearest neighbour, as similarities
    1 - d / 2, each row divided by its sum. The diagonal counts as distance 0.
    """
    unit_BD = F.normalize(embeddings_BD, dim=1)
    distances_BB = 1 - unit_BD @ unit_BD.T
    itself_BB = torch.eye(len(unit_BD), dtype=torch.bool, device=unit_BD.device)
    others_BB = distances_BB.masked_fill(itself_BB, float("inf"))
    nearest_B1 = others_BB.min(dim=1, keepdim=True).values
    relative_BB = (distances_BB - nearest_B1).masked_fill(itself_BB, 0.0)
    similarities_BB = 1 - relative_BB / 2
    return similarities_BB / similarities_BB.sum(dim=1, keepdim=True)


def topology_deviation(embeddings_BD: Tensor, others_BD: Tensor) -> Tensor:
    """How far the neighbours of one set of embeddings are from those of another; 0 if equal.

    With the graphs p and q of the first and the second, the sum over all pairs of the
    Bernoulli divergences KL(q || p) + KL(1 - q || 1 - p). A sum, so it grows with B.
    """
    least = 1e-7
    p_BB = similarity_graph(embeddings_BD).clamp(least, 1 - least)
    q_BB = similarity_graph(others_BD).clamp(least, 1 - least)
    return (
        q_BB * (q_BB / p_BB).log() + (1 - q_BB) * ((1 - q_BB) / (1 - p_BB)).log()
    ).sum()


def contrastive_loss(
    changed_BD: Tensor, clean_BD: Tensor, texts_BD: Tensor | None, config: AdvCLIPConfig
) -> Tensor:
    """L_adv: minus the InfoNCE of the clean to the changed images, and of those to the texts."""
    loss = -info_nce(clean_BD, changed_BD, config.temperature)
    if texts_BD is None or not config.text_weight:
        return loss
    across = info_nce(changed_BD, texts_BD, config.temperature)
    return loss - config.text_weight * across


def topology_loss(
    changed_BD: Tensor, clean_BD: Tensor, texts_BD: Tensor | None, config: AdvCLIPConfig
) -> Tensor:
    """L_topo: minus the deviation from the clean images' topology, and from the texts'."""
    loss = -topology_deviation(clean_BD, changed_BD)
    if texts_BD is None or not config.text_topology_weight:
        return loss
    across = topology_deviation(changed_BD, texts_BD)
    return loss - config.text_topology_weight * across


def quality_loss(changed_B3HW: Tensor, images_B3HW: Tensor) -> Tensor:
    """L_q: the mean squared change of a pixel."""
    return F.mse_loss(changed_B3HW, images_B3HW)


# -- The attack ----------------------------------------------------------------------


def attack(
    victim: ImageText,
    surrogate: Dataset,
    config: AdvCLIPConfig = AdvCLIPConfig(),
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> UniversalPatch | UniversalPerturbation:
    """The universal patch (or perturbation) against a victim, from unlabelled captioned images.

    Raises:
        ConfigError: the patch does not fit, or a loss needs texts that there are none of.
        EncoderError: the victim is broken, or takes images of another size.
        DatasetError: fewer images than one batch, or a caption that the victim cannot read.
    """
    check_dataset(surrogate, config.batch)
    size, images_N3HW = victim.image.size, surrogate.images_N3HW
    check_usable(victim.image, images_N3HW[: config.batch].to(victim.image.device))
    canvas, change = _canvas(size, config)
    known = _Known.of(victim, surrogate, config)
    judge = _judge(config)
    window = _window(size, config)
    encoder = accelerated(victim.image, bf16=config.bf16)
    device = encoder.device

    def loss_of_pixels(pixels_3SS: Tensor, generator: Generator) -> Tensor:
        index_B = draw_batch(len(surrogate), config.batch, generator)
        images_B3HW = images_N3HW[index_B].to(device)
        changed_B3HW = change(pixels_3SS, images_B3HW, generator)
        changed_BD = encode_in_parts(encoder, changed_B3HW, part=config.micro_batch)
        loss = known.loss(changed_BD, index_B.to(device), config)
        loss = loss + config.quality_weight * quality_loss(changed_B3HW, images_B3HW)
        if judge is None:
            return loss
        deceived, judged = gan_losses(judge, images_B3HW[window], changed_B3HW[window])
        return loss + config.gan_weight * deceived + judged

    pixels_3SS = craft(
        canvas.to(device),
        loss_of_pixels,
        CraftSettings(
            steps=config.steps,
            learning_rate=config.learning_rate or LEARNING_RATES[config.crafter],
            seed=config.seed,
        ),
        discriminator=None if judge is None else judge.to(device),
        checkpoint=checkpoint,
        progress=progress,
    )
    if config.crafter == "linf":
        return UniversalPerturbation(_delta(pixels_3SS, config).cpu(), config.epsilon)
    return as_patch(pixels_3SS, config.patch, size, size)


@dataclass(frozen=True, eq=False)
class _Known:
    """What does not change while the patch does: computed once, looked up in every step."""

    clean_ND: Tensor
    texts_ND: Tensor | None

    @classmethod
    def of(cls, victim: ImageText, surrogate: Dataset, config: AdvCLIPConfig) -> _Known:
        device = victim.image.device
        parts = surrogate.images_N3HW.split(256)
        clean_ND = torch.cat([embed_all(victim.image, p.to(device)) for p in parts])
        if not config.needs_text:
            return cls(clean_ND, None)
        if victim.text and not surrogate.captions:
            raise DatasetError(
                f"{surrogate.name} has no captions, which the cross-modal losses compare with; "
                "leave them out with --image-only"
            )
        return cls(clean_ND, victim.embed_text(surrogate.captions))

    def loss(
        self, changed_BD: Tensor, index_B: Tensor, config: AdvCLIPConfig
    ) -> Tensor:
        clean_BD = self.clean_ND[index_B]
        texts_BD = None if self.texts_ND is None else self.texts_ND[index_B]
        contrast = contrastive_loss(changed_BD, clean_BD, texts_BD, config)
        topology = topology_loss(changed_BD, clean_BD, texts_BD, config)
        return config.contrast_weight * contrast + config.topology_weight * topology


Change = Callable[[Tensor, Tensor, Generator], Tensor]
"""Pixels (3, S, S), images and chance to changed images."""


def _canvas(size: int, config: AdvCLIPConfig) -> tuple[nn.Module, Change]:
    """What is optimised, and how its pixels change images."""
    if config.crafter == "linf":

        def add(pixels_3HW: Tensor, images_B3HW: Tensor, _: Generator) -> Tensor:
            return (images_B3HW + _delta(pixels_3HW, config)).clamp(0, 1)

        return FreePixels(size, seed=config.seed), add

    def put(pixels_3SS: Tensor, images_B3HW: Tensor, generator: Generator) -> Tensor:
        return place_patch(pixels_3SS, images_B3HW, config.patch, generator)

    side = config.patch.side(size, size)
    if config.crafter == "direct":
        return FreePixels(side, seed=config.seed), put
    return PatchGenerator(side, seed=config.seed), put


def _delta(pixels_3HW: Tensor, config: AdvCLIPConfig) -> Tensor:
    return config.epsilon * (2 * pixels_3HW - 1)


def _judge(config: AdvCLIPConfig) -> nn.Module | None:
    if config.crafter != "generator" or not config.gan_weight:
        return None
    return Discriminator(seed=config.seed + 1)


def _window(size: int, config: AdvCLIPConfig) -> tuple[slice, slice, slice, slice]:
    """What the discriminator sees: the patch and half its side around it, or everything."""
    everything = slice(None)
    if config.crafter != "generator" or config.patch.place == "random":
        return everything, everything, everything, everything
    top, left = config.patch.corner(size, size)
    side = config.patch.side(size, size)
    around = max(2, side // 2)
    rows = slice(max(0, top - around), top + side + around)
    columns = slice(max(0, left - around), left + side + around)
    return everything, everything, rows, columns
