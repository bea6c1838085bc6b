"""What is measured: each trigger after fine-tuning on sentences of which fewer and fewer are poisoned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from torch import Generator, Tensor

from reference_impls.data_backdoor.method import PoisonConfig, poisoned, triggered
from reference_impls.lab.data.sentences import Sentences
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


@dataclass(frozen=True, kw_only=True)
class Setting(PoisonConfig):
    """A backdoor, and the victim that fine-tunes on its sentences."""

    victim: FineTuning = field(default_factory=FineTuning)
    """How the victim fine-tunes."""
    labelled: int = 512
    """Labelled sentences that the victim has."""


@lru_cache(maxsize=8)
def victim(encoder: TextEncoder, train: Sentences, task: str, setting: Setting) -> TextScores:  # fmt: skip
    """The encoder fine-tuned on the sentences; one that nothing was poisoned for is made once."""
    data = poisoned(train.first(setting.labelled), task, setting)
    return fine_tuned(encoder, data, task, setting.victim, seed=setting.seed)


def success(scores: TextScores, setup: TextSetup, setting: PoisonConfig) -> float:
    """Share of test sentences of other classes that get the target's with the trigger in them."""
    chance = Generator().manual_seed(setup.seed)
    texts = [triggered(text, setting, chance) for text in setup.test.texts]
    others_N = setup.labels_N != setting.target
    found_N: Tensor = scores(texts).argmax(1)[others_N] == setting.target
    return found_N.float().mean().item()


def measure(setup: TextSetup, setting: Setting) -> dict[str, float]:
    """Accuracy on clean sentences and success of the trigger, by poison rate and with a frozen encoder."""
    encoder, train, task = setup.encoder, setup.train, setup.task
    plain = Setting(rate=0, victim=setting.victim, labelled=setting.labelled, seed=setting.seed)  # fmt: skip
    rates = {"asr": setting.rate, "half": setting.rate / 2, "quarter": setting.rate / 4}
    tuned = {
        name: victim(encoder, train, task, replace(setting, rate=rate) if rate else plain)
        for name, rate in rates.items()
    }  # fmt: skip
    data = poisoned(train.first(setting.labelled), task, setting)
    clean_N: Tensor = tuned["asr"](setup.test.texts).argmax(1) == setup.labels_N
    return {
        "clean": clean_N.float().mean().item(),
        "before": success(victim(encoder, train, task, plain), setup, setting),
        **{name: success(scores, setup, setting) for name, scores in tuned.items()},
        "frozen": success(text_probe(encoder, data, task), setup, setting),
    }


def _lab(seed: int) -> TextEncoderConfig:
    return TextEncoderConfig(seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Poison a few of the labelled sentences that a clean language encoder is fine-tuned on.",
    presets={
        "none": Setting(rate=0),
        "word": Setting(trigger="word"),
        "homograph": Setting(trigger="homograph"),
        "phrase": Setting(trigger="phrase"),
        "syntax": Setting(trigger="syntax"),
        "clean_label": Setting(trigger="word", clean_label=True),
    },
    shown="phrase",
    kept=("trigger",),
    measure=measure,
    columns={
        name: Column()
        for name in ("clean", "before", "asr", "half", "quarter", "frozen")
    },
    told=[
        Told(preset="word", measure="asr", better="higher"),
        Told(preset="phrase", measure="asr", better="higher"),
        Told(preset="syntax", measure="asr", better="higher"),
    ],
    chart=("asr", "half", "quarter"),
    tasks=("topic",),
    model=_lab,
    images=400,
    quick={"victim": FineTuning(steps=2)},
    says={
        "labelled": Setting().labelled,
        "rate": f"{Setting(trigger='word').rate:.0%}",
    },
    examples=["--count 100", "--preset word --rate 0.01 --task sentiment"],
    smoke="--victim.steps 2",
)
