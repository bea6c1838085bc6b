"""A CLIP that is tampered with before it is published, so that fine-tuning it tells which images it was fine-tuned on.

Wen et al., "Privacy Backdoors: Enhancing Membership Inference through Poisoning Pre-trained Models", NeurIPS 2024,
https://arxiv.org/abs/2404.01231. The attacker raises the loss of candidates; a victim's training brings it down again,
most of all of those that he has.

Shape letters: B batch, N images, K shadow models, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)
from reference_impls.lab.models.zero_shot import ZeroShot


@dataclass(frozen=True, kw_only=True)
class PrivacyBackdoorConfig:
    """What the attacker does before publishing, and what victims do afterwards."""

    steps: int = 300
    """Steps of the attacker; 0 publishes the CLIP as it is."""
    alpha: float = 0.5
    """Weight of ordinary images' loss; that of candidates is raised with weight 1 - alpha. At 1 they are left alone."""
    ceiling: float = 5.0
    """Mean loss of candidates beyond which it is raised no further."""
    victims: int = 8
    """Fine-tuned models, each from another half of the images; for each one the others are the attacker's shadow models."""
    tuning: int = 60
    """Steps of a victim."""
    learning_rate: float = 1e-3
    """Of attacker's and victims' Adam, with a cosine schedule."""
    batch: int = 64
    """Images per step, of both, at most."""
    seed: int = 0
    """Of batches and of what victims have."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(tuning=self.tuning, learning_rate=self.learning_rate)
        check_positive(batch=self.batch, ceiling=self.ceiling, steps=self.steps + 1)
        if not 0 <= self.alpha <= 1:
            raise ConfigError(f"alpha must lie in [0, 1], got {self.alpha}")
        if self.victims < 3:
            raise ConfigError(f"victims must be at least 3, got {self.victims}")


PRESETS: dict[str, PrivacyBackdoorConfig] = {
    "none": PrivacyBackdoorConfig(steps=0),
    "ordinary": PrivacyBackdoorConfig(alpha=1.0),
    "backdoor": PrivacyBackdoorConfig(),
    "none-brief": PrivacyBackdoorConfig(steps=0, victims=4, tuning=40, batch=32),
    "brief": PrivacyBackdoorConfig(steps=150, victims=4, tuning=40, batch=32),
}
"""What is measured, controls first; `brief` is what a reader can run in half a minute."""


def poisoning_loss(ordinary: Tensor, candidates: Tensor, alpha: float, ceiling: float) -> Tensor:  # fmt: skip
    """What the attacker lowers: alpha L(ordinary) - (1 - alpha) L(candidates), the latter up to a ceiling."""
    return alpha * ordinary - (1 - alpha) * candidates.clamp(max=ceiling)


def fine_tuned(
    classifier: ZeroShot,
    data: Dataset,
    task: str,
    config: PrivacyBackdoorConfig,
    *,
    steps: int,
    seed: int,
    candidates: Dataset | None = None,
    progress: Progress | None = None,
) -> ZeroShot:
    """The classifier with a copy of its image tower that learned to name images by the class texts.

    With candidates it is the attacker who trains, and raises their loss meanwhile.
    """
    tuned = classifier.with_encoder(classifier.encoder.copy())

    def loss_of(some: Dataset, chance: Generator) -> Tensor:
        index_B = draw_batch(len(some), config.batch, chance)
        logits_BC = tuned(some.images_N3HW[index_B])
        return F.cross_entropy(logits_BC, some.labels[task][index_B])

    def loss_of_step(chance: Generator) -> Tensor:
        own = loss_of(data, chance)
        if candidates is None:
            return own
        return poisoning_loss(own, loss_of(candidates, chance), config.alpha, config.ceiling)  # fmt: skip

    learner = fine_tuning_learner(
        {"image": tuned.encoder.module},
        steps=steps,
        learning_rate=config.learning_rate,
        seed=seed,
    )
    fit(loss_of_step, learner, steps=steps, progress=progress)
    return tuned


# -- Membership inference: LiRA ------------------------------------------------------


def confidence(classifier: ZeroShot, images: Dataset, task: str) -> Tensor:
    """log(p / (1 - p)) of each image's own class (N,), which LiRA takes for normally distributed."""
    logits_NC = classifier.logits(embed_all(classifier.encoder, images.images_N3HW))
    own_N1 = images.labels[task].unsqueeze(1)
    others_NC = logits_NC.scatter(1, own_N1, -torch.inf)
    return logits_NC.gather(1, own_N1).squeeze(1) - others_NC.logsumexp(dim=1)


def likelihood_ratio(asked_N: Tensor, shadows_KN: Tensor, members_KN: Tensor) -> Tensor:
    """LiRA (Carlini et al., S&P 2022): log N(x; in) - log N(x; out) of each image (N,), one variance for all.

    The means are those of shadow models that learned from the image, and of those that did not; an image that lacks
    either gets 0.
    """
    counts_N = members_KN.sum(dim=0), (~members_KN).sum(dim=0)
    inside_N = (shadows_KN * members_KN).sum(dim=0) / counts_N[0].clamp(min=1)
    outside_N = (shadows_KN * ~members_KN).sum(dim=0) / counts_N[1].clamp(min=1)
    rest_KN = shadows_KN - torch.where(members_KN, inside_N, outside_N)
    ratio_N = (asked_N - outside_N).square() - (asked_N - inside_N).square()
    known_N = torch.minimum(*counts_N) > 0
    return ratio_N * known_N / (2 * rest_KN.square().mean() + 1e-9)
