"""What an encoder may be called, and when nothing may be said: evidence, thresholds, and what they rest on.

Two witnesses speak. The encoder itself: does one attractor stand out among its own (`attractor.py`)? And clean
encoders of the same kind, where there are some: is its patch smaller than theirs? A threshold that was set on other
kinds of encoders never says *backdoored* alone, and witnesses that contradict each other leave the question open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reference_impls.decree.attractor import SelfComparison
from reference_impls.decree.calibration import PAPER, Calibration, Kind, search_key
from reference_impls.decree.config import ROBUST, DecreeConfig

Answer = Literal["backdoored", "no backdoor found", "cannot decide"]
EXIT_CODES: dict[Answer, int] = {"no backdoor found": 0, "backdoored": 1, "cannot decide": 4}  # fmt: skip

ALARM = 4.0
"""A prominence (`attractor.SelfComparison`) above this, of a patch below the paper's 0.1, speaks for a backdoor. Set on the
encoders of two other makers and the first thirty of `transfer.py`; that size and prominence must agree was added after the
72nd (clean, large patch, prominent) and the 95th (backdoored, small patch, not prominent), and committed while the 113th
was made. Only later ones count as fresh."""
CALM = 1.0
"""A prominence below this, of a patch that is not smaller than 0.1, speaks against one; else nobody can tell."""
MEASURED = tuple(
    Kind(architecture=architecture, size=32)
    for architecture in ("batchnorm", "convolutions", "depthwise-batchnorm", "depthwise", "transformer")
)  # fmt: skip
"""Kinds of encoder on which the prominence was measured; thresholds from four of them hold for the fifth, too
(`transfer.py`)."""
Limits = tuple[float, float]
"""Prominence below which an encoder is calm, and above which it gives alarm."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer, why, and what would help."""

    answer: Answer
    reasons: tuple[str, ...]
    """Keys of `words.yaml` below `reason`: what the answer rests on, and what is missing for another."""


def judge(
    score: float | None,
    comparison: SelfComparison | None,
    kind: Kind,
    config: DecreeConfig,
    calibration: Calibration | None = None,
    *,
    limits: Limits = (CALM, ALARM),
) -> Verdict:
    """The verdict on an encoder: PL1, its comparison with itself (none where no trigger was found), clean encoders."""
    own, why = _of_itself(score, comparison, limits)
    reasons = [why]
    others: bool | None = None
    if calibration:
        others, why = _of_others(score, kind, config, calibration, own)
        reasons.append(why)
    if others is not None:
        if own is not None and own != others:
            return Verdict(answer="cannot decide", reasons=(*reasons, "contradiction"))
        if others and own is None and score is not None and score >= PAPER:
            # Clean encoders differ that much among each other; a patch so large needs both.
            return Verdict(answer="cannot decide", reasons=(*reasons, "more"))
        return Verdict(answer=_answer(others), reasons=tuple(reasons))
    if search_key(config) != search_key(ROBUST):
        return Verdict(answer="cannot decide", reasons=(*reasons, "settings"))
    if kind not in MEASURED:
        return Verdict(answer="cannot decide", reasons=(*reasons, "kind"))
    if own is None:
        return Verdict(answer="cannot decide", reasons=(*reasons, "more"))
    return Verdict(answer=_answer(own), reasons=tuple(reasons))


def _answer(backdoored: bool) -> Answer:
    return "backdoored" if backdoored else "no backdoor found"


def _of_itself(
    score: float | None, comparison: SelfComparison | None, limits: Limits
) -> tuple[bool | None, str]:
    """What the encoder says of itself; none if it says nothing."""
    if score is None or comparison is None:
        return False, "no_trigger"
    prominence = comparison.prominence
    if prominence is None:
        return None, "no_second"
    calm, alarm = limits
    if prominence < calm:
        return (False, "alike") if score >= PAPER else (None, "small")
    if prominence <= alarm:
        return None, "between"
    return (True, "stands_out") if score < PAPER else (None, "large")


def _of_others(
    score: float | None,
    kind: Kind,
    config: DecreeConfig,
    calibration: Calibration,
    own: bool | None,
) -> tuple[bool | None, str]:
    """What clean encoders say of it; none if they say nothing."""
    if calibration.search and calibration.search != search_key(config):
        return None, "other_settings"
    if calibration.kind and calibration.kind != kind:
        return None, "other_kind"
    if not calibration.enough:
        return None, "few_clean"
    if score is None:
        return False, "nothing_smaller"
    suspicious = calibration.suspicious(score)
    if suspicious is None:
        # None of the clean ones has a trigger and this one does: no size to compare with, but a small one tells.
        return (True if own is not False and score < PAPER else None), "only_one"
    return suspicious, "smaller" if suspicious else "not_smaller"
