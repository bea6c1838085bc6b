"""Which models are compared: tasks, seeds and arms, each made once and kept in the lab's cache.

Arms that differ in stage 2 alone share their stage 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reference_impls.advencoder.suite import SuiteConfig, universal_attack
from reference_impls.gen_af.config import AdaptationConfig, HardenConfig
from reference_impls.gen_af.evaluate import ATTACKS
from reference_impls.gen_af.model import task_of
from reference_impls.gen_af.store import Made, adapted, fine_tuned
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.attacks.universal import Universal
from reference_impls.lab.models.training import Progress, SimCLRConfig
from reference_impls.lab.models.zoo import (
    PARENT,
    LabData,
    clean_encoder,
    train_dataset,
)

# -- Settings ------------------------------------------------------------------------

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
class StudyConfig:
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


FULL = StudyConfig(longer=("texture",))
"""What is published."""
QUICK = StudyConfig(
    settings=(Setting(task="foreground", levels=4),),
    seeds=(0,),
    ablated=(),
    lab=LabData(train=1536, test=512),
)
"""One seed, one task, fewer pictures."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One model to make and to measure."""

    arm: str
    """Name of the method or of the ablation."""
    part: str
    """`methods`, `ablations`, or `longer`: the methods with twice as many epochs."""
    setting: Setting
    config: HardenConfig
    parent: SimCLRConfig
    lab: LabData
    suite: SuiteConfig

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.arm}, {self.setting}, seed {self.config.seed}"


def conditions(study: StudyConfig) -> list[Condition]:
    """All models of a study; the methods come before the ablations, those fine-tuned for longer last."""
    return [
        Condition(
            arm=arm,
            part=part,
            setting=setting,
            config=config,
            parent=replace(study.parent, seed=seed),
            lab=study.lab,
            suite=study.suite,
        )
        for part in ("methods", "ablations", "longer")
        for seed in study.seeds
        for setting in study.settings
        for arm, config in _arms(part, study, setting, seed).items()
    ]


def _arms(
    part: str, study: StudyConfig, setting: Setting, seed: int
) -> dict[str, HardenConfig]:
    budget = replace(study.base.budget, epsilon=setting.epsilon)
    base = replace(study.base, budget=budget, seed=seed)
    if part == "methods":
        return arms(base)
    if part == "ablations":
        every = ablations(base) if study.ablated else {}
        all_of_them = setting.task in study.ablated
        return {arm: every[arm] for arm in every if all_of_them or arm in EVERYWHERE}
    if setting.task not in study.longer:
        return {}
    longer = arms(replace(base, epochs=2 * base.epochs))
    return {arm: longer[arm] for arm in longer if arm != "linear probe"}


# -- Making them ---------------------------------------------------------------------


def attacks_on(condition: Condition) -> dict[str, Universal]:
    """The universal attacks on the condition's public encoder, made at first use."""
    encoder = clean_encoder(condition.parent, condition.lab)
    recipe = (condition.parent, condition.lab)
    return {
        name: universal_attack(name, encoder, condition.suite, recipe=recipe)
        for name in ATTACKS
    }


def make(condition: Condition, progress: Progress | None = None) -> Made:
    """The model of a condition."""
    encoder = clean_encoder(condition.parent, condition.lab)
    train = task_of(train_dataset(condition.lab), condition.setting.task)
    config, recipe = condition.config, (condition.parent, condition.lab)
    first = fine_tuned(encoder, train, config, recipe=recipe, progress=progress)
    return adapted(first, train, config, recipe=recipe, progress=progress)
