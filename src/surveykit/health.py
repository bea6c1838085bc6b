"""What became of the papers of a catalog since they came: `catalog/health.json`, written by `surveykit health`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, get_args

from pydantic import Field

from surveykit.models import Model
from surveykit.scalars import Day, PaperId, PlainText

HealthKind = Literal[
    "retracted",
    "withdrawn",
    "concern",
    "corrected",
    "published",
    "code-gone",
    "code-moved",
    "code-archived",
]
KINDS: tuple[HealthKind, ...] = get_args(HealthKind)
"""In the order of their weight."""
ASIDE: tuple[HealthKind, ...] = ("code-archived",)
"""What readers should know and nobody has to mend."""
Total = Annotated[int, Field(strict=True, ge=0)]


class HealthFinding(Model):
    """Something that became of one paper."""

    paper: PaperId
    """Id of the entry."""
    kind: HealthKind
    """What it is: retracted, withdrawn, under concern, corrected, published; its program is gone, has moved, is archived."""
    says: PlainText | None = None
    """The fact, without words of a language where that can be: `CVPR 2025`, the new address, the remark of the authors."""
    evidence: Annotated[tuple[PlainText, ...], Field(min_length=1)]
    """Who says so: `doi:10.1145/…`, `dblp:conf/cvpr/…`, an address."""
    since: Day
    """Day on which it was first seen."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same finding in a later run."""
        return self.paper, self.kind, self.says or ""


class Health(Model):
    """`catalog/health.json`: one look at all papers."""

    date: Day
    """Day of the look."""
    papers: Total
    """Entries that were looked at."""
    preprints: Total
    """Those among them whose publication was looked for."""
    repositories: Total
    """Addresses of programs that were asked for."""
    silent: tuple[PlainText, ...] = ()
    """Services that gave no answer for some of them; what they had said before is kept."""
    findings: tuple[HealthFinding, ...] = ()
    """By weight, then by entry."""

    def of(self, kind: HealthKind) -> tuple[HealthFinding, ...]:
        """Findings of one kind."""
        return tuple(one for one in self.findings if one.kind == kind)

    @property
    def pressing(self) -> tuple[HealthFinding, ...]:
        """What needs a hand."""
        return tuple(one for one in self.findings if one.kind not in ASIDE)


def ordered(findings: Iterable[HealthFinding]) -> tuple[HealthFinding, ...]:
    """Findings as the file keeps them, each once."""
    each = {one.key: one for one in findings}
    return tuple(
        sorted(
            each.values(), key=lambda f: (KINDS.index(f.kind), f.paper, f.says or "")
        )
    )
