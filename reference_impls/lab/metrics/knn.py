"""What embeddings are good for without training anything: the vote of the nearest neighbours.

Shape letters: N images, M images of the bank, D embedding width, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError


@dataclass(frozen=True, eq=False)
class KNNClassifier:
    """A weighted k-nearest-neighbour classifier on cosines (Wu et al., CVPR 2018)."""

    unit_MD: Tensor
    """Labelled embeddings of unit length."""
    labels_M: Tensor
    classes: int
    k: int = 20
    """KNNClassifier that vote."""
    temperature: float = 0.07
    """A neighbour at cosine c votes with weight exp(c / temperature)."""

    @classmethod
    def of(
        cls,
        embeddings_MD: Tensor,
        labels_M: Tensor,
        *,
        classes: int,
        k: int = 20,
        temperature: float = 0.07,
    ) -> KNNClassifier:
        """The classifier that remembers these embeddings.

        Raises:
            ConfigError: fewer embeddings than neighbours, or a k or temperature not above 0.
        """
        if not 1 <= k <= len(embeddings_MD):
            raise ConfigError(
                f"k must lie in 1..{len(embeddings_MD)}, the number of labelled images, got {k}"
            )
        if not temperature > 0:
            raise ConfigError(f"temperature must be above 0, got {temperature}")
        unit_MD = F.normalize(embeddings_MD, dim=1)
        return cls(unit_MD, labels_M, classes, k, temperature)

    @torch.no_grad()
    def predict(self, embeddings_ND: Tensor) -> Tensor:
        """Class indices (N,)."""
        cosines_NM = F.normalize(embeddings_ND, dim=1) @ self.unit_MD.T
        nearest = cosines_NM.topk(self.k, dim=1)
        # Weights relative to the nearest one: exp(1 / 0.07) alone would be 1.6 million.
        weights_NK = ((nearest.values - nearest.values[:, :1]) / self.temperature).exp()
        votes_NC = cosines_NM.new_zeros(len(embeddings_ND), self.classes)
        votes_NC.scatter_add_(1, self.labels_M[nearest.indices], weights_NK)
        return votes_NC.argmax(dim=1)
