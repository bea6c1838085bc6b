"""Imitating an API: queries, what a fine-tuned classifier answers, and a copy that learns to answer the same.

Krishna et al., "Thieves on Sesame Street! Model Extraction of BERT-based APIs", ICLR 2020, https://arxiv.org/abs/1910.12366:
random words serve as queries, where victim and thief fine-tune the same public encoder. He et al., "Model Extraction
and Adversarial Transferability, Your BERT is Vulnerable!", NAACL 2021, https://arxiv.org/abs/2103.10013. Zanella-Béguelin
et al., "Grey-box Extraction of Natural Language Models", ICML 2021: over a frozen encoder the last layer is solved for.

Shape letters: Q queries, C classes, D embedding width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.data.sentences import Sentences
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.text_encoder import (
    SPECIAL,
    MaskedModel,
    TextEncoder,
)
from reference_impls.lab.models.text_heads import (
    FineTuning,
    TextScores,
    fine_tuned,
)
from reference_impls.lab.models.training import check_positive, seeded

Answers = Literal["label", "top", "all"]
Queries = Literal["same", "spliced", "random"]
Thief = Literal["tunes", "scratch", "solves"]


@dataclass(frozen=True, kw_only=True)
class ImitationConfig:
    """What the API tells, what the thief asks, and how he learns."""

    answers: Answers = "all"
    """The API returns the `label` alone, the label and its probability (`top`), or `all` probabilities."""
    asks: Queries = "random"
    """Texts like the victim's (`same`), halves of two of them (`spliced`), or words drawn at `random`."""
    queries: int = 512
    """Texts that are asked for."""
    thief: Thief = "tunes"
    """`tunes` the public encoder, trains one from `scratch`, or `solves` for the last layer over the public encoder."""
    frozen: bool = False
    """Whether the victim left the public encoder as it is, and learned a head alone."""
    copying: FineTuning = field(default_factory=lambda: FineTuning(steps=60))
    """How the thief learns from the answers."""
    seed: int = 0
    """Of queries and copy."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(queries=self.queries)
        if self.thief == "solves" and self.answers != "all":
            raise ConfigError("solving needs all probabilities, so --answers all")


# -- The API -------------------------------------------------------------------------


def told(scores_QC: Tensor, answers: Answers) -> Tensor:
    """What the thief takes for the probabilities (Q, C): all of them; the top one, the rest spread evenly; or 1 for the label."""
    all_QC = scores_QC.softmax(dim=1)
    classes = all_QC.shape[1]
    label_QC = F.one_hot(all_QC.argmax(dim=1), classes).to(all_QC)
    if answers == "all":
        return all_QC
    if answers == "label":
        return label_QC
    top_Q1 = all_QC.amax(dim=1, keepdim=True)
    return torch.where(label_QC > 0, top_Q1, (1 - top_Q1) / max(1, classes - 1))


# -- Queries -------------------------------------------------------------------------


def asked(own: Sentences, vocabulary: Sequence[str], config: ImitationConfig) -> tuple[str, ...]:  # fmt: skip
    """Texts to ask for, made of texts that are not the victim's; random ones are as long as these."""
    chance = Generator().manual_seed(config.seed)

    def draw(high: int) -> int:
        return int(torch.randint(high, (1,), generator=chance))

    words = [one for one in vocabulary if one not in SPECIAL]
    rows = []
    for n in range(config.queries):
        text = own.texts[n % len(own)].split()
        if config.asks == "spliced":
            other = own.texts[draw(len(own))].split()
            text = text[: len(text) // 2] + other[len(other) // 2 :]
        elif config.asks == "random":
            text = [words[draw(len(words))] for _ in text]
        rows.append(" ".join(text))
    return tuple(rows)


# -- The thief -----------------------------------------------------------------------


def solved(public: TextEncoder, texts: Sequence[str], answers_QC: Tensor) -> TextScores:
    """The last layer by least squares: log-probabilities, less their mean, are W z + b of unit-length embeddings z."""

    def inputs(some: Sequence[str]) -> Tensor:
        unit_QD = F.normalize(public.embed(some), dim=1)
        return torch.cat([unit_QD, unit_QD.new_ones(len(unit_QD), 1)], dim=1).double()

    logs_QC = answers_QC.clamp(min=1e-30).double().log()
    logs_QC -= logs_QC.mean(dim=1, keepdim=True)
    layer = torch.linalg.lstsq(
        inputs(texts).cpu(), logs_QC.cpu(), driver="gelsd"
    ).solution
    return lambda some: inputs(some) @ layer.to(public.device)


def copied(
    public: TextEncoder, victim: TextScores, own: Sentences, config: ImitationConfig
) -> TextScores:
    """A classifier made from the victim's answers alone."""
    texts = asked(own, public.module.vocabulary, config)
    with torch.no_grad():
        parts = [victim(texts[n : n + 256]) for n in range(0, len(texts), 256)]
    answers_QC = told(torch.cat(parts), config.answers)
    if config.thief == "solves":
        return solved(public, texts, answers_QC)
    start = public
    if config.thief == "scratch":
        module = public.module
        new = seeded(lambda: MaskedModel(module.vocabulary, module.config), config.seed)
        start = TextEncoder(new.to(public.device), "scratch")
    names = tuple(map(str, range(answers_QC.shape[1])))
    data = Sentences(name="answers", texts=texts, labels={"api": answers_QC}, classes={"api": names})  # fmt: skip
    return fine_tuned(start, data, "api", config.copying, seed=config.seed)


PRESETS: dict[str, ImitationConfig] = {
    "scratch": ImitationConfig(thief="scratch", answers="label", asks="same"),
    "label-64": ImitationConfig(answers="label", asks="same", queries=64),
    "label": ImitationConfig(answers="label", asks="same"),
    "all": ImitationConfig(asks="same"),
    "random-scratch": ImitationConfig(answers="label", thief="scratch"),
    "random": ImitationConfig(answers="label"),
    "head-tuned": ImitationConfig(frozen=True, queries=80),
    "head-solved": ImitationConfig(frozen=True, queries=80, thief="solves"),
}
"""What is measured; the first is the control."""
