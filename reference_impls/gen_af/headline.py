"""What the website says of the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from reference_impls.gen_af.evaluate import CLEAN
from reference_impls.gen_af.population import TRANSFERRED, Row
from reference_impls.lab.bilingual import Bilingual, plural
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.study.headline import Text, average, percent, summary

COMMAND = "python -m reference_impls.gen_af compare --publish"
WORST = "worst"
"""The worst of the transferred universal attacks, model by model."""
METHOD = "Gen-AF"
LABELS: dict[str, Text] = {
    WORST: (
        "Accuracy under the worst universal attack",
        "最强通用攻击下的准确率",
    ),
    "pgd-20": ("Accuracy under PGD-20", "PGD-20 下的准确率"),
    CLEAN: ("Accuracy on clean images", "干净图像上的准确率"),
}
OTHERS: dict[str, Text] = {
    "standard": ("standard fine-tuning {0}", "标准微调 {0}"),
    "PGD-AT": ("PGD adversarial fine-tuning {0}", "PGD 对抗微调 {0}"),
    "TRADES": ("TRADES {0}", "TRADES {0}"),
}
TASKS = {task: name.zh for task, name in TASK_NAMES.items()}
"""In Chinese; in English a task goes by its own name."""


def in_words(task: str, levels: int, epochs: int) -> Bilingual:
    """`texture, ε = 8/255, 12 epochs`."""
    return Bilingual(
        f"{task}, ε = {levels}/255, {plural(epochs, 'epoch')}",
        f"{TASKS.get(task, task)}，ε = {levels}/255，{epochs} 轮",
    )


def worst(row: Row) -> float:
    """Accuracy under the worst of the universal attacks made on the public encoder."""
    return min(row.accuracies[name] for name in TRANSFERRED)


def headline(
    rows: Sequence[Row], about: dict[str, Any], *, day: date | None = None
) -> dict[str, Any]:
    """`headline` and `provenance` of `results.json`; nothing before Gen-AF was measured."""
    methods = [row for row in rows if row.part != "ablations"]
    own = [row for row in methods if row.arm == METHOD]
    if not own:
        return {}
    figures = [
        _figure([row for row in methods if _setting(row) == setting], name)
        for setting in dict.fromkeys(map(_setting, own))
        for name in LABELS
    ]
    seeds = sorted({row.seed for row in own})
    return summary(figures, command=COMMAND, seeds=seeds, about=about, day=day)


def _setting(row: Row) -> tuple[str, int, int]:
    return row.task, row.levels, row.epochs


def _figure(rows: Sequence[Row], name: str) -> dict[str, Any]:
    """One figure of Gen-AF in one setting, and beside it the other methods'."""
    own = [row for row in rows if row.arm == METHOD]
    seeds = {row.seed for row in own}
    setting = in_words(*_setting(own[0]))
    english, chinese = [setting.en], [setting.zh]
    for arm, words in OTHERS.items():
        # Seeds differ more than methods do, so only equal ones are compared.
        other = [row for row in rows if row.arm == arm and row.seed in seeds]
        if {row.seed for row in other} == seeds:
            mean = average(_values(other, name))
            english.append(words[0].format(mean))
            chinese.append(words[1].format(mean))
    return percent(
        LABELS[name],
        _values(own, name),
        better="higher",
        setting=("; ".join(english), "；".join(chinese)),
    )


def _values(rows: Sequence[Row], name: str) -> list[float]:
    return [worst(row) if name == WORST else row.accuracies[name] for row in rows]
