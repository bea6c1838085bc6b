"""Charts as SVG, in English and Chinese, for three places: the website, a README, a report.

A chart is as wide as a phone, so that its words can be read there. Its colours follow the
scheme of whoever shows it: inside `<img>` the `color-scheme` of that element decides. A ground
of its own keeps it readable where nothing follows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from reference_impls.lab.bilingual import Language, Text, localize

WIDTH, MARGIN = 448, 16
"""What a chart may use, and the ground around it, in pixels."""
BODY, SMALL = 15, 14
"""Sizes of words, in pixels."""

Tone = Literal["ink", "quiet", "line", "blue", "red", "green", "pink", "grey"]
GROUND = ("#fff", "#1b1f24")
TONES: dict[Tone, tuple[str, str]] = {
    "ink": ("#1d2126", "#eceae5"),
    "quiet": ("#646a72", "#969da6"),
    "line": ("#e4e0d8", "#343b43"),
    "blue": ("#0072b2", "#0072b2"),
    "red": ("#d55e00", "#d55e00"),
    "green": ("#009e73", "#009e73"),
    "pink": ("#cc79a7", "#cc79a7"),
    "grey": ("#7f7f7f", "#7f7f7f"),
}
"""On a light and on a dark ground. Ink, quiet and line are the website's; the colours are those of
Okabe and Ito, which colour-blind readers can tell apart, as far as both grounds set them off."""
Shape = Literal["circle", "square", "up", "diamond", "down", "plus"]
SHAPES: dict[Shape, str] = {
    "circle": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
    "square": "M-5.5-5.5h11v11h-11z",
    "up": "M0-7l7 12h-14z",
    "diamond": "M0-7.5l7.5 7.5l-7.5 7.5l-7.5-7.5z",
    "down": "M0 7l7-12h-14z",
    "plus": "M-2-7h4v5h5v4h-5v5h-4v-5h-5v-4h5z",
}
_TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}
_FONT = "system-ui,-apple-system,'Segoe UI','Noto Sans','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
_STOPS = "，。；：、）！？》"
"""They may not begin a line."""
_WORD = re.compile(
    rf"（*(?:[⺀-鿿]|[^\s⺀-鿿（{_STOPS}]+)[{_STOPS}\s]*|[（{_STOPS}]+\s*"
)


@dataclass(frozen=True)
class Mark:
    """How one value is shown: a shape as well as a colour, for whoever prints in grey."""

    tone: Tone
    shape: Shape = "circle"
    hollow: bool = False


SERIES = (
    Mark("grey", "plus"),
    Mark("ink", "square"),
    Mark("blue", "up"),
    Mark("green", "diamond"),
    Mark("pink", "down"),
    Mark("red"),
)
"""Of six things that are compared, the one that matters last."""


def series(count: int) -> tuple[Mark, ...]:
    """Marks of so many things, the one that matters last; beyond six they come again."""
    first = [SERIES[number % len(SERIES)] for number in range(count)]
    return (*first[:-1], SERIES[-1]) if count <= len(SERIES) else tuple(first)


@dataclass(frozen=True)
class Axis:
    """Where a value lies: `low` at `start`, `high` at `end`, in pixels; beyond them it stays there."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value, in pixels."""
        value = min(max(value, self.low), self.high)
        low, high, at = (
            math.log(one) if self.logarithmic else one
            for one in (self.low, self.high, value)
        )
        return self.start + (self.end - self.start) * (at - low) / (high - low)


