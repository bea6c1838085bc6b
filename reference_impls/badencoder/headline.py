"""What the website says of the sweep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from statistics import mean
from typing import Any

from reference_impls.badencoder.sweep import DEFAULT, PUBLISHED, Row
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.study.headline import (
    Text,
    average,
    percent,
    published,
    summary,
)

TASKS: dict[str, Text] = {
    "texture": ("texture", "纹理"),
    "shape": ("shape", "形状"),
    "foreground": ("foreground colour", "前景颜色"),
    "background": ("background colour", "背景颜色"),
}
"""What readers call the downstream tasks; unlike `shapes.TASK_NAMES`, in English colours are called so."""
ALL: Text = ("mean of the tasks", "各任务的平均")
SUCCESS: Text = ("Attack success rate", "攻击成功率")
ACCURACY: Text = ("Downstream accuracy without the trigger", "不带触发器时的下游准确率")

# The authors' program; its scripts stamp the 10 × 10 square and count all test images.
_SOURCE = (
    "github.com/jinyuan-jia/BadEncoder, README.md at 26cbe5c, Experimental results"
)
_THEIRS: Text = (
    "CIFAR-10 encoder, attacked for STL-10, white patch of 10 × 10 pixels; GTSRB 98.64%, SVHN 99.14%",
    "CIFAR-10 编码器，攻击目标为 STL-10，10 × 10 像素的白色补丁；GTSRB 98.64%，SVHN 99.14%",
)


def headline(rows: Sequence[Row], about: dict[str, Any]) -> dict[str, Any]:
    """`headline` and `provenance` of `results.json`."""
    default = [row for row in rows if row.trigger == str(DEFAULT)]
    large = [row for row in rows if row.trigger == str(PUBLISHED)]
    figures = [
        _success(default, ALL, DEFAULT),
        _accuracy(default),
        *(
            _success(of, TASKS.get(task, (task, task)), DEFAULT)
            for task, of in _by_task(default).items()
        ),
        *([_success(large, ALL, PUBLISHED), _as_published(large)] if large else ()),
    ]
    return summary(
        figures,
        command=about["command"],
        seeds=sorted({row.seed for row in rows}),
        about=about,
        day=date.fromisoformat(about["date"]),
    )


def _success(rows: Sequence[Row], what: Text, trigger: TriggerSpec) -> dict[str, Any]:
    clean = average(_means(rows, "trigger_on_clean"))
    patch = average(_means(rows, "patch_on_backdoored"))
    side = trigger.side
    return percent(
        SUCCESS,
        _means(rows, "success_rate"),
        better="higher",
        setting=(
            f"{what[0]}, trigger of {side} × {side} pixels; on the clean encoder {clean}, "
            f"a random patch instead {patch}",
            f"{what[1]}，{side} × {side} 像素的触发器；在干净编码器上 {clean}，换成随机补丁 {patch}",
        ),
    )


def _as_published(rows: Sequence[Row]) -> dict[str, Any]:
    """As the published program counts, whose figure stands beside it."""
    side, misread = PUBLISHED.side, sum(row.label != row.target for row in rows)
    found = percent(
        SUCCESS,
        _means(rows, "success_as_published"),
        better="higher",
        setting=(
            f"{ALL[0]}, {side} × {side} pixels, counted as in the published program: images of all classes, the "
            f"reference image's label; in {misread} of {len(rows)} cases the head reads that image otherwise",
            f"{ALL[1]}，{side} × {side} 像素，按作者发布的程序计数：计入所有类别的图像，以参考图像的标签为目标；"
            f"{len(rows)} 种情形中有 {misread} 种分类头对该图像判断不同",
        ),
    )
    return found | {"published": published(99.73, _SOURCE, setting=_THEIRS)}


def _accuracy(rows: Sequence[Row]) -> dict[str, Any]:
    before = average(_means(rows, "clean_accuracy"))
    losses = {
        task: mean(row.clean_accuracy - row.backdoored_accuracy for row in of)
        for task, of in _by_task(rows).items()
    }
    worst = max(losses, key=lambda task: losses[task])
    points = f"{100 * losses[worst]:.1f}"
    english, chinese = TASKS.get(worst, (worst, worst))
    return percent(
        ACCURACY,
        _means(rows, "backdoored_accuracy"),
        better="higher",
        setting=(
            f"{ALL[0]}; before the attack {before}, most is lost on {english}: {points} points",
            f"{ALL[1]}；攻击前 {before}，{chinese}任务损失最大，为 {points} 个百分点",
        ),
    )


def _by_task(rows: Sequence[Row]) -> dict[str, list[Row]]:
    tasks = dict.fromkeys(row.task for row in rows)
    return {task: [row for row in rows if row.task == task] for task in tasks}


def _means(rows: Sequence[Row], figure: str) -> list[float]:
    """Per encoder the mean of its tasks."""
    seeds = dict.fromkeys(row.seed for row in rows)
    return [
        mean(getattr(row, figure) for row in rows if row.seed == seed) for seed in seeds
    ]
