"""The sweep as a command: run the population, write results, table and picture."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from reference_impls.decree import calibration
from reference_impls.decree.chart import pictures
from reference_impls.decree.headline import headline
from reference_impls.decree.population import (
    CONFIRMATION,
    DEVELOPMENT,
    QUICK,
    Plan,
    subjects,
)
from reference_impls.decree.sweep import (
    Row,
    Separation,
    by_parent,
    counted,
    gain,
    results,
    run,
    works,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text, localize
from reference_impls.lab.files import replacing
from reference_impls.lab.metrics.intervals import Interval
from reference_impls.lab.records import surroundings, write_json
from reference_impls.lab.study import console, readme
from reference_impls.lab.study.chart import redraw
from reference_impls.lab.study.fleet import workers

HERE = Path(__file__).parent
START, END = "<!-- results: made by `sweep --publish` -->", "<!-- end of results -->"


PLANS = {"confirmation": CONFIRMATION, "development": DEVELOPMENT, "quick": QUICK}


def sweep(plan: Plan, *, jobs: int, out: Path, publish: bool) -> None:
    """Scan a population; write `results.json`, the chart, the tables and `calibration.json`."""
    started = time.monotonic()
    population = subjects(plan)
    with workers(jobs) as executor, console.progress("sweep") as step:
        finished: list[str] = []

        def done(row: Row) -> None:
            finished.append(row.name)
            step(len(finished), len(population), row.name)

        rows = run(population, executor=executor, done=done)
    about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)
    found = results(rows)
    found |= headline(rows, found["separation"], about) | {
        "run": about | {"processor_seconds": _seconds(rows)}
    }
    separations: list[Separation] = found["separation"]
    for folder in [out, *([HERE] if publish else [])]:
        write_json(found, folder / "results.json")
        calibration.save(separations[-1].calibration, folder / "calibration.json")
        redraw(folder, pictures)
    for language, name in readme.READMES.items():
        text = tables(rows, separations, language)
        with replacing(out / f"results.{language}.md") as new:
            new.write_text(text, encoding="utf-8")
        if publish:
            readme.insert(HERE / name, text, start=START, end=END)
    console.answer(tables(rows, separations, "en"))


def _seconds(rows: Iterable[Row]) -> dict[str, float]:
    total: dict[str, float] = {}
    for row in rows:
        for preset, seconds in row.seconds.items():
            total[preset] = round(total.get(preset, 0.0) + seconds, 1)
    return total


# -- Markdown ------------------------------------------------------------------------


class Words:
    """What the tables say."""

    INTRO = Bilingual(
        "{clean} clean and {bad} backdoored encoders from {parents} parents, {attacked} of them "
        "attacked (success rate at least 99 %; {dropped} of {attacks} attacks fell short and are left out); "
        "τ of `robust` from {calibrated} clean encoders outside the test. In brackets 95 % intervals.",
        "{clean} 个干净编码器与 {bad} 个后门编码器，来自 {parents} 个原编码器，其中 {attacked} 个被攻击"
        "（攻击成功率不低于 99 %；{attacks} 次攻击中有 {dropped} 次未达到，不计入）；"
        "`robust` 的 τ 来自测试集之外的 {calibrated} 个干净编码器。方括号内为 95 % 区间。",
    )
    HEADS = (
        Bilingual("preset", "预设"),
        "τ",
        "AUC",
        Bilingual("accuracy", "准确率"),
        Bilingual("found", "检出"),
        Bilingual("missed", "漏检"),
        Bilingual("false alarms", "误报"),
        Bilingual("right silences", "正确放行"),
        Bilingual("parents without an error", "无误判的原编码器"),
    )
    FAULTLESS = Bilingual(
        "{found} of {parents} {interval}", "{found}/{parents} {interval}"
    )
    GAIN = Bilingual(
        "Accuracy of `robust` minus that of `published`: {mean} points [{low}, {high}], parents drawn again.",
        "`robust` 的准确率减去 `published` 的准确率：{mean} 个百分点 [{low}, {high}]，对原编码器重抽样。",
    )
    HARD = Bilingual("Hard cases, not counted above:", "困难情形，未计入上表：")
    TRIGGER = Bilingual("trigger", "触发器")
    ATTACK = Bilingual("attack", "攻击")
    PLAIN = Bilingual("plain", "普通")
    ADAPTIVE = Bilingual("adaptive, α = {alpha:g}", "自适应，α = {alpha:g}")
    NONE = Bilingual("none", "无")
    FOUND = Bilingual("{score} found", "{score} 检出")
    MISSED = Bilingual("{score} missed", "{score} 漏检")


def tables(
    rows: Sequence[Row], separations: Sequence[Separation], language: Language
) -> str:
    """The results for a README, in one language."""
    parents = len(by_parent(counted(rows)))
    judged = [_separation_row(one, parents) for one in separations]
    hard = [row for row in rows if row.role == "hard"]
    lines = [
        localize(_intro(rows), language),
        "",
        *readme.table(Words.HEADS, judged, language),
        "",
        localize(_gain(rows), language),
        *(_hard_cases(hard, separations, language) if hard else ()),
    ]
    return "\n".join(lines) + "\n"


def _intro(rows: Sequence[Row]) -> Bilingual:
    test = counted(rows)
    bad = [row for row in test if row.role == "backdoored"]
    dropped = sum(row.role == "backdoored" and not works(row) for row in rows)
    return Words.INTRO.fill(
        clean=len(test) - len(bad),
        bad=len(bad),
        parents=len(by_parent(test)),
        attacked=len(by_parent(bad)),
        dropped=dropped,
        attacks=dropped + len(bad),
        calibrated=sum(row.role == "calibration" for row in rows),
    )


def _gain(rows: Sequence[Row]) -> Bilingual:
    found = gain(rows)
    low, high = found["interval"]
    points = {"mean": found["accuracy"], "low": low, "high": high}
    return Words.GAIN.fill(**{n: f"{100 * value:+.1f}" for n, value in points.items()})


def _hard_cases(
    rows: Sequence[Row], separations: Sequence[Separation], language: Language
) -> list[str]:
    heads: list[Text] = [Words.TRIGGER, Words.ATTACK, "ASR"]
    heads += [one.preset for one in separations]
    cells = [_hard_row(row, separations) for row in rows]
    return [
        "",
        localize(Words.HARD, language),
        "",
        *readme.table(heads, cells, language),
    ]


def _separation_row(judged: Separation, parents: int) -> tuple[Text, ...]:
    area = judged.area_interval
    return (
        judged.preset,
        f"{judged.calibration.threshold:.4f}",
        f"{judged.area_under_curve:.3f} [{area[0]:.3f}, {area[1]:.3f}]",
        f"{judged.accuracy:.1%} {_percent(judged.accuracy_interval)}",
        str(judged.true_positives),
        str(judged.false_negatives),
        str(judged.false_positives),
        str(judged.true_negatives),
        Words.FAULTLESS.fill(
            found=judged.faultless_parents,
            parents=parents,
            interval=_percent(judged.faultless_interval),
        ),
    )


def _percent(interval: Interval) -> str:
    return f"[{interval[0]:.0%}, {interval[1]:.0%}]"


def _hard_row(row: Row, separations: Sequence[Separation]) -> list[Text]:
    attack = Words.PLAIN
    if row.evasion_weight:
        attack = Words.ADAPTIVE.fill(alpha=row.evasion_weight)
    rate = f"{row.figures['attack_success_rate']:.3f}"
    return [row.trigger or "", attack, rate, *(_verdict(row, o) for o in separations)]


def _verdict(row: Row, judged: Separation) -> Bilingual:
    score = row.scores[judged.preset]
    found = score is not None and score < judged.calibration.threshold
    words = Words.FOUND if found else Words.MISSED
    return words.fill(score=Words.NONE if score is None else f"{score:.4f}")
