"""Is there a backdoor in what somebody changed of a public model? Spectra of the weight update; the model never runs.

Puertolas Merenciano et al., "Weight space Detection of Backdoors in LoRA Adapters", 2026, https://arxiv.org/abs/2602.15195:
five statistics of every matrix of an update and a logistic regression over them. Here the update is that of an image encoder.

Shape letters: O and I outputs and inputs of a layer, F features of an update, N updates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, EncoderError, check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import check_positive

Features = Literal["size", "shape", "spectra"]
STATISTICS = ("leading", "frobenius", "concentration", "entropy", "kurtosis")
"""Of a matrix: the largest singular value, the norm, the largest's share of the squared norm, the entropy of all shares, and the excess
kurtosis of the entries."""
READ: dict[str, tuple[int, ...]] = {"size": (1,), "shape": (2, 3, 4), "spectra": (0, 1, 2, 3, 4)}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SpectraConfig:
    """What is read of an update, and how the detector learns."""

    features: Features = "spectra"
    """All five statistics; `shape` only those that do not change with the size of an update, `size` only that, a control."""
    penalty: float = 0.1
    """Of the squared weights of the logistic regression."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(penalty=self.penalty)


# -- What is read of an update ---------------------------------------------------------


def matrices(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Weights (O, I) of convolutions and linear layers by name; a kernel's pixels count as inputs."""
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            yield name, part.weight.detach().flatten(1)


def statistics(update_OI: Tensor) -> Tensor:
    """The five statistics of one matrix; the entropy is in [0, 1], and of a matrix of zeros all are 0."""
    values = torch.linalg.svdvals(update_OI.double())
    total = values.square().sum()
    if total == 0:
        return torch.zeros(len(STATISTICS), dtype=torch.double)
    share = values.square() / total
    entropy = torch.special.entr(share).sum() / torch.tensor(max(2, len(share))).log()
    apart = update_OI.double() - update_OI.double().mean()
    kurtosis = apart.pow(4).mean() / apart.square().mean().square() - 3
    return torch.stack([values[0], total.sqrt(), share[0], entropy, kurtosis])


def signature(base: Encoder, suspect: Encoder) -> Tensor:
    """Statistics (F,) of all matrices of the update from a public encoder to a suspect one, five for each.

    Raises:
        EncoderError: another architecture, or one without such layers.
    """
    before, after = dict(matrices(base.module)), dict(matrices(suspect.module))
    if not before or {n: w.shape for n, w in before.items()} != {n: w.shape for n, w in after.items()}:  # fmt: skip
        raise EncoderError(f"{suspect.name} is no update of {base.name}: they have no layers in common, or other ones")  # fmt: skip
    return torch.cat([statistics((after[name] - weight).cpu()) for name, weight in before.items()])  # fmt: skip


# -- The detector ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Detector:
    """A logistic regression on standardised features."""

    read: Tensor
    """Which entries of a signature it looks at."""
    mean_F: Tensor
    std_F: Tensor
    weight_F: Tensor
    bias: Tensor

    def score(self, signatures_NF: Tensor) -> Tensor:
        """Log odds (N,) that an update carries a backdoor."""
        seen_NF = (signatures_NF[:, self.read] - self.mean_F) / self.std_F
        return seen_NF @ self.weight_F + self.bias


def learned(benign_NF: Tensor, bad_NF: Tensor, config: SpectraConfig) -> Detector:
    """A detector from updates of which it is known whether they carry a backdoor; both kinds weigh the same.

    Raises:
        ConfigError: there is no update of one of the kinds.
    """
    if not len(benign_NF) or not len(bad_NF):
        raise ConfigError("a detector learns from updates of both kinds")
    every = torch.arange(benign_NF.shape[1])
    read = every[torch.isin(every % len(STATISTICS), torch.tensor(READ[config.features]))]  # fmt: skip
    inputs_NF = torch.cat([benign_NF, bad_NF])[:, read]
    bad_N = torch.cat([torch.zeros(len(benign_NF)), torch.ones(len(bad_NF))]).double()
    weigh_N = torch.where(bad_N > 0, 0.5 / len(bad_NF), 0.5 / len(benign_NF))
    mean_F, std_F = inputs_NF.mean(dim=0), inputs_NF.std(dim=0) + 1e-9
    inputs_NF = (inputs_NF - mean_F) / std_F
    weight_F = torch.zeros(len(read), dtype=torch.double, requires_grad=True)
    bias = torch.zeros((), dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight_F, bias], max_iter=200, line_search_fn="strong_wolfe")  # fmt: skip

    def loss() -> float:
        optimizer.zero_grad()
        logits_N = inputs_NF @ weight_F + bias
        fits = F.binary_cross_entropy_with_logits(logits_N, bad_N, weigh_N, reduction="sum")  # fmt: skip
        total = fits + config.penalty * weight_F.square().sum() / len(read)
        total.backward()
        return total.item()

    optimizer.step(loss)
    return Detector(read, mean_F, std_F, weight_F.detach(), bias.detach())
