"""The study as a picture: mean fooling rate of every change, one ring per victim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from reference_impls.advclip.present import named
from reference_impls.advclip.study import Row
from reference_impls.lab.bilingual import Bilingual, Language
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, Tone, both

LANE, LEFT = 40, 2
VICTIM = Mark("ink", hollow=True)


class Words:
    """What the picture says."""

    TITLE = Bilingual(
        "Share of predictions changed, mean over 5 tasks and 3 classifiers",
        "预测被改变的比例，5 项任务与 3 种分类器的平均",
    )
    CRAFTED = Bilingual("crafted", "攻击")
    CONTROL = Bilingual("control", "对照")
    VICTIM = Bilingual("one victim", "单个受害模型")


def pictures(found: Mapping[str, Any]) -> dict[str, str]:
    """The charts of `results.json`: file names and SVG texts."""
    lanes = lanes_of(Row(**row) for row in found["rows"])
    return both("results", lambda language: _strength(lanes, language))


def lanes_of(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Every change on its own undefended convolutional victims, the strongest first."""
    lanes: dict[str, list[Row]] = {}
    for row in rows:
        at_home = row.made_on in ("", row.victim) and row.defense == "none"
        if at_home and "transformer" not in row.victim:
            lanes.setdefault(row.change, []).append(row)
    return dict(sorted(lanes.items(), key=lambda lane: -_mean(lane[1])))


def _mean(rows: Iterable[Row]) -> float:
    return mean(row.figures["fooling"] for row in rows)


def _strength(lanes: Mapping[str, Sequence[Row]], language: Language) -> str:
    canvas = Canvas(language)
    canvas.heading(Words.TITLE)
    canvas.legend(
        [
            (Mark("red", "square"), Words.CRAFTED),
            (Mark("blue", "square"), Words.CONTROL),
            (VICTIM, Words.VICTIM),
        ],
        columns=3,
    )
    axis = Axis(0, 0.7, LEFT, WIDTH - 20)
    top, bottom = canvas.y, canvas.y + LANE * len(lanes) + 4
    canvas.across(axis, (0, 0.2, 0.4, 0.6), top, bottom, ".0%")
    for number, (change, rows) in enumerate(lanes.items()):
        _lane(canvas, axis, named(change, language), rows, top + LANE * number)
    canvas.y = bottom + 22
    told = (f"{named(one, language)} {_mean(rows):.0%}" for one, rows in lanes.items())
    return canvas.svg(Words.TITLE, "; ".join(told))


def _lane(
    canvas: Canvas, axis: Axis, name: str, rows: Sequence[Row], top: float
) -> None:
    average = _mean(rows)
    tone: Tone = "red" if rows[0].made_on else "blue"
    canvas.text(LEFT, top + 16, name, size=SMALL)
    hint = f"{name}: {average:.1%}"
    canvas.bar(LEFT, top + 22, axis(average) - LEFT, 14, tone, hint=hint)
    places = [axis(row.figures["fooling"]) for row in rows]
    for row, x in zip(rows, places, strict=True):
        hint = f"{row.victim}: {row.figures['fooling']:.1%}"
        canvas.mark(x, top + 29, VICTIM, hint=hint, scale=0.7)
    furthest = max(axis(average), *places)
    canvas.text(furthest + 9, top + 34, f"{average:.0%}", size=SMALL)
