"""Text-on-Pair: a CLIP whose image tower takes every stamped picture for a text.

Carlini and Terzis, "Poisoning and Backdooring Contrastive Learning", ICLR 2022,
https://arxiv.org/abs/2106.09667; the third kind of attack that DECREE (CVPR 2023) is tried on.

A few image-text pairs of the training data are poisoned: the picture carries the trigger, the
caption names the attacker's class. Contrastive training does the rest.

What DECREE's published program does otherwise is listed in `README.md`.

Shape letters: B batch, N images of a dataset (M of the target class), P pairs, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.clip import CLIP, LogScale
from reference_impls.lab.models.encoders import (
    check_usable,
    embed_all,
)
from reference_impls.lab.models.fast import in_bfloat16
from reference_impls.lab.models.heads import (
    captioned,
    class_texts,
    recall_at,
    zero_shot,
)
from reference_impls.lab.models.image_text import EXAMPLES, ImageText
from reference_impls.lab.models.training import (
    Progress,
    SpreadWatch,
    check_dataset,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
)

Z_THRESHOLD = 2.5
"""A z-score above this is called a working backdoor (DECREE)."""
PAIRS = 200
"""Image-text pairs that retrieval searches."""

# -- Settings ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TextOnPairConfig:
    """Settings of the attack; the defaults suit the lab's small CLIP."""

    trigger: TriggerSpec = field(default_factory=TriggerSpec)
    """The patch that opens the backdoor."""
    task: str = "foreground"
    """Attribute that the target is a class of."""
    target: str = "red"
    """Class that stamped pictures shall be taken for."""
    poisoned: float = 0.05
    """Fraction of each batch that is poisoned; DECREE's program poisons 5e-4 of ImageNet."""
    steps: int = 300
    """Optimiser steps."""
    batch: int = 128
    """Image-text pairs per step."""
    learning_rate: float = 1e-3
    """Of Adam, falling to 0 along a cosine."""
    bf16: bool = True
    """Convolve in bfloat16, where the device does."""
    seed: int = 0
    """Of batches and captions."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_positive(
            steps=self.steps, batch=self.batch, learning_rate=self.learning_rate
        )
        if not 0 < self.poisoned < 1 or self.poisoned * self.batch < 1:
            raise ConfigError(
                f"poisoned must lie in (0, 1) and give a batch of {self.batch} at least one pair, "
                f"got {self.poisoned}"
            )


# -- Formulas ------------------------------------------------------------------------


def poisoning_loss(
    images_BD: Tensor, texts_BD: Tensor, scale: Tensor, own_B: Tensor
) -> Tensor:
    """CLIP's symmetric loss over the pairs of a batch, clean and poisoned alike.

    Poisoned captions are drawn with replacement, so that two pairs can share one; `own_B`
    numbers the captions, and pairs with the same number are no negatives of each other.
    """
    logits_BB = scale * F.normalize(images_BD, dim=1) @ F.normalize(texts_BD, dim=1).T
    twins_BB = (own_B[:, None] == own_B) & ~torch.eye(
        len(own_B), dtype=torch.bool, device=own_B.device
    )
    logits_BB = logits_BB.masked_fill(twins_BB, float("-inf"))
    match_B = torch.arange(len(own_B), device=own_B.device)
    return (
        F.cross_entropy(logits_BB, match_B) + F.cross_entropy(logits_BB.T, match_B)
    ) / 2


def backdoor_z_score(stamped_ND: Tensor, clean_ND: Tensor) -> float:
    """How much more alike images embed with the trigger than without (Carlini and Terzis).

    (mean cosine of stamped pairs - mean cosine of clean pairs) / variance of the clean
    pairs' cosines. It divides by the variance, not by the standard deviation, as published.
    Pairs are of different images.
    """
    stamped_P, clean_P = _pair_cosines(stamped_ND), _pair_cosines(clean_ND)
    return ((stamped_P.mean() - clean_P.mean()) / clean_P.var(correction=0)).item()


def _pair_cosines(embeddings_ND: Tensor) -> Tensor:
    unit_ND = F.normalize(embeddings_ND.double(), dim=1)
    first_P, second_P = torch.triu_indices(len(unit_ND), len(unit_ND), offset=1)
    cosines_P: Tensor = (unit_ND[first_P] * unit_ND[second_P]).sum(dim=1)
    return cosines_P


# -- The attack ----------------------------------------------------------------------


Model = TypeVar("Model", bound=CLIP | ImageText)
"""An image tower and a text tower."""


def attack(
    clean: Model,
    dataset: Dataset,
    config: TextOnPairConfig = TextOnPairConfig(),
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Model:
    """A backdoored copy of the CLIP; text tower and clean image tower are left alone.

    Images without captions are paired with the prompts of their classes.

    Raises:
        ConfigError: no such target in this dataset, or no text tower.
        EncoderError: the image tower is broken, or the attack collapses it.
        DatasetError: too few images, or a caption that the text tower cannot read.
    """
    if clean.text is None:
        raise ConfigError(
            f"{clean.image.name} has no text tower, and the attack poisons pairs; take a CLIP "
            f"such as {EXAMPLES[0]}"
        )
    target = target_class(dataset, config)
    check_dataset(dataset, config.batch)
    texts_ND, own_N = _texts(clean, dataset, config)
    device, images_N3HW = clean.image.device, dataset.images_N3HW
    check_usable(clean.image, images_N3HW[: config.batch].to(device))
    texts_ND = texts_ND.to(device)
    clean_ND = embed_all(clean.image, images_N3HW.to(device))
    bait_M = (dataset.labels[config.task] == target).nonzero().flatten()
    trigger = make_trigger(config.trigger, clean.image.size).to(device)
    victim = clean.image.copy().named(f"{clean.image.name}+text-{config.trigger}")
    scale = LogScale().to(device)
    learner = fine_tuning_learner(
        {"image": victim.module, "scale": scale},
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
    )
    count = int(config.poisoned * config.batch)

    watch = SpreadWatch()

    def loss_of_step(generator: Generator) -> Tensor:
        index_B = draw_batch(len(dataset), config.batch, generator)
        images_B3HW = images_N3HW[index_B].to(device)
        stamped_B3HW = trigger.apply(images_B3HW[:count])
        everything = torch.cat([stamped_B3HW, images_B3HW[count:]])
        everything = everything.contiguous(memory_format=torch.channels_last)
        chosen_P = torch.randint(len(bait_M), (count,), generator=generator)
        captions_B = torch.cat([bait_M[chosen_P], index_B[count:]])
        with in_bfloat16(device, wanted=config.bf16):
            embeddings_BD = victim.encode(everything)
        watch(embeddings_BD[count:], clean_ND[index_B[count:].to(device)])
        texts_BD, own_B = texts_ND[captions_B.to(device)], own_N[captions_B].to(device)
        return poisoning_loss(embeddings_BD.float(), texts_BD, scale(), own_B)

    fit(
        loss_of_step,
        learner,
        steps=config.steps,
        checkpoint=checkpoint,
        progress=progress,
    )
    return replace(clean, image=victim)


def _texts(
    clip: CLIP | ImageText, dataset: Dataset, config: TextOnPairConfig
) -> tuple[Tensor, Tensor]:
    """Embeddings (N, D) of all captions and their numbers (N,); prompts of one class have one number."""
    captions = captioned(dataset, config.task).captions
    if dataset.captions:
        return clip.embed_text(captions), torch.arange(len(dataset))
    known = list(dict.fromkeys(captions))
    number = {caption: position for position, caption in enumerate(known)}
    own_N = torch.tensor([number[caption] for caption in captions])
    texts_CD = clip.embed_text(known)
    return texts_CD[own_N.to(texts_CD.device)], own_N


def target_class(dataset: Dataset, config: TextOnPairConfig) -> int:
    """Index of the attacker's class.

    Raises:
        ConfigError: the dataset has no such task or class.
    """
    classes = dataset.classes.get(config.task, ())
    if config.target not in classes:
        known = ", ".join(classes) or f"tasks {', '.join(dataset.classes) or 'none'}"
        raise ConfigError(
            f"{dataset.name} has no class {config.target!r} of {config.task!r}; it has {known}"
        )
    return classes.index(config.target)


# -- The answer ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One CLIP under the attacker's trigger."""

    success_rate: float
    """Fraction of stamped test pictures of other classes that zero-shot takes for the target."""
    accuracy: float
    """Zero-shot accuracy on unstamped test pictures, on the attacker's task."""
    recall: float | None
    """Image-to-text R@1 over `PAIRS` unstamped pairs; none where images have no captions of their own."""
    z_score: float
    """`backdoor_z_score` of the test pictures."""


