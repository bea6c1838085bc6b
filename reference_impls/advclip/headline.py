"""What the website says of the study."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from reference_impls.advclip.downstream import TO_TEXT, ZERO_SHOT
from reference_impls.advclip.study import MAIN, TASK, Row, own
from reference_impls.lab.study.headline import Text, average, percent, summary

COMMAND = "python -m reference_impls.advclip publish"
CONTROL = "random patch 6.25 %"
READ = f"{TASK}/{ZERO_SHOT}"
FOUND = f"{TO_TEXT}/R@1"
CHANGED: Text = (
    "Predictions changed, mean over tasks",
    "预测被改变的比例，各任务平均",
)


def headline(
    rows: Sequence[Row], about: dict[str, Any], *, day: date | None = None
) -> dict[str, Any]:
    """`headline` and `provenance` of `results.json`."""
    seeds = sorted({int(row.victim.rpartition(":")[2]) for row in rows})
    return summary(_figures(rows), command=COMMAND, seeds=seeds, about=about, day=day)


def _figures(rows: Sequence[Row]) -> list[dict[str, Any]]:
    main, control = own(rows, MAIN), own(rows, CONTROL)
    found = [
        percent(
            (
                "Texture accuracy under the patch, zero-shot",
                "加补丁后的纹理零样本准确率",
            ),
            _of(main, f"{READ}/after"),
            better="lower",
            setting=_beside(_of(main, f"{READ}/before"), _of(control, f"{READ}/after")),
        ),
        percent(
            ("Image-to-text R@1 under the patch", "加补丁后图像检索文本的 R@1"),
            _of(main, f"{FOUND}/after"),
            better="lower",
            setting=_beside(
                _of(main, f"{FOUND}/before"), _of(control, f"{FOUND}/after")
            ),
        ),
        percent(
            CHANGED,
            _of(main, "fooling"),
            better="higher",
            setting=_against(
                control, "on the model it was made on", "用于制作时的模型"
            ),
        ),
    ]
    if foreign := _foreign(rows):
        words = "on the same architecture trained with another seed"
        setting = _against(control, words, "用于结构相同、种子不同的模型")
        fooled = _of(foreign, "fooling")
        found.append(percent(CHANGED, fooled, better="higher", setting=setting))
    if blurred := own(rows, MAIN, "blur"):
        setting = ("behind a 3×3 blur", "经 3×3 模糊之后")
        fooled = _of(blurred, "fooling")
        found.append(percent(CHANGED, fooled, better="higher", setting=setting))
    return found


def _of(rows: Sequence[Row], name: str) -> list[float]:
    return [row.figures[name] for row in rows]


def _foreign(rows: Sequence[Row]) -> list[Row]:
    """The main patch on convolutional victims of other seeds than it was made on."""
    return [
        row
        for row in rows
        if row.change == MAIN
        and row.defense == "none"
        and row.made_on != row.victim
        and "transformer" not in row.made_on + row.victim
    ]


def _beside(clean: Sequence[float], control: Sequence[float]) -> Text:
    return (
        f"patch on 6.25% of the area; without it {average(clean)}, random patch {average(control)}",
        f"补丁占面积 6.25%；不加补丁时 {average(clean)}，随机补丁 {average(control)}",
    )


def _against(control: Sequence[Row], english: str, chinese: str) -> Text:
    fooled = average(_of(control, "fooling"))
    return f"{english}; random patch {fooled}", f"{chinese}；随机补丁 {fooled}"
