"""What `surveykit validate` does when something has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from surveykit import load, report
from surveykit.errors import Problem


def problems(home: Path, paths: Sequence[Path]) -> tuple[Problem, ...]:
    """All problems, or those of some paths."""
    return load.check(home, [path.resolve() for path in paths]).problems


def sarif(problems: Sequence[Problem]) -> str:
    """Problems with the explanations of their rules."""
    return report.render(problems, "sarif")
