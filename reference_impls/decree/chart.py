"""The sweep as a picture: every encoder's PL1 per preset, and the ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reference_impls.decree.sweep import Row, score_of, works
from reference_impls.lab.bilingual import Bilingual, Language
from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, Mark, Tone, both

LANE, EDGE = 14, 210
PL1 = Axis(0.0025, 1, 4, WIDTH - 10, logarithmic=True)
TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
ROLES: dict[str, tuple[Mark, Bilingual]] = {
    "calibration": (Mark("grey", "square"), Bilingual("calibration", "校准用")),
    "clean": (Mark("blue"), Bilingual("clean", "干净")),
    "backdoored": (Mark("red", "up"), Bilingual("backdoored", "含后门")),
    "hard": (Mark("pink", "diamond"), Bilingual("hard case", "困难情形")),
}
CURVES: tuple[Tone, ...] = ("ink", "green", "pink")


class Words:
    """What the picture says."""

    TITLE = Bilingual(
        "PL1 of every encoder, its threshold τ, and the ROC curves",
        "各编码器的 PL1、阈值 τ 与 ROC 曲线",
    )
    STRIP = Bilingual(
        "{preset}: AUC {area:.3f}, accuracy {accuracy:.1%}",
        "{preset}：AUC {area:.3f}，准确率 {accuracy:.1%}",
    )
    CURVE = Bilingual("{preset} ({area:.3f})", "{preset}（{area:.3f}）")
    ROC = Bilingual("ROC (area below)", "ROC（曲线下面积）")
    UPWARDS = Bilingual("upwards: true positives", "纵轴：真阳性率")
    ACROSS = Bilingual("across: false positives", "横轴：假阳性率")


def pictures(found: Mapping[str, Any]) -> dict[str, str]:
    """The charts of `results.json`: file names and SVG texts."""
    rows = [Row(**row) for row in found["encoders"]]
    return both(
        "results", lambda language: _picture(rows, found["separation"], language)
    )


def _picture(
    rows: Sequence[Row], separations: Sequence[Mapping[str, Any]], language: Language
) -> str:
    canvas = Canvas(language)
    canvas.heading(Words.TITLE)
    canvas.legend(list(ROLES.values()), columns=4)
    strips = [
        Words.STRIP.fill(
            preset=one["preset"], area=one["area_under_curve"], accuracy=one["accuracy"]
        )
        for one in separations
    ]
    for one, words in zip(separations, strips, strict=True):
        canvas.y += 10
        canvas.heading(words)
        _strip(canvas, rows, one["preset"], one["calibration"]["threshold"])
    _curves(canvas, rows, separations)
    return canvas.svg(
        Words.TITLE,
        "; ".join(words.en if language == "en" else words.zh for words in strips),
    )


def _strip(canvas: Canvas, rows: Sequence[Row], preset: str, tau: float) -> None:
    top, bottom = canvas.y, canvas.y + LANE * (len(ROLES) + 1) + 6
    canvas.across(PL1, TICKS, top, bottom, "g")
    canvas.line((PL1(tau), top), (PL1(tau), bottom), tone="ink", width=2, dashed=True)
    canvas.text(PL1(tau) + 5, top + 12, f"τ = {tau:.3f}", size=SMALL)
    lanes = list(ROLES)
    for row in filter(works, rows):
        x, y = PL1(score_of(row, preset)), top + 8 + LANE * (lanes.index(row.role) + 1)
        mark, _ = ROLES[row.role]
        canvas.mark(x, y, mark, hint=row.name, scale=0.8, opacity=0.8)
    canvas.y = bottom + 24


def _curves(
    canvas: Canvas, rows: Sequence[Row], separations: Sequence[Mapping[str, Any]]
) -> None:
    top = canvas.y + 16
    x, y = Axis(0, 1, 44, 44 + EDGE), Axis(0, 1, top + EDGE, top)
    canvas.upwards(y, (0, 0.5, 1), 44, 44 + EDGE, ".0%")
    canvas.across(x, (0, 0.5, 1), top, top + EDGE, ".0%")
    canvas.line((x(0), y(0)), (x(1), y(1)))
    right = 44 + EDGE + 24
    canvas.text(right, top + 14, Words.ROC, bold=True)
    for number, one in enumerate(separations):
        tone, dashed = CURVES[number % len(CURVES)], not number
        points = [(x(across), y(up)) for across, up in roc(rows, one["preset"])]
        canvas.line(points[0], *points[1:], tone=tone, width=3, dashed=dashed)
        at = top + 42 + 24 * number
        canvas.line(
            (right, at - 5), (right + 26, at - 5), tone=tone, width=3, dashed=dashed
        )
        words = Words.CURVE.fill(preset=one["preset"], area=one["area_under_curve"])
        canvas.text(right + 34, at, words)
    for number, words in enumerate((Words.UPWARDS, Words.ACROSS)):
        canvas.text(
            right, top + EDGE - 20 + 21 * number, words, tone="quiet", size=SMALL
        )
    canvas.y = top + EDGE + 22


def roc(rows: Sequence[Row], preset: str) -> list[tuple[float, float]]:
    """Corners (false positive rate, true positive rate) of the ROC curve, from (0, 0) to (1, 1)."""
    of = {
        role: sorted(
            score_of(row, preset) for row in rows if row.role == role and works(row)
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
