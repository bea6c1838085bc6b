"""What an encoder may be called, and when nothing may be said: thresholds, and what they rest on."""

from __future__ import annotations

from typing import Literal

Answer = Literal["backdoored", "no backdoor found", "cannot decide"]

ALARM = 0.85
"""A separation (`attractor.SelfComparison`) above this is a backdoor. Set on 21 clean and 31 backdoored encoders of
two other makers, and committed before any encoder of `transfer.py` was made."""
CALM = 0.5
"""A separation below this is none; in between nobody can tell."""


def by_itself(separation: float | None) -> Answer:
    """The answer of an encoder that was compared with itself; a missing attractor leaves it open."""
    if separation is None:
        return "cannot decide"
    if separation > ALARM:
        return "backdoored"
    return "no backdoor found" if separation < CALM else "cannot decide"
