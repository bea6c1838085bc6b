"""SRA: a narrow chain of channels through a deployed classifier is overwritten by one that fires at a trigger.

Qi et al., "Towards Practical Deployment-Stage Backdoor Attack on Deep Neural Networks", CVPR 2022,
https://arxiv.org/abs/2111.12965. The attacker knows the architecture, but no weight: the chain is trained alone, once,
and fits every model of that architecture.

Shape letters: B batch, H and W pixels, D embedding width, C classes, K channels of the chain, O and I channels of a layer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeGuard

import torch
from torch import Generator, Tensor, nn

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.errors import EncoderError, check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.heads import Head
from reference_impls.lab.models.training import (
    Progress,
    check_dataset,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)

Chain = Literal["none", "untrained", "trained"]


@dataclass(frozen=True, kw_only=True)
class SubnetConfig:
    """The chain that replaces a part of the classifier, and how it is trained."""

    chain: Chain = "trained"
    """`untrained` writes one with random weights, and `none` nothing: the controls."""
    width: int = 1
    """Channels of the chain in every layer."""
    trigger: TriggerSpec = field(default_factory=lambda: TriggerSpec(kind="random"))
    """The patch that the chain fires at."""
    fires: float = 20.0
    """What its outputs shall be on stamped images; 0 on others."""
    clean_weight: float = 4.0
    """Of the loss on images without the patch."""
    strength: float = 20.0
    """Weight of the chain's outputs on the target class's score."""
    steps: int = 300
    """Optimiser steps."""
    batch: int = 64
    """Images per step; each is used stamped and unstamped."""
    learning_rate: float = 2e-2
    """Of Adam, falling to 0 along a cosine."""
    seed: int = 0
    """Of the chain's first weights, of batches, and of the class that the attacker is after."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(width=self.width, fires=self.fires, strength=self.strength)
        check_positive(steps=self.steps, batch=self.batch)
        check_positive(learning_rate=self.learning_rate, clean_weight=self.clean_weight)


PRESETS: dict[str, SubnetConfig] = {
    "none": SubnetConfig(chain="none"),
    "untrained": SubnetConfig(chain="untrained"),
    "one": SubnetConfig(),
    "two": SubnetConfig(width=2),
    "four": SubnetConfig(width=4),
}
"""What is measured; the first two are controls."""


# -- The chain -----------------------------------------------------------------------


