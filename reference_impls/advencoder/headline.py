"""What the website says of the sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reference_impls.advencoder.sweep import TRANSFER, Row
from reference_impls.lab.study.headline import Text, average, percent, summary

JUDGE = "mlp"
"""The downstream model of the figures."""
SIGNS: Text = ("random signs", "随机符号扰动")
PATCH: Text = ("random patch", "随机补丁")
TASKS: dict[str, Text] = {
    "texture": ("Texture accuracy of a downstream MLP", "下游 MLP 的纹理分类准确率"),
    "foreground": (
        "Foreground-colour accuracy of a downstream MLP",
        "下游 MLP 的前景颜色分类准确率",
    ),
}


@dataclass(frozen=True)
class Shown:
    """An attack on a task, beside its control."""

    task: str
    attack: str
    words: Text
    control: str
    control_words: Text


SHOWN = (
    Shown(
        "texture",
        "PER generator",
        ("perturbation of 10/255", "10/255 的扰动"),
        "random signs",
        SIGNS,
    ),
    Shown(
        "foreground",
        "PAT generator 6.25 %",
        ("patch on 6.25% of the area", "占面积 6.25% 的补丁"),
        "random patch 6.25 %",
        PATCH,
    ),
    Shown(
        "texture",
        "UAP (signs)",
        ("the plain universal perturbation instead", "改用朴素通用扰动"),
        "random signs",
        SIGNS,
    ),
    Shown(
        "texture",
        TRANSFER,
        ("perturbation made on another encoder", "在另一编码器上制成的扰动"),
        "random signs",
        SIGNS,
    ),
)


def headline(rows: Sequence[Row], about: dict[str, Any]) -> dict[str, Any]:
    """`headline` and `provenance` of `results.json`."""
    told = {(row.task, row.attack) for row in rows}
    figures = [_figure(rows, one) for one in SHOWN if (one.task, one.attack) in told]
    return summary(
        figures,
        command=about["command"],
        seeds=sorted({row.seed for row in rows}),
        about=about,
        day=date.fromisoformat(about["date"]),
    )


def _figure(rows: Sequence[Row], shown: Shown) -> dict[str, Any]:
    attacked = _rows(rows, shown.task, shown.attack)
    control = _rows(rows, shown.task, shown.control)
    clean = average([row.clean_accuracy for row in attacked])
    under_control = average([row.attacked_accuracy for row in control])
    english, chinese = shown.words
    beside, beside_zh = shown.control_words
    return percent(
        TASKS[shown.task],
        [row.attacked_accuracy for row in attacked],
        better="lower",
        setting=(
            f"{english}; clean {clean}, {beside} {under_control}",
            f"{chinese}；干净图像 {clean}，{beside_zh} {under_control}",
        ),
    )


def _rows(rows: Sequence[Row], task: str, attack: str) -> list[Row]:
    return [
        row
        for row in rows
        if (row.task, row.attack, row.model) == (task, attack, JUDGE)
    ]
