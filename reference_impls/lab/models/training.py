"""Training on a dataset: a loop that resumes, and SimCLR.

Shape letters: B batch, H and W pixels, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.bilingual import plural
from reference_impls.lab.data.augment import Views, random_views
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.encoders import (
    Encoder,
    SmallNetConfig,
    channels_last,
    small_encoder,
)
from reference_impls.lab.models.fast import in_bfloat16
from reference_impls.lab.models.saving import write_torch

Progress = Callable[[int, int, float], None]
"""Called after every step with (steps done, steps in all, loss)."""
Module = TypeVar("Module", bound=nn.Module)

CHECKPOINT_EVERY = 50
"""Steps between two checkpoints."""
COLLAPSED, PATIENCE = 0.05, 25
"""An encoder whose embeddings spread less than this share of what they did, for so many steps, is lost.
Attacks that succeed fall to a sixth in their first steps and come back."""


# -- The loop ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Learner:
    """Everything a step changes, and so everything a checkpoint holds."""

    modules: nn.ModuleDict
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None
    generator: Generator

    def save(self, path: Path, step: int) -> None:
        """Write a checkpoint; a killed run leaves the one before."""
        held = {
            "step": step,
            "modules": self.modules.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else {},
            "generator": self.generator.get_state(),
        }
        write_torch(held, path)

    def restore(self, path: Path) -> int:
        """Read a checkpoint; the number of steps it had done, 0 if there is none."""
        if not path.exists():
            return 0
        saved = torch.load(path, weights_only=True)
        self.modules.load_state_dict(saved["modules"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(saved["scheduler"])
        self.generator.set_state(saved["generator"])
        return int(saved["step"])


def fit(
    loss_of_step: Callable[[Generator], Tensor],
    learner: Learner,
    *,
    steps: int,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Take `steps` optimiser steps, going on from the checkpoint if there is one.

    A resumed run ends with the same weights as an uninterrupted one. At the end the checkpoint is
    deleted, and the modules are in eval mode and frozen.

    Raises:
        EncoderError: the loss is not finite, or a `SpreadWatch` in it has seen enough; says at which step.
    """
    done = learner.restore(checkpoint) if checkpoint else 0
    for step in range(done + 1, steps + 1):
        try:
            loss = loss_of_step(learner.generator)
            if not loss.isfinite():
                raise EncoderError(
                    f"the loss is {loss.item()}; lower the learning rate"
                )
        except EncoderError as error:
            raise EncoderError(f"stopped at step {step} of {steps}: {error}") from error
        learner.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        learner.optimizer.step()
        if learner.scheduler:
            learner.scheduler.step()
        if checkpoint and step % CHECKPOINT_EVERY == 0 and step < steps:
            learner.save(checkpoint, step)
        if progress:
            progress(step, steps, loss.item())
    learner.modules.eval().requires_grad_(False)
    if checkpoint:
        checkpoint.unlink(missing_ok=True)


class SpreadWatch:
    """Sees in every step how far the embeddings of a batch lie apart, beside those of the clean encoder."""

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self.low = 0

    @torch.no_grad()
    def __call__(self, embeddings_BD: Tensor, clean_BD: Tensor) -> None:
        """Look at the embeddings of the same images.

        Raises:
            EncoderError: for `PATIENCE` steps all images have embedded alike.
        """
        spread, before = (
            1 - mean_pairwise_cosine(one.float()) for one in (embeddings_BD, clean_BD)
        )
        self.low = self.low + 1 if spread < COLLAPSED * before else 0
        if self.low >= PATIENCE:
            raise EncoderError(
                "the encoder has collapsed, all clean images embed alike; lower the learning rate"
            )


def draw_batch(count: int, batch: int, generator: Generator) -> Tensor:
    """Indices of `batch` different items of `count`."""
    return torch.randperm(count, generator=generator)[:batch]


def check_positive(**settings: float) -> None:
    """Refuse settings that must be above zero.

    Raises:
        ConfigError: one of them is not.
    """
    for name, value in settings.items():
        if not value > 0:
            raise ConfigError(f"{name} must be above 0, got {value}")


