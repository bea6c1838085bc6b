"""The sweep as a command: run it, write results, tables and the picture."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from reference_impls.badencoder.headline import TASKS, headline
from reference_impls.badencoder.sweep import (
    DEFAULT,
    PUBLISHED,
    QUICK,
    Plan,
    Row,
    examples,
    results,
    run,
    spread,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text, localize
from reference_impls.lab.files import replacing
from reference_impls.lab.records import surroundings, today, write_json
from reference_impls.lab.study import console, readme
from reference_impls.lab.study.headline import hardware

HERE = Path(__file__).parent
START, END = "<!-- results: made by `sweep --publish` -->", "<!-- end of results -->"


def sweep(
    *, quick: bool, out: Path, publish: bool, seeds: Sequence[int] | None = None
) -> None:
    """Run the plan; write `results.json`, `examples.png` and the tables."""
    torch.set_num_threads(1)  # two threads on shared cores spin more than they compute
    started = time.monotonic()
    plan = QUICK if quick else Plan()
    if seeds:
        plan = replace(plan, seeds=tuple(dict.fromkeys(seeds)))
    total = len(plan.seeds) * len(plan.triggers)
    with console.progress("sweep") as step:
        rows = run(plan, report=lambda done, words: step(done, total, words))
    about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)
    about |= {
        "date": today(),
        "command": _command(quick=quick, publish=publish, seeds=seeds),
    }
    found = headline(rows, about) | results(rows, plan) | {"run": about}
    picture = examples(plan, out / "examples.png")
    for folder in [out, *([HERE] if publish else [])]:
        write_json(found, folder / "results.json")
        if folder != out:
            shutil.copyfile(picture, folder / picture.name)
    for language, name in readme.READMES.items():
        text = tables(rows, about, language)
        with replacing(out / f"results.{language}.md") as new:
            new.write_text(text, encoding="utf-8")
        if publish:
            readme.insert(HERE / name, text, start=START, end=END)
    console.answer(tables(rows, about, "en"))


def _command(*, quick: bool, publish: bool, seeds: Sequence[int] | None) -> str:
    start = ["python -m reference_impls.badencoder sweep", *["--quick"] * quick]
    chosen = ["--seeds", *map(str, seeds)] if seeds else []
    return " ".join([*start, *["--publish"] * publish, *chosen])


# -- Markdown ------------------------------------------------------------------------


class Words:
    """What the tables say."""

    INTRO = Bilingual(
        "Mean ± standard deviation over encoders of seeds {seeds} (n = {count}), in percent. An attack takes {seconds} CPU seconds. Made on {date} by `{command}` "
        "({hardware}, torch {torch}).",
        "种子 {seeds} 的编码器（n = {count}）的均值 ± 标准差（%）。每次攻击 {seconds} CPU 秒。生成于 {date}，命令为 `{command}`（{hardware}，torch {torch}）。",
    )
    SUCCESS = Bilingual(
        "**How often the backdoor opens.** Attack success rate under the trigger, beside two controls and beside the count of the "
        "published program (images of all classes, the reference image's label):",
        "**后门触发的频率。** 触发器下的攻击成功率，以及两个对照与作者发布的程序的计数方式（计入所有类别的图像，以参考图像的标签为目标）：",
    )
    TRIGGER = Bilingual("trigger", "触发器")
    TASK = Bilingual("task", "任务")
    RATE = Bilingual("success rate", "攻击成功率")
    CLEAN = Bilingual("control: trigger, clean encoder", "对照：触发器，干净编码器")
    PATCH = Bilingual(
        "control: random patch, backdoored encoder", "对照：随机补丁，后门编码器"
    )
    PUBLISHED = Bilingual("counted as published", "按发布程序计数")
    COST = Bilingual(
        "**What it costs.** Accuracy of the downstream head without the trigger:",
        "**代价。** 不带触发器时下游分类头的准确率：",
    )
    BEFORE = Bilingual("before", "攻击前")
    AFTER = Bilingual("after", "攻击后")
    CHANGE = Bilingual("change", "变化")
    MISREAD = Bilingual(
        "In {misread} of {all} cases (task: {tasks}) the head sees another class in the reference image than its label; "
        "only the published count is the lower for it.",
        "{all} 种情形中有 {misread} 种（任务：{tasks}）分类头对参考图像的判断与其标签不同；只有按发布程序的计数会因此变低。",
    )
    ALL_READ = Bilingual(
        "In all {all} cases the head sees the reference image's label in it.",
        "在全部 {all} 种情形中，分类头对参考图像的判断都与其标签一致。",
    )


TRIGGER_NAMES = {
    str(DEFAULT): Bilingual("white, 6 × 6 (default)", "白色，6 × 6（默认）"),
    str(PUBLISHED): Bilingual(
        "white, 10 × 10 (published)", "白色，10 × 10（发布程序）"
    ),
}


def tables(rows: Sequence[Row], about: dict[str, Any], language: Language) -> str:
    """The results for a README, in one language."""
    pairs = list(dict.fromkeys((row.trigger, row.task) for row in rows))
    parts = (
        ((Words.RATE, Words.CLEAN, Words.PATCH, Words.PUBLISHED), _success),
        ((Words.BEFORE, Words.AFTER, Words.CHANGE), _cost),
    )
    first, second = (
        readme.table(
            (Words.TRIGGER, Words.TASK, *heads),
            [[*_names(*pair), *cells(rows, *pair)] for pair in pairs],
            language,
        )
        for heads, cells in parts
    )
    lines: list[Text] = [_intro(rows, about), "", Words.SUCCESS, "", *first, ""]
    lines += [Words.COST, "", *second, "", _misread(rows), ""]
    return "\n".join(localize(line, language) for line in lines)


def _intro(rows: Sequence[Row], about: dict[str, Any]) -> Bilingual:
    seeds = sorted({row.seed for row in rows})
    return Words.INTRO.fill(
        count=len(seeds),
        seconds=f"{spread(rows, 'seconds').mean:.0f}",
        seeds=", ".join(map(str, seeds)),
        date=about["date"],
        command=about["command"],
        hardware=hardware(about),
        torch=about["versions"]["torch"],
    )


def _misread(rows: Sequence[Row]) -> Bilingual:
    wrong = [row for row in rows if row.label != row.target]
    tasks = [_task(task) for task in dict.fromkeys(row.task for row in wrong)]
    names = Bilingual(", ".join(t.en for t in tasks), "、".join(t.zh for t in tasks))
    words = Words.MISREAD if wrong else Words.ALL_READ
    return words.fill(misread=len(wrong), all=len(rows), tasks=names)


def _names(trigger: str, task: str) -> list[Text]:
    return [TRIGGER_NAMES.get(trigger, trigger), _task(task)]


def _task(task: str) -> Bilingual:
    return Bilingual(*TASKS.get(task, (task, task)))


def _success(rows: Sequence[Row], trigger: str, task: str) -> list[str]:
    names = (
        "success_rate",
        "trigger_on_clean",
        "patch_on_backdoored",
        "success_as_published",
    )
    return [_percent(rows, name, trigger, task) for name in names]


def _cost(rows: Sequence[Row], trigger: str, task: str) -> list[str]:
    names = ("clean_accuracy", "backdoored_accuracy")
    before, after = (spread(rows, n, trigger=trigger, task=task) for n in names)
    return [
        *(_percent(rows, name, trigger, task) for name in names),
        _points(after.mean - before.mean),
    ]


def _percent(rows: Sequence[Row], figure: str, trigger: str, task: str) -> str:
    return f"{spread(rows, figure, times=100, trigger=trigger, task=task):.1f}"


def _points(change: float) -> str:
    """A change of a fraction in percentage points, `−1.4`; a rounded zero has no sign."""
    points = round(100 * change, 1)
    return f"{points:+.1f}".replace("-", "−") if points else "0.0"
