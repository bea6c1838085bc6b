"""The study as a chart: mean fooling rate of every change, one ring per victim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import mean

from reference_impls.advclip.report import WORDS, named
from reference_impls.advclip.tables import Row, Rows, values
from reference_impls.lab.bilingual import Language
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, Tone, both
from reference_impls.lab.study.study import Found

LANE, LEFT = 40, 2
VICTIM = Mark("ink", hollow=True)


def charts(found: Found) -> dict[str, str]:
    """The chart of `results.json` in both languages."""
    lanes = lanes_of(found["rows"])
    return both("results", lambda language: _strength(lanes, language))


def lanes_of(rows: Iterable[Row]) -> dict[str, Rows]:
    """Every change on its own undefended convolutional victims, the strongest first."""
    lanes: dict[str, list[Row]] = {}
    for row in rows:
        at_home = row["made_on"] in ("", row["victim"]) and row["defense"] == "none"
        if at_home and "transformer" not in row["victim"]:
            lanes.setdefault(row["change"], []).append(row)
    return dict(sorted(lanes.items(), key=lambda lane: -_mean(lane[1])))


def _mean(rows: Rows) -> float:
    return mean(values(rows, "fooling"))


def _strength(lanes: Mapping[str, Rows], language: Language) -> str:
    canvas, title = Canvas(language), WORDS["chart.title"]
    canvas.heading(title)
    marks = {
        "crafted": Mark("red", "square"),
        "control": Mark("blue", "square"),
        "victim": VICTIM,
    }
    legend = [(mark, WORDS[f"chart.{name}"]) for name, mark in marks.items()]
    canvas.legend(legend, columns=3)
    axis = Axis(0, 0.7, LEFT, WIDTH - 20)
    top, bottom = canvas.y, canvas.y + LANE * len(lanes) + 4
    canvas.across(axis, (0, 0.2, 0.4, 0.6), top, bottom, ".0%")
    for number, (change, rows) in enumerate(lanes.items()):
        _lane(canvas, axis, named(change, language), rows, top + LANE * number)
    canvas.y = bottom + 22
    told = (f"{named(one, language)} {_mean(rows):.0%}" for one, rows in lanes.items())
    return canvas.svg(title, "; ".join(told))


def _lane(canvas: Canvas, axis: Axis, name: str, rows: Rows, top: float) -> None:
    average = _mean(rows)
    tone: Tone = "red" if rows[0]["made_on"] else "blue"
    canvas.text(LEFT, top + 16, name, size=SMALL)
    hint = f"{name}: {average:.1%}"
    canvas.bar(LEFT, top + 22, axis(average) - LEFT, 14, tone, hint=hint)
    places = [axis(value) for value in values(rows, "fooling")]
    for row, x in zip(rows, places, strict=True):
        hint = f"{row['victim']}: {row['figures']['fooling']:.1%}"
        canvas.mark(x, top + 29, VICTIM, hint=hint, scale=0.7)
    furthest = max(axis(average), *places)
    canvas.text(furthest + 9, top + 34, f"{average:.0%}", size=SMALL)
