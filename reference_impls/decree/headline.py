"""What the website says of the sweep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reference_impls.decree.sweep import Row, Separation, works
from reference_impls.lab.study.headline import Text, figure, published, summary

COMMAND = "python -m reference_impls.decree sweep --publish"
PAPER = "arXiv:2303.15180"


def headline(
    rows: Sequence[Row], separations: Sequence[Separation], about: dict[str, Any]
) -> dict[str, Any]:
    """`headline` and `provenance` of `results.json`."""
    names = [re.match(r"[a-z]+-([0-9]+)", row.name) for row in rows if works(row)]
    seeds = sorted({int(name[1]) for name in names if name})
    figures = [part for one in reversed(separations) for part in _figures(one)]
    return summary(figures, command=COMMAND, seeds=seeds, about=about)


# Table 3, "Summary", the three attack targets together; the same 111 clean encoders stand against each.
_THEIRS: Text = (
    "111 clean and 333 backdoored encoders: CIFAR-10, ImageNet, CLIP; ResNet-18 to 50",
    "111 个干净编码器与 333 个后门编码器：CIFAR-10、ImageNet、CLIP；ResNet-18 至 50",
)
_SOURCE = f"{PAPER}, Table 3"


def _figures(judged: Separation) -> list[dict[str, Any]]:
    bad = judged.true_positives + judged.false_negatives
    good = judged.true_negatives + judged.false_positives
    setting: Text = (f"preset {judged.preset}", f"预设 {judged.preset}")
    theirs = judged.preset == "published"

    def percent(part: int, whole: int) -> float:
        return round(100 * part / whole, 1)

    return [
        figure(
            ("Backdoored encoders found", "识别出的后门编码器"),
            percent(judged.true_positives, bad),
            unit="%",
            n=bad,
            better="higher",
            setting=setting,
            published=published(percent(330, 333), _SOURCE, setting=_THEIRS)
            if theirs
            else None,
        ),
        figure(
            ("Clean encoders flagged", "被误报的干净编码器"),
            percent(judged.false_positives, good),
            unit="%",
            n=good,
            better="lower",
            setting=setting,
            published=published(percent(2, 111), _SOURCE, setting=_THEIRS)
            if theirs
            else None,
        ),
        figure(
            ("Area under the ROC curve", "ROC 曲线下面积"),
            round(judged.area_under_curve, 3),
            n=bad + good,
            better="higher",
            setting=setting,
        ),
    ]
