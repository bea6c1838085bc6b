"""Two charts: which layers robustness rests on, and accuracy against robustness."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference_impls.gen_af.evaluate import CLEAN, WORST
from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.study.chart import (
    SMALL,
    WIDTH,
    Axis,
    Canvas,
    Mark,
    both,
    series,
)

WORDS = Words.beside(__file__)


def charts(found: Mapping[str, Any]) -> dict[str, str]:
    """The charts of `results.json`: file names and SVG texts."""
    panels = _panels([one for one in found["summary"] if one["part"] != "ablations"])
    drawn = both("results", lambda language: trade_off(panels, language))
    if row := next((row for row in found["rows"] if row["contributions"]), None):
        drawn |= both(
            "layers",
            lambda language: layers(row["contributions"], row["layers"], language),
        )
    return drawn


# -- Layers --------------------------------------------------------------------------

BAR, LEFT, LONGEST = 26, 232, 29
ADAPTED, FROZEN = Mark("red", "square"), Mark("blue", "square")


def layers(
    contributions: Mapping[str, float], adapted: Collection[str], language: Language
) -> str:
    """One bar per layer, in the model's order."""
    canvas = Canvas(language)
    canvas.heading(WORDS["chart.layers"])
    canvas.legend(
        [(ADAPTED, WORDS["chart.adapted"]), (FROZEN, WORDS["chart.frozen"])], columns=2
    )
    axis = Axis(0, max([*contributions.values(), 1e-9]), LEFT, WIDTH - 52)
    for name, value in contributions.items():
        tone = (ADAPTED if name in adapted else FROZEN).tone
        length, y = max(1.0, axis(value) - LEFT), canvas.y + 15
        canvas.text(LEFT - 8, y, _shortened(name), anchor="end", size=SMALL)
        hint = f"{name}: {value:.3f}"
        canvas.bar(LEFT, canvas.y + 2, length, 16, tone, hint=hint)
        at = LEFT + length + 6
        canvas.text(at, y, f"{value:.3f}", tone="quiet", size=SMALL)
        canvas.y += BAR
    told = (f"{name} {value:.3f}" for name, value in contributions.items())
    return canvas.svg(WORDS["chart.layers"], "; ".join(told))


def in_words(task: str, levels: int, epochs: int) -> Bilingual:
    """`texture, ε = 8/255, 12 epochs`."""
    told = WORDS["setting.epoch" if epochs == 1 else "setting.epochs"].fill(
        count=epochs
    )
    name = TASK_NAMES.get(task, task)
    return WORDS["setting.name"].fill(task=name, levels=levels, epochs=told)


def method_name(name: str) -> Text:
    """Its name as readers know it; many are the same in both languages."""
    return WORDS.get(f"methods.{name}", name)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else "…" + name[1 - LONGEST :]


# -- Accuracy against robustness -----------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One method's mean over seeds, with its standard deviation; accuracies in [0, 1]."""

    name: str
    clean: float
    robust: float
    clean_sd: float = 0.0
    robust_sd: float = 0.0


@dataclass(frozen=True)
class Panel:
    """All methods under one kind of attack."""

    attack: Text
    points: Sequence[Point]
    setting: Text = ""
    """Task and size of the attack, where there are several."""


def _panels(summary: Sequence[Mapping[str, Any]]) -> list[Panel]:
    return [
        Panel(
            attack,
            [_point(one, key) for one in summary if _setting(one) == setting],
            in_words(*setting),
        )
        for setting in dict.fromkeys(map(_setting, summary))
        for attack, key in (
            (WORDS["chart.worst"], WORST),
            (WORDS["chart.pgd"], "pgd-20"),
        )
    ]


def _point(one: Mapping[str, Any], key: str) -> Point:
    means, deviations = one["means"], one["deviations"]
    ends = means[CLEAN], means[key], deviations[CLEAN], deviations[key]
    return Point(one["arm"], *ends)


