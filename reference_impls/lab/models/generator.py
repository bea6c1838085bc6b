"""Where universal patches and perturbations come from: free pixels, or a small generator.

A canvas is a module that returns pixels (3, S, S) in [0, 1] when called without an argument;
`craft` optimises any canvas, with a discriminator beside it or without.

Shape letters: B batch, H and W pixels, S side of the canvas, 3 colour channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.training import Learner, Progress, check_positive, fit

FIRST = 4
"""Edge of a generator's first map; every further layer doubles it."""
STEEP = 10.0
"""What an image generator's last layer is multiplied by."""


class FreePixels(nn.Module):
    """A canvas whose every pixel is a free variable, squashed to [0, 1]."""

    def __init__(self, side: int, *, seed: int) -> None:
        """Start near grey."""
        super().__init__()
        check_positive(side=side)
        generator = Generator().manual_seed(seed)
        self.logits = nn.Parameter(torch.randn(3, side, side, generator=generator))

    def forward(self) -> Tensor:
        """Pixels (3, S, S) in [0, 1]."""
        return self.logits.sigmoid()


class PatchGenerator(nn.Module):
    """A canvas drawn by transposed convolutions from one fixed noise vector.

    Only the S x S pixels that are used are made: the number of layers follows from S.
    """

    noise: Tensor

    def __init__(
        self, side: int, *, latent: int = 100, width: int = 256, seed: int
    ) -> None:
        """`width` channels at 4 x 4, halved at every doubling of the edge, at least 32."""
        super().__init__()
        check_positive(side=side, latent=latent, width=width)
        self.side = side
        doublings = max(0, math.ceil(math.log2(side / FIRST)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # layers initialise from the global stream only
            self.net = nn.Sequential(*_upward(latent, width, doublings))
            self.net.apply(_small_weights)
            self.register_buffer("noise", torch.randn(1, latent, 1, 1))

    def forward(self) -> Tensor:
        """Pixels (3, S, S) in [0, 1]: the middle of the last map."""
        map_3LL: Tensor = self.net(self.noise)[0]
        start = (map_3LL.shape[-1] - self.side) // 2
        rows = slice(start, start + self.side)
        return map_3LL[:, rows, rows].sigmoid()


class ImageGenerator(nn.Module):
    """Pixels drawn from an image, in one forward pass, by convolutions at half the resolution."""

    def __init__(self, *, width: int = 32, seed: int) -> None:
        """`width` channels, at least 8."""
        super().__init__()
        check_positive(width=width)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Conv2d(12, width, 3, padding=1)
            self.blocks = nn.ModuleList(
                nn.Sequential(
                    nn.GroupNorm(8, width),
                    nn.ReLU(),
                    nn.Conv2d(width, width, 3, padding=1),
                )
                for _ in range(3)
            )
            self.last = nn.Conv2d(width, 12, 3, padding=1)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) in [0, 1]."""
        height, width = images_B3HW.shape[2:]
        even = F.pad(images_B3HW, (0, width % 2, 0, height % 2), mode="replicate")
        features = self.first(F.pixel_unshuffle(2 * even - 1, 2))
        for block in self.blocks:
            features = features + block(features)
        # Steep, as most pixels of a strong perturbation lie at its bound.
        logits = STEEP * F.pixel_shuffle(self.last(torch.relu(features)), 2)
        pixels = logits.sigmoid()
        return pixels[:, :, :height, :width]


def _upward(latent: int, width: int, doublings: int) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.ConvTranspose2d(latent, width, FIRST)]
    for _ in range(doublings):
        narrow = max(32, width // 2)
        layers += [nn.GroupNorm(8, width), nn.ReLU()]
        layers += [nn.ConvTranspose2d(width, narrow, 4, stride=2, padding=1)]
        width = narrow
    return [
        *layers,
        nn.GroupNorm(8, width),
        nn.ReLU(),
        nn.Conv2d(width, 3, 3, padding=1),
    ]


class Discriminator(nn.Module):
    """Tells windows of real images from windows of changed ones; logits, real is positive."""

    def __init__(self, *, width: int = 32, seed: int) -> None:
        """Takes windows of 4 x 4 pixels or more."""
        super().__init__()
        check_positive(width=width)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = nn.Sequential(
                nn.Conv2d(3, width, 4, stride=2, padding=1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
                nn.LeakyReLU(0.2),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(2 * width, 1),
            )
            self.net.apply(_small_weights)

    def forward(self, windows_B3HW: Tensor) -> Tensor:
        """Logits (B,)."""
        logits_B1: Tensor = self.net(windows_B3HW)
        return logits_B1[:, 0]


def _small_weights(layer: nn.Module) -> None:
    """DCGAN's start: normal with standard deviation 0.02."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(layer.weight, std=0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def gan_losses(
    discriminator: nn.Module, real_B3HW: Tensor, changed_B3HW: Tensor
) -> tuple[Tensor, Tensor]:
    """The generator's loss and the discriminator's (Goodfellow et al., 2014, non-saturating).

    The first has gradients for what changed the images alone, the second for the
    discriminator alone, so that one backward pass of their sum serves both players.
    """
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}
    deceived_B = functional_call(discriminator, frozen, (changed_B3HW,))
    real_B, changed_B = discriminator(real_B3HW), discriminator(changed_B3HW.detach())
    return (
        F.softplus(-deceived_B).mean(),
        F.softplus(-real_B).mean() + F.softplus(changed_B).mean(),
    )


# -- The loop ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CraftSettings:
    """How a canvas is optimised."""

    steps: int
    """Of Adam."""
    learning_rate: float
    """At the start, falling to 0 along a cosine."""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam's decay rates (AdvCLIP)."""
    clip_discriminator: float = 0.01
    """Largest absolute weight of a discriminator after every step (AdvCLIP)."""
    seed: int = 0
    """Of batches and places."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(
            steps=self.steps,
            learning_rate=self.learning_rate,
            clip_discriminator=self.clip_discriminator,
        )
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"Adam's betas must lie in [0, 1), got {self.betas}")


CanvasLoss = Callable[[Tensor, Generator], Tensor]
"""The loss of the pixels (3, S, S) on a batch drawn from the generator."""


def craft(
    canvas: nn.Module,
    loss_of_pixels: CanvasLoss,
    settings: CraftSettings,
    *,
    discriminator: nn.Module | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Tensor:
    """The optimised pixels (3, S, S) in [0, 1]; a killed run goes on from its checkpoint.

    A discriminator learns in the same steps, if the loss includes both of `gan_losses`.
    """
    players = nn.ModuleDict({"canvas": canvas})
    if discriminator is not None:
        players["discriminator"] = discriminator
    optimizer = torch.optim.Adam(
        players.train().parameters(), lr=settings.learning_rate, betas=settings.betas
    )
    learner = Learner(
        modules=players,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps),
        generator=Generator().manual_seed(settings.seed),
    )

    def loss_of_step(generator: Generator) -> Tensor:
        if discriminator is not None:
            _clip(discriminator, settings.clip_discriminator)
        return loss_of_pixels(canvas(), generator)

    steps = settings.steps
    fit(loss_of_step, learner, steps=steps, checkpoint=checkpoint, progress=progress)
    pixels_3SS: Tensor = canvas()
    return pixels_3SS


@torch.no_grad()
def _clip(module: nn.Module, bound: float) -> None:
    for weight in module.parameters():
        weight.clamp_(-bound, bound)
