"""What a service may do to every embedding that it gives away, in front of whoever asks: add noise, or round.

Shape letters: B batch, N pictures of the owner, D embedding width.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from reference_impls.embedding_inversion.method import rounded
from reference_impls.lab.models.encoders import Encoder, embed_all

NOISE, BITS = 1.0, 1
"""Standard deviation of the noise, in that of each number of an embedding; bits that rounding leaves of each."""


class Guard(nn.Module):
    """Embeddings (B, D) to what is given away; how numbers spread is learned from the owner's own embeddings (N, D)."""

    def __init__(
        self, known_ND: Tensor, *, noise: float = 0, bits: int = 0, seed: int = 0
    ) -> None:
        """With neither noise nor bits embeddings stay as they are; noise is drawn anew for every question."""
        super().__init__()
        self.mean_D, self.std_D = known_ND.mean(dim=0), known_ND.std(dim=0)
        self.noise, self.bits = noise, bits
        self.chance = Generator().manual_seed(seed)

    def forward(self, z_BD: Tensor) -> Tensor:
        """What is given away, (B, D)."""
        if self.bits:
            return rounded(z_BD, self.mean_D, self.std_D, self.bits)
        if not self.noise:
            return z_BD
        drawn_BD = torch.randn(z_BD.shape, generator=self.chance).to(z_BD.device)
        return z_BD + self.noise * self.std_D * drawn_BD


def guard(encoder: Encoder, own_N3HW: Tensor, protection: str, seed: int) -> Guard:
    """That of a column, `noise` or `rounding`; any other leaves embeddings alone."""
    known_ND = embed_all(encoder, own_N3HW)
    noise = NOISE * (protection == "noise")
    return Guard(known_ND, noise=noise, bits=BITS * (protection == "rounding"), seed=seed)  # fmt: skip


def guarded(encoder: Encoder, own_N3HW: Tensor, protection: str, seed: int) -> Encoder:
    """The encoder as others see it."""
    behind = guard(encoder, own_N3HW, protection, seed)
    return replace(encoder, module=nn.Sequential(encoder.module, behind))
