"""PatchSearch: a patch that moves other pictures into the cluster of its own is a trigger.

Tejankar et al., "Defending Against Patch-based Backdoor Attacks on Self-Supervised Learning", CVPR 2023,
https://arxiv.org/abs/2304.01482: cluster, cut out what Grad-CAM sees, paste, count, search on in bad clusters, train a classifier.

Shape letters: N pictures, B batch, K clusters, P patches, D embedding width, W window side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import (
    Encoder,
    SmallNetConfig,
    embed_all,
    small_encoder,
)
from reference_impls.lab.models.feature_maps import feature_maps
from reference_impls.lab.models.training import (
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
)

BATCH = 64
"""Pictures in a training step of the classifier."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Settings of the search; the paper's are for pictures of 224 px."""

    clusters: int = 16
    """PatchSearch: clusters of embeddings."""
    window: int = 8
    """PatchSearch: edge of the patch that is cut out, in pixels."""
    flips: int = 64
    """PatchSearch: pictures that a candidate patch is pasted on."""
    place: Literal["random", "own"] = "own"
    """PatchSearch: a patch is pasted at random places, or where it was cut out."""
    samples: int = 6
    """PatchSearch: candidates of each cluster in a round."""
    dropped: float = 0.25
    """PatchSearch: share of clusters, the least suspicious, that leave after a round."""
    top: int = 5
    """PatchSearch: patches that the classifier learns from."""
    steps: int = 150
    """PatchSearch: training steps of the classifier."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(clusters=self.clusters, window=self.window, flips=self.flips)
        check_positive(samples=self.samples, top=self.top, steps=self.steps)
        if not 0 < self.dropped < 1:
            raise ConfigError(f"dropped must lie in (0, 1), got {self.dropped}")


def k_means(unit_ND: Tensor, clusters: int, chance: Generator, rounds: int = 20) -> Tensor:  # fmt: skip
    """Unit-length centres (K, D) of unit-length embeddings; a cluster that loses all its pictures keeps its centre."""
    centre_KD = unit_ND[torch.randperm(len(unit_ND), generator=chance)[:clusters]]
    for _ in range(rounds):
        member_NK = F.one_hot((unit_ND @ centre_KD.T).argmax(dim=1), len(centre_KD))
        sum_KD = member_NK.to(unit_ND).T @ unit_ND
        kept_KD = torch.where(sum_KD.norm(dim=1, keepdim=True) > 0, sum_KD, centre_KD)
        centre_KD = F.normalize(kept_KD, dim=1)
    return centre_KD


@torch.enable_grad()
def heat(encoder: Encoder, images_B3HW: Tensor, centre_BD: Tensor) -> Tensor:
    """Grad-CAM (B, H, W), on the coarsest map, of the cosine with each picture's centre."""
    given: list[Tensor] = []
    hook = encoder.module.register_forward_hook(lambda _m, _i, out: given.append(out))
    try:
        map_BChw = feature_maps(encoder, images_B3HW.detach().requires_grad_())[-1]
    finally:
        hook.remove()
    cosine = (F.normalize(given[0], dim=1) * centre_BD).sum()
    (slope_BChw,) = torch.autograd.grad(cosine, map_BChw)
    weight_BC11 = slope_BChw.mean(dim=(2, 3), keepdim=True)
    seen_B1hw = (weight_BC11 * map_BChw.detach()).sum(dim=1, keepdim=True).relu()
    return F.interpolate(seen_B1hw, images_B3HW.shape[-2:], mode="bilinear", align_corners=False)[:, 0]  # fmt: skip


