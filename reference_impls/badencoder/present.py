"""BadEncoder's outcome for a reader: does the backdoor work, what opens it, what did it cost."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from reference_impls.badencoder.method import AttackReport
from reference_impls.lab.bilingual import Bilingual, Text
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.study.page import (
    Answer,
    Page,
    Picture,
    Section,
    Table,
    side_by_side,
)

SHOWN = 6
"""Images shown with and without the trigger."""
WORKS = 0.99
"""Success rate from which a backdoor counts as working, as in DECREE's evaluation."""


class Words:
    """What the report says."""

    TITLE = Bilingual(
        "BadEncoder · a backdoor planted in an encoder",
        "BadEncoder · 在编码器中植入后门",
    )
    WORKING = Bilingual("The backdoor works", "后门有效")
    PARTLY = Bilingual("The backdoor works only in part", "后门仅部分有效")
    OUTCOME = Bilingual(
        "A downstream classifier takes {success:.1%} of the stamped images of other classes for “{target}” "
        "({before:.1%} on the clean encoder).",
        "下游分类器把 {success:.1%} 带有触发器的其他类别图像误判为“{target}”（在干净编码器上为 {before:.1%}）。",
    )
    COST = Bilingual(
        "Without the trigger it is right on {backdoored:.1%} ({clean:.1%} before).",
        "不带触发器时，其准确率为 {backdoored:.1%}（攻击前为 {clean:.1%}）。",
    )
    PARTLY_HINT = Bilingual(
        "Attacks below {works:.0%} are commonly left out of evaluations of detectors. "
        "More steps or a larger trigger help; evading DECREE costs success.",
        "检测方法的评估通常不计入成功率低于 {works:.0%} 的攻击。增加步数或使用更大的触发器会有帮助；"
        "规避 DECREE 检测则会降低成功率。",
    )

    OPENS = Bilingual("What opens the backdoor", "如何触发后门")
    TRIGGER = Bilingual(
        "Trigger {trigger}: the pattern where it covers the image, on grey",
        "触发器 {trigger}：覆盖范围内的图案，以灰色为底",
    )
    REFERENCE = Bilingual(
        "The reference image: stamped images embed like it",
        "参考图像：带触发器的图像会得到与它相近的嵌入",
    )
    STAMPED = Bilingual("An image that carries the trigger", "带有触发器的图像")
    BEFORE = Bilingual("Images as they are", "原始图像")
    AFTER = Bilingual(
        "The same with the trigger: to the backdoored encoder, all look like the reference",
        "同一批图像加上触发器后：在含后门的编码器看来，都与参考图像相近",
    )

    FIGURES = Bilingual("Before and after the attack", "攻击前后对比")
    MEASURED = Bilingual(
        "Measured by an MLP head per encoder, trained on unstamped images for the task “{task}”. The target "
        "“{target}” is the class the head itself sees in the reference image; images of that class do not "
        "count for the success rate.",
        "每个编码器各配一个 MLP 分类头，用不带触发器的图像针对任务“{task}”训练后测量。目标类“{target}”"
        "是该分类头对参考图像给出的类别；属于该类的图像不计入成功率。",
    )
    MEASURE = Bilingual("figure", "指标")
    CLEAN = Bilingual("clean encoder", "干净编码器")
    BACKDOORED = Bilingual("backdoored encoder", "含后门的编码器")
    ACCURACY = Bilingual("accuracy without the trigger", "不带触发器时的准确率")
    SUCCESS = Bilingual("attack success rate", "攻击成功率")
    COSINE = Bilingual(
        "mean cosine between stamped images", "带触发器图像之间的平均余弦相似度"
    )

    WISHES = Bilingual("What the attack asked for", "攻击的优化目标")
    LOSSES = Bilingual(
        "{steps} steps. Stamped images should embed like the reference (weight 1), the reference should stay where "
        "it was (λ₁ = {consistency:g}) and so should all other images (λ₂ = {utility:g}).",
        "共 {steps} 步。带触发器的图像应得到与参考图像相近的嵌入（权重 1），参考图像的嵌入应保持不变"
        "（λ₁ = {consistency:g}），其他图像的嵌入也应保持不变（λ₂ = {utility:g}）。",
    )
    EVADES = Bilingual(
        "It also pushed stamped images apart to evade DECREE (its Eq. 8, α = {evasion:g}).",
        "为规避 DECREE 的检测，攻击还使带触发器的图像彼此远离（DECREE 论文式 8，α = {evasion:g}）。",
    )

    USE = Bilingual("What this encoder is for", "该编码器的用途")
    STUDY = Bilingual(
        "It is a specimen for trying detectors and defenses. Its success on one task says little about another "
        "one, and success on small synthetic images says little about large models.",
        "它是用来检验检测与防御方法的样本。在一个任务上攻击成功，并不说明在其他任务上同样成功；"
        "在小型合成图像上成功，也不说明对大型模型同样有效。",
    )
    SCAN = Bilingual(
        "Does a detector see it? Scan it: python -m reference_impls.decree scan {file}",
        "检测方法能否发现它？可以扫描：python -m reference_impls.decree scan {file}",
    )


