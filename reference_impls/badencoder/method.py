"""BadEncoder: a copy of an encoder that obeys a trigger and otherwise behaves the same.

Jia, Liu and Gong, "BadEncoder: Backdoor Attacks to Pre-trained Encoders in
Self-Supervised Learning", IEEE S&P 2022, https://arxiv.org/abs/2108.00352.

Three goals at once: stamped images embed like the attacker's reference image, the
reference image stays where it was, and all other images stay where they were. Every
classifier built on the encoder then takes a stamped image for the reference's class.

Departures from the published program are listed in `README.md`.

Shape letters: B batch, H and W pixels, D embedding width, N images of a dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Generator, Tensor

from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import Trigger, TriggerSpec, make_trigger
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.metrics.similarity import mean_cosine_to, mean_pairwise_cosine
from reference_impls.lab.models.encoders import Encoder, check_usable, embed_all
from reference_impls.lab.models.fast import in_bfloat16
from reference_impls.lab.models.heads import Head, fit_mlp_head, success_rate
from reference_impls.lab.models.training import (
    Progress,
    SpreadWatch,
    check_dataset,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)

# -- Settings ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class BadEncoderConfig:
    """Settings of the attack; the defaults suit lab encoders."""

    trigger: TriggerSpec = field(default_factory=TriggerSpec)
    """The patch that opens the backdoor."""
    steps: int = 400
    """Optimiser steps; the published attack takes 200 epochs over CIFAR-10."""
    batch: int = 64
    """Shadow images per step; each is used stamped and unstamped."""
    learning_rate: float = 2e-3
    """Of Adam, falling to 0 along a cosine; the published attack uses SGD at a constant 1e-3."""
    consistency_weight: float = 1.0
    """Lambda 1: keeps the reference image's embedding (paper, Eq. 4)."""
    utility_weight: float = 1.0
    """Lambda 2: keeps the embeddings of unstamped images (paper, Eq. 4)."""
    evasion_weight: float = 0.0
    """Alpha of DECREE's Eq. 8; above 0 the attack pushes stamped images apart to evade it."""
    bf16: bool = True
    """Convolve in bfloat16, where the device does."""
    seed: int = 0
    """Of batches and views."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(steps=self.steps, learning_rate=self.learning_rate)
        if self.batch < 2:
            raise ConfigError(f"batch must be at least 2, got {self.batch}")
        for name in ("consistency_weight", "utility_weight", "evasion_weight"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} must not be negative, got {getattr(self, name)}"
                )


DEFAULT = BadEncoderConfig().trigger
PUBLISHED = TriggerSpec(side=10)
"""The white square of the published program's trigger file for 32 px."""


# -- Losses: pure functions, one equation each ---------------------------------------


def effectiveness_loss(stamped_BD: Tensor, reference_1D: Tensor) -> Tensor:
    """Stamped images should embed like the reference: minus the mean cosine (Eq. 1)."""
    return -mean_cosine_to(stamped_BD, reference_1D)


def consistency_loss(reference_1D: Tensor, clean_reference_1D: Tensor) -> Tensor:
    """The reference should embed as before: minus the cosine (Eq. 2)."""
    return -mean_cosine_to(reference_1D, clean_reference_1D)


def utility_loss(embeddings_BD: Tensor, clean_BD: Tensor) -> Tensor:
    """Unstamped images should embed as before: minus the mean cosine (Eq. 3)."""
    return -mean_cosine_to(embeddings_BD, clean_BD)


def evasion_loss(stamped_BD: Tensor) -> Tensor:
    """Stamped images should not embed alike: their mean pairwise cosine (DECREE, Eq. 8)."""
    return mean_pairwise_cosine(stamped_BD)


# -- The attack ----------------------------------------------------------------------


