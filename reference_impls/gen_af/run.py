"""The commands `run` and `evaluate`: fine-tune one model so that attacks fail, and measure one."""

from __future__ import annotations

import contextlib
import io
import os
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import tyro
from accelerate import PartialState

from reference_impls.advencoder.suite import SuiteConfig, universal_attack
from reference_impls.gen_af.config import AdaptationConfig, HardenConfig
from reference_impls.gen_af.evaluate import (
    ATTACKS,
    EvaluationConfig,
    evaluate,
    masking,
)
from reference_impls.gen_af.model import Task, load, save_head, task_of
from reference_impls.gen_af.population import BASE, LAB, SUITE
from reference_impls.gen_af.report import WORDS, Outcome, lines, report_page
from reference_impls.gen_af.store import Made, adapted, fine_tuned
from reference_impls.gen_af.training import open_accelerator
from reference_impls.lab.attacks.universal import Universal
from reference_impls.lab.data.named import CLASS, Split
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.files import file_name
from reference_impls.lab.models.encoders import Encoder, check_usable, digest
from reference_impls.lab.study import console
from reference_impls.lab.study.options import DataOptions, EncoderName

DEFAULT = replace(BASE, precision=None)
"""Those of the study, but for the precision: `accelerate launch` chooses it."""


@dataclass(frozen=True, kw_only=True)
class ModelOptions(DataOptions):
    """Of a command that measures a fine-tuned model."""

    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1; `auto` is Accelerate's choice if it launched this, else the CPU."""
    attacks: SuiteConfig = SUITE
    """The universal attacks to try, made on the public encoder."""

    @property
    def torch_device(self) -> torch.device:
        """Where to compute."""
        if self.device != "auto":
            return console.device(self.device)
        launched = {"ACCELERATE_MIXED_PRECISION", "LOCAL_RANK"} & set(os.environ)
        if launched and os.environ.get("ACCELERATE_USE_CPU") is None:
            return torch.device(PartialState().device)
        return torch.device("cpu")

    def downstream(self, name: str, size: int, *, split: Split, count: int) -> Task:
        """The downstream task's images, as many at most.

        Raises:
            ConfigError: the dataset has no such task.
            DatasetError: the images cannot be read, or are of one class.
        """
        seed = LAB.seed + (split == "test")
        images = self.open_dataset(size, split=split, seed=seed, count=max(1, count))
        return task_of(images, name)

    def made_on(self, encoder: Encoder) -> dict[str, Universal]:
        """The universal attacks on a public encoder, from the cache if they are there."""
        made, recipe = {}, digest(encoder)
        for name in ATTACKS:
            with console.progress(f"crafting {name}") as step:
                made[name] = universal_attack(
                    name,
                    encoder,
                    self.attacks,
                    recipe=recipe,
                    progress=console.training(step),
                )
        return made


