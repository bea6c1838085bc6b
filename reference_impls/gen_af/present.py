"""The answer for a reader: is the model hardened, at what price, and which layers were adapted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from reference_impls.gen_af.chart import Panel, Point, layers, trade_off
from reference_impls.gen_af.chart import Words as Drawn
from reference_impls.gen_af.config import HardenConfig
from reference_impls.gen_af.evaluate import CLEAN, WHITE_BOX
from reference_impls.gen_af.method import Adaptation
from reference_impls.gen_af.model import Task
from reference_impls.gen_af.population import ATTACKS, TRANSFERRED
from reference_impls.lab.bilingual import Bilingual, Text
from reference_impls.lab.files import replacing
from reference_impls.lab.study.chart import both
from reference_impls.lab.study.page import Answer, Page, Section, Table


class Words:
    """What the report says."""

    TITLE = Bilingual(
        "Gen-AF · does the fine-tuned model withstand attacks on its public encoder?",
        "Gen-AF · 微调后的模型能否抵御针对其公开编码器的攻击？",
    )
    SUBJECT = Bilingual("{encoder}, task {task}", "{encoder}，任务 {task}")
    HARDENED = Bilingual("Hardened", "已加固")
    PARTLY = Bilingual("More robust, short of the mark", "鲁棒性有所提升，但未达标")
    NOT_HARDENED = Bilingual("Not hardened", "未能加固")
    MEASURED = Bilingual("Measured", "已测量")
    DETAIL = Bilingual(
        "Under the worst universal attack made on the public encoder {robust:.1%} of the answers are right, "
        "{clean:.1%} without an attack.",
        "在针对公开编码器构造的最强通用攻击下，准确率为 {robust:.1%}；无攻击时为 {clean:.1%}。",
    )
    BESIDE = Bilingual(
        "Standard fine-tuning reaches {robust:.1%} and {clean:.1%}.",
        "标准微调分别为 {robust:.1%} 和 {clean:.1%}。",
    )
    TABLE = Bilingual("Accuracy under every attack", "各攻击下的准确率")
    ATTACK = Bilingual("attack", "攻击")
    CLEAN = Bilingual("clean", "干净")
    CONTROL = Bilingual("random noise (control)", "随机噪声（对照）")
    ADAPTIVE = Bilingual("Auto-PGD (adaptive)", "Auto-PGD（自适应）")
    SECONDS = Bilingual("training, CPU s", "训练耗时（CPU 秒）")
    ATTACKS = Bilingual(
        "AdvEncoder and the plain universal perturbation (UAP) were made on the public encoder, without the task; "
        "noise of the same size is the control. PGD and Auto-PGD know the fine-tuned model and attack every image by itself "
        "(ε = {levels:.0f}/255).",
        "AdvEncoder 与普通通用扰动（UAP）仅利用公开编码器构造，不知下游任务；同等大小的随机噪声作对照。"
        "PGD 与 Auto-PGD 掌握微调后的模型，逐图攻击（ε = {levels:.0f}/255）。",
    )
    PLOT = Bilingual("What robustness costs", "鲁棒性的代价")
    LAYERS = Bilingual("Which layers carry the robustness", "鲁棒性由哪些层承担")
    LAYERS_SAY = Bilingual(
        "Stage 2 fine-tunes on clean images only the layers whose change raises the adversarial loss the least; "
        "all others stay as stage 1 left them, batch-norm statistics too. {mode}.",
        "第二阶段仅在干净图像上微调那些改动后对抗损失升幅最小的层；其余各层及其批归一化统计量均保持第一阶段的结果。"
        "{mode}。",
    )
    MODES: ClassVar[dict[str, Bilingual]] = {
        "exact": Bilingual(
            "Measured exactly, by gradient ascent on every layer",
            "逐层以梯度上升精确测量",
        ),
        "first-order": Bilingual(
            "Estimated to first order, by one backward pass",
            "由一次反向传播作一阶估计",
        ),
    }
    LIMITS = Bilingual("What this cannot tell", "本方法的局限")
    LIMITS_SAY = Bilingual(
        "Accuracies hold for these attacks at these sizes. A stronger attacker, a larger budget or another threat model "
        "can do more; an attacker who has the fine-tuned model is met by PGD and Auto-PGD only.",
        "以上准确率仅就所列攻击及其强度而言。更强的攻击者、更大的扰动预算或不同的威胁模型可能造成更大破坏；"
        "对掌握微调后模型的攻击者，仅以 PGD 与 Auto-PGD 检验。",
    )


NAMES: dict[str, Text] = {
    CLEAN: Words.CLEAN,
    "advencoder-per": "AdvEncoder-PER",
    "advencoder-pat": "AdvEncoder-PAT",
    "uap": "UAP",
    "random-perturbation": Words.CONTROL,
    "pgd-10": "PGD-10",
    "pgd-20": "PGD-20",
    "adaptive": Words.ADAPTIVE,
}
"""Attacks as readers know them."""
GAIN, PRICE = 0.2, 0.01
"""A model is called hardened if it gains this much over standard fine-tuning under the worst
universal attack, and loses at most that much on clean images."""


@dataclass(frozen=True)
class Outcome:
    """One model and its accuracies."""

    name: str
    """Which model."""
    accuracies: Mapping[str, float]
    """Per attack, in [0, 1]; `clean` among them."""
    seconds: float
    """Processor seconds of its training."""

    @property
    def worst(self) -> float:
        """Accuracy under the worst of the universal attacks."""
        return min(self.accuracies[name] for name in TRANSFERRED)


def present(
    outcomes: Sequence[Outcome],
    adaptation: Adaptation | None,
    config: HardenConfig,
    task: Task,
    about: Any,
    out: Path,
) -> Page:
    """The outcomes as a page; the pictures are also written as SVG files."""
    out.mkdir(parents=True, exist_ok=True)
    sections = [_table(outcomes, config)]
    if len(outcomes) > 1:
        sections.append(_plot(outcomes, out))
    if adaptation:
        sections.append(_layers(adaptation, out))
    sections.append(Section(Words.LIMITS, (Words.LIMITS_SAY,)))
    encoder = about["order"]["encoder"]
    return Page(
        title=Words.TITLE,
        subject=Words.SUBJECT.fill(encoder=encoder, task=task.name),
        answer=_answer(outcomes),
        sections=sections,
        about=about,
    )


def _answer(outcomes: Sequence[Outcome]) -> Answer:
    last = outcomes[-1]
    detail = Words.DETAIL.fill(robust=last.worst, clean=last.accuracies[CLEAN])
    standard = next((one for one in outcomes if one.name == "standard"), None)
    if standard is None or standard is last:
        return Answer("open", Words.MEASURED, detail)
    beside = Words.BESIDE.fill(robust=standard.worst, clean=standard.accuracies[CLEAN])
    detail = detail.then(beside)
    gain = last.worst - standard.worst
    price = standard.accuracies[CLEAN] - last.accuracies[CLEAN]
    if gain >= GAIN and price <= PRICE:
        return Answer("calm", Words.HARDENED, detail)
    if gain > 0:
        return Answer("open", Words.PARTLY, detail)
    return Answer("alarm", Words.NOT_HARDENED, detail)


def shown(outcome: Outcome) -> list[str]:
    """Accuracies in the order of the table, in percent."""
    names = (CLEAN, *ATTACKS, *WHITE_BOX)
    known = outcome.accuracies
    return [f"{known[name]:.1%}" if name in known else "–" for name in names]


def _table(outcomes: Sequence[Outcome], config: HardenConfig) -> Section:
    """Attacks downwards, models to the right: eight attacks do not fit beside each other."""
    names = (CLEAN, *ATTACKS, *WHITE_BOX)
    columns = [shown(one) for one in outcomes]
    rows: list[tuple[Text, ...]] = [
        (NAMES[name], *(column[number] for column in columns))
        for number, name in enumerate(names)
    ]
    rows.append((Words.SECONDS, *(f"{one.seconds:.0f}" for one in outcomes)))
    levels = config.budget.epsilon * 255
    return Section(
        Words.TABLE,
        (Words.ATTACKS.fill(levels=levels),),
        table=Table((Words.ATTACK, *(one.name for one in outcomes)), rows),
    )


def _plot(outcomes: Sequence[Outcome], out: Path) -> Section:
    robust = {
        Drawn.WORST: [one.worst for one in outcomes],
        Drawn.PGD: [one.accuracies.get("pgd-20", 0.0) for one in outcomes],
    }
    panels = [
        Panel(
            title,
            [
                Point(one.name, one.accuracies[CLEAN], value)
                for one, value in zip(outcomes, values, strict=True)
            ],
        )
        for title, values in robust.items()
    ]
    drawn = both("trade-off", lambda language: trade_off(panels, language))
    return Section(Words.PLOT, drawing=_written(drawn, out))


def _layers(adaptation: Adaptation, out: Path) -> Section:
    sensitivity = adaptation.sensitivity
    contributions = {one.layer: one.contribution for one in sensitivity.layers}
    drawn = both(
        "layers", lambda language: layers(contributions, adaptation.layers, language)
    )
    return Section(
        Words.LAYERS,
        (Words.LAYERS_SAY.fill(mode=Words.MODES[sensitivity.mode]),),
        drawing=_written(drawn, out),
    )


def _written(drawn: Mapping[str, str], out: Path) -> str:
    """Write one file per language; both, for a page that shows one of them."""
    for name, picture in drawn.items():
        with replacing(out / name) as new:
            new.write_text(picture, encoding="utf-8")
    return "".join(drawn.values())


def lines(outcomes: Sequence[Outcome], out: Path | None) -> list[str]:
    """The table for a terminal."""
    names = [name for name in NAMES if any(name in one.accuracies for one in outcomes)]
    told = ["attack".ljust(20) + "".join(f"{one.name:>18}" for one in outcomes)]
    told += [
        name.ljust(20)
        + "".join(f"{one.accuracies.get(name, 0.0):>18.1%}" for one in outcomes)
        for name in names
    ]
    return told if out is None else [*told, f"report: {out / 'report.html'}"]
