"""One trial: one model, or one encoder before a detector, on one seed; kept in the lab's cache.

What a trial costs is paid once: a killed arena goes on with the trials that are missing.

Shape letters: N images, 3 colour channels, H and W pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from reference_impls.advclip.method import AdvCLIPConfig
from reference_impls.advclip.method import attack as craft_advclip
from reference_impls.advclip.run import lab_victim
from reference_impls.advencoder.suite import universal_attack
from reference_impls.arena.registry import FINE_TUNINGS
from reference_impls.badencoder.method import BadEncoderConfig
from reference_impls.decree import population as trojans
from reference_impls.decree.calibration import LAB_CALIBRATION
from reference_impls.decree.calibration import load as load_calibration
from reference_impls.decree.config import ROBUST
from reference_impls.decree.method import smallest_patch
from reference_impls.gen_af import population as hardened
from reference_impls.gen_af.model import Downstream, Task, task_of
from reference_impls.gen_af.store import adapted, fine_tuned
from reference_impls.gen_af.study import STUDY as HARDENED
from reference_impls.lab.attacks.universal import Universal
from reference_impls.lab.attacks.universal import load as load_change
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.images import make_trigger
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import Progress
from reference_impls.lab.models.zoo import (
    clean_encoder,
    reference_dataset,
    scan_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import write_json

Start = Literal["public", "backdoored"]
"""What was fine-tuned: the clean public encoder, or its copy with BadEncoder's backdoor."""
ADVCLIP = "advclip-patch"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The population of the arena: Gen-AF's, and a backdoored copy of each of its encoders."""

    models: hardened.StudyConfig = field(default_factory=hardened.StudyConfig)
    """Tasks, seeds and settings of fine-tuning."""
    backdoor: BadEncoderConfig = field(default_factory=BadEncoderConfig)
    """How the backdoored copies are made; the seed is replaced."""
    backdoored_tasks: int = 1
    """Of how many settings the backdoored copies are fine-tuned, the first ones."""


QUICK = Plan(models=hardened.QUICK, backdoor=BadEncoderConfig(steps=100))
"""One seed, one task, short attacks."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One measurement."""

    kind: Literal["classifier", "detector"]
    seed: int
    start: Start
    """Which encoder."""
    subject: hardened.Condition | None
    """How it is fine-tuned; none leaves the encoder alone, for a detector."""
    defense: str | None
    """Which defense fine-tunes it."""
    plan: Plan

    @property
    def name(self) -> str:
        """Short name for progress."""
        task = self.subject.setting if self.subject else "encoder"
        return f"{self.start} {self.defense or 'as it is'} {task} seed {self.seed}"

    @property
    def key(self) -> str:
        """Changes with everything that changes the figures."""
        key = content_key(self.subject) if self.subject else None
        models = self.plan.models
        recipe = (models.parent, models.lab, models.suite, self.plan.backdoor)
        # DECREE's threshold is a file; another one gives other verdicts.
        judge = LAB_CALIBRATION.read_text("utf-8") if self.kind == "detector" else ""
        return content_key(self.kind, self.seed, self.start, key, recipe, judge)

    @property
    def path(self) -> Path:
        """Where its figures are kept."""
        return cache_folder() / "arena" / f"{self.key}.json"


def trials(plan: Plan) -> list[Trial]:
    """All trials: what readers ask first comes first, what takes longest last."""
    return [*_classifiers(plan, "public"), *_detectors(plan), *_backdoored(plan)]


def _backdoored(plan: Plan) -> Iterator[Trial]:
    few = plan.models.settings[: plan.backdoored_tasks]
    narrowed = replace(plan, models=replace(plan.models, settings=few))
    for trial in _classifiers(narrowed, "backdoored"):
        yield replace(trial, plan=plan)
        yield replace(trial, plan=plan, kind="detector")


def _classifiers(plan: Plan, start: Start) -> Iterator[Trial]:
    by_arm = {one.arm: one for one in FINE_TUNINGS}
    for subject in hardened.conditions(plan.models):
        defense = by_arm.get(subject.arm)
        if defense is not None and subject.part == "methods":
            yield Trial(
                kind="classifier",
                seed=subject.config.seed,
                start=start,
                subject=subject,
                defense=defense.id,
                plan=plan,
            )


def _detectors(plan: Plan) -> Iterator[Trial]:
    starts: tuple[Start, ...] = ("public", "backdoored")
    for seed in plan.models.seeds:
        for start in starts:
            yield Trial(
                kind="detector",
                seed=seed,
                start=start,
                subject=None,
                defense=None,
                plan=plan,
            )
    first = plan.models.settings[0]
    for trial in _classifiers(plan, "public"):
        # A probe leaves the encoder as it was.
        if (
            trial.subject
            and trial.subject.setting == first
            and trial.subject.arm != PROBE
        ):
            yield replace(trial, kind="detector")


PROBE = "linear probe"


def run(trial: Trial, progress: Progress | None = None) -> dict[str, Any]:
    """The figures of a trial, from the cache if it has them."""
    torch.set_num_threads(1)  # two threads on shared cores spin more than they compute
    if not trial.path.exists():
        measure = _classify if trial.kind == "classifier" else _judge
        write_json(measure(trial, progress), trial.path)
    figures: dict[str, Any] = json.loads(trial.path.read_text(encoding="utf-8"))
    return figures


