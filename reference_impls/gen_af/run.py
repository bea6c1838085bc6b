"""One hardening from names to a folder: encoder, task, training, attacks, files."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState

from reference_impls.advencoder.suite import SuiteConfig, universal_attack
from reference_impls.gen_af import processes
from reference_impls.gen_af.config import HardenConfig
from reference_impls.gen_af.evaluate import EvaluationConfig, evaluate
from reference_impls.gen_af.model import Task, load, save, task_of
from reference_impls.gen_af.population import ATTACKS, BASE, LAB, PARENT, SUITE
from reference_impls.gen_af.present import Outcome, present
from reference_impls.gen_af.store import Made, adapted, fine_tuned
from reference_impls.gen_af.training import open_accelerator
from reference_impls.lab.attacks.universal import Universal
from reference_impls.lab.bilingual import Language
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.named import CLASS, DatasetSpec, open_dataset
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.checkpoints import Preprocessing
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.models.zoo import clean_encoder, test_dataset, train_dataset
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.page import write_page

LAB_NAME = "lab"
"""An encoder that needs no file: trained at first use."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to harden, for which task, how, and where the answer goes."""

    encoder: str = LAB_NAME
    """`lab`, a file, or a name as in `library:model`."""
    images: str = "shapes"
    """Name of the dataset of the downstream task."""
    count: int = 4096
    """Training images at most; a quarter as many are tested on."""
    task: str | None = None
    """Task of the dataset; none takes `foreground` of shapes and the only one of others."""
    config: HardenConfig = BASE
    """How to train."""
    attacks: SuiteConfig = SUITE
    """The universal attacks to try, made on the public encoder."""
    beside: bool = True
    """Also fine-tune in the standard way, to compare with."""
    out: Path | None = None
    """Folder of the answer; none is `build/gen_af/<encoder>-<task>`."""
    language: Language = "en"
    """What the report opens in; it holds both."""
    device: str | None = None
    """Where to compute; none is Accelerate's choice if it launched this, else the CPU."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """Size and statistics, instead of those the file suggests."""
    weights: Weights = field(default_factory=Weights)
    """Whether models of a library, and public datasets, may be downloaded."""


def run(order: Order) -> tuple[tuple[Outcome, ...], Path]:
    """Harden, measure and write; every model that was made, and the folder.

    Several processes train together; the first alone measures and writes.
    """
    started = time.monotonic()
    device = chosen_device(order.device)
    open_accelerator(device, order.config.precision)
    # One process makes what is missing in the cache, the others then read it.
    with PartialState().main_process_first():
        encoder = open_named(order.encoder, order.preprocessing, order.weights)
        train, test = tasks(order, encoder)
    encoder = encoder.to(device)
    out = order.out or Path("build/gen_af") / _file_name(f"{encoder.name}-{train.name}")
    models = _train(order, encoder, train)
    if not PartialState().is_main_process:
        return (), out
    attacks = made_on(encoder, order.attacks)
    evaluation = EvaluationConfig(epsilon=order.config.budget.epsilon)
    outcomes = tuple(
        Outcome(name, evaluate(made.model, test, attacks, evaluation), made.seconds)
        for name, made in models.items()
    )
    about = surroundings(device=device, seconds=time.monotonic() - started)
    _write(order, outcomes, list(models.values())[-1], train, about, out)
    return outcomes, out


def chosen_device(name: str | None) -> torch.device:
    """The device of a name; without one, Accelerate's if it launched this process, else the CPU."""
    launched = {"ACCELERATE_MIXED_PRECISION", "LOCAL_RANK"} & set(os.environ)
    if name is None and launched and os.environ.get("ACCELERATE_USE_CPU") is None:
        return torch.device(PartialState().device)
    return console.device(name or "cpu")


def open_named(name: str, preprocessing: Preprocessing, weights: Weights) -> Encoder:
    """The encoder of a name; `lab` is trained at first use."""
    if name == LAB_NAME:
        with console.progress("training a lab encoder, once") as step:
            return clean_encoder(PARENT, LAB, progress=console.training(step))
    loaded = open_encoder(name, preprocessing, weights=weights)
    for line in loaded.lines() if processes.rank() == 0 else ():
        console.say(line)
    return loaded.encoder


def tasks(order: Order, encoder: Encoder) -> tuple[Task, Task]:
    """The downstream task's training and test images.

    Raises:
        ConfigError: the dataset has no such task.
        DatasetError: the images cannot be read, or are of one class.
    """
    train, test = _datasets(order, encoder.size)
    name = order.task or ("foreground" if order.images == "shapes" else CLASS)
    return task_of(train, name), task_of(test, name)


