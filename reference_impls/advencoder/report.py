"""The report of an evaluation: what the change costs which task, beside its controls."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from reference_impls.advencoder.evaluate import Evaluation, Model, Outcome
from reference_impls.lab.attacks.universal import UniversalPatch, UniversalPerturbation
from reference_impls.lab.bilingual import Text, Words
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
OURS = "advencoder"
"""Name of the change among its controls."""
WORTH = 0.1
"""Accuracy that a change must cost beyond its control to count as an attack that works."""


def in_words(name: str) -> Text:
    """A task or a change in both languages; those of other datasets keep their names."""
    names: dict[str, Text] = {OURS: "AdvEncoder", **TASK_NAMES, **WORDS.group("names")}
    return names.get(name, name)


def present(
    found: Evaluation,
    change: UniversalPatch | UniversalPerturbation,
    images_B3HW: Tensor,
    about: Any,
) -> Page:
    """The page of an evaluation."""
    return Page(
        title=WORDS["report.title"],
        subject=found.encoder,
        answer=_answer(found),
        sections=(
            _look(change, images_B3HW),
            _figures(found, "mlp"),
            _figures(found, "knn"),
            _cosines(found),
        ),
        about=about,
    )


def excess(found: Evaluation, one: Outcome) -> float:
    """Accuracy that the change costs beyond the most harmful of its controls."""
    return control(found, one) - one.attacked_accuracy


def control(found: Evaluation, one: Outcome) -> float:
    """Accuracy under the most harmful of its controls, in [0, 1]."""
    return min(
        other.attacked_accuracy
        for other in found.outcomes
        if (other.task, other.model) == (one.task, one.model) and other.attack != OURS
    )


def worst(found: Evaluation) -> Outcome:
    """The task whose MLP head the change costs most beyond its controls."""
    own = [one for one in found.outcomes if (one.attack, one.model) == (OURS, "mlp")]
    return max(own, key=lambda one: excess(found, one))


def _answer(found: Evaluation) -> Answer:
    one = worst(found)
    if excess(found, one) < WORTH:
        detail = WORDS["report.no_better"].fill(worth=WORTH)
        return Answer("calm", WORDS["report.not_fooled"], detail)
    headline = WORDS["report.fooled"].fill(
        task=in_words(one.task),
        clean=one.clean_accuracy,
        attacked=one.attacked_accuracy,
    )
    beside = WORDS["report.beside"]
    detail = beside.fill(control=control(found, one), chance=one.chance)
    return Answer("alarm", headline, detail)


def _look(
    change: UniversalPatch | UniversalPerturbation,
    images_B3HW: Tensor,
) -> Section:
    caption = (
        WORDS["report.perturbation"].fill(levels=255 * change.epsilon)
        if isinstance(change, UniversalPerturbation)
        else WORDS["report.patch"].fill(share=change.covered)
    )
    before, after = (
        side_by_side(images) for images in (images_B3HW, change.apply(images_B3HW))
    )
    return Section(
        WORDS["report.look"],
        pictures=(
            Picture("change.png", caption, change.visible),
            Picture("before.png", WORDS["report.before"], before),
            Picture("after.png", WORDS["report.after"], after),
        ),
    )


def _figures(found: Evaluation, model: Model) -> Section:
    chosen = [one for one in found.outcomes if one.model == model]
    rows = [
        (
            in_words(one.task),
            in_words(one.attack),
            f"{one.clean_accuracy:.1%}",
            f"{one.attacked_accuracy:.1%}",
            f"{one.decline:.1%}",
            f"{one.fooling_rate:.1%}",
        )
        for one in chosen
    ]
    heads = list(WORDS.group("heads.accuracy").values())
    first = model == "mlp"
    return Section(
        WORDS[f"report.{model}"],
        paragraphs=(WORDS["report.explain"],) if first else (),
        table=Table(heads, rows, chosen.index(worst(found)) if first else None),
    )


def _cosines(found: Evaluation) -> Section:
    rows = [(in_words(name), f"{value:.4f}") for name, value in found.cosines.items()]
    heads = list(WORDS.group("heads.cosine").values())
    return Section(
        WORDS["report.cosine"],
        paragraphs=(WORDS["report.cosine_text"],),
        table=Table(heads, rows),
    )
