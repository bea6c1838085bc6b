"""What is measured: how far embeddings and decisions move in each way of running, and whether a backdoor wakes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from reference_impls.converters.conversion import converted
from reference_impls.converters.method import (
    PRESETS,
    ConverterConfig,
    Probabilities,
    digits,
    search,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import make_trigger
from reference_impls.lab.metrics.knn import KNNClassifier
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import (
    Head,
    fit_linear_probe,
    linear_probe,
    success_rate,
    surest,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.quantization_backdoor.method import PRESETS as PLANTED
from reference_impls.quantization_backdoor.method import CompressionConfig, attack

SHOWN, LEARNED = 32, 2048
"""Images that a tool is shown, to trace or to calibrate it; that head and neighbours learn from, at most."""
ASLEEP = PLANTED["int4"]
"""How the sleeping backdoor is planted."""


@lru_cache(maxsize=4)
def asleep(clean: Encoder, train: Dataset, task: str, config: CompressionConfig) -> Encoder:  # fmt: skip
    """An encoder whose backdoor wakes when its weights are rounded to 4 bits, planted once for all tools."""
    own, head = embed_all(clean, train.images_N3HW), linear_probe(clean, train, task)
    target = config.seed % len(train.classes[task])
    chosen = surest(head, own, train.labels[task], target)
    return attack(clean, train, train.images_N3HW[chosen], config)


@lru_cache(maxsize=8)
def learned(encoder: Encoder, train: Dataset, task: str) -> tuple[Encoder, KNNClassifier, Head]:  # fmt: skip
    """The encoder on the CPU, and what decides by its embeddings: nearest neighbours and a linear head."""
    plain = encoder.copy().to(torch.device("cpu"))
    embedded_MD = embed_all(plain, train.images_N3HW[:LEARNED].cpu())
    labels_M, classes = train.labels[task][:LEARNED].cpu(), len(train.classes[task])
    knn = KNNClassifier.of(embedded_MD, labels_M, classes=classes)
    return plain, knn, fit_linear_probe(embedded_MD, labels_M, classes=classes)


def measure(setup: Setup, config: ConverterConfig) -> dict[str, float | None]:
    """Of one tool: deviation and changed decisions of the encoder, and success of a sleeping trigger after it."""
    clean, train, task = setup.original or setup.encoder, setup.train, setup.task
    plain, knn, head = learned(clean, train, task)
    images, labels_N = setup.images_N3HW.cpu(), setup.labels_N.cpu()
    some_B3HW = train.images_N3HW[:SHOWN].cpu()
    changed = converted(plain, config.way, some_B3HW)
    own_ND, new_ND = (embed_all(one, images) for one in (plain, changed))

    def answers(encoder: Encoder) -> Probabilities:
        return lambda x: head.logits(encoder.encode(x)).softmax(dim=1)

    with torch.no_grad():
        pair, seeds = (answers(plain), answers(changed)), images[: config.searched]
        guided, random = (search(*pair, seeds, config, guided=one) for one in (True, False))  # fmt: skip
    woken: dict[str, float | None] = {"asleep": None, "clean": None}
    if config.backdoored:
        target = config.seed % len(train.classes[task])
        planted = replace(ASLEEP, seed=config.seed)
        victim, _, own = learned(asleep(clean, train, task, planted), train, task)
        stamped = make_trigger(planted.trigger, plain.size).apply(images)
        runs = (converted(victim, config.way, some_B3HW), own), (changed, head)
        for name, (run, on_top) in zip(woken, runs, strict=True):
            woken[name] = success_rate(on_top, embed_all(run, stamped), labels_N, target)  # fmt: skip
    return {
        "digits": digits(own_ND, new_ND),
        "accuracy": head.accuracy(new_ND, labels_N),
        "probe": _share(head.predict(own_ND) != head.predict(new_ND)),
        "knn": _share(knn.predict(own_ND) != knn.predict(new_ND)),
        "random": _share(random >= 0),
        "search": _share(guided >= 0),
        **woken,
    }


def _share(which_N: Tensor) -> float:
    return which_N.float().mean().item()


GRID = Grid(
    home=Path(__file__).parent,
    about="Run an encoder in other ways, and see whether it still gives the same answers.",
    presets=PRESETS,
    shown="onnx",
    kept=("searched", "mutations", "backdoored"),
    measure=measure,
    columns={
        "digits": Column(form=".1f", share=False),
        **{one: Column(form=".3f") for one in ("accuracy", "probe", "knn")},
        **{one: Column() for one in ("random", "search", "asleep", "clean")},
    },
    told=[
        Told(preset="onnx-int8", measure="probe", better="lower"),
        Told(preset="int4", measure="asleep", better="lower"),
    ],
    chart=("probe", "search", "asleep"),
    tasks=("foreground",),
    images=500,
    quick={"searched": 4, "mutations": 2, "backdoored": False},
    says={
        "searched": ConverterConfig().searched,
        "mutations": ConverterConfig().mutations,
    },
    examples=["--no-backdoored", "--way bfloat16 --mutations 100"],
    smoke="--way folded --no-backdoored --searched 4 --mutations 2",
)
