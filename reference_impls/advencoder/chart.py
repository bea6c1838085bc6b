"""The sweep as a picture: accuracy under every change, one panel a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reference_impls.advencoder.present import TASKS
from reference_impls.advencoder.sweep import CONTROLS, TRANSFER, Row
from reference_impls.lab.bilingual import Bilingual, Language, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, both

SHOWN: dict[str, Bilingual] = {
    "PER generator": Bilingual("PER, generator", "PER，生成器"),
    "PER direct": Bilingual("PER, direct", "PER，直接优化"),
    "UAP (signs)": Bilingual("UAP", "UAP"),
    "PAT generator 6.25 %": Bilingual("PAT 6.25 %, generator", "PAT 6.25 %，生成器"),
    "PAT direct 6.25 %": Bilingual("PAT 6.25 %, direct", "PAT 6.25 %，直接优化"),
    "PAT generator 3 %": Bilingual("PAT 3 %, generator", "PAT 3 %，生成器"),
    TRANSFER: Bilingual("PER, other encoder", "PER，另一编码器制成"),
    "random signs": Bilingual("random signs", "随机符号扰动"),
    "random patch 6.25 %": Bilingual("random patch 6.25 %", "随机补丁 6.25 %"),
    "random patch 3 %": Bilingual("random patch 3 %", "随机补丁 3 %"),
}
"""What is drawn, and its name."""
LABELS, GAP, LANE, FOOT = 176, 44, 24, 24
PANEL = (WIDTH - LABELS - GAP - 14) / 2
CLEAN, ATTACK, CONTROL = (
    Mark("blue", "square"),
    Mark("red"),
    Mark("grey", "diamond"),
)


class Words:
    """What the picture says."""

    TITLE = Bilingual(
        "Accuracy of an MLP head on the frozen encoder",
        "冻结编码器之上 MLP 分类头的准确率",
    )
    CLEAN = Bilingual("clean (line)", "干净（竖线）")
    ATTACK = Bilingual("under the attack", "受攻击时")
    CONTROL = Bilingual("random change", "随机改动")


def pictures(found: Mapping[str, Any]) -> dict[str, str]:
    """The charts of `results.json`: file names and SVG texts."""
    rows = [Row(**row) for row in found["rows"] if row["model"] == "mlp"]
    return both("results", lambda language: _accuracy(rows, language))


def _accuracy(rows: Sequence[Row], language: Language) -> str:
    canvas = Canvas(language)
    canvas.heading(Words.TITLE)
    legend = (CLEAN, Words.CLEAN), (ATTACK, Words.ATTACK), (CONTROL, Words.CONTROL)
    canvas.legend(legend, columns=3)
    names = [name for name in SHOWN if any(row.attack == name for row in rows)]
    tasks = list(dict.fromkeys(row.task for row in rows))
    told, top = [], 0.0
    for number, task in enumerate(tasks):
        left = LABELS + (PANEL + GAP) * (number % 2)
        if not number % 2:
            top = canvas.y + 30
            canvas.y = top + LANE * len(names) + FOOT
            for lane, name in enumerate(names):
                y = top + LANE * (lane + 0.5) + 5
                canvas.text(LABELS - 12, y, SHOWN[name], anchor="end", size=SMALL)
        of = [row for row in rows if row.task == task]
        told.append(_panel(canvas, of, names, left, top))
    return canvas.svg(Words.TITLE, "; ".join(told))


def _panel(
    canvas: Canvas, rows: Sequence[Row], names: Sequence[str], left: float, top: float
) -> str:
    """Draws one task; says it in words."""
    axis, bottom = Axis(0, 1, left, left + PANEL), top + LANE * len(names)
    task = localize(TASKS[rows[0].task], canvas.language)
    clean = MeanStd.of([row.clean_accuracy for row in rows if row.attack == names[0]])
    told = [f"{task}: {localize(Words.CLEAN, canvas.language)} {clean.mean:.0%}"]
    canvas.text(left + PANEL / 2, top - 10, task, anchor="middle", bold=True)
    canvas.across(axis, (0, 0.5, 1), top, bottom, ".0%")
    x = axis(clean.mean)
    canvas.line((x, top), (x, bottom), tone=CLEAN.tone, width=2)
    for lane, name in enumerate(names):
        y = top + LANE * (lane + 0.5)
        found = MeanStd.of(
            [row.attacked_accuracy for row in rows if row.attack == name]
        )
        mark = CONTROL if name in CONTROLS else ATTACK
        low, high = found.mean - found.std, found.mean + found.std
        canvas.line((axis(found.mean), y), (x, y), tone=mark.tone, opacity=0.5, width=2)
        canvas.line((axis(low), y), (axis(high), y), tone=mark.tone, width=4)
        words = f"{localize(SHOWN[name], canvas.language)} {found.mean:.0%}"
        canvas.mark(axis(found.mean), y, mark, hint=words, scale=0.8)
        told.append(words)
    return ", ".join(told)
