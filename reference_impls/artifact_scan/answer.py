"""What a scan is asked, and what it answers: findings, and the verdict that they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reference_impls.artifact_scan.pickles import Level
from reference_impls.lab.models.training import check_positive

Verdict = Literal["innocent", "dangerous", "cannot decide"]
EXIT_CODES: dict[Verdict, int] = {"innocent": 0, "dangerous": 1, "cannot decide": 4}


@dataclass(frozen=True, kw_only=True)
class ScanConfig:
    """Settings of a scan."""

    limit: int = 256
    """MiB that compressed files may unpack to, all in all."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_positive(limit=self.limit)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that speaks against a file."""

    level: Level
    where: str
    """File, and files in it."""
    reason: str
    """Name of the sentence below `reason` in `words.yaml`."""
    about: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The verdict, and what it rests on."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    files: int
    bytes: int


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The worst of all that was found."""
    levels = {one.level for one in findings}
    if "dangerous" in levels:
        return "dangerous"
    return "cannot decide" if levels else "innocent"
