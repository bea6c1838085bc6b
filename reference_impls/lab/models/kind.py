"""What can be told of a network by looking at its layers: its kind, and whether it was trained at all."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.encoders import Encoder

Architecture = Literal[
    "transformer", "depthwise-batchnorm", "depthwise", "batchnorm", "convolutions", "other"
]  # fmt: skip
"""Attention; depthwise convolutions with BatchNorm or without; convolutions with BatchNorm or without; none of them."""

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def architecture_of(module: nn.Module) -> Architecture:
    """The kind of network that a module is, by its layers."""
    parts = list(module.modules())
    names = {type(part).__name__.lower() for part in parts}
    convolutions = [part for part in parts if isinstance(part, nn.Conv2d)]
    patches = len(convolutions) < 3  # patches alone are no convolutional network
    attends = any("attention" in name for name in names) or (patches and "block" in names)  # fmt: skip
    if attends and any(isinstance(part, nn.LayerNorm) for part in parts):
        return "transformer"
    if patches:
        return "other"
    depthwise = any(part.groups == part.in_channels > 1 for part in convolutions)
    normed = any(isinstance(part, nn.BatchNorm2d) for part in parts)
    if depthwise:
        return "depthwise-batchnorm" if normed else "depthwise"
    return "batchnorm" if normed else "convolutions"


@torch.no_grad()
def check_trained(encoder: Encoder) -> None:
    """Refuse a network as it was initialised; one without a norm layer cannot be told.

    Raises:
        EncoderError: every norm layer has its first weights and statistics.
    """
    norms = [part for part in encoder.module.modules() if isinstance(part, _NORMS)]
    if norms and all(_untouched(part) for part in norms):
        raise EncoderError(
            f"{encoder.name} is untrained: all {len(norms)} norm layers have the weights they were initialised with; "
            "load trained weights"
        )


def _untouched(norm: nn.Module) -> bool:
    state = norm.state_dict()
    first = {"weight": None, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
    for name, value in first.items():
        held = state.get(name)
        if held is None or not held.numel():
            continue
        # Some libraries start the last norm of a block with weights of 0 instead of 1.
        expected = held.flatten()[0].item() if value is None else value
        if expected not in (0.0, 1.0) or not bool((held == expected).all()):
            return False
    return bool(state)
