"""Two pictures as SVG: which layers robustness rests on, and accuracy against robustness.

Colours follow the page they stand on; opened by themselves, the pictures are dark on white.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from reference_impls.lab.bilingual import Both, Language, Text, said

TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}
WIDTH = 720
INK, QUIET, LINE = "var(--ink,#1b1f24)", "var(--quiet,#57606a)", "var(--line,#d8dee4)"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""Okabe and Ito's, which colour-blind readers can tell apart."""
FONT = 'font-family="system-ui,Noto Sans,Noto Sans CJK SC,sans-serif"'


class Words:
    """What the pictures say."""

    LAYERS = Both(
        "Rise of the adversarial loss when a layer's weight moves by a tenth of its norm",
        "某层权重移动其范数的十分之一时，对抗损失的升幅",
    )
    ADAPTED = Both("adapted by stage 2", "第二阶段微调的层")
    FROZEN = Both("frozen", "冻结的层")
    CLEAN = Both("clean accuracy", "干净准确率")


# -- Layers --------------------------------------------------------------------------

BAR, LEFT = 24, 250


def layers(
    contributions: Mapping[str, float], adapted: Collection[str], language: Language
) -> str:
    """One bar per layer, in the model's order."""
    height = 62 + BAR * len(contributions)
    most = max([*contributions.values(), 1e-9])
    parts = [*_layer_legend(language)]
    for row, (name, value) in enumerate(contributions.items()):
        y = 52 + BAR * row
        length = max(1.0, (WIDTH - LEFT - 80) * max(0.0, value) / most)
        colour = COLOURS[1] if name in adapted else COLOURS[0]
        parts += [
            _text(LEFT - 8, y + 14, _shortened(name), anchor="end", size=13),
            f'<rect x="{LEFT}" y="{y + 2}" width="{length:.1f}" height="16" rx="2" fill="{colour}"/>',
            _text(LEFT + length + 6, y + 14, f"{value:.3f}", size=12, colour=QUIET),
        ]
    return _svg(parts, height, said(Words.LAYERS, language), language)


def _layer_legend(language: Language) -> Iterator[str]:
    yield _text(0, 14, said(Words.LAYERS, language), size=13, colour=QUIET)
    for number, (words, colour) in enumerate(
        ((Words.ADAPTED, COLOURS[1]), (Words.FROZEN, COLOURS[0]))
    ):
        x = 170 * number
        yield f'<rect x="{x}" y="26" width="12" height="12" rx="2" fill="{colour}"/>'
        yield _text(x + 18, 37, said(words, language), size=13)


def _shortened(name: str) -> str:
    return name if len(name) <= 34 else "…" + name[-33:]


# -- Accuracy against robustness -----------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One method's mean over seeds, with its standard deviation; accuracies in [0, 1]."""

    name: Text
    clean: float
    robust: float
    clean_sd: float = 0.0
    robust_sd: float = 0.0


@dataclass(frozen=True)
class Panel:
    """All methods under one kind of attack."""

    title: Text
    points: Sequence[Point]


EDGE, GAP, TOP, LOWER = 270, 70, 40, 46


