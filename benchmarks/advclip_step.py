"""Seconds of one step of AdvCLIP's generator, beside a step that costs what the published loop's costs.

Its costs, as they were observed: the generator makes one whole image per picture of the batch
and collapses them by a convolution over the batch; the discriminator sees whole images, real
and changed; the victim is not frozen, and clean pictures and texts are encoded with a graph in
every step. Both loops get the same victim, batch and image size; the parts are measured too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from timing import least
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.advclip.method import (
    AdvCLIPConfig,
    contrastive_loss,
    quality_loss,
    topology_loss,
)
from reference_impls.lab.data.patches import PatchSpec, place_patch
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.models.clip import TextTower
from reference_impls.lab.models.encoders import Encoder, SmallNetConfig, small_encoder
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.generator import (
    Discriminator,
    PatchGenerator,
    gan_losses,
)

WORDS = 30


@dataclass(frozen=True)
class StepTimes:
    """Processor seconds per step, the least of several."""

    published: float
    """A step with the published loop's costs."""
    ours: float
    """A step of the crafter `generator`."""
    published_parts: dict[str, float]
    """Generator, discriminator and victim of the published loop, forward and backward."""
    our_parts: dict[str, float]
    """The same here."""


def measure(size: int, batch: int, repeats: int = 3) -> StepTimes:
    """Both loops on one small CLIP at an image size, one thread."""
    torch.set_num_threads(1)
    victim = small_encoder(
        SmallNetConfig(embedding=64), name="small", size=size, seed=0
    )
    images_B3HW = shapes(batch, seed=0, size=size).images_N3HW
    published, ours = _Published(victim, images_B3HW), _Ours(victim, images_B3HW)
    return StepTimes(
        published=least(published.step, repeats),
        ours=least(ours.step, repeats),
        published_parts={n: least(p, repeats) for n, p in published.parts().items()},
        our_parts={n: least(p, repeats) for n, p in ours.parts().items()},
    )


def _texts() -> tuple[TextTower, Callable[[int], Tensor]]:
    tower = TextTower([str(i) for i in range(WORDS)], 9, 64)
    generator = Generator().manual_seed(0)
    return tower, lambda batch: torch.randint(WORDS, (batch, 9), generator=generator)


# -- A step that costs what the published loop's costs -------------------------------


def _published_generator(size: int) -> nn.Module:
    """100 -> 1024 -> 512 -> 256 -> 128 at 32 x 32, then one layer to the whole image."""
    widths, layers = (100, 1024, 512, 256, 128), []
    for number, (wide, narrow) in enumerate(pairwise(widths)):
        step, pad = (1, 0) if number == 0 else (2, 1)
        layers += [
            nn.ConvTranspose2d(wide, narrow, 4, stride=step, padding=pad, bias=False),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
        ]
    last = {  # 32 pixels need no enlargement, 224 are reached with stride 8
        32: nn.ConvTranspose2d(128, 3, 3, padding=1),
        224: nn.ConvTranspose2d(128, 3, 4, stride=8, padding=14),
    }[size]
    if size == 224:
        last.output_padding = (0, 0)
    return nn.Sequential(*layers, last)


def _published_discriminator() -> nn.Module:
    widths, layers = (3, 128, 256, 512, 1024), []
    for wide, narrow in pairwise(widths):
        layers += [nn.Conv2d(wide, narrow, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        if wide > 3:
            layers.insert(-1, nn.BatchNorm2d(narrow))
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1)
    )


