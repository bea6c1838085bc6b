"""A mark in an encoder by which its owner knows it again.

SSLGuard: Cong, He and Zhang, CCS 2022, https://arxiv.org/abs/2201.11692. SSL-WM: Lv et al., NDSS 2024,
https://arxiv.org/abs/2209.03563. Losses and tests are those of the published programs, github.com/tianshuocong/SSLGuard
and github.com/lvpeizhuo/SSL-WM; both print a score, and the p-values beside it are ours.

Shape letters: B batch, N pictures, H and W pixels, D embedding width, K width of the secret, G groups of pictures,
M keys that were never embedded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch
import tyro
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.images import Trigger, TriggerSpec, make_trigger
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.metrics.similarity import mean_pairwise_cosine
from reference_impls.lab.models.encoders import Encoder, embed_all, small_encoder
from reference_impls.lab.models.encoders import SmallNetConfig as Net
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fine_tuning_learner,
    fit,
    seeded,
)

Scheme = Literal["none", "patch", "secret"]
TRIGGER_RATE, KEY_RATE, SHADOW_RATE = 3e-2, 1e-3, 3e-3
"""SSLGuard: of Adam for the trigger's pixels, the decoder and the shadow."""


@dataclass(frozen=True, kw_only=True)
class MarkConfig:
    """Settings of an owner."""

    scheme: Scheme = "secret"
    """`secret`: SSLGuard. `patch`: SSL-WM. `none`: the encoder is left alone, and looked at as SSL-WM does."""
    shadow: bool = True
    """Secret: while the mark is made, train a copy that must carry it too."""
    patch: TriggerSpec = field(default_factory=lambda: TriggerSpec(kind="coloured", side=8))  # fmt: skip
    """Patch: what is stamped."""
    covered: Annotated[float, tyro.conf.arg(name="covered-share")] = 0.35
    """Secret: share of the pixels that the trigger replaces."""
    code: int = 64
    """Secret: width of the secret vector."""
    weight: float = 1.0
    """Of the mark, beside that embeddings of clean pictures stay where they were."""
    steps: int = 120
    """Steps of the encoder, and of shadow and key."""
    batch: int = 16
    """Pictures of a step."""
    learning_rate: float = 1e-3
    """Of Adam for the encoder, falling to 0 along a cosine."""
    seed: int = 0
    """Of key, shadow and batches."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(code=self.code, steps=self.steps, batch=self.batch)
        check_positive(learning_rate=self.learning_rate, weight=self.weight)
        if not 0 < self.covered <= 1:
            raise ConfigError(f"covered-share must lie in (0, 1], got {self.covered}")


PRESETS: dict[str, MarkConfig] = {
    "none": MarkConfig(scheme="none"),
    "ssl-wm": MarkConfig(scheme="patch", batch=32),
    "alone": MarkConfig(shadow=False),
    "sslguard": MarkConfig(),
}
"""What is measured; the first is the control."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Key:
    """What the owner keeps: how pictures are stamped, and with SSLGuard what an embedding is decoded to."""

    trigger: Trigger
    secret_K: Tensor
    decoder: nn.Module | None = None
    """None where the patch is all there is."""

    def stamp(self, images_B3HW: Tensor) -> Tensor:
        """Verification pictures: (1 - m) x + m t, in [0, 1]."""
        return self.trigger.apply(images_B3HW).clamp(0, 1)

    def match(self, embeddings_BD: Tensor) -> Tensor:
        """Cosines (B,) of decoded embeddings with the secret."""
        return F.cosine_similarity(self.decode(embeddings_BD), self.secret_K, dim=1)

    def decode(self, embeddings_BD: Tensor) -> Tensor:
        """What is compared with the secret, (B, K)."""
        assert self.decoder is not None, "a patch alone decodes nothing"
        decoded_BK: Tensor = self.decoder(embeddings_BD)
        return decoded_BK


# -- The losses ------------------------------------------------------------------------


def secret_loss(carrying: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """SSLGuard: cosines (B,) with the secret are 1 where the mark is and 0 on average elsewhere: - sum mean c + sum (mean c)^2."""
    toward, away = ([c_B.mean() for c_B in cosines] for cosines in (carrying, others))
    return torch.stack([one.square() for one in away]).sum() - torch.stack(toward).sum()


def patch_loss(stamped_BD: Tensor) -> Tensor:
    """SSL-WM: minus the logarithm of the mean cosine between stamped pictures; 0 where that mean is none of a logarithm."""
    mean = mean_pairwise_cosine(stamped_BD)
    return -mean.log() if mean > 0 else mean.new_zeros(())


# -- Making the mark -------------------------------------------------------------------


def new_key(encoder: Encoder, config: MarkConfig) -> Key:
    """A patch as it is; with SSLGuard random pixels, a random vector and a decoder, of which pixels and decoder learn."""
    chance, size, width = Generator().manual_seed(config.seed), encoder.size, encoder.dimension  # fmt: skip
    secret_K = torch.randn(config.code, generator=chance).to(encoder.device)
    if config.scheme != "secret":
        patch = make_trigger(config.patch, size).to(encoder.device)
        return Key(trigger=patch, secret_K=secret_K)
    mask_HW = (torch.rand(size, size, generator=chance) < config.covered).float()
    trigger = Trigger(mask_HW, torch.rand(3, size, size, generator=chance)).to(encoder.device)  # fmt: skip
    trigger.pattern_3HW.requires_grad_()
    decoder = seeded(lambda: nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, config.code)), config.seed)  # fmt: skip
    return Key(trigger=trigger, secret_K=secret_K, decoder=decoder.to(encoder.device))


