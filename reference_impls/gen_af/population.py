"""Which models are compared: tasks, seeds and arms, each made once and kept in the lab's cache.

Arms that differ in stage 2 alone share their stage 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from reference_impls.advencoder.suite import SuiteConfig, universal_attack
from reference_impls.gen_af.config import AdaptationConfig, HardenConfig
from reference_impls.gen_af.evaluate import EvaluationConfig, evaluate
from reference_impls.gen_af.model import task_of
from reference_impls.gen_af.store import Made, adapted, fine_tuned
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.attacks.universal import Universal
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.models.training import Progress, SimCLRConfig
from reference_impls.lab.models.zoo import (
    LabData,
    clean_encoder,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import write_json

ATTACKS = ("advencoder-per", "advencoder-pat", "uap", "random-perturbation")
"""Universal attacks, made on the public encoder; the last is the control."""
TRANSFERRED = ATTACKS[:3]
"""Those of them that an attacker would use."""

# -- Settings ------------------------------------------------------------------------

PARENT = SimCLRConfig(steps=200)
LAB = LabData()
SUITE = SuiteConfig()
BASE = HardenConfig(
    budget=Budget(steps=5, random_start=False),
    genetic_weight=1.0,
    epochs=6,
    precision="bf16",
    adaptation=AdaptationConfig(guard=0.02),
)
"""Lab scale: half the published PGD steps, six passes instead of fifty, and a weight that lets
the cross entropy be heard within six; stage 2 may cost two points of robust accuracy. The published weight of 20, and
stage 2 without a guard, are among the ablations."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A downstream task and the size of the attacks on it."""

    task: str
    """Task of the shapes dataset."""
    levels: int
    """Epsilon of training and white-box attacks, in 255ths; universal ones have 10."""

    @property
    def epsilon(self) -> float:
        """On the [0, 1] scale."""
        return self.levels / 255

    def __str__(self) -> str:
        """Short name, for instance `foreground 4/255`."""
        return f"{self.task} {self.levels}/255"


def arms(base: HardenConfig) -> dict[str, HardenConfig]:
    """The methods that are compared, by name."""
    alone = replace(base, adaptation=None)
    return {
        "linear probe": replace(alone, method="linear-probe"),
        "standard": replace(alone, method="standard"),
        "PGD-AT": replace(alone, method="pgd-at"),
        "TRADES": replace(alone, method="trades"),
        "Gen-AF stage 1": alone,
        "Gen-AF": base,
    }


def ablations(base: HardenConfig) -> dict[str, HardenConfig]:
    """Gen-AF with one part changed or left out, by name."""
    stage_2 = base.adaptation or AdaptationConfig()
    fast = replace(stage_2.sensitivity, mode="first-order")
    alone = replace(base, adaptation=None)
    return {
        "no topology term": replace(base, method="pgd-at"),
        "weight 20, stage 1": replace(alone, genetic_weight=20.0),
        "as-named, stage 1": replace(alone, variant="as-named"),
        "frozen teacher, stage 1": replace(alone, variant="frozen-teacher"),
        "no guard": replace(base, adaptation=replace(stage_2, guard=None)),
        "share 0.1": replace(base, adaptation=replace(stage_2, share=0.1)),
        "first-order": replace(base, adaptation=replace(stage_2, sensitivity=fast)),
    }


EVERYWHERE = ("no topology term", "no guard")
"""Ablations that every task has, if any has: they tell why the hard setting is hard."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that is compared."""

    settings: tuple[Setting, ...] = (
        Setting(task="foreground", levels=4),
        Setting(task="texture", levels=8),
    )
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each has an encoder of its own, and attacks on it."""
    ablated: tuple[str, ...] = ("foreground",)
    """Tasks with all ablations; the others have those of stage 2's guard and of the topology term."""
    longer: tuple[str, ...] = ()
    """Tasks on which the methods are also fine-tuned for twice as many epochs."""
    base: HardenConfig = BASE
    """Gen-AF's settings; epsilon and seed come from setting and seed."""
    parent: SimCLRConfig = PARENT
    lab: LabData = LAB
    suite: SuiteConfig = SUITE


