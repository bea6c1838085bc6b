"""What a universal change does to a victim, and the page about it: what falls, pictures, controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from reference_impls.advclip.defenses import Defense
from reference_impls.advclip.downstream import (
    ITSELF,
    PAIRS,
    TO_TEXT,
    Change,
    Scores,
)
from reference_impls.advclip.method import AdvCLIPConfig
from reference_impls.lab.attacks.universal import (
    AtRandomPlaces,
    UniversalPerturbation,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.study.page import (
    Answer,
    Page,
    Picture,
    Section,
    Table,
    side_by_side,
)

WORDS = Words.beside(__file__)
SHOWN = 6
"""Images shown before and after."""
CLEARLY_MORE = 2.0
"""A change is called an attack if it fools this many times what its strongest control fools."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """What a universal change does to a victim."""

    victim: str
    """Name of the victim."""
    dataset: str
    """Images it was measured on."""
    change: Change = field(repr=False)
    """The patch or perturbation."""
    scores: Scores
    """Every task before and after."""
    controls: Mapping[str, Scores]
    """The same for changes of equal size that nobody crafted."""
    defense: Defense = "none"
    """What stood before the victim."""
    config: AdvCLIPConfig | None = None
    """How it was crafted; none if it was read from a file."""

    @property
    def strongest_control(self) -> tuple[str, Scores]:
        """The control that fools most."""
        return max(self.controls.items(), key=lambda item: item[1].fooling)


def named(change: str, language: Language) -> str:
    """A change of the study in a language; its English name is its id."""
    for english, words in WORDS.group("parts").items():
        change = change.replace(english, localize(words, language))
    return change


def in_words(word: str) -> Text:
    """A classifier, direction, control or lab task in both languages; others keep their names."""
    known = TASK_NAMES.get(word)
    return known if known else WORDS.get(f"names.{word}", word)


def page(report: Report, images_N3HW: Tensor, about: Any) -> Page:
    """The report as a page; `images_N3HW` are some of those that were measured on."""
    sections = [_pictures(report, images_N3HW)]
    if report.scores.classified:
        sections.append(_tasks(report))
    limits = Section(WORDS["limits.title"], (WORDS["limits.about"],))
    return Page(
        title=WORDS["report.title"],
        subject=report.victim,
        answer=_answer(report),
        sections=[*sections, _retrieval(report.scores), limits],
        about=about,
    )


def _answer(report: Report) -> Answer:
    first, *more = _sentences(report)
    tone = _tone(report)
    return Answer(tone, WORDS[f"report.{tone}"], first.then(*more))


def _tone(report: Report) -> Literal["alarm", "calm"]:
    if report.scores.classified:
        _, control = report.strongest_control
        breaks = report.scores.fooling > CLEARLY_MORE * control.fooling
    else:
        breaks = report.scores.recall(ITSELF).after < 0.5
    return "alarm" if breaks else "calm"


def _sentences(report: Report) -> Iterator[Bilingual]:
    scores = report.scores
    if scores.classified:
        control, other = report.strongest_control
        worst = max(scores.classified, key=lambda one: one.before - one.after)
        yield WORDS["report.classified"].fill(
            kind=_kind(report.change),
            fooling=scores.fooling,
            control=in_words(control),
            other=other.fooling,
            task=in_words(worst.task),
            classifier=in_words(worst.classifier),
            before=worst.before,
            after=worst.after,
        )
    for one in scores.retrieved:
        if one.measure == "R@1" and one.direction == TO_TEXT:
            yield WORDS["report.retrieved"].fill(before=one.before, after=one.after)
        elif one.direction == ITSELF and not scores.classified:
            yield WORDS["report.itself"].fill(after=one.after)
    if report.defense != "none":
        yield WORDS[f"defended.{report.defense}"]


def _kind(change: Change) -> Bilingual:
    if isinstance(change, UniversalPerturbation):
        return WORDS["report.perturbation"].fill(epsilon=255 * change.epsilon)
    patch = change.patch if isinstance(change, AtRandomPlaces) else change
    return WORDS["report.patch"].fill(share=patch.covered)


# -- Pictures and tables -------------------------------------------------------------


def _pictures(report: Report, images_N3HW: Tensor) -> Section:
    shown, change = images_N3HW[:SHOWN].cpu(), report.change
    if isinstance(change, UniversalPerturbation):
        kind, pixels = "perturbation", change.visible
    else:
        patch = change.patch if isinstance(change, AtRandomPlaces) else change
        kind, pixels = "patch", patch.pixels
    changed = change.apply(shown)
    return Section(
        WORDS["pictures.title"],
        pictures=[
            Picture(f"{kind}.png", WORDS[f"pictures.{kind}"], pixels),
            Picture("before.png", WORDS["pictures.before"], side_by_side(shown)),
            Picture("after.png", WORDS["pictures.after"], side_by_side(changed)),
        ],
    )


def heads(*names: str) -> list[Text]:
    """Headings of table columns."""
    return [WORDS[f"heads.{name}"] for name in names]


def _tasks(report: Report) -> Section:
    control, other = report.strongest_control
    columns = heads("task", "classifier", "before", "after", "fooled")
    rows = [
        (
            in_words(one.task),
            in_words(one.classifier),
            f"{one.before:.1%}",
            f"{one.after:.1%}",
            f"{one.fooling:.0%}",
            f"{other.of(one.task, one.classifier).fooling:.0%}",
        )
        for one in report.scores.classified
    ]
    return Section(
        WORDS["classification.title"],
        (WORDS["classification.about"],),
        table=Table([*columns, in_words(control)], rows),
    )


def _retrieval(scores: Scores) -> Section:
    rows = [
        (in_words(r.direction), r.measure, f"{r.before:.1%}", f"{r.after:.1%}")
        for r in scores.retrieved
    ]
    return Section(
        WORDS["retrieval.title"].fill(pairs=PAIRS),
        (WORDS["retrieval.about"],),
        table=Table(heads("direction", "measure", "before", "after"), rows),
    )


def grid(images_N3HW: Tensor, changed_N3HW: Tensor) -> Tensor:
    """Images above the same images changed, (3, H', W')."""
    rows = [side_by_side(images_N3HW), side_by_side(changed_N3HW)]
    line = torch.ones(3, 1, rows[0].shape[2])
    return torch.cat([rows[0], line, rows[1]], dim=1)
