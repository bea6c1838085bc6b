"""A chart of fractions: a group of bars for each thing that is compared, one bar for each measure."""

from __future__ import annotations

from collections.abc import Sequence

from reference_impls.lab.bilingual import Language, Text, localize
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, series

Group = tuple[Text, Sequence[float | None]]
"""Its name, and one fraction in [0, 1] for each measure; None where nothing was measured."""
BAR, GAP = 11, 14
"""Height of a bar, and space between groups, in pixels."""


def bars(
    groups: Sequence[Group],
    measures: Sequence[Text],
    language: Language,
    *,
    title: Text,
    about: Text,
) -> str:
    """The chart as SVG; every group's name stands above its bars, the value behind each."""
    canvas = Canvas(language)
    canvas.heading(title)
    tones = [mark.tone for mark in series(len(measures))]
    marks = [Mark(tone, "square") for tone in tones]
    canvas.legend(list(zip(marks, measures, strict=True)), columns=1)
    x = Axis(0, 1, 0, WIDTH - 48)
    for name, values in groups:
        canvas.text(0, canvas.y + GAP, name, size=SMALL)
        canvas.y += GAP + 6
        for tone, value, measure in zip(tones, values, measures, strict=True):
            told, length = "–", 0.0
            if value is not None:
                told = f"{float(f'{value:.2f}'):.0%}"  # as the tables round it
                length = x(value)
                hint = f"{localize(measure, language)}: {value:.1%}"
                canvas.bar(0, canvas.y, max(length, 1), BAR, tone, hint=hint)
            place = length + 6, canvas.y + BAR - 1
            canvas.text(*place, told, tone="quiet", size=SMALL - 2)
            canvas.y += BAR + 3
        canvas.y += 4
    return canvas.svg(title, about)