def hottest(heat_BHW: Tensor, window: int) -> Tensor:
    """Top row and left column (B, 2) of the window that holds the most heat."""
    held_Bhw = F.avg_pool2d(heat_BHW.unsqueeze(1), window, stride=1).squeeze(1)
    at_B, columns = held_Bhw.flatten(1).argmax(dim=1), held_Bhw.shape[-1]
    return torch.stack([at_B // columns, at_B % columns], dim=1)


def cut_out(images_B3HW: Tensor, places_B2: Tensor, window: int) -> Tensor:
    """The windows (B, 3, W, W) of the images at their places."""
    cut = zip(images_B3HW, places_B2.tolist(), strict=True)
    return torch.stack([one[:, r : r + window, c : c + window] for one, (r, c) in cut])


def anywhere(images_B3HW: Tensor, window: int, chance: Generator) -> Tensor:
    """Random places (B, 2) of a window."""
    free = images_B3HW.shape[-1] - window + 1
    return torch.randint(free, (len(images_B3HW), 2), generator=chance)


def paste(images_B3HW: Tensor, patches_B3WW: Tensor, places_B2: Tensor) -> Tensor:
    """Copies of the images, each with its patch at its place."""
    pasted, window = images_B3HW.clone(), patches_B3WW.shape[-1]
    for one, patch, (r, c) in zip(pasted, patches_B3WW, places_B2.tolist(), strict=True):  # fmt: skip
        one[:, r : r + window, c : c + window] = patch
    return pasted


def search(
    encoder: Encoder, train_N3HW: Tensor, config: Search, chance: Generator
) -> tuple[Tensor, Tensor]:
    """Poison scores (N,), NaN where a picture was never a candidate, and the candidates' patches (N, 3, W, W).

    A score is how many more of the other pictures lie in the candidate's cluster with its patch than without. After each
    round the clusters whose best candidate scored least leave, and the others give new candidates, until none is left.
    """
    unit_ND = F.normalize(embed_all(encoder, train_N3HW), dim=1)
    centre_KD = k_means(unit_ND, config.clusters, chance)
    own_N = (unit_ND @ centre_KD.T).argmax(dim=1)
    order_N = torch.randperm(len(train_N3HW), generator=chance)
    flips_M = order_N[: config.flips]
    others_M3HW = train_N3HW[flips_M]
    score_N = torch.full((len(own_N),), float("nan"))
    patches_N3WW = train_N3HW.new_zeros(len(own_N), 3, config.window, config.window)
    queue = {k: order_N[own_N.cpu()[order_N] == k].tolist() for k in range(len(centre_KD))}  # fmt: skip
    while queue := {k: waiting for k, waiting in queue.items() if waiting}:
        best: dict[int, float] = {}
        for k, waiting in queue.items():
            drawn, queue[k] = waiting[: config.samples], waiting[config.samples :]
            hot_BHW = heat(encoder, train_N3HW[drawn], centre_KD[k].expand(len(drawn), -1))  # fmt: skip
            places_B2 = hottest(hot_BHW, config.window)
            patches_N3WW[drawn] = cut_out(train_N3HW[drawn], places_B2, config.window)
            for index, place_2 in zip(drawn, places_B2, strict=True):
                same_M3WW = patches_N3WW[index].expand(len(others_M3HW), -1, -1, -1)
                to_M2 = place_2.expand(len(others_M3HW), 2) if config.place == "own" else anywhere(others_M3HW, config.window, chance)  # fmt: skip
                moved_MD = embed_all(encoder, paste(others_M3HW, same_M3WW, to_M2))
                now_M = (F.normalize(moved_MD, dim=1) @ centre_KD.T).argmax(dim=1)
                score_N[index] = ((now_M == k).sum() - (own_N[flips_M] == k).sum()).item()  # fmt: skip
            best[k] = score_N[drawn].max().item()
        leaving = max(1, int(config.dropped * len(queue)))
        kept = sorted(best, key=lambda k: best[k])[leaving:]
        queue = {k: queue[k] for k in kept}
    return score_N, patches_N3WW


def patch_classifier(
    encoder: Encoder, train_N3HW: Tensor, config: Search, seed: int
) -> Callable[[Tensor], Tensor]:
    """Pictures to how likely they carry a patch like the most suspicious ones: a small net trained on random views.

    Half of a batch has such a patch pasted in, the other half a patch of the least suspicious candidates, so that an edge tells nothing.

    Raises:
        DatasetError: too few pictures for the clusters.
    """
    if len(train_N3HW) < 2 * config.clusters:
        raise DatasetError(f"{len(train_N3HW)} pictures are too few for {config.clusters} clusters")  # fmt: skip
    score_N, patches_N3WW = search(encoder, train_N3HW, config, Generator().manual_seed(seed))  # fmt: skip
    tried = (~score_N.isnan()).nonzero().flatten()
    ranked = tried[score_N[tried].argsort(descending=True)]
    top, rest = ranked[: config.top], ranked[len(ranked) // 2 :]
    net = SmallNetConfig(widths=(8, 16, 32), embedding=1)
    judge = small_encoder(net, name="patches", size=encoder.size, seed=seed).to(train_N3HW.device)  # fmt: skip
    learner = one_cycle_learner({"net": judge.module}, steps=config.steps, learning_rate=3e-3, seed=seed)  # fmt: skip

    def loss_of_step(chance: Generator) -> Tensor:
        index_B = draw_batch(len(train_N3HW), min(BATCH, len(train_N3HW)), chance)
        half = len(index_B) // 2
        of = [from_[torch.randint(len(from_), (count,), generator=chance)] for from_, count in ((top, half), (rest, len(index_B) - half))]  # fmt: skip
        plain = train_N3HW[index_B]
        images = paste(plain, patches_N3WW[torch.cat(of)], anywhere(plain, config.window, chance))  # fmt: skip
        is_B = (torch.arange(len(index_B), device=images.device) < half).float()
        views = random_views(images, Views(), chance)
        return F.binary_cross_entropy_with_logits(judge.encode(views)[:, 0], is_B)

    with torch.enable_grad():
        fit(loss_of_step, learner, steps=config.steps)
    return lambda images_B3HW: embed_all(judge, images_B3HW)[:, 0]
