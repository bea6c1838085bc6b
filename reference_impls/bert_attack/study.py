"""What is measured: words by a masked model and by chance against a plain and an adversarially trained classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from statistics import mean

from torch import Generator
from torch.nn import functional as F

from reference_impls.bert_attack.method import (
    AttackConfig,
    attacked,
    common_words,
    freelb,
)
from reference_impls.lab.data.sentences import Sentences, told
from reference_impls.lab.models.text_encoder import (
    TextEncoder,
    TextEncoderConfig,
    pseudo_perplexity,
)
from reference_impls.lab.models.text_heads import (
    FineTuning,
    TextClassifier,
    fine_tuned,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import TextSetup
from reference_impls.lab.study.single import Column


@dataclass(frozen=True, kw_only=True)
class Setting(AttackConfig):
    """An attack, and the classifier it meets."""

    victim: FineTuning = field(default_factory=lambda: FineTuning(steps=200))
    """How the classifier is fine-tuned."""
    labelled: int = 512
    """Sentences it learns from."""


@lru_cache(maxsize=4)
def classifier(encoder: TextEncoder, train: Sentences, task: str, setting: Setting) -> TextClassifier:  # fmt: skip
    """The fine-tuned encoder, made once for both attacks."""
    data, loss = train.first(setting.labelled), freelb(setting.ascents, setting.radius)
    return fine_tuned(encoder, data, task, setting.victim, seed=setting.seed, loss=loss)


def measure(setup: TextSetup, setting: Setting) -> dict[str, float | None]:
    """Accuracy before and after the attack, its success, and what it changes and asks."""
    encoder, task, texts = setup.encoder, setup.task, setup.test.texts
    scores = classifier(encoder, setup.train, task, replace(setting, proposals="bert"))
    stop, chance = common_words(setup.train.texts), Generator().manual_seed(setting.seed)  # fmt: skip
    right_N = scores(texts).argmax(1) == setup.labels_N

    def tells(words: Sequence[str]) -> frozenset[str]:
        return told(" ".join(words), task, setup.test.classes[task])

    tried = []
    for n in right_N.nonzero()[:, 0].tolist():
        text, label = texts[n], int(setup.labels_N[n])
        same = partial(lambda before, words: tells(words) == before, tells([text]))
        tried.append((text, attacked(scores, encoder, text, label, setting, stop=stop, allowed=same, chance=chance)))  # fmt: skip
    fooled = [(text, one) for text, one in tried if one.fooled]
    found: dict[str, float | None] = dict.fromkeys(GRID.columns)
    found |= {"clean": len(tried) / len(texts), "attacked": (len(tried) - len(fooled)) / len(texts)}  # fmt: skip
    if tried:
        found["success"] = len(fooled) / len(tried)
        found["queries"] = mean(one.queries for _, one in tried)
    if fooled:
        found["changed"] = mean(one.changed / len(one.words) for _, one in fooled)
        old, new = [text for text, _ in fooled], [" ".join(one.words) for _, one in fooled]  # fmt: skip
        found["similar"] = F.cosine_similarity(encoder.embed(old), encoder.embed(new)).mean().item()  # fmt: skip
        times_N = pseudo_perplexity(encoder, new) / pseudo_perplexity(encoder, old)
        found["odd"] = times_N.median().item()
    return found


def _lab(seed: int) -> TextEncoderConfig:
    return TextEncoderConfig(seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Change words until a fine-tuned language encoder errs, with words that a masked model proposes.",
    presets={
        "random": Setting(proposals="random"),
        "bert": Setting(),
        "random_freelb": Setting(proposals="random", ascents=3),
        "bert_freelb": Setting(ascents=3),
    },
    shown="bert",
    kept=("ascents", "radius"),
    measure=measure,
    columns={
        "clean": Column(),
        "attacked": Column(),
        "success": Column(),
        "changed": Column(),
        "queries": Column(form=".0f", share=False),
        "similar": Column(),
        "odd": Column(form=".1f", share=False),
    },
    told=[
        Told(preset="bert", measure="success", better="higher"),
        Told(preset="bert_freelb", measure="attacked", better="higher"),
    ],
    chart=("clean", "attacked"),
    tasks=("sentiment",),
    model=_lab,
    images=100,
    quick={"victim": FineTuning(steps=2)},
    says={
        "labelled": Setting().labelled,
        "candidates": Setting().candidates,
        "changed": f"{Setting().changed:.0%}",
    },
    examples=["--count 50", "--preset bert_freelb --task topic --radius 0.1"],
    smoke="--victim.steps 2",
)