@dataclass(frozen=True, kw_only=True)
class Run(ModelOptions):
    """Fine-tune an encoder for a task so that attacks made on the encoder fail, and measure the model.

    Launched by `accelerate launch -m reference_impls.gen_af run`, several processes train together.
    """

    encoder: EncoderName = "lab"
    """`lab` (trained at first use), a file, or a name as in `torchvision:resnet18`."""
    task: str | None = None
    """Task of the dataset; default: `foreground` of shapes, and the only one of others."""
    count: int = 4096
    """Training images at most; a quarter as many are tested on."""
    config: Annotated[HardenConfig, tyro.conf.arg(name="")] = DEFAULT
    adaptation: AdaptationConfig = BASE.adaptation or AdaptationConfig()
    stage_2: bool = True
    """Stop after adversarial fine-tuning."""
    compare: bool = True
    """Leave out the standard fine-tuning that it is compared with."""
    out: Path | None = None
    """Folder of model and report; default: build/gen_af/ENCODER-TASK."""

    @property
    def training(self) -> HardenConfig:
        """All settings of it, stage 2's among them."""
        stage_2 = self.adaptation if self.stage_2 else None
        return replace(self.config, adaptation=stage_2)

    def __call__(self) -> int:
        """Fine-tune, measure, write; the first of several processes answers for all."""
        started, device = time.monotonic(), self.torch_device
        open_accelerator(device, self.config.precision)
        first = PartialState().is_main_process
        quiet = contextlib.redirect_stderr(io.StringIO())
        with contextlib.nullcontext() if first else quiet:
            # One process makes what is missing in the cache, the others then read it.
            with PartialState().main_process_first():
                encoder = self.open_encoder(self.encoder)
                name = self.task or (
                    "foreground" if self.dataset == "shapes" else CLASS
                )
                find = partial(self.downstream, name, encoder.size)
                train = find(split="train", count=self.count)
                test = find(split="test", count=self.count // 4)
            models = self._train(encoder, train)
        if not first:
            return 0
        attacks = self.made_on(encoder)
        evaluation = EvaluationConfig(epsilon=self.config.budget.epsilon)
        outcomes = [
            Outcome(
                name,
                evaluate(made.model, test, attacks, evaluation),
                made.seconds,
                masking(made.model, test, attacks, evaluation),
            )
            for name, made in models.items()
        ]
        last = list(models.values())[-1]
        name = file_name(f"{encoder.name}-{train.name}", empty="model")
        out = self.out or Path("build/gen_af") / name
        tuned = last.model.about
        check_usable(tuned, test.images_N3HW[:64].to(tuned.device))
        path = self.save_encoder(self.encoder, tuned, out / "encoder")
        save_head(last.model, train.classes, train.name, out)
        found = {
            "task": train.name,
            "classes": train.classes,
            "models": outcomes,
            "adaptation": last.adaptation,
            "config": self.training,
        }
        page = partial(
            report_page,
            outcomes,
            last.adaptation,
            epsilon=self.config.budget.epsilon,
            subject=WORDS["report.subject"].fill(encoder=self.encoder, task=train.name),
            out=out,
        )
        told = [*lines(outcomes), f"encoder: {path}", f"report: {out / 'report.html'}"]
        return self.leave(found, told, out / "report.json", started=started, page=page)

    def _train(self, encoder: Encoder, train: Task) -> dict[str, Made]:
        """Standard fine-tuning to compare with, the method after stage 1, and after stage 2."""
        config = self.training
        recipe = (digest(encoder), self.dataset, self.count)
        method, made = config.method, {}
        if self.compare and method != "standard":
            standard = replace(config, method="standard")
            with console.progress("standard fine-tuning") as step:
                made["standard"] = fine_tuned(
                    encoder,
                    train,
                    standard,
                    recipe=recipe,
                    progress=console.training(step),
                )
        with console.progress(method) as step:
            first = fine_tuned(
                encoder, train, config, recipe=recipe, progress=console.training(step)
            )
        if not config.two_stages:
            return made | {method: first}
        with console.progress(f"{method}, stage 2") as step:
            second = adapted(
                first, train, config, recipe=recipe, progress=console.training(step)
            )
        return made | {f"{method}, stage 1": first, method: second}


@dataclass(frozen=True, kw_only=True)
class Evaluate(ModelOptions):
    """Measure a model that `run` wrote, perhaps against another attacker."""

    encoder: EncoderName
    """The encoder that `run` wrote, or a name."""
    head: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="HEAD")]
    """The head.safetensors that `run` wrote."""
    public: str | None = None
    """The encoder that the attacker has; default: the model's own."""
    count: int = 1024
    """Test images at most."""
    config: Annotated[EvaluationConfig, tyro.conf.arg(name="")] = field(
        default_factory=EvaluationConfig
    )

    def __call__(self) -> int:
        """Open, attack, answer.

        Raises:
            EncoderError: a file is missing, or encoder, head and task do not belong together.
            DatasetError: the task's labels lie outside the head.
        """
        encoder = self.open_encoder(self.encoder)
        model, name, classes = load(encoder, self.head)
        test = self.downstream(name, encoder.size, split="test", count=self.count)
        if len(test.classes) != len(classes):
            raise EncoderError(
                f"{self.head} knows {len(classes)} classes, task {name!r} of {self.dataset} "
                f"has {len(test.classes)}"
            )
        public = self.open_encoder(self.public) if self.public else encoder
        started = time.process_time()
        attacks = self.made_on(public)
        found = evaluate(model, test, attacks, self.config)
        seconds = time.process_time() - started
        masked = masking(model, test, attacks, self.config)
        outcome = Outcome(encoder.name, found, seconds, masked)
        console.report(outcome, lines([outcome]), as_json=self.json)
        return 0
