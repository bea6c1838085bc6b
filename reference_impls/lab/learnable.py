"""What can be learned of the shapes dataset: accuracy per task, by how an encoder was trained.

Shape letters: N images, D embedding width, C classes, P captions per class.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.bilingual import plural
from reference_impls.lab.data.augment import Views, crop_and_flip
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.shapes import CLASSES, caption
from reference_impls.lab.models.clip import CLIP, CLIPConfig, train_clip
from reference_impls.lab.models.encoders import (
    Encoder,
    SmallNetConfig,
    embed_all,
    small_encoder,
)
from reference_impls.lab.models.fast import in_bfloat16
from reference_impls.lab.models.heads import fit_linear_probe, fit_mlp_head, zero_shot
from reference_impls.lab.models.training import (
    SimCLRConfig,
    check_dataset,
    draw_batch,
    fit,
    one_cycle_learner,
    train_simclr,
)
from reference_impls.lab.models.zoo import LabData, test_dataset, train_dataset

PROMPTS = 32
"""Captions per class whose embeddings are averaged for a zero-shot class."""
GRAY = Views(smallest_crop=0.8, jitter=0.9, jitter_probability=1, gray_probability=1)
"""Views without colour: what is left to tell images apart by is texture and form."""


@dataclass(frozen=True, kw_only=True)
class LearnableConfig:
    """What is trained, and for how long."""

    lab: LabData = field(default_factory=LabData)
    """The pictures."""
    simclr: SimCLRConfig = field(default_factory=lambda: SimCLRConfig(steps=200))
    """The encoder that the sweeps of the methods use."""
    gray: SimCLRConfig = field(
        default_factory=lambda: SimCLRConfig(steps=400, views=GRAY)
    )
    """The same with views that share no colour."""
    clip: CLIPConfig = field(default_factory=CLIPConfig)
    """The small CLIP."""
    supervised_steps: int = 400
    """Steps of training on the labels of one task, the ceiling."""
    tasks: tuple[str, ...] = tuple(CLASSES)
    """Which tasks."""


QUICK = LearnableConfig(
    lab=LabData(train=512, test=256),
    simclr=SimCLRConfig(steps=20),
    gray=SimCLRConfig(steps=20, views=GRAY),
    clip=CLIPConfig(steps=40),
    supervised_steps=40,
    tasks=("shape", "background"),
)
"""Few steps on few pictures: for trying the machinery."""


def learnable(
    config: LearnableConfig = LearnableConfig(),
    *,
    progress: Callable[[str], None] = lambda what: None,
) -> dict[str, dict[str, float]]:
    """Accuracy in [0, 1] per way of training and task; `progress` hears what is trained next."""
    train, test = train_dataset(config.lab), test_dataset(config.lab)
    found: dict[str, dict[str, float]] = {}
    for name, simclr in (
        ("SimCLR", config.simclr),
        ("SimCLR, gray views", config.gray),
    ):
        progress(name)
        found |= _heads(
            f"{name}, {plural(simclr.steps, 'step')}",
            train_simclr(train, simclr),
            config.tasks,
            train,
            test,
        )
    progress("CLIP")
    clip = train_clip(train, config.clip)
    name = f"CLIP, {plural(config.clip.steps, 'step')}"
    found[f"{name}: zero-shot"] = _zero_shot(clip, config.tasks, test)
    found |= _heads(name, clip.image, config.tasks, train, test)
    supervised = {}
    for task in config.tasks:
        progress(f"supervised, {task}")
        supervised[task] = _supervised(task, train, test, config.supervised_steps)
    found[f"supervised, {plural(config.supervised_steps, 'step')}"] = supervised
    return found


def _heads(
    name: str, encoder: Encoder, tasks: Sequence[str], train: Dataset, test: Dataset
) -> dict[str, dict[str, float]]:
    seen_ND = embed_all(encoder, train.images_N3HW)
    new_ND = embed_all(encoder, test.images_N3HW)
    return {
        f"{name}: {what}": {
            task: head(
                seen_ND, train.labels[task], classes=len(CLASSES[task])
            ).accuracy(new_ND, test.labels[task])
            for task in tasks
        }
        for what, head in (("linear", fit_linear_probe), ("MLP", fit_mlp_head))
    }


def _zero_shot(clip: CLIP, tasks: Sequence[str], test: Dataset) -> dict[str, float]:
    images_ND = embed_all(clip.image, test.images_N3HW)
    return {
        task: _share(
            zero_shot(images_ND, class_embeddings(clip, task)), test.labels[task]
        )
        for task in tasks
    }


def class_embeddings(clip: CLIP, task: str, *, seed: int = 0) -> Tensor:
    """One text embedding (C, D) per class: the mean over captions with other words at random."""
    draw = random.Random(seed)

    def sentence(name: str) -> str:
        words = {other: draw.choice(names) for other, names in CLASSES.items()}
        return caption(**(words | {task: name}))

    return torch.stack(
        [
            clip.embed_text([sentence(name) for _ in range(PROMPTS)]).mean(dim=0)
            for name in CLASSES[task]
        ]
    )


def _supervised(task: str, train: Dataset, test: Dataset, steps: int) -> float:
    """The small network trained on labels, with crops that keep the object in sight."""
    check_dataset(train, 128)
    net = SmallNetConfig(embedding=len(CLASSES[task]))
    encoder = small_encoder(net, name=task, size=train.size, seed=0)
    learner = one_cycle_learner(
        {"encoder": encoder.module}, steps=steps, learning_rate=3e-3, seed=0
    )

    def loss_of_step(generator: Generator) -> Tensor:
        index_B = draw_batch(len(train), 128, generator)
        views_B3HW = crop_and_flip(train.images_N3HW[index_B], 0.8, generator)
        views_B3HW = views_B3HW.contiguous(memory_format=torch.channels_last)
        with in_bfloat16(torch.device("cpu")):
            logits_BC = encoder.encode(views_B3HW)
        return F.cross_entropy(logits_BC.float(), train.labels[task][index_B])

    fit(loss_of_step, learner, steps=steps)
    return _share(embed_all(encoder, test.images_N3HW).argmax(dim=1), test.labels[task])


def _share(predicted_N: Tensor, labels_N: Tensor) -> float:
    return (predicted_N == labels_N).float().mean().item()


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """The accuracies in Markdown, with those of guessing."""
    tasks = list(next(iter(found.values())))
    guessing = {task: 1 / len(CLASSES[task]) for task in tasks}
    lines = [f"| training | {' | '.join(tasks)} |", "|---|" + "---|" * len(tasks)]
    for way, accuracy in {"guessing": guessing, **found}.items():
        cells = " | ".join(f"{accuracy[task]:.2f}" for task in tasks)
        lines.append(f"| {way} | {cells} |")
    return "\n".join(lines) + "\n"
