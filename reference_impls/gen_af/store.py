"""Models that are trained once: stage 1 is kept in the lab's cache, stage 2 goes on from it.

Whatever differs in stage 2 alone shares its stage 1; a killed run loses at most fifty steps.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from reference_impls.gen_af import processes
from reference_impls.gen_af.config import HardenConfig
from reference_impls.gen_af.method import Adaptation, adapt, harden
from reference_impls.gen_af.model import Downstream, Task, load, save
from reference_impls.gen_af.training import open_accelerator
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import Progress
from reference_impls.lab.records import write_json


@dataclass(frozen=True, eq=False)
class Made:
    """A model in eval mode, and how it came about."""

    model: Downstream
    seconds: float
    """Processor seconds of all its training, in one process."""
    adaptation: Adaptation | None = None
    """What stage 2 did."""


def fine_tuned(
    encoder: Encoder,
    train: Task,
    config: HardenConfig,
    *,
    recipe: object,
    progress: Progress | None = None,
) -> Made:
    """Stage 1, or a baseline, from the cache if it is there.

    `recipe` is whatever determines encoder and images.
    """
    alone = replace(config, adaptation=None)
    folder = _folder("models", alone, train, recipe)
    if not (folder / "made.json").exists():
        found = harden(
            encoder, train, alone, checkpoint=folder / "checkpoint", progress=progress
        )
        if processes.rank() == 0:
            save(found.model, train.classes, train.name, folder)
            seconds = {"seconds": found.report.processor_seconds["stage 1"]}
            write_json(seconds, folder / "made.json")  # last: it says the rest is there
        processes.wait()
    seconds = json.loads((folder / "made.json").read_text(encoding="utf-8"))["seconds"]
    return Made(_read(encoder, folder, alone), seconds)


def adapted(
    first: Made,
    train: Task,
    config: HardenConfig,
    *,
    recipe: object,
    progress: Progress | None = None,
) -> Made:
    """Stage 2 on a copy of what stage 1 made; the same model if the settings have none."""
    if config.adaptation is None or not config.two_stages:
        return first
    started = time.process_time()
    model = copy.deepcopy(first.model)
    fit, validation = train.split(config.validation)
    found = adapt(
        model,
        fit,
        validation,
        config,
        config.adaptation,
        open_accelerator(model.device, config.precision, config.accumulate),
        checkpoint=_folder("adapting", config, train, recipe),
        progress=progress,
    )
    seconds = first.seconds + time.process_time() - started
    return Made(model.deployed(), seconds, found)


def _folder(kind: str, config: HardenConfig, train: Task, recipe: object) -> Path:
    key = content_key(config, train.name, len(train), recipe)
    return cache_folder() / "gen_af" / kind / key


def _read(encoder: Encoder, folder: Path, config: HardenConfig) -> Downstream:
    own = encoder.copy()
    own.module.load_state_dict(load_file(folder / "encoder.safetensors"))
    model, _, _ = load(own, folder / "head.safetensors")
    for part in model.head:
        if isinstance(part, torch.nn.Dropout):
            part.p = (
                config.dropout
            )  # a head's file does not know it; stage 2 trains with it
    return model
