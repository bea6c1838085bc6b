"""A report as one HTML file that a person can open, print and mail: nothing is fetched.

The answer stands first, then the pictures, then the figures that it rests on. One file
holds both languages; a switch that needs no script shows one of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from reference_impls.lab.bilingual import LAB, Bilingual, Language, Text, localize
from reference_impls.lab.data.images import png_bytes
from reference_impls.lab.files import replacing
from reference_impls.lab.records import as_data

Tone = Literal["alarm", "calm", "open"]
"""How an answer is to be taken: something was found, nothing was found, no answer."""

SHOWN_EDGE = 256
"""Pictures are enlarged, pixel by pixel, to about this many pixels."""
_MARKS = {"alarm": "!", "calm": "✓", "open": "?"}
_TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True)
class Answer:
    """What the reader came for."""

    tone: Tone
    headline: Text
    """A few words."""
    detail: Text
    """One or two sentences with the figure behind it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image with its caption."""

    file: str
    """Name of its PNG file beside the page."""
    caption: Text
    image_3HW: Tensor = field(repr=False)
    """In [0, 1]; one channel is grey."""

    def png(self) -> bytes:
        """The enlarged picture."""
        edge = min(self.image_3HW.shape[1:])
        return png_bytes(self.image_3HW, scale=max(1, round(SHOWN_EDGE / edge)))


@dataclass(frozen=True)
class Table:
    """Rows under headers; numbers are aligned by the page."""

    headers: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    marked: int | None = None
    """Index of the row that counts."""
    notes: Sequence[Text] = ()
    """A line below each row."""


@dataclass(frozen=True)
class Section:
    """A heading and what is said under it."""

    title: Text
    paragraphs: Sequence[Text] = ()
    pictures: Sequence[Picture] = ()
    drawing: str = ""
    """SVG elements, trusted: made by `scale` or `lab.chart`."""
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole report."""

    title: Text
    subject: Text
    """What was looked at."""
    answer: Answer
    sections: Sequence[Section]
    about: Any
    """Settings, versions, hardware and seconds; shown as JSON at the end."""

    @property
    def pictures(self) -> list[Picture]:
        """All pictures in order."""
        return [picture for section in self.sections for picture in section.pictures]


def write_page(page: Page, folder: Path, language: Language = "en") -> Path:
    """Write `report.html` and the pictures; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in page.pictures:
        with replacing(folder / picture.file) as new:
            new.write_bytes(picture.png())
    path = folder / "report.html"
    with replacing(path) as new:
        new.write_text(html(page, language), encoding="utf-8")
    return path


def html(page: Page, language: Language = "en") -> str:
    """The page, opened in a language; every text of the caller is escaped."""
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    about = json.dumps(as_data(page.about), indent=2, ensure_ascii=False)
    title = (localize(text, language) for text in (page.answer.headline, page.subject))
    sections = (_section(*one, language) for one in enumerate(page.sections))
    return f"""<!doctype html>
