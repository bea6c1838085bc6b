"""What is measured: what models still tell of cloaked pictures, also those of somebody who knows of cloaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.cloaking.method import (
    PRESETS,
    CloakConfig,
    Pictures,
    Surrogate,
    another_of,
    cloak,
    left_open,
)
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.heads import captioned, fit_linear_probe
from reference_impls.lab.models.zero_shot import EmbedText, zero_shot_classifier
from reference_impls.lab.models.zoo import clean_clip, studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column

SHOWN = "foreground"
"""What a picture is to go on showing, where its dataset knows of it and it is not what is hidden."""
OWN, KNOWN = 20, 256
"""The owner's surrogates are the lab's CLIPs of seeds from here on; pictures of a stranger who cloaks, at most."""


def surrogates(setup: Setup, config: CloakConfig) -> list[Surrogate]:
    """What the owner makes cloaks on: lab CLIPs of other seeds, or the model that will look.

    Raises:
        EncoderError: that one takes pictures of another size than the lab's.
    """
    if not config.surrogates:
        return [surrogate(setup, setup.encoder, setup.embed_text)]
    clips = [clean_clip(studied_clip(OWN + setup.seed + n)) for n in range(config.surrogates)]  # fmt: skip
    if clips[0].image.size != setup.encoder.size:
        raise EncoderError(f"the lab's surrogates take {clips[0].image.size} px, {setup.encoder.name} takes {setup.encoder.size}; try --surrogates 0")  # fmt: skip
    return [surrogate(setup, accelerated(one.image).to(setup.encoder.device), one.embed_text) for one in clips]  # fmt: skip


def surrogate(setup: Setup, encoder: Encoder, embed_text: EmbedText) -> Surrogate:
    """A model with its two classifiers."""
    keeps = SHOWN in setup.train.labels and setup.task != SHOWN
    hidden, shown = (
        zero_shot_classifier(encoder, embed_text, setup.train, one)
        for one in (setup.task, SHOWN if keeps else setup.task)
    )
    return Surrogate(encoder=encoder, embed_text=embed_text, hidden=hidden, shown=shown if keeps else None)  # fmt: skip


def pictures(data: Dataset, pool: Dataset, task: str, seed: int) -> Pictures:
    """Pictures of a dataset as their owner knows them, and others of a pool."""
    hidden_B, names = data.labels[task], data.classes[task]
    told = zip(captioned(data, task).captions, hidden_B.tolist(), strict=True)
    others = another_of(hidden_B, pool.labels[task], Generator().manual_seed(seed))
    return Pictures(
        images_B3HW=data.images_N3HW,
        hidden_B=hidden_B,
        shown_B=data.labels.get(SHOWN, hidden_B),
        untold=[left_open(caption, names[one], names) for caption, one in told],
        others_B3HW=pool.images_N3HW[others],
    )


def blurred(images_B3HW: Tensor) -> Tensor:
    """Each pixel as the mean of 3 x 3: what somebody does who wants to be rid of cloaks."""
    padded = F.pad(images_B3HW, (1, 1, 1, 1), mode="replicate")
    return F.avg_pool2d(padded, 3, stride=1)


def measure(setup: Setup, config: CloakConfig) -> dict[str, float | None]:
    """Shares of cloaked pictures of which the hidden and the shown attribute are told.

    Who looks knows class names (zero-shot), or has labelled pictures and a linear head: clean ones, clean ones that he
    blurs as he blurs what he looks at, or ones that he cloaked himself as the owner does.
    """
    encoder, train, test, task = setup.encoder, setup.train, setup.test, setup.task
    models = surrogates(setup, config)
    shared = cloak(models, pictures(test, train, task, config.seed), config)
    known = train.first(KNOWN)
    tried = replace(config, seed=config.seed + 1)
    copied = cloak(models, pictures(known, train, task, tried.seed), tried)
    looks = surrogate(setup, encoder, setup.embed_text)
    seen_BD, labels_B = embed_all(encoder, shared), setup.labels_N

    def probed(learned: Dataset, images: Tensor, change: Callable[[Tensor], Tensor]) -> float:  # fmt: skip
        labels = learned.labels[task].to(encoder.device)
        own_ND = embed_all(encoder, change(images))
        head = fit_linear_probe(own_ND, labels, classes=len(train.classes[task]))
        return head.accuracy(embed_all(encoder, change(shared)), labels_B)

    def told(logits_BC: Tensor, right_B: Tensor) -> float:
        return (logits_BC.argmax(dim=1) == right_B).float().mean().item()

    with torch.no_grad():
        shown = told(looks.shown.logits(seen_BD), test.labels[SHOWN]) if looks.shown else None  # fmt: skip
        hidden = told(looks.hidden.logits(seen_BD), labels_B)
    return {
        "hidden": hidden,
        "shown": shown,
        "probe": probed(train, train.images_N3HW, lambda x: x),
        "blurred": probed(train, train.images_N3HW, blurred),
        "adapted": probed(known, copied, lambda x: x),
    }


GRID = Grid(
    home=Path(__file__).parent,
    about="Cloak pictures so that models no longer tell what their owner hides.",
    presets=PRESETS,
    shown="geoshield",
    kept=("budget",),
    measure=measure,
    columns={one: Column() for one in ("hidden", "shown", "probe", "blurred", "adapted")},
    told=[Told(preset=one, measure="hidden", better="lower") for one in ("geoshield", "joint")],
    chart=("hidden", "shown", "adapted"),
    tasks=("texture", "background"),
    model=studied_clip,
    quick={"budget": Budget(steps=2), "surrogates": 1},
    says={"levels": 16, "small": 8, "steps": 20, "known": KNOWN},
    examples=["", "--preset joint --task background --budget.epsilon 8/255"],
    smoke="--budget.steps 2 --surrogates 0",
)  # fmt: skip
