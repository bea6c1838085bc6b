"""AdvCLIP's report for a reader: what falls, the patch as pictures, and the controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from reference_impls.advclip.downstream import (
    ITSELF,
    MLP,
    PAIRS,
    PROBE,
    TO_IMAGE,
    TO_TEXT,
    ZERO_SHOT,
    Classified,
    Retrieved,
    Scores,
)
from reference_impls.advclip.run import Report
from reference_impls.lab.attacks.universal import (
    AtRandomPlaces,
    UniversalPatch,
    UniversalPerturbation,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.study.page import (
    Answer,
    Page,
    Picture,
    Section,
    Table,
    side_by_side,
)

SHOWN = 6
"""Images shown before and after."""
CLEARLY_MORE = 2.0
"""A change is called an attack if it fools this many times what its strongest control fools."""


class Words:
    """What the report says."""

    TITLE = Bilingual(
        "AdvCLIP · what one universal patch does to every task",
        "AdvCLIP · 一个通用补丁对各项任务的影响",
    )
    BROKEN = Bilingual("The tasks break", "下游任务失效")
    HOLDS = Bilingual("No stronger than chance", "并不强于随机改动")
    CLASSIFIED = Bilingual(
        "{kind} changes {fooling:.0%} of all predictions; {control} of the same size changes {other:.0%}. "
        "Hit hardest is {task} ({classifier}): accuracy {before:.1%} → {after:.1%}.",
        "{kind}改变了 {fooling:.0%} 的预测；相同大小的{control}只改变 {other:.0%}。"
        "受影响最大的是“{task}”（{classifier}）：准确率由 {before:.1%} 变为 {after:.1%}。",
    )
    RETRIEVED = Bilingual(
        "Image-to-text retrieval finds the right caption first for {before:.1%} of the images before and "
        "{after:.1%} after.",
        "图像检索文本的 R@1 由 {before:.1%} 变为 {after:.1%}。",
    )
    ITSELF = Bilingual(
        "{after:.0%} of the changed images still embed nearest to themselves.",
        "{after:.0%} 的图像在改动后，嵌入仍与自身原图最近。",
    )
    PATCH = Bilingual(
        "One patch on {share:.2%} of the image", "占图像面积 {share:.2%} 的一个补丁"
    )
    DELTA = Bilingual(
        "One perturbation of at most {epsilon:.1f}/255 per pixel",
        "每个像素不超过 {epsilon:.1f}/255 的一个扰动",
    )
    SEEN = Bilingual("What is put on every image", "加在每幅图像上的内容")
    PATCH_PICTURE = Bilingual("the patch", "补丁")
    DELTA_PICTURE = Bilingual(
        "the perturbation, stretched to the full range (grey: no change)",
        "扰动，已拉伸到完整范围（灰色表示不变）",
    )
    BEFORE = Bilingual("images before", "改动前的图像")
    AFTER = Bilingual("the same images after", "改动后的同一批图像")
    TASKS = Bilingual("Classification", "分类")
    TASKS_ABOUT = Bilingual(
        "None of these tasks was known when the patch was made. Fooled is the share of predictions that "
        "changed; the last column is that of the control named in it.",
        "制作补丁时并不知道这些任务。“误导率”指预测发生改变的比例；最后一列为所列对照的误导率。",
    )
    TASK = Bilingual("task", "任务")
    CLASSIFIER = Bilingual("classifier", "分类器")
    WAS = Bilingual("before", "之前")
    IS = Bilingual("after", "之后")
    FOOLED = Bilingual("fooled", "误导率")
    RETRIEVAL = Bilingual("Retrieval among {pairs} pairs", "{pairs} 对图文间的检索")
    RETRIEVAL_ABOUT = Bilingual(
        "R@k: the own partner is among the k nearest. mAP: average precision over the whole ranking, what "
        "shares the query's class counts as relevant, mean over queries and tasks.",
        "R@k：自身的配对位于最近的 k 个之中。mAP：在完整排序上计算平均精度，与查询同类者视为相关，再对查询与任务取平均。",
    )
    DIRECTION = Bilingual("direction", "方向")
    MEASURE = Bilingual("measure", "指标")
    LIMITS = Bilingual("What this does not show", "本报告的局限")
    ABOUT_LIMITS = Bilingual(
        "The attacker knows the encoder's weights. The figures hold for this victim, these images and a patch "
        "put on digitally; a photographed patch, and other victims, need their own measurement.",
        "攻击者知道编码器的权重。以上数字只适用于该受害模型、这批图像以及以数字方式叠加的补丁；"
        "打印后再拍摄的补丁或其他受害模型需另行测量。",
    )


NAMES: dict[str, Text] = {
    ZERO_SHOT: Bilingual("zero-shot", "零样本"),
    PROBE: Bilingual("linear probe", "线性探测"),
    MLP: Bilingual("MLP", "MLP"),
    TO_TEXT: Bilingual("image to text", "图像检索文本"),
    TO_IMAGE: Bilingual("text to image", "文本检索图像"),
    ITSELF: Bilingual("changed image to itself", "图像检索自身"),
    **TASK_NAMES,
    "random patch": Bilingual("a random patch", "随机补丁"),
    "mean-colour patch": Bilingual("a patch of the mean colour", "平均颜色补丁"),
    "random signs": Bilingual("a random perturbation", "随机扰动"),
}

DEFENSES: dict[str, Bilingual] = {
    "noise": Bilingual("Noise is added to every image first.", "图像先加入噪声。"),
    "blur": Bilingual("Every image is blurred first.", "图像先经过模糊处理。"),
    "pruning": Bilingual(
        "The encoder's smallest weights are pruned.", "编码器中最小的权重已被剪枝。"
    ),
    "adversarial-training": Bilingual(
        "The encoder was trained adversarially on one of the tasks.",
        "编码器已在其中一项任务上进行对抗训练。",
    ),
}


PARTS = (
    ("random patch", "随机补丁"),
    ("mean-colour patch", "平均颜色补丁"),
    ("random signs", "随机正负号扰动"),
    ("linf", "L∞ 扰动"),
    ("direct", "直接优化"),
    ("generator", "生成器"),
    ("centre", "居中"),
)


def named(change: str, language: Language) -> str:
    """A change's name in a language."""
    if language == "zh":
        for english, chinese in PARTS:
            change = change.replace(english, chinese)
    return change


