"""The study as a picture: mean fooling rate of every change, one dot per victim; SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean
from xml.sax.saxutils import escape

from reference_impls.advclip.study import Row

WIDTH, LEFT, RIGHT, TOP, LANE = 720, 230, 60, 52, 26
TICKS = (0.0, 0.2, 0.4, 0.6)
MOST = 0.7
COLOURS = {"crafted": "#d55e00", "control": "#0072b2"}


def draw(rows: Sequence[Row]) -> str:
    """The picture as SVG text, readable on light and dark pages."""
    lanes = list(lanes_of(rows).items())
    height = TOP + LANE * len(lanes) + 34
    parts = [
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        *_legend(),
        *_axis(TOP + LANE * len(lanes)),
    ]
    for number, (change, chosen) in enumerate(lanes):
        parts += _lane(change, chosen, TOP + LANE * number)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="Fooling rate of every patch and of its controls">\n{body}\n</svg>\n'
    )


def lanes_of(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Every change on its own undefended convolutional victims, the strongest first."""
    lanes: dict[str, list[Row]] = {}
    for row in rows:
        at_home = row.made_on in ("", row.victim) and row.defence == "none"
        if at_home and "transformer" not in row.victim:
            lanes.setdefault(row.change, []).append(row)
    return dict(sorted(lanes.items(), key=lambda lane: -_mean(lane[1])))


def _mean(rows: Iterable[Row]) -> float:
    return mean(row.figures["fooling"] for row in rows)


def _x(share: float) -> float:
    return LEFT + min(share, MOST) / MOST * (WIDTH - LEFT - RIGHT)


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{escape(text)}</text>'


def _legend() -> Iterable[str]:
    yield _text(
        16, 20, "Share of predictions changed, mean over 5 tasks and 3 classifiers"
    )
    for number, (role, colour) in enumerate(COLOURS.items()):
        x = 16 + 110 * number
        yield f'<rect x="{x}" y="29" width="12" height="12" fill="{colour}" fill-opacity="0.75"/>'
        yield _text(x + 18, 39, role)
    yield '<circle cx="242" cy="35" r="3.5" fill="#fff" stroke="#222"/>'
    yield _text(252, 39, "one victim")


def _axis(bottom: float) -> Iterable[str]:
    for tick in TICKS:
        x = _x(tick)
        yield f'<line x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{bottom + 4}" stroke="#ddd"/>'
        yield _text(x, bottom + 20, f"{tick:.0%}", anchor="middle")


def _lane(change: str, rows: Sequence[Row], top: float) -> Iterable[str]:
    average, middle = _mean(rows), top + LANE / 2
    colour = COLOURS["crafted" if rows[0].made_on else "control"]
    yield _text(LEFT - 8, middle + 4, change, anchor="end")
    yield (
        f'<rect x="{LEFT}" y="{top + 5}" width="{_x(average) - LEFT:.1f}" height="{LANE - 10}" '
        f'fill="{colour}" fill-opacity="0.75"><title>{escape(change)}: {average:.1%}</title></rect>'
    )
    for row in rows:
        yield (
            f'<circle cx="{_x(row.figures["fooling"]):.1f}" cy="{middle}" r="3.5" fill="#fff" '
            f'stroke="#222"><title>{escape(row.victim)}: {row.figures["fooling"]:.1%}</title></circle>'
        )
    furthest = max(_x(average), *(_x(row.figures["fooling"]) for row in rows))
    yield _text(furthest + 8, middle + 4, f"{average:.0%}")
