"""How alike embeddings are: the quantity that attacks raise and detectors look for.

Shape letters: B batch, D embedding width; leading dimensions (…) are kept.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def mean_pairwise_cosine(embeddings_BD: Tensor) -> Tensor:
    """Mean cosine over all pairs of different rows, in [-1, 1]; (…, B, D) to (…).

    DECREE's Eq. 4 also averages the pairs of a row with itself; its published program
    leaves them out, and so do we. |sum of unit vectors|^2 counts every ordered pair
    once and B self-pairs, so the B x B matrix is never formed.
    """
    unit_BD = F.normalize(embeddings_BD, dim=-1)
    batch = unit_BD.shape[-2]
    total = unit_BD.sum(dim=-2).square().sum(dim=-1)
    return (total - batch) / (batch * (batch - 1))


def mean_cosine_to(embeddings_BD: Tensor, direction_1D: Tensor) -> Tensor:
    """Mean cosine between each row and one vector (or the same row of an equal batch)."""
    return F.cosine_similarity(embeddings_BD, direction_1D, dim=-1).mean()