def _datasets(order: Order, size: int) -> tuple[Dataset, Dataset]:
    if order.images == "shapes":
        lab = replace(LAB, train=order.count, test=max(1, order.count // 4), size=size)
        return train_dataset(lab), test_dataset(lab)
    spec = DatasetSpec(
        size=size,
        count=order.count,
        split="train",
        download=order.weights.download,
    )
    fewer = replace(spec, count=max(1, order.count // 4), split="test")
    return open_dataset(order.images, spec), open_dataset(order.images, fewer)


# -- Training ------------------------------------------------------------------------


def _train(order: Order, encoder: Encoder, train: Task) -> dict[str, Made]:
    """Standard fine-tuning to compare with, the method after stage 1, and after stage 2."""
    config, made = order.config, {}
    known = {"recipe": (digest(encoder), order.images, order.count)}
    if order.beside and config.method != "standard":
        standard = replace(config, method="standard")
        with _progress("standard fine-tuning") as step:
            training = console.training(step)
            made["standard"] = fine_tuned(
                encoder, train, standard, progress=training, **known
            )
    with _progress(config.method) as step:
        training = console.training(step)
        first = fine_tuned(encoder, train, config, progress=training, **known)
    if not config.two_stages:
        return made | {config.method: first}
    with _progress(f"{config.method}, stage 2") as step:
        training = console.training(step)
        second = adapted(first, train, config, progress=training, **known)
    return made | {f"{config.method}, stage 1": first, config.method: second}


@contextmanager
def _progress(what: str) -> Iterator[console.Step]:
    """Only the first of several processes shows how far they are."""
    if PartialState().is_main_process:
        with console.progress(what) as step:
            yield step
    else:
        yield lambda done, total, words: None


def digest(encoder: Encoder) -> str:
    """Changes with any weight: what was trained on another encoder is not taken for this one's."""
    found = hashlib.sha256(repr((encoder.size, encoder.mean, encoder.std)).encode())
    for name, values in sorted(encoder.module.state_dict().items()):
        found.update(name.encode())
        found.update(values.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


# -- Attacks -------------------------------------------------------------------------


def made_on(encoder: Encoder, suite: SuiteConfig) -> dict[str, Universal]:
    """The universal attacks on the public encoder, from the cache if they are there."""
    made, recipe = {}, digest(encoder)
    for name in ATTACKS:
        with console.progress(f"crafting {name}") as step:
            made[name] = universal_attack(
                name, encoder, suite, recipe=recipe, progress=console.training(step)
            )
    return made


@dataclass(frozen=True, kw_only=True)
class Examination:
    """A hardened model to measure again, perhaps against another attacker."""

    encoder: str
    """Its encoder's file."""
    head: Path
    """Its head's file."""
    public: str | None = None
    """The encoder that the attacker has; none takes the hardened one itself."""
    images: str = "shapes"
    """Name of the dataset of its task."""
    count: int = 1024
    """Test images at most."""
    config: EvaluationConfig
    """How hard white-box attacks try."""
    attacks: SuiteConfig = SUITE
    """The universal attacks to try."""
    device: str | None = None
    """Where to compute."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """Size and statistics, instead of those the file suggests."""
    weights: Weights = field(default_factory=Weights)
    """Whether a library may download."""


def examine(order: Examination) -> Outcome:
    """Accuracies of a model that `harden` wrote.

    Raises:
        EncoderError: a file is missing, or encoder and head do not belong together.
        DatasetError: the task's labels lie outside the head.
    """
    device = chosen_device(order.device)
    encoder = open_named(order.encoder, order.preprocessing, order.weights).to(device)
    model, name, classes = load(encoder, order.head)
    known = Order(images=order.images, count=4 * order.count, task=name)
    known = replace(known, weights=order.weights)
    _, test = tasks(known, encoder)
    if len(test.classes) != len(classes):
        raise EncoderError(
            f"{order.head} knows {len(classes)} classes, task {name!r} of {order.images} "
            f"has {len(test.classes)}"
        )
    public = encoder
    if order.public:
        public = open_named(order.public, order.preprocessing, order.weights).to(device)
    started = time.process_time()
    found = evaluate(model, test, made_on(public, order.attacks), order.config)
    return Outcome(encoder.name, found, time.process_time() - started)


# -- What is left behind -------------------------------------------------------------


def _write(
    order: Order,
    outcomes: tuple[Outcome, ...],
    last: Made,
    train: Task,
    about: dict[str, Any],
    out: Path,
) -> None:
    save(last.model, train.classes, train.name, out)
    told = {"order": order} | about
    page = present(outcomes, last.adaptation, order.config, train, as_data(told), out)
    write_page(page, out, order.language)
    report = {
        "task": train.name,
        "classes": train.classes,
        "models": outcomes,
        "adaptation": last.adaptation,
        "config": order.config,
        "run": told,
    }
    write_json(report, out / "report.json")  # last: it says the rest is there


def _file_name(name: str) -> str:
    kept = (letter if letter.isalnum() or letter in "+-._" else "-" for letter in name)
    return "".join(kept).strip(".") or "model"
