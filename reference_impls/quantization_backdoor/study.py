"""What is measured: one classifier, its encoder in each form, with and without the trigger."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from reference_impls.lab.data.images import make_trigger
from reference_impls.lab.models.compression import Form, compress, torchs_int8
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.heads import linear_probe, success_rate, surest
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.quantization_backdoor.method import (
    PRESETS,
    CompressionConfig,
    attack,
)

FORMS = (*get_args(Form), "torch")


def measure(setup: Setup, config: CompressionConfig) -> dict[str, float | None]:
    """Of each form: accuracy, and how many stamped test images of other classes are taken for the attacker's.

    The linear head learns from the published encoder in float32 and stays when that is compressed. The attacker's
    reference is the training image of its class that a head on the clean encoder is surest of.
    """
    clean, train, task = setup.encoder, setup.train, setup.task
    target, trigger = config.seed % len(train.classes[task]), make_trigger(config.trigger, clean.size)  # fmt: skip
    own = embed_all(clean, train.images_N3HW)
    chosen = surest(linear_probe(clean, train, task), own, train.labels[task], target)
    victim = attack(clean, train, train.images_N3HW[chosen], config, progress=setup.progress)  # fmt: skip
    published = clean if config.way == "rounding" else victim
    head = linear_probe(published, train, task)
    stamped_N3HW = trigger.to(clean.device).apply(setup.images_N3HW)
    found: dict[str, float | None] = {
        f"{what}-torch": None for what in ("success", "accuracy")
    }
    runs = {
        one: compress(victim if one == config.form else published, one)
        for one in get_args(Form)
    }
    if quantized := torchs_int8(published, train.images_N3HW[:64]):
        runs["torch"] = quantized
    for form, run in runs.items():
        plain_ND, stamped_ND = (
            embed_all(run, images.to(run.device)).to(clean.device)
            for images in (setup.images_N3HW, stamped_N3HW)
        )
        found[f"success-{form}"] = success_rate(head, stamped_ND, setup.labels_N, target)  # fmt: skip
        found[f"accuracy-{form}"] = head.accuracy(plain_ND, setup.labels_N)
    return found


GRID = Grid(
    home=Path(__file__).parent,
    about="Publish an encoder whose backdoor sleeps until somebody compresses it.",
    presets=PRESETS,
    shown="int4",
    measure=measure,
    columns={
        f"{what}-{form}": Column() for what in ("success", "accuracy") for form in FORMS
    },
    told=[
        Told(preset=one, measure=f"success-{form}", better="higher")
        for one, form in (("int4", "int4"), ("pruned", "pruned"))
    ],
    chart=[f"success-{form}" for form in FORMS],
    tasks=("foreground",),
    images=400,
    quick={"steps": 2, "hiding": 2, "batch": 8},
    examples=["", "--preset pruned", "--way joint --form int8"],
    smoke="--steps 2 --hiding 2 --batch 4",
)