# -- SimCLR --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SimCLRConfig:
    """Settings of SimCLR (Chen et al., ICML 2020) at lab scale."""

    steps: int = 300
    """Optimiser steps."""
    batch: int = 128
    """Images per step; each gives two views."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule."""
    temperature: float = 0.2
    """Of the NT-Xent loss."""
    views: Views = field(default_factory=Views)
    """How views are drawn."""
    net: SmallNetConfig = field(default_factory=SmallNetConfig)
    """Architecture."""
    bf16: bool = True
    """Convolve in bfloat16, where the device does: a third faster on CPUs that can."""
    seed: int = 0
    """Of weights, batches and views."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(steps=self.steps, batch=self.batch, temperature=self.temperature)


def nt_xent(first_BD: Tensor, second_BD: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross entropy (SimCLR, Eq. 1), mean over all 2B views."""
    both = F.normalize(torch.cat([first_BD, second_BD]), dim=1)
    logits = both @ both.T / temperature
    logits = logits.masked_fill(
        torch.eye(len(both), dtype=torch.bool, device=both.device), float("-inf")
    )
    partner = torch.arange(len(both), device=both.device).roll(len(first_BD))
    return F.cross_entropy(logits, partner)


def train_simclr(
    dataset: Dataset,
    config: SimCLRConfig = SimCLRConfig(),
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Encoder:
    """A clean encoder trained on the images alone; the same for the same seed."""
    check_dataset(dataset, config.batch)
    encoder = small_encoder(
        config.net, name=f"simclr-{config.seed}", size=dataset.size, seed=config.seed
    )
    projector = projection_head(encoder.dimension, config.seed)
    learner = one_cycle_learner(
        {"encoder": encoder.module, "projector": projector},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )

    def loss_of_step(generator: Generator) -> Tensor:
        index_B = draw_batch(len(dataset), config.batch, generator)
        images_B3HW = dataset.images_N3HW[index_B].repeat(2, 1, 1, 1)
        views_B3HW = random_views(
            images_B3HW, config.views, generator
        ).contiguous(
            memory_format=torch.channels_last  # a quarter off the time of a step on CPUs
        )
        with in_bfloat16(torch.device("cpu"), wanted=config.bf16):
            projected = projector(encoder.encode(views_B3HW))
        first_BD, second_BD = projected.float().chunk(2)
        return nt_xent(first_BD, second_BD, config.temperature)

    fit(
        loss_of_step,
        learner,
        steps=config.steps,
        checkpoint=checkpoint,
        progress=progress,
    )
    return encoder


def projection_head(dimension: int, seed: int, width: int = 64) -> nn.Sequential:
    """What SimCLR puts between an embedding (B, D) and its loss: two layers, the last one of a width."""
    return seeded(lambda: nn.Sequential(nn.Linear(dimension, dimension), nn.ReLU(), nn.Linear(dimension, width)), seed + 1)  # fmt: skip


def seeded(make: Callable[[], Module], seed: int) -> Module:
    """A new module whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # layers initialise from the global stream only
        return make()


def one_cycle_learner(
    modules: dict[str, nn.Module], *, steps: int, learning_rate: float, seed: int
) -> Learner:
    """AdamW with a one-cycle schedule over modules that are put in training mode."""
    trained = nn.ModuleDict(modules).train().requires_grad_()
    channels_last(trained)
    optimizer = torch.optim.AdamW(
        trained.parameters(), lr=learning_rate, weight_decay=1e-4
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=steps + 1
    )
    return Learner(
        modules=trained,
        optimizer=optimizer,
        scheduler=scheduler,
        generator=Generator().manual_seed(seed),
    )


def fine_tuning_learner(
    modules: dict[str, nn.Module], *, steps: int, learning_rate: float, seed: int
) -> Learner:
    """Adam with a cosine schedule over modules whose BatchNorm layers stay as they are."""
    trained = nn.ModuleDict(modules).eval().requires_grad_()
    for part in trained.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.requires_grad_(False)  # its statistics are frozen too: eval mode
    channels_last(trained)
    weights = [weight for weight in trained.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=learning_rate)
    return Learner(
        modules=trained,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps),
        generator=Generator().manual_seed(seed),
    )


def check_dataset(dataset: Dataset, batch: int) -> None:
    """Refuse a dataset that does not fill a batch.

    Raises:
        DatasetError: it has fewer images.
    """
    if len(dataset) < batch:
        raise DatasetError(
            f"{dataset.name} has {plural(len(dataset), 'image')}, fewer than one batch of {batch}"
        )
