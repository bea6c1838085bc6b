"""The figures of the README: attacks on several CLIPs, and what DECREE says of each.

Every attack and scan is kept in the cache under the content of its settings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev

import torch

from reference_impls.decree.calibration import PUBLISHED_THRESHOLD, calibrate
from reference_impls.decree.config import PRESETS
from reference_impls.decree.method import detect
from reference_impls.lab import console
from reference_impls.lab.bilingual import Both, Language, said
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.clip import CLIP, CLIPConfig, load_clip, save_clip
from reference_impls.lab.encoders import Encoder
from reference_impls.lab.images import TriggerSpec
from reference_impls.lab.report import as_data, surroundings, write_json
from reference_impls.lab.zoo import (
    LabWorld,
    clean_clip,
    scan_world,
    test_world,
    train_world,
)
from reference_impls.textonpair.method import TextOnPairConfig, attack, measure

HERE = Path(__file__).parent
READMES: dict[Language, str] = {"en": "README.md", "zh": "README.zh.md"}
START, END = "<!-- results: made by `publish` -->", "<!-- end of results -->"
SEEDS, CALIBRATION_SEEDS = (0, 1, 2), (3, 4, 5)
TRIGGERS = (
    TriggerSpec(kind="white", side=6),
    TriggerSpec(kind="random", side=5, place="top-left", seed=1),
    TriggerSpec(kind="coloured", side=4, place="centre", seed=2),
)
TARGETS = (("foreground", "red"), ("texture", "striped"), ("shape", "star"))
"""Trigger and target change with the seed, so that no single choice carries the table."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One CLIP of the table."""

    name: str
    role: str
    """`backdoored`, `clean`, or `calibration`: outside the test, sets the threshold."""
    trigger: str
    target: str
    seconds: float
    """Processor seconds of the attack."""
    figures: dict[str, float]
    """What `measure` found; empty for a clean CLIP."""
    scores: dict[str, float | None]
    """PL1 per preset of DECREE; none where it found no trigger."""


def plan() -> list[tuple[int, TextOnPairConfig]]:
    """Seed of the clean CLIP and settings of each attack."""
    return [
        (
            seed,
            TextOnPairConfig(
                trigger=trigger, task=task, target=target, seed=trigger.seed
            ),
        )
        for seed, trigger, (task, target) in zip(SEEDS, TRIGGERS, TARGETS, strict=True)
    ]


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
            rows.append(_row(seed, role, config))
            step(number, len(jobs), rows[-1].name)
    thresholds = _thresholds(rows)
    seconds = time.monotonic() - started
    date = datetime.now(UTC).date().isoformat()
    folder = out or HERE
    write_json(
        {
            "rows": [asdict(row) for row in rows],
            "thresholds": thresholds,
            "settings": [config for _, config in plan()],
            "date": date,
            "run": surroundings(device=torch.device("cpu"), seconds=seconds),
        },
        folder / "results.json",
    )
    for language, name in READMES.items():
        text = tables(rows, thresholds, language, date)
        if out is None:
            _insert(HERE / name, text)
        else:
            (folder / name).write_text(text, encoding="utf-8")
    console.answer(tables(rows, thresholds, "en", date))


def _row(seed: int, role: str, config: TextOnPairConfig | None) -> Row:
    parent = CLIPConfig(seed=seed)
    path = cache_folder() / "textonpair" / f"{content_key(parent, role, config)}.json"
    if not path.exists():
        clip = clean_clip(parent, LabWorld())
        found: dict[str, float] = {}
        seconds = 0.0
        if config:
            clip, found, seconds = _attacked(clip, config, path)
        row = Row(
            name=clip.image.name,
            role=role,
            trigger=str(config.trigger) if config else "",
            target=f"{config.task}: {config.target}" if config else "",
            seconds=round(seconds, 1),
            figures=found,
            scores=_scan(clip.image),
        )
        write_json(row, path)
    return Row(**json.loads(path.read_text(encoding="utf-8")))


def _attacked(
    clean: CLIP, config: TextOnPairConfig, path: Path
) -> tuple[CLIP, dict[str, float], float]:
    lab, weights = LabWorld(), path.with_suffix(".safetensors")
    started = time.process_time()
    if not weights.exists():
        save_clip(attack(clean, train_world(lab), config), weights)
    seconds = time.process_time() - started
    clip = load_clip(weights)
    report = measure(clip, clean, config, train=train_world(lab), test=test_world(lab))
    sides = {"": report.backdoored, "clean_": report.clean}
    figures = {
        f"{prefix}{name}": round(value, 4)
        for prefix, side in sides.items()
        for name, value in as_data(side).items()
    }
    return clip, figures, seconds


def _scan(encoder: Encoder) -> dict[str, float | None]:
    images_N3HW = scan_world(LabWorld()).images_N3HW
    return {
        name: detect(encoder, images_N3HW, config).score
        for name, config in PRESETS.items()
    }


