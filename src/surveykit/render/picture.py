"""The picture of the README: one mark is one paper, on its side of a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from surveykit.catalog import Catalog, Side
from surveykit.kit import Lang
from surveykit.models import Paper
from surveykit.vocabulary import Term
from surveykit.words import words

Scheme = Literal["light", "dark"]

WIDTH = 960
MARGIN = 24
STEP = 11
"""Distance between neighboring marks, in picture units."""
LEGEND_HEIGHT = 64
YEARS_HEIGHT = 28

INK = {"light": ("#1d2126", "#646a72"), "dark": ("#eceae5", "#969da6")}
"""Text and second voice."""
COLOURS = {
    "light": ("#2a52ba", "#932600", "#55107c", "#005248", "#8a6222", "#686c74"),
    "dark": ("#5a9cf8", "#f98047", "#c586b4", "#a3efe6", "#e8dc78", "#b3bdca"),
}
"""For the topics in order of size; told apart with every common kind of color vision. The last serves all the rest."""

_templates = Environment(
    loader=PackageLoader("surveykit.render"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Mark:
    """One paper in the picture."""

    x: float
    y: float
    side: Side
    color: str


@dataclass(frozen=True)
class Label:
    """One word in the picture."""

    x: float
    y: float
    text: str
    color: str = ""
    side: Side = "above"


def path(lang: str, scheme: Scheme) -> str:
    """Where the picture lies in the repository."""
    return f"docs/images/papers-{lang}-{scheme}.svg"


def render_picture(catalog: Catalog, lang: Lang, scheme: Scheme) -> str:
    """SVG of all papers by year, side and main topic, for one language and color scheme."""
    say = words(lang, catalog)
    topics = _by_size(catalog)
    palette = COLOURS[scheme]
    colors = {t.id: palette[min(i, len(palette) - 1)] for i, t in enumerate(topics)}
    years = sorted(catalog.years)
    column = (WIDTH - 2 * MARGIN) / max(len(years), 1)
    wide = max(int((column - STEP) // STEP), 1)
    lanes = _lanes(catalog)
    above = LEGEND_HEIGHT + _rows(lanes, ("above",), wide) * STEP
    below = _rows(lanes, ("below", "beside"), wide) * STEP
    marks: list[Mark] = []
    labels: list[Label] = []
    for index, year in enumerate(years):
        middle = MARGIN + (index + 0.5) * column
        labels.append(Label(middle, above + YEARS_HEIGHT * 0.64, str(year)))
        up = _stack(catalog, lanes[year, "above"], colors)
        down = _stack(catalog, lanes[year, "below"], colors)
        down += _stack(catalog, lanes[year, "beside"], colors)
        marks += _place(up, middle, above - STEP / 2, -STEP, wide)
        marks += _place(down, middle, above + YEARS_HEIGHT + STEP / 2, STEP, wide)
    return _templates.get_template("picture.svg.jinja").render(
        width=WIDTH,
        height=round(above + YEARS_HEIGHT + below + MARGIN),
        line=round(above),
        margin=MARGIN,
        lang="zh-CN" if lang == "zh" else "en",
        ink=INK[scheme],
        caption=say.picture.caption.format(papers=len(catalog.papers)),
        marks=marks,
        years=labels,
        topics=_legend([t.label.in_(lang) for t in topics], colors.values()),
        sides=_side_legend([(s, getattr(say.picture, s)) for s in catalog.sides]),
    )


def _by_size(catalog: Catalog) -> list[Term]:
    counts: dict[str, int] = defaultdict(int)
    for paper in catalog.papers:
        counts[catalog.topic(paper)] += 1
    terms = [t for t in catalog.topic_axis.terms if counts[t.id]]
    return sorted(terms, key=lambda t: -counts[t.id])


def _lanes(catalog: Catalog) -> dict[tuple[int, Side], list[Paper]]:
    lanes: dict[tuple[int, Side], list[Paper]] = defaultdict(list)
    for paper in catalog.papers:
        lanes[paper.year, catalog.side(paper)].append(paper)
    return lanes


def _rows(
    lanes: dict[tuple[int, Side], list[Paper]], sides: tuple[Side, ...], wide: int
) -> int:
    counts: dict[int, int] = defaultdict(int)
    for (year, side), papers in lanes.items():
        counts[year] += len(papers) if side in sides else 0
    return -(-max(counts.values(), default=0) // wide)


def _stack(
    catalog: Catalog, papers: list[Paper], colors: dict[str, str]
) -> list[tuple[Side, str]]:
    order = list(colors)
    topics = sorted((catalog.topic(paper) for paper in papers), key=order.index)
    return [(catalog.side(papers[0]), colors[topic]) for topic in topics]


def _place(
    stack: list[tuple[Side, str]], middle: float, start: float, step: int, wide: int
) -> Iterator[Mark]:
    left = middle - (wide - 1) * STEP / 2
    for index, (side, color) in enumerate(stack):
        row, place = divmod(index, wide)
        yield Mark(round(left + place * STEP, 1), start + row * step, side, color)


def _legend(names: list[str], colors: Iterable[str]) -> Iterator[Label]:
    x = float(MARGIN)
    for name, color in zip(names, colors, strict=True):
        yield Label(round(x, 1), 22, name, color)
        x += _text_width(name) + 30


def _side_legend(sides: Iterable[tuple[Side, str]]) -> Iterator[Label]:
    x = float(MARGIN)
    for side, name in sides:
        yield Label(round(x, 1), 44, name, side=side)
        x += _text_width(name) + 30


def _text_width(text: str) -> float:
    return sum(13 if ord(character) > 0x2E7F else 7 for character in text)
