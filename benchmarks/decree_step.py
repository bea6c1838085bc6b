"""Seconds of one DECREE step on one thread, beside a step that costs what the published program's costs.

Its costs, as they were observed: weights that are not frozen, masks in float64, every
image normalised by itself, the clean images as well as the stamped ones, and the whole
N x N matrix of cosines. Both take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional as F

from reference_impls.decree.config import PUBLISHED, ROBUST, DecreeConfig
from reference_impls.decree.search import invert_triggers
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.models.encoders import Encoder, SmallNetConfig, small_encoder
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.torchvision import import_torchvision

RECORDED = {"small": 0.092, "resnet18": 2.6}
"""Least seconds per step, batch 128, measured earlier with the published program itself."""
REPEATS = {"small": 15, "resnet18": 2}
"""Turns; the least of each counts."""


@dataclass(frozen=True)
class StepTimes:
    """Processor seconds per step, the least of several; of 128 images where nothing else is said."""

    encoder: str
    published: float
    """A step with the published program's costs, measured here."""
    ours: float
    """The preset `published`, encoder rewritten."""
    ours_bf16: float
    """The same in bfloat16."""
    four: float
    """Four searches in one step."""
    small_batch: float
    """One search with the batch of `robust`."""
    nine_small: float
    """Nine of them in one step, as `robust` begins."""


def measure(name: str) -> StepTimes:
    """All on one encoder, one thread."""
    torch.set_num_threads(1)
    encoder, images_B3HW = _encoder(name), shapes(128, seed=0).images_N3HW
    fast, faster = accelerated(encoder), accelerated(encoder, bf16=True)
    steps = {
        "published": _published_step(encoder, images_B3HW),
        "ours": _our_step(fast, images_B3HW, restarts=1),
        "ours_bf16": _our_step(faster, images_B3HW, restarts=1),
        "four": _our_step(faster, images_B3HW, restarts=4),
        "small_batch": _our_step(faster, images_B3HW, restarts=1, batch=ROBUST.batch),
        "nine_small": _our_step(faster, images_B3HW, restarts=9, batch=ROBUST.batch),
    }
    for step in steps.values():
        step()
    turns = [
        {what: _seconds(step) for what, step in steps.items()}
        for _ in range(REPEATS[name])
    ]
    least = {what: min(turn[what] for turn in turns) for what in steps}
    return StepTimes(encoder=name, **least)


def _encoder(name: str) -> Encoder:
    if name == "small":
        return small_encoder(SmallNetConfig(), name=name, seed=0)
    import_torchvision()
    from torchvision.models import resnet18

    net = resnet18(weights=None)
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool, net.fc = nn.Identity(), nn.Identity()
    return Encoder.from_module(
        net, name=name, size=32, mean=(0.5,) * 3, std=(0.25,) * 3
    )


def _seconds(step: Callable[[], None]) -> float:
    started = time.process_time()
    step()
    return time.process_time() - started


def _our_step(
    encoder: Encoder, images_B3HW: torch.Tensor, *, restarts: int, batch: int = 128
) -> Callable[[], None]:
    config: DecreeConfig = replace(
        PUBLISHED, restarts=restarts, batch=batch, max_epochs=1, epoch_steps=1
    )

    def step() -> None:
        invert_triggers(encoder, images_B3HW, config)

    return step


def _published_step(encoder: Encoder, images_B3HW: torch.Tensor) -> Callable[[], None]:
    module = encoder.copy().module.requires_grad_()
    mask = torch.rand(32, 32, 1, dtype=torch.float64, requires_grad=True)
    pattern = torch.rand(32, 32, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([mask, pattern], lr=0.5, betas=(0.5, 0.9))
    bytes_BHW3 = (images_B3HW * 255).round().permute(0, 2, 3, 1).double()
    mean, std = (
        torch.tensor(values).view(3, 1, 1) for values in (encoder.mean, encoder.std)
    )

    def normalised(image_HW3: torch.Tensor) -> torch.Tensor:
        return ((image_HW3.permute(2, 0, 1) / 255 - mean) / std).float()

    def step() -> None:
        m, t = mask.tanh() / 2 + 0.5, (pattern.tanh() / 2 + 0.5) * 255
        stamped = torch.stack(
            [normalised((1 - m) * image + m * t) for image in bytes_BHW3]
        )
        torch.stack([normalised(image) for image in bytes_BHW3])
        embeddings = F.normalize(module(stamped), dim=1)
        cosines = embeddings @ embeddings.T
        alike = cosines.masked_select(~torch.eye(len(cosines), dtype=torch.bool)).mean()
        optimizer.zero_grad()
        (-alike + 1e-3 * 3 * m.sum()).backward()
        optimizer.step()

    return step


if __name__ == "__main__":
    for chosen in sys.argv[1:] or RECORDED:
        found = measure(chosen)
        sys.stdout.write(
            f"{chosen}: {found.published:.3f} s with the published costs, {found.ours:.3f} s here, "
            f"{found.ours_bf16:.3f} s in bfloat16 ({found.published / found.ours_bf16:.1f}x; "
            f"{RECORDED[chosen] / found.ours_bf16:.1f}x the recorded {RECORDED[chosen]} s); "
            f"four starts of 128 images cost {found.four / found.ours_bf16:.2f} times one, "
            f"nine of 32 images {found.nine_small / found.small_batch:.2f} times one\n"
        )
