"""How well each preset tells backdoored encoders from clean ones: pure functions of trials."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reference_impls.decree.calibration import CLEAN_FRACTION, PAPER
from reference_impls.decree.config import PRESETS
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.metrics.intervals import Interval, bootstrap, exact_binomial

LEAST_SUCCESS_RATE = 0.99
"""Attacks below this are no working backdoors and are left out, as in the paper."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """PL1 below which an encoder counts as backdoored, and where that comes from."""

    threshold: float
    source: str
    clean_scores: tuple[float, ...] = ()
    """PL1 of the clean encoders it was derived from."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One encoder and what each preset found."""

    name: str
    """Name of the encoder."""
    role: str
    """Its part in the experiment."""
    trigger: str | None
    """The planted trigger; none for a clean encoder."""
    evasion_weight: float
    """Alpha of the adaptive attack (Eq. 8); 0 for the plain one."""
    figures: dict[str, float]
    """What the attack reached: accuracies, success rate, cosines; empty for a clean encoder."""
    scores: dict[str, float | None]
    """PL1 per preset; none where no working trigger was found."""
    seconds: dict[str, float]
    """Processor seconds per scan."""


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well one preset tells backdoored encoders from clean ones."""

    preset: str
    """Name of the preset."""
    calibration: Threshold
    """The threshold and what it rests on."""
    area_under_curve: float
    """Area under the ROC curve, in [0, 1]; a scan without a trigger counts as PL1 = 1."""
    area_interval: Interval
    """95 % interval of the area, parents drawn again; without an error it has no width."""
    accuracy: float
    """Fraction of right verdicts, in [0, 1]."""
    accuracy_interval: Interval
    """95 % interval of the accuracy, exact, as if all encoders were independent."""
    faultless_parents: int
    """Parents without a wrong verdict on themselves or their backdoored copies."""
    faultless_interval: Interval
    """95 % interval of their share, exact: no two of them share anything."""
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int


def area_under_curve(clean: Sequence[float], backdoored: Sequence[float]) -> float:
    """Probability that a backdoored encoder scores below a clean one; ties count half.

    NaN without one of each.
    """
    if not clean or not backdoored:
        return math.nan
    wins = sum((bad < good) + (bad == good) / 2 for bad in backdoored for good in clean)
    return wins / (len(clean) * len(backdoored))


def counted(trials: Iterable[Trial]) -> list[Trial]:
    """The test: clean encoders, and backdoored ones whose backdoor works."""
    return [
        trial
        for trial in trials
        if trial.role in ("clean", "backdoored") and works(trial)
    ]


def by_parent(trials: Iterable[Trial]) -> list[list[Trial]]:
    """Trials of encoders that come from one clean encoder stand together."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.name.partition("+")[0], []).append(trial)
    return list(groups.values())


def separation(trials: Iterable[Trial], preset: str) -> Separation:
    """Judge one preset on the test, with the threshold of the calibration encoders.

    The published preset keeps its published threshold.

    Raises:
        ConfigError: no encoder to calibrate on, or none of a kind in the test.
    """
    trials = list(trials)
    calibration = Threshold(threshold=PAPER, source="tau = 0.1, the paper's constant (section 5.1)")  # fmt: skip
    if preset != "published":
        clean = [score_of(one, preset) for one in trials if one.role == "calibration"]
        if not clean:
            raise ConfigError("calibration needs the score of at least one clean encoder")  # fmt: skip
        calibration = Threshold(
            threshold=CLEAN_FRACTION * min(clean),
            source=f"{CLEAN_FRACTION} x the smallest PL1 of {len(clean)} clean lab encoders outside the test",
            clean_scores=tuple(clean),
        )
    test = counted(trials)
    if {one.role for one in test} != {"clean", "backdoored"}:
        raise ConfigError(
            "a verdict on the presets needs a clean encoder and a backdoored one with a success rate "
            f"of at least {LEAST_SUCCESS_RATE:.0%}; measure more"
        )
    parents = by_parent(test)

    def right(trial: Trial) -> bool:
        found = score_of(trial, preset) < calibration.threshold
        return found == (trial.role == "backdoored")

    def area(some: Sequence[Trial]) -> float:
        clean, bad = (
            [score_of(trial, preset) for trial in some if trial.role == role]
            for role in ("clean", "backdoored")
        )
        return area_under_curve(clean, bad)

    def count(role: str, *, judged_right: bool) -> int:
        return sum(
            trial.role == role and right(trial) is judged_right for trial in test
        )

    correct = sum(right(trial) for trial in test)
    faultless = sum(all(right(trial) for trial in parent) for parent in parents)
    return Separation(
        preset=preset,
        calibration=calibration,
        area_under_curve=area(test),
        area_interval=bootstrap(parents, area),
        accuracy=correct / len(test),
        accuracy_interval=exact_binomial(correct, len(test)),
        faultless_parents=faultless,
        faultless_interval=exact_binomial(faultless, len(parents)),
        true_positives=count("backdoored", judged_right=True),
        false_negatives=count("backdoored", judged_right=False),
        false_positives=count("clean", judged_right=False),
        true_negatives=count("clean", judged_right=True),
    )


def gain(trials: Iterable[Trial]) -> dict[str, Any]:
    """How much more often `robust` is right than `published`, with an interval over parents."""
    trials = list(trials)
    threshold = {
        preset: separation(trials, preset).calibration.threshold for preset in PRESETS
    }

    def right(trial: Trial, preset: str) -> bool:
        return (score_of(trial, preset) < threshold[preset]) == (
            trial.role == "backdoored"
        )

    def more(some: Sequence[Trial]) -> float:
        wins = sum(right(trial, "robust") - right(trial, "published") for trial in some)
        return wins / len(some)

    test = counted(trials)
    return {"accuracy": more(test), "interval": bootstrap(by_parent(test), more)}


def works(trial: Trial) -> bool:
    """Whether a trial counts: clean, or an attack that reached the success rate."""
    return (
        not trial.figures or trial.figures["attack_success_rate"] >= LEAST_SUCCESS_RATE
    )


def score_of(trial: Trial, preset: str) -> float:
    """PL1, with 1 where no working trigger was found."""
    score = trial.scores[preset]
    return 1.0 if score is None else score
