"""What is measured: Gen-AF, other ways of fine-tuning and ablations, each under eight attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from reference_impls.gen_af.chart import charts, in_words
from reference_impls.gen_af.evaluate import (
    ATTACKS,
    CLEAN,
    WHITE_BOX,
    WORST,
    EvaluationConfig,
    evaluate,
    worst,
)
from reference_impls.gen_af.model import task_of
from reference_impls.gen_af.population import (
    FULL,
    QUICK,
    Condition,
    attacks_on,
    conditions,
    make,
)
from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.zoo import test_dataset
from reference_impls.lab.study.headline import average, percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Prepare, Study

WORDS = Words.beside(__file__)
METHOD = "Gen-AF"
CONTROL = "no topology term"
"""Both stages without what is the method's own: PGD adversarial fine-tuning, then stage 2."""
OTHERS = (CONTROL, "standard", "PGD-AT", "TRADES")
"""What the headline compares it with, the fair control first."""
HEADLINE = (WORST, "pgd-20", CLEAN)
Row = Mapping[str, Any]
"""A trial as JSON holds it."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One model and what it reached."""

    arm: str
    part: str
    task: str
    levels: int
    epochs: int
    """Of fine-tuning; stage 2 has its own beside them."""
    seed: int
    accuracies: Mapping[str, float]
    """Per attack, and `clean`."""
    seconds: float
    """Processor seconds of fine-tuning, both stages."""
    layers: tuple[str, ...] = ()
    """Adapted by stage 2."""
    contributions: Mapping[str, float] | None = None
    """Robustness contribution per layer."""
    sensitivity_seconds: float | None = None
    """Processor seconds of measuring the layers."""


# -- Measuring -----------------------------------------------------------------------


def compared(options: StudyOptions) -> list[Condition]:
    """All models of the published table, or of a small one."""
    study = QUICK if options.quick else FULL
    return conditions(replace(study, seeds=options.seeds or study.seeds))


def attacks(asked: Sequence[Condition]) -> list[list[Prepare]]:
    """Those on each public encoder, which all its models share."""
    parents = {one.config.seed: one for one in asked}.values()
    return [[partial(attacks_on, one) for one in parents]]


def measured(condition: Condition) -> list[Trial]:
    """Make the model, and try it under every attack."""
    made = make(condition)
    test = task_of(test_dataset(condition.lab), condition.setting.task)
    config = EvaluationConfig(epsilon=condition.setting.epsilon)
    trial = Trial(
        arm=condition.arm,
        part=condition.part,
        task=condition.setting.task,
        levels=condition.setting.levels,
        epochs=condition.config.epochs,
        seed=condition.config.seed,
        accuracies=evaluate(made.model, test, attacks_on(condition), config),
        seconds=round(made.seconds, 2),
    )
    if made.adaptation is None:
        return [trial]
    sensitivity = made.adaptation.sensitivity
    stage_2 = replace(
        trial,
        layers=made.adaptation.layers,
        contributions={one.layer: one.contribution for one in sensitivity.layers},
        sensitivity_seconds=round(sensitivity.processor_seconds, 3),
    )
    return [stage_2]


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> dict[str, Any]:
    """All rows, means over seeds, and the settings."""
    first = next((one for one in asked if one.arm == METHOD), asked[0])
    groups: dict[tuple[str, ...], list[Trial]] = {}
    for one in trials:
        key = (one.part, one.task, str(one.levels), one.arm)
        groups.setdefault(key, []).append(one)
    return {
        "settings": {
            "tasks": list(dict.fromkeys(one.setting for one in asked)),
            "seeds": list(dict.fromkeys(one.config.seed for one in asked)),
            "base": first.config,
            "parent": first.parent,
            "lab": first.lab,
            "suite": first.suite,
        },
        "summary": [_summary(group) for group in groups.values()],
        "rows": trials,
    }


def _summary(group: Sequence[Trial]) -> dict[str, Any]:
    """Means and standard deviations over seeds of accuracies in [0, 1], `worst`, and seconds."""
    first = group[0]
    values = [
        {**one.accuracies, WORST: worst(one.accuracies), "seconds": one.seconds}
        for one in group
    ]
    spreads = {key: MeanStd.of([v[key] for v in values]) for key in values[0]}
    return {
        "arm": first.arm,
        "part": first.part,
        "task": first.task,
        "levels": first.levels,
        "epochs": first.epochs,
        "means": {key: round(one.mean, 5) for key, one in spreads.items()},
        "deviations": {key: round(one.std, 5) for key, one in spreads.items()},
        "seeds": len(group),
    }


