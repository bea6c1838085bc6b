"""Several processes that compute one batch: sums with gradients, batch norm, whole batches.

Two processes with half a batch each then take the step that one takes with all of it.

Shape letters: B batch of this process, N batch of all, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn


def count() -> int:
    """Processes that train together; 1 where nobody launched several."""
    several = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if several else 1


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if count() > 1 else 0


def wait() -> None:
    """Until all processes are here."""
    if count() > 1:
        distributed.barrier()


class _Sum(torch.autograd.Function):
    """Sum over processes; every process's loss reaches every process's part."""

    @staticmethod
    def forward(context: Any, part: Tensor) -> Tensor:
        """The sum, the same on all."""
        total = part.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, grad_output: Tensor) -> Tensor:
        """The sum of gradients."""
        total = grad_output.clone()
        distributed.all_reduce(total)
        return total


def total(part: Tensor) -> Tensor:
    """Sum over all processes, differentiable."""
    return _Sum.apply(part) if count() > 1 else part  # type: ignore[no-untyped-call]


def whole_batch(part_B: Tensor) -> Tensor:
    """The parts of all processes behind each other, (N, ...), differentiable."""
    if count() == 1:
        return part_B
    everything = part_B.new_zeros(count(), *part_B.shape)
    everything[rank()] = part_B
    return total(everything).flatten(0, 1)


class _Synchronised(nn.modules.batchnorm._BatchNorm):
    """Batch norm over the whole batch; torch's own does so on GPUs only."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        """Normalised input, of the same shape."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        over = [0, *range(2, values.ndim)]
        shape = [1, -1] + [1] * (values.ndim - 2)
        mean_C = total(values.mean(dim=over)) / count()
        centred = values - mean_C.view(shape)
        variance_C = total(centred.square().mean(dim=over)) / count()
        self._remember(mean_C.detach(), variance_C.detach(), values)
        scale_C = (variance_C + self.eps).rsqrt()
        if self.affine:
            scale_C = scale_C * self.weight
        normalised = centred * scale_C.view(shape)
        if self.affine:
            normalised = normalised + self.bias.view(shape)
        return normalised.to(input.dtype)

    def _remember(self, mean_C: Tensor, variance_C: Tensor, values: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        numbers = count() * values.numel() / values.shape[1]
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        rate = self.momentum
        if rate is None:
            rate = 1 / float(self.num_batches_tracked or 1)
        unbiased_C = variance_C * numbers / (numbers - 1)
        self.running_mean.lerp_(mean_C, rate)
        self.running_var.lerp_(unbiased_C, rate)


@contextmanager
def synchronised(model: nn.Module) -> Iterator[None]:
    """While open, the model's batch norms see the batch of all processes.

    Layers change class in place, so that weights, statistics and references stay.
    """
    if count() == 1:
        yield
        return
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    found = [(part, type(part)) for part in model.modules() if type(part) in kinds]
    for part, _ in found:
        part.__class__ = _Synchronised
    try:
        yield
    finally:
        for part, kind in found:
            part.__class__ = kind
