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
from reference_impls.lab.bilingual import Bilingual, Text
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


class Words:
    """What the report says."""

    TITLE = Bilingual(
        "DECREE · is this encoder backdoored?", "DECREE · 该编码器是否含有后门？"
    )
    BACKDOORED = Bilingual("Backdoored", "含有后门")
    CLEAN = Bilingual("No backdoor found", "未发现后门")
    NO_TRIGGER = Bilingual("No trigger found", "未找到触发器")
    NO_SCORE = Bilingual(
        "No patch that was tried made the images embed alike, so there is no score to compare. "
        "Search longer or with more restarts before you rely on it.",
        "尝试过的补丁都未能使不同图像的嵌入趋于一致，因此没有可与阈值比较的分数。"
        "采信这一结果之前，请延长搜索或增加重启次数。",
    )
    BELOW = Bilingual(
        "A patch worth {score:.2%} of the image (about {covered:.0f} of {pixels} pixels) makes different "
        "images embed alike. Below {threshold:.2%} is suspicious.",
        "面积仅占图像 {score:.2%} 的补丁（{pixels} 个像素中的约 {covered:.0f} 个）就能使不同图像的嵌入趋于一致。"
        "低于 {threshold:.2%} 即为可疑。",
    )
    NOT_BELOW = Bilingual(
        "A patch worth {score:.2%} of the image (about {covered:.0f} of {pixels} pixels) makes different "
        "images embed alike; only below {threshold:.2%} is suspicious.",
        "需要面积占图像 {score:.2%} 的补丁（{pixels} 个像素中的约 {covered:.0f} 个）才能使不同图像的嵌入趋于一致；"
        "低于 {threshold:.2%} 才算可疑。",
    )
    SURE_BELOW = Bilingual(
        "That is {deviations:.1f} standard deviations below the mean of {count} clean encoders (of log PL1).",
        "按 log PL1 计，这比 {count} 个干净编码器的均值低 {deviations:.1f} 个标准差。",
    )
    SURE_ABOVE = Bilingual(
        "That is {deviations:.1f} standard deviations above the mean of {count} clean encoders (of log PL1).",
        "按 log PL1 计，这比 {count} 个干净编码器的均值高 {deviations:.1f} 个标准差。",
    )

    TRIGGER = Bilingual("The smallest trigger found", "找到的最小触发器")
    MASK = Bilingual(
        "Mask: white is replaced, black is kept", "掩码：白色处被替换，黑色处保留"
    )
    PATTERN = Bilingual(
        "Trigger: the pattern where the mask is, on grey",
        "触发器：掩码范围内的图案，以灰色为底",
    )
    STAMPED = Bilingual("An image that carries it", "带有触发器的图像")
    BEFORE = Bilingual("Images as they are", "原始图像")
    AFTER = Bilingual(
        "The same with the trigger: all embed alike",
        "同一批图像加上触发器后：嵌入趋于一致",
    )

    EVIDENCE = Bilingual("What the verdict rests on", "判定依据")
    PL1 = Bilingual(
        "PL1 is the area of the trigger as a fraction of the image. The smaller the patch that makes all "
        "images alike, the more suspicious the encoder.",
        "PL1 是触发器面积占图像面积的比例。能使所有图像的嵌入趋于一致的补丁越小，编码器就越可疑。",
    )
    PUBLISHED = Bilingual(
        "Threshold: tau = {threshold}, the paper's constant (section 5.1).",
        "阈值：τ = {threshold}，即论文第 5.1 节给出的常数。",
    )
    DERIVED = Bilingual(
        "Threshold: {source}.",
        "阈值：{count} 个干净编码器中最小 PL1 的 {fraction} 倍（原始记录：{source}）。",
    )
    RECORDED = Bilingual("Threshold: {source}.", "阈值来源（原始记录）：{source}。")
    CIRCLES = Bilingual(
        "Circles are the {count} clean encoders it was taken from: PL1 {low:.4f} to {high:.4f}.",
        "圆圈表示用来确定阈值的 {count} 个干净编码器，其 PL1 为 {low:.4f} 至 {high:.4f}。",
    )
    UNCALIBRATED = Bilingual(
        "This threshold was not derived from clean encoders of this kind. It fits the published "
        "stopping rule only; calibrate before you rely on it.",
        "该阈值并非由同类干净编码器得出，只适用于论文中的停止规则；采信结果之前请先校准。",
    )

    SEARCHES = Bilingual("All searches", "全部搜索")
    SEVERAL = Bilingual(
        "The search starts several times from other masks and patterns; the smallest trigger counts.",
        "搜索从不同的掩码和图案出发，重复多次，以其中最小的触发器为准。",
    )
    SINGLE = Bilingual(
        "One search was made. More restarts find triggers that a single one misses.",
        "只进行了一次搜索。增加重启次数，可以找到单次搜索遗漏的触发器。",
    )
    SEARCH = Bilingual("search", "搜索")
    COSINE = Bilingual("mean cosine", "平均余弦相似度")
    STEPS = Bilingual("steps", "步数")
    NONE = Bilingual("none", "无")

    LIMITS = Bilingual("What this cannot tell", "本方法的局限")
    BLIND = Bilingual(
        "DECREE looks for small static patches. A trigger that covers a large part of the image, changes with "
        "the image, blends into all of it or lies in text is not found, and an attacker who knows the method can "
        "train against it. Finding nothing does not prove innocence.",
        "DECREE 寻找的是小块的静态补丁。如果触发器覆盖图像的大部分、随图像变化、融入整幅图像或位于文本中，"
        "就无法找到；了解该方法的攻击者还可以在训练中加以规避。未发现后门，并不能证明编码器没有后门。",
    )
    EVIDENCE_ONLY = Bilingual(
        "A small trigger is evidence, not proof: encoders that learned little from little data can admit one by "
        "nature. Compare with clean encoders of the same kind before accusing anybody.",
        "存在小触发器只是线索，并非定论：数据少、训练不充分的编码器本身也可能存在小触发器。"
        "下结论之前，请与同类干净编码器比较。",
    )


