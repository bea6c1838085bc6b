"""What no tensor of a transformer tells, and custom does: heads and activation."""

from __future__ import annotations

import math

from torch import nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.formats.family import Activation, Choices
from reference_impls.lab.models.formats.shapes import need

HEAD_WIDTH = 64
"""Channels of an attention head in every published CLIP."""


def heads_of(width: int) -> int:
    """Attention heads by custom: 64 channels each; the huge and giant ones have sixteen."""
    return 16 if width in (1280, 1408, 1664) else max(1, width // HEAD_WIDTH)


def quick_gelu() -> type[nn.Module]:
    """The activation of OpenAI's CLIPs: x times the sigmoid of 1.702 x."""
    need("open_clip", "open_clip_torch")
    from open_clip.transformer import QuickGELU

    activation: type[nn.Module] = QuickGELU
    return activation


def activation_and_heads(
    choices: Choices,
    width: int,
    activation: Activation,
    *,
    known: bool,
    heads: int | None = None,
) -> tuple[Activation, int, tuple[str, ...]]:
    """Activation and heads, and which of them were assumed."""
    usual = heads or heads_of(width)
    assumed = []
    if not known and choices.activation is None:
        assumed.append(f"its activation is {activation} (--activation)")
    if heads is None and choices.heads is None and width % 64:
        assumed.append(f"its attention has {usual} heads (--heads)")
    return choices.activation or activation, choices.heads or usual, tuple(assumed)


def side(patches: int) -> int:
    """Patches along an edge of the image.

    Raises:
        EncoderError: they are no square.
    """
    edge = math.isqrt(patches)
    if edge**2 != patches:
        raise EncoderError(f"{patches} positions are no square of patches")
    return edge
