"""The study as a chart: every encoder's PL1 per preset, and the ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reference_impls.decree.separation import Trial, score_of, works
from reference_impls.lab.bilingual import Language, Words, localize
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, Tone, both

LANE, EDGE = 14, 210
PL1 = Axis(0.0025, 1, 4, WIDTH - 10, logarithmic=True)
TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
ROLES = {
    "calibration": Mark("grey", "square"),
    "clean": Mark("blue"),
    "backdoored": Mark("red", "up"),
    "hard": Mark("pink", "diamond"),
}
CURVES: tuple[Tone, ...] = ("ink", "green", "pink")
WORDS = Words.beside(__file__)


def charts(found: Mapping[str, Any]) -> dict[str, str]:
    """The charts of `results.json`: file names and SVG texts."""
    trials = [Trial(**row) for row in found["rows"]]
    return both(
        "results", lambda language: _chart(trials, found["separation"], language)
    )


def _chart(
    trials: Sequence[Trial],
    separations: Sequence[Mapping[str, Any]],
    language: Language,
) -> str:
    canvas = Canvas(language)
    canvas.heading(WORDS["chart.title"])
    names = WORDS.group("roles")
    canvas.legend([(mark, names[role]) for role, mark in ROLES.items()], columns=4)
    strips = [
        WORDS["chart.strip"].fill(
            preset=one["preset"], area=one["area_under_curve"], accuracy=one["accuracy"]
        )
        for one in separations
    ]
    for one, words in zip(separations, strips, strict=True):
        canvas.y += 10
        canvas.heading(words)
        _strip(canvas, trials, one["preset"], one["calibration"]["threshold"])
    _curves(canvas, trials, separations)
    return canvas.svg(
        WORDS["chart.title"],
        "; ".join(localize(words, language) for words in strips),
    )


def _strip(canvas: Canvas, trials: Sequence[Trial], preset: str, tau: float) -> None:
    top, bottom = canvas.y, canvas.y + LANE * (len(ROLES) + 1) + 6
    canvas.across(PL1, TICKS, top, bottom, "g")
    canvas.line((PL1(tau), top), (PL1(tau), bottom), tone="ink", width=2, dashed=True)
    canvas.text(PL1(tau) + 5, top + 12, f"τ = {tau:.3f}", size=SMALL)
    lanes = list(ROLES)
    for trial in filter(works, trials):
        x, y = (
            PL1(score_of(trial, preset)),
            top + 8 + LANE * (lanes.index(trial.role) + 1),
        )
        canvas.mark(x, y, ROLES[trial.role], hint=trial.name, scale=0.8, opacity=0.8)
    canvas.y = bottom + 24


def _curves(
    canvas: Canvas, trials: Sequence[Trial], separations: Sequence[Mapping[str, Any]]
) -> None:
    top = canvas.y + 16
    x, y = Axis(0, 1, 44, 44 + EDGE), Axis(0, 1, top + EDGE, top)
    canvas.upwards(y, (0, 0.5, 1), 44, 44 + EDGE, ".0%")
    canvas.across(x, (0, 0.5, 1), top, top + EDGE, ".0%")
    canvas.line((x(0), y(0)), (x(1), y(1)))
    right = 44 + EDGE + 24
    canvas.text(right, top + 14, WORDS["chart.roc"], bold=True)
    for number, one in enumerate(separations):
        tone, dashed = CURVES[number % len(CURVES)], not number
        points = [(x(across), y(up)) for across, up in roc(trials, one["preset"])]
        canvas.line(points[0], *points[1:], tone=tone, width=3, dashed=dashed)
        at = top + 42 + 24 * number
        canvas.line(
            (right, at - 5), (right + 26, at - 5), tone=tone, width=3, dashed=dashed
        )
        words = WORDS["chart.curve"].fill(
            preset=one["preset"], area=one["area_under_curve"]
        )
        canvas.text(right + 34, at, words)
    for number, name in enumerate(("upwards", "across")):
        canvas.text(
            right,
            top + EDGE - 20 + 21 * number,
            WORDS[f"chart.{name}"],
            tone="quiet",
            size=SMALL,
        )
    canvas.y = top + EDGE + 22


def roc(trials: Sequence[Trial], preset: str) -> list[tuple[float, float]]:
    """Corners (false positive rate, true positive rate) of the ROC curve, from (0, 0) to (1, 1)."""
    of = {
        role: sorted(
            score_of(trial, preset)
            for trial in trials
            if trial.role == role and works(trial)
        )
        for role in ("clean", "backdoored")
    }
    points = [(0.0, 0.0)]
    for threshold in sorted({*of["clean"], *of["backdoored"]}):
        rates = [
            sum(score <= threshold for score in scores) / len(scores)
            for scores in of.values()
        ]
        points.append((rates[0], rates[1]))
    return points
