"""A chart of fractions that depend on a number: one curve for each thing that is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reference_impls.lab.bilingual import Language, Text, localize
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, ems, series

Curve = tuple[Text, Callable[[float], float]]
"""Its name, and from the number to a fraction in [0, 1]."""
HEIGHT, POINTS = 260, 25
"""Of the field, in pixels; points of a curve from tick to tick."""


def curves(
    shown: Sequence[Curve],
    language: Language,
    *,
    title: Text,
    about: Text,
    across: Text,
    ticks: Sequence[float],
) -> str:
    """The chart as SVG; `across` names the number, whose `ticks` are equally far apart."""
    canvas, marks = Canvas(language), series(len(shown))
    canvas.heading(title)
    names = [name for name, _ in shown]
    # `ems` is for bold words; what is as wide as a column would touch the next one's mark
    widest = max(0.8 * ems(localize(name, language)) * SMALL for name in names)
    columns = 2 if widest + 28 < WIDTH / 2 else 1
    canvas.legend(list(zip(marks, names, strict=True)), columns=columns)
    top, bottom = canvas.y + 8, canvas.y + 8 + HEIGHT
    x, y = Axis(ticks[0], ticks[-1], 48, WIDTH - 12), Axis(0, 1, bottom, top)
    canvas.across(x, ticks, top, bottom, "g")
    canvas.upwards(y, (0, 0.25, 0.5, 0.75, 1), x.start, x.end, ".0%")
    count = POINTS * (len(ticks) - 1)
    step = (ticks[-1] - ticks[0]) / count
    for mark, (_, height_at) in zip(marks, shown, strict=True):
        numbers = [ticks[0] + step * number for number in range(count + 1)]
        points = [(x(one), y(height_at(one))) for one in numbers]
        canvas.line(points[0], points[1], *points[2:], tone=mark.tone, width=2)
        for tick in ticks:
            if height := height_at(tick):
                hint = f"{height:.1%}"
                canvas.mark(x(tick), y(height), mark, hint=hint, scale=0.8)
    canvas.text(WIDTH / 2, bottom + 38, across, anchor="middle", size=SMALL)
    canvas.y = bottom + 44
    return canvas.svg(title, about)