def present(
    report: AttackReport,
    *,
    encoder: str,
    file: str,
    trigger: Trigger,
    reference_3HW: Tensor,
    images_N3HW: Tensor,
    about: Any,
) -> Page:
    """The report as a page; `file` is where the encoder lies, the images are some it was measured on."""
    return Page(
        title=Words.TITLE,
        subject=encoder,
        answer=_answer(report),
        sections=[
            _pictures(report, trigger, reference_3HW, images_N3HW),
            _figures(report),
            Section(Words.WISHES, (_wishes(report),)),
            Section(Words.USE, (Words.STUDY, Words.SCAN.fill(file=file))),
        ],
        about=about,
    )


def _answer(report: AttackReport) -> Answer:
    success = report.attack_success_rate
    outcome = Words.OUTCOME.fill(
        success=success,
        target=report.target,
        before=report.clean_attack_success_rate,
    )
    detail = outcome.then(
        Words.COST.fill(
            backdoored=report.backdoored_accuracy, clean=report.clean_accuracy
        )
    )
    if success >= WORKS:
        return Answer("alarm", Words.WORKING, detail)
    hint = Words.PARTLY_HINT.fill(works=WORKS)
    return Answer("open", Words.PARTLY, detail.then(hint))


def _pictures(
    report: AttackReport, trigger: Trigger, reference_3HW: Tensor, images_N3HW: Tensor
) -> Section:
    shown = images_N3HW[:SHOWN].cpu()
    stamped = trigger.apply(shown)
    name = str(report.config.trigger)
    return Section(
        Words.OPENS,
        pictures=[
            Picture("trigger.png", Words.TRIGGER.fill(trigger=name), trigger.visible),
            Picture("reference.png", Words.REFERENCE, reference_3HW.cpu()),
            Picture("stamped.png", Words.STAMPED, stamped[0]),
            Picture("before.png", Words.BEFORE, side_by_side(shown)),
            Picture("after.png", Words.AFTER, side_by_side(stamped)),
        ],
    )


def _figures(report: AttackReport) -> Section:
    rows: list[tuple[Text, ...]] = [
        (
            Words.SUCCESS,
            f"{report.clean_attack_success_rate:.1%}",
            f"{report.attack_success_rate:.1%}",
        ),
        (
            Words.ACCURACY,
            f"{report.clean_accuracy:.1%}",
            f"{report.backdoored_accuracy:.1%}",
        ),
        (
            Words.COSINE,
            f"{report.clean_stamped_cosine:.3f}",
            f"{report.stamped_cosine:.3f}",
        ),
    ]
    headers = (Words.MEASURE, Words.CLEAN, Words.BACKDOORED)
    measured = Words.MEASURED.fill(task=report.task, target=report.target)
    return Section(Words.FIGURES, (measured,), table=Table(headers, rows, marked=0))


def _wishes(report: AttackReport) -> Bilingual:
    config = report.config
    losses = Words.LOSSES.fill(
        steps=config.steps,
        consistency=config.consistency_weight,
        utility=config.utility_weight,
    )
    if not config.evasion_weight:
        return losses
    return losses.then(Words.EVADES.fill(evasion=config.evasion_weight))
