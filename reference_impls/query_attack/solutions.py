"""Sparse changes of images, and the operators that make new ones out of them.

Williams and Li, CVPR 2023, https://doi.org/10.1109/CVPR52729.2023.01183, section 3.2.

Shape letters: N solutions, K pixels of a solution, M of them that are exchanged, P pixels of an
image, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Draws = Callable[[Tensor], Tensor]
"""Random numbers in [0, 1), of the shape of its argument."""


@dataclass(frozen=True, eq=False)
class Solutions:
    """Which pixels change, and how."""

    pixels_NK: Tensor
    """Places, row by row, no two of a solution alike."""
    values_NK3: Tensor
    """-1, 0 or 1 for each channel."""

    def at(self, places_NM: Tensor) -> Solutions:
        """M of the K pixels of each."""
        places_NM3 = places_NM.unsqueeze(2).expand(-1, -1, 3)
        pixels_NM = self.pixels_NK.gather(1, places_NM)
        return Solutions(pixels_NM, self.values_NK3.gather(1, places_NM3))

    def replaced(self, fresh: Solutions, wanted_NM: Tensor, draws: Draws) -> Solutions:
        """With the wanted ones of M fresh pixels at places drawn among the K."""
        places_NM = draws(self.pixels_NK).topk(wanted_NM.shape[1], dim=1).indices
        old, wanted_NM1 = self.at(places_NM), wanted_NM.unsqueeze(2)
        pixels_NM = torch.where(wanted_NM, fresh.pixels_NK, old.pixels_NK)
        values_NM3 = torch.where(wanted_NM1, fresh.values_NK3, old.values_NK3)
        places_NM3 = places_NM.unsqueeze(2).expand_as(values_NM3)
        return Solutions(
            self.pixels_NK.scatter(1, places_NM, pixels_NM),
            self.values_NK3.scatter(1, places_NM3, values_NM3),
        )

    def change(self, images_N3HW: Tensor) -> Tensor:
        """The images with the values added, in [0, 1]."""
        places_N3K = self.pixels_NK.unsqueeze(1).expand(-1, 3, -1)
        values_N3K = self.values_NK3.transpose(1, 2)
        changed_N3P = images_N3HW.flatten(2).scatter_add(2, places_N3K, values_N3K)
        return changed_N3P.view_as(images_N3HW).clamp(0, 1)


def sample(scores_NP: Tensor, count: int, zeros: float, draws: Draws) -> Solutions:
    """The pixels of the highest scores; values are 0 with probability `zeros`, else -1 or 1 alike often."""
    pixels_NM = scores_NP.topk(count, dim=1).indices
    chance_NM3 = draws(pixels_NM.unsqueeze(2).expand(-1, -1, 3))
    values_NM3 = 1 - 2 * (chance_NM3 < (1 + zeros) / 2).float()
    return Solutions(pixels_NM, values_NM3.masked_fill(chance_NM3 < zeros, 0))


def crossover(
    own: Solutions, other: Solutions, share: float, draws: Draws
) -> Solutions:
    """As many as min(share x K, |U|) pixels of `own` give way to some of U, the pixels that only `other` has."""
    shared_NKK = other.pixels_NK.unsqueeze(2) == own.pixels_NK.unsqueeze(1)
    scores_NK = draws(own.pixels_NK).masked_fill(shared_NKK.any(dim=2), -1)
    best = scores_NK.topk(_count(share, own), dim=1)
    return own.replaced(other.at(best.indices), best.values >= 0, draws)


def mutation(
    own: Solutions, share: float, area: int, zeros: float, draws: Draws
) -> Solutions:
    """A share of the K pixels of `own` gives way to others, of the image's `area`, with new values."""
    scores_NP = draws(own.pixels_NK[:, :1].expand(-1, area))
    scores_NP = scores_NP.scatter(1, own.pixels_NK, -1.0)
    fresh = sample(scores_NP, _count(share, own), zeros, draws)
    return own.replaced(fresh, torch.ones_like(fresh.pixels_NK).bool(), draws)


def _count(share: float, own: Solutions) -> int:
    return max(int(share * own.pixels_NK.shape[1]), int(share > 0))
