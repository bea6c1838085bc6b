"""The genetic regulariser of stage 1: how the samples of a batch lie to each other.

A batch is a graph whose edges are cosine distances. The regulariser compares the graph of
one kind of features with a target made of another's, in which pairs that the model gets
wrong are drawn together if they share a class and pushed apart if they do not. Section 5.2
of the README has the same in formulas.

Shape letters: N images of a batch, D width of features or logits.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

CLAMP = 1e-6
"""Distances are kept this far from 0 and from 2, so that no logarithm is infinite."""
SOFTNESS = 32.0
"""The sum of two losses is divided by this before the tanh, as in the published program."""


def relative_distances(features_ND: Tensor) -> Tensor:
    """Cosine distances (N, N), each row less that to its nearest neighbour; 0 on the diagonal.

    Entries lie in [0, 2]. Invariant to the length of every row.
    """
    unit_ND = F.normalize(features_ND, dim=1)
    distance_NN = 1 - unit_ND @ unit_ND.T
    itself_NN = torch.eye(len(features_ND), dtype=torch.bool, device=features_ND.device)
    nearest_N1 = distance_NN.masked_fill(itself_NN, float("inf")).amin(
        dim=1, keepdim=True
    )
    return (distance_NN - nearest_N1).masked_fill(itself_NN, 0.0)


def evolved_distances(
    distance_NN: Tensor, labels_N: Tensor, difficulty_N: Tensor
) -> Tensor:
    """The target: distances corrected by the labels, the more the harder a pair is.

    `(1 - W) D + 2 S W` with W = tanh((w_i + w_j) / 32) and S = -1 within a class, +1 across
    classes. `difficulty_N` (w, at least 0) is each sample's loss.
    """
    weight_NN = torch.tanh((difficulty_N[:, None] + difficulty_N[None, :]) / SOFTNESS)
    across_NN = 1.0 - 2.0 * (labels_N[:, None] == labels_N[None, :]).to(distance_NN)
    return (1 - weight_NN) * distance_NN + 2 * across_NN * weight_NN


def neighbour_probabilities(distance_NN: Tensor) -> Tensor:
    """Distances as similarities `(2 - D) / 2`, each row summing to 1."""
    similarity_NN = (2 - distance_NN.clamp(CLAMP, 2 - CLAMP)) / 2
    return similarity_NN / similarity_NN.sum(dim=1, keepdim=True)


def graph_divergence(target_NN: Tensor, probability_NN: Tensor) -> Tensor:
    """Sum over all edges of KL(p || q) of the two-valued variable "is a neighbour".

    A sum, not a mean, as in the published program: it grows with the batch.
    """

    def part(p_NN: Tensor, q_NN: Tensor) -> Tensor:
        return (p_NN * (p_NN.log() - q_NN.log())).sum()

    return part(target_NN, probability_NN) + part(1 - target_NN, 1 - probability_NN)


def genetic_loss(
    features_ND: Tensor, parent_ND: Tensor, labels_N: Tensor, difficulty_N: Tensor
) -> Tensor:
    """How far the graph of `features_ND` is from the evolved graph of `parent_ND`; at least 0.

    The two may have different widths. Nothing is detached: whoever wants a fixed parent
    hands in a detached one. Needs two images or more.
    """
    target_NN = neighbour_probabilities(
        evolved_distances(relative_distances(parent_ND), labels_N, difficulty_N)
    )
    return graph_divergence(
        target_NN, neighbour_probabilities(relative_distances(features_ND))
    )
