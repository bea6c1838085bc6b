"""Charts as SVG texts: filled is attack, ring is defense, square is study; attacks above the line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from surveykit.catalog import Related, Side
from surveykit.models import Paper

PITCH = 9
"""Distance between two marks, in SVG units."""
RADIUS = 3.1

_MARKS: dict[str, str] = {
    "above": '<circle class="a" cx="6" cy="6" r="5"/>',
    "below": '<circle class="d" cx="6" cy="6" r="4"/>',
    "beside": '<rect class="s" x="2" y="2" width="8" height="8"/>',
    "block": '<rect class="a" x="1" y="1" width="10" height="10"/>',
}


def mark(shape: str, topic: str = "") -> Markup:
    """A mark beside a word: the shape of a side, in the color of a topic."""
    color = f" t-{topic}" if topic else ""
    return Markup(
        f'<svg class="sk-mark{color}" viewBox="0 0 12 12" width="12" height="12" '
        f'aria-hidden="true" focusable="false">{_MARKS[shape]}</svg>'
    )


@dataclass(frozen=True)
class Dot:
    """One paper of a chart."""

    paper: Paper
    side: Side
    topic: str

    def draw(self, x: float, y: float, radius: float, *, colored: bool) -> str:
        """The mark with its center at (x, y), in its own color or in that of its surroundings."""
        color = f" t-{self.topic}" if colored else ""
        attrs = f' data-y="{self.paper.year}"'
        tip = f"<title>{escape(self.paper.title.en)} ({self.paper.year})</title>"
        if self.side == "above":
            return f'<circle class="a{color}"{attrs} cx="{x:g}" cy="{y:g}" r="{radius:g}">{tip}</circle>'
        if self.side == "below":
            return f'<circle class="d{color}"{attrs} cx="{x:g}" cy="{y:g}" r="{radius - 0.6:g}">{tip}</circle>'
        corner, size = radius - 0.7, 2 * radius - 1.4
        return (
            f'<rect class="s"{attrs} x="{x - corner:g}" y="{y - corner:g}" '
            f'width="{size:g}" height="{size:g}">{tip}</rect>'
        )


def rows(count: int, columns: int) -> int:
    """Rows that `count` marks fill; at least one."""
    return max(1, -(-count // columns))


def _place(i: int, columns: int, pitch: float) -> tuple[float, float]:
    return (i % columns + 0.5) * pitch, (i // columns + 0.5) * pitch


def units(
    dots: Sequence[Dot], columns: int, up: int, down: int, *, colored: bool
) -> Markup:
    """Attacks stacked above a line, all others below; oldest next to the line."""
    above = sorted((d for d in dots if d.side == "above"), key=lambda d: d.paper.year)
    below = sorted(
        (d for d in dots if d.side != "above"),
        key=lambda d: (d.side == "beside", d.paper.year),
    )
    line, width = up * PITCH + 2, columns * PITCH
    out = []
    for sign, stacked in ((-1, above), (1, below)):
        for i, dot in enumerate(stacked):
            x, y = _place(i, columns, PITCH)
            out.append(dot.draw(x, line + sign * (2 + y), RADIUS, colored=colored))
    height = line + 2 + down * PITCH
    return Markup(
        f'<svg class="sk-units" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-hidden="true" focusable="false"><line x1="0" x2="{width}" y1="{line}" y2="{line}"/>'
        f"{''.join(out)}</svg>"
    )


def stack(dots: Sequence[Dot], columns: int, title: str, *, upwards: bool) -> Markup:
    """Colored marks that grow away from a line, upwards or downwards."""
    pitch, radius = 13, 4.6
    width, height = columns * pitch, rows(len(dots), columns) * pitch
    out = []
    for i, dot in enumerate(dots):
        x, y = _place(i, columns, pitch)
        out.append(dot.draw(x, height - y if upwards else y, radius, colored=True))
    return Markup(
        f'<svg class="sk-units" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(out)}</svg>'
    )


@dataclass(frozen=True)
class YearBar:
    """One column of the timeline: topic -> number of papers, on both sides."""

    year: int
    attacks: Sequence[tuple[str, int]]
    defenses: Sequence[tuple[str, int]]
    href: str
    spoken: str


def _named(id_: str, title: str, about: str) -> str:
    """What a chart is and what it shows, for those who do not see it."""
    return f'<title id="{id_}-t">{escape(title)}</title><desc id="{id_}-d">{escape(about)}</desc>'


def timeline(years: Sequence[YearBar], title: str, about: str) -> Markup:
    """Bars by year, a color for each topic: attacks grow upwards, defenses downwards."""
    width, left, band, full_up, full_down = 1120, 8, 30, 170, 140
    tops = [sum(n for _, n in y.attacks) for y in years]
    bottoms = [sum(n for _, n in y.defenses) for y in years]
    unit = min(3.0, full_up / max(1, *tops), full_down / max(1, *bottoms))
    up, down = max(tops, default=0) * unit + 24, max(bottoms, default=0) * unit + 24
    step = (width - 2 * left) / max(1, len(years))
    bar = min(56.0, step * 0.6)
    out = []
    for i, column in enumerate(years):
        x = left + i * step + (step - bar) / 2
        out.append(
            f'<a href="{escape(column.href)}" aria-label="{escape(column.spoken)}">'
            f'<rect class="hit" x="{left + i * step:.1f}" y="0" width="{step:.1f}" height="{up + band + down:.1f}"/>'
            + _bars(column.attacks, x, up, bar, -unit)
            + _bars(column.defenses, x, up + band, bar, unit)
            + _count(x + bar / 2, up - tops[i] * unit - 7, tops[i])
            + _count(x + bar / 2, up + band + bottoms[i] * unit + 17, bottoms[i])
            + f'<text class="y" x="{x + bar / 2:.1f}" y="{up + band / 2 + 5.5:.1f}">{column.year}</text></a>'
        )
    return Markup(
        f'<svg class="sk-time" viewBox="0 0 {width} {up + band + down:.1f}" role="group" '
        f'aria-labelledby="time-t" aria-describedby="time-d">{_named("time", title, about)}{"".join(out)}</svg>'
    )


def _bars(
    parts: Iterable[tuple[str, int]], x: float, start: float, bar: float, unit: float
) -> str:
    out, edge = [], start
    for topic, count in parts:
        size = count * abs(unit)
        y = edge - size if unit < 0 else edge
        if unit < 0:
            out.append(
                f'<rect class="a t-{topic}" x="{x:.1f}" y="{y:.1f}" width="{bar:.1f}" height="{max(size - 1, 0.6):.1f}"/>'
            )
        else:
            out.append(
                f'<rect class="d t-{topic}" x="{x + 0.75:.2f}" y="{y + 0.75:.2f}" width="{bar - 1.5:.1f}" height="{max(size - 2, 0.4):.1f}"/>'
            )
        edge += count * unit
    return "".join(out)


def _count(x: float, y: float, count: int) -> str:
    return f'<text class="n" x="{x:.1f}" y="{y:.1f}">{count}</text>' if count else ""


BOX_WIDTH, BOX_HEIGHT = 134, 38


@dataclass(frozen=True)
class Node:
    """One box of the relation graph."""

    paper: Paper
    side: Side
    topic: str
    name: str
    href: str


def graph(
    me: Node, links: Sequence[tuple[Related, Node]], title: str, about: str
) -> Markup:
    """Relations of one paper: years run left to right, attacks sit above the line."""
    nodes = {node.paper.id: node for _, node in links} | {me.paper.id: me}
    place = _layout(me, list(nodes.values()))
    years = [node.paper.year for node in nodes.values()]
    top = min(y for _, y in place.values()) - BOX_HEIGHT / 2 - 4
    bottom = max(y for _, y in place.values()) + BOX_HEIGHT / 2 + 4
    out = [f'<line class="ax" x1="0" x2="{GRAPH_WIDTH}" y1="0" y2="0"/>']
    for link, node in links:
        claimed = " claimed" if link.relation.basis == "title" else ""
        path = _edge(place[me.paper.id], place[node.paper.id])
        out.append(f'<path class="e{claimed}" d="{path}"/>')
    x_of = _axis(years)
    out += [
        f'<rect class="yb" x="{x_of(year) - 24:.0f}" y="-10" width="48" height="20"/>'
        f'<text class="y" x="{x_of(year):.0f}" y="5">{year}</text>'
        for year in sorted(set(years))
    ]
    out += [_box(n, *place[id_], mine=n is me) for id_, n in nodes.items()]
    return Markup(
        f'<svg class="sk-graph" viewBox="0 {top:.0f} {GRAPH_WIDTH} {max(bottom, 14) - top:.0f}" '
        f'role="group" aria-labelledby="graph-t" aria-describedby="graph-d">'
        f"{_named('graph', title, about)}{''.join(out)}</svg>"
    )


GRAPH_WIDTH = 720


def _axis(years: Sequence[int]) -> Callable[[int], float]:
    first, last = min(years), max(years)
    if first == last:
        return lambda _: GRAPH_WIDTH / 2
    return lambda year: 76 + (year - first) / (last - first) * (GRAPH_WIDTH - 152)


def _layout(me: Node, nodes: Sequence[Node]) -> dict[str, tuple[float, float]]:
    """Each node in the lane nearest to the line where the way to it is free: branches run behind no box."""
    x_of = _axis([node.paper.year for node in nodes])
    start, reach = x_of(me.paper.year), BOX_WIDTH / 2 + 5
    lanes: dict[bool, list[list[tuple[float, float]]]] = {True: [], False: []}
    place: dict[str, tuple[float, float]] = {}

    def settle(node: Node, taken: tuple[float, float]) -> None:
        above = node.side == "above"
        lane = next(
            (k for k, held in enumerate(lanes[above]) if _free(held, taken)), None
        )
        if lane is None:
            lane = len(lanes[above])
            lanes[above].append([])
        lanes[above][lane].append(taken)
        place[node.paper.id] = (
            x_of(node.paper.year),
            (44 + lane * 46) * (-1 if above else 1),
        )

    settle(me, (start - reach, start + reach))
    for node in sorted(
        nodes,
        key=lambda n: (_same(n, me), abs(n.paper.year - me.paper.year), n.paper.id),
    ):
        if node is not me:
            settle(node, _span(start, x_of(node.paper.year), reach))
    return place


def _same(node: Node, me: Node) -> bool:
    """Papers of one year come last: the trunk ends in them."""
    return node.paper.year == me.paper.year


def _span(start: float, x: float, reach: float) -> tuple[float, float]:
    """The part of a lane that a box at x and the branch to it take; the box in the middle is not in it."""
    if x > start:
        return min(start + reach, x - reach), x + reach
    if x < start:
        return x - reach, max(start - reach, x + reach)
    return x - reach, x + reach


def _free(held: Sequence[tuple[float, float]], span: tuple[float, float]) -> bool:
    return all(span[1] <= left or span[0] >= right for left, right in held)


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A trunk up or down from the middle of one box, then a branch along the lane of the other."""
    (x1, y1), (x2, y2) = start, end
    side, down = (1 if x2 > x1 else -1), (1 if y2 > y1 else -1)
    edge = x2 - side * BOX_WIDTH / 2
    if y1 == y2:
        return f"M{x1 + side * BOX_WIDTH / 2:.0f},{y1:.0f} H{edge:.0f}"
    leave = f"M{x1:.0f},{y1 + down * BOX_HEIGHT / 2:.0f}"
    if x1 == x2:
        return f"{leave} V{y2 - down * BOX_HEIGHT / 2:.0f}"
    bend = f"Q{x1:.0f},{y2:.0f} {x1 + side * 10:.0f},{y2:.0f}"
    return f"{leave} V{y2 - down * 10:.0f} {bend} H{edge:.0f}"


def _box(node: Node, x: float, y: float, *, mine: bool) -> str:
    role = "me" if mine else "a" if node.side == "above" else "d"
    rect = (
        f'<rect x="{x - BOX_WIDTH / 2:.0f}" y="{y - BOX_HEIGHT / 2:.0f}" '
        f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
    )
    text = f'<text x="{x:.0f}" y="{y + 5:.0f}">{escape(node.name)}</text>'
    if mine:
        return f'<g class="node n-me">{rect}{text}</g>'
    return (
        f'<a href="{escape(node.href)}" class="node n-{role} t-{node.topic}" '
        f'aria-label="{escape(node.paper.title.en)}">{rect}{text}</a>'
    )
