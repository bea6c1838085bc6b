"""The transfer study as a chart: PL1 and prominence of every encoder, by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reference_impls.decree.by_kind import Trial, likeness, read, size_of
from reference_impls.decree.calibration import PAPER
from reference_impls.decree.verdict import ALARM, CALM
from reference_impls.lab.bilingual import Language, Words, localize
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, both

WORDS = Words.beside(__file__)
MARKS = {"clean": Mark("blue"), "backdoored": Mark("red", "up"), "double": Mark("pink", "diamond")}  # fmt: skip
LEFT, LANE = 186, 15
SIZES = Axis(0.004, 1, LEFT, WIDTH - 10, logarithmic=True)
TICKS = {
    "size": (0.01, 0.05, 0.1, 0.2, 0.5, 1.0),
    "prominence": (0.01, 0.1, 1, 10, 100, 1000),
}
PROMINENCES = Axis(0.005, 2000, LEFT, WIDTH - 10, logarithmic=True)


def charts(found: Mapping[str, Any]) -> dict[str, str]:
    """PL1 and prominence of every working trial, by kind."""
    trials = [read(row) for row in found["rows"]]
    kinds = {one["kind"]: one["foreign_threshold"] for one in found["kinds"]}
    return both("transfer", lambda language: _chart(trials, kinds, language))


def _chart(
    trials: Sequence[Trial], kinds: Mapping[str, float], language: Language
) -> str:
    canvas = Canvas(language)
    canvas.heading(WORDS["kinds.chart.title"])
    roles, shown = WORDS.group("roles"), {one.role for one in trials if one.works}
    marks = [(mark, roles[role]) for role, mark in MARKS.items() if role in shown]
    canvas.legend(marks, columns=3)
    _strips(canvas, trials, "size", SIZES, size_of, {k: (PAPER, v) for k, v in kinds.items()})  # fmt: skip
    limits = dict.fromkeys(kinds, (CALM, ALARM))
    _strips(canvas, trials, "prominence", PROMINENCES, lambda one: -likeness(one), limits)  # fmt: skip
    return canvas.svg(WORDS["kinds.chart.title"], localize(WORDS["kinds.chart.told"], language))  # fmt: skip


def _strips(
    canvas: Canvas,
    trials: Sequence[Trial],
    what: str,
    axis: Axis,
    value: Callable[[Trial], float],
    limits: Mapping[str, tuple[float, float]],
) -> None:
    """A strip for each kind: clean encoders above, others below, limits as lines, the second one dashed."""
    canvas.y += 12
    canvas.heading(WORDS[f"kinds.chart.{what}"])
    for family, (first, second) in limits.items():
        top, bottom = canvas.y, canvas.y + 2 * LANE + 8
        canvas.text(0, top + 24, WORDS[f"kinds.{family}"], size=SMALL)
        for tick in TICKS[what]:
            canvas.line((axis(tick), top), (axis(tick), bottom))
        for at, dashed in ((first, False), (second, True)):
            canvas.line((axis(at), top), (axis(at), bottom), tone="ink", width=2, dashed=dashed)  # fmt: skip
        for one in trials:
            if one.family == family and one.works:
                y = top + 12 + LANE * (one.role != "clean")
                canvas.mark(axis(value(one)), y, MARKS[one.role], hint=one.name, scale=0.8, opacity=0.8)  # fmt: skip
        canvas.y = bottom + 4
    canvas.across(axis, TICKS[what], canvas.y - 4, canvas.y - 4, "g")
    canvas.y += 22
