"""The sweep as a picture: accuracy under every change, one panel a task; SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from reference_impls.advencoder.sweep import CONTROLS, TRANSFER, Row
from reference_impls.lab.spread import Spread

SHOWN = (
    "PER generator",
    "PER direct",
    "UAP (signs)",
    "PAT generator 6.25 %",
    "PAT direct 6.25 %",
    "PAT generator 3 %",
    TRANSFER,
    *CONTROLS,
)
LABELS, PANEL, GAP, LANE, TOP = 214, 150, 22, 24, 58
COLOURS = {"attack": "#d55e00", "control": "#8c8c8c", "clean": "#0072b2"}


def draw(rows: Sequence[Row]) -> str:
    """The picture as SVG text."""
    names = [name for name in SHOWN if any(row.attack == name for row in rows)]
    tasks = tuple(dict.fromkeys(row.task for row in rows))
    width = LABELS + len(tasks) * (PANEL + GAP) + 8
    height = TOP + LANE * len(names) + 40
    parts = [f'<rect width="{width}" height="{height}" fill="#fff"/>', *_legend()]
    for number, name in enumerate(names):
        y = TOP + LANE * number + LANE / 2
        parts.append(_text(LABELS - 12, y + 4, name, anchor="end"))
    for number, task in enumerate(tasks):
        parts += _panel(rows, names, task, left=LABELS + number * (PANEL + GAP))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="Accuracy of downstream models under universal changes">\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{escape(text)}</text>'


def _legend() -> Iterable[str]:
    words = {
        "clean": "clean accuracy",
        "attack": "under the attack",
        "control": "under a random change",
    }
    for number, (kind, text) in enumerate(words.items()):
        x = LABELS + 150 * number
        yield f'<circle cx="{x}" cy="14" r="4.5" fill="{COLOURS[kind]}"/>'
        yield _text(x + 10, 18, text)


def _panel(
    rows: Sequence[Row], names: Sequence[str], task: str, *, left: float
) -> Iterable[str]:
    bottom = TOP + LANE * len(names)
    chosen = [row for row in rows if (row.task, row.model) == (task, "mlp")]
    clean = Spread.of(
        [row.clean_accuracy for row in chosen if row.attack == names[0]]
    ).mean

    def x(accuracy: float) -> float:
        return left + PANEL * accuracy

    yield _text(left + PANEL / 2, TOP - 14, task, anchor="middle")
    for tick in (0.0, 0.5, 1.0):
        yield f'<line x1="{x(tick)}" x2="{x(tick)}" y1="{TOP}" y2="{bottom}" stroke="#ddd"/>'
        yield _text(x(tick), bottom + 18, f"{tick:g}", anchor="middle")
    yield (
        f'<line x1="{x(clean):.1f}" x2="{x(clean):.1f}" y1="{TOP}" y2="{bottom}" '
        f'stroke="{COLOURS["clean"]}" stroke-width="2"/>'
    )
    for number, name in enumerate(names):
        y = TOP + LANE * number + LANE / 2
        found = Spread.of(
            [row.attacked_accuracy for row in chosen if row.attack == name]
        )
        colour = COLOURS["control" if name in CONTROLS else "attack"]
        low, high = found.mean - found.deviation, found.mean + found.deviation
        yield (
            f'<line x1="{x(found.mean):.1f}" x2="{x(clean):.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
            'stroke-opacity="0.35" stroke-width="2"/>'
        )
        yield (
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="4" '
            'stroke-opacity="0.6"/>'
        )
        yield f'<circle cx="{x(found.mean):.1f}" cy="{y}" r="4.5" fill="{colour}"/>'
