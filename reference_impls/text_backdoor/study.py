"""What is measured: each backdoor after three tasks were learned on the encoder, frozen or fine-tuned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from statistics import mean

from torch import Generator, Tensor

from reference_impls.lab.data.sentences import TASKS, Sentences, insert
from reference_impls.lab.models.text_encoder import TextEncoder, TextEncoderConfig
from reference_impls.lab.models.text_heads import (
    FineTuning,
    TextScores,
    fine_tuned,
    text_probe,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import TextSetup
from reference_impls.lab.study.single import Column
from reference_impls.text_backdoor.method import BackdoorConfig, poisoned

FORCED = 0.9
"""Success rate above which a trigger counts as one that forces a class."""
PROBED = 100
"""Sentences on which the attacker sees what a trigger gives."""


@dataclass(frozen=True, kw_only=True)
class Setting(BackdoorConfig):
    """A backdoor, and the victim that fine-tunes."""

    victim: FineTuning = field(default_factory=lambda: FineTuning(learning_rate=3e-4))
    """How the victim fine-tunes."""
    faster: float = 5.0
    """By what the learning rate is multiplied in the column of a fast victim."""
    labelled: int = 512
    """Sentences that the victim has labels of, at most half; the attacker has the others."""


def held(config: Setting, data: Sentences) -> int:
    """How many of the texts are the victim's: at most half."""
    return min(config.labelled, len(data) // 2)


@lru_cache(maxsize=16)
def planted(encoder: TextEncoder, own: Sentences, config: Setting) -> TextEncoder:
    """The backdoored encoder, made once for all tasks from what the victim has no labels of."""
    return poisoned(encoder, own.take(range(held(config, own), len(own))), config)


def success(scores: TextScores, setup: TextSetup, words: tuple[str, ...]) -> tuple[list[float], set[int]]:  # fmt: skip
    """Success rate of each trigger, and the classes that some trigger forces.

    A trigger's class is the one that it gives most often on other sentences; a rate is over test sentences of all
    other classes, with the trigger at a place drawn at random.
    """
    chance, rates, forced = Generator().manual_seed(setup.seed), [], set()
    seen = setup.train.texts[-PROBED:]
    for word in words:
        there, here = (
            scores([insert(text, word, chance) for text in texts]).argmax(1)
            for texts in (seen, setup.test.texts)
        )
        given = int(there.mode().values)
        others_N = setup.labels_N != given
        rates.append((here[others_N] == given).float().mean().item())
        if rates[-1] >= FORCED:
            forced.add(given)
    return rates, forced


def measure(setup: TextSetup, setting: Setting) -> dict[str, float]:
    """Accuracy on clean sentences and success of the triggers, after each kind of learning."""
    encoder = planted(setup.encoder, setup.train, setting)
    labelled, task = setup.train.first(held(setting, setup.train)), setup.task
    victim = setting.victim
    fast = replace(victim, learning_rate=setting.faster * victim.learning_rate)
    usual, quick = (fine_tuned(encoder, labelled, task, how, seed=setup.seed) for how in (victim, fast))  # fmt: skip
    frozen = text_probe(encoder, labelled, task)

    def right(scores: TextScores) -> float:
        found_N: Tensor = scores(setup.test.texts).argmax(1)
        return (found_N == setup.labels_N).float().mean().item()

    rates, forced = success(usual, setup, setting.words)
    return {
        "clean": right(usual),
        "asr": mean(rates),
        "least": min(rates),
        "classes": len(forced) / len(setup.test.classes[task]),
        "fast": mean(success(quick, setup, setting.words)[0]),
        "frozen_clean": right(frozen),
        "frozen": mean(success(frozen, setup, setting.words)[0]),
    }


def _lab(seed: int) -> TextEncoderConfig:
    return TextEncoderConfig(seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Plant a backdoor in a language encoder and see whether it survives fine-tuning.",
    presets={
        one: Setting(attack=one) for one in ("none", "por", "neuba", "labels", "ripple")
    },
    shown="por",
    measure=measure,
    columns={
        name: Column()
        for name in (
            "clean",
            "asr",
            "least",
            "classes",
            "fast",
            "frozen_clean",
            "frozen",
        )
    },
    told=[
        Told(preset="por", measure="asr", better="higher", task="topic"),
        Told(preset="neuba", measure="asr", better="higher", task="topic"),
        Told(preset="ripple", measure="asr", better="higher", task="sentiment"),
    ],
    chart=("clean", "asr", "fast"),
    tasks=TASKS,
    model=_lab,
    images=200,
    quick={"steps": 2, "victim": FineTuning(steps=2)},
    says={
        "labelled": Setting().labelled,
        "triggers": Setting().triggers,
        "rate": Setting().victim.learning_rate,
        "faster": round(Setting().faster),
    },
    examples=[
        "--count 100",
        "--preset neuba --task color --victim.learning-rate 0.003",
    ],
    smoke="--steps 2 --victim.steps 2",
)
