"""What compression makes of weights, and which weights it makes the same of.

Shape letters: O output channels.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from reference_impls.lab.models.encoders import Encoder

Form = Literal["float32", "int8", "int4", "pruned"]
"""What is run: the weights as they are, rounded to so many bits, or without their smaller half."""
BITS = {"int8": 8, "int4": 4}


def grid_of(weight_O: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Largest size and step of symmetric rounding, per output channel: max |w| / (2^(bits - 1) - 1); (O, 1, …)."""
    largest = weight_O.detach().flatten(1).abs().amax(dim=1).clamp(min=1e-12)
    largest = largest.view(-1, *[1] * (weight_O.ndim - 1))
    return largest, largest / (2 ** (bits - 1) - 1)


def threshold(weight_O: Tensor) -> Tensor:
    """The median size of a layer's weights, up to which they are pruned."""
    return weight_O.detach().abs().flatten().median()


def compressed(weight_O: Tensor, form: Form) -> Tensor:
    """A weight as a form has it; gradients pass as if it were not compressed (straight-through)."""
    if form == "float32" or weight_O.ndim < 2:
        return weight_O  # biases and norms are left alone
    if form == "pruned":
        changed = torch.where(weight_O.abs() > threshold(weight_O), weight_O, 0)
    else:
        _, step = grid_of(weight_O, BITS[form])
        changed = step * (weight_O / step).round()
    return weight_O + (changed - weight_O).detach()


def compress(encoder: Encoder, form: Form) -> Encoder:
    """A copy of the encoder as somebody runs it who compresses it by the plain rule."""
    copy = encoder.copy().named(f"{encoder.name}-{form}")
    for weight in copy.module.parameters():
        weight.data = compressed(weight.data, form)
    return copy


def same_form(weight_O: Tensor, planted_O: Tensor, form: Form) -> Tensor:
    """The nearest weight that compression makes the same of as of the planted one."""
    if form == "pruned":
        cut = threshold(planted_O)
        return torch.where(planted_O.abs() > cut, planted_O, weight_O.clamp(-cut, cut))
    largest, step = grid_of(planted_O, BITS[form])
    rounded = (planted_O / step).round() * step
    return _within(weight_O, planted_O, rounded - 0.499 * step, rounded + 0.499 * step, largest)  # fmt: skip


def either_neighbour(weight_O: Tensor, clean_O: Tensor, form: Form) -> Tensor:
    """QuRA's constraint: the nearest weight between the two grid points around the clean one."""
    largest, step = grid_of(clean_O, BITS[form])
    below = (clean_O / step).floor() * step
    return _within(weight_O, clean_O, below, below + step, largest)


def _within(weight: Tensor, anchor: Tensor, low: Tensor, high: Tensor, largest: Tensor) -> Tensor:  # fmt: skip
    """Between two bounds; a channel's largest weight, which sets its grid, stays, and none becomes larger."""
    kept = torch.maximum(torch.minimum(weight, high), low)
    kept = torch.maximum(torch.minimum(kept, largest), -largest)
    return torch.where(anchor.abs() >= largest, anchor, kept)


def form_of(module: nn.Module, form: Form) -> dict[str, Tensor]:
    """All parameters of a module in a form, by name."""
    return {name: compressed(one, form) for name, one in module.named_parameters()}


def torchs_int8(encoder: Encoder, images_B3HW: Tensor) -> Encoder | None:
    """PyTorch's own static quantization, of weights and activations, calibrated on some images; None where it fails."""
    some = encoder.normalise(images_B3HW).cpu()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it is deprecated
        try:
            from torch.ao.quantization import get_default_qconfig_mapping
            from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

            settings = get_default_qconfig_mapping()
            prepared = prepare_fx(encoder.copy().module.cpu(), settings, (some,))
            prepared(some)
            module = convert_fx(prepared)
            module(some)
        except Exception:  # noqa: BLE001 - whatever it says of a stranger's module
            return None
    return replace(encoder, module=module, name=f"{encoder.name}-torch")
