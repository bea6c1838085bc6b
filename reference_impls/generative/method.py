"""A generator that is trained once against one classifier, and then perturbs any image in one forward pass.

GAP: Poursaeed et al., "Generative Adversarial Perturbations", CVPR 2018, arXiv:1712.02328; universal or of each image.
CDA: Naseer et al., "Cross-Domain Transferability of Adversarial Perturbations", NeurIPS 2019, arXiv:1905.11736; the
relativistic loss, and training images of another domain.

Shape letters: B batch, N images of a dataset, H and W pixels, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Budget, Classifier, pgd
from reference_impls.lab.attacks.plain import plain_attack
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.leaves import leaves
from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.generator import (
    CraftSettings,
    ImageGenerator,
    PatchGenerator,
)
from reference_impls.lab.models.training import (
    Learner,
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fit,
)

Attack = Literal["noise", "pgd", "universal", "gap-universal", "gap", "cda"]
Domain = Literal["own", "leaves"]


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Which attack, and its settings."""

    attack: Attack = "cda"
    """`gap` pushes images to the class that the classifier thinks least likely, `gap-universal` all by one perturbation, `cda`
    takes the relativistic loss; `noise`, `pgd` on each image and the lab's plain `universal` one are controls."""
    domain: Domain = "own"
    """Images that a generator learns from: those of the encoder, or drawn leaves that it never saw."""
    reach: Budget = field(default_factory=lambda: Budget(epsilon=16 / 255))
    """How far every attack may change an image; its steps are PGD's."""
    steps: int = 120
    """Of Adam, for generators and the plain universal attack."""
    batch: int = 32
    """Images per step."""
    learning_rate: float = 3e-3
    """At the start, falling to 0 along a cosine."""
    seed: int = 0
    """Of generator, batches and noise."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(steps=self.steps, batch=self.batch)
        check_positive(
            learning_rate=self.learning_rate, **{"reach.epsilon": self.reach.epsilon}
        )


PRESETS: dict[str, GeneratorConfig] = {
    "noise": GeneratorConfig(attack="noise"),
    "pgd": GeneratorConfig(attack="pgd"),
    "universal": GeneratorConfig(attack="universal"),
    "gap-universal": GeneratorConfig(attack="gap-universal", learning_rate=1e-2),
    "gap": GeneratorConfig(attack="gap"),
    "cda": GeneratorConfig(),
    "cda-leaves": GeneratorConfig(domain="leaves"),
}
"""What is measured, the controls first."""


# -- Losses: means over a batch ------------------------------------------------------


def gap_loss(attacked_BC: Tensor, clean_BC: Tensor) -> Tensor:
    """GAP without a target: the logarithm of the cross entropy to the class that was least likely."""
    return F.cross_entropy(attacked_BC, clean_BC.argmin(dim=1)).log()


def relativistic_loss(attacked_BC: Tensor, clean_BC: Tensor) -> Tensor:
    """CDA: minus the cross entropy of the difference, attacked minus clean, to the class that was likeliest."""
    return -F.cross_entropy(attacked_BC - clean_BC, clean_BC.argmax(dim=1))


# -- Perturbing ----------------------------------------------------------------------


class Universal(nn.Module):
    """GAP's other kind: the generator is fed one fixed noise, whatever the image."""

    def __init__(self, side: int, *, seed: int) -> None:
        """Square images."""
        super().__init__()
        self.canvas = PatchGenerator(side, width=64, seed=seed)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """The same pixels in [0, 1] for every image."""
        pixels: Tensor = self.canvas()
        return pixels.expand_as(images_B3HW)


def within(pixels: Tensor, images_B3HW: Tensor, epsilon: float) -> Tensor:
    """The images, changed by at most epsilon: pixels in [0, 1] say by how much, 1/2 by nothing."""
    return (images_B3HW + epsilon * (2 * pixels - 1)).clamp(0, 1)


def train_generator(
    logits_of: Classifier,
    train: Dataset,
    config: GeneratorConfig,
    progress: Progress | None = None,
) -> Callable[[Tensor], Tensor]:
    """What perturbs images in one forward pass, after training against a classifier that stays as it is.

    Raises:
        DatasetError: fewer images than a batch.
    """
    check_dataset(train, config.batch)
    images_N3HW, seed = train.images_N3HW, config.seed
    if config.domain == "leaves":
        drawn = leaves(1024, seed=seed, size=train.size).images_N3HW
        images_N3HW = drawn.to(images_N3HW)
    universal = config.attack == "gap-universal"
    net = Universal(train.size, seed=seed) if universal else ImageGenerator(seed=seed)
    net = net.to(images_N3HW.device).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    loss_of = relativistic_loss if config.attack == "cda" else gap_loss

    def attack(images: Tensor) -> Tensor:
        return within(net(images), images, config.reach.epsilon)

    def loss_of_step(chance: Generator) -> Tensor:
        images = images_N3HW[draw_batch(len(images_N3HW), config.batch, chance)]
        with torch.no_grad():
            clean_BC = logits_of(images)
        return loss_of(logits_of(attack(images)), clean_BC)

    learner = Learner(
        modules=nn.ModuleDict({"generator": net}),
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps),
        generator=Generator().manual_seed(seed),
    )
    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    return attack


def attack_of(
    encoder: Encoder,
    logits_of: Classifier,
    train: Dataset,
    config: GeneratorConfig,
    progress: Progress | None = None,
) -> Callable[[Tensor], Tensor]:
    """Images to attacked images, of a generator or of what it is compared with."""
    chance = Generator().manual_seed(config.seed)
    if config.attack == "noise":
        return lambda x: within(torch.rand(x.shape, generator=chance).round().to(x), x, config.reach.epsilon)  # fmt: skip
    if config.attack == "pgd":
        return lambda x: pgd(logits_of, x, logits_of(x).argmax(dim=1), config.reach, chance)  # fmt: skip
    if config.attack == "universal":
        how = CraftSettings(steps=config.steps, learning_rate=0.3, seed=config.seed)
        return plain_attack(encoder, train, config.reach.epsilon, settings=how).apply
    return train_generator(logits_of, train, config, progress)