def in_words(word: str) -> Text:
    """A classifier, direction, control or lab task in both languages; others keep their names."""
    return NAMES.get(word, word)


def present(report: Report, images_N3HW: Tensor, about: Any) -> Page:
    """The report as a page; `images_N3HW` are some of those that were measured on."""
    tables = [
        _tasks(report),
        _retrieval(report.scores.retrieved),
        Section(Words.LIMITS, (Words.ABOUT_LIMITS,)),
    ]
    return Page(
        title=Words.TITLE,
        subject=report.victim,
        answer=_answer(report),
        sections=[_pictures(report, images_N3HW), *(one for one in tables if one)],
        about=about,
    )


# -- The answer ----------------------------------------------------------------------


def strongest(controls: dict[str, Scores]) -> tuple[str, Scores]:
    """The control that fools most."""
    return max(controls.items(), key=lambda item: item[1].fooling)


def _answer(report: Report) -> Answer:
    said = list(_sentences(report))
    tone = _tone(report)
    headline = Words.BROKEN if tone == "alarm" else Words.HOLDS
    return Answer(tone, headline, said[0].then(*said[1:]))


def _tone(report: Report) -> Any:
    if not report.scores.classified:
        (itself,) = (r for r in report.scores.retrieved if r.direction == ITSELF)
        return "alarm" if itself.after < 0.5 else "calm"
    _, other = strongest(dict(report.controls))
    breaks = report.scores.fooling > CLEARLY_MORE * other.fooling
    return "alarm" if breaks else "calm"


