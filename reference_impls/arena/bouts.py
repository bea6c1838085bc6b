"""One bout: one model, or one encoder before a detector, on one seed; kept in the lab's cache.

What a bout costs is paid once: a killed arena goes on with the bouts that are missing.

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
from reference_impls.arena.entrants import fine_tunings
from reference_impls.badencoder.method import BadEncoderConfig
from reference_impls.decree import population as trojans
from reference_impls.decree.calibration import load as load_calibration
from reference_impls.decree.config import ROBUST
from reference_impls.decree.method import detect
from reference_impls.decree.scan import LAB_CALIBRATION
from reference_impls.gen_af import population as hardened
from reference_impls.gen_af.model import Downstream, Task, task_of
from reference_impls.gen_af.store import adapted, fine_tuned
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.encoders import Encoder
from reference_impls.lab.images import make_trigger
from reference_impls.lab.report import write_json
from reference_impls.lab.training import Progress
from reference_impls.lab.universal import Universal
from reference_impls.lab.universal import load as load_change
from reference_impls.lab.zoo import (
    clean_encoder,
    reference_world,
    scan_world,
    test_world,
    train_world,
)

Start = Literal["public", "backdoored"]
"""What was fine-tuned: the clean public encoder, or its copy with BadEncoder's backdoor."""
ADVCLIP = "advclip-patch"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The population of the arena: Gen-AF's, and a backdoored copy of each of its encoders."""

    models: hardened.Plan = field(default_factory=hardened.Plan)
    """Tasks, seeds and settings of fine-tuning."""
    backdoor: BadEncoderConfig = field(default_factory=BadEncoderConfig)
    """How the backdoored copies are made; the seed is replaced."""
    backdoored_tasks: int = 1
    """Of how many settings the backdoored copies are fine-tuned, the first ones."""


QUICK = Plan(models=hardened.QUICK, backdoor=BadEncoderConfig(steps=100))
"""One seed, one task, short attacks."""


@dataclass(frozen=True, kw_only=True)
class Bout:
    """One measurement."""

    kind: Literal["classifier", "detector"]
    seed: int
    start: Start
    """Which encoder."""
    subject: hardened.Subject | None
    """How it is fine-tuned; none leaves the encoder alone, for a detector."""
    defence: str | None
    """Which defence fine-tunes it."""
    plan: Plan

    @property
    def name(self) -> str:
        """Short name for progress."""
        task = self.subject.setting if self.subject else "encoder"
        return f"{self.start} {self.defence or 'as it is'} {task} seed {self.seed}"

    @property
    def key(self) -> str:
        """Changes with everything that changes the figures."""
        key = self.subject.key if self.subject else None
        models = self.plan.models
        recipe = (models.parent, models.lab, models.suite, self.plan.backdoor)
        # DECREE's threshold is a file; another one gives other verdicts.
        judge = LAB_CALIBRATION.read_text("utf-8") if self.kind == "detector" else ""
        return content_key(self.kind, self.seed, self.start, key, recipe, judge)

    @property
    def path(self) -> Path:
        """Where its figures are kept."""
        return cache_folder() / "arena" / f"{self.key}.json"


def bouts(plan: Plan) -> list[Bout]:
    """All bouts: what readers ask first comes first, what takes longest last."""
    return [*_classifiers(plan, "public"), *_detectors(plan), *_backdoored(plan)]


def _backdoored(plan: Plan) -> Iterator[Bout]:
    few = plan.models.settings[: plan.backdoored_tasks]
    narrowed = replace(plan, models=replace(plan.models, settings=few))
    for bout in _classifiers(narrowed, "backdoored"):
        yield replace(bout, plan=plan)
        yield replace(bout, plan=plan, kind="detector")


def _classifiers(plan: Plan, start: Start) -> Iterator[Bout]:
    by_arm = {one.arm: one for one in fine_tunings()}
    for subject in hardened.subjects(plan.models):
        defence = by_arm.get(subject.arm)
        if defence is not None and subject.part == "methods":
            yield Bout(
                kind="classifier",
                seed=subject.config.seed,
                start=start,
                subject=subject,
                defence=defence.id,
                plan=plan,
            )


def _detectors(plan: Plan) -> Iterator[Bout]:
    starts: tuple[Start, ...] = ("public", "backdoored")
    for seed in plan.models.seeds:
        for start in starts:
            yield Bout(
                kind="detector",
                seed=seed,
                start=start,
                subject=None,
                defence=None,
                plan=plan,
            )
    first = plan.models.settings[0]
    for bout in _classifiers(plan, "public"):
        # A probe leaves the encoder as it was.
        if bout.subject and bout.subject.setting == first and bout.subject.arm != PROBE:
            yield replace(bout, kind="detector")


PROBE = "linear probe"


