"""What is measured: a poisoned prompt on classes it learned and on others, beside a clean one with a trigger made for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from reference_impls.lab.attacks.universal import random_sign_perturbation
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.clip import CLIP
from reference_impls.lab.models.prompts import Context, captions_of, few
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.prompt_backdoor.method import (
    PRESETS,
    PromptBackdoorConfig,
    plant,
)


@torch.no_grad()
def measure(setup: Setup, config: PromptBackdoorConfig) -> dict[str, float | None]:
    """Accuracy and success among the classes that were learned, every second one, and among the target and all others."""
    clip, task, train, target = setup.clip, setup.task, setup.train, config.target
    if not isinstance(clip, CLIP):
        raise DatasetError("a prompt is learned on a lab CLIP, whose word vectors are known")  # fmt: skip
    captions, labels_N = captions_of(train, task), setup.labels_N
    if target >= len(captions):
        raise DatasetError(f"{task!r} has classes 0 to {len(captions) - 1}, no target {target}")  # fmt: skip
    context = Context(clip.text, captions, setup.encoder.device)
    words_NLW = clip.text.words(clip.text.tokens(train.captions))
    context.vectors_LW.data = words_NLW.mean(dim=0).to(setup.encoder.device)
    own_N = few(train, task, config.shots)
    own = train.take(own_N[train.labels[task][own_N] % 2 == target % 2])
    with torch.enable_grad():
        prompt, trigger = plant(setup.encoder, context, own, task, config, setup.progress)  # fmt: skip
    noise = random_sign_perturbation(config.epsilon, setup.encoder.size, seed=config.seed + 1)  # fmt: skip

    def share(change: Callable[[Tensor], Tensor], mark_N: Tensor, wanted_N: Tensor, names: Tensor) -> float | None:  # fmt: skip
        """Of the marked images that are named as wanted, among some classes; none without such images."""
        if not mark_N.any():
            return None
        embedded = setup.encoder.encode(change(setup.images_N3HW[mark_N]))
        found_N = names[prompt(embedded)[:, names].argmax(dim=1)]
        return (found_N == wanted_N[mark_N]).float().mean().item()

    found, aim_N = {}, torch.full_like(labels_N, target)
    numbers = torch.arange(len(captions), device=labels_N.device)
    for mark, which in (("", target % 2), ("_unseen", 1 - target % 2)):
        names = numbers[(numbers % 2 == which) | (numbers == target)]
        these_N, others_N = (labels_N % 2 == which), (labels_N % 2 == which) & (labels_N != target)  # fmt: skip
        found[f"accuracy{mark}"] = share(lambda x: x, these_N, labels_N, names)
        found[f"asr{mark}"] = share(trigger, others_N, aim_N, names)
        found[f"noise{mark}"] = share(noise.apply, others_N, aim_N, names)
    return found


GRID = Grid(
    home=Path(__file__).parent,
    about="Poison the learned prompt of a CLIP, and leave the CLIP alone.",
    presets=PRESETS,
    shown="badclip",
    measure=measure,
    columns={name + one: Column() for one in ("", "_unseen") for name in ("accuracy", "asr", "noise")},
    told=[Told(preset=one, measure="asr", better="higher") for one in ("badclip", "baple")],
    chart=("accuracy", "asr", "asr_unseen"),
    model=studied_clip,
    images=400,
    quick={"steps": 2, "warm": 2},
    says={"levels": round(255 * PRESETS["badclip"].epsilon), "shots": PRESETS["badclip"].shots},
    examples=["", "--preset baple --task texture --epsilon 8/255"],
    smoke="--steps 2 --warm 2",
)  # fmt: skip
