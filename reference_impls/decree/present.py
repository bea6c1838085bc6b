"""DECREE's answer for a reader: the verdict, the trigger as pictures, and what it rests on."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from reference_impls.decree.method import DecreeReport
from reference_impls.lab.images import Trigger
from reference_impls.lab.page import (
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

LIMITS = (
    "DECREE looks for small static patches. A trigger that covers a large part of the image, changes with "
    "the image, blends into all of it or lies in text is not found, and an attacker who knows the method can "
    "train against it. Finding nothing does not prove innocence.",
    "A small trigger is evidence, not proof: encoders that learned little from little data can admit one by "
    "nature. Compare with clean encoders of the same kind before accusing anybody.",
)


def present(report: DecreeReport, images_N3HW: Tensor, about: Any) -> Page:
    """The report as a page; `images_N3HW` are some of those that were searched with."""
    return Page(
        title="DECREE · is this encoder backdoored?",
        subject=report.encoder,
        answer=_answer(report),
        sections=[
            *([_pictures(report.trigger, images_N3HW)] if report.trigger else []),
            _evidence(report),
            _restarts(report),
            Section("What this cannot tell", LIMITS),
        ],
        about=about,
    )


def _answer(report: DecreeReport) -> Answer:
    if report.score is None or report.trigger is None:
        return Answer(
            "open",
            "No trigger found",
            "No patch that was tried made the images embed alike, so there is no score to compare. "
            "Search longer or with more restarts before you rely on it.",
        )
    side = report.trigger.covered * report.trigger.mask_HW.numel()
    area = (
        f"A patch worth {report.score:.2%} of the image (about {side:.0f} of "
        f"{report.trigger.mask_HW.numel()} pixels) makes different images embed alike"
    )
    threshold = f"{report.calibration.threshold:.2%}"
    if report.backdoored:
        detail = f"{area}. Below {threshold} is suspicious.{_how_sure(report)}"
        return Answer("alarm", "Backdoored", detail)
    detail = f"{area}; only below {threshold} is suspicious.{_how_sure(report)}"
    return Answer("calm", "No backdoor found", detail)


def _how_sure(report: DecreeReport) -> str:
    if report.deviations is None:
        return ""
    side = "below" if report.deviations >= 0 else "above"
    return (
        f" That is {abs(report.deviations):.1f} standard deviations {side} the mean of "
        f"{len(report.calibration.clean_scores)} clean encoders (of log PL1)."
    )


def _pictures(trigger: Trigger, images_N3HW: Tensor) -> Section:
    mask_HW, pattern_3HW = trigger.mask_HW.cpu(), trigger.pattern_3HW.cpu()
    shown = images_N3HW[:SHOWN].cpu()
    stamped = shown + mask_HW * (pattern_3HW - shown)
    # On mid-grey, so that both black and white parts of a pattern can be seen.
    visible_3HW = 0.5 + mask_HW * (pattern_3HW - 0.5)
    return Section(
        "The smallest trigger found",
        pictures=[
            Picture(
                "mask.png", "Mask: white is replaced, black is kept", mask_HW[None]
            ),
            Picture(
                "trigger.png",
                "Trigger: the pattern where the mask is, on grey",
                visible_3HW,
            ),
            Picture("stamped.png", "An image that carries it", stamped[0]),
            Picture("before.png", "Images as they are", side_by_side(shown)),
            Picture(
                "after.png",
                "The same with the trigger: all embed alike",
                side_by_side(stamped),
            ),
        ],
    )


def _evidence(report: DecreeReport) -> Section:
    calibration = report.calibration
    clean = calibration.clean_scores
    drawing = scale(Scale(report.score, calibration.threshold, clean, "PL1"))
    said = [
        "PL1 is the area of the trigger as a fraction of the image. The smaller the patch that makes all "
        "images alike, the more suspicious the encoder.",
        f"Threshold: {calibration.source}.",
    ]
    if clean:
        spread = f"{min(clean):.4f} to {max(clean):.4f}"
        said.append(
            f"Circles are the {len(clean)} clean encoders it was taken from: PL1 {spread}."
        )
    else:
        said.append(
            "This threshold was not derived from clean encoders of this kind. It fits the published "
            "stopping rule only; calibrate before you rely on it."
        )
    return Section("What the verdict rests on", said, drawing=drawing)


def _restarts(report: DecreeReport) -> Section:
    scores = [restart.score for restart in report.restarts]
    best = (
        scores.index(report.score)
        if report.score in scores and report.score is not None
        else None
    )
    rows = [
        (
            str(number),
            "none" if one.score is None else f"{one.score:.4f}",
            "–" if one.cosine is None else f"{one.cosine:.4f}",
            str(one.steps),
        )
        for number, one in enumerate(report.restarts, start=1)
    ]
    return Section(
        "All searches",
        (
            "The search starts several times from other masks and patterns; the smallest trigger counts.",
        )
        if len(rows) > 1
        else (
            "One search was made. More restarts find triggers that a single one misses.",
        ),
        table=Table(("search", "PL1", "mean cosine", "steps"), rows, marked=best),
    )
