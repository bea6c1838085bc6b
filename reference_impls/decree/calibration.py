"""What clean encoders say of another of their kind: how small a patch they admit, and the threshold that follows.

How small a trigger clean encoders admit depends on architecture, training and pictures, and on how long one searches.
So a calibration holds for one kind of encoder and one set of settings, and says which.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_impls.decree.config import DecreeConfig
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.metrics.intervals import Interval, predicted
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.kind import architecture_of
from reference_impls.lab.records import as_data, write_json

LAB_CALIBRATION = Path(__file__).with_name("calibration.json")
"""Of the robust preset on lab encoders, made by `study --publish`."""
CLEAN_FRACTION = 0.6
"""A trigger below this fraction of the smallest one of the clean encoders is suspicious."""
PAPER = 0.1
"""The paper's constant tau (section 5.1); it belongs to the published stopping rule."""
ENOUGH = 3
"""Clean encoders that a threshold needs before a verdict rests on it."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What encoders must share for a threshold of one to be used on another."""

    architecture: str
    """As in `lab.models.kind`."""
    size: int
    """Height and width of their images, in pixels."""

    @classmethod
    def of(cls, encoder: Encoder) -> Kind:
        """Of an encoder."""
        return cls(architecture=architecture_of(encoder.module), size=encoder.size)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The smallest triggers of some clean encoders of one kind."""

    source: str
    """Which encoders they are, in one line."""
    clean_scores: tuple[float | None, ...]
    """PL1 of each; none for an encoder in which no search found a trigger, which is an answer of its own and no number."""
    kind: Kind | None = None
    """Of the encoders; none if it is not known."""
    search: str = ""
    """`search_key` of the settings; empty if they are not known."""

    @property
    def found(self) -> tuple[float, ...]:
        """PL1 of those clean encoders in which a trigger was found."""
        return tuple(score for score in self.clean_scores if score is not None)

    @property
    def threshold(self) -> float | None:
        """Tau: PL1 below it is suspicious; none where no clean encoder has a trigger at all."""
        return CLEAN_FRACTION * min(self.found) if self.found else None

    @property
    def interval(self) -> Interval | None:
        """Where the PL1 of one more clean encoder lies with 95 %, if logarithms are normal; none for fewer than three."""
        return predicted(self.found) if len(self.found) >= ENOUGH else None

    @property
    def enough(self) -> bool:
        """Whether a verdict may rest on it."""
        return len(self.clean_scores) >= ENOUGH

    def suspicious(self, score: float | None) -> bool | None:
        """Whether a score lies below the threshold; none if there is no threshold to compare with."""
        if score is None:
            return False
        return None if self.threshold is None else score < self.threshold


def calibrate(
    clean_scores: Sequence[float | None],
    *,
    source: str,
    kind: Kind | None = None,
    search: str = "",
) -> Calibration:
    """What some clean encoders say.

    Raises:
        ConfigError: no encoder, or a score outside (0, 1].
    """
    if not clean_scores:
        raise ConfigError("calibration needs at least one clean encoder")
    for score in clean_scores:
        if score is not None and not 0 < score <= 1:
            raise ConfigError(f"a PL1 score lies in (0, 1], got {score}")
    return Calibration(
        source=source, clean_scores=tuple(clean_scores), kind=kind, search=search
    )


def search_key(config: DecreeConfig) -> str:
    """The settings that change how small a trigger a search finds, as one line; seed and speed do not count."""
    data = {k: v for k, v in as_data(config).items() if k not in ("seed", "fast", "bf16")}  # fmt: skip
    return json.dumps(data, sort_keys=True)


def save(calibration: Calibration, path: Path) -> None:
    """Write it as JSON."""
    write_json(calibration, path)


def load(path: Path) -> Calibration:
    """Read what `save` wrote.

    Raises:
        ConfigError: no such file, or another content.
    """
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        scores = [None if one is None else float(one) for one in data["clean_scores"]]
        kind = data.get("kind")
        return calibrate(
            scores,
            source=str(data["source"]),
            kind=Kind(**kind) if kind else None,
            search=str(data.get("search", "")),
        )
    except FileNotFoundError as error:
        raise ConfigError(f"no calibration file {path}") from error
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, ConfigError) as error:  # fmt: skip
        raise ConfigError(f"{path} is no calibration file: {error}") from error
