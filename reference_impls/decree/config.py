"""DECREE's settings, and the two presets that have been measured."""

from __future__ import annotations

from dataclasses import dataclass

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.training import check_positive


@dataclass(frozen=True, kw_only=True)
class DecreeConfig:
    """Settings of the search; the defaults are those of the published program."""

    restarts: int = 1
    """Independent searches from different starts; the smallest trigger counts."""
    mask_start: tuple[float, float] = (0.0, 1.0)
    """The mask starts uniform between these two, on the [0, 1] scale."""
    windows: int = 0
    """Above 0, starts are confined in turn to the cells of a grid of this many windows by this
    many, each half as wide as the image: a trigger sits somewhere, and so does a start."""
    batch: int = 128
    """Images per step."""
    epoch_steps: int = 0
    """Steps per epoch; 0 makes an epoch one pass over the images."""
    max_epochs: int = 1000
    """Epochs, at most."""
    learning_rates: tuple[tuple[int, float], ...] = ((0, 0.5), (30, 0.1), (50, 0.05))
    """Adam's learning rate from each epoch on."""
    betas: tuple[float, float] = (0.5, 0.9)
    """Adam's decay rates."""
    target_cosine: float = 0.99
    """Mean pairwise cosine above which a trigger works (minus beta of Eq. 5)."""
    weight_start: float = 1e-3
    """First weight lambda of the mask's size in the loss."""
    weight_factor: float = 5.0
    """Lambda is multiplied or divided by this."""
    weight_patience: int = 5
    """Lambda changes after more than this many steps in a row that all worked or all failed."""
    weight_reset_patience: int = 10
    """A lambda below its least value starts again after more than this many working steps."""
    weight_range: tuple[float, float] = (1e-5, 1e5)
    """Lambda is divided only down to the first, multiplied only up to the second."""
    stop_patience: int = 10
    """A search ends after more than this many steps in a row without a smaller trigger."""
    halve_after: tuple[int, ...] = ()
    """After each of these epochs the better half of the searches goes on, at least one."""
    fast: bool = True
    """Rewrite the encoder, BatchNorm folded and channels last: the same numbers, sooner."""
    bf16: bool = False
    """Rewrite it in bfloat16, where the device computes that: twice as fast, same verdicts."""
    seed: int = 80
    """Of starts and batches."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(
            restarts=self.restarts,
            max_epochs=self.max_epochs,
            weight_start=self.weight_start,
        )
        if self.batch < 2:
            raise ConfigError(
                f"batch must be at least 2 images to form pairs, got {self.batch}"
            )
        if not 0 < self.target_cosine < 1:
            raise ConfigError(
                f"target_cosine must lie in (0, 1), got {self.target_cosine}"
            )
        low, high = self.mask_start
        if not 0 <= low < high <= 1:
            raise ConfigError(
                f"mask_start must be two rising numbers in [0, 1], got {self.mask_start}"
            )


PUBLISHED = DecreeConfig()
"""One start, the published stopping rule, tau = 0.1."""

ROBUST = DecreeConfig(
    restarts=9,
    windows=3,
    mask_start=(0.2, 0.8),
    batch=32,
    epoch_steps=16,
    max_epochs=10,
    learning_rates=((0, 0.5), (6, 0.1)),
    stop_patience=25,
    halve_after=(2, 4, 6),
    bf16=True,
)
"""Starts that look everywhere, the worse half of them dropped three times; needs a calibrated tau."""

PRESETS = {"published": PUBLISHED, "robust": ROBUST}
