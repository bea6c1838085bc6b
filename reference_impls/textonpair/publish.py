"""The study as a command: measure, then write results and the READMEs' tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from reference_impls.lab.bilingual import Bilingual, Language, localize
from reference_impls.lab.files import replacing
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.records import surroundings, today, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.readme import READMES, insert, table
from reference_impls.textonpair.headline import headline
from reference_impls.textonpair.study import (
    CALIBRATION_SEEDS,
    SEEDS,
    Row,
    measured,
    pl1,
    plan,
    thresholds_of,
)

HERE = Path(__file__).parent
START, END = "<!-- results: made by `publish` -->", "<!-- end of results -->"


def publish(*, out: Path | None) -> None:
    """Write `results.json` and the README's tables, or both into a folder."""
    torch.set_num_threads(1)
    started, rows = time.monotonic(), []
    jobs = [
        *((seed, "calibration", None) for seed in CALIBRATION_SEEDS),
        *((seed, "clean", None) for seed in SEEDS),
        *((seed, "backdoored", config) for seed, config in plan()),
    ]
    with console.progress("attacks and scans") as step:
        for number, (seed, role, config) in enumerate(jobs, start=1):
            rows.append(measured(seed, role, config))
            step(number, len(jobs), rows[-1].name)
    thresholds = thresholds_of(rows)
    seconds = time.monotonic() - started
    date = today()
    folder = out or HERE
    about = surroundings(device=torch.device("cpu"), seconds=seconds)
    write_json(
        headline(rows, thresholds, about)
        | {
            "rows": [asdict(row) for row in rows],
            "thresholds": thresholds,
            "settings": [config for _, config in plan()],
            "date": date,
            "run": about,
        },
        folder / "results.json",
    )
    for language, name in READMES.items():
        text = tables(rows, thresholds, language, date)
        if out is None:
            insert(HERE / name, text, start=START, end=END)
        else:
            with replacing(folder / name) as new:
                new.write_text(text, encoding="utf-8")
    console.answer(tables(rows, thresholds, "en", date))


# -- Markdown ------------------------------------------------------------------------


class Words:
    """What the tables say."""

    ABOUT = Bilingual(
        "Three clean CLIPs (seeds 0-2), each attacked with another trigger and target; {date}. "
        "Mean ± standard deviation: success {success}, zero-shot accuracy on the attacker's task {before} → {after}, "
        "image-to-text R@1 {recall_before} → {recall_after}, {seconds} CPU seconds per attack.",
        "三个干净的 CLIP（种子 0-2），各用不同的触发器与目标进行攻击；{date}。均值 ± 标准差：攻击成功率 {success}，"
        "攻击者任务上的零样本准确率 {before} → {after}，图像检索文本 R@1 {recall_before} → {recall_after}，"
        "每次攻击 {seconds} CPU 秒。",
    )
    HEADS = (
        Bilingual("trigger", "触发器"),
        Bilingual("target", "目标"),
        Bilingual("success (before)", "攻击成功率（之前）"),
        Bilingual("z-score (before)", "z 分数（之前）"),
        Bilingual("accuracy (before)", "准确率（之前）"),
        Bilingual("R@1 (before)", "R@1（之前）"),
    )
    DECREE = Bilingual(
        "DECREE's PL1 (below the threshold: backdoored). The threshold of `robust` is 0.6 × the smallest of three "
        "other clean CLIPs (seeds 3-5: {scores}).",
        "DECREE 的 PL1（低于阈值即判为含有后门）。`robust` 的阈值为另外三个干净 CLIP（种子 3-5：{scores}）中最小值的 0.6 倍。",
    )
    FOUND = Bilingual("backdoored", "含有后门")
    NOTHING = Bilingual("nothing found", "未发现")


def tables(
    rows: Sequence[Row], thresholds: dict[str, float], language: Language, date: str
) -> str:
    """The README's tables."""
    attacked = [row for row in rows if row.role == "backdoored"]

    def over(name: str) -> str:
        return str(MeanStd.of([row.figures[name] for row in attacked]))

    about = Words.ABOUT.fill(
        date=date,
        success=over("success_rate"),
        before=over("clean_accuracy"),
        after=over("accuracy"),
        recall_before=over("clean_recall"),
        recall_after=over("recall"),
        seconds=f"{MeanStd.of([row.seconds for row in attacked]):.1f}",
    )
    outside = [row for row in rows if row.role == "calibration"]
    scores = ", ".join(f"{pl1(row, 'robust'):.3f}" for row in outside)
    heads = [f"{preset}, τ = {value:.4f}" for preset, value in thresholds.items()]
    scanned = [
        _scan_row(row, thresholds, language)
        for row in rows
        if row.role != "calibration"
    ]
    return "\n".join(
        [
            localize(about, language),
            "",
            *table(Words.HEADS, map(_attack_row, attacked), language),
            "",
            localize(Words.DECREE.fill(scores=scores), language),
            "",
            *table(("CLIP", *heads), scanned, language),
            "",
        ]
    )


def _attack_row(row: Row) -> list[str]:
    cells = [row.trigger, row.target]
    for name, digits in (
        ("success_rate", 3),
        ("z_score", 1),
        ("accuracy", 3),
        ("recall", 3),
    ):
        now, before = row.figures[name], row.figures[f"clean_{name}"]
        cells.append(f"{now:.{digits}f} ({before:.{digits}f})")
    return cells


def _scan_row(row: Row, thresholds: dict[str, float], language: Language) -> list[str]:
    cells = [row.name]
    for preset, threshold in thresholds.items():
        score = row.scores[preset]
        found = score is not None and score < threshold
        verdict = localize(Words.FOUND if found else Words.NOTHING, language)
        cells.append(f"{'–' if score is None else f'{score:.4f}'} {verdict}")
    return cells