def trade_off(panels: Sequence[Panel], language: Language) -> str:
    """Clean accuracy to the right, accuracy under attack upwards; two panels in a row."""
    names = list(
        dict.fromkeys(said(p.name, language) for q in panels for p in q.points)
    )
    rows = -(-len(panels) // 2)
    legend = 26 * -(-len(names) // 3)
    parts = [*_legend(names)]
    for number, panel in enumerate(panels):
        left = 50 + (EDGE + GAP) * (number % 2)
        top = legend + TOP + (EDGE + TOP + LOWER) * (number // 2)
        parts += _panel(panel, names, left, top, language)
    height = legend + rows * (EDGE + TOP + LOWER) + 6
    label = "; ".join(said(panel.title, language) for panel in panels)
    return _svg(parts, height, label, language)


def _legend(names: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(names):
        x, y = 12 + 236 * (number % 3), 14 + 26 * (number // 3)
        yield _mark(number, x, y)
        yield _text(x + 14, y + 5, name, size=14)


def _panel(
    panel: Panel, names: Sequence[str], left: float, top: float, language: Language
) -> Iterator[str]:
    low_x, high_x = _bounds(
        end for one in panel.points for end in _ends(one.clean, one.clean_sd)
    )
    low_y, high_y = _bounds(
        end for one in panel.points for end in _ends(one.robust, one.robust_sd)
    )

    def x(value: float) -> float:
        return left + EDGE * (value - low_x) / (high_x - low_x)

    def y(value: float) -> float:
        return top + EDGE * (1 - (value - low_y) / (high_y - low_y))

    yield _text(left - 36, top - 12, said(panel.title, language), bold=True)
    for step in range(5):
        at_x, at_y = (
            low + (high - low) * step / 4
            for low, high in ((low_x, high_x), (low_y, high_y))
        )
        yield _line(x(at_x), top, x(at_x), top + EDGE)
        yield _line(left, y(at_y), left + EDGE, y(at_y))
        yield _text(
            x(at_x),
            top + EDGE + 17,
            f"{at_x:.0%}",
            anchor="middle",
            size=12,
            colour=QUIET,
        )
        yield _text(
            left - 6, y(at_y) + 4, f"{at_y:.0%}", anchor="end", size=12, colour=QUIET
        )
    yield _text(
        left + EDGE / 2,
        top + EDGE + 36,
        said(Words.CLEAN, language),
        anchor="middle",
        size=13,
        colour=QUIET,
    )
    for one in panel.points:
        number = names.index(said(one.name, language))
        colour = COLOURS[number % len(COLOURS)]
        (west, east), (south, north) = (
            _ends(one.clean, one.clean_sd),
            _ends(one.robust, one.robust_sd),
        )
        for ends in (
            (x(west), y(one.robust), x(east), y(one.robust)),
            (x(one.clean), y(south), x(one.clean), y(north)),
        ):
            yield _line(*ends, colour=colour, width=1.6)
        yield _mark(number, x(one.clean), y(one.robust))


def _ends(value: float, deviation: float) -> tuple[float, float]:
    """Both ends of an error bar, as far as they are accuracies."""
    return max(0.0, value - deviation), min(1.0, value + deviation)


def _bounds(values: Iterable[float]) -> tuple[float, float]:
    """Whole fifths or twentieths around all values, inside [0, 1]."""
    known = list(values)
    step = 0.2 if max(known) - min(known) > 0.2 else 0.04
    low = max(0.0, step * int((min(known) - 0.02) / step))
    high = min(1.0, step * (int((max(known) + 0.02) / step) + 1))
    return (low, high) if high > low else (low - step, high)


def _mark(number: int, x: float, y: float) -> str:
    """A shape as well as a colour, for whoever prints in grey."""
    colour = COLOURS[number % len(COLOURS)]
    paths = (
        "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
        "M-5.5-5.5h11v11h-11z",
        "M0-7l7 12h-14z",
        "M0-7.5l7.5 7.5l-7.5 7.5l-7.5-7.5z",
        "M0 7l7-12h-14z",
        "M-2-7h4v5h5v4h-5v5h-4v-5h-5v-4h5z",
    )
    return f'<path transform="translate({x:.1f} {y:.1f})" d="{paths[number % len(paths)]}" fill="{colour}"/>'


# -- Elements ------------------------------------------------------------------------


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 13,
    colour: str = INK,
    bold: bool = False,
) -> str:
    weight = ' font-weight="650"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight} '
        f'style="fill:{colour}">{escape(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, *, colour: str = LINE, width: float = 1
) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'style="stroke:{colour};stroke-width:{width}"/>'
    )


def _svg(parts: Iterable[str], height: float, label: str, language: Language) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" lang="{TAGS[language]}" class="chart" role="img" '
        f'viewBox="-10 -6 {WIDTH + 20} {height + 12:.0f}" {FONT} '
        f'style="width:100%;min-width:34rem;height:auto;background:var(--paper,#fff)" '
        f'aria-label="{escape(label)}">\n{body}\n</svg>\n'
    )
