"""The contrastive loss that attacks on encoders turn around.

Shape letters: B batch, D embedding width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def info_nce(queries_BD: Tensor, keys_BD: Tensor, temperature: float = 0.1) -> Tensor:
    """InfoNCE with in-batch negatives (van den Oord et al., 2018, Eq. 4), mean over queries.

    Row i of the keys is the positive of query i, all other rows are its negatives; the
    score of a pair is its cosine over the temperature. log B when all pairs score alike.
    """
    cosines_BB = F.normalize(queries_BD, dim=1) @ F.normalize(keys_BD, dim=1).T
    own_B = torch.arange(len(queries_BD), device=queries_BD.device)
    return F.cross_entropy(cosines_BB / temperature, own_B)
