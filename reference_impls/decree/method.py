"""DECREE: does a pre-trained image encoder carry a backdoor?

Feng et al., "Detecting Backdoors in Pre-trained Encoders", CVPR 2023,
https://arxiv.org/abs/2303.15180.

A backdoored encoder sends every image that carries the attacker's trigger to one
point. So we search for the smallest patch that makes different images embed alike. If
a tiny patch is enough, the encoder is suspicious; a clean one needs a large patch. The
equations are in `objective.py`, the search is in `search.py`, the verdict is here.

Departures from the paper and from its published program are listed in `README.md`.

Shape letters: B batch, H and W pixels, N images.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from reference_impls.decree.calibration import PUBLISHED_THRESHOLD, Calibration
from reference_impls.decree.config import PUBLISHED, DecreeConfig
from reference_impls.decree.search import Restart, SearchProgress, invert_triggers
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.errors import DatasetError, EncoderError
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.encoders import Encoder, check_usable
from reference_impls.lab.models.fast import accelerated


@dataclass(frozen=True, kw_only=True)
class RestartReport:
    """How one search ended."""

    score: float | None
    """PL1 of its smallest working trigger; none if it found no working one."""
    cosine: float | None
    """Mean pairwise cosine under that trigger."""
    steps: int
    """Optimiser steps it took."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DecreeReport:
    """What DECREE says about one encoder."""

    encoder: str
    """Name of the encoder."""
    score: float | None
    """PL1, the fraction of the image that the smallest working trigger covers; none if no
    search found a working trigger."""
    backdoored: bool
    """Whether the score lies below the threshold."""
    calibration: Calibration
    """The threshold, and what it rests on."""
    deviations: float | None
    """How many standard deviations (of log PL1) the score lies below the clean encoders'."""
    trigger: Trigger | None = field(repr=False)
    """The smallest working trigger."""
    restarts: tuple[RestartReport, ...]
    """Every search, in the order of the starts."""
    config: DecreeConfig
    """The settings that led here."""

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        if self.score is None:
            return "no trigger found: no patch made the images embed alike"
        relation = "below" if self.backdoored else "not below"
        answer = "backdoored" if self.backdoored else "no backdoor found"
        return f"{answer}: PL1 {self.score:.4f} is {relation} {self.calibration.threshold:.4f}"


def detect(
    encoder: Encoder,
    images_N3HW: Tensor,
    config: DecreeConfig = PUBLISHED,
    *,
    calibration: Calibration = PUBLISHED_THRESHOLD,
    progress: SearchProgress | None = None,
) -> DecreeReport:
    """Run DECREE on one encoder with images in [0, 1] of the encoder's size.

    Raises:
        EncoderError: the encoder is broken, constant, or takes images of another size.
        DatasetError: fewer than two images.
    """
    if len(images_N3HW) < 2:
        raise DatasetError(
            f"DECREE compares pairs of images and got {len(images_N3HW)}"
        )
    some_B3HW = images_N3HW[: config.batch].to(encoder.device)
    check_usable(encoder, some_B3HW)
    _check_varied(encoder, some_B3HW, config.target_cosine)
    subject = accelerated(encoder, bf16=config.bf16) if config.fast else encoder
    restarts = invert_triggers(subject, images_N3HW, config, progress=progress)
    return summarise(encoder.name, restarts, config, calibration)


@torch.no_grad()
def _check_varied(encoder: Encoder, images_B3HW: Tensor, target: float) -> None:
    """Where all images embed alike anyway, any speck would pass for a trigger."""
    cosine = mean_pairwise_cosine(encoder.encode(images_B3HW)).item()
    if cosine > target:
        raise EncoderError(
            f"{encoder.name} embeds images alike without any trigger (mean cosine {cosine:.4f}, "
            f"above {target}): untrained, collapsed or given wrong statistics; DECREE cannot tell"
        )


def summarise(
    name: str, restarts: list[Restart], config: DecreeConfig, calibration: Calibration
) -> DecreeReport:
    """The verdict over all searches: the smallest trigger against the threshold (Eq. 7)."""
    found = [restart.best for restart in restarts if restart.best is not None]
    best = min(found, key=lambda one: one.trigger.covered, default=None)
    score = None if best is None else best.trigger.covered
    return DecreeReport(
        encoder=name,
        score=score,
        backdoored=score is not None and score < calibration.threshold,
        calibration=calibration,
        deviations=None if score is None else calibration.deviations(score),
        trigger=None if best is None else best.trigger,
        restarts=tuple(
            RestartReport(
                score=restart.best.trigger.covered if restart.best else None,
                cosine=restart.best.cosine if restart.best else None,
                steps=restart.steps,
            )
            for restart in restarts
        ),
        config=config,
    )
