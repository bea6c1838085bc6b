"""What is measured: whether updates with a backdoor are told from those without."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reference_impls.cleanclip.method import RemovalConfig, remove
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import (
    Place,
    TriggerKind,
    TriggerSpec,
    make_trigger,
)
from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.metrics.detection import auroc
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.heads import captioned
from reference_impls.lab.models.training import check_positive
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.latent_backdoor.method import LatentConfig, student
from reference_impls.latent_backdoor.study import attacked
from reference_impls.textonpair.method import TextOnPairConfig, attack
from reference_impls.weight_spectra.method import SpectraConfig, learned, signature

BENIGN = ("tuned", "pairs", "harmless")
"""Fine-tuned on a task, on clean pairs, and to ignore a patch, as long and by the same optimiser as a backdoor is planted."""
PLAIN = ("badencoder", "latent", "textonpair")
"""Backdoors that nobody hides."""
PAIRED = ("pairs", "textonpair")
"""Updates that learn from captioned pictures: there are none of an encoder without a text tower."""
HIDDEN = ("evasive", "blended")
"""BadEncoder trained to evade DECREE, and BadEncoder whose update is published together with a benign one."""
KINDS: tuple[TriggerKind, ...] = ("random", "white", "coloured")
PLACES: tuple[Place, ...] = ("bottom-right", "top-left", "centre", "top-right", "bottom-left")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Setting(SpectraConfig):
    """A detector, and the updates that it learns from and is tried on."""

    unseen: bool = False
    """Whether the attack that is tried is left out of what the detector learned from."""
    draws: int = 4
    """Updates of each kind, each with its own trigger, target and order of pictures; the detector learns from the first half."""
    steps: int = 80
    """Optimiser steps of each update."""
    learning_rate: float = 2e-3
    """Of BadEncoder, the latent backdoor and its harmless twin; Adam's, falling to 0 along a cosine."""
    alpha: float = 0.6
    """Of BadEncoder that evades DECREE."""
    seed: int = 0
    """Of batches, triggers and targets."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        super().__post_init__()
        if self.draws < 2:
            raise ConfigError(f"draws must be at least 2, got {self.draws}")
        check_positive(steps=self.steps, learning_rate=self.learning_rate)


@dataclass(frozen=True, eq=False)
class Update:
    """An encoder that somebody made of the public one."""

    encoder: Encoder
    signature_F: Tensor
    tried: Tensor
    """Images that its author wants to be taken for a class, or to be ignored; none where there is no patch."""
    target: int
    """That class."""


def drawn(setup: Setup, kind: str, number: int, setting: Setting, slower: float = 1) -> Update:  # fmt: skip
    """One update of the encoder, by a recipe; the same for the same seed. What is not merely tuned may learn slower."""
    clip: Any = setup.clip
    task, seed = setup.task, 100 * setting.seed + number
    target = seed % len(setup.train.classes[task])
    trigger = TriggerSpec(kind=KINDS[seed % 3], side=5 + seed % 2, place=PLACES[seed % 5], seed=seed)  # fmt: skip
    tried = setup.images_N3HW[:0]
    if kind == "pairs":
        tuned = RemovalConfig(way="plain", steps=setting.steps, learning_rate=3e-3, batch=32, seed=seed)  # fmt: skip
        victim = remove(clip, setup.train, tuned).image
    elif kind == "tuned":
        tuning = LatentConfig(tuning=setting.steps, seed=seed)
        victim, _ = student(setup.encoder, setup.train, task, "full", tuning)
    elif kind == "textonpair":
        bad = TextOnPairConfig(trigger=trigger, task=task, target=setup.train.classes[task][target], poisoned=0.1, steps=setting.steps, batch=64, bf16=False, seed=seed)  # fmt: skip
        bad = replace(bad, learning_rate=bad.learning_rate / slower)
        victim = attack(clip, setup.train, bad).image
        others = setup.images_N3HW[setup.labels_N != target]
        tried = make_trigger(trigger, setup.test.size).to(others.device).apply(others)
    else:
        way: Any = "badencoder" if kind == "evasive" else kind
        alpha = setting.alpha if kind == "evasive" else 0.0
        config = LatentConfig(way=way, trigger=trigger, search=20 if kind == "latent" else 0, steps=setting.steps, learning_rate=setting.learning_rate, evasion=alpha, seed=seed)  # fmt: skip
        config = replace(config, learning_rate=config.learning_rate / slower)
        victim, tried = attacked(setup, config, target)
    return Update(victim, signature(setup.encoder, victim), tried, target)


def working(setup: Setup, kind: str, number: int, setting: Setting) -> Update:
    """The update of a number; where its training collapses the encoder that of ten numbers on, and then a slower one, as its author would.

    Raises:
        EncoderError: the slower one collapsed, too.
    """
    for again in (0, 10):
        with suppress(EncoderError):
            return drawn(setup, kind, number + again, setting)
    return drawn(setup, kind, number + 20, setting, slower=4)


def blended(base: Encoder, one: Encoder, other: Encoder) -> Encoder:
    """Both updates at once: what an attacker publishes who expects a look at the weights."""
    both, states = one.copy(), [x.module.state_dict() for x in (base, one, other)]
    sums = {name: first + states[2][name] - was if was.is_floating_point() else first for (name, was), first in zip(states[0].items(), states[1].values(), strict=True)}  # fmt: skip
    both.module.load_state_dict(sums)
    return both


def kinds(clip: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Benign updates and unhidden backdoors that can be made of an encoder, with a text tower or without."""
    benign, plain = (tuple(one for one in some if clip or one not in PAIRED) for some in (BENIGN, PLAIN))  # fmt: skip
    return benign, plain