def run(bout: Bout, progress: Progress | None = None) -> dict[str, Any]:
    """The figures of a bout, from the cache if it has them."""
    torch.set_num_threads(1)  # two threads on shared cores spin more than they compute
    if not bout.path.exists():
        measure = _classify if bout.kind == "classifier" else _judge
        write_json(measure(bout, progress), bout.path)
    figures: dict[str, Any] = json.loads(bout.path.read_text(encoding="utf-8"))
    return figures


# -- Encoders ------------------------------------------------------------------------


def backdoored_subject(plan: Plan, seed: int) -> trojans.Subject:
    """BadEncoder's copy of a seed's public encoder."""
    return trojans.Subject(
        role="backdoored",
        parent=replace(plan.models.parent, seed=seed),
        attack=replace(plan.backdoor, seed=seed),
        reference=seed,
        lab=plan.models.lab,
    )


def _encoder(bout: Bout, progress: Progress | None) -> Encoder:
    """The encoder that a bout begins with."""
    if bout.start == "backdoored":
        subject = backdoored_subject(bout.plan, bout.seed)
        return trojans.make(subject, progress=progress)[0]
    parent = replace(bout.plan.models.parent, seed=bout.seed)
    return clean_encoder(parent, bout.plan.models.lab, progress=progress)


# -- Classifiers ---------------------------------------------------------------------


def _classify(bout: Bout, progress: Progress | None) -> dict[str, Any]:
    subject = bout.subject
    if subject is None:
        raise ValueError("a classifier needs a way of fine-tuning")
    test = task_of(test_world(subject.lab), subject.setting.task)
    if bout.start == "backdoored":
        model = _model(bout, progress)
        return _backdoor_figures(bout, model, test)
    row = hardened.measure(subject, progress)
    found = dict(row.accuracies)
    model = _model(bout, progress)
    for name, change in _more_attacks(bout, progress).items():
        found[name] = _accuracy(model, change.apply(test.images_N3HW), test.labels_N)
    return {"accuracies": found}


def _model(bout: Bout, progress: Progress | None) -> Downstream:
    """The fine-tuned model, from Gen-AF's own cache if it is there."""
    subject = bout.subject
    if subject is None:
        raise ValueError("no fine-tuning, no model")
    if bout.start == "public":
        return hardened.make(subject, progress).model
    train = task_of(train_world(subject.lab), subject.setting.task)
    recipe = (subject.parent, subject.lab, bout.plan.backdoor, bout.seed)
    first = fine_tuned(
        _encoder(bout, progress),
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


def _backdoor_figures(bout: Bout, model: Downstream, test: Task) -> dict[str, Any]:
    """Success rate over images of other classes than the one the model sees in the reference."""
    subject = backdoored_subject(bout.plan, bout.seed)
    trigger = make_trigger(
        (subject.attack or BadEncoderConfig()).trigger, model.about.size
    )
    world = reference_world(subject.lab)
    reference_13HW = world.images_N3HW[subject.reference].unsqueeze(0)
    target = int(_predict(model, reference_13HW))
    others_N = test.labels_N != target
    stamped = _predict(model, trigger.apply(test.images_N3HW[others_N]))
    return {
        "accuracy": _accuracy(model, test.images_N3HW, test.labels_N),
        "success": (stamped == target).float().mean().item(),
    }


def _more_attacks(bout: Bout, progress: Progress | None) -> dict[str, Universal]:
    """Universal changes that Gen-AF's own comparison leaves out."""
    models = bout.plan.models
    encoder = _encoder(bout, progress)
    return {
        "random-patch": universal_attack("random-patch", encoder, models.suite),
        ADVCLIP: _advclip(bout, progress),
    }


def _advclip(bout: Bout, progress: Progress | None) -> Universal:
    """AdvCLIP's patch, made on the lab's CLIP of the same seed: a transfer to this encoder."""
    suite = bout.plan.models.suite
    settings = AdvCLIPConfig(patch=suite.patch, steps=suite.steps, seed=bout.seed)
    key = content_key("advclip", settings, suite.images, suite.world_seed, bout.seed)
    path = cache_folder() / "attacks" / f"{ADVCLIP}-{key}.npz"
    if not path.exists():
        victim = lab_victim(f"lab:{bout.seed}")
        surrogate = suite.surrogate(victim.image.size)
        craft_advclip(victim, surrogate, settings, progress=progress).save(path)
    return load_change(path)


# -- The detector --------------------------------------------------------------------


def _judge(bout: Bout, progress: Progress | None) -> dict[str, Any]:
    """DECREE's verdict on the encoder, or on that inside the fine-tuned model."""
    encoder = _model(bout, progress).about if bout.subject else _encoder(bout, progress)
    encoder.module.eval().requires_grad_(False)
    report = detect(
        encoder,
        scan_world(bout.plan.models.lab).images_N3HW,
        ROBUST,
        calibration=load_calibration(LAB_CALIBRATION),
    )
    return {
        "score": report.score,
        "flagged": report.backdoored,
        "threshold": report.calibration.threshold,
    }
