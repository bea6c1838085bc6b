"""A figure over several seeds: its mean, its standard std, and how many there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev


@dataclass(frozen=True)
class MeanStd:
    """Mean and standard std of a figure."""

    mean: float
    std: float
    """Of the sample (n - 1); 0 for a single value."""
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> MeanStd:
        """Of one value or more."""
        std = stdev(values) if len(values) > 1 else 0.0
        return cls(mean(values), std, len(values))

    def __format__(self, spec: str) -> str:
        """Bilingual numbers in a format of `float`, as in `f"{spread:.1f}"`; a single value has no ±."""
        mean = format(self.mean, spec or ".3f")
        if self.count == 1:
            return mean
        return f"{mean} ± {format(self.std, spec or '.3f')}"

    def __str__(self) -> str:
        """As a table shows it, for instance `0.319 ± 0.020`."""
        return format(self)