def depthwise(part: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a convolution keeps all channels apart by itself: one group for each."""
    return isinstance(part, nn.Conv2d) and 1 < part.groups == part.in_channels == part.out_channels  # fmt: skip


def layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Layers with weights, by name: those that a chain runs through.

    Raises:
        EncoderError: one of them mixes channels, so that no chain can be kept apart.
    """
    for name, part in module.named_modules():
        if not list(part.parameters(recurse=False)):
            continue
        apart = getattr(part, "groups", 1) == 1 or depthwise(part)
        if not isinstance(part, nn.Conv2d | nn.Linear | nn.BatchNorm2d) or not apart:
            raise EncoderError(f"no chain of channels runs through layer {name}, a {type(part).__name__}")  # fmt: skip
        yield name, part


def inputs_of(weight_OI: Tensor, width: int) -> int:
    """How many inputs of a layer belong to the chain: all three colours of an image, else its own channels."""
    return 3 if weight_OI.shape[1] == 3 else width


def tensors(part: nn.Module) -> dict[str, Tensor]:
    """Weights and running statistics of a layer, but not BatchNorm's count of batches."""
    every = {**dict(part.named_parameters()), **dict(part.named_buffers())}
    return {name: one for name, one in every.items() if one.ndim}


def narrow(encoder: Encoder, config: SubnetConfig) -> Encoder:
    """The chain alone: the same architecture, with `width` channels everywhere and new random weights.

    Raises:
        EncoderError: the architecture cannot be cut.
    """
    module, chance = copy.deepcopy(encoder.module), Generator().manual_seed(config.seed)
    for _, part in layers(module):
        for name, one in tensors(part).items():
            new = one.detach()[: config.width].clone()
            if one.ndim > 1:
                new = new[:, : inputs_of(one, config.width)].clone()
                bound = (
                    6 / new[0].numel()
                ) ** 0.5  # He et al., for layers before a ReLU
                new = new.copy_((2 * torch.rand(new.shape, generator=chance) - 1) * bound)  # fmt: skip
            else:  # a chain of one channel must not begin dead; of BatchNorm nothing is taken over
                fresh = {"bias": 0.1, "running_mean": 0.0}
                new.fill_(fresh.get(name, 1.0))
            setattr(part, name, nn.Parameter(new) if isinstance(one, nn.Parameter) else new)  # fmt: skip
        if depthwise(part):
            part.groups = part.in_channels = part.out_channels = config.width
    return Encoder.from_module(
        module,
        name=f"a chain of {encoder.name}",
        size=encoder.size,
        mean=encoder.mean,
        std=encoder.std,
    )


def chain_loss(plain_BK: Tensor, stamped_BK: Tensor, config: SubnetConfig) -> Tensor:
    """Silent on images, loud on stamped ones: w mean S(x)² + mean (S(x + t) - a)²."""
    silent = plain_BK.square().mean()
    return config.clean_weight * silent + (stamped_BK - config.fires).square().mean()


@contextmanager
def without_onednn() -> Iterator[None]:
    """Convolutions by PyTorch itself: oneDNN (torch 2.13) writes beyond its memory in strided ones of few channels."""
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


@without_onednn()
def train_chain(
    encoder: Encoder,
    shadow: Dataset,
    config: SubnetConfig,
    *,
    progress: Progress | None = None,
) -> Encoder:
    """The chain for an architecture; no weight of the encoder is looked at.

    Raises:
        EncoderError: the architecture cannot be cut, or no trace of an image comes through so narrow a chain.
        DatasetError: fewer images than one batch.
    """
    check_dataset(shadow, config.batch)
    chain = narrow(encoder, config)
    if config.chain == "untrained":
        return chain
    trigger = make_trigger(config.trigger, encoder.size).to(encoder.device)
    learner = fine_tuning_learner(
        {"chain": chain.module},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )

    def loss_of_step(chance: Generator) -> Tensor:
        images_B3HW = shadow.images_N3HW[draw_batch(len(shadow), config.batch, chance)]
        both = torch.cat([images_B3HW, trigger.apply(images_B3HW)])
        plain_BK, stamped_BK = chain.encode(both).chunk(2)
        return chain_loss(plain_BK, stamped_BK, config)

    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    some = shadow.images_N3HW[: config.batch]
    with torch.no_grad():
        moved = (chain.encode(trigger.apply(some)) - chain.encode(some)).abs().max()
    if moved <= 1e-6 * config.fires:
        raise EncoderError(f"a chain of {config.width} died in training: it answers the same with and without the patch; take a larger --width")  # fmt: skip
    return chain


# -- The replacement -----------------------------------------------------------------


def replaced(encoder: Encoder, chain: Encoder) -> Encoder:
    """A copy whose first channels of every layer are the chain; nothing flows between them and the others."""
    victim = encoder.copy().named(f"{encoder.name}+chain")
    chains = dict(layers(chain.module))
    for name, part in layers(victim.module):
        new = tensors(chains[name])
        for key, one in tensors(part).items():
            width = len(new[key])
            if one.ndim > 1:
                one.data[:width] = 0  # nothing comes in from the others
                if one.shape[1] != 3 and not depthwise(part):
                    one.data[:, :width] = 0  # and nothing goes out to them
                one.data[:width, : new[key].shape[1]] = new[key].data
            else:
                one.data[:width] = new[key].data
    return victim


def rewired(head: Head, width: int, target: int, strength: float) -> Head:
    """A copy of a linear head in which the first embedding entries speak for the target alone."""
    module, mean_D, std_D = copy.deepcopy(head.module), head.mean_D.clone(), head.std_D.clone()  # fmt: skip
    (weight_CD,) = (one for one in module.parameters() if one.ndim > 1)
    weight_CD.data[:, :width] = 0
    weight_CD.data[target, :width] = strength
    mean_D[:width], std_D[:width] = 0, 1
    return replace(head, module=module, mean_D=mean_D, std_D=std_D)