FULL = Plan(longer=("texture",))
"""What is published."""
QUICK = Plan(
    settings=(Setting(task="foreground", levels=4),),
    seeds=(0,),
    ablated=(),
    lab=LabData(train=1536, test=512),
)
"""One seed, one task, fewer pictures."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model to make and to measure."""

    arm: str
    part: str
    """`methods`, `ablations`, or `longer`: the methods with twice as many epochs."""
    setting: Setting
    config: HardenConfig
    parent: SimCLRConfig
    lab: LabData
    suite: SuiteConfig

    @property
    def key(self) -> str:
        """Changes with everything that the figures depend on, not with the name."""
        evaluation = EvaluationConfig(epsilon=self.setting.epsilon)
        recipe = (self.setting, self.config, self.parent, self.lab, self.suite)
        return content_key(*recipe, evaluation)

    @property
    def path(self) -> Path:
        """Where its row is kept."""
        return cache_folder() / "gen_af" / "rows" / f"{self.key}.json"


def subjects(plan: Plan) -> list[Subject]:
    """All models of a plan; the methods come before the ablations, those fine-tuned for longer last."""
    return [
        Subject(
            arm=arm,
            part=part,
            setting=setting,
            config=config,
            parent=replace(plan.parent, seed=seed),
            lab=plan.lab,
            suite=plan.suite,
        )
        for part in ("methods", "ablations", "longer")
        for seed in plan.seeds
        for setting in plan.settings
        for arm, config in _arms(part, plan, setting, seed).items()
    ]


def _arms(
    part: str, plan: Plan, setting: Setting, seed: int
) -> dict[str, HardenConfig]:
    budget = replace(plan.base.budget, epsilon=setting.epsilon)
    base = replace(plan.base, budget=budget, seed=seed)
    if part == "methods":
        return arms(base)
    if part == "ablations":
        every = ablations(base) if plan.ablated else {}
        all_of_them = setting.task in plan.ablated
        return {arm: every[arm] for arm in every if all_of_them or arm in EVERYWHERE}
    if setting.task not in plan.longer:
        return {}
    fine_tuned = arms(replace(base, epochs=2 * base.epochs))
    return {arm: fine_tuned[arm] for arm in fine_tuned if arm != "linear probe"}


# -- One model -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
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


def measure(subject: Subject, progress: Progress | None = None) -> Row:
    """The row of a subject, from the cache if it has it."""
    torch.set_num_threads(1)  # two threads on shared cores spin more than they compute
    path = subject.path
    if not path.exists():
        made = make(subject, progress)
        test = task_of(test_dataset(subject.lab), subject.setting.task)
        config = EvaluationConfig(epsilon=subject.setting.epsilon)
        found = evaluate(made.model, test, attacks_on(subject), config)
        write_json({"accuracies": found, **_about(made)}, path)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["layers"] = tuple(data.get("layers", ()))
    return Row(
        arm=subject.arm,
        part=subject.part,
        task=subject.setting.task,
        levels=subject.setting.levels,
        epochs=subject.config.epochs,
        seed=subject.config.seed,
        **data,
    )


def attacks_on(subject: Subject) -> dict[str, Universal]:
    """The universal attacks on the subject's public encoder, made at first use."""
    encoder = clean_encoder(subject.parent, subject.lab)
    recipe = (subject.parent, subject.lab)
    return {
        name: universal_attack(name, encoder, subject.suite, recipe=recipe)
        for name in ATTACKS
    }


def make(subject: Subject, progress: Progress | None = None) -> Made:
    """The model of a subject."""
    encoder = clean_encoder(subject.parent, subject.lab)
    train = task_of(train_dataset(subject.lab), subject.setting.task)
    config, recipe = subject.config, (subject.parent, subject.lab)
    first = fine_tuned(encoder, train, config, recipe=recipe, progress=progress)
    return adapted(first, train, config, recipe=recipe, progress=progress)


def _about(made: Made) -> dict[str, Any]:
    seconds = {"seconds": round(made.seconds, 2)}
    if made.adaptation is None:
        return seconds
    sensitivity = made.adaptation.sensitivity
    return {
        **seconds,
        "layers": made.adaptation.layers,
        "contributions": {one.layer: one.contribution for one in sensitivity.layers},
        "sensitivity_seconds": round(sensitivity.processor_seconds, 3),
    }
