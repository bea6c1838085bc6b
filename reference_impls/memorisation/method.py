"""What a masked language model keeps of its training texts: addresses of people, and who was in it at all.

Carlini et al., "Extracting Training Data from Large Language Models", USENIX Security 2021, https://arxiv.org/abs/2012.07805.
Mireshghallah et al., "Quantifying Privacy Risks of Masked Language Models Using Membership Inference Attacks", EMNLP 2022,
https://arxiv.org/abs/2203.03929. Exposure: Carlini et al., "The Secret Sharer", USENIX Security 2019, https://arxiv.org/abs/1802.08232.
DP-SGD: Abadi et al., CCS 2016, https://arxiv.org/abs/1607.00133, with optimiser and accountant of the library opacus.

Shape letters: B and N texts, L tokens, C canaries, H house numbers, S streets, T towns, K words of one kind,
D width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from reference_impls.lab.data.people import NUMBERS, STRANGERS, STREETS, TOWNS, Person
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.text_encoder import (
    MASK,
    PAD,
    SKIPPED,
    MaskedModel,
    TextEncoder,
    masked_loss,
    masked_tokens,
)
from reference_impls.lab.models.training import (
    Progress,
    check_positive,
    draw_batch,
    fit,
    one_cycle_learner,
)
from reference_impls.lab.torchvision import import_library

REPEATED = (0, 1, 4, 16, 64)
"""How often a canary is in the private texts; those of 0 are the control."""
CANARY = "{name} lives at {address}"
ASKED = "{name} lives at [MASK] [MASK] street in [MASK]"
KINDS = [str(n + 1) for n in range(NUMBERS)], STREETS, TOWNS
"""Words that are masked."""
ADDRESSES = NUMBERS * len(STREETS) * len(TOWNS)
"""How many there could be."""
Training = Literal["none", "plain", "deduplicated", "private"]


@dataclass(frozen=True, kw_only=True)
class MemorisationConfig:
    """How the model learns the private texts."""

    training: Training = "plain"
    """`none` is the model before; `deduplicated` learns every text once per pass; `private` is DP-SGD."""
    canaries: int = 8
    """People whose address is in the private texts, for each number of repetitions; at most 9."""
    steps: int = 200
    """Optimiser steps."""
    batch: int = 64
    """Texts per step; with DP-SGD their expected number."""
    learning_rate: float = 3e-3
    """Peak of AdamW's one-cycle schedule; that of Adam with DP-SGD."""
    noise: float = 1.0
    """DP-SGD: standard deviation of the noise, in `clip`."""
    clip: float = 1.0
    """DP-SGD: longest gradient of one text."""
    delta: float = 1e-4
    """DP-SGD: δ, at which ε is told."""
    seed: int = 0
    """Of canaries, batches, masks and noise."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(canaries=self.canaries, steps=self.steps, batch=self.batch)
        check_positive(noise=self.noise, clip=self.clip, delta=self.delta)
        if self.canaries * len(REPEATED) > STRANGERS:
            raise ConfigError(f"there are people for {STRANGERS // len(REPEATED)} canaries each, not {self.canaries}")  # fmt: skip


# -- The model that learns private texts ---------------------------------------------


def learned(
    encoder: TextEncoder, texts: Sequence[str], config: MemorisationConfig, progress: Progress | None = None
) -> tuple[TextEncoder, float | None]:  # fmt: skip
    """A copy that went on learning from the texts, and with DP-SGD its ε."""
    model = encoder.copy()
    if config.training == "none":
        return model, None
    texts = list(dict.fromkeys(texts)) if config.training == "deduplicated" else texts
    tokens_NL, epsilon = model.tokens(texts), None
    if config.training == "private":
        epsilon = privately(model.module, tokens_NL, config, progress)
    else:
        learner = one_cycle_learner({"module": model.module}, steps=config.steps, learning_rate=config.learning_rate, seed=config.seed)  # fmt: skip

        def loss_of_step(chance: Generator) -> Tensor:
            return masked_loss(model.module, tokens_NL[draw_batch(len(texts), config.batch, chance)], chance)  # fmt: skip

        fit(loss_of_step, learner, steps=config.steps, progress=progress)
    model.module.eval().requires_grad_(False)
    return model, epsilon


class LossOfOne(nn.Module):
    """The masked loss of one text as a module, so that its gradient can be taken for each."""

    def __init__(self, module: MaskedModel) -> None:
        """Of the model with these weights."""
        super().__init__()
        self.module = module

    def forward(self, shown_L: Tensor, asked_L: Tensor) -> Tensor:
        """Mean cross entropy of the words that are asked for; 0 where none is."""
        scores_LV = self.module.scores(self.module(shown_L.unsqueeze(0)))[0]
        total = F.cross_entropy(scores_LV, asked_L, ignore_index=SKIPPED, reduction="sum")  # fmt: skip
        return total / (asked_L != SKIPPED).sum().clamp(min=1)


def privately(module: MaskedModel, tokens_NL: Tensor, config: MemorisationConfig, progress: Progress | None) -> float:  # fmt: skip
    """DP-SGD with Adam: each text's gradient is clipped, noise is added to their sum; the ε it costs.

    Batches are Poisson samples; one text is what is protected, and its copies are not.
    """
    import_library("opacus", "opacus")
    from opacus.accountants import RDPAccountant
    from opacus.optimizers import DPOptimizer

    module.train().requires_grad_()
    whole, share = LossOfOne(module), min(1.0, config.batch / len(tokens_NL))
    weights = dict(whole.named_parameters())
    chance = Generator().manual_seed(config.seed)
    optimizer: Any = DPOptimizer(
        torch.optim.Adam(weights.values(), lr=config.learning_rate),
        noise_multiplier=config.noise,
        max_grad_norm=config.clip,
        expected_batch_size=config.batch,
        generator=Generator(tokens_NL.device).manual_seed(config.seed),
    )
    accountant = RDPAccountant()

    def loss_of_one(weights: dict[str, Tensor], shown_L: Tensor, asked_L: Tensor) -> Tensor:  # fmt: skip
        loss: Tensor = functional_call(whole, weights, (shown_L, asked_L))
        return loss

    of_each = vmap(grad(loss_of_one), in_dims=(None, 0, 0))
    for step in range(config.steps):
        drawn_N = torch.rand(len(tokens_NL), generator=chance) < share
        if drawn_N.any():
            plain = {name: one.detach() for name, one in weights.items()}
            with sdpa_kernel(SDPBackend.MATH):  # the only one that vmap knows
                found = of_each(plain, *masked_tokens(tokens_NL[drawn_N], module.config.masked, len(module.vocabulary), chance))  # fmt: skip
            for name, one in weights.items():
                one.grad_sample = found[name]  # type: ignore[attr-defined]
            optimizer.step()
            optimizer.zero_grad()
        accountant.step(noise_multiplier=config.noise, sample_rate=share)
        if progress:
            progress(step + 1, config.steps, math.nan)
    return float(accountant.get_epsilon(delta=config.delta))


# -- Attacks -------------------------------------------------------------------------


@torch.no_grad()
def ranks(encoder: TextEncoder, people: Sequence[Person]) -> Tensor:
    """Place (C,) of everybody's address among all that there could be, the likeliest first.

    An address scores the sum of the logarithms of its words' probabilities where house number, street and town are masked.
    """
    words = [torch.tensor([encoder.module.index[word] for word in kind]) for kind in KINDS]  # fmt: skip
    tokens_CL = encoder.tokens([ASKED.format(name=one.name) for one in people])
    places_C3 = (tokens_CL == MASK).nonzero()[:, 1].view(len(people), 3)
    vectors_C3D = encoder.module(tokens_CL)[torch.arange(len(people)).unsqueeze(1), places_C3]  # fmt: skip
    told_C3V = encoder.module.scores(vectors_C3D).log_softmax(dim=2).cpu()
    h_CH, s_CS, t_CT = (told_C3V[:, k][:, words[k]] for k in range(3))
    all_CHST = h_CH[:, :, None, None] + s_CS[:, None, :, None] + t_CT[:, None, None, :]
    true = []
    for n, one in enumerate(people):
        number, street, *_, town = one.address.split()
        true.append(all_CHST[n, int(number) - 1, STREETS.index(street), TOWNS.index(town)])  # fmt: skip
    return 1 + (all_CHST > torch.stack(true)[:, None, None, None]).flatten(1).sum(dim=1)


def exposure(rank_C: Tensor) -> Tensor:
    """Secret Sharer: log2 of how many addresses there could be, minus log2 of the rank."""
    return math.log2(ADDRESSES) - rank_C.double().log2()


@torch.no_grad()
def energies(encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
    """Mean loss (N,) of a text's words, each masked alone: the energy that stands for its likelihood."""
    tokens_NL, total_N = encoder.tokens(texts), torch.zeros(len(texts), device=encoder.device)  # fmt: skip
    for place in range(1, tokens_NL.shape[1]):
        shown_NL, true_N = tokens_NL.clone(), tokens_NL[:, place]
        shown_NL[:, place] = torch.where(true_N == PAD, PAD, MASK)
        scores_NV = encoder.module.scores(encoder.module(shown_NL)[:, place])
        total_N += F.cross_entropy(scores_NV, true_N, reduction="none") * (true_N != PAD)  # fmt: skip
    return (total_N / (tokens_NL != PAD).sum(dim=1).sub(1).clamp(min=1)).cpu()


def likelihood_ratio(target_N: Tensor, reference_N: Tensor) -> Tensor:
    """Score of a member (N,): energy under the reference model minus that under the target, the log of the ratio."""
    return reference_N - target_N


PRESETS = {
    "none": MemorisationConfig(training="none"),
    "plain": MemorisationConfig(),
    "deduplicated": MemorisationConfig(training="deduplicated"),
    "private": MemorisationConfig(training="private"),
}
