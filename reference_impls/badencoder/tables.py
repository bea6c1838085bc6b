"""What is told of the trials: the figures of the website, and the tables of the READMEs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from statistics import mean
from typing import Any

from reference_impls.badencoder.method import DEFAULT, PUBLISHED
from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.study.headline import average, hardware, percent, published
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found

WORDS = Words.beside(__file__)
SOURCE = "github.com/jinyuan-jia/BadEncoder, README.md at 26cbe5c, Experimental results"
"""The authors' figures; their scripts stamp the 10 × 10 square and count all test images."""

Rows = Sequence[Mapping[str, Any]]
"""Trials as `results.json` holds them."""


def headline(found: Found) -> list[dict[str, Any]]:
    """Success over all tasks, what it costs, success per task, and the count beside the published one."""
    small, large = (
        [row for row in found["rows"] if row["trigger"] == str(trigger)]
        for trigger in (DEFAULT, PUBLISHED)
    )
    told = [_success(small, "all", DEFAULT), _accuracy(small)]
    told += [_success(of, task, DEFAULT) for task, of in _by_task(small).items()]
    if large:
        told += [_success(large, "all", PUBLISHED), _as_published(large)]
    return told


def _success(rows: Rows, tasks: str, trigger: TriggerSpec) -> dict[str, Any]:
    setting = WORDS["headline.under_trigger"].fill(
        tasks=WORDS[f"tasks.{tasks}"],
        side=trigger.side,
        clean=average(_means(rows, "trigger_on_clean")),
        patch=average(_means(rows, "patch_on_backdoored")),
    )
    rates = _means(rows, "success_rate")
    return percent(WORDS["headline.success"], rates, better="higher", setting=setting)


def _as_published(rows: Rows) -> dict[str, Any]:
    """As the published program counts, whose figure stands beside it."""
    setting = WORDS["headline.as_published"].fill(
        tasks=WORDS["tasks.all"],
        side=PUBLISHED.side,
        misread=len(_misread(rows)),
        all=len(rows),
    )
    rates = _means(rows, "success_as_published")
    theirs = published(99.73, SOURCE, setting=WORDS["headline.published"])
    told = percent(WORDS["headline.success"], rates, better="higher", setting=setting)
    return told | {"published": theirs}


def _accuracy(rows: Rows) -> dict[str, Any]:
    losses = {
        task: mean(row["clean_accuracy"] - row["backdoored_accuracy"] for row in of)
        for task, of in _by_task(rows).items()
    }
    worst = max(losses, key=lambda task: losses[task])
    setting = WORDS["headline.without_trigger"].fill(
        tasks=WORDS["tasks.all"],
        before=average(_means(rows, "clean_accuracy")),
        worst=WORDS[f"tasks.{worst}"],
        points=f"{100 * losses[worst]:.1f}",
    )
    after = _means(rows, "backdoored_accuracy")
    return percent(WORDS["headline.accuracy"], after, better="higher", setting=setting)


def _by_task(rows: Rows) -> dict[str, Rows]:
    tasks = dict.fromkeys(row["task"] for row in rows)
    return {task: [row for row in rows if row["task"] == task] for task in tasks}


def _means(rows: Rows, name: str) -> list[float]:
    """Per encoder the mean of its tasks."""
    seeds = dict.fromkeys(row["seed"] for row in rows)
    return [mean(row[name] for row in rows if row["seed"] == seed) for seed in seeds]


def _misread(rows: Rows) -> Rows:
    return [row for row in rows if row["label"] != row["target"]]


# -- Tables --------------------------------------------------------------------------


def tables(found: Found, language: Language) -> str:
    """How often the backdoor opens, and what it costs."""
    triggers, tasks = WORDS.group("triggers"), WORDS.group("tasks")
    of, success, cost = (WORDS.group(f"heads.{k}") for k in ("of", "success", "cost"))
    opened: list[list[Text]] = []
    paid: list[list[Text]] = []
    for one in found["summary"]:
        trigger, task = one["trigger"], one["task"]
        cell = [triggers.get(trigger, trigger), tasks.get(task, task)]
        opened.append([*cell, *(_percent(one[name]) for name in success)])
        before, after = (one[name] for name in cost)
        change = points(after["mean"] - before["mean"])
        paid.append([*cell, _percent(before), _percent(after), change])
    heads = [*of.values(), *cost.values(), WORDS["heads.change"]]
    lines: list[Text] = [
        _about(found),
        "",
        WORDS["tables.success"],
        "",
        *table([*of.values(), *success.values()], opened, language),
        "",
        WORDS["tables.cost"],
        "",
        *table(heads, paid, language),
        "",
        _read(found["rows"]),
        "",
    ]
    return "\n".join(localize(line, language) for line in lines)


def _about(found: Found) -> Bilingual:
    about, rows = found["run"], found["rows"]
    seeds = sorted({row["seed"] for row in rows})
    return WORDS["tables.about"].fill(
        count=len(seeds),
        seconds=f"{mean(row['seconds'] for row in rows):.0f}",
        seeds=", ".join(map(str, seeds)),
        date=about["date"],
        command=about["command"],
        hardware=hardware(about),
        torch=about["versions"]["torch"],
    )


def _read(rows: Rows) -> Bilingual:
    """What heads see in the reference image."""
    tasks = [WORDS[f"tasks.{task}"] for task in _by_task(_misread(rows))]
    if not tasks:
        return WORDS["tables.all_read"].fill(all=len(rows))
    names = reduce(
        lambda first, one: WORDS["tables.list"].fill(first=first, next=one), tasks
    )
    misread = len(_misread(rows))
    return WORDS["tables.misread"].fill(misread=misread, all=len(rows), tasks=names)


def _percent(fractions: Mapping[str, Any]) -> str:
    """A mean and deviation as `results.json` holds them."""
    scaled = {name: 100 * fractions[name] for name in ("mean", "std")}
    return f"{MeanStd(**scaled, count=fractions['count']):.1f}"


def points(change: float) -> str:
    """A change of a fraction in percentage points, `−1.4`; a rounded zero has no sign."""
    rounded = round(100 * change, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"
