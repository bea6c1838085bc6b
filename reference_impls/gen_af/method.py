"""Gen-AF: fine-tune a public encoder for one task so that attacks made on the encoder fail.

Zhou et al., "Securely Fine-tuning Pre-trained Encoders Against Adversarial Examples",
IEEE S&P 2024, https://arxiv.org/abs/2403.10801.

Whoever has the public encoder can craft one perturbation that fools every model built on
it. Stage 1 fine-tunes encoder and head on adversarial images, each with an optimiser of
its own, and keeps how the images of a batch lie to each other. Stage 2 finds the layers
that robustness can spare and fine-tunes those on clean images.

Settings stand in `config.py`, the losses in `topology.py` and `objectives.py`, the
measurement of layers in `sensitivity.py`. Departures from the published program are listed
in `README.md`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Generator, nn

from reference_impls.gen_af.config import AdaptationConfig, HardenConfig
from reference_impls.gen_af.model import Downstream, Task, build
from reference_impls.gen_af.objectives import Plain, adversarial, objective
from reference_impls.gen_af.sensitivity import Sensitivity, measure_sensitivity
from reference_impls.gen_af.training import Stage, open_accelerator, train
from reference_impls.lab.attacks.pgd import evaluating
from reference_impls.lab.models.encoders import Encoder, check_usable
from reference_impls.lab.models.training import Progress

# -- The two stages ------------------------------------------------------------------


def harden(
    encoder: Encoder,
    task: Task,
    config: HardenConfig,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Hardened:
    """A downstream model of a copy of the encoder; the encoder itself is left alone.

    `checkpoint` is a folder: a killed run goes on from it.

    Raises:
        EncoderError: the encoder is broken or does not take these images.
        DatasetError: too few images.
    """
    started = time.process_time()
    check_usable(encoder, task.images_N3HW[: config.batch].to(encoder.device))
    accelerator = open_accelerator(encoder.device, config.precision, config.accumulate)
    model = build(encoder.to(accelerator.device), len(task.classes), config)
    fit, validation = task.split(config.validation)
    train(
        model,
        first_stage(model, encoder, fit, config),
        accelerator,
        checkpoint=checkpoint / "stage-1" if checkpoint else None,
        progress=progress,
    )
    robust = time.process_time() - started
    second = None
    if config.adaptation and config.two_stages:
        second = adapt(
            model,
            fit,
            validation,
            config,
            config.adaptation,
            accelerator,
            checkpoint=checkpoint / "stage-2" if checkpoint else None,
            progress=progress,
        )
    spent = time.process_time() - started
    report = HardenReport(
        encoder=encoder.name,
        task=task.name,
        classes=task.classes,
        config=config,
        adaptation=second,
        processor_seconds={"stage 1": robust, "stage 2": spent - robust},
    )
    return Hardened(model.deployed(), report)


def first_stage(
    model: Downstream, teacher: Encoder, fit: Task, config: HardenConfig
) -> Stage:
    """Fine-tuning of encoder and head, each with an Adam of its own; a probe trains the head alone."""
    probe = config.method == "linear-probe"

    def prepare(trained: Downstream) -> None:
        trained.train()
        if probe:
            trained.encoder.eval()

    model.requires_grad_()
    model.encoder.requires_grad_(not probe)
    trained: list[tuple[nn.Module, float]] = [(model.head, config.head_learning_rate)]
    if not probe:
        trained.append((model.encoder, config.encoder_learning_rate))
    return Stage(
        task=fit,
        objective=objective(config, teacher),
        optimizers=[
            torch.optim.Adam(
                part.parameters(), lr=rate, weight_decay=config.weight_decay
            )
            for part, rate in trained
        ],
        prepare=prepare,
        epochs=config.epochs,
        batch=config.batch,
        accumulate=config.accumulate,
        decay=config.decay,
        seed=config.seed,
    )


def adapt(
    model: Downstream,
    fit: Task,
    validation: Task,
    config: HardenConfig,
    adaptation: AdaptationConfig,
    accelerator: Accelerator,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Adaptation:
    """Stage 2, in place: measure all layers, fine-tune the most spare ones on clean images."""
    sensitivity = layer_sensitivity(model, fit, config, adaptation)
    layers = sensitivity.spare(adaptation.share)
    stage = second_stage(model, layers, fit, validation, config, adaptation)
    memory = train(model, stage, accelerator, checkpoint=checkpoint, progress=progress)
    return Adaptation(
        sensitivity,
        layers,
        tuple(memory.accuracies),
        tuple(memory.robust),
        memory.kept,
    )


def layer_sensitivity(
    model: Downstream, fit: Task, config: HardenConfig, adaptation: AdaptationConfig
) -> Sensitivity:
    """Every layer's contribution on PGD's images of the first training images."""
    model.deployed()
    few = fit.part(0, adaptation.images)
    generator = Generator().manual_seed(config.seed)
    images, labels = few.images_N3HW.to(model.device), few.labels_N.to(model.device)
    attacked = adversarial(model, images, labels, config.budget, generator)
    return measure_sensitivity(model, attacked, labels, adaptation.sensitivity)


def second_stage(
    model: Downstream,
    layers: tuple[str, ...],
    fit: Task,
    validation: Task,
    config: HardenConfig,
    adaptation: AdaptationConfig,
) -> Stage:
    """Clean fine-tuning of exactly these layers; all else stays, batch-norm statistics too."""
    model.requires_grad_(False)
    trained = [
        weight
        for name in layers
        for weight in model.get_submodule(name).requires_grad_().parameters()
    ]
    return Stage(
        task=fit,
        objective=Plain(),
        optimizers=[
            torch.optim.Adam(
                trained, lr=adaptation.learning_rate, weight_decay=config.weight_decay
            )
        ],
        prepare=with_frozen_statistics,
        epochs=adaptation.epochs,
        batch=config.batch,
        accumulate=config.accumulate,
        seed=config.seed + 1,
        validation=validation,
        robustness=None
        if adaptation.guard is None
        else partial(robust_accuracy, task=validation, config=config),
        guard=adaptation.guard or 0.0,
    )


def robust_accuracy(model: Downstream, task: Task, config: HardenConfig) -> float:
    """Fraction of right answers on PGD's images of a task, in [0, 1]."""
    right = 0
    generator = Generator().manual_seed(config.seed)
    for images, labels in task.batches():
        images, labels = images.to(model.device), labels.to(model.device)
        attacked = adversarial(model, images, labels, config.budget, generator)
        with evaluating(model), torch.no_grad():
            right += int((model.logits(attacked).argmax(dim=1) == labels).sum())
    return right / len(task)