# -- Encoders ------------------------------------------------------------------------


def backdoored_subject(plan: Plan, seed: int) -> trojans.Condition:
    """BadEncoder's copy of a seed's public encoder."""
    return trojans.Condition(
        role="backdoored",
        parent=replace(plan.models.parent, seed=seed),
        attack=replace(plan.backdoor, seed=seed),
        reference=seed,
        lab=plan.models.lab,
    )


def _encoder(trial: Trial, progress: Progress | None) -> Encoder:
    """The encoder that a trial begins with."""
    if trial.start == "backdoored":
        subject = backdoored_subject(trial.plan, trial.seed)
        return trojans.make(subject, progress=progress)[0]
    parent = replace(trial.plan.models.parent, seed=trial.seed)
    return clean_encoder(parent, trial.plan.models.lab, progress=progress)


# -- Classifiers ---------------------------------------------------------------------


def _classify(trial: Trial, progress: Progress | None) -> dict[str, Any]:
    subject = trial.subject
    if subject is None:
        raise ValueError("a classifier needs a way of fine-tuning")
    test = task_of(test_dataset(subject.lab), subject.setting.task)
    if trial.start == "backdoored":
        model = _model(trial, progress)
        return _backdoor_figures(trial, model, test)
    (row,) = HARDENED.trials(subject)
    found = dict(row.accuracies)
    model = _model(trial, progress)
    for name, change in _more_attacks(trial, progress).items():
        found[name] = _accuracy(model, change.apply(test.images_N3HW), test.labels_N)
    return {"accuracies": found}


def _model(trial: Trial, progress: Progress | None) -> Downstream:
    """The fine-tuned model, from Gen-AF's own cache if it is there."""
    subject = trial.subject
    if subject is None:
        raise ValueError("no fine-tuning, no model")
    if trial.start == "public":
        return hardened.make(subject, progress).model
    train = task_of(train_dataset(subject.lab), subject.setting.task)
    recipe = (subject.parent, subject.lab, trial.plan.backdoor, trial.seed)
    first = fine_tuned(
        _encoder(trial, progress),
        train,
        subject.config,
        recipe=recipe,
        progress=progress,
    )
    made = adapted(first, train, subject.config, recipe=recipe, progress=progress)
    return made.model


@torch.no_grad()
def _predict(model: Downstream, images_N3HW: Tensor) -> Tensor:
    parts = images_N3HW.to(model.device).split(256)
    return torch.cat([model.logits(part).argmax(dim=1) for part in parts]).cpu()


def _accuracy(model: Downstream, images_N3HW: Tensor, labels_N: Tensor) -> float:
    return (_predict(model, images_N3HW) == labels_N).float().mean().item()


def _backdoor_figures(trial: Trial, model: Downstream, test: Task) -> dict[str, Any]:
    """Success rate over images of other classes than the one the model sees in the reference."""
    subject = backdoored_subject(trial.plan, trial.seed)
    trigger = make_trigger(
        (subject.attack or BadEncoderConfig()).trigger, model.about.size
    )
    dataset = reference_dataset(subject.lab)
    reference_13HW = dataset.images_N3HW[subject.reference].unsqueeze(0)
    target = int(_predict(model, reference_13HW))
    others_N = test.labels_N != target
    stamped = _predict(model, trigger.apply(test.images_N3HW[others_N]))
    return {
        "accuracy": _accuracy(model, test.images_N3HW, test.labels_N),
        "success": (stamped == target).float().mean().item(),
    }


def _more_attacks(trial: Trial, progress: Progress | None) -> dict[str, Universal]:
    """Universal changes that Gen-AF's own comparison leaves out."""
    models = trial.plan.models
    encoder = _encoder(trial, progress)
    return {
        "random-patch": universal_attack("random-patch", encoder, models.suite),
        ADVCLIP: _advclip(trial, progress),
    }


def _advclip(trial: Trial, progress: Progress | None) -> Universal:
    """AdvCLIP's patch, made on the lab's CLIP of the same seed: a transfer to this encoder."""
    suite = trial.plan.models.suite
    settings = AdvCLIPConfig(patch=suite.patch, steps=suite.steps, seed=trial.seed)
    key = content_key("advclip", settings, suite.images, suite.dataset_seed, trial.seed)
    path = cache_folder() / "attacks" / f"{ADVCLIP}-{key}.npz"
    if not path.exists():
        victim = lab_victim(f"lab:{trial.seed}")
        surrogate = suite.surrogate(victim.image.size)
        craft_advclip(victim, surrogate, settings, progress=progress).save(path)
    return load_change(path)


# -- The detector --------------------------------------------------------------------


def _judge(trial: Trial, progress: Progress | None) -> dict[str, Any]:
    """DECREE's verdict on the encoder, or on that inside the fine-tuned model."""
    encoder = (
        _model(trial, progress).about if trial.subject else _encoder(trial, progress)
    )
    encoder.module.eval().requires_grad_(False)
    calibration = load_calibration(LAB_CALIBRATION)
    images_N3HW = scan_dataset(trial.plan.models.lab).images_N3HW
    score = smallest_patch(encoder, images_N3HW, ROBUST)
    return {
        "score": score,
        "flagged": calibration.suspicious(score),
        "threshold": calibration.threshold,
    }
