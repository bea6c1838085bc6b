"""Which models are compared: tasks, seeds and arms, each made once and kept in the lab's cache.

Arms that differ in stage 2 alone share their stage 1.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from reference_impls.advencoder.suite import SuiteConfig, universal_attack
from reference_impls.gen_af.config import AdaptationConfig, HardenConfig
from reference_impls.gen_af.evaluate import EvaluationConfig, evaluate
from reference_impls.gen_af.method import adapt, harden
from reference_impls.gen_af.model import Downstream, Task, load, save, task_of
from reference_impls.gen_af.training import open_accelerator
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.encoders import load_encoder
from reference_impls.lab.report import as_data, write_json
from reference_impls.lab.training import Progress, SimCLRConfig
from reference_impls.lab.universal import Universal
from reference_impls.lab.white_box import Budget
from reference_impls.lab.zoo import LabWorld, clean_encoder, test_world, train_world

ATTACKS = ("advencoder-per", "advencoder-pat", "uap", "random-perturbation")
"""Universal attacks, made on the public encoder; the last is the control."""
TRANSFERRED = ATTACKS[:3]
"""Those of them that an attacker would use."""

# -- Settings ------------------------------------------------------------------------

STAGE_2 = AdaptationConfig()
PARENT = SimCLRConfig(steps=200)
LAB = LabWorld()
SUITE = SuiteConfig()
BASE = HardenConfig(
    budget=Budget(steps=5, random_start=False), epochs=6, precision="bf16"
)
"""Lab scale: half the published PGD steps, six passes instead of fifty."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A downstream task and the size of the attacks on it."""

    task: str
    """Task of the shapes world."""
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
    stage_2 = base.adaptation or STAGE_2
    fast = replace(stage_2.sensitivity, mode="first-order")
    return {
        "no topology term": replace(base, method="pgd-at"),
        "weight 1": replace(base, genetic_weight=1.0),
        "weight 1, no stage 2": replace(base, genetic_weight=1.0, adaptation=None),
        "as-named": replace(base, variant="as-named", adaptation=None),
        "frozen teacher": replace(base, variant="frozen-teacher", adaptation=None),
        "share 0.1": replace(base, adaptation=replace(stage_2, share=0.1)),
        "first-order": replace(base, adaptation=replace(stage_2, sensitivity=fast)),
    }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that is compared."""

    settings: tuple[Setting, ...] = (
        Setting(task="foreground", levels=4),
        Setting(task="texture", levels=8),
    )
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each has an encoder of its own, and attacks on it."""
    ablated: tuple[str, ...] = ("foreground", "texture")
    """Tasks with ablations."""
    base: HardenConfig = BASE
    """Gen-AF's settings; epsilon and seed come from setting and seed."""
    parent: SimCLRConfig = PARENT
    lab: LabWorld = LAB
    suite: SuiteConfig = SUITE


QUICK = Plan(
    settings=(Setting(task="foreground", levels=4),),
    seeds=(0,),
    ablated=(),
    lab=LabWorld(train=1536, test=512),
)
"""One seed, one task, fewer pictures."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model to make and to measure."""

    arm: str
    part: str
    """`methods` or `ablations`."""
    setting: Setting
    config: HardenConfig
    parent: SimCLRConfig
    lab: LabWorld
    suite: SuiteConfig

    @property
    def key(self) -> str:
        """Changes with everything that the figures depend on, not with the name."""
        evaluation = EvaluationConfig(epsilon=self.setting.epsilon)
        recipe = (self.setting, self.config, self.parent, self.lab, self.suite)
        return content_key(*recipe, evaluation)

    def first(self) -> Subject:
        """The same without stage 2."""
        return replace(self, config=replace(self.config, adaptation=None))


def subjects(plan: Plan) -> list[Subject]:
    """All models of a plan; the methods come before the ablations."""
    found = []
    for part, table in (("methods", arms), ("ablations", ablations)):
        for seed in plan.seeds:
            for setting in plan.settings:
                if part == "ablations" and setting.task not in plan.ablated:
                    continue
                budget = replace(plan.base.budget, epsilon=setting.epsilon)
                base = replace(plan.base, budget=budget, seed=seed)
                found += [
                    Subject(
                        arm=arm,
                        part=part,
                        setting=setting,
                        config=config,
                        parent=replace(plan.parent, seed=seed),
                        lab=plan.lab,
                        suite=plan.suite,
                    )
                    for arm, config in table(base).items()
                ]
    return found


# -- One model -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model and what it reached."""

    arm: str
    part: str
    task: str
    levels: int
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
    path = cache_folder() / "gen_af" / "rows" / f"{subject.key}.json"
    if not path.exists():
        model, about = made(subject, progress)
        test = task_of(test_world(subject.lab), subject.setting.task)
        config = EvaluationConfig(epsilon=subject.setting.epsilon)
        found = evaluate(model, test, attacks_on(subject), config)
        write_json({"accuracies": found, **about}, path)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["layers"] = tuple(data.get("layers", ()))
    return Row(
        arm=subject.arm,
        part=subject.part,
        task=subject.setting.task,
        levels=subject.setting.levels,
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


def made(
    subject: Subject, progress: Progress | None = None
) -> tuple[Downstream, dict[str, Any]]:
    """The model, trained if the cache has none, and how it came about."""
    train = task_of(train_world(subject.lab), subject.setting.task)
    model, seconds = _stage_1(subject.first(), train, progress)
    config, second = subject.config, subject.config.adaptation
    if second is None or not config.two_stages:
        return model, {"seconds": round(seconds, 2)}
    started = time.process_time()
    fit, validation = train.split(config.validation)
    accelerator = open_accelerator(model.device, config.precision, config.accumulate)
    found = adapt(
        model, fit, validation, config, second, accelerator, progress=progress
    )
    layers = found.sensitivity.layers
    return model.deployed(), {
        "seconds": round(seconds + time.process_time() - started, 2),
        "layers": found.layers,
        "contributions": {one.layer: one.contribution for one in layers},
        "sensitivity_seconds": round(found.sensitivity.processor_seconds, 3),
    }


def _stage_1(
    subject: Subject, train: Task, progress: Progress | None
) -> tuple[Downstream, float]:
    recipe = (subject.setting, subject.config, subject.parent, subject.lab)
    folder = cache_folder() / "gen_af" / "models" / content_key(*recipe)
    if not (folder / "made.json").exists():
        encoder = clean_encoder(subject.parent, subject.lab)
        checkpoint = folder.with_suffix(".checkpoint")
        found = harden(
            encoder, train, subject.config, checkpoint=checkpoint, progress=progress
        )
        save(found.model, train.classes, train.name, folder)
        about = {"seconds": found.report.processor_seconds["stage 1"]}
        shutil.rmtree(checkpoint, ignore_errors=True)
        write_json(as_data(about), folder / "made.json")  # last: the rest is there
    about = json.loads((folder / "made.json").read_text(encoding="utf-8"))
    encoder = load_encoder(folder / "encoder.safetensors")
    model, _, _ = load(encoder, folder / "head.safetensors")
    return _with_dropout(model, subject.config.dropout), about["seconds"]


def _with_dropout(model: Downstream, share: float) -> Downstream:
    """A head's file does not know the dropout that stage 2 trains with."""
    for part in model.head:
        if isinstance(part, torch.nn.Dropout):
            part.p = share
    return model
