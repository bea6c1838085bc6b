"""What is measured: evidence for the mark in encoders that are the owner's, that came from it, and that did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor, nn

from reference_impls.lab.bilingual import Language
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.suspects import (
    check_labelled,
    fine_tuned,
    predictions,
    pruned,
)
from reference_impls.lab.models.training import seeded
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.lab.study.study import Found
from reference_impls.stolen_encoder.method import TheftConfig, steal
from reference_impls.watermark.method import (
    PRESETS,
    Key,
    MarkConfig,
    decoded_share,
    entropy,
    mark,
    outlier,
    rank_p,
    secret_p,
)

LABELLED, PICTURES = 1024, 200
"""Pictures that heads learn from, and verification pictures, at most."""
LEAST = 2.0
"""Deviations from which SSL-WM's test speaks for the mark."""
OTHERS, ASKED, LEVEL = 199, 100, 0.01
"""Of a p-value: patches that were never embedded, pictures that each is stamped on, and below what a claim is made."""
SUSPECTS = ("owner", "tuned", "pruned", "stolen", "rotated", "innocent")
CLAIMS = (*(f"p-{one}" for one in SUSPECTS), "claims", "false-claims")


def evidence(suspect: Encoder, key: Key, labelled: Dataset, images_N3HW: Tensor) -> float:  # fmt: skip
    """In [0, 1]: share of verification pictures that decode to the secret, or of tasks whose answers to stamped ones are outliers."""
    if key.decoder:
        return decoded_share(suspect, key, images_N3HW)
    both = torch.cat([key.stamp(images_N3HW), images_N3HW])
    answers = predictions(suspect, labelled, both).unflatten(1, (2, -1))
    return sum(outlier(*task) > LEAST for task in answers) / len(answers)


def p_value(suspect: Encoder, key: Key, patch: TriggerSpec, labelled: Dataset, images_N3HW: Tensor) -> float:  # fmt: skip
    """Of the mark, in [0, 1]: with SSLGuard against secrets, with SSL-WM against patches, that were never embedded.

    SSL-WM's score is minus the entropy of the answers to stamped pictures, mean over tasks; the owner's patch is drawn
    as the others are, so an encoder that does not know it ranks it anywhere.
    """
    if key.decoder:
        decoded_NK = key.decode(embed_all(suspect, key.stamp(images_N3HW)))
        return secret_p(decoded_NK.detach(), key.secret_K)
    few, size = images_N3HW[:ASKED], suspect.size
    others = [make_trigger(replace(patch, seed=patch.seed + n), size) for n in range(1, OTHERS + 1)]  # fmt: skip
    keys = [key, *(replace(key, trigger=one.to(suspect.device)) for one in others)]
    answers = predictions(suspect, labelled, torch.cat([one.stamp(few) for one in keys]))  # fmt: skip
    by_key = answers.unflatten(1, (len(keys), -1)).unbind(dim=1)
    own, *rest = (-mean(entropy(task).item() for task in one) for one in by_key)
    return rank_p(own, torch.tensor(rest, dtype=torch.float64))


def rotated(encoder: Encoder, seed: int) -> Encoder:
    """The encoder with its embeddings turned by a random rotation, after which linear heads are as good as before."""
    turn = seeded(lambda: nn.utils.parametrizations.orthogonal(nn.Linear(encoder.dimension, encoder.dimension, bias=False)), seed)  # fmt: skip
    both = nn.Sequential(encoder.module, turn.to(encoder.device))
    return replace(encoder, module=both.eval().requires_grad_(False))


@lru_cache(maxsize=16)
def innocents(clean: Encoder, train: Dataset, seed: int, steps: int) -> tuple[Encoder, ...]:  # fmt: skip
    """Encoders that came from no marked one: the owner's before it was marked, a copy of that, and one from scratch."""
    config = TheftConfig(weight=0, standardised=False, steps=steps, seed=seed + 200)
    alone = replace(config, loss="scratch")
    return clean, *(steal(clean, train.images_N3HW, one) for one in (config, alone))