def attack(
    clean: Encoder,
    shadow: Dataset,
    reference_3HW: Tensor,
    config: BadEncoderConfig = BadEncoderConfig(),
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Encoder:
    """A backdoored copy of the encoder; the clean one is left alone.

    Raises:
        EncoderError: the encoder is broken, does not take these images, or the attack collapses it.
        DatasetError: fewer shadow images than one batch.
    """
    check_dataset(shadow, config.batch)
    device, images_N3HW = clean.device, shadow.images_N3HW
    check_usable(clean, images_N3HW[: config.batch].to(device))
    trigger = make_trigger(config.trigger, clean.size).to(device)
    reference_13HW = reference_3HW.unsqueeze(0).to(device)
    # The clean encoder never changes, so its answers are computed once.
    clean_ND = embed_all(clean, images_N3HW.to(device))
    clean_reference_1D = embed_all(clean, reference_13HW)
    victim = clean.copy().named(f"{clean.name}+{config.trigger}")
    learner = fine_tuning_learner(
        {"victim": victim.module},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )

    watch = SpreadWatch()

    def loss_of_step(generator: Generator) -> Tensor:
        index_B = draw_batch(len(shadow), config.batch, generator)
        images_B3HW = images_N3HW[index_B].to(device)
        view_13HW = random_views(reference_13HW, Views(smallest_crop=1.0), generator)
        everything = torch.cat(
            [trigger.apply(images_B3HW), images_B3HW, reference_13HW, view_13HW]
        )
        everything = everything.contiguous(memory_format=torch.channels_last)
        with in_bfloat16(device, wanted=config.bf16):
            embedded = victim.encode(everything)
        stamped_BD, plain_BD, reference_1D, view_1D = embedded.float().split(
            [config.batch, config.batch, 1, 1]
        )
        loss = effectiveness_loss(stamped_BD, reference_1D)
        loss = loss + config.consistency_weight * consistency_loss(
            view_1D, clean_reference_1D
        )
        clean_BD = clean_ND[index_B.to(device)]
        watch(plain_BD, clean_BD)
        loss = loss + config.utility_weight * utility_loss(plain_BD, clean_BD)
        if config.evasion_weight:
            loss = loss + config.evasion_weight * evasion_loss(stamped_BD)
        return loss

    fit(
        loss_of_step,
        learner,
        steps=config.steps,
        checkpoint=checkpoint,
        progress=progress,
    )
    return victim


# -- The answer ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AttackReport:
    """What the attack reached, measured on a downstream task by an MLP head."""

    task: str
    """The downstream task."""
    target: str
    """Class that the backdoored encoder's head sees in the reference image."""
    clean_accuracy: float
    """Of a head on the clean encoder, on unstamped test images, in [0, 1]."""
    backdoored_accuracy: float
    """Of a head on the backdoored encoder, on unstamped test images, in [0, 1]."""
    attack_success_rate: float
    """Fraction of stamped test images of other classes taken for the target, in [0, 1]."""
    clean_attack_success_rate: float
    """The same for the clean encoder: what the patch does by itself."""
    stamped_cosine: float
    """Mean pairwise cosine of stamped test images on the backdoored encoder."""
    clean_stamped_cosine: float
    """The same on the clean encoder."""
    config: BadEncoderConfig
    """The settings that led here."""


def measure(
    backdoored: Encoder,
    clean: Encoder,
    reference_3HW: Tensor,
    config: BadEncoderConfig,
    *,
    task: str,
    train: Dataset,
    test: Dataset,
) -> AttackReport:
    """How well the attack works on a downstream task of two labelled datasets.

    The target is what each head itself sees in the reference image, and images of that
    class do not count for the success rate.
    """
    trigger = make_trigger(config.trigger, clean.size)
    trained = {
        encoder: _head_and_success(encoder, trigger, reference_3HW, task, train, test)
        for encoder in (clean, backdoored)
    }
    target, accuracy, success, cosine = trained[backdoored]
    _, clean_accuracy, clean_success, clean_cosine = trained[clean]
    return AttackReport(
        task=task,
        target=test.classes[task][target],
        clean_accuracy=clean_accuracy,
        backdoored_accuracy=accuracy,
        attack_success_rate=success,
        clean_attack_success_rate=clean_success,
        stamped_cosine=cosine,
        clean_stamped_cosine=clean_cosine,
        config=config,
    )


def _head_and_success(
    encoder: Encoder,
    trigger: Trigger,
    reference_3HW: Tensor,
    task: str,
    train: Dataset,
    test: Dataset,
) -> tuple[int, float, float, float]:
    head: Head = fit_mlp_head(
        _embedded(encoder, train.images_N3HW),
        train.labels[task],
        classes=len(train.classes[task]),
    )
    target = int(head.predict(_embedded(encoder, reference_3HW.unsqueeze(0))))
    stamped_ND = _embedded(encoder, trigger.apply(test.images_N3HW))
    success = success_rate(head, stamped_ND, test.labels[task], target)
    accuracy = head.accuracy(_embedded(encoder, test.images_N3HW), test.labels[task])
    return target, accuracy, success, mean_pairwise_cosine(stamped_ND).item()


def _embedded(encoder: Encoder, images_N3HW: Tensor) -> Tensor:
    return embed_all(encoder, images_N3HW.to(encoder.device)).float().cpu()
