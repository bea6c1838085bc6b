"""Layer robustness contribution: which layers robustness rests on, and which it can spare.

For each convolution and linear layer: by how much can the loss on adversarial images be
raised by moving that layer's weight by at most a tenth of its norm? The layers with the
smallest answers are what stage 2 adapts.

Shape letters: N images, 3 channels, H and W pixels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from reference_impls.gen_af.config import Mode, SensitivityConfig
from reference_impls.gen_af.model import Downstream, Outputs
from reference_impls.lab.errors import ConfigError

Progress = Callable[[int, int], None]
"""Called with (layers done, layers in all)."""


@dataclass(frozen=True)
class LayerContribution:
    """One layer's part in the robustness."""

    layer: str
    """Its exact name in the model."""
    contribution: float
    """Rise of the mean adversarial cross entropy; the smaller, the more spare the layer."""
    parameters: int
    """Numbers in its weight."""


@dataclass(frozen=True)
class Sensitivity:
    """All layers, in the model's order."""

    layers: tuple[LayerContribution, ...]
    loss: float
    """Mean adversarial cross entropy of the model as it is."""
    mode: Mode
    processor_seconds: float

    def spare(self, share: float) -> tuple[str, ...]:
        """Names of the `share` of all layers that contribute least, in the model's order.

        Raises:
            ConfigError: that is no layer at all.
        """
        count = int(share * len(self.layers) + 1e-9)
        if count < 1:
            raise ConfigError(
                f"{share:g} of {len(self.layers)} layers is no layer; "
                f"stage 2 needs a share of at least {1 / max(1, len(self.layers)):.2g}"
            )
        least = sorted(self.layers, key=lambda one: one.contribution)[:count]
        return tuple(one.layer for one in self.layers if one in least)


def adaptable_layers(model: nn.Module) -> tuple[str, ...]:
    """Names of all convolutions and linear layers.

    Raises:
        ConfigError: there is none.
    """
    found = tuple(
        name
        for name, part in model.named_modules()
        if isinstance(part, (nn.Conv2d, nn.Linear))
    )
    if not found:
        raise ConfigError("the model has neither convolutions nor linear layers")
    return found


def measure_sensitivity(
    model: Downstream,
    adversarial_N3HW: Tensor,
    labels_N: Tensor,
    config: SensitivityConfig,
) -> Sensitivity:
    """Every layer's contribution on adversarial images; the model is left as it was.

    The model must be in eval mode, so that no statistics move.
    """
    if model.training:
        raise ConfigError("layers are measured in eval mode, the model is in training")
    started = time.process_time()
    batches = list(
        zip(
            adversarial_N3HW.split(config.batch),
            labels_N.split(config.batch),
            strict=True,
        )
    )
    if config.mode == "exact":
        loss, rises = _exact(model, batches, config)
    else:
        loss, rises = _first_order(model, batches, config)
    layers = tuple(
        LayerContribution(name, rise, _weight(model, name).numel())
        for name, rise in rises.items()
    )
    return Sensitivity(layers, loss, config.mode, time.process_time() - started)


Batches = Sequence[tuple[Tensor, Tensor]]


def _weight(model: nn.Module, layer: str) -> Tensor:
    return model.get_parameter(f"{layer}.weight")


def _mean_loss(
    model: Downstream, batches: Batches, swapped: dict[str, Tensor]
) -> Tensor:
    """Mean cross entropy over all images, with some parameters replaced."""
    total = sum(
        (
            F.cross_entropy(_logits(model, swapped, images), labels, reduction="sum")
            for images, labels in batches
        ),
        start=torch.zeros((), device=batches[0][0].device),
    )
    return total / sum(len(labels) for _, labels in batches)


def _logits(model: Downstream, swapped: dict[str, Tensor], images: Tensor) -> Tensor:
    outputs: Outputs = functional_call(model, swapped, (images,))
    logits_BC: Tensor = outputs.logits_BC
    return logits_BC


def _exact(
    model: Downstream,
    batches: Batches,
    config: SensitivityConfig,
) -> tuple[float, dict[str, float]]:
    with torch.no_grad():
        before = _mean_loss(model, batches, {}).item()
    rises = {
        name: _highest_loss(model, name, batches, config) - before
        for name in adaptable_layers(model)
    }
    return before, rises


def _highest_loss(
    model: Downstream, layer: str, batches: Batches, config: SensitivityConfig
) -> float:
    """The highest loss after any epoch of ascent, the weight kept in its ball.

    Only this weight asks for a gradient, so that autograd stops at its layer. With all
    images in one batch, the loss of an epoch is read off the next epoch's forward pass.
    """
    key, start = f"{layer}.weight", _weight(model, layer).detach()
    radius, weight = config.radius * start.norm(), start.clone()
    highest = float("-inf")
    for epoch in range(config.epochs):
        for images, labels in batches:
            moved = weight.requires_grad_()
            with frozen(model):
                loss = _mean_loss(model, [(images, labels)], {key: moved})
            if epoch and len(batches) == 1:
                highest = max(highest, loss.item())
            (grad,) = torch.autograd.grad(loss, moved)
            weight = project(
                moved.detach() + config.learning_rate * grad, start, radius
            )
        if len(batches) > 1 or epoch == config.epochs - 1:
            with torch.no_grad():
                highest = max(highest, _mean_loss(model, batches, {key: weight}).item())
    return highest


def project(weight: Tensor, start: Tensor, radius: Tensor) -> Tensor:
    """The nearest weight no further than `radius` (2-norm) from `start`."""
    step = weight - start
    kept: Tensor = start + step * (radius / step.norm().clamp_min(1e-12)).clamp(max=1)
    return kept


def _first_order(
    model: Downstream, batches: Batches, config: SensitivityConfig
) -> tuple[float, dict[str, float]]:
    """`radius · ||W|| · ||dL/dW||`: the rise of a linear loss, for all layers at once."""
    names = adaptable_layers(model)
    weights = {
        f"{name}.weight": _weight(model, name).detach().clone().requires_grad_()
        for name in names
    }
    count = sum(len(labels) for _, labels in batches)
    grads = [torch.zeros_like(weight) for weight in weights.values()]
    before = 0.0
    for images, labels in batches:
        with frozen(model):
            loss = _mean_loss(model, [(images, labels)], weights) * len(labels) / count
        before += loss.item()
        for total, part in zip(
            grads, torch.autograd.grad(loss, list(weights.values())), strict=True
        ):
            total += part
    rises = {
        name: (config.radius * weight.norm() * grad.norm()).item()
        for name, weight, grad in zip(names, weights.values(), grads, strict=True)
    }
    return before, rises


class frozen:  # noqa: N801 - reads as a statement: `with frozen(model):`
    """While open, no parameter of the model asks for a gradient."""

    def __init__(self, model: nn.Module) -> None:
        """Remember what asked before."""
        self._asked = [one for one in model.parameters() if one.requires_grad]

    def __enter__(self) -> None:
        for one in self._asked:
            one.requires_grad_(False)

    def __exit__(self, *_: object) -> None:
        for one in self._asked:
            one.requires_grad_(True)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rho of two rankings without ties, in [-1, 1]."""
    ranks = [
        torch.tensor(values, dtype=torch.float64).argsort().argsort().double()
        for values in (first, second)
    ]
    stacked = torch.stack(ranks)
    return torch.corrcoef(stacked)[0, 1].item()
