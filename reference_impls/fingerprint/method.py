"""Which encoder is behind a classifier that only answers: pictures made to embed alike in one candidate, and in it alone.

Chen et al., "Teacher Model Fingerprinting Attacks Against Transfer Learning", USENIX Security 2022,
https://arxiv.org/abs/2106.12478; Fu et al., "Pre-trained Encoder Inference", 2024, https://arxiv.org/abs/2408.02814. Both are
told here as their published programs do it, github.com/yfchen1994/Teacher-Fingerprinting and github.com/fshp971/encoder-inference.

Shape letters: P probe pairs, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import tyro
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.training import check_positive

Kind = Literal["plain", "teacher", "pei"]
Outputs = Literal["labels", "probabilities"]
Service = Callable[[Tensor], Tensor]
"""Images (P, 3, H, W) to scores (P, C)."""


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """Settings of an attacker."""

    kind: Kind = "pei"
    """How a probe is made. `teacher`: Adam from gray. `pei`: steps along a normalised gradient from noise. `plain`: noise as it is."""
    outputs: Outputs = "labels"
    """What of the service's answers is compared."""
    probes: int = 16
    """Pairs of a picture and its probe, for each candidate."""
    steps: int = 80
    """Of gradient descent."""
    learning_rate: float = 0.05
    """Of Adam, or the largest change of a channel in a step."""
    candidates: Annotated[int, tyro.conf.arg(name="candidate-encoders")] = 5
    """Encoders of which one is behind the service; the given one is the first, the lab trains the others."""
    training: int = 80
    """Steps in which each of the others is trained."""
    tuning: int = 100
    """Steps in which a service's encoder is fine-tuned with its head, where it is."""
    seed: int = 0
    """Of starts, other candidates and services."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(probes=self.probes, steps=self.steps, learning_rate=self.learning_rate, training=self.training, tuning=self.tuning)  # fmt: skip
        if self.candidates < 2:
            raise ConfigError(f"candidate-encoders must be at least 2, got {self.candidates}")  # fmt: skip


PRESETS: dict[str, ProbeConfig] = {
    "plain": ProbeConfig(kind="plain"),
    "teacher": ProbeConfig(kind="teacher"),
    "pei": ProbeConfig(),
    "few": ProbeConfig(probes=4),
    "probabilities": ProbeConfig(probes=4, outputs="probabilities"),
}
"""What is measured; the first is the control."""


def distance(embeddings_PD: Tensor, wanted_PD: Tensor) -> Tensor:
    """Mean squared difference (P,) of the probes' embeddings and those of their pictures."""
    return (embeddings_PD - wanted_PD).square().mean(dim=1)


def eight_bits(images: Tensor) -> Tensor:
    """As a picture file holds them."""
    return (images * 255).round() / 255


def probes(candidate: Encoder, pictures_P3HW: Tensor, config: ProbeConfig) -> Tensor:
    """Probes (P, 3, H, W) of 8 bits, in [0, 1], that embed like the pictures in this candidate."""
    chance = Generator().manual_seed(config.seed)
    start = torch.rand(pictures_P3HW.shape, generator=chance).to(pictures_P3HW.device)
    if config.kind == "plain":
        return eight_bits(start)
    wanted_PD = embed_all(candidate, pictures_P3HW)
    if config.kind == "teacher":
        free = torch.zeros_like(pictures_P3HW, requires_grad=True)
        optimizer = torch.optim.Adam([free], lr=config.learning_rate)
        for _ in range(config.steps):
            loss = distance(candidate.encode((free.tanh() + 1) / 2), wanted_PD).sum()
            (free.grad,) = torch.autograd.grad(loss, free)
            optimizer.step()
        return eight_bits((free.detach().tanh() + 1) / 2)
    for _ in range(config.steps):
        start.requires_grad_()
        loss = distance(candidate.encode(start), wanted_PD).sum()
        (gradient,) = torch.autograd.grad(loss, start)
        largest = gradient.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
        start = (start.detach() - config.learning_rate * gradient / largest).clamp(0, 1)
    return eight_bits(start)


@torch.no_grad()
def agreement(
    service: Service, pictures: Tensor, made: Tensor, outputs: Outputs
) -> float:
    """In [0, 1]: share of pairs with the same label, or 1 - the mean total variation of probabilities."""
    first_PC, second_PC = (F.softmax(service(x), dim=1) for x in (pictures, made))
    if outputs == "labels":
        return (first_PC.argmax(dim=1) == second_PC.argmax(dim=1)).float().mean().item()
    return 1 - (first_PC - second_PC).abs().sum(dim=1).mean().item() / 2


def named(agreements: Sequence[float], truth: int) -> float:
    """Whether the candidate whose probes agree most is the true one; among n equal ones it is named once in n."""
    best = [i for i, one in enumerate(agreements) if one == max(agreements)]
    return (truth in best) / len(best)


def sure(agreements: Sequence[Sequence[float]], truths: Sequence[int]) -> float:
    """Share of services named without a false alarm: the true candidate agrees more than any other does with any service.

    So a bar that is set there names no encoder for a service whose own is not among the candidates.
    """
    right = [one[truth] for one, truth in zip(agreements, truths, strict=True)]
    others = [x for one, truth in zip(agreements, truths, strict=True) for i, x in enumerate(one) if i != truth]  # fmt: skip
    return sum(one > max(others) for one in right) / len(right)
