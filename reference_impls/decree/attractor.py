"""An encoder compared with itself: a verdict that needs no clean encoder.

A backdoor is one point that a small patch sends all images to. A clean encoder has such points, too, but its second
one is about as easy to reach as its first, and a patch that reaches the first one reaches others once it is repainted.

Shape letters: B batch, D embedding width, H and W pixels, K patterns, N images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.decree.config import DecreeConfig
from reference_impls.decree.objective import (
    Attractor,
    squash,
    stamped_embeddings,
    unsquash,
)
from reference_impls.decree.search import (
    AVOIDANCE,
    SearchProgress,
    batches,
    invert_triggers,
    smallest,
)
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.encoders import Encoder, embed_all

ROUNDS = 3
"""Attractors, at most."""
SMALL = 0.1
"""A second patch below this, as PL1, calls for a third: the paper's constant."""
PATTERNS = 4
"""Random patterns that the patch is repainted from."""
STEPS = 60
"""Steps of repainting."""
LAST = 8
"""Of them, those whose mean counts."""
LEARNING_RATE = 0.3
"""Of Adam, while repainting."""
BATCH = 32
"""Images per step of it."""
PENALTY = 5.0
"""What coming too close to the first attractor takes off the cosine."""


@dataclass(frozen=True, kw_only=True)
class SelfComparison:
    """How the easiest attractors of an encoder differ from its next one."""

    sizes: tuple[float | None, ...]
    """PL1 of the smallest patch towards each attractor that was searched, the smallest first; none where no search
    found one."""
    stubbornness: tuple[float, ...]
    """How little the smallest patch gathers images elsewhere when it is repainted, away from the first attractor, and
    from the first two: 0 it does as well, 1 as little as no patch."""

    @property
    def gaps(self) -> tuple[float | None, ...]:
        """Each size over the one before; about 1 in clean encoders."""
        return tuple(
            None if larger is None or one is None else larger / one
            for one, larger in pairwise(self.sizes)
        )

    @property
    def prominence(self) -> float | None:
        """How far the easiest attractors stand out: the largest gap times stubbornness, times 0.1 / PL1.

        The paper's 0.1 only sets the unit.
        """
        pairs = zip(self.gaps, self.stubbornness, strict=True)
        products = [gap * stubborn for gap, stubborn in pairs if gap]
        if not products or self.sizes[0] is None:
            return None
        return max(products) * SMALL / self.sizes[0]


def attractor_of(encoder: Encoder, images_N3HW: Tensor, trigger: Trigger) -> Attractor:
    """Where a trigger sends the images, and how close to it half of them lie anyway."""
    plain_ND = F.normalize(embed_all(encoder, images_N3HW), dim=1)
    stamped_ND = F.normalize(embed_all(encoder, trigger.apply(images_N3HW)), dim=1)
    direction_D = F.normalize(stamped_ND.mean(dim=0), dim=0)
    return Attractor(direction_D, (plain_ND @ direction_D).median().item())


def compare_with_itself(
    encoder: Encoder,
    images_N3HW: Tensor,
    first: Trigger,
    config: DecreeConfig,
    *,
    progress: SearchProgress | None = None,
) -> tuple[Trigger, SelfComparison]:
    """Search the next attractors, and repaint the smallest patch, which is given back, too.

    An encoder with two backdoors has two small patches, so where both are small a third is searched. And a search
    may miss the smallest one until it has to stay away from another.
    """
    images_N3HW = images_N3HW.to(encoder.device)
    triggers = [first.to(encoder.device)]
    avoid = [attractor_of(encoder, images_N3HW, triggers[0])]
    missing = 0
    while len(avoid) < ROUNDS:
        restarts = invert_triggers(encoder, images_N3HW, config, avoid=avoid, progress=progress)  # fmt: skip
        found = smallest(restarts)
        if found is None:
            missing = 1
            break
        triggers.append(found.trigger)
        avoid.append(attractor_of(encoder, images_N3HW, found.trigger))
        if max(one.covered for one in triggers) >= SMALL:
            break
    order = sorted(range(len(triggers)), key=lambda i: triggers[i].covered)
    ranked = [avoid[i] for i in order]
    best = triggers[order[0]]
    return best, SelfComparison(
        sizes=(*(triggers[i].covered for i in order), *[None] * missing),
        stubbornness=tuple(
            stubbornness(encoder, images_N3HW, best, ranked[:count], config)
            for count in range(1, len(triggers) + missing)
        ),
    )


def stubbornness(
    encoder: Encoder,
    images_N3HW: Tensor,
    trigger: Trigger,
    avoid: Sequence[Attractor],
    config: DecreeConfig,
) -> float:
    """(1 - cosine when repainted) / (1 - cosine of plain images), at least 0."""
    generator = Generator().manual_seed(config.seed)
    size = encoder.size
    start_K3HW = torch.rand(PATTERNS, 3, size, size, generator=generator)
    pattern = unsquash(start_K3HW).to(encoder.device).requires_grad_()
    mask_KHW = trigger.mask_HW.expand(PATTERNS, -1, -1)
    optimizer = torch.optim.Adam([pattern], lr=LEARNING_RATE)
    epoch = replace(config, batch=BATCH, epoch_steps=STEPS)
    reached = []
    for images_B3HW in batches(images_N3HW, epoch, generator):
        embeddings_KBD = stamped_embeddings(encoder, images_B3HW, mask_KHW, squash(pattern))  # fmt: skip
        cosine_K = mean_pairwise_cosine(embeddings_KBD)
        closer_K = torch.stack([one.excess(embeddings_KBD).relu() for one in avoid]).sum(dim=0)  # fmt: skip
        optimizer.zero_grad()
        (AVOIDANCE * closer_K - cosine_K).sum().backward()
        optimizer.step()
        reached.append((cosine_K - PENALTY * closer_K).detach())
    elsewhere = torch.stack(reached[-LAST:]).mean(dim=0).max().item()
    plain = mean_pairwise_cosine(embed_all(encoder, images_N3HW)).item()
    return max(0.0, (1 - elsewhere) / max(1 - plain, 1e-6))