def present(report: DecreeReport, images_N3HW: Tensor, about: Any) -> Page:
    """The report as a page; `images_N3HW` are some of those that were searched with."""
    return Page(
        title=Words.TITLE,
        subject=report.encoder,
        answer=_answer(report),
        sections=[
            *([_pictures(report.trigger, images_N3HW)] if report.trigger else []),
            _evidence(report),
            _restarts(report),
            Section(Words.LIMITS, (Words.BLIND, Words.EVIDENCE_ONLY)),
        ],
        about=about,
    )


def _answer(report: DecreeReport) -> Answer:
    if report.score is None or report.trigger is None:
        return Answer("open", Words.NO_TRIGGER, Words.NO_SCORE)
    pixels = report.trigger.mask_HW.numel()
    area = (Words.BELOW if report.backdoored else Words.NOT_BELOW).fill(
        score=report.score,
        covered=report.trigger.covered * pixels,
        pixels=pixels,
        threshold=report.calibration.threshold,
    )
    detail = area.then(*_how_sure(report))
    if report.backdoored:
        return Answer("alarm", Words.BACKDOORED, detail)
    return Answer("calm", Words.CLEAN, detail)


def _how_sure(report: DecreeReport) -> list[Bilingual]:
    if report.deviations is None:
        return []
    words = Words.SURE_BELOW if report.deviations >= 0 else Words.SURE_ABOVE
    count = len(report.calibration.clean_scores)
    return [words.fill(deviations=abs(report.deviations), count=count)]


def _pictures(trigger: Trigger, images_N3HW: Tensor) -> Section:
    trigger, shown = trigger.to("cpu"), images_N3HW[:SHOWN].cpu()
    stamped = trigger.apply(shown)
    return Section(
        Words.TRIGGER,
        pictures=[
            Picture("mask.png", Words.MASK, trigger.mask_HW[None]),
            Picture("trigger.png", Words.PATTERN, trigger.visible),
            Picture("stamped.png", Words.STAMPED, stamped[0]),
            Picture("before.png", Words.BEFORE, side_by_side(shown)),
            Picture("after.png", Words.AFTER, side_by_side(stamped)),
        ],
    )


def _evidence(report: DecreeReport) -> Section:
    calibration = report.calibration
    clean = calibration.clean_scores
    drawing = scale(Scale(report.score, calibration.threshold, clean, "PL1"))
    about_clean = (
        Words.CIRCLES.fill(count=len(clean), low=min(clean), high=max(clean))
        if clean
        else Words.UNCALIBRATED
    )
    return Section(
        Words.EVIDENCE,
        (Words.PL1, _source(calibration), about_clean),
        drawing=drawing,
    )


def _source(calibration: Calibration) -> Bilingual:
    """A file of thresholds tells its origin in one language; what is known of it is said in both."""
    if calibration == PUBLISHED_THRESHOLD:
        return Words.PUBLISHED.fill(threshold=calibration.threshold)
    clean = calibration.clean_scores
    derived = clean and isclose(calibration.threshold, CLEAN_FRACTION * min(clean))
    return (Words.DERIVED if derived else Words.RECORDED).fill(
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
            Words.NONE if one.score is None else f"{one.score:.4f}",
            "–" if one.cosine is None else f"{one.cosine:.4f}",
            str(one.steps),
        )
        for number, one in enumerate(report.restarts, start=1)
    ]
    headers = (Words.SEARCH, "PL1", Words.COSINE, Words.STEPS)
    return Section(
        Words.SEARCHES,
        (Words.SEVERAL if len(rows) > 1 else Words.SINGLE,),
        table=Table(headers, rows, marked=best),
    )
