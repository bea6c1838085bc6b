"""The report of one attack: does the backdoor work, what opens it, what did it cost."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from reference_impls.badencoder.method import AttackReport
from reference_impls.lab.bilingual import Bilingual, Text, Words
from reference_impls.lab.data.images import Trigger
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
"""Images shown with and without the trigger."""
WORKS = 0.99
"""Success rate from which a backdoor counts as working, as in DECREE's evaluation."""


def present(
    report: AttackReport,
    about: Any,
    *,
    encoder: str,
    file: str,
    trigger: Trigger,
    reference_3HW: Tensor,
    images_N3HW: Tensor,
) -> Page:
    """The report as a page; `file` is where the encoder lies, the images are some it was measured on."""
    scan = WORDS["report.scan"].fill(file=file)
    return Page(
        title=WORDS["report.title"],
        subject=encoder,
        answer=_answer(report),
        sections=[
            _pictures(report, trigger, reference_3HW, images_N3HW),
            _figures(report),
            Section(WORDS["report.objective"], (_losses(report),)),
            Section(WORDS["report.use"], (WORDS["report.specimen"], scan)),
        ],
        about=about,
    )


def _answer(report: AttackReport) -> Answer:
    success = report.attack_success_rate
    outcome = WORDS["report.outcome"].fill(
        success=success,
        target=report.target,
        before=report.clean_attack_success_rate,
    )
    cost = WORDS["report.cost"].fill(
        backdoored=report.backdoored_accuracy, clean=report.clean_accuracy
    )
    if success >= WORKS:
        return Answer("alarm", WORDS["report.working"], outcome.then(cost))
    hint = WORDS["report.partly_hint"].fill(works=WORKS)
    return Answer("open", WORDS["report.partly"], outcome.then(cost, hint))


def _pictures(
    report: AttackReport, trigger: Trigger, reference_3HW: Tensor, images_N3HW: Tensor
) -> Section:
    shown = images_N3HW[:SHOWN].cpu()
    stamped = trigger.apply(shown)
    images = {
        "trigger": trigger.visible,
        "reference": reference_3HW.cpu(),
        "stamped": stamped[0],
        "before": side_by_side(shown),
        "after": side_by_side(stamped),
    }
    name = str(report.config.trigger)
    pictures = [
        Picture(f"{key}.png", WORDS[f"report.{key}"].fill(trigger=name), image)
        for key, image in images.items()
    ]
    return Section(WORDS["report.opens"], pictures=pictures)


def _figures(report: AttackReport) -> Section:
    rates = {
        "success": (report.clean_attack_success_rate, report.attack_success_rate),
        "accuracy": (report.clean_accuracy, report.backdoored_accuracy),
    }
    cosines = (report.clean_stamped_cosine, report.stamped_cosine)
    rows: list[tuple[Text, ...]] = [
        (WORDS[f"report.{name}"], *(f"{rate:.1%}" for rate in pair))
        for name, pair in rates.items()
    ]
    rows.append((WORDS["report.cosine"], *(f"{value:.3f}" for value in cosines)))
    heads = list(WORDS.group("report.heads").values())
    measured = WORDS["report.measured"].fill(task=report.task, target=report.target)
    return Section(
        WORDS["report.figures"], (measured,), table=Table(heads, rows, marked=0)
    )


def _losses(report: AttackReport) -> Bilingual:
    config = report.config
    losses = WORDS["report.losses"].fill(
        steps=config.steps,
        consistency=config.consistency_weight,
        utility=config.utility_weight,
    )
    if not config.evasion_weight:
        return losses
    return losses.then(WORDS["report.evades"].fill(evasion=config.evasion_weight))
