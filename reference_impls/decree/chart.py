"""The sweep as a picture: every encoder's PL1 per preset, and the ROC curves; SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from reference_impls.decree.sweep import Row, Separation, score_of, works

WIDTH, STRIP, CURVE, MARGIN = 720, 110, 240, 56
LEAST_SCORE = 0.0025
COLOURS = {
    "calibration": "#8c8c8c",
    "clean": "#0072b2",
    "backdoored": "#d55e00",
    "hard": "#cc79a7",
}
TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def draw(rows: Sequence[Row], separations: Sequence[Separation]) -> str:
    """The picture as SVG text."""
    height = STRIP * len(separations) + CURVE + 3 * MARGIN
    parts = [f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *_legend()]
    for number, judged in enumerate(separations):
        parts += _strip(rows, judged, top=MARGIN + number * STRIP)
    parts += _curves(rows, separations, top=2 * MARGIN + STRIP * len(separations))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="PL1 of every encoder and ROC curves">\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def _legend() -> Iterable[str]:
    for number, (role, colour) in enumerate(COLOURS.items()):
        x = MARGIN + 130 * number
        yield f'<circle cx="{x}" cy="20" r="5" fill="{colour}" fill-opacity="0.75"/>'
        yield _text(x + 10, 24, role)


def _x(score: float) -> float:
    low, high = math.log(LEAST_SCORE), 0.0
    share = (math.log(max(score, LEAST_SCORE)) - low) / (high - low)
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _strip(rows: Sequence[Row], judged: Separation, *, top: float) -> Iterable[str]:
    yield _text(
        MARGIN,
        top + 8,
        f"{judged.preset}: AUC {judged.area_under_curve:.3f}, accuracy {judged.accuracy:.1%}",
    )
    bottom, tau = top + STRIP - 34, judged.calibration.threshold
    yield _line(MARGIN, bottom, WIDTH - MARGIN, bottom, 'stroke="#999"')
    for tick in TICKS:
        yield _line(_x(tick), bottom, _x(tick), bottom + 4, 'stroke="#999"')
        yield _text(_x(tick), bottom + 16, f"{tick:g}", anchor="middle")
    yield _line(
        _x(tau), top + 14, _x(tau), bottom, 'stroke="#222" stroke-dasharray="4 3"'
    )
    yield _text(_x(tau) + 4, top + 18, f"τ = {tau:.3f}")
    lanes = list(COLOURS)
    for row in filter(works, rows):
        y = top + 28 + 11 * lanes.index(row.role)
        yield (
            f'<circle cx="{_x(score_of(row, judged.preset)):.1f}" cy="{y}" r="4" '
            f'fill="{COLOURS[row.role]}" fill-opacity="0.6"><title>{escape(row.name)}</title></circle>'
        )


def _curves(
    rows: Sequence[Row], separations: Sequence[Separation], *, top: float
) -> Iterable[str]:
    left, edge = MARGIN, CURVE - 20
    yield f'<rect x="{left}" y="{top}" width="{edge}" height="{edge}" fill="none" stroke="#999"/>'
    yield _line(left, top + edge, left + edge, top, 'stroke="#ccc"')
    yield _text(
        left + edge / 2, top + edge + 18, "false positive rate", anchor="middle"
    )
    yield _text(left + edge + 12, top + 14, "ROC: true positive rate upwards")
    for number, judged in enumerate(separations):
        points = roc(rows, judged.preset)
        path = " ".join(
            f"{left + edge * x:.1f},{top + edge * (1 - y):.1f}" for x, y in points
        )
        style = f'stroke="{("#999999", "#009e73", "#e69f00")[number % 3]}" stroke-width="2.5" fill="none"'
        yield f'<polyline points="{path}" {style}/>'
        y = top + 40 + 20 * number
        yield _line(left + edge + 12, y - 4, left + edge + 40, y - 4, style)
        yield _text(
            left + edge + 48, y, f"{judged.preset} (area {judged.area_under_curve:.3f})"
        )


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