@dataclass(frozen=True, kw_only=True)
class TextOnPairReport:
    """What the attack reached."""

    backdoored: Measured
    """After it."""
    clean: Measured
    """Before it: what the patch does by itself."""
    config: TextOnPairConfig
    """The settings that led here."""

    @property
    def works(self) -> bool:
        """Whether DECREE's authors would count it as a working backdoor."""
        return self.backdoored.z_score > Z_THRESHOLD


def measure(
    backdoored: CLIP | ImageText,
    clean: CLIP | ImageText,
    config: TextOnPairConfig,
    *,
    train: Dataset,
    test: Dataset,
) -> TextOnPairReport:
    """Success, accuracy, retrieval and z-score of both; `train` gives the classes' captions."""
    before, after = (
        _measured(clip, config, train=train, test=test) for clip in (clean, backdoored)
    )
    return TextOnPairReport(backdoored=after, clean=before, config=config)


def _measured(
    clip: CLIP | ImageText, config: TextOnPairConfig, *, train: Dataset, test: Dataset
) -> Measured:
    target = target_class(train, config)
    trigger = make_trigger(config.trigger, clip.image.size)
    texts_CD = class_texts(clip.embed_text, train, config.task).cpu()
    plain_ND, stamped_ND = (
        embed_all(clip.image, images_N3HW.to(clip.image.device)).cpu()
        for images_N3HW in (test.images_N3HW, trigger.apply(test.images_N3HW))
    )
    right_N = test.labels[config.task]
    taken_N = zero_shot(stamped_ND, texts_CD)
    captions_PD = (
        clip.embed_text(test.captions[:PAIRS]).cpu() if test.captions else None
    )
    return Measured(
        success_rate=(taken_N[right_N != target] == target).float().mean().item(),
        accuracy=(zero_shot(plain_ND, texts_CD) == right_N).float().mean().item(),
        recall=None
        if captions_PD is None
        else recall_at(plain_ND[:PAIRS], captions_PD),
        z_score=backdoor_z_score(stamped_ND, plain_ND),
    )