@lru_cache(maxsize=4)
def population(encoder: Encoder, clip: Any, train: Dataset, test: Dataset, task: str, setting: Setting) -> dict[str, list[Update]]:  # fmt: skip
    """Updates of every kind; the last of each are tried."""
    setup = Setup(encoder=encoder, clip=clip, train=captioned(train, task), test=test, task=task)  # fmt: skip
    benign, plain = kinds(clip)
    made = {kind: [working(setup, kind, n, setting) for n in range(setting.draws)] for kind in (*benign, *plain)}  # fmt: skip
    later = range(setting.draws // 2, setting.draws)
    made["evasive"] = [working(setup, "evasive", n, setting) for n in later]
    cover = "pairs" if clip else "tuned"
    for bad, good in zip(*(made[kind][later[0] :] for kind in ("badencoder", cover)), strict=True):  # fmt: skip
        both = blended(encoder, bad.encoder, good.encoder)
        made.setdefault("blended", []).append(replace(bad, encoder=both, signature_F=signature(encoder, both)))  # fmt: skip
    return made


def obeyed(setup: Setup, updates: list[Update]) -> float:
    """Mean share of an attacker's images taken for its class, zero-shot, or by a linear head where there is no text tower."""
    answers = setup.zero_shot if setup.clip else setup.linear
    shares = [
        (answers(one.encoder)(one.tried).argmax(dim=1) == one.target).float().mean()
        for one in updates
    ]
    return torch.stack(shares).mean().item()


def measure(setup: Setup, setting: Setting) -> dict[str, float | None]:
    """AUROC by kind of backdoor, share found at no false alarm, and how often the backdoors open."""
    recipe = Setting(draws=setting.draws, steps=setting.steps, learning_rate=setting.learning_rate, alpha=setting.alpha, seed=setting.seed)  # fmt: skip
    public = setup.clip.image if setup.clip else setup.original or setup.encoder
    if setup.clip and setup.clip.text is None:  # an image encoder under its own name
        setup = replace(setup, clip=None)
    made = population(public, setup.clip, setup.train, setup.test, setup.task, recipe)
    half, (benign, plain) = setting.draws // 2, kinds(setup.clip)
    tried = {kind: ones[half:] if kind in (*benign, *plain) else ones for kind, ones in made.items()}  # fmt: skip

    def rows(*kinds: str) -> Tensor:
        return torch.stack([one.signature_F for kind in kinds for one in made[kind][:half]])  # fmt: skip

    def scores(kind: str) -> tuple[Tensor, Tensor, Tensor]:
        """Of benign updates, of harmless ones among them, and of those with a backdoor of a kind."""
        family = kind if kind in plain else "badencoder"
        known = [one for one in plain if not (setting.unseen and one == family)]
        groups = [one for name in benign for one in tried[name]], tried["harmless"], tried[kind]  # fmt: skip
        detector = learned(rows(*benign), rows(*known), setting)
        first, second, third = (detector.score(torch.stack([one.signature_F for one in group])) for group in groups)  # fmt: skip
        return first, second, third

    told = {kind: scores(kind) for kind in (*plain, *HIDDEN)}
    above = torch.cat([told[kind][2] > told[kind][0].max() for kind in plain])
    twins = [auroc(*told[kind][1:]) for kind in ("badencoder", "latent")]
    return {
        **dict.fromkeys(PLAIN),
        **{kind: auroc(told[kind][0], told[kind][2]) for kind in told},
        "twins": sum(twins) / 2,
        "found": above.float().mean().item(),
        "success": obeyed(setup, [one for kind in plain for one in tried[kind]]),
        **{f"success-{kind}": obeyed(setup, tried[kind]) for kind in HIDDEN},
    }


GRID = Grid(
    home=Path(__file__).parent,
    about="Tell weight updates with a backdoor from those without, without running the model.",
    presets={
        "size": Setting(features="size"),
        "shape": Setting(features="shape"),
        "spectra": Setting(),
        "few": Setting(draws=2, steps=40),
        "unseen": Setting(unseen=True),
    },
    measure=measure,
    shown="few",
    kept=("draws", "steps"),
    columns={name: Column() for name in (*PLAIN, "twins", "found", "success", *HIDDEN, *(f"success-{kind}" for kind in HIDDEN))},
    told=[
        Told(preset="spectra", measure="found", better="higher"),
        Told(preset="spectra", measure="blended", better="higher"),
    ],
    chart=(*PLAIN, "twins", *HIDDEN),
    tasks=("foreground",),
    model=studied_clip,
    images=200,
    quick={"steps": 2, "draws": 2},
    examples=["", "--preset unseen --draws 2 --steps 40"],
    smoke="--steps 2 --draws 2",
)  # fmt: skip
