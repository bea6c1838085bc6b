"""DECREE's answer for a reader: the verdict, the trigger as pictures, and what it rests on."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from reference_impls.decree.calibration import (
    CLEAN_FRACTION,
    ENOUGH,
    PAPER,
    Calibration,
)
from reference_impls.decree.method import DecreeReport
from reference_impls.decree.verdict import ALARM, CALM, Answer
from reference_impls.lab.bilingual import Bilingual, Text, Words
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.study.page import Answer as Answered
from reference_impls.lab.study.page import (
    Page,
    Picture,
    Scale,
    Section,
    Table,
    Tone,
    scale,
    side_by_side,
)

SHOWN = 6
"""Images shown with and without the trigger."""
WORDS = Words.beside(__file__)
TONES: dict[Answer, Tone] = {
    "backdoored": "alarm",
    "cannot decide": "open",
    "no backdoor found": "calm",
}


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


def reasons(report: DecreeReport) -> list[Bilingual]:
    """What the verdict rests on, and what is missing for another: the same on page, terminal and in JSON."""
    comparison, calibration = report.comparison, report.calibration
    values: dict[str, object] = {
        "alarm": ALARM,
        "calm": CALM,
        "enough": ENOUGH,
        "tau": PAPER,
        "size": report.kind.size,
        "architecture": WORDS[f"architecture.{report.kind.architecture}"],
        "score": report.score or 0.0,
        "prominence": (comparison and comparison.prominence) or 0.0,
    }
    if calibration:
        values |= {
            "clean": len(calibration.clean_scores),
            "threshold": calibration.threshold or 0.0,
        }
    return [WORDS[f"reason.{one}"].fill(**values) for one in report.verdict.reasons]


def _answer(report: DecreeReport) -> Answered:
    headline = WORDS[f"answers.{report.verdict.answer}"]
    first, *others = reasons(report)
    detail = first.then(*others)
    if report.trigger:
        pixels = report.trigger.mask_HW.numel()
        area = WORDS["report.area"].fill(
            score=report.score,
            covered=report.trigger.covered * pixels,
            pixels=pixels,
        )
        detail = area.then(first, *others)
    return Answered(TONES[report.verdict.answer], headline, detail)


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
    calibration, comparison = report.calibration, report.comparison
    found = calibration.found if calibration else ()
    threshold = calibration.threshold if calibration else None
    paper = WORDS["report.paper_below" if report.paper else "report.paper_not"]
    lines = [WORDS["report.pl1"], paper.fill(tau=PAPER)]
    if comparison:
        first, *others = map(_size, comparison.sizes[1:])
        for one in others:
            first = WORDS["report.two"].fill(first=first, second=one)
        lines.append(WORDS["report.itself"].fill(sizes=first))
    lines.append(_clean(calibration) if calibration else WORDS["report.uncalibrated"])
    return Section(
        WORDS["report.evidence"],
        tuple(lines),
        drawing=scale(Scale(report.score, threshold or PAPER, found, "PL1")),
    )


def _size(size: float | None) -> Bilingual:
    return WORDS["report.none"] if size is None else Bilingual(f"{size:.4f}", f"{size:.4f}")  # fmt: skip


def _clean(calibration: Calibration) -> Bilingual:
    """Which clean encoders, how small their triggers are, and where the next one would lie."""
    told = WORDS["report.clean_encoders"].fill(
        source=calibration.source,
        count=len(calibration.clean_scores),
        without=calibration.clean_scores.count(None),
    )
    if calibration.threshold is not None:
        told = told.then(
            WORDS["report.derived"].fill(
                threshold=calibration.threshold,
                fraction=CLEAN_FRACTION,
                low=min(calibration.found),
                high=max(calibration.found),
            )
        )
    if calibration.interval:
        low, high = calibration.interval
        told = told.then(WORDS["report.predicted"].fill(low=low, high=min(high, 1.0)))
    return told


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
