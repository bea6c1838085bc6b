"""Is a payload written over the bits of the weights? What the bits of trained weights look like, and what a payload leaves.

Wang, Liu and Cui, "EvilModel", ISCC 2021, https://arxiv.org/abs/2107.08590, hide a program's bytes in neurons. Of a trained float32
weight the low bits of the mantissa are noise, each byte as frequent as any other, and the high ones are not: small weights are more
frequent than large ones, also between two powers of 2. Text or machine code makes the low bits uneven; ciphertext is noise, too,
and shows only where it makes the high bits even.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from reference_impls.lab.models.training import check_positive

Weights = NDArray[numpy.float32]
HIGH = 4
"""Highest bits of the mantissa that are looked at."""


@dataclass(frozen=True, kw_only=True)
class HiddenConfig:
    """When bits are no trained weights'."""

    window: int = 4096
    """Weights that are looked at together."""
    even: float = 3.0
    """High bits whose chi-square lies fewer standard deviations above that of noise give alarm."""
    uneven: float = 6.0
    """Low bytes whose chi-square lies more standard deviations above that of noise give alarm."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_positive(window=self.window, even=self.even, uneven=self.uneven)


def deviation(values: NDArray[numpy.uint32], bins: int) -> float:
    """Chi-square of integers (N,) in [0, bins) against equal frequency, as standard deviations (Wilson and Hilferty, 1931)."""
    expected, freedom = len(values) / bins, bins - 1
    found = numpy.bincount(values, minlength=bins)
    chi = float(((found - expected) ** 2 / expected).sum())
    scale = 2 / (9 * freedom)
    return float(((chi / freedom) ** (1 / 3) - (1 - scale)) / scale**0.5)


def suspicious(weights: Weights, config: HiddenConfig) -> list[str]:
    """`uneven`, `even`, or nothing for each whole window of weights (N,); zeros and values of fewer bits tell nothing."""
    bits = weights[weights != 0].view(numpy.uint32)
    return [_sign(bits[at : at + config.window], config)
            for at in range(0, len(bits) - config.window + 1, config.window)]  # fmt: skip


def _sign(bits: NDArray[numpy.uint32], config: HiddenConfig) -> str:
    # Where small numbers came of large ones they end in zeros: those whose last one stands at the same place are noise above it.
    for last in range(15):
        alike = bits[bits & (2 ** (last + 1) - 1) == 2**last]
        if len(alike) > config.window // 8:
            break
    else:
        return ""  # powers of 2, as of quantised weights
    for low in (last + 1, last + 9):
        width = min(8, 23 - HIGH - 1 - low)
        if width >= 4 and deviation(alike >> low & (2**width - 1), 2**width) > config.uneven:  # fmt: skip
            return "uneven"
    high = bits >> (23 - HIGH) & (2**HIGH - 1)
    return "even" if deviation(high, 2**HIGH) < config.even else ""


def flat(tensors: Iterable[NDArray[numpy.generic]]) -> Iterator[Weights]:
    """The float32 weights of each matrix or filter as (N,); biases and statistics are too few to tell."""
    for one in tensors:
        if one.dtype == numpy.float32 and one.ndim > 1:
            yield numpy.ascontiguousarray(one).reshape(-1)


def embed(weights: Weights, payload: bytes, bits: int, share: float) -> Weights:
    """A copy of weights (N,) with the payload, over and over, in the low bits of the first ones."""
    count = round(len(weights) * share)
    stream = numpy.unpackbits(numpy.frombuffer(payload, numpy.uint8))
    pieces = numpy.resize(stream, (count, bits)).astype(numpy.uint32)
    written = pieces @ (1 << numpy.arange(bits, dtype=numpy.uint32)[::-1])
    changed = weights.view(numpy.uint32).copy()
    changed[:count] = changed[:count] & ~numpy.uint32(2**bits - 1) | written
    return changed.view(numpy.float32)
