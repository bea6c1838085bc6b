"""What is told of the trials: the figures of the website, and the tables of the READMEs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.headline import average, percent
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found

WORDS = Words.beside(__file__)
SHOWN = (
    ("texture", "PER generator", "random signs"),
    ("foreground", "PAT generator 6.25 %", "random patch 6.25 %"),
    ("texture", "UAP (signs)", "random signs"),
    ("texture", "PER made on another encoder", "random signs"),
)
"""Task, attack and control of each figure of the website; a downstream MLP judges."""


def headline(found: Found) -> list[dict[str, Any]]:
    """Accuracy that each attack leaves, beside its control; what was not measured is not told."""
    told = {(row["task"], row["attack"]) for row in found["rows"]}
    return [_figure(found, *one) for one in SHOWN if one[:2] in told]


def _figure(found: Found, task: str, attack: str, control: str) -> dict[str, Any]:
    attacked, under_control = (
        [
            row
            for row in found["rows"]
            if (row["task"], row["attack"], row["model"]) == (task, name, "mlp")
        ]
        for name in (attack, control)
    )
    setting = WORDS["headline.setting"].fill(
        change=WORDS[f"headline.changes.{attack}"],
        clean=average([row["clean_accuracy"] for row in attacked]),
        control=WORDS[f"headline.changes.{control}"],
        attacked=average([row["attacked_accuracy"] for row in under_control]),
    )
    left = [row["attacked_accuracy"] for row in attacked]
    return percent(WORDS[f"headline.{task}"], left, better="lower", setting=setting)


# -- Tables --------------------------------------------------------------------------

Cells = Mapping[tuple[str, str, str], Mapping[str, Any]]
"""The summary by attack, task and downstream model."""


def tables(found: Found, language: Language) -> str:
    """Accuracy under every change by the MLP head, then by its neighbours, and how many are fooled."""
    cells: Cells = {
        (one["attack"], one["task"], one["model"]): one for one in found["summary"]
    }
    names = [name for name in WORDS.group("rows") if any(k[0] == name for k in cells)]
    tasks = list(dict.fromkeys(task for _, task, _ in cells))
    few = tasks[:3]
    heads = [
        WORDS["tables.change"],
        *(TASK_NAMES[task] for task in tasks),
        WORDS["tables.cosine"],
        WORDS["tables.seconds"],
    ]
    more = [
        WORDS["tables.change"],
        *(WORDS["tables.knn"].fill(task=TASK_NAMES[task]) for task in few),
        *(WORDS["tables.fooled"].fill(task=TASK_NAMES[task]) for task in few),
    ]
    lines: list[Text] = [
        _about(found),
        "",
        *table(heads, _accuracies(cells, names, tasks), language),
        "",
        WORDS["tables.more"],
        "",
        *table(more, [_more(cells, name, few) for name in names], language),
        "",
        Bilingual("![{words}](results.svg)", "![{words}](results.zh.svg)").fill(
            words=WORDS["tables.chart"]
        ),
        "",
    ]
    return "\n".join(localize(line, language) for line in lines)


def _about(found: Found) -> Bilingual:
    about = found["run"]
    seeds = sorted({row["seed"] for row in found["rows"]})
    return WORDS["tables.about"].fill(
        count=len(seeds),
        seeds=", ".join(map(str, seeds)),
        date=about["date"],
        command=about["command"],
        device=about["device"],
        torch=about["versions"]["torch"],
        threads=about["threads"],
    )


def _accuracies(cells: Cells, names: list[str], tasks: list[str]) -> list[list[Text]]:
    clean = [_cell(cells[names[0], task, "mlp"], "clean_accuracy") for task in tasks]
    rows: list[list[Text]] = [[WORDS["tables.none"], *clean, "1", "-"]]
    for name in names:
        own = [cells[name, task, "mlp"] for task in tasks]
        seconds = own[0]["seconds"]["mean"]
        rows.append(
            [
                WORDS[f"rows.{name}"],
                *(_cell(one, "attacked_accuracy") for one in own),
                _cell(own[0], "cosine"),
                f"{seconds:.1f}" if seconds else "-",
            ]
        )
    return rows


def _more(cells: Cells, name: str, tasks: list[str]) -> list[Text]:
    knn = [_cell(cells[name, task, "knn"], "attacked_accuracy") for task in tasks]
    fooled = [_cell(cells[name, task, "mlp"], "fooling_rate") for task in tasks]
    return [WORDS[f"rows.{name}"], *knn, *fooled]


def _cell(one: Mapping[str, Any], figure: str) -> str:
    return str(MeanStd(**one[figure]))