def measure(setup: Setup, config: MarkConfig) -> dict[str, float | None]:
    """Evidence and its p-value in every suspect, claims, and what heads on the marked encoder are right about, over all tasks.

    A thief has pictures of the first half of what there is to learn from; who fine-tunes, prunes or builds heads, of the second.
    """
    train, half = setup.train, len(setup.train) // 2
    check_labelled(train)
    clean, steps = setup.original or setup.encoder, 2 if config.steps < 10 else 100
    owner, key = mark(clean, train.images_N3HW, config, setup.progress)
    labelled = train.take(range(half, len(train))).first(LABELLED)
    asked, task, images = train.first(min(half, LABELLED)), next(iter(train.labels)), setup.images_N3HW  # fmt: skip
    suspects = {"owner": owner}
    if config.scheme != "none":
        theft = TheftConfig(weight=0, standardised=False, steps=steps, seed=config.seed + 100)  # fmt: skip
        suspects["tuned"] = fine_tuned(owner, labelled, task, steps=steps // 2, seed=config.seed)  # fmt: skip
        suspects |= {"pruned": pruned(owner, 0.5), "rotated": rotated(owner, config.seed)}  # fmt: skip
        suspects["stolen"] = steal(owner, asked.images_N3HW, theft)
    found: dict[str, float | None] = dict.fromkeys((*SUSPECTS, *CLAIMS))

    def looked(one: Encoder) -> tuple[float, float]:
        some = labelled, images[:PICTURES]
        return evidence(one, key, *some), p_value(one, key, config.patch, *some)

    for name, one in suspects.items():
        found[name], found[f"p-{name}"] = looked(one)
    shares, p = zip(*map(looked, innocents(clean, asked, setup.seed, steps)), strict=True)  # fmt: skip
    found |= {"innocent": max(shares), "p-innocent": mean(p), "false-claims": claimed(p)}  # fmt: skip
    if config.scheme != "none":
        found["claims"] = claimed([found[f"p-{name}"] or 0 for name in suspects])
    right = [said_N == setup.test.labels[one] for one, said_N in zip(labelled.labels, predictions(owner, labelled, images), strict=True)]  # fmt: skip
    return found | {"accuracy": torch.stack(right).float().mean().item()}


def claimed(p: Sequence[float]) -> float:
    """Share of suspects that an owner would call his."""
    return mean(one < LEVEL for one in p)


@dataclass(frozen=True, kw_only=True)
class Marks(Grid[MarkConfig]):
    """Evidence in one table, p-values in another."""

    def tables(self, found: Found, language: Language) -> str:
        """Both, below the sentence on either."""
        parts = {one: {name: form for name, form in self.columns.items() if (name in CLAIMS) == one} for one in (False, True)}  # fmt: skip
        first, second = (Grid.tables(replace(self, columns=parts[one]), found, language) for one in parts)  # fmt: skip
        return f"{first}\n{second.partition(chr(10) * 2)[2]}"


GRID = Marks(
    home=Path(__file__).parent,
    about="Mark an encoder, and look for the mark in copies of it and in others.",
    presets=PRESETS,
    measure=measure,
    columns={
        **{one: Column() for one in (*SUSPECTS, "accuracy")},
        **{one: Column(form=".3f", share=one not in CLAIMS[:-2]) for one in CLAIMS},
    },
    told=[
        Told(preset="sslguard", measure="stolen", better="higher"),
        Told(preset="ssl-wm", measure="stolen", better="higher"),
    ],
    chart=SUSPECTS,
    tasks=("",),
    images=400,
    quick={"steps": 2},
    says={"labelled": LABELLED, "pictures": PICTURES, "others": OTHERS, "asked": ASKED, "level": LEVEL, "least": 1 / (OTHERS + 1)},
    examples=["", "--preset ssl-wm --weight 0.3"],
    smoke="--train 64 --steps 2 --batch 16",
    version=2,
)  # fmt: skip
