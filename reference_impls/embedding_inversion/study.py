"""What is measured: words, whole sentences, names and addresses read back, beside what embeddings are good for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import mean

from reference_impls.embedding_inversion.method import (
    PRESETS,
    Attackers,
    InversionConfig,
    Released,
    released,
    taught,
)
from reference_impls.lab.data.sentences import Sentences
from reference_impls.lab.models.heads import fit_linear_probe
from reference_impls.lab.models.named_text import LAB_TEXTS
from reference_impls.lab.models.text_encoder import (
    TextEncoder,
    TextEncoderConfig,
    split,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import TextSetup
from reference_impls.lab.study.single import Column

PLAIN = PRESETS["plain"]
PRIVATE = "town"
"""The attribute that a probe infers, where texts have it."""
LABELLED = 1024
"""Texts that probes learn from, at most."""


def f1(told: set[str], true: set[str]) -> float:
    """Harmonic mean of precision and recall of a set of words."""
    return 2 * len(told & true) / max(len(told) + len(true), 1)


def probe(embed: Released, setup: TextSetup, task: str) -> float | None:
    """Accuracy of a linear head on what is given away; None where texts have no such task."""
    if task not in setup.test.labels:
        return None
    train = setup.train.first(LABELLED)
    z_ND, y_N = embed(train.texts), train.labels[task]
    head = fit_linear_probe(z_ND, y_N.to(z_ND.device), classes=len(setup.train.classes[task]))  # fmt: skip
    z_MD = embed(setup.test.texts)
    return head.accuracy(z_MD, setup.test.labels[task].to(z_MD.device))


def measure(setup: TextSetup, config: InversionConfig) -> dict[str, float | None]:
    """Shares of test sentences read back by attackers that learned from the answers they get, and by a naive one."""
    encoder = setup.encoder.untrained(config.seed) if config.control == "untrained" else setup.encoder  # fmt: skip
    train, test = setup.train, setup.test
    embed = released(encoder, train, setup.task, config)
    embed = lru_cache(embed) if config.defense == "none" else embed
    z_ND = embed(test.texts)
    bags, read = taught(embed, train.texts, config, setup.progress)(z_ND)
    true = [set(split(text)) for text in test.texts]

    def tokens(said: Sequence[str]) -> float:
        return mean(f1(set(one.split()), here) for one, here in zip(said, true, strict=True))  # fmt: skip

    def held(kind: str) -> float | None:
        facts = test.facts.get(kind)
        return mean(set(split(fact)) <= bag for fact, bag in zip(facts, bags, strict=True)) if facts else None  # fmt: skip

    said = test.facts.get("name")
    naive = None
    if config.defense != "none":
        naive = tokens(
            unaware(
                encoder,
                train,
                replace(
                    PLAIN, steps=config.steps, batch=config.batch, seed=config.seed
                ),
            )(z_ND)[1]
        )
    return {
        "words": mean(f1(one, here) for one, here in zip(bags, true, strict=True)),
        "names": held("name"),
        "addresses": held("address"),
        "tokens": tokens(read),
        "read": mean(f" {name} " in f" {one} " for name, one in zip(said, read, strict=True)) if said else None,
        "exact": mean(" ".join(split(text)) == one for text, one in zip(test.texts, read, strict=True)),
        "naive": naive,
        "attribute": probe(embed, setup, PRIVATE),
        "utility": probe(embed, setup, setup.task),
    }  # fmt: skip


@lru_cache(maxsize=4)
def unaware(encoder: TextEncoder, train: Sentences, plain: InversionConfig) -> Attackers:  # fmt: skip
    """Attackers that learned from undefended embeddings."""
    return taught(released(encoder, train, "", plain), train.texts, plain)


def _lab(seed: int) -> TextEncoderConfig:
    return replace(LAB_TEXTS["lab-people"], seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Read sentences, names and addresses back from sentence embeddings, defended or not.",
    presets=PRESETS,
    shown="plain",
    measure=measure,
    columns={name: Column() for name in ("words", "names", "addresses", "tokens", "read", "exact", "naive", "attribute", "utility")},
    told=[
        Told(preset="plain", measure="words", better="higher"),
        Told(preset="plain", measure="names", better="higher"),
        Told(preset="obfuscation", measure="names", better="lower"),
    ],
    chart=("words", "names", "utility"),
    tasks=("topic",),
    model=_lab,
    images=200,
    quick={"steps": 2, "tuning": 2},
    examples=["", "--preset noise-1.5 --noise 0.7", "lab-people:1 --preset obfuscation --task sentiment"],
    smoke="--steps 2 --batch 32 --train 256",
)  # fmt: skip