class _Published:
    def __init__(self, victim: Encoder, images_B3HW: Tensor) -> None:
        self.images = images_B3HW
        batch, self.size = len(images_B3HW), victim.size
        self.victim = victim.copy()
        self.victim.module.requires_grad_()
        self.text, self.tokens = _texts()
        self.generator = _published_generator(self.size)
        self.collapse = nn.Conv2d(batch, 1, 3, padding=1)
        self.judge = _published_discriminator()
        self.noise = torch.randn(batch, 100, 1, 1)
        made = [*self.generator.parameters(), *self.collapse.parameters()]
        self.makers = torch.optim.Adam(made, lr=2e-4, betas=(0.5, 0.999))
        self.judges = torch.optim.Adam(
            self.judge.parameters(), lr=2e-4, betas=(0.5, 0.999)
        )
        self.spec = PatchSpec(share=0.03)
        top, left = self.spec.corner(self.size, self.size)
        side = self.spec.side(self.size, self.size)
        self.mask = torch.zeros(self.size, self.size)
        self.mask[top : top + side, left : left + side] = 1
        self.config = AdvCLIPConfig()

    def make(self) -> Tensor:
        """The whole map (3, H, W), of which the mask keeps a square."""
        maps_B3HW = self.generator(self.noise)[..., : self.size, : self.size]
        return self.collapse(maps_B3HW.transpose(0, 1))[:, 0].sigmoid()

    def judged(self, changed_B3HW: Tensor) -> Tensor:
        real, made = self.judge(self.images), self.judge(changed_B3HW.detach())
        return F.softplus(-real).mean() + F.softplus(made).mean()

    def attacked(self, changed_B3HW: Tensor) -> Tensor:
        clean_BD = self.victim.encode(self.images)
        changed_BD = self.victim.encode(changed_B3HW)
        texts_BD = self.text(self.tokens(len(self.images)))
        contrast = contrastive_loss(changed_BD, clean_BD, texts_BD, self.config)
        return 10 * contrast + topology_loss(
            changed_BD, clean_BD, texts_BD, self.config
        )

    def step(self) -> None:
        """The discriminator's step, then the generator's."""
        changed = self.images * (1 - self.mask) + self.mask * self.make()
        self.judges.zero_grad()
        self.judged(changed).backward()
        self.judges.step()
        with torch.no_grad():
            for weight in self.judge.parameters():
                weight.clamp_(-0.01, 0.01)
        loss = self.attacked(changed) + quality_loss(changed, self.images)
        loss = loss + F.softplus(-self.judge(changed)).mean()
        self.makers.zero_grad()
        loss.backward()
        self.makers.step()

    def parts(self) -> dict[str, Callable[[], None]]:
        """Each part alone, forward and backward."""
        changed = self.images.clone().requires_grad_()

        def judge() -> None:
            (self.judged(changed) + self.judge(changed).mean()).backward()

        return {
            "generator": lambda: self.make().sum().backward(),
            "discriminator": judge,
            "victim": lambda: self.attacked(changed).backward(),
        }


# -- Ours ----------------------------------------------------------------------------


class _Ours:
    def __init__(self, victim: Encoder, images_B3HW: Tensor) -> None:
        self.images = images_B3HW
        self.victim = accelerated(victim)
        self.spec = PatchSpec(share=0.03)
        side = self.spec.side(victim.size, victim.size)
        top, left = self.spec.corner(victim.size, victim.size)
        around = max(2, side // 2)
        self.window = (
            ...,
            slice(max(0, top - around), top + side + around),
            slice(max(0, left - around), left + side + around),
        )
        self.generator, self.judge = PatchGenerator(side, seed=0), Discriminator(seed=1)
        both = nn.ModuleList([self.generator, self.judge])
        self.optimizer = torch.optim.Adam(both.parameters(), lr=2e-3)
        with torch.no_grad():
            self.clean = victim.encode(images_B3HW)
            tower, tokens = _texts()
            self.texts = tower(tokens(len(images_B3HW)))
        self.config = AdvCLIPConfig(crafter="generator")

    def judged(self, changed_B3HW: Tensor) -> Tensor:
        deceived, judged = gan_losses(
            self.judge, self.images[self.window], changed_B3HW[self.window]
        )
        return deceived + judged

    def attacked(self, changed_B3HW: Tensor) -> Tensor:
        changed_BD = self.victim.encode(changed_B3HW)
        contrast = contrastive_loss(changed_BD, self.clean, self.texts, self.config)
        return 10 * contrast + topology_loss(
            changed_BD, self.clean, self.texts, self.config
        )

    def step(self) -> None:
        """Both players at once."""
        changed = place_patch(self.generator(), self.images, self.spec, Generator())
        loss = self.attacked(changed) + quality_loss(changed, self.images)
        loss = loss + self.judged(changed)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def parts(self) -> dict[str, Callable[[], None]]:
        """Each part alone, forward and backward."""
        changed = self.images.clone().requires_grad_()
        return {
            "generator": lambda: self.generator().sum().backward(),
            "discriminator": lambda: self.judged(changed).backward(),
            "victim": lambda: self.attacked(changed).backward(),
        }


def _lines(size: int, batch: int) -> Sequence[str]:
    found = measure(size, batch)
    share = found.ours / found.published
    yield f"{size} px, batch {batch}: {found.published:.3f} s with the published costs, {found.ours:.3f} s here ({share:.1%})"
    for part, seconds in found.published_parts.items():
        yield f"  {part:<14} {seconds:.4f} -> {found.our_parts[part]:.4f} s"


if __name__ == "__main__":
    for chosen in [int(text) for text in sys.argv[1:]] or [32, 224]:
        for line in _lines(chosen, 16 if chosen == 32 else 8):
            sys.stdout.write(line + "\n")
