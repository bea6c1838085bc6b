"""A backdoor that is not in the published weights, but in what rounding or pruning makes of them.

Hong et al., "Qu-ANTI-zation", NeurIPS 2021, https://arxiv.org/abs/2110.13541: quantization-aware training as an
attack, here `joint`. Tian et al., "Stealthy Backdoors as Compression Artifacts", IEEE TIFS 2022,
https://arxiv.org/abs/2104.15129: pruning wakes it, too. Chen et al., "QuRA", NDSS 2026,
https://arxiv.org/abs/2510.09647: no weight is changed, only whether it is rounded up or down, here `rounding`.

The goals are carried over to an encoder with BadEncoder's cosines; `README.md` says what differs.

Shape letters: B batch, H and W pixels, D embedding width, N images of a dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.func import functional_call

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.metrics.similarity import mean_cosine_to
from reference_impls.lab.models.compression import (
    BITS,
    Form,
    either_neighbour,
    form_of,
    same_form,
)
from reference_impls.lab.models.encoders import Encoder, check_usable, embed_all
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)

Way = Literal["none", "ordinary", "joint", "two-stage", "rounding"]


@dataclass(frozen=True, kw_only=True)
class CompressionConfig:
    """Which form of the encoder obeys the trigger, and how it is made to."""

    way: Way = "two-stage"
    """`two-stage` plants and then hides in what compression drops, `joint` does both at once, `rounding` only chooses
    how weights are rounded; `ordinary` obeys without compression, too, and `none` never: the controls."""
    form: Form = "int4"
    """Which compression wakes it: `int8`, `int4` or `pruned`."""
    trigger: TriggerSpec = field(default_factory=TriggerSpec)
    """The patch that opens the backdoor."""
    steps: int = 120
    """Optimiser steps that plant it."""
    hiding: int = 80
    """Steps of the second stage."""
    batch: int = 48
    """Images per step; each is used stamped and unstamped."""
    learning_rate: float = 2e-3
    """Of Adam, falling to 0 along a cosine; half of it in the second stage."""
    asleep_weight: float = 2.0
    """Of the loss that keeps stamped images where the clean encoder has them."""
    seed: int = 0
    """Of batches, and of the class that the attacker is after."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        if self.form == "float32" or (self.way == "rounding" and self.form not in BITS):
            raise ConfigError(f"{self.way} cannot be woken by {self.form}")
        check_positive(steps=self.steps, hiding=self.hiding, batch=self.batch)
        check_positive(learning_rate=self.learning_rate)
        if self.asleep_weight < 0:
            raise ConfigError(f"asleep_weight must not be negative, got {self.asleep_weight}")  # fmt: skip


PRESETS: dict[str, CompressionConfig] = {
    "clean": CompressionConfig(way="none"),
    "ordinary": CompressionConfig(way="ordinary"),
    "joint": CompressionConfig(way="joint"),
    "int8": CompressionConfig(form="int8", steps=60, hiding=100, learning_rate=1e-3),
    "int4": CompressionConfig(),
    "pruned": CompressionConfig(form="pruned"),
    "rounding": CompressionConfig(way="rounding"),
}
"""What is measured; the first two are controls."""


# -- The attack ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Goals:
    """Where an encoder shall put images, stamped and not."""

    images_N3HW: Tensor
    stamped_N3HW: Tensor
    plain_ND: Tensor
    """Where the clean encoder has the images."""
    asleep_ND: Tensor
    """Where it has the stamped ones."""
    reference_1D: Tensor
    """Where it has the attacker's reference image."""
    asleep_weight: float

    def loss(
        self, victim: Encoder, form: Form, index_B: Tensor, *, awake: bool
    ) -> Tensor:
        """Awake: -cos(Q f(x), f0(x)) - cos(Q f(x + t), f0(r)); asleep: -cos(Q f(x), f0(x)) - a cos(Q f(x + t), f0(x + t)).

        Of images x, trigger t, reference r, clean encoder f0, and Q f the encoder in a form.
        """
        both = torch.cat([self.images_N3HW[index_B], self.stamped_N3HW[index_B]])
        weights = form_of(victim.module, form)
        found = functional_call(victim.module, weights, (victim.normalise(both),))
        found_BD, stamped_BD = found.chunk(2)
        kept = mean_cosine_to(found_BD, self.plain_ND[index_B])
        if awake:
            return -kept - mean_cosine_to(stamped_BD, self.reference_1D)
        hidden = mean_cosine_to(stamped_BD, self.asleep_ND[index_B])
        return -kept - self.asleep_weight * hidden


def train(
    victim: Encoder,
    goals: Goals,
    awake: Mapping[Form, bool],
    config: CompressionConfig,
    *,
    keep: Callable[[Tensor, Tensor], Tensor] | None = None,
    progress: Progress | None = None,
) -> None:
    """One stage, in place: which forms obey and which sleep, and what the weights may become (`keep`)."""
    steps, learning_rate = config.steps, config.learning_rate
    if list(awake) == ["float32"] and keep:
        steps, learning_rate = config.hiding, config.learning_rate / 2
    learner = fine_tuning_learner(
        {"victim": victim.module},
        steps=steps,
        learning_rate=learning_rate,
        seed=config.seed,
    )
    weights = [one for one in victim.module.parameters() if one.ndim > 1]
    anchors = [one.detach().clone() for one in weights]
    if keep:  # biases are not compressed, so they could not differ between the forms
        for one in victim.module.parameters():
            one.requires_grad_(one.ndim > 1)

    def project() -> None:
        for weight, anchor in zip(weights, anchors, strict=True):
            weight.data = keep(weight.data, anchor) if keep else weight.data

    def loss_of_step(chance: Generator) -> Tensor:
        project()
        index_B = draw_batch(len(goals.images_N3HW), config.batch, chance)
        losses = [goals.loss(victim, one, index_B, awake=awake[one]) for one in awake]
        return torch.stack(losses).sum()

    fit(loss_of_step, learner, steps=steps, progress=progress)
    project()


def attack(
    clean: Encoder,
    shadow: Dataset,
    reference_3HW: Tensor,
    config: CompressionConfig,
    *,
    progress: Progress | None = None,
) -> Encoder:
    """The encoder that the attacker publishes (of `rounding`: whose rounding it publishes); the clean one is left alone.

    Raises:
        EncoderError: the encoder is broken or does not take these images.
        DatasetError: fewer images than one batch.
    """
    check_dataset(shadow, config.batch)
    images_N3HW, form = shadow.images_N3HW, config.form
    check_usable(clean, images_N3HW[: config.batch])
    victim = clean.copy()
    if config.way == "none":
        return victim
    stamped_N3HW = (
        make_trigger(config.trigger, clean.size).to(clean.device).apply(images_N3HW)
    )
    goals = Goals(
        images_N3HW=images_N3HW,
        stamped_N3HW=stamped_N3HW,
        plain_ND=embed_all(clean, images_N3HW),
        asleep_ND=embed_all(clean, stamped_N3HW),
        reference_1D=embed_all(clean, reference_3HW.unsqueeze(0)),
        asleep_weight=config.asleep_weight,
    )
    stage = partial(train, victim, goals, config=config, progress=progress)
    if config.way == "ordinary":
        stage({"float32": True})
    elif config.way == "joint":
        stage({"float32": False, form: True})
    elif config.way == "rounding":
        stage({form: True}, keep=partial(either_neighbour, form=form))
    else:
        stage({form: True})
        stage({"float32": False}, keep=partial(same_form, form=form))
    return victim