class Canvas:
    """A chart in the making, in one language; what is drawn from top to bottom moves `y` down."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.y = 0.0
        self._parts: list[str] = []

    # -- Words -----------------------------------------------------------------------

    def text(
        self,
        x: float,
        y: float,
        text: Text,
        *,
        anchor: Literal["start", "middle", "end"] = "start",
        tone: Tone = "ink",
        size: int = BODY,
        bold: bool = False,
    ) -> None:
        """One line of words, `y` is its base line; Markdown's backticks are left out."""
        weight = ' font-weight="650"' * bold
        self._parts.append(
            f'<text class="{tone}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight}>'
            f"{escape(localize(text, self.language).replace('`', ''))}</text>"
        )

    def heading(self, text: Text) -> None:
        """Words over the whole width, in as many lines as they need."""
        for line in wrapped(localize(text, self.language), WIDTH / BODY):
            self.text(0, self.y + BODY, line, bold=True)
            self.y += 21
        self.y += 3

    def legend(self, entries: Sequence[tuple[Mark, Text]], *, columns: int) -> None:
        """What each mark stands for."""
        for number, (mark, words) in enumerate(entries):
            x, y = number % columns * WIDTH / columns, self.y + number // columns * 23
            self.mark(x + 7, y + 11, mark)
            self.text(x + 20, y + 16, words, size=SMALL)
        self.y += 23 * -(-len(entries) // columns) + 5

    # -- Shapes ----------------------------------------------------------------------

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *more: tuple[float, float],
        tone: Tone = "line",
        width: float = 1,
        opacity: float = 1,
        dashed: bool = False,
    ) -> None:
        """A line through two points (x, y) or more."""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (start, end, *more))
        style = ' stroke-dasharray="4 3"' * dashed
        self._parts.append(
            f'<polyline class="{tone}" points="{points}" fill="none" stroke="currentColor" '
            f'stroke-width="{width:g}" stroke-opacity="{opacity:g}"{style}/>'
        )

    def bar(
        self, x: float, y: float, width: float, height: float, tone: Tone, *, hint: str
    ) -> None:
        """A bar from its upper left corner; `hint` is what it says to a pointer."""
        self._parts.append(
            f'<rect class="{tone}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:g}" rx="2">'
            f"<title>{escape(hint)}</title></rect>"
        )

    def mark(
        self,
        x: float,
        y: float,
        mark: Mark,
        *,
        hint: str = "",
        scale: float = 1,
        opacity: float = 1,
    ) -> None:
        """A mark with its middle at a point; `hint` is what it says to a pointer."""
        title = f"<title>{escape(hint)}</title>" if hint else ""
        names = f"{mark.tone} hollow" if mark.hollow else mark.tone
        size = f" scale({scale:g})" * (scale != 1)
        self._parts.append(
            f'<path class="{names}" transform="translate({x:.1f} {y:.1f}){size}" d="{SHAPES[mark.shape]}" '
            f'fill-opacity="{opacity:g}">{title}</path>'
        )

    # -- Axes ------------------------------------------------------------------------

    def across(
        self, axis: Axis, ticks: Sequence[float], top: float, bottom: float, form: str
    ) -> None:
        """Upright lines at the ticks of an axis, their values (`form` as in `format`) below."""
        for tick in ticks:
            self.line((axis(tick), top), (axis(tick), bottom))
            words = format(tick, form)
            self.text(
                axis(tick),
                bottom + 18,
                words,
                anchor="middle",
                tone="quiet",
                size=SMALL,
            )

    def upwards(
        self, axis: Axis, ticks: Sequence[float], left: float, right: float, form: str
    ) -> None:
        """Level lines at the ticks of an axis, their values to the left."""
        for tick in ticks:
            self.line((left, axis(tick)), (right, axis(tick)))
            self.text(
                left - 6,
                axis(tick) + 5,
                format(tick, form),
                anchor="end",
                tone="quiet",
                size=SMALL,
            )

    def svg(self, title: Text, description: Text) -> str:
        """All of it, as tall as `y` says; title and description are read to who cannot see it."""
        width, height = WIDTH + 2 * MARGIN, math.ceil(self.y) + 2 * MARGIN
        body = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" lang="{_TAGS[self.language]}" class="chart" role="img" '
            f'viewBox="{-MARGIN} {-MARGIN} {width} {height}" width="{width}" height="{height}" '
            f'font-family="{_FONT}" fill="currentColor">\n'
            f"<title>{escape(localize(title, self.language))}</title>\n<desc>{escape(localize(description, self.language))}</desc>\n"
            f"<style>{_STYLE}</style>\n"
            f'<rect class="ground" x="{-MARGIN}" y="{-MARGIN}" width="{width}" height="{height}" rx="8"/>\n'
            f"{body}\n</svg>\n"
        )


def _rules(scheme: int) -> str:
    """One scheme's colours; all names lie below `.chart`, as a report holds the chart itself."""
    tones = [f".chart .{name}{{color:{pair[scheme]}}}" for name, pair in TONES.items()]
    ground = GROUND[scheme]
    return "".join(
        [
            f".chart .ground{{fill:{ground}}}",
            *tones,
            f".chart .hollow{{fill:{ground};stroke:currentColor;stroke-width:1.6}}",
        ]
    )


_STYLE = f"{_rules(0)}@media(prefers-color-scheme:dark){{{_rules(1)}}}"


def wrapped(text: str, width: float) -> list[str]:
    """Lines of at most `width` ems, as far as the width of letters can be guessed."""
    lines = [""]
    for word in _WORD.findall(text):
        if lines[-1] and ems(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]


def ems(text: str) -> float:
    """About how wide a bold text is at most; Chinese letters and marks take a full square."""
    return sum(1 if letter > "⺀" else 0.66 for letter in text)


def both(name: str, draw: Callable[[Language], str]) -> dict[str, str]:
    """One chart in both languages, `results.svg` and `results.zh.svg`."""
    return {f"{name}.svg": draw("en"), f"{name}.zh.svg": draw("zh")}
