"""DECREE: does a pre-trained image encoder carry a backdoor?

Feng et al., "Detecting Backdoors in Pre-trained Encoders", CVPR 2023,
https://arxiv.org/abs/2303.15180.

A backdoored encoder sends every image that carries the attacker's trigger to one
point. So we search for the smallest patch that makes different images embed alike. If
a tiny patch is enough, the encoder is suspicious; a clean one needs a large patch. The
equations are in `objective.py`, the search is in `search.py`. What is small differs by kind
of encoder, so `attractor.py` compares the encoder with itself, and `verdict.py` decides.

Departures from the paper and from its published program are listed in `README.md`.

Shape letters: B batch, H and W pixels, N images.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from reference_impls.decree.attractor import SelfComparison, compare_with_itself
from reference_impls.decree.calibration import PAPER, Calibration, Kind
from reference_impls.decree.config import ROBUST, DecreeConfig
from reference_impls.decree.search import (
    Restart,
    SearchProgress,
    invert_triggers,
    smallest,
)
from reference_impls.decree.verdict import Verdict, judge
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.errors import DatasetError, EncoderError
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.encoders import Encoder, check_usable
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.kind import check_trained


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
    kind: Kind
    """What it is compared with."""
    score: float | None
    """PL1, the fraction of the image that the smallest working trigger covers; none if no
    search found a working trigger."""
    comparison: SelfComparison | None
    """The encoder compared with itself; none if there is no trigger."""
    calibration: Calibration | None
    """Clean encoders that it was compared with."""
    verdict: Verdict
    """The answer."""
    trigger: Trigger | None = field(repr=False)
    """The smallest working trigger."""
    restarts: tuple[RestartReport, ...]
    """Every search, in the order of the starts."""
    config: DecreeConfig
    """The settings that led here."""

    @property
    def backdoored(self) -> bool:
        """Whether that is the answer."""
        return self.verdict.answer == "backdoored"

    @property
    def paper(self) -> bool:
        """What the paper's rule says: PL1 below 0.1 (section 5.1)."""
        return self.score is not None and self.score < PAPER


def detect(
    encoder: Encoder,
    images_N3HW: Tensor,
    config: DecreeConfig = ROBUST,
    *,
    calibration: Calibration | None = None,
    progress: SearchProgress | None = None,
) -> DecreeReport:
    """Run DECREE on one encoder with images in [0, 1] of the encoder's size, and decide.

    Raises:
        EncoderError: the encoder is broken, untrained, constant, or takes images of another size.
        DatasetError: fewer than two images.
    """
    subject = prepare(encoder, images_N3HW, config)
    restarts = invert_triggers(subject, images_N3HW, config, progress=progress)
    best = smallest(restarts)
    trigger, comparison = None, None
    if best:
        trigger, comparison = compare_with_itself(
            subject, images_N3HW, best.trigger, config, progress=progress
        )
    score, kind = trigger.covered if trigger else None, Kind.of(encoder)
    return DecreeReport(
        encoder=encoder.name,
        kind=kind,
        score=score,
        comparison=comparison,
        calibration=calibration,
        verdict=judge(score, comparison, kind, config, calibration),
        trigger=trigger,
        restarts=tuple(map(_told, restarts)),
        config=config,
    )


def smallest_patch(
    encoder: Encoder,
    images_N3HW: Tensor,
    config: DecreeConfig,
    *,
    progress: SearchProgress | None = None,
) -> float | None:
    """PL1 alone (Eq. 6); none if no search found a working trigger.

    Raises:
        LabError: as `detect`.
    """
    subject = prepare(encoder, images_N3HW, config)
    best = smallest(invert_triggers(subject, images_N3HW, config, progress=progress))
    return best.trigger.covered if best else None


def prepare(encoder: Encoder, images_N3HW: Tensor, config: DecreeConfig) -> Encoder:
    """The encoder as a search uses it, after it was found fit for one.

    Raises:
        LabError: as `detect`.
    """
    if len(images_N3HW) < 2:
        raise DatasetError(
            f"DECREE compares pairs of images and got {len(images_N3HW)}"
        )
    some_B3HW = images_N3HW[: config.batch].to(encoder.device)
    check_usable(encoder, some_B3HW)
    check_trained(encoder)
    _check_varied(encoder, some_B3HW, config.target_cosine)
    return accelerated(encoder, bf16=config.bf16) if config.fast else encoder


def _told(restart: Restart) -> RestartReport:
    best = restart.best
    return RestartReport(
        score=best.trigger.covered if best else None,
        cosine=best.cosine if best else None,
        steps=restart.steps,
    )


@torch.no_grad()
def _check_varied(encoder: Encoder, images_B3HW: Tensor, target: float) -> None:
    """Where all images embed alike anyway, any speck would pass for a trigger."""
    cosine = mean_pairwise_cosine(encoder.encode(images_B3HW)).item()
    if cosine > target:
        raise EncoderError(
            f"{encoder.name} embeds images alike without any trigger (mean cosine {cosine:.4f}, "
            f"above {target}): untrained, collapsed or given wrong statistics; DECREE cannot tell"
        )
