"""DECREE's answer for a reader: the verdict, the trigger as pictures, and what it rests on."""

from __future__ import annotations

from math import isclose
from typing import Any

from torch import Tensor

from reference_impls.decree.calibration import (
    CLEAN_FRACTION,
    PUBLISHED_THRESHOLD,
    Calibration,
)
from reference_impls.decree.method import DecreeReport
from reference_impls.lab.bilingual import Bilingual, Text, Words
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.study.page import (
    Answer,
    Page,
    Picture,
    Scale,
    Section,
    Table,
    scale,
    side_by_side,
)

SHOWN = 6
"""Images shown with and without the trigger."""
WORDS = Words.beside(__file__)


def report_page(report: DecreeReport, images_N3HW: Tensor, about: Any) -> Page:
    """The report as a page; `images_N3HW` are some of those that were searched with."""
    return Page(
        title=WORDS["report.title"],
        subject=report.encoder,
        answer=_answer(report),
        sections=[
            *([_pictures(report.trigger, images_N3HW)] if report.trigger else []),
            _evidence(report),
            _restarts(report),
            Section(
                WORDS["report.limits"],
                (WORDS["report.blind"], WORDS["report.evidence_only"]),
            ),
        ],
        about=about,
    )


def _answer(report: DecreeReport) -> Answer:
    if report.score is None or report.trigger is None:
        return Answer("open", WORDS["report.no_trigger"], WORDS["report.no_score"])
    pixels = report.trigger.mask_HW.numel()
    area = (
        WORDS["report.below"] if report.backdoored else WORDS["report.not_below"]
    ).fill(
        score=report.score,
        covered=report.trigger.covered * pixels,
        pixels=pixels,
        threshold=report.calibration.threshold,
    )
    detail = area.then(*_how_sure(report))
    if report.backdoored:
        return Answer("alarm", WORDS["report.backdoored"], detail)
    return Answer("calm", WORDS["report.clean"], detail)


def _how_sure(report: DecreeReport) -> list[Bilingual]:
    if report.deviations is None:
        return []
    words = (
        WORDS["report.sure_below"]
        if report.deviations >= 0
        else WORDS["report.sure_above"]
    )
    count = len(report.calibration.clean_scores)
    return [words.fill(deviations=abs(report.deviations), count=count)]


def _pictures(trigger: Trigger, images_N3HW: Tensor) -> Section:
    trigger, shown = trigger.to("cpu"), images_N3HW[:SHOWN].cpu()
    stamped = trigger.apply(shown)
    return Section(
        WORDS["report.trigger"],
        pictures=[
            Picture("mask.png", WORDS["report.mask"], trigger.mask_HW[None]),
            Picture("trigger.png", WORDS["report.pattern"], trigger.visible),
            Picture("stamped.png", WORDS["report.stamped"], stamped[0]),
            Picture("before.png", WORDS["report.before"], side_by_side(shown)),
            Picture("after.png", WORDS["report.after"], side_by_side(stamped)),
        ],
    )


def _evidence(report: DecreeReport) -> Section:
    calibration = report.calibration
    clean = calibration.clean_scores
    drawing = scale(Scale(report.score, calibration.threshold, clean, "PL1"))
    about_clean = (
        WORDS["report.circles"].fill(count=len(clean), low=min(clean), high=max(clean))
        if clean
        else WORDS["report.uncalibrated"]
    )
    return Section(
        WORDS["report.evidence"],
        (WORDS["report.pl1"], _source(calibration), about_clean),
        drawing=drawing,
    )


def _source(calibration: Calibration) -> Bilingual:
    """A file of thresholds tells its origin in one language; what is known of it is said in both."""
    if calibration == PUBLISHED_THRESHOLD:
        return WORDS["report.published"].fill(threshold=calibration.threshold)
    clean = calibration.clean_scores
    derived = clean and isclose(calibration.threshold, CLEAN_FRACTION * min(clean))
    return (WORDS["report.derived"] if derived else WORDS["report.recorded"]).fill(
        source=calibration.source, count=len(clean), fraction=CLEAN_FRACTION
    )


def _restarts(report: DecreeReport) -> Section:
    scores = [restart.score for restart in report.restarts]
    best = (
        scores.index(report.score)
        if report.score in scores and report.score is not None
        else None
    )
    rows: list[tuple[Text, ...]] = [
        (
            str(number),
            WORDS["report.none"] if one.score is None else f"{one.score:.4f}",
            "–" if one.cosine is None else f"{one.cosine:.4f}",
            str(one.steps),
        )
        for number, one in enumerate(report.restarts, start=1)
    ]
    headers = (
        WORDS["report.search"],
        "PL1",
        WORDS["report.cosine"],
        WORDS["report.steps"],
    )
    return Section(
        WORDS["report.searches"],
        (WORDS["report.several"] if len(rows) > 1 else WORDS["report.single"],),
        table=Table(headers, rows, marked=best),
    )
