"""What is measured: for what share of queries each passage is among the first, as it is and under two defenses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from reference_impls.hub_attack.method import NEAR, PRESETS, HubConfig, hubs
from reference_impls.lab.data.sentences import Sentences
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.metrics.detection import threshold_at
from reference_impls.lab.models.text_encoder import MASK, TextEncoder, TextEncoderConfig
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import TextSetup
from reference_impls.lab.study.single import Column

ALARMS = 0.05
"""Share of the corpus that a filter may refuse."""


def query(text: str) -> str:
    """What somebody who looks for a text would type: its first three words of more than three letters."""
    return " ".join([word for word in text.split() if len(word) > 3][:3]) or text


def before(scores_QN: Tensor, own_QK: Tensor) -> Tensor:
    """How many passages of the corpus come before the best hub, for each query (Q,); ties count against the hub."""
    return (scores_QN >= own_QK.amax(dim=1, keepdim=True)).sum(dim=1)


@torch.no_grad()
def surprise(encoder: TextEncoder, texts: Sequence[str]) -> Tensor:
    """Mean negative log-likelihood of a text's words, each masked in turn: what a filter of odd texts looks at."""
    found = []
    for text in texts:
        tokens_1L = encoder.tokens([text])
        at = torch.arange(1, tokens_1L.shape[1])
        gaps_LL = tokens_1L.repeat(len(at), 1)
        gaps_LL[at - 1, at] = MASK
        vectors = encoder.module(gaps_LL)[at - 1, at]
        found.append(F.cross_entropy(encoder.module.scores(vectors), tokens_1L[0, 1:]))
    return torch.stack(found)


def measure(setup: TextSetup, config: HubConfig) -> dict[str, float | None]:
    """Shares of queries, and of passages that a filter refuses."""
    train, encoder = setup.train, setup.encoder
    quarter = len(train) // 4
    if quarter < NEAR:
        raise DatasetError(f"{4 * NEAR} texts are needed, got {len(train)}")
    known, bank, own, corpus = (train.take(range(n * quarter, (n + 1) * quarter)) for n in range(4))  # fmt: skip

    def asked(data: Sentences) -> list[str]:
        labels = data.labels[setup.task].tolist()
        found = [query(text) for text, n in zip(data.texts, labels, strict=True) if config.only in (-1, n)]  # fmt: skip
        if not found:
            raise DatasetError(f"no query is of class {config.only} of {setup.task!r}")
        return found

    seen = asked(known)[: config.known]
    made = hubs(encoder, seen, list(own.texts), config)

    def unit(texts: Sequence[str]) -> Tensor:
        return F.normalize(encoder.embed(texts), dim=1)

    hubs_KD, corpus_ND, bank_QD = (
        unit(made),
        unit(corpus.texts),
        unit([query(text) for text in bank.texts]),
    )
    others_QD, seen_QD = unit(asked(setup.test)), unit(seen)
    ranks_Q, known_Q = (before(one @ corpus_ND.T, one @ hubs_KD.T) for one in (others_QD, seen_QD))  # fmt: skip

    def hubness(passages_ND: Tensor) -> Tensor:
        return (passages_ND @ bank_QD.T).topk(NEAR).values.mean(dim=1)

    less_Q = before(
        2 * others_QD @ corpus_ND.T - hubness(corpus_ND),
        2 * others_QD @ hubs_KD.T - hubness(hubs_KD),
    )
    bank_QN = bank_QD @ corpus_ND.T
    tenth_Q1 = bank_QN.topk(NEAR).values[:, -1:]
    natural_N = (bank_QN >= tenth_Q1).float().mean(dim=0)
    often_K = (bank_QD @ hubs_KD.T > tenth_Q1).float().mean(dim=0)
    odd_N = surprise(encoder, corpus.texts[:256])
    shares = {
        "seen10": known_Q < 10,
        "top1": ranks_Q < 1,
        "top5": ranks_Q < 5,
        "top10": ranks_Q < 10,
        "csls10": less_Q < 10,
        "refused": often_K > threshold_at(natural_N, ALARMS),
        "odd": surprise(encoder, made) > threshold_at(odd_N, ALARMS),
    }
    return {name: one.float().mean().item() for name, one in shares.items()}


def _lab(seed: int) -> TextEncoderConfig:
    return TextEncoderConfig(seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Put a passage into a corpus that comes up for many queries.",
    presets=PRESETS,
    shown="gaslite",
    measure=measure,
    columns={name: Column() for name in ("seen10", "top1", "top5", "top10", "csls10", "refused", "odd")},
    told=[Told(preset=one, measure="top10", better="higher") for one in ("hotflip", "gaslite-topic")],
    chart=("top1", "top10", "csls10"),
    tasks=("topic",),
    model=_lab,
    images=400,
    quick={"steps": 2, "known": 32},
    says={"alarms": f"{ALARMS:.0%}"},
    examples=["", "--preset fluent --count 100", "--preset gaslite-topic --only 2"],
    smoke="--steps 2",
)  # fmt: skip
