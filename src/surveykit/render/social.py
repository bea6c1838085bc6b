"""Pictures that social sites show beside a link: a title, where it appeared, and the mark of its side.

One for each paper, the same in both languages, as a title is not translated in place; one for all other
pages. Drawn with a font of our own, so that every machine draws the same.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from surveykit.catalog import Catalog, Side
from surveykit.errors import plural
from surveykit.models import Paper
from surveykit.words import words

WIDTH, HEIGHT = 1200, 630
"""What the sites ask for, in pixels."""
SITE = "social/site.png"
"""The picture of every page that has none of its own."""

_FONT = Path(__file__).with_name("fonts") / "NotoSerif-SemiBold.ttf"
_VERSION = (
    2  # raised when the drawing changes, as kept pictures are known by their content
)
_PAPER, _INK = (251, 250, 248), (29, 33, 38)
_INKS = 10
_INK_STEPS = [level * (_INKS - 1) // 255 for level in range(256)]
_COLOUR_STEPS = [_INKS + level * (15 - _INKS) // 255 for level in range(256)]
_COLOURS = (
    (42, 82, 186),
    (147, 38, 0),
    (85, 16, 124),
    (0, 82, 72),
    (138, 98, 34),
    (104, 108, 116),
)
"""Those of the topics on the site's light page, by their numbers (site/assets/css/10-tokens.css)."""
_MARGIN = 88


@dataclass(frozen=True)
class SocialCard:
    """What one picture says."""

    path: str
    """Place below the root of the site."""
    title: str
    above: str
    """The line over the title."""
    below: str
    """The line under it."""
    foot: str
    """The name of the survey."""
    side: Side | None
    color: int
    """Number of the color of its topic."""

    @property
    def key(self) -> str:
        """Name of its content: the same drawing has the same key."""
        told = repr((_VERSION, *astuple(self)[1:]))
        return hashlib.sha256(told.encode()).hexdigest()[:24]


def path(paper: Paper) -> str:
    """Where the picture of a paper lies."""
    return f"social/{paper.id}.png"


def cards(catalog: Catalog) -> Iterator[SocialCard]:
    """The pictures of a site."""
    survey = catalog.survey
    name = survey.short_title.en
    n = f"{plural(len(catalog.papers), 'paper')} · {words('en', catalog).social.site}"
    yield SocialCard(SITE, survey.title.en, "Living survey", n, name, None, 6)
    for paper in catalog.papers:
        yield _card(catalog, paper, name)


def _card(catalog: Catalog, paper: Paper, name: str) -> SocialCard:
    labels = [
        catalog.term(axis, paper.terms[axis][0]).label.en
        for axis in (catalog.topic_axis.id, "role")
        if paper.terms.get(axis)
    ]
    authors = paper.authors[0].name + (" et al." if len(paper.authors) > 1 else "")
    where = f"{authors} · {catalog.venue(paper).name} {paper.year}"
    above = " · ".join(labels)
    return SocialCard(
        path(paper),
        paper.title.en,
        above,
        where,
        name,
        catalog.side(paper),
        catalog.colors[catalog.topic(paper)],
    )


def draw(card: SocialCard) -> bytes:
    """The picture as PNG."""
    ink = Image.new("L", (WIDTH, HEIGHT))  # how much ink, 0 to 255
    pen = ImageDraw.Draw(ink)
    size, lines = _fitted(card.title)
    x = _MARGIN + 44 if card.side else _MARGIN
    pen.text((x, 84), card.above, fill=150, font=_font(30))
    y = 150
    for line in lines:
        pen.text((_MARGIN, y), line, fill=255, font=_font(size))
        y += round(size * 1.24)
    pen.text((_MARGIN, y + 22), _cut(card.below, 30), fill=150, font=_font(30))
    pen.line((_MARGIN, HEIGHT - 92, WIDTH - _MARGIN, HEIGHT - 92), fill=40, width=2)
    pen.text((_MARGIN, HEIGHT - 74), card.foot, fill=190, font=_font(28))
    picture = ink.point(_INK_STEPS).convert("P")
    picture.putpalette(_palette(_COLOURS[card.color - 1]))
    _colored(picture, card.side)
    file = io.BytesIO()
    # Sixteen colors are four bits a pixel; more effort costs twice the time for a tenth of the size.
    picture.save(file, "PNG", bits=4, compress_level=2)
    return file.getvalue()


def _palette(color: tuple[int, int, int]) -> list[int]:
    """Ten steps from paper to ink, and six to the color."""
    return [
        round(start + (end - start) * i / (steps - 1))
        for target, steps in ((_INK, _INKS), (color, 16 - _INKS))
        for i in range(steps)
        for start, end in zip(_PAPER, target, strict=True)
    ]


def _colored(picture: Image.Image, side: Side | None) -> None:
    """The edge, and the mark of the side: filled, a ring, or a square."""
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 20, HEIGHT), fill=15)
    if side is None:
        return
    large = Image.new("L", (128, 128))  # drawn large, then shrunk: smooth edges
    brush = ImageDraw.Draw(large)
    if side == "beside":
        brush.rectangle((20, 20, 108, 108), fill=255)
    elif side == "above":
        brush.ellipse((8, 8, 120, 120), fill=255)
    else:
        brush.ellipse((12, 12, 116, 116), outline=255, width=22)
    small = large.resize((32, 32), Image.Resampling.BOX)
    picture.paste(small.point(_COLOUR_STEPS), (_MARGIN, 88))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # The simple layout gives the same picture whether or not the machine has Raqm.
    return ImageFont.truetype(_FONT, size, layout_engine=ImageFont.Layout.BASIC)


def _fitted(title: str) -> tuple[int, Sequence[str]]:
    """The largest size at which the title fills at most four lines, and the lines."""
    for size in (66, 58, 52, 46, 40):
        lines = _wrapped(title, size)
        if len(lines) <= (4 if size < 66 else 3):
            return size, lines
    return 40, [*_wrapped(title, 40)[:4], "…"]


def _wrapped(text: str, size: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and _font(size).getlength(longer) > WIDTH - 2 * _MARGIN:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]


def _cut(text: str, size: int) -> str:
    while _font(size).getlength(text) > WIDTH - 2 * _MARGIN:
        text = text[:-2].rstrip() + "…"
    return text