<html lang="{_TAGS[language]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{escape(" · ".join(title))}</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="kind">{_both(page.title)}</p>
{_switch(language)}
<h1>{_both(page.subject)}</h1>
</header>
<main>
<section class="answer {page.answer.tone}">
<span class="mark" aria-hidden="true">{_MARKS[page.answer.tone]}</span>
<div><p class="headline">{_both(page.answer.headline)}</p>
<p>{_both(page.answer.detail)}</p></div>
</section>
{"".join(sections)}
<details>
<summary>{_both(LAB["page.about"])}</summary>
<pre>{escape(about)}</pre>
</details>
</main>
</body>
</html>
"""


def _both(text: Text) -> str:
    """Both languages side by side; the style hides the one that is not chosen."""
    if isinstance(text, str):
        return escape(text)
    return "".join(
        f'<span lang="{tag}">{escape(localize(text, language))}</span>'
        for language, tag in _TAGS.items()
    )


def _switch(chosen: Language) -> str:
    choices = "".join(
        f'<label lang="{tag}"><input type="radio" name="language" id="{language}"'
        f"{' checked' if language == chosen else ''}>{localize(LAB['page.language'], language)}</label>"
        for language, tag in _TAGS.items()
    )
    name = LAB["page.choose"]
    return f'<div class="language" role="radiogroup" aria-label="{name.en} · {name.zh}">{choices}</div>'


def _section(number: int, section: Section, language: Language) -> str:
    name = f"section-{number}"
    figures = "".join(_figure(picture, language) for picture in section.pictures)
    parts = [
        f'<h2 id="{name}">{_both(section.title)}</h2>',
        f'<div class="pictures">{figures}</div>' if figures else "",
        section.drawing,
        *(f"<p>{_both(text)}</p>" for text in section.paragraphs),
        _table(section.table, name) if section.table else "",
    ]
    return f"<section>\n{''.join(parts)}\n</section>\n"


def _figure(picture: Picture, language: Language) -> str:
    source = "data:image/png;base64," + base64.b64encode(picture.png()).decode()
    alt = escape(localize(picture.caption, language))
    name = escape(f"caption-{picture.file}")
    height, width = picture.image_3HW.shape[1:]
    shape = ' class="long"' if width > 2 * height else ""
    # An attribute cannot follow the switch; the caption that it points to does.
    return (
        f'<figure{shape}><img src="{source}" alt="{alt}" aria-labelledby="{name}">'
        f'<figcaption id="{name}">{_both(picture.caption)}</figcaption></figure>'
    )


def _table(table: Table, name: str) -> str:
    head = "".join(f'<th scope="col">{_both(text)}</th>' for text in table.headers)
    rows = []
    for index, row in enumerate(table.rows):
        cells = "".join(f"<td>{_both(text)}</td>" for text in row)
        rows.append(
            f"<tr{' class=marked' if index == table.marked else ''}>{cells}</tr>"
        )
        if table.notes:
            note = _both(table.notes[index])
            rows.append(
                f'<tr class=note><td colspan="{len(row)}"><div>{note}</div></td></tr>'
            )
    noted = ' class="noted"' if table.notes else ""
    return (
        f'<div class="wide" role="region" aria-labelledby="{name}" tabindex="0"><table{noted}><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


# -- Drawings ------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """A score among others on a logarithmic axis, with the threshold that divides it."""

    score: float | None
    threshold: float
    others: Sequence[float] = ()
    """Scores to compare with, such as those of clean encoders."""
    label: str = "PL1"
    """A symbol, the same in both languages."""
    low: float = 0.005
    high: float = 0.5

    def position(self, value: float) -> float:
        """Distance from the left end, from 0 to 1."""
        low, high, at = (
            torch.tensor(v).log().item()
            for v in (self.low, self.high, max(value, 1e-9))
        )
        return min(1.0, max(0.0, (at - low) / (high - low)))


_TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MAIN_TICKS = (0.01, 0.05, 0.1, 0.5)
"""Those that a phone shows."""
_WIDTH, _LEFT, _AXIS = 640, 34, 74


def scale(drawn: Scale) -> str:
    """The scale as SVG, once in each language; the left side of the threshold is the suspicious one."""
    return "".join(_scale(drawn, language) for language in _TAGS)


def _scale(drawn: Scale, language: Language) -> str:
    def x(value: float) -> float:
        return round(_LEFT + (_WIDTH - 2 * _LEFT) * drawn.position(value), 1)

    edge = x(drawn.threshold)
    top = _AXIS - 30 if drawn.score is None else 0
    number = LAB["page.none"] if drawn.score is None else f"{drawn.score:.4f}"
    score = Bilingual("{label} {number}", "{label} {number}").fill(
        label=drawn.label, number=number
    )
    threshold = LAB["page.threshold"].fill(threshold=drawn.threshold)
    name = localize(LAB["page.scale"].fill(score=score, threshold=threshold), language)
    parts = [
        f'<svg lang="{_TAGS[language]}" class="scale" viewBox="0 {top} {_WIDTH} {130 - top}" role="img" aria-label="{escape(name)}">',
        f'<rect class="low" x="{_LEFT}" y="{_AXIS - 14}" width="{edge - _LEFT}" height="14"/>',
        f'<rect class="rest" x="{edge}" y="{_AXIS - 14}" width="{_WIDTH - _LEFT - edge}" height="14"/>',
        *(
            f'<circle class="other" cx="{x(v)}" cy="{_AXIS - 7}" r="4.5"/>'
            for v in drawn.others
        ),
        *(
            f'<text class="tick{"" if v in _MAIN_TICKS else " minor"}" x="{x(v)}" y="{_AXIS + 20}">{v:g}</text>'
            for v in _TICKS
            if drawn.low <= v <= drawn.high
        ),
        f'<line class="edge" x1="{edge}" x2="{edge}" y1="{_AXIS - 22}" y2="{_AXIS}"/>',
        f'<text class="edge-text" x="{edge}" y="{_AXIS + 46}">{localize(threshold, language)}</text>',
    ]
    if drawn.score is not None:
        at = x(drawn.score)
        parts += [
            f'<path class="needle" d="M{at} {_AXIS - 10} l-8 -18 h16 z"/>',
            f'<text class="score" x="{min(max(at, 70), _WIDTH - 70)}" y="34">'
            f"{escape(localize(score, language))}</text>",
        ]
    return "".join(parts) + "</svg>"


def side_by_side(images_B3HW: Tensor, *, gap: int = 1) -> Tensor:
    """Images in one row, (3, H, W'), with a light line between them."""
    padded = torch.nn.functional.pad(images_B3HW.cpu(), (0, gap), value=1.0)
    return torch.cat(list(padded), dim=2)[:, :, : -gap or None]
