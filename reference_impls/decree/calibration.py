"""The threshold a verdict rests on, and where it comes from.

How small a trigger clean encoders admit depends on the dataset, the architecture and on
how long the search runs. The published tau = 0.1 fits the published stopping rule only;
any other search needs clean encoders of the same kind to compare with.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.records import write_json

LAB_CALIBRATION = Path(__file__).with_name("calibration.json")
"""Threshold of the robust preset on lab encoders, made by `study --publish`."""
CLEAN_FRACTION = 0.6
"""A trigger below this fraction of the smallest one of the clean encoders is suspicious."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A threshold tau on PL1, and what it was derived from."""

    threshold: float
    """Encoders whose smallest trigger covers less than this fraction are flagged."""
    source: str
    """One sentence: what the threshold rests on."""
    clean_scores: tuple[float, ...] = ()
    """PL1 of the clean encoders it was derived from; empty for a published constant."""

    def deviations(self, score: float) -> float | None:
        """How many standard deviations below the clean mean a score lies, in log PL1.

        None without at least three clean scores.
        """
        if len(self.clean_scores) < 3:
            return None
        logs = [math.log(value) for value in self.clean_scores]
        mean = sum(logs) / len(logs)
        variance = sum((value - mean) ** 2 for value in logs) / (len(logs) - 1)
        return (mean - math.log(score)) / math.sqrt(variance) if variance else None


PUBLISHED_THRESHOLD = Calibration(
    threshold=0.1, source="tau = 0.1, the paper's constant (section 5.1)"
)


def calibrate(clean_scores: Sequence[float], *, source: str) -> Calibration:
    """The threshold that a set of clean encoders suggests.

    Raises:
        ConfigError: no score, or one outside (0, 1].
    """
    if not clean_scores:
        raise ConfigError("calibration needs the score of at least one clean encoder")
    for score in clean_scores:
        if not 0 < score <= 1:
            raise ConfigError(f"a PL1 score lies in (0, 1], got {score}")
    return Calibration(
        threshold=CLEAN_FRACTION * min(clean_scores),
        source=f"{CLEAN_FRACTION} x the smallest PL1 of {len(clean_scores)} {source}",
        clean_scores=tuple(clean_scores),
    )


def save(calibration: Calibration, path: Path) -> None:
    """Write it as JSON."""
    write_json(calibration, path)


def load(path: Path) -> Calibration:
    """Read what `save` wrote.

    Raises:
        ConfigError: no such file, or another content.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        scores = tuple(float(value) for value in data["clean_scores"])
        return Calibration(
            threshold=float(data["threshold"]),
            source=str(data["source"]),
            clean_scores=scores,
        )
    except FileNotFoundError as error:
        raise ConfigError(f"no calibration file {path}") from error
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is no calibration file: {error}") from error
