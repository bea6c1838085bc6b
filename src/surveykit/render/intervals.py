"""How far a figure can be trusted: 95 % confidence intervals of means and of shares."""

from __future__ import annotations

import math

Z = 1.96
"""0.975 quantile of the normal distribution."""
# fmt: off
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
      2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
      2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)
# fmt: on
"""0.975 quantiles of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2)."""

Interval = tuple[float, float]
"""Lower and upper end, in the unit of the figure."""


def of_mean(mean: float, sd: float, n: int) -> Interval:
    """Student's interval of a mean over `n` runs with sample deviation `sd`; above 31 runs a little too wide."""
    half = _T[min(n - 1, len(_T)) - 1] * sd / math.sqrt(n)
    return mean - half, mean + half


def of_share(share: float, n: int) -> Interval:
    """Wilson's interval of a share of `n` cases, 0 to 1 (E. B. Wilson, JASA 22, 1927)."""
    center = share + Z**2 / (2 * n)
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    whole = 1 + Z**2 / n
    return max(0.0, (center - half) / whole), min(1.0, (center + half) / whole)


def of_figure(
    value: float, sd: float | None, n: int | None, unit: str
) -> Interval | None:
    """Interval of a printed figure, or None where too little is known.

    A percentage without a deviation is a share of `n` models if that many can give it; with one it is a mean over runs.
    """
    if n is None:
        return None
    percent = unit == "%"
    if sd is not None:
        if n < 2:
            return None
        low, high = of_mean(value, sd, n)
        return (max(0.0, low), min(100.0, high)) if percent else (low, high)
    if not percent or not 0 <= value <= 100:
        return None
    cases = value / 100 * n
    if abs(cases - round(cases)) > 0.0005 * n + 1e-9:  # printed with one decimal
        return None
    low, high = of_share(round(cases) / n, n)
    return 100 * low, 100 * high


def apart(one: Interval, other: Interval) -> bool:
    """Whether two intervals share no value."""
    return one[1] < other[0] or other[1] < one[0]