def _setting(one: Mapping[str, Any]) -> tuple[str, int, int]:
    return one["task"], one["levels"], one["epochs"]


GAP, SIDE = 20, 44
EDGE = (WIDTH - GAP) / 2 - SIDE - 6


def trade_off(panels: Sequence[Panel], language: Language) -> str:
    """Clean accuracy to the right, accuracy under attack upwards; two panels of one setting in a row."""
    names = list(dict.fromkeys(one.name for panel in panels for one in panel.points))
    marks = dict(zip(names, series(len(names)), strict=True))
    canvas = Canvas(language)
    canvas.heading(WORDS["chart.trade_off"])
    entries = [(mark, method_name(name)) for name, mark in marks.items()]
    canvas.legend(entries, columns=3)
    told = []
    for row in range(0, len(panels), 2):
        if row:
            canvas.y += 14
        if panels[row].setting:
            canvas.heading(panels[row].setting)
        top = canvas.y
        for column, panel in enumerate(panels[row : row + 2]):
            canvas.y = top
            left = SIDE + (WIDTH + GAP) / 2 * column
            told.append(_panel(canvas, panel, marks, left))
    return canvas.svg(WORDS["chart.trade_off"], "; ".join(told))


def _panel(canvas: Canvas, panel: Panel, marks: Mapping[str, Mark], left: float) -> str:
    """Draws one panel below `y`; says it in words."""
    titles = [localize(text, canvas.language) for text in (panel.setting, panel.attack)]
    canvas.text(left - 36, canvas.y + 18, titles[-1], bold=not panel.setting)
    canvas.y += 21
    top, points = canvas.y + 12, panel.points
    clean = _bounds(end for one in points for end in _ends(one.clean, one.clean_sd))
    robust = _bounds(end for one in points for end in _ends(one.robust, one.robust_sd))
    x = Axis(*clean, left, left + EDGE)
    y = Axis(*robust, top + EDGE, top)
    canvas.across(x, _ticks(clean), top, top + EDGE, ".0%")
    canvas.upwards(y, _ticks(robust), left, left + EDGE, ".0%")
    told = [" ".join(filter(None, titles))]
    told += [_cross(canvas, one, marks[one.name], x, y) for one in points]
    canvas.y = top + EDGE + 22
    return ", ".join(told)


def _cross(canvas: Canvas, one: Point, mark: Mark, x: Axis, y: Axis) -> str:
    """Draws a method's mark with its deviations; says it in words."""
    (west, east), (south, north) = (
        _ends(one.clean, one.clean_sd),
        _ends(one.robust, one.robust_sd),
    )
    level, upright = y(one.robust), x(one.clean)
    canvas.line((x(west), level), (x(east), level), tone=mark.tone, width=1.6)
    canvas.line((upright, y(south)), (upright, y(north)), tone=mark.tone, width=1.6)
    name = localize(method_name(one.name), canvas.language)
    words = WORDS["chart.point"].fill(name=name, clean=one.clean, robust=one.robust)
    hint = localize(words, canvas.language)
    canvas.mark(upright, level, mark, hint=hint)
    return hint


def _ticks(bounds: tuple[float, float]) -> tuple[float, float, float]:
    low, high = bounds
    return low, (low + high) / 2, high


def _ends(value: float, deviation: float) -> tuple[float, float]:
    """Bilingual ends of an error bar, as far as they are accuracies."""
    return max(0.0, value - deviation), min(1.0, value + deviation)


def _bounds(values: Iterable[float]) -> tuple[float, float]:
    """Whole fifths or twentieths around all values, inside [0, 1]."""
    known = list(values)
    step = 0.2 if max(known) - min(known) > 0.2 else 0.04
    low = max(0.0, step * int((min(known) - 0.02) / step))
    high = min(1.0, step * (int((max(known) + 0.02) / step) + 1))
    return (low, high) if high > low else (low - step, high)
