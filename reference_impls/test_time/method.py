"""What is done to an attacked image, or to its embedding, before a frozen CLIP names it.

TTC: Xing, Zhao and Sebe, "CLIP is Strong Enough to Fight Back", CVPR 2025, https://arxiv.org/abs/2503.03613.
CLIPure-Cos: Zhang et al., "CLIPure", ICLR 2025, https://arxiv.org/abs/2502.18176.
Reversal (Mao et al., ICCV 2021) is in `reversal.py`. Noise is the control of those that change the image.

Shape letters: B batch, H and W pixels, D embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.attacks.adaptive import bpda, soft_sign
from reference_impls.lab.attacks.pgd import Budget, ascend, project, start_of
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import check_positive
from reference_impls.test_time.reversal import Encode, view_agreement

Defense = Literal["none", "noise", "ttc", "clipure", "reversal"]


@dataclass(frozen=True, kw_only=True)
class DefenseConfig:
    """Which defense, and its settings."""

    defense: Defense = "ttc"
    """`ttc` pushes the embedding away from where it is, `clipure` pulls it toward a text without a class,
    `reversal` makes two views of the image agree again, `noise` and `none` are controls."""
    reach: Budget = field(
        default_factory=lambda: Budget(epsilon=8 / 255, step=2 / 255, steps=2)
    )
    """How far noise, counterattack and reversal may change the image."""
    tau: float = 0.2
    """TTC: where noise moves the embedding by this share of its length or more, the image keeps the noise alone."""
    beta: float = 2.0
    """TTC: step i counts exp(beta i)."""
    eta: float = 0.1
    """CLIPure: step size on the unit sphere; the paper takes 30."""
    steps: int = 10
    """CLIPure: gradient steps."""
    toward: Literal["text", "random"] = "text"
    """CLIPure: the text without a class, or as a control a random direction."""
    training: int = 150
    """Reversal: steps in which its projector learns; the encoder is left alone."""
    bank: int = 256
    """Reversal: training images that serve as negatives."""
    seed: int = 0
    """Of noise, views, projector and random direction."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(
            tau=self.tau, eta=self.eta, steps=self.steps, training=self.training
        )
        check_positive(bank=self.bank)


def _reach(levels: int, steps: int) -> Budget:
    return Budget(epsilon=levels / 255, step=levels / 4 / 255, steps=steps)


PRESETS: dict[str, DefenseConfig] = {
    "none": DefenseConfig(defense="none"),
    "noise": DefenseConfig(defense="noise", reach=_reach(8, 1)),
    "ttc": DefenseConfig(reach=_reach(8, 2)),
    "noise-wide": DefenseConfig(defense="noise", reach=_reach(16, 1)),
    "reversal": DefenseConfig(defense="reversal", reach=_reach(16, 10)),
    "clipure-random": DefenseConfig(defense="clipure", toward="random"),
    "clipure-published": DefenseConfig(defense="clipure", eta=30),
    "clipure": DefenseConfig(defense="clipure"),
}
"""What is measured, each control before what it is the control of."""


# -- TTC -----------------------------------------------------------------------------


def relative_shift(encode: Encode, images: Tensor, changed: Tensor) -> Tensor:
    """TTC's tau of each image (B,): ‖f(x + n) - f(x)‖ / ‖f(x)‖, low where an image is "falsely stable"."""
    before_BD = encode(images)
    shift_B: Tensor = (encode(changed) - before_BD).norm(dim=1)
    shift_B /= before_BD.norm(dim=1)
    return shift_B


def counterattack(
    encode: Encode, images_B3HW: Tensor, config: DefenseConfig, chance: Generator
) -> Tensor:
    """TTC: images after tau-thresholded, weighted steps that maximise ‖f(x + d) - f(x)‖².

    d_0 is uniform noise. The answer is sum_i w_i d_i with w_i = exp(beta i) / sum_j exp(beta j) where tau is
    below its threshold, and d_0 elsewhere. Where the images want a gradient, it is taken through every step.
    """
    reach, differentiable = config.reach, images_B3HW.requires_grad
    attacked_BD = encode(images_B3HW)
    noise = start_of(images_B3HW, reach, chance) - images_B3HW.detach()
    path = [images_B3HW + noise]
    stable_B = relative_shift(encode, images_B3HW, path[0]).detach() < config.tau
    for _ in range(reach.steps):
        with torch.enable_grad():
            here = path[-1] if differentiable else path[-1].detach().requires_grad_()
            distance = (encode(here) - attacked_BD).square().sum()
            (slope,) = torch.autograd.grad(distance, here, create_graph=differentiable)
            moved = here + reach.step_size * soft_sign(slope)
        path.append(project(moved, images_B3HW, reach))
    weights = torch.softmax(config.beta * torch.arange(len(path)), dim=0).to(path[0])
    mixed = torch.stack(path, dim=-1) @ weights
    changed = torch.where(stable_B.view(-1, 1, 1, 1), mixed, path[0])
    return changed if differentiable else changed.detach()


# -- CLIPure-Cos ---------------------------------------------------------------------


def purify(embeddings_BD: Tensor, blank_D: Tensor, eta: float, steps: int) -> Tensor:
    """CLIPure-Cos: gradient ascent of cos(u, blank) over the direction u; the length stays.

    On the sphere the gradient is blank - (u · blank) u.
    """
    length_B1 = embeddings_BD.norm(dim=1, keepdim=True)
    u_BD = embeddings_BD / length_B1
    for _ in range(steps):
        gradient_BD = blank_D - (u_BD @ blank_D).unsqueeze(1) * u_BD
        u_BD = F.normalize(u_BD + eta * gradient_BD, dim=1)
    purified_BD: Tensor = length_B1 * u_BD
    return purified_BD


# -- Before the classifier -----------------------------------------------------------


def defended(
    encoder: Encoder, train: Dataset, blank_D: Tensor, config: DefenseConfig
) -> Encode:
    """The encoder behind a defense.

    Gradients pass through purification and counterattack; noise and reversal hand them on as if they had
    left the image alone.
    """
    encode, chance = encoder.encode, Generator().manual_seed(config.seed)
    if config.defense == "none":
        return encode
    if config.defense == "clipure":
        if config.toward == "random":
            blank_D = torch.randn(blank_D.shape, generator=chance).to(blank_D)
        direction_D = F.normalize(blank_D, dim=0)
        return lambda x: purify(encode(x), direction_D, config.eta, config.steps)
    change = partial(start_of, budget=config.reach, generator=chance)
    if config.defense == "ttc":
        return lambda x: encode(counterattack(encode, x, config, chance))
    if config.defense == "reversal":
        learned = config.training, config.bank, config.seed
        agreement = view_agreement(encode, train, *learned, chance)
        change = partial(ascend, agreement, budget=config.reach, generator=chance)
    return lambda images: encode(bpda(change, images))