def with_frozen_statistics(model: Downstream) -> None:
    """Training mode, except for layers that keep statistics of what passes through."""
    model.train()
    for part in model.modules():
        if isinstance(part, nn.modules.batchnorm._NormBase):
            part.eval()


# -- The answer ----------------------------------------------------------------------


@dataclass(frozen=True)
class Adaptation:
    """What stage 2 did."""

    sensitivity: Sensitivity
    """Every layer's contribution to robustness."""
    layers: tuple[str, ...]
    """Those that were adapted."""
    validation: tuple[float, ...]
    """Clean accuracy on held-out training images before the first epoch and after each."""
    robust: tuple[float, ...] = ()
    """Accuracy under PGD on the same images at the same times; empty without a guard."""
    kept: int = 0
    """Which of them is the model's; 0 is stage 1's."""


@dataclass(frozen=True, kw_only=True)
class HardenReport:
    """How a model came about."""

    encoder: str
    """Name of the pre-trained encoder."""
    task: str
    """The downstream task."""
    classes: tuple[str, ...]
    """Names of its classes."""
    config: HardenConfig
    """The settings."""
    adaptation: Adaptation | None
    """Stage 2; none where there was none."""
    processor_seconds: dict[str, float] = field(default_factory=dict)
    """Of each stage, in this process since it was last started."""


@dataclass(frozen=True, eq=False)
class Hardened:
    """A model, and how it came about."""

    model: Downstream
    report: HardenReport