def headline(found: Found) -> list[dict[str, Any]]:
    """Gen-AF in every setting, and beside it its control and other methods; nothing before it was measured."""
    rows = [
        row
        for row in found["rows"]
        if row["part"] != "ablations" or row["arm"] == CONTROL
    ]
    own = [row for row in rows if row["arm"] == METHOD]
    return [
        _figure([row for row in rows if _setting(row) == setting], name)
        for setting in dict.fromkeys(map(_setting, own))
        for name in HEADLINE
    ]


def _setting(row: Row) -> tuple[str, int, int]:
    return row["task"], row["levels"], row["epochs"]


def _figure(rows: Sequence[Row], name: str) -> dict[str, Any]:
    own = [row for row in rows if row["arm"] == METHOD]
    seeds = {row["seed"] for row in own}
    setting = in_words(*_setting(own[0]))
    for arm in OTHERS:
        # Seeds differ more than methods do, so only equal ones are compared.
        other = [row for row in rows if row["arm"] == arm and row["seed"] in seeds]
        if {row["seed"] for row in other} == seeds:
            mean: Text = average(_values(other, name))
        elif arm == CONTROL:
            mean = WORDS["headline.unmeasured"]
        else:
            continue
        told = WORDS[f"others.{arm}"].fill(mean=mean)
        setting = WORDS["headline.beside"].fill(setting=setting, other=told)
    return percent(
        WORDS[f"headline.{name}"], _values(own, name), better="higher", setting=setting
    )


def _values(rows: Sequence[Row], name: str) -> list[float]:
    accuracies = [row["accuracies"] for row in rows]
    return [worst(one) if name == WORST else one[name] for one in accuracies]


def tables(found: Found, language: Language) -> str:
    """Methods and ablations of every setting."""
    every = found["summary"]
    seeds = ", ".join(str(n) for n in sorted({row["seed"] for row in found["rows"]}))
    text = [localize(WORDS["tables.about"].fill(seeds=seeds), language), ""]
    for setting in dict.fromkeys(map(_setting, every)):
        of = [one for one in every if _setting(one) == setting]
        values = dict(zip(("task", "levels", "epochs"), setting, strict=True))
        text += [localize(WORDS["tables.setting"].fill(**values), language), ""]
        text += _table([one for one in of if one["part"] != "ablations"], language)
        if extra := [one for one in of if one["part"] == "ablations"]:
            text += ["", localize(WORDS["tables.ablation"], language), ""]
            text += _table(extra, language)
        text.append("")
    return "\n".join(text).rstrip() + "\n"


def _table(summaries: Sequence[Row], language: Language) -> list[str]:
    heads = (
        WORDS["tables.method"],
        WORDS["tables.clean"],
        "AdvEncoder-PER",
        "AdvEncoder-PAT",
        "UAP",
        WORDS["tables.noise"],
        "PGD-10",
        "PGD-20",
        "Auto-PGD",
        WORDS["tables.seconds"],
        WORDS["tables.seeds"],
    )
    rows = [
        (
            one["arm"],
            *(_cell(one, name) for name in (CLEAN, *ATTACKS, *WHITE_BOX)),
            f"{one['means']['seconds']:.0f}",
            str(one["seeds"]),
        )
        for one in summaries
    ]
    return table(heads, rows, language)


def _cell(one: Row, name: str) -> str:
    """A mean, and the deviation if there is more than one seed."""
    mean, deviation = 100 * one["means"][name], 100 * one["deviations"][name]
    return f"{MeanStd(mean, deviation, one['seeds']):.1f}"


def _seeds(trials: Sequence[Trial]) -> list[int]:
    return sorted({one.seed for one in trials if one.arm == METHOD})


STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    conditions=compared,
    prepare=attacks,
    measure=measured,
    # Models of one seed share encoder, attacks and stage 1.
    chain=lambda condition: (str(condition.setting), condition.config.seed),
    results=results,
    headline=headline,
    seeds=_seeds,
    tables=tables,
    charts=charts,
)
