"""What is measured: how often a copy answers as the API does, and how often it is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from torch import Tensor

from reference_impls.api_imitation.method import PRESETS, ImitationConfig, copied
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
class Setting(ImitationConfig):
    """A thief, and the victim behind the API."""

    victim: FineTuning = field(default_factory=lambda: FineTuning(learning_rate=3e-4))
    """How the victim fine-tunes."""
    labelled: int = 256
    """Texts that the victim has labels of, at most half; the thief's queries are made of the others."""


@lru_cache(maxsize=16)
def behind(public: TextEncoder, data: Sentences, task: str, how: FineTuning, *, frozen: bool, seed: int) -> TextScores:  # fmt: skip
    """The classifier behind the API, learned once for all thieves."""
    if frozen:
        return text_probe(public, data, task)
    return fine_tuned(public, data, task, how, seed=seed)


@lru_cache(maxsize=16)
def parts(data: Sentences, labelled: int) -> tuple[Sentences, Sentences]:
    """The victim's texts, and others."""
    held = min(labelled, len(data) // 2)
    return data.first(held), data.take(range(held, len(data)))


def measure(setup: TextSetup, setting: Setting) -> dict[str, float | None]:
    """Of the copy: agreement with the API and accuracy, and how many of the API's errors it repeats."""
    labelled, own = parts(setup.train, setting.labelled)
    # The thief's seed differs from the victim's: the same draws would be a secret that he does not have.
    victim = behind(setup.encoder, labelled, setup.task, setting.victim, frozen=setting.frozen, seed=setup.seed + 100)  # fmt: skip
    copy = copied(setup.encoder, victim, own, setting)

    def answered(scores: TextScores) -> Tensor:
        found_N: Tensor = scores(setup.test.texts).argmax(1)
        return found_N

    api_N, copy_N, true_N = answered(victim), answered(copy), setup.labels_N
    same_N, wrong_N = api_N == copy_N, api_N != true_N
    return {
        "queries": setting.queries,
        "agreement": same_N.float().mean().item(),
        "accuracy": (copy_N == true_N).float().mean().item(),
        "victim": 1 - wrong_N.float().mean().item(),
        "errors": same_N[wrong_N].float().mean().item() if wrong_N.any() else None,
    }


def _lab(seed: int) -> TextEncoderConfig:
    return TextEncoderConfig(seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Copy a fine-tuned classifier by asking its API, and see how alike the copy answers.",
    presets={name: Setting(**vars(one)) for name, one in PRESETS.items()},
    shown="random",
    kept=("queries", "asks", "answers", "frozen", "victim", "labelled"),
    measure=measure,
    columns={
        "queries": Column(form=".0f", share=False),
        **{one: Column() for one in ("agreement", "accuracy", "victim", "errors")},
    },
    told=[
        Told(preset=one, measure="agreement", better="higher")
        for one in ("random", "label", "head-solved")
    ],
    chart=("agreement", "accuracy"),
    tasks=("topic",),
    model=_lab,
    images=512,
    quick={
        "queries": 16,
        "copying": FineTuning(steps=2),
        "victim": FineTuning(steps=2),
    },
    says={"labelled": Setting().labelled, "steps": Setting().copying.steps},
    examples=["--queries 2000", "--preset all --task color --copying.steps 300"],
    smoke="--queries 16 --copying.steps 2 --victim.steps 2",
)