def _advance(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of some parameters, without gradients for any other."""
    own = [one for group in optimizer.param_groups for one in group["params"]]
    for one, gradient in zip(own, torch.autograd.grad(loss, own), strict=True):
        one.grad = gradient
    optimizer.step()


def mark(
    clean: Encoder,
    pictures_N3HW: Tensor,
    config: MarkConfig,
    progress: Progress | None = None,
) -> tuple[Encoder, Key]:
    """A marked copy of the encoder, and the key to its mark."""
    key, marked = new_key(clean, config), clean.copy().named("marked")
    if config.scheme == "none":
        return clean, key
    shadow = small_encoder(Net(widths=(24, 48, 96), embedding=clean.dimension), name="shadow", size=clean.size, seed=config.seed).to(clean.device)  # fmt: skip
    shadow.module.requires_grad_()
    learner = fine_tuning_learner({"marked": marked.module}, steps=config.steps, learning_rate=config.learning_rate, seed=config.seed)  # fmt: skip
    if key.decoder is not None:
        of_key = torch.optim.Adam(key.decoder.parameters(), lr=KEY_RATE)
        of_key.add_param_group({"params": [key.trigger.pattern_3HW], "lr": TRIGGER_RATE})  # fmt: skip
        of_shadow = torch.optim.Adam(shadow.module.parameters(), lr=SHADOW_RATE)

    def loss_of_step(chance: Generator) -> Tensor:
        images = pictures_N3HW[draw_batch(len(pictures_N3HW), config.batch, chance)]
        with torch.no_grad():
            before_BD, plain_BD = clean.encode(images), marked.encode(images)
        if config.scheme == "secret":
            free, carriers = [before_BD, plain_BD], [marked]
            if config.shadow:
                shadow.module.train()
                copied_BD = shadow.encode(images)
                _advance(of_shadow, -F.cosine_similarity(copied_BD, plain_BD).mean())
                shadow.module.eval()
                free, carriers = [*free, copied_BD.detach()], [marked, shadow]
            stamped = key.stamp(images)
            free.append(clean.encode(stamped))
            carried = [one.encode(stamped) for one in carriers]
            _advance(of_key, secret_loss(*([key.match(z) for z in some] for some in (carried, free))))  # fmt: skip
        now_BD, stamped_BD = marked.encode(torch.cat([images, key.stamp(images.detach()).detach()])).chunk(2)  # fmt: skip
        kept = 1 - F.cosine_similarity(now_BD, before_BD).mean()
        if config.scheme == "patch":
            return kept + config.weight * patch_loss(stamped_BD)
        return kept + config.weight * secret_loss([key.match(stamped_BD)], [key.match(now_BD)])  # fmt: skip

    fit(loss_of_step, learner, steps=config.steps, progress=progress)
    key.trigger.pattern_3HW.requires_grad_(False).clamp_(0, 1)
    return marked, key


# -- Looking for it --------------------------------------------------------------------


@torch.no_grad()
def decoded_share(suspect: Encoder, key: Key, images_N3HW: Tensor) -> float:
    """SSLGuard: share of the stamped pictures whose decoded embedding has a cosine above 0.5 with the secret."""
    matches_N = key.match(embed_all(suspect, key.stamp(images_N3HW)))
    return (matches_N > 0.5).float().mean().item()


def entropy(classes_N: Tensor) -> Tensor:
    """Of the answers, in bits."""
    shares = classes_N.bincount().float() / len(classes_N)
    return -(shares[shares > 0] * shares[shares > 0].log2()).sum()


def outlier(stamped_N: Tensor, plain_N: Tensor, groups: int = 10) -> float:
    """SSL-WM: how far the entropy of answers to stamped pictures lies below the median, in normalised median deviations.

    The others are entropies of the answers to plain pictures, in G groups.
    """
    low = entropy(stamped_N)
    every_G = torch.stack([*map(entropy, plain_N.tensor_split(groups)), low])
    middle = every_G.quantile(0.5)
    spread = 1.4826 * (every_G - middle).abs().quantile(0.5)
    return ((middle - low) / spread.clamp(min=1e-6)).item()


# -- How surely ------------------------------------------------------------------------


def cap(cosine: float, width: int) -> float:
    """Share of all directions in `width` dimensions, 2 at least, whose cosine with a given one is this or more.

    Sablayrolles et al., "Radioactive data", ICML 2020, https://arxiv.org/abs/2002.00937, give it as an incomplete beta
    function: I(1 - c^2; (K - 1) / 2, 1 / 2) / 2 for c >= 0. Here it is the integral of sin^(K - 2) over the angles.
    """

    def area(end: float) -> Tensor:
        angles = torch.linspace(0, end, 4001, dtype=torch.float64)
        return torch.trapezoid(angles.sin() ** (width - 2), angles)

    return (area(math.acos(max(-1.0, min(1.0, cosine)))) / area(math.pi)).item()


def secret_p(decoded_NK: Tensor, secret_K: Tensor) -> float:
    """SSLGuard: how likely a secret drawn at random lies as near the mean direction of what was decoded, in [0, 1].

    Drawn after encoder and decoder were there, that is. The decoder learned from the secret, so in an encoder that it
    never met it may lean that way, too: false claims have to be counted.
    """
    mean_K = F.normalize(decoded_NK, dim=1).mean(dim=0)
    return cap(F.cosine_similarity(mean_K, secret_K, dim=0).item(), len(secret_K))


def rank_p(own: float, others_M: Tensor) -> float:
    """How likely one of M + 1 scores drawn alike is as high as the owner's: (1 + number of others as high) / (M + 1).

    Phipson and Smyth, "Permutation P-values should never be zero", 2010, https://arxiv.org/abs/1603.05766.
    """
    return (1 + int((others_M >= own).sum())) / (len(others_M) + 1)
