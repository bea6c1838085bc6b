"""The sweep as a command: run it, write results, tables, chart and examples."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from reference_impls.advencoder.chart import pictures
from reference_impls.advencoder.headline import headline
from reference_impls.advencoder.sweep import (
    CONTROLS,
    QUICK,
    TRANSFER,
    Plan,
    Row,
    attacks,
    examples,
    results,
    run,
)
from reference_impls.lab.bilingual import Bilingual, Language, localize
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.files import replacing
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.records import surroundings, today, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.chart import redraw
from reference_impls.lab.study.readme import READMES, insert, table

HERE = Path(__file__).parent
START, END = "<!-- results: made by `sweep --publish` -->", "<!-- end of results -->"


def sweep(
    *, quick: bool, out: Path, publish: bool, seeds: Sequence[int] | None = None
) -> None:
    """Run the comparison; write `results.json`, the chart, `examples.png`, `results.md`."""
    torch.set_num_threads(1)  # two threads on shared cores spin more than they compute
    started = time.monotonic()
    plan = QUICK if quick else Plan()
    if seeds:
        plan = replace(plan, seeds=tuple(dict.fromkeys(seeds)))
    with console.progress("sweep") as step:
        finished: list[str] = []
        total = len(plan.seeds) * len(attacks(plan))

        def done(name: str) -> None:
            finished.append(name)
            step(len(finished), total, name)

        rows = run(plan, done=done)
    about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)
    about |= {
        "date": today(),
        "command": _command(quick=quick, seeds=seeds),
    }
    found = headline(rows, about) | results(rows, plan) | {"run": about}
    picture = examples(plan, out)
    for folder in [out, *([HERE] if publish else [])]:
        write_json(found, folder / "results.json")
        redraw(folder, pictures)
        if folder != out:
            shutil.copyfile(picture, folder / picture.name)
    for language, readme in READMES.items():
        text = tables(rows, about, language)
        with replacing(out / f"results.{language}.md") as new:
            new.write_text(text, encoding="utf-8")
        if publish:
            insert(HERE / readme, text, start=START, end=END)
    console.answer(tables(rows, about, "en"))


def _command(*, quick: bool, seeds: Sequence[int] | None) -> str:
    chosen = ["--seeds", *map(str, seeds)] if seeds else []
    start = ["python -m reference_impls.advencoder sweep", *["--quick"] * quick]
    return " ".join([*start, *chosen])


# -- Markdown ------------------------------------------------------------------------


class Words:
    """What the tables say."""

    INTRO = Bilingual(
        "Accuracy of a 512-256 MLP head on the frozen encoder, mean ± sd over encoders of seeds {seeds} (n = {count}), "
        "1,024 test images; the attacks saw none of the tasks. Made on {date} by `{command}` ({device}, torch {torch}, "
        "{threads} thread).",
        "冻结编码器之上 512-256 MLP 分类头的准确率，为种子 {seeds} 的编码器（n = {count}）的均值 ± 标准差，"
        "测试图像 1,024 张；攻击未使用任何任务。生成于 {date}，命令为 `{command}`（{device}，torch {torch}，{threads} 线程）。",
    )
    CHANGE = Bilingual("change", "改动")
    COSINE = Bilingual("cosine", "余弦")
    SECONDS = Bilingual("CPU-s", "CPU 秒")
    NONE = Bilingual("none (clean)", "无（干净精度）")
    KNN = Bilingual(
        "The same with the vote of 20 neighbours (T = 0.07), and the fooling rate of the MLP head:",
        "同样的比较，改用 20 个近邻加权投票（T = 0.07），并给出 MLP 分类头的欺骗率：",
    )
    CHART = Bilingual(
        "![Accuracy of downstream models under every change](results.svg)",
        "![各改动下下游模型的准确率](results.zh.svg)",
    )
    FOOLING = Bilingual("fooled, {task}", "欺骗率，{task}")
    KNN_COLUMN = Bilingual("kNN, {task}", "kNN，{task}")


ROW_NAMES = {
    "PER generator": Bilingual("PER, `generator`", "PER，`generator`"),
    "PER direct": Bilingual("PER, `direct`", "PER，`direct`"),
    "UAP (signs)": Bilingual("UAP: `signs`, InfoNCE alone", "UAP：`signs`，仅 InfoNCE"),
    "PAT generator 6.25 %": Bilingual(
        "PAT 6.25 %, `generator`", "PAT 6.25 %，`generator`"
    ),
    "PAT direct 6.25 %": Bilingual("PAT 6.25 %, `direct`", "PAT 6.25 %，`direct`"),
    "PAT generator 3 %": Bilingual("PAT 3 %, `generator`", "PAT 3 %，`generator`"),
    "PER without the frequency loss": Bilingual(
        "PER without the frequency loss", "PER，去掉高频损失"
    ),
    "PER, frequency loss x 1000": Bilingual(
        "PER, frequency loss × 1000", "PER，高频损失 × 1000"
    ),
    TRANSFER: Bilingual("PER made on another encoder", "PER，在另一编码器上制成"),
    "random signs": Bilingual("control: random signs", "对照：随机符号扰动"),
    "random patch 6.25 %": Bilingual(
        "control: random patch 6.25 %", "对照：随机补丁 6.25 %"
    ),
    "random patch 3 %": Bilingual("control: random patch 3 %", "对照：随机补丁 3 %"),
}
ORDER = (*list(attacks(Plan()))[:6], TRANSFER, *CONTROLS, *list(attacks(Plan()))[6:])


def tables(rows: Sequence[Row], about: dict[str, object], language: Language) -> str:
    """The results for a README, in one language."""
    names = [name for name in ORDER if any(row.attack == name for row in rows)]
    tasks = _tasks(rows)
    heads = [
        Words.CHANGE,
        *(TASK_NAMES[task] for task in tasks),
        Words.COSINE,
        Words.SECONDS,
    ]
    first = [
        _clean_row(rows, language),
        *(_row(rows, name, language) for name in names),
    ]
    more = [
        Words.CHANGE,
        *(Words.KNN_COLUMN.fill(task=TASK_NAMES[task]) for task in tasks[:3]),
        *(Words.FOOLING.fill(task=TASK_NAMES[task]) for task in tasks[:3]),
    ]
    second = [_second_row(rows, name, language) for name in names]
    return "\n".join(
        [
            localize(_intro(rows, about), language),
            "",
            *table(heads, first, language),
            "",
            localize(Words.KNN, language),
            "",
            *table(more, second, language),
            "",
            localize(Words.CHART, language),
            "",
        ]
    )


def _tasks(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.task for row in rows))


def _intro(rows: Sequence[Row], about: dict[str, object]) -> Bilingual:
    seeds = sorted({row.seed for row in rows})
    versions = about["versions"]
    return Words.INTRO.fill(
        count=len(seeds),
        seeds=", ".join(map(str, seeds)),
        date=about["date"],
        command=about["command"],
        device=about["device"],
        torch=versions["torch"] if isinstance(versions, dict) else "",
        threads=about["threads"],
    )


def _spread(
    rows: Sequence[Row], name: str, figure: str, *, task: str, model: str = "mlp"
) -> MeanStd:
    return MeanStd.of(
        [
            getattr(row, figure)
            for row in rows
            if (row.attack, row.task, row.model) == (name, task, model)
        ]
    )


def _clean_row(rows: Sequence[Row], language: Language) -> list[str]:
    name, tasks = rows[0].attack, _tasks(rows)
    cells = [str(_spread(rows, name, "clean_accuracy", task=task)) for task in tasks]
    return [localize(Words.NONE, language), *cells, "1", "-"]


def _row(rows: Sequence[Row], name: str, language: Language) -> list[str]:
    tasks = _tasks(rows)
    cells = [str(_spread(rows, name, "attacked_accuracy", task=task)) for task in tasks]
    cosine = _spread(rows, name, "cosine", task=tasks[0])
    seconds = _spread(rows, name, "seconds", task=tasks[0]).mean
    return [
        localize(ROW_NAMES[name], language),
        *cells,
        str(cosine),
        f"{seconds:.1f}" if seconds else "-",
    ]


def _second_row(rows: Sequence[Row], name: str, language: Language) -> list[str]:
    tasks = _tasks(rows)
    knn = [
        str(_spread(rows, name, "attacked_accuracy", task=task, model="knn"))
        for task in tasks[:3]
    ]
    fooled = [str(_spread(rows, name, "fooling_rate", task=task)) for task in tasks[:3]]
    return [localize(ROW_NAMES[name], language), *knn, *fooled]