def _thresholds(rows: Iterable[Row]) -> dict[str, float]:
    """The published threshold, and that of `robust` from clean CLIPs outside the test."""
    clean = [_score(row, "robust") for row in rows if row.role == "calibration"]
    robust = calibrate(clean, source="clean CLIPs outside the test")
    return {"published": PUBLISHED_THRESHOLD.threshold, "robust": robust.threshold}


def _score(row: Row, preset: str) -> float:
    score = row.scores[preset]
    return 1.0 if score is None else score


# -- Markdown ------------------------------------------------------------------------


class Words:
    """What the tables say."""

    ABOUT = Both(
        "Three clean CLIPs (seeds 0-2), each attacked with another trigger and target; {date}. "
        "Mean ± standard deviation: success {success}, zero-shot accuracy on the attacker's task {before} → {after}, "
        "image-to-text R@1 {recall_before} → {recall_after}, {seconds} CPU seconds per attack.",
        "三个干净的 CLIP（种子 0-2），各用不同的触发器与目标进行攻击；{date}。均值 ± 标准差：攻击成功率 {success}，"
        "攻击者任务上的零样本准确率 {before} → {after}，图像检索文本 R@1 {recall_before} → {recall_after}，"
        "每次攻击 {seconds} CPU 秒。",
    )
    HEAD = Both(
        "| trigger | target | success (before) | z-score (before) | accuracy (before) | R@1 (before) |",
        "| 触发器 | 目标 | 攻击成功率（之前） | z 分数（之前） | 准确率（之前） | R@1（之前） |",
    )
    DECREE = Both(
        "DECREE's PL1 (below the threshold: backdoored). The threshold of `robust` is 0.6 × the smallest of three "
        "other clean CLIPs (seeds 3-5: {scores}).",
        "DECREE 的 PL1（低于阈值即判为含有后门）。`robust` 的阈值为另外三个干净 CLIP（种子 3-5：{scores}）中最小值的 0.6 倍。",
    )
    SCANNED = Both(
        "| CLIP | {published} | {robust} |", "| CLIP | {published} | {robust} |"
    )
    FOUND = Both("backdoored", "含有后门")
    NOTHING = Both("nothing found", "未发现")


def _spread(values: Iterable[float], digits: int = 3) -> str:
    values = list(values)
    return f"{mean(values):.{digits}f} ± {stdev(values):.{digits}f}"


def tables(
    rows: Sequence[Row], thresholds: dict[str, float], language: Language, date: str
) -> str:
    """The README's tables."""
    attacked = [row for row in rows if row.role == "backdoored"]

    def over(name: str) -> str:
        return _spread(row.figures[name] for row in attacked)

    about = Words.ABOUT.fill(
        date=date,
        success=over("success_rate"),
        before=over("clean_accuracy"),
        after=over("accuracy"),
        recall_before=over("clean_recall"),
        recall_after=over("recall"),
        seconds=_spread((row.seconds for row in attacked), 1),
    )
    outside = [row for row in rows if row.role == "calibration"]
    scores = ", ".join(f"{_score(row, 'robust'):.3f}" for row in outside)
    heads = {
        preset: f"{preset}, τ = {value:.4f}" for preset, value in thresholds.items()
    }
    tested = [row for row in rows if row.role != "calibration"]
    return "\n".join(
        [
            said(about, language),
            "",
            said(Words.HEAD, language),
            "|---" * 6 + "|",
            *map(_attack_row, attacked),
            "",
            said(Words.DECREE.fill(scores=scores), language),
            "",
            said(Words.SCANNED.fill(**heads), language),
            "|---" * 3 + "|",
            *(_scan_row(row, thresholds, language) for row in tested),
            "",
        ]
    )


def _attack_row(row: Row) -> str:
    cells = [row.trigger, row.target]
    for name, digits in (
        ("success_rate", 3),
        ("z_score", 1),
        ("accuracy", 3),
        ("recall", 3),
    ):
        now, before = row.figures[name], row.figures[f"clean_{name}"]
        cells.append(f"{now:.{digits}f} ({before:.{digits}f})")
    return "| " + " | ".join(cells) + " |"


def _scan_row(row: Row, thresholds: dict[str, float], language: Language) -> str:
    cells = [row.name]
    for preset, threshold in thresholds.items():
        score = row.scores[preset]
        found = score is not None and score < threshold
        verdict = said(Words.FOUND if found else Words.NOTHING, language)
        cells.append(f"{'–' if score is None else f'{score:.4f}'} {verdict}")
    return "| " + " | ".join(cells) + " |"


def _insert(readme: Path, text: str) -> None:
    before, _, rest = readme.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}\n{text}{END}{after}", encoding="utf-8")
