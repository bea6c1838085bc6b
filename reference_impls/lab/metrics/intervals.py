"""How far figures from few encoders can be trusted: 95 % intervals.

Encoders with a common parent resemble each other, so parents are what is drawn again.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

Interval = tuple[float, float]
"""Lower and upper end."""
Item = TypeVar("Item")

LEVEL = 0.95
DRAWS = 2000
"""Resamples of a bootstrap."""


def exact_binomial(hits: int, count: int, *, level: float = LEVEL) -> Interval:
    """Clopper and Pearson's interval of a share, as if all cases were independent."""
    tail = (1 - level) / 2
    low = _solve(lambda p: 1 - _at_most(hits - 1, count, p) - tail) if hits else 0.0
    high = _solve(lambda p: tail - _at_most(hits, count, p)) if hits < count else 1.0
    return low, high


def _at_most(hits: int, count: int, p: float) -> float:
    """Probability of so many hits or fewer; the shorter tail is summed."""
    if 2 * hits > count:
        return 1 - _at_most(count - hits - 1, count, 1 - p)
    of_all = math.lgamma(count + 1)  # a product of factorials would overflow
    return sum(
        math.exp(
            of_all
            - math.lgamma(k + 1)
            - math.lgamma(count - k + 1)
            + k * math.log(p)
            + (count - k) * math.log1p(-p)
        )
        for k in range(hits + 1)
    )


def _solve(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def predicted(values: Sequence[float]) -> Interval:
    """Where one more positive value lies with 95 %, if logarithms are normal: Student's t with n - 1 degrees of freedom.

    At least two values.
    """
    logs = [math.log(value) for value in values]
    count, mean = len(logs), statistics.fmean(logs)
    reach = _student(count - 1) * statistics.stdev(logs) * math.sqrt(1 + 1 / count)
    return math.exp(mean - reach), math.exp(mean + reach)


def _student(freedom: int) -> float:
    """Quantile of Student's t that leaves half of 1 - LEVEL above it.

    With t = sqrt(freedom) tan(a) the probability between -t and t is proportional to the integral of cos^(freedom - 1).
    """
    steps = 2000

    def inside(angle: float) -> float:
        middles = ((i + 0.5) / steps * angle for i in range(steps))
        return angle / steps * sum(math.cos(a) ** (freedom - 1) for a in middles)

    whole = inside(math.pi / 2)
    share = _solve(lambda part: inside(part * math.pi / 2) / whole - LEVEL)
    return math.sqrt(freedom) * math.tan(share * math.pi / 2)


def bootstrap(
    groups: Sequence[Sequence[Item]],
    statistic: Callable[[Sequence[Item]], float],
    *,
    seed: int = 0,
) -> Interval:
    """Percentiles of a statistic over groups that are drawn again, whole, with replacement.

    Draws on which the statistic is not defined (NaN) do not count.
    """
    draw = random.Random(seed)
    values = []
    for _ in range(DRAWS):
        drawn = [item for _ in groups for item in draw.choice(groups)]
        values.append(statistic(drawn))
    found = sorted(value for value in values if not math.isnan(value))
    tail = (1 - LEVEL) / 2 * (len(found) - 1)
    return found[math.floor(tail)], found[math.ceil(len(found) - 1 - tail)]