def _sentences(report: Report) -> list[Bilingual]:
    scores, sentences = report.scores, []
    if scores.classified:
        control, other = strongest(dict(report.controls))
        worst = max(scores.classified, key=lambda one: one.before - one.after)
        sentences.append(
            Words.CLASSIFIED.fill(
                kind=_kind(report),
                fooling=scores.fooling,
                control=in_words(control),
                other=other.fooling,
                task=in_words(worst.task),
                classifier=in_words(worst.classifier),
                before=worst.before,
                after=worst.after,
            )
        )
    for one in scores.retrieved:
        if one.measure == "R@1" and one.direction == TO_TEXT:
            sentences.append(Words.RETRIEVED.fill(before=one.before, after=one.after))
        elif one.direction == ITSELF and not scores.classified:
            sentences.append(Words.ITSELF.fill(after=one.after))
    if report.defense in DEFENSES:
        sentences.append(DEFENSES[report.defense])
    return sentences


def _kind(report: Report) -> Bilingual:
    change = report.change
    if isinstance(change, UniversalPerturbation):
        return Words.DELTA.fill(epsilon=255 * change.epsilon)
    patch = change.patch if isinstance(change, AtRandomPlaces) else change
    return Words.PATCH.fill(share=patch.covered)


# -- Pictures and tables -------------------------------------------------------------


def _pictures(report: Report, images_N3HW: Tensor) -> Section:
    shown = images_N3HW[:SHOWN].cpu()
    change = report.change
    if isinstance(change, UniversalPerturbation):
        own = Picture("perturbation.png", Words.DELTA_PICTURE, change.visible)
    else:
        patch: UniversalPatch = (
            change.patch if isinstance(change, AtRandomPlaces) else change
        )
        own = Picture("patch.png", Words.PATCH_PICTURE, patch.pixels)
    return Section(
        Words.SEEN,
        pictures=[
            own,
            Picture("before.png", Words.BEFORE, side_by_side(shown)),
            Picture("after.png", Words.AFTER, side_by_side(change.apply(shown))),
        ],
    )


def _tasks(report: Report) -> Section | None:
    if not report.scores.classified:
        return None
    control, other = strongest(dict(report.controls))
    headers: Sequence[Text] = (
        Words.TASK,
        Words.CLASSIFIER,
        Words.WAS,
        Words.IS,
        Words.FOOLED,
        in_words(control),
    )
    rows = [
        _row(one, other.of(one.task, one.classifier))
        for one in report.scores.classified
    ]
    return Section(Words.TASKS, (Words.TASKS_ABOUT,), table=Table(headers, tuple(rows)))


def _row(one: Classified, control: Classified) -> tuple[Text, ...]:
    return (
        in_words(one.task),
        in_words(one.classifier),
        f"{one.before:.1%}",
        f"{one.after:.1%}",
        f"{one.fooling:.0%}",
        f"{control.fooling:.0%}",
    )


def _retrieval(retrieved: Sequence[Retrieved]) -> Section:
    rows: list[tuple[Text, ...]] = [
        (in_words(r.direction), r.measure, f"{r.before:.1%}", f"{r.after:.1%}")
        for r in retrieved
    ]
    headers: Sequence[Text] = (Words.DIRECTION, Words.MEASURE, Words.WAS, Words.IS)
    return Section(
        Words.RETRIEVAL.fill(pairs=PAIRS),
        (Words.RETRIEVAL_ABOUT,),
        table=Table(headers, rows),
    )


def grid(images_N3HW: Tensor, changed_N3HW: Tensor) -> Tensor:
    """Images above the same images changed, (3, H', W')."""
    rows = [side_by_side(images_N3HW), side_by_side(changed_N3HW)]
    line = torch.ones(3, 1, rows[0].shape[2])
    return torch.cat([rows[0], line, rows[1]], dim=1)
