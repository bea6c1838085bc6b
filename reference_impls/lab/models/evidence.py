"""What an encoder's BatchNorms say of the pictures it was trained on.

A BatchNorm keeps mean and variance of what came in during training. Where real pictures, fed as
assumed, bring others in, something is assumed wrongly: normalisation, padding or pooling.

Shape letters: B batch, H and W pixels, 3 colour channels, C channels of a layer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn

from reference_impls.lab.data.dataset import folder
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.formats.family import Choices
from reference_impls.lab.models.normalisation import STATISTICS

PICTURES = 64
"""Pictures that are looked at."""
CLEARLY = 0.8
"""Another assumption is better if it leaves at most this share of the distance."""


@torch.no_grad()
def batchnorm_gap(encoder: Encoder, images_B3HW: Tensor) -> float | None:
    """How far the images' statistics are from those that the BatchNorms keep.

    Returns:
        The mean over all layers of the median over channels of the distance between the means, in
        standard deviations, plus that between the logarithms of the deviations; none without BatchNorm.
    """
    gaps: list[Tensor] = []
    norms = [m for m in encoder.module.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [m.register_forward_pre_hook(partial(_compare, gaps)) for m in norms]
    try:
        encoder.encode(images_B3HW)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(gaps).mean().item() if gaps else None


def _compare(gaps: list[Tensor], norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    (features_BCHW,) = inputs
    kept_mean_C, kept_var_C = norm.running_mean, norm.running_var
    assert isinstance(kept_mean_C, Tensor)
    assert isinstance(kept_var_C, Tensor)
    var_C, mean_C = torch.var_mean(features_BCHW, dim=(0, 2, 3), correction=0)
    std_C = kept_var_C.clamp_min(1e-12).sqrt()
    gap_C = (mean_C - kept_mean_C).abs() / std_C
    gap_C += (var_C.clamp_min(1e-12).sqrt() / std_C).log().abs()
    gaps.append(gap_C.median())


def settle_stem(
    encoder: Encoder, images_B3HW: Tensor, choices: Choices
) -> tuple[bool, tuple[str, ...]]:
    """Give a 3x3 stem the padding and pooling under which the pictures fit best, unless chosen.

    Returns:
        Whether the pictures decided, and what they say.
    """
    net = encoder.module
    stem = getattr(net, "conv1", None)
    if not isinstance(stem, nn.Conv2d) or stem.kernel_size != (3, 3):
        return False, ()
    paddings = (1, 2) if choices.stem_padding is None else (choices.stem_padding,)
    pools = (False, True) if choices.stem_pool is None else (choices.stem_pool,)
    gaps = {}
    for padding, pool in product(paddings, pools):
        _set_stem(net, stem, padding, pool)
        gap = batchnorm_gap(encoder, images_B3HW)
        if gap is None:
            return False, ()
        gaps[padding, pool] = gap
    ranked = sorted(gaps, key=lambda one: gaps[one])
    _set_stem(net, stem, *ranked[0])
    told = "; ".join(
        f"padding {padding}{' and pooling' if pool else ''} {gaps[padding, pool]:.3f}"
        for padding, pool in ranked
    )
    return True, (f"distance of the pictures from BatchNorm's statistics: {told}",)


def _set_stem(net: nn.Module, stem: nn.Conv2d, padding: int, pool: bool) -> None:
    stem.padding = (padding, padding)
    net.maxpool = nn.MaxPool2d(3, 2, 1) if pool else nn.Identity()


def judge_statistics(encoder: Encoder, images_B3HW: Tensor) -> tuple[str, ...]:
    """How the pictures fit as they are normalised, and which other normalisation fits clearly better."""
    own = batchnorm_gap(encoder, images_B3HW)
    if own is None:
        return ("pictures decide nothing: the encoder has no BatchNorm",)
    gaps = {
        name: batchnorm_gap(replace(encoder, mean=one.mean, std=one.std), images_B3HW)
        or 0.0
        for name, one in STATISTICS.items()
    }
    best = min(gaps, key=lambda name: gaps[name])
    line = (
        f"normalised as assumed, the pictures are {own:.3f} from BatchNorm's statistics"
    )
    if gaps[best] < CLEARLY * own:
        line += f"; as {best!r} only {gaps[best]:.3f}: --statistics {best} fits better"
    return (line,)


def pictures_of(path: Path, size: int) -> Tensor:
    """Pictures of a folder, (B, 3, size, size) in [0, 1].

    Raises:
        DatasetError: there are none, or they cannot be read.
    """
    return folder(path, size=size, count=PICTURES).images_N3HW
