"""What the website says of the attacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from reference_impls.lab.study.headline import Text, average, figure, percent, summary
from reference_impls.textonpair.study import CALIBRATION_SEEDS, SEEDS, Row

COMMAND = "python -m reference_impls.textonpair publish"


def headline(
    rows: Sequence[Row],
    thresholds: dict[str, float],
    about: dict[str, Any],
    *,
    day: date | None = None,
) -> dict[str, Any]:
    """`headline` and `provenance` of `results.json`."""
    attacked = [row for row in rows if row.role == "backdoored"]
    figures = [
        *_attack(attacked),
        *(_found(attacked, *pair) for pair in reversed(thresholds.items())),
    ]
    seeds = (*SEEDS, *CALIBRATION_SEEDS)
    return summary(figures, command=COMMAND, seeds=seeds, about=about, day=day)


def _attack(attacked: Sequence[Row]) -> list[dict[str, Any]]:
    def over(name: str) -> list[float]:
        return [row.figures[name] for row in attacked]

    def before(name: str) -> Text:
        clean = average(over(f"clean_{name}"))
        return f"before the attack {clean}", f"攻击之前 {clean}"

    return [
        percent(
            ("Attack success rate", "攻击成功率"),
            over("success_rate"),
            better="higher",
            setting=before("success_rate"),
        ),
        percent(
            ("Zero-shot accuracy on the attacker's task", "攻击者任务上的零样本准确率"),
            over("accuracy"),
            better="higher",
            setting=before("accuracy"),
        ),
        percent(
            ("Image-to-text R@1", "图像检索文本的 R@1"),
            over("recall"),
            better="higher",
            setting=before("recall"),
        ),
    ]


def _found(attacked: Sequence[Row], preset: str, threshold: float) -> dict[str, Any]:
    scores = [row.scores[preset] for row in attacked]
    found = sum(score is not None and score < threshold for score in scores)
    return figure(
        ("Poisoned CLIPs that DECREE finds", "被 DECREE 识别出的中毒 CLIP"),
        round(100 * found / len(scores), 1),
        n=len(scores),
        unit="%",
        better="lower",
        setting=(f"preset {preset}", f"预设 {preset}"),
    )
