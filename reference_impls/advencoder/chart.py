"""The study as a chart: accuracy under every change, one panel a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, both

WORDS = Words.beside(__file__)
LABELS, GAP, LANE, FOOT = 176, 44, 24, 24
PANEL = (WIDTH - LABELS - GAP - 14) / 2
CLEAN, ATTACK, CONTROL = (
    Mark("blue", "square"),
    Mark("red"),
    Mark("grey", "diamond"),
)


Rows = Sequence[Mapping[str, Any]]
"""Trials as `results.json` holds them."""


def charts(found: Mapping[str, Any]) -> dict[str, str]:
    """The charts of `results.json`: file names and SVG texts."""
    rows = [row for row in found["rows"] if row["model"] == "mlp"]
    return both("results", lambda language: _accuracy(rows, language))


def _accuracy(rows: Rows, language: Language) -> str:
    canvas = Canvas(language)
    canvas.heading(WORDS["chart.title"])
    legend = [
        (CLEAN, WORDS["chart.clean"]),
        (ATTACK, WORDS["chart.attack"]),
        (CONTROL, WORDS["chart.control"]),
    ]
    canvas.legend(legend, columns=3)
    seen = {row["attack"] for row in rows}
    shown = {k: v for k, v in WORDS.group("chart.changes").items() if k in seen}
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    told, top = [], 0.0
    for number, task in enumerate(tasks):
        left = LABELS + (PANEL + GAP) * (number % 2)
        if not number % 2:
            top = canvas.y + 30
            canvas.y = top + LANE * len(shown) + FOOT
            for lane, label in enumerate(shown.values()):
                y = top + LANE * (lane + 0.5) + 5
                canvas.text(LABELS - 12, y, label, anchor="end", size=SMALL)
        of = [row for row in rows if row["task"] == task]
        told.append(_panel(canvas, of, shown, left, top))
    return canvas.svg(WORDS["chart.title"], "; ".join(told))


def _panel(
    canvas: Canvas, rows: Rows, shown: Mapping[str, Text], left: float, top: float
) -> str:
    """Draws one task; says it in words."""
    axis, bottom = Axis(0, 1, left, left + PANEL), top + LANE * len(shown)
    task = localize(TASK_NAMES[rows[0]["task"]], canvas.language)
    first = [row for row in rows if row["attack"] == next(iter(shown))]
    clean = MeanStd.of([row["clean_accuracy"] for row in first])
    told = [
        f"{task}: {localize(WORDS['chart.clean'], canvas.language)} {clean.mean:.0%}"
    ]
    canvas.text(left + PANEL / 2, top - 10, task, anchor="middle", bold=True)
    canvas.across(axis, (0, 0.5, 1), top, bottom, ".0%")
    x = axis(clean.mean)
    canvas.line((x, top), (x, bottom), tone=CLEAN.tone, width=2)
    for lane, (name, label) in enumerate(shown.items()):
        y = top + LANE * (lane + 0.5)
        found = MeanStd.of(
            [row["attacked_accuracy"] for row in rows if row["attack"] == name]
        )
        mark = CONTROL if name.startswith("random") else ATTACK
        low, high = found.mean - found.std, found.mean + found.std
        canvas.line((axis(found.mean), y), (x, y), tone=mark.tone, opacity=0.5, width=2)
        canvas.line((axis(low), y), (axis(high), y), tone=mark.tone, width=4)
        words = f"{localize(label, canvas.language)} {found.mean:.0%}"
        canvas.mark(axis(found.mean), y, mark, hint=words, scale=0.8)
        told.append(words)
    return ", ".join(told)
