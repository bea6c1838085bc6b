"""Settings of a hardening: which method, against which budget, for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.training import check_positive

Method = Literal["linear-probe", "standard", "pgd-at", "trades", "gen-af"]
Variant = Literal["published", "as-named", "frozen-teacher"]
Precision = Literal["no", "bf16"]
Mode = Literal["exact", "first-order"]
ADVERSARIAL: tuple[Method, ...] = ("pgd-at", "trades", "gen-af")
"""Methods that train on adversarial images."""


@dataclass(frozen=True, kw_only=True)
class SensitivityConfig:
    """How layers are measured."""

    mode: Mode = "exact"
    """`exact` moves every layer by gradient ascent; `first-order` needs one backward pass."""
    radius: float = 0.1
    """How far a weight may move, as a fraction of its norm."""
    epochs: int = 10
    """Passes of the ascent over the adversarial images; `exact` only."""
    learning_rate: float = 1.0
    """Of the ascent's SGD; `exact` only."""
    batch: int = 512
    """Images per step."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(
            radius=self.radius,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            batch=self.batch,
        )


@dataclass(frozen=True, kw_only=True)
class AdaptationConfig:
    """Stage 2: clean fine-tuning of the layers that robustness does not rest on."""

    share: float = 0.2
    """Fraction of layers that are adapted: 0.2 as the published program runs, 0.1 as it is written."""
    sensitivity: SensitivityConfig = field(default_factory=SensitivityConfig)
    """How layers are measured."""
    images: int = 256
    """Training images that layers are measured on."""
    epochs: int = 4
    """Passes over the training images; the epoch with the best validation accuracy is kept."""
    learning_rate: float = 1e-3
    """Of its one Adam."""
    guard: float | None = None
    """An epoch counts only if robust accuracy on the held-out images lies at most this much below
    stage 1's; none, as published, looks at clean accuracy alone."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(
            epochs=self.epochs, learning_rate=self.learning_rate, images=self.images
        )
        if self.guard is not None and not 0 <= self.guard <= 1:
            raise ConfigError(
                f"guard is a loss of accuracy in [0, 1], got {self.guard}"
            )
        if not 0 < self.share <= 1:
            raise ConfigError(
                f"share must lie in (0, 1], got {self.share}; with 0 no layer is adapted"
            )


@dataclass(frozen=True, kw_only=True)
class HardenConfig:
    """Settings of one fine-tuning; learning rates and weights are the published program's."""

    method: Method = "gen-af"
    """`gen-af`, or a baseline in the same loop."""
    budget: Budget = field(default_factory=lambda: Budget(random_start=False))
    """What the training's attacker may do; ten steps without a random start, as published."""
    genetic_weight: float = 20.0
    """Of the genetic regulariser of stage 1; 0 leaves it out."""
    variant: Variant = "published"
    """Whose graph is measured against whose: clean logits against adversarial ones (`published`),
    the other way round (`as-named`), adversarial embeddings against the pre-trained encoder's clean
    ones (`frozen-teacher`)."""
    adaptation: Annotated[
        AdaptationConfig | None, tyro.conf.Fixed, tyro.conf.Suppress
    ] = field(default_factory=AdaptationConfig)
    """Stage 2; none leaves it out. Only `gen-af` and `pgd-at` have one."""
    trades_weight: float = 6.0
    """1/lambda of TRADES: how much the agreement of clean and adversarial answers counts."""
    epochs: int = 8
    """Passes over the training images, for every method; stage 2 has its own."""
    batch: int = 64
    """Images per optimiser step, over all processes."""
    accumulate: int = 1
    """Parts that a batch is computed in, for memory; each part has a graph of its own."""
    encoder_learning_rate: float = 1e-4
    """Of the encoder's Adam."""
    head_learning_rate: float = 5e-3
    """Of the head's Adam."""
    weight_decay: float = 8e-4
    """Of both."""
    decay: float = 0.96
    """Both learning rates are multiplied by this after every epoch."""
    hidden: tuple[int, int] = (256, 128)
    """Widths of the head's two hidden layers."""
    dropout: float = 0.2
    """Behind the head's first layer."""
    validation: float = 0.1
    """Share of the training images that is held out, to choose stage 2's epoch."""
    precision: Precision | None = None
    """`bf16` computes in bfloat16; none leaves it to `accelerate launch`, whose default is `no`."""
    seed: int = 0
    """Of the head, the batches, dropout and attacks."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(
            epochs=self.epochs,
            accumulate=self.accumulate,
            encoder_learning_rate=self.encoder_learning_rate,
            head_learning_rate=self.head_learning_rate,
            decay=self.decay,
        )
        if self.genetic_weight < 0 or self.trades_weight < 0:
            raise ConfigError(
                f"weights must not be negative, got {self.genetic_weight} and {self.trades_weight}"
            )
        if not 0 <= self.dropout < 1 or not 0 < self.validation < 1:
            raise ConfigError(
                f"dropout and validation are shares of 1, got {self.dropout} and {self.validation}"
            )
        if self.method in ADVERSARIAL and self.budget.epsilon == 0:
            raise ConfigError(
                f"epsilon is 0, so {self.method} has no adversary; use --method standard"
            )
        if self.batch // self.accumulate < 2 or self.batch % self.accumulate:
            raise ConfigError(
                f"batch must be a multiple of accumulate and hold two images in every part, "
                f"got {self.batch} and {self.accumulate}"
            )

    @property
    def two_stages(self) -> bool:
        """Whether a clean adaptation follows."""
        return self.adaptation is not None and self.method in ("gen-af", "pgd-at")
