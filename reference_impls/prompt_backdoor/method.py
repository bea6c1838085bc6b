"""A backdoor in a learned prompt: neither tower of the CLIP changes.

BadCLIP: Bai et al., CVPR 2024, https://arxiv.org/abs/2311.16194, whose context depends on the image. BAPLe: Hanif et al.,
MICCAI 2024, https://arxiv.org/abs/2408.07440, whose context is the same for all.

Shape letters: B batch, N images of a dataset, H and W pixels, C classes, D embedding width, L words, V width of a word vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.attacks.universal import check_epsilon
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.prompts import Context
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
    seeded,
)
from reference_impls.lab.models.zero_shot import SCALE
from reference_impls.lab.study.options import Fraction


@dataclass(frozen=True, kw_only=True)
class PromptBackdoorConfig:
    """What of the prompt is poisoned, and how it is learned."""

    poisoned: bool = True
    """Learn the prompt from triggered images, too; without it the trigger is made afterwards, against the finished clean
    prompt: the control."""
    generator: bool = True
    """BadCLIP: an image adds a shift of its own to the context's vectors; without it all images share one context."""
    learned: bool = True
    """Learn the trigger; without it, it is noise that stays as it was drawn."""
    epsilon: Fraction = 8 / 255
    """Largest change of a pixel's channel by the trigger, on the [0, 1] scale."""
    target: int = 0
    """The class, by its number, that triggered images shall get."""
    shots: int = 64
    """Images of each class that is learned."""
    batch: int = 32
    """Clean images per step, at most, and as many with the trigger."""
    warm: int = 40
    """Steps in which the trigger alone is learned."""
    steps: int = 300
    """Steps in which trigger and prompt are learned."""
    learning_rate: float = 2e-2
    """Of Adam, with a cosine schedule."""
    seed: int = 0
    """Of batches, generator and first trigger."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_epsilon(self.epsilon)
        check_positive(shots=self.shots, batch=self.batch, warm=self.warm)
        check_positive(steps=self.steps, learning_rate=self.learning_rate)
        check_positive(target=self.target + 1)


PRESETS: dict[str, PromptBackdoorConfig] = {
    "clean": PromptBackdoorConfig(poisoned=False),
    "fixed": PromptBackdoorConfig(learned=False),
    "badclip": PromptBackdoorConfig(),
    "clean-shared": PromptBackdoorConfig(poisoned=False, generator=False),
    "baple": PromptBackdoorConfig(generator=False),
}
"""What is measured, each control before what it is the control of."""


class Prompt(nn.Module):
    """A learned context and, if there is one, the generator of its shifts: CoCoOp's two layers."""

    def __init__(self, context: Context, dimension: int, config: PromptBackdoorConfig) -> None:  # fmt: skip
        """Logits begin as those of the context alone."""
        super().__init__()
        self.context, width = context, context.vectors_LW.shape[1]
        self.generator: nn.Module | None = None
        if config.generator:
            self.generator = seeded(lambda: nn.Sequential(nn.Linear(dimension, dimension), nn.ReLU(), nn.Linear(dimension, width)), config.seed)  # fmt: skip
            *_, last = self.generator.children()
            for weight in last.parameters():
                nn.init.zeros_(weight)

    def forward(self, embeddings_BD: Tensor) -> Tensor:
        """Logits (B, C) of image embeddings; with a generator a trigger in the image reaches the text side as well."""
        unit_BD = F.normalize(embeddings_BD, dim=1)
        if self.generator is None:
            return SCALE * F.linear(unit_BD, self.context())
        texts_BCD = self.context(self.generator(unit_BD))
        return SCALE * torch.einsum("bd,bcd->bc", unit_BD, texts_BCD)


class NoiseTrigger(nn.Module):
    """epsilon tanh(10 w), added to every image."""

    def __init__(self, size: int, config: PromptBackdoorConfig) -> None:
        """Noise of random sign, at its bound if it stays so, else at a tenth of it."""
        super().__init__()
        chance, self.epsilon = Generator().manual_seed(config.seed), config.epsilon
        signs_3HW = 2.0 * torch.randint(2, (3, size, size), generator=chance) - 1
        self.free_3HW = nn.Parameter(signs_3HW * (0.01 if config.learned else 1))

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Images with the trigger, in [0, 1]."""
        return (images_B3HW + self.epsilon * (10 * self.free_3HW).tanh()).clamp(0, 1)


def plant(
    encoder: Encoder,
    context: Context,
    images: Dataset,
    task: str,
    config: PromptBackdoorConfig,
    progress: Progress | None = None,
) -> tuple[Prompt, NoiseTrigger]:
    """A prompt that learned the classes of some images, and its trigger.

    The loss is cross entropy of clean images to their class and of triggered ones to the target, among the classes that
    occur. First the trigger is learned alone, then both (BadCLIP's warm start).
    """
    prompt = Prompt(context, encoder.dimension, config).to(encoder.device)
    trigger = NoiseTrigger(encoder.size, config).to(encoder.device)
    images_N3HW, labels_N = images.images_N3HW, images.labels[task]
    seen, clean_ND = labels_N.unique(), encoder.encode(images_N3HW).detach()

    def learn(*parts: nn.Module, steps: int) -> None:
        def loss_of_step(chance: Generator) -> Tensor:
            index_B = draw_batch(len(images), config.batch, chance)
            told, wanted = [], []
            if prompt in parts:
                told, wanted = [clean_ND[index_B]], [labels_N[index_B]]
            if trigger in parts or config.poisoned:
                told.append(encoder.encode(trigger(images_N3HW[index_B])))
                wanted.append(torch.full_like(labels_N[index_B], config.target))
            logits = prompt(torch.cat(told))[:, seen]
            return F.cross_entropy(logits, torch.searchsorted(seen, torch.cat(wanted)))

        named = {str(number): part for number, part in enumerate(parts)}
        rate, seed = config.learning_rate, config.seed
        learner = fine_tuning_learner(named, steps=steps, learning_rate=rate, seed=seed)
        fit(loss_of_step, learner, steps=steps, progress=progress)

    prompt.requires_grad_(False)
    trigger.requires_grad_(False)
    if not config.poisoned:
        learn(prompt, steps=config.steps)
        learn(trigger, steps=config.warm + config.steps)
    elif config.learned:
        learn(trigger, steps=config.warm)
        learn(prompt, trigger, steps=config.steps)
    else:
        learn(prompt, steps=config.steps)
    return prompt, trigger
