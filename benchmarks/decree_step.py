"""Seconds of one DECREE step on one thread, beside a step that costs what the published program's costs.

Its costs, as they were observed: weights that are not frozen, masks in float64, every
image normalised by itself, the clean images as well as the stamped ones, and the whole
N x N matrix of cosines.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, nn
from torch.nn import functional as F

from reference_impls.decree.config import PUBLISHED, DecreeConfig
from reference_impls.decree.method import Restart, _step
from reference_impls.lab.encoders import Encoder, SmallNetConfig, small_encoder
from reference_impls.lab.shapes import shapes
from reference_impls.lab.speed import accelerated
from reference_impls.lab.torchvision_shim import import_torchvision

RECORDED = {"small": 0.092, "resnet18": 2.6}
"""Least seconds per step, batch 128, measured earlier with the published program itself."""


@dataclass(frozen=True)
class StepTimes:
    """Processor seconds per step of 128 images, the least of several."""

    encoder: str
    published: float
    """A step with the published program's costs, measured here."""
    ours: float
    """The preset `published`, encoder rewritten."""
    ours_bf16: float
    """The same in bfloat16."""
    restarts: float
    """Four searches in one step."""


def measure(name: str, repeats: int = 3) -> StepTimes:
    """All four on one encoder, one thread."""
    torch.set_num_threads(1)
    encoder, images_B3HW = _encoder(name), shapes(128, seed=0).images_N3HW
    fast, faster = accelerated(encoder), accelerated(encoder, bf16=True)
    return StepTimes(
        encoder=name,
        published=_least(_published_step(encoder, images_B3HW), repeats),
        ours=_least(_our_step(fast, images_B3HW, PUBLISHED), repeats),
        ours_bf16=_least(_our_step(faster, images_B3HW, PUBLISHED), repeats),
        restarts=_least(
            _our_step(faster, images_B3HW, replace(PUBLISHED, restarts=4)), repeats
        ),
    )


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


def _least(step: Callable[[], None], repeats: int) -> float:
    step()
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        step()
        seconds.append(time.process_time() - started)
    return min(seconds)


def _our_step(
    encoder: Encoder, images_B3HW: torch.Tensor, config: DecreeConfig
) -> Callable[[], None]:
    generator = Generator().manual_seed(0)
    restarts = [
        Restart(number, encoder.size, config, generator, torch.device("cpu"))
        for number in range(config.restarts)
    ]
    return lambda: _step(encoder, images_B3HW, restarts, config)


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
            f"four starts cost {found.restarts / found.ours_bf16:.2f} times one\n"
        )
