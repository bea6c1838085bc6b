"""How well a score tells attacks from clean inputs.

Shape letters: N clean scores, M scores of attacks; a higher score is more suspicious.
"""

from __future__ import annotations

from torch import Tensor


def auroc(clean_N: Tensor, attacked_M: Tensor) -> float:
    """Probability, in [0, 1], that an attack scores above a clean input; ties count half. At least one of each."""
    above_MN = attacked_M.unsqueeze(1) - clean_N
    return ((above_MN > 0).double() + 0.5 * (above_MN == 0)).mean().item()


def threshold_at(clean_N: Tensor, false_alarms: float) -> float:
    """The score that at most this share of the clean ones exceed: one of theirs, at least one of them."""
    allowed = int(false_alarms * len(clean_N) + 1e-9)
    return clean_N.sort(descending=True).values[min(allowed, len(clean_N) - 1)].item()
