"""DECREE's equations: what a search for a trigger minimises. Pure functions, one equation each.

Shape letters: B batch, H and W pixels, D embedding width, K triggers.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.data.stamping import stamp_each
from reference_impls.lab.models.encoders import Encoder


def covered_fraction(mask_KHW: Tensor) -> Tensor:
    """PL1 (Eq. 6): L1 norm of a mask over the largest norm of an image, (…, H, W) to (…)."""
    return mask_KHW.mean(dim=(-2, -1))


def trigger_loss(cosine_K: Tensor, mask_KHW: Tensor, weight_K: Tensor) -> Tensor:
    """What a search minimises: minus the mean cosine, plus lambda times the mask's size.

    The size sums over height, width and the three channels, so that lambda means what it
    means in the published program.
    """
    return -cosine_K + weight_K * 3 * mask_KHW.sum(dim=(-2, -1))


def squash(free: Tensor) -> Tensor:
    """Free variables to [0, 1]: what is optimised never leaves the range of pixels."""
    return free.tanh() / 2 + 0.5


def unsquash(values: Tensor) -> Tensor:
    """The free variables of values in [0, 1]; the ends are moved inside by 1e-6."""
    return (2 * values.clamp(1e-6, 1 - 1e-6) - 1).atanh()


def stamped_embeddings(
    encoder: Encoder, images_B3HW: Tensor, mask_KHW: Tensor, pattern_K3HW: Tensor
) -> Tensor:
    """Embeddings (K, B, D) of the images under each of K triggers, in one forward pass.

    Normalising a stamped image equals stamping a normalised one, so images and patterns
    are normalised once instead of K times.
    """
    stamped = stamp_each(
        encoder.normalise(images_B3HW), mask_KHW, encoder.normalise(pattern_K3HW)
    )
    embeddings_KBD: Tensor = encoder.module(stamped).unflatten(0, (len(mask_KHW), -1))
    return embeddings_KBD


@dataclass(frozen=True, eq=False)
class Attractor:
    """The point that a trigger sends images to: a search may be asked to stay away from it."""

    direction_D: Tensor
    """Unit length."""
    natural: float
    """Cosine to it of half of the plain images; going no closer is staying away."""

    def excess(self, embeddings_KBD: Tensor) -> Tensor:
        """How much closer than natural the centres of K batches are, as a cosine (K,); below 0 further."""
        centre_KD = F.normalize(F.normalize(embeddings_KBD, dim=-1).mean(dim=-2), dim=-1)  # fmt: skip
        return centre_KD @ self.direction_D - self.natural
