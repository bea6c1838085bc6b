"""AdvEncoder's answer for a reader: what the change costs which task, beside its controls."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from reference_impls.advencoder.evaluate import Evaluation, Model, Outcome
from reference_impls.lab.attacks.universal import UniversalPatch, UniversalPerturbation
from reference_impls.lab.bilingual import Bilingual, Text
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.study.page import (
    Answer,
    Page,
    Picture,
    Section,
    Table,
    side_by_side,
)

OURS = "advencoder"
"""Name of the change among its controls."""
WORTH = 0.1
"""Accuracy that a change must cost beyond its control to count as an attack that works."""


class Words:
    """What the report says."""

    TITLE = Bilingual(
        "AdvEncoder · does one change fool every task?",
        "AdvEncoder · 一个通用改动能否欺骗所有下游任务？",
    )
    FOOLED = Bilingual(
        "{task}: accuracy falls from {clean:.0%} to {attacked:.0%}",
        "{task}：准确率由 {clean:.0%} 降至 {attacked:.0%}",
    )
    NOT_FOOLED = Bilingual("No task is fooled", "没有任务被欺骗")
    BESIDE = Bilingual(
        "A random change of the same size leaves {control:.0%}; always naming the most frequent class would "
        "score {chance:.0%}. The change was made on the encoder alone, without this task.",
        "同等大小的随机改动仍保留 {control:.0%}；一律回答最常见类别可得 {chance:.0%}。"
        "该改动仅依据编码器制成，未使用此任务。",
    )
    NO_BETTER = Bilingual(
        "On no task does the change cost {worth:.0%} more accuracy than a random one of the same size.",
        "在所有任务上，该改动造成的准确率损失与同等大小的随机改动相比，均未多出 {worth:.0%}。",
    )
    LOOK = Bilingual("What the change looks like", "改动的样子")
    PERTURBATION = Bilingual(
        "The perturbation: ±{levels:.3g} of 255 levels, drawn at full scale",
        "扰动：±{levels:.3g} 个灰度级（共 255 级），放大至全量程显示",
    )
    PATCH = Bilingual(
        "The patch: {share:.1%} of the image, on grey",
        "补丁：占图像 {share:.1%}，以灰色为底",
    )
    BEFORE = Bilingual("Test images as they are", "原始测试图像")
    AFTER = Bilingual("The same images with the change", "加上改动后的同一批图像")
    MLP = Bilingual("With an MLP head on the encoder", "编码器之上的 MLP 分类头")
    KNN = Bilingual("With the vote of 20 nearest neighbours", "20 个最近邻加权投票")
    EXPLAIN = Bilingual(
        "Decline is the accuracy lost relative to the clean one; the fooling rate is the share of "
        "predictions that changed, right or wrong.",
        "“相对下降”是相对于干净精度损失的比例；“欺骗率”是被改变的预测所占比例，不论原先对错。",
    )
    COSINE = Bilingual("How far embeddings move", "嵌入移动了多远")
    COSINE_TEXT = Bilingual(
        "Mean cosine between an image's embedding with and without the change: 1 is unmoved.",
        "同一图像在加上改动前后嵌入的平均余弦：1 表示未移动。",
    )
    HEADERS = (
        Bilingual("task", "任务"),
        Bilingual("change", "改动"),
        Bilingual("clean", "干净精度"),
        Bilingual("attacked", "受攻击"),
        Bilingual("decline", "相对下降"),
        Bilingual("fooling rate", "欺骗率"),
    )
    COSINE_HEADERS = (Bilingual("change", "改动"), Bilingual("cosine", "余弦"))


NAMES: dict[str, Text] = {
    OURS: "AdvEncoder",
    "random-perturbation": Bilingual("random signs", "随机符号扰动"),
    "random-patch": Bilingual("random patch", "随机补丁"),
    "mean-colour-patch": Bilingual("mean-colour patch", "均值颜色补丁"),
}
TASKS: dict[str, Text] = {**TASK_NAMES, "class": Bilingual("class", "类别")}
"""Tasks of the datasets; others go by their own name."""


def present(
    found: Evaluation,
    change: UniversalPatch | UniversalPerturbation,
    images_B3HW: Tensor,
    about: Any,
) -> Page:
    """The page of an evaluation."""
    return Page(
        title=Words.TITLE,
        subject=found.encoder,
        answer=_answer(found),
        sections=(
            _look(change, images_B3HW),
            _figures(found, "mlp", Words.MLP),
            _figures(found, "knn", Words.KNN),
            _cosines(found),
        ),
        about=about,
    )


def excess(found: Evaluation, one: Outcome) -> float:
    """Accuracy that the change costs beyond the most harmful of its controls."""
    control = min(
        other.attacked_accuracy
        for other in found.outcomes
        if (other.task, other.model) == (one.task, one.model) and other.attack != OURS
    )
    return control - one.attacked_accuracy


def worst(found: Evaluation) -> Outcome:
    """The task whose MLP head the change costs most beyond its controls."""
    own = [one for one in found.outcomes if (one.attack, one.model) == (OURS, "mlp")]
    return max(own, key=lambda one: excess(found, one))


def _answer(found: Evaluation) -> Answer:
    one = worst(found)
    if excess(found, one) < WORTH:
        return Answer("calm", Words.NOT_FOOLED, Words.NO_BETTER.fill(worth=WORTH))
    headline = Words.FOOLED.fill(
        task=TASKS.get(one.task, one.task),
        clean=one.clean_accuracy,
        attacked=one.attacked_accuracy,
    )
    control = one.attacked_accuracy + excess(found, one)
    return Answer(
        "alarm", headline, Words.BESIDE.fill(control=control, chance=one.chance)
    )


def _look(
    change: UniversalPatch | UniversalPerturbation,
    images_B3HW: Tensor,
) -> Section:
    caption = (
        Words.PERTURBATION.fill(levels=255 * change.epsilon)
        if isinstance(change, UniversalPerturbation)
        else Words.PATCH.fill(share=change.covered)
    )
    return Section(
        Words.LOOK,
        pictures=(
            Picture("change.png", caption, change.visible),
            Picture("before.png", Words.BEFORE, side_by_side(images_B3HW)),
            Picture("after.png", Words.AFTER, side_by_side(change.apply(images_B3HW))),
        ),
    )


def _figures(found: Evaluation, model: Model, title: Text) -> Section:
    chosen = [one for one in found.outcomes if one.model == model]
    rows = [
        (
            TASKS.get(one.task, one.task),
            NAMES.get(one.attack, one.attack),
            f"{one.clean_accuracy:.1%}",
            f"{one.attacked_accuracy:.1%}",
            f"{one.decline:.1%}",
            f"{one.fooling_rate:.1%}",
        )
        for one in chosen
    ]
    marked = chosen.index(worst(found)) if model == "mlp" else None
    return Section(
        title,
        paragraphs=(Words.EXPLAIN,) if model == "mlp" else (),
        table=Table(Words.HEADERS, rows, marked),
    )


def _cosines(found: Evaluation) -> Section:
    rows = [
        (NAMES.get(name, name), f"{value:.4f}") for name, value in found.cosines.items()
    ]
    return Section(
        Words.COSINE,
        paragraphs=(Words.COSINE_TEXT,),
        table=Table(Words.COSINE_HEADERS, rows),
    )
