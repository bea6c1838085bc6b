"""The comparison as a command: make all models, write results, tables and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import torch

from reference_impls.gen_af.chart import pictures
from reference_impls.gen_af.evaluate import CLEAN, WHITE_BOX
from reference_impls.gen_af.headline import WORST, headline, worst
from reference_impls.gen_af.population import (
    ATTACKS,
    FULL,
    QUICK,
    Row,
    Subject,
    attacks_on,
    measure,
    subjects,
)
from reference_impls.lab.bilingual import Bilingual, Language, localize
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.files import replacing
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.records import surroundings, today, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.chart import redraw
from reference_impls.lab.study.fleet import workers
from reference_impls.lab.study.readme import READMES, insert, table

HERE = Path(__file__).parent
START = "<!-- results: made by `compare --publish` -->"
END = "<!-- end of results -->"


class Words:
    """What the tables say."""

    METHOD = Bilingual("method", "方法")
    HEADERS = (
        Bilingual("clean", "干净"),
        Bilingual("AdvEncoder-PER", "AdvEncoder-PER"),
        Bilingual("AdvEncoder-PAT", "AdvEncoder-PAT"),
        Bilingual("UAP", "UAP"),
        Bilingual("noise", "噪声"),
        Bilingual("PGD-10", "PGD-10"),
        Bilingual("PGD-20", "PGD-20"),
        Bilingual("Auto-PGD", "Auto-PGD"),
        Bilingual("CPU s", "CPU 秒"),
        Bilingual("seeds", "种子数"),
    )
    ABLATION = Bilingual("Ablations:", "消融实验：")
    SETTING = Bilingual(
        "**{task} {levels}/255, {epochs} epochs**",
        "**{task} {levels}/255，{epochs} 轮**",
    )
    ABOUT = Bilingual(
        "Accuracy in percent, mean ± standard deviation over seeds {seeds} (encoder, attacks and fine-tuning all differ).",
        "准确率（%），种子 {seeds} 的均值 ± 标准差（编码器、攻击与微调均随种子变化）。",
    )


def compare(
    *,
    quick: bool,
    jobs: int,
    out: Path,
    publish: bool,
    finished: bool = False,
    as_json: bool = False,
) -> None:
    """Make and measure a plan; write `results.json`, `results.md` and the pictures.

    With `finished`, only what the cache already holds is shown.

    Raises:
        ConfigError: the cache holds nothing of the plan.
    """
    started = time.monotonic()
    plan = QUICK if quick else FULL
    population = subjects(plan)
    if finished:
        population = [one for one in population if one.path.exists()]
    if not population:
        raise ConfigError("nothing is finished yet; run without --finished")
    rows = _rows(population, jobs)
    about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)
    found = headline(rows, about) | {
        "date": today(),
        "plan": plan,
        "summary": summaries(rows),
        "rows": rows,
        "run": about,
    }
    for folder in [out, *([HERE] if publish else [])]:
        write_json(found, folder / "results.json")
        redraw(folder, pictures)
    for language, readme in READMES.items():
        text = tables(rows, language)
        suffix = "" if language == "en" else f".{language}"
        with replacing(out / f"results{suffix}.md") as new:
            new.write_text(text, encoding="utf-8")
        if publish:
            insert(HERE / readme, text, start=START, end=END)
    console.report(found, [tables(rows, "en")], as_json=as_json)


# -- Making --------------------------------------------------------------------------


def _rows(population: Sequence[Subject], jobs: int) -> list[Row]:
    """All rows in the population's order; what is finished is kept if one fails."""
    finished: dict[int, Row] = {}
    with console.progress("comparing") as step:
        step(0, len(population), "")
        for number, row in _made(population, jobs):
            finished[number] = row
            words = f"{row.arm}, {row.task}, seed {row.seed}"
            step(len(finished), len(population), words)
    return [finished[number] for number in range(len(population))]


def _made(population: Sequence[Subject], jobs: int) -> Iterator[tuple[int, Row]]:
    with workers(jobs) as pool:
        if pool is None:
            yield from enumerate(map(measure, population))
            return
        parents = {one.config.seed: one for one in population}.values()
        for first in [pool.submit(attacks_on, one) for one in parents]:
            first.result()
        # Models of one seed share encoder, attacks and stage 1, so they stay in one process.
        chains: dict[str, list[int]] = {}
        for number, one in enumerate(population):
            chains.setdefault(f"{one.setting} {one.config.seed}", []).append(number)
        waiting = {
            pool.submit(_chain, [population[i] for i in chain]): chain
            for chain in chains.values()
        }
        for future in as_completed(waiting):
            yield from zip(waiting[future], future.result(), strict=True)


def _chain(population: Sequence[Subject]) -> list[Row]:
    return [measure(subject) for subject in population]


# -- Summary -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One arm in one setting, over seeds."""

    arm: str
    part: str
    task: str
    levels: int
    epochs: int
    means: Mapping[str, float]
    """Accuracy per attack, `clean` and `worst`, in [0, 1]; and `seconds`."""
    deviations: Mapping[str, float]
    """Standard deviations over seeds of the same."""
    seeds: int


def summaries(rows: Sequence[Row]) -> list[Summary]:
    """Means and standard deviations of every arm in every setting."""
    groups: dict[tuple[str, str, int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.part, row.task, row.levels, row.arm), []).append(row)
    return [_summary(group) for group in groups.values()]


def _summary(group: Sequence[Row]) -> Summary:
    values = [
        {**row.accuracies, WORST: worst(row), "seconds": row.seconds} for row in group
    ]
    spreads = {key: MeanStd.of([v[key] for v in values]) for key in values[0]}
    return Summary(
        arm=group[0].arm,
        part=group[0].part,
        task=group[0].task,
        levels=group[0].levels,
        epochs=group[0].epochs,
        means={key: round(one.mean, 5) for key, one in spreads.items()},
        deviations={key: round(one.std, 5) for key, one in spreads.items()},
        seeds=len(group),
    )


# -- Markdown ------------------------------------------------------------------------


def tables(rows: Sequence[Row], language: Language) -> str:
    """The results for a README, methods and ablations of every setting."""
    every = summaries(rows)
    seeds = ", ".join(str(seed) for seed in sorted({row.seed for row in rows}))
    text = [localize(Words.ABOUT.fill(seeds=seeds), language), ""]
    for task, levels, epochs in dict.fromkeys(map(_setting, every)):
        of = [one for one in every if _setting(one) == (task, levels, epochs)]
        about = Words.SETTING.fill(task=task, levels=levels, epochs=epochs)
        text += [localize(about, language), ""]
        text += _table([one for one in of if one.part != "ablations"], language)
        extra = [one for one in of if one.part == "ablations"]
        if extra:
            text += ["", localize(Words.ABLATION, language), ""]
            text += _table(extra, language)
        text.append("")
    return "\n".join(text).rstrip() + "\n"


def _setting(one: Summary) -> tuple[str, int, int]:
    return one.task, one.levels, one.epochs


def _table(summaries: Iterable[Summary], language: Language) -> list[str]:
    names = (CLEAN, *ATTACKS, *WHITE_BOX)
    rows = [
        (
            one.arm,
            *(_cell(one, name) for name in names),
            f"{one.means['seconds']:.0f}",
            str(one.seeds),
        )
        for one in summaries
    ]
    return table((Words.METHOD, *Words.HEADERS), rows, language)


def _cell(one: Summary, name: str) -> str:
    """A mean, and the deviation if there is more than one seed."""
    mean, deviation = 100 * one.means[name], 100 * one.deviations[name]
    return f"{MeanStd(mean, deviation, one.seeds):.1f}"
