"""What is measured: each backdoor before and after ONION, plain fine-tuning and Fine-mixing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from torch import Generator

from reference_impls.data_backdoor.method import (
    PoisonConfig,
    Trigger,
    poisoned,
    triggered,
)
from reference_impls.lab.data.sentences import RARE, Sentences, insert
from reference_impls.lab.errors import check_choices
from reference_impls.lab.models.hf_text import HuggingFaceText
from reference_impls.lab.models.text_encoder import (
    TextEncoder,
    TextEncoderConfig,
    clean_text_encoder,
    split,
)
from reference_impls.lab.models.text_heads import (
    FineTuning,
    TextClassifier,
    fine_tuned,
    tune,
)
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import TextSetup
from reference_impls.lab.study.single import Column
from reference_impls.text_backdoor.method import BackdoorConfig
from reference_impls.text_backdoor.method import poisoned as planted
from reference_impls.text_backdoor_defense.method import (
    DefenseConfig,
    bar,
    copied,
    mixed,
    onion,
    suspicion,
)

Attack = Literal[
    "none", "word", "aware", "homograph", "phrase", "syntax", "por", "por_mixed"
]
TRIGGERS: dict[str, Trigger] = {"aware": "word", **{one: one for one in get_args(Trigger)}}  # fmt: skip
PLACES = 8
"""Where the attacker who knows ONION tries the rare word, in each sentence."""
SEEN = 100
"""Sentences on which POR's attacker tries the triggers."""


@dataclass(frozen=True, kw_only=True)
class Setting(DefenseConfig):
    """A backdoor, and who defends against it."""

    attack: Attack = "word"
    """A trigger of data_backdoor, or `por` of text_backdoor; `aware` puts the rare word where ONION suspects it least; with `por_mixed` the weights that the defender takes for clean are POR's."""
    rate: float = 0.04
    """Share of the labelled sentences that are poisoned, but by POR."""
    labelled: int = 512
    """Sentences that the victim fine-tunes on."""
    victim: FineTuning = field(default_factory=FineTuning)
    """How."""
    planting: int = 150
    """Steps of POR."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        super().__post_init__()
        check_choices(self)


Put = Callable[[str, Generator], str]
"""Places the trigger."""


@lru_cache(maxsize=4)
def por(encoder: TextEncoder, own: Sentences, steps: int, seed: int) -> TextEncoder:
    """POR's encoder, made once."""
    return planted(encoder, own, BackdoorConfig(steps=steps, seed=seed))


def backdoored(setup: TextSetup, setting: Setting) -> tuple[TextClassifier, TextEncoder, Put, int]:  # fmt: skip
    """The victim's classifier, the pre-trained weights that the defender has, the trigger, its class."""
    data, seed = setup.train.first(setting.labelled), setting.seed
    if not setting.attack.startswith("por"):
        poison = PoisonConfig(seed=seed, rate=0)
        if trigger := TRIGGERS.get(setting.attack):
            poison = replace(poison, rate=setting.rate, trigger=trigger)
        data = poisoned(data, setup.task, poison)
        model = fine_tuned(setup.encoder, data, setup.task, setting.victim, seed=seed)
        return model, setup.encoder, lambda text, chance: triggered(text, poison, chance), poison.target  # fmt: skip
    encoder = por(setup.encoder, setup.train, setting.planting, seed)
    model = fine_tuned(encoder, data, setup.task, setting.victim, seed=seed)
    chance, tried = Generator().manual_seed(seed), []
    for word in RARE[: BackdoorConfig().triggers]:
        texts = [insert(text, word, chance) for text in setup.train.texts[-SEEN:]]
        found = model(texts).argmax(1)
        given = int(found.mode().values)
        tried.append(((found == given).float().mean().item(), word, given))
    _, word, target = max(tried)
    own = setup.encoder if setting.attack == "por" else encoder
    return model, own, lambda text, chance: insert(text, word, chance), target


def judge(encoder: TextEncoder) -> TextEncoder:
    """ONION's language model: the clean encoder, or the lab's own where that guesses no words."""
    if isinstance(encoder, HuggingFaceText):
        return clean_text_encoder().to(encoder.device)
    return encoder


@lru_cache(maxsize=4)
def without_backdoor(encoder: TextEncoder, few: tuple[str, ...], clean: tuple[str, ...], removed: float, apart: int) -> tuple[float, list[str]]:  # fmt: skip
    """ONION's threshold, and what it leaves of clean texts: the same for every backdoor."""
    above = bar(encoder, few, removed, apart)
    return above, onion(encoder, clean, above, apart)


def told(encoder: TextEncoder, texts: list[str], apart: int) -> list[tuple[float, str]]:
    """How suspicious the rare word is in each text, and the text."""
    found = suspicion(encoder, texts, apart)
    return [
        (of_W[split(text).index(RARE[0])].item(), text)
        for of_W, text in zip(found, texts, strict=True)
    ]


def measure(setup: TextSetup, setting: Setting) -> dict[str, float]:
    """Success and accuracy before and after each defense, and the words of clean sentences that ONION removes."""
    model, before, put, target = backdoored(setup, setting)
    trusted, seed = judge(setup.encoder), setting.seed
    chance, clean = Generator().manual_seed(setup.seed), list(setup.test.texts)
    others = [n for n, label in enumerate(setup.labels_N.tolist()) if label != target]
    marked = [put(clean[n], chance) for n in others]
    if setting.attack == "aware":
        tried = [told(trusted, [put(clean[n], chance) for n in others], setting.apart) for _ in range(PLACES)]  # fmt: skip
        marked = [min(places)[1] for places in zip(*tried, strict=True)]
    held = min(setting.sentences, len(setup.train) // 4)
    few = setup.train.take(range(len(setup.train) - held, len(setup.train)))
    above, left = without_backdoor(trusted, few.texts, setup.test.texts, setting.removed, setting.apart)  # fmt: skip
    left_marked = onion(trusted, marked, above, setting.apart)
    tuned = tune(copied(model), few, setup.task, setting.tuning, seed=seed)
    mixture = tune(mixed(model, before, setting.kept, seed), few, setup.task, setting.tuning, seed=seed)  # fmt: skip

    def both(scores: TextClassifier, texts: list[str], with_it: list[str]) -> tuple[float, float]:  # fmt: skip
        right_N = scores(texts).argmax(1) == setup.labels_N
        hit_N = scores(with_it).argmax(1) == target
        return right_N.float().mean().item(), hit_N.float().mean().item()

    found: dict[str, float] = {}
    for name, (scores, *texts) in {
        "": (model, clean, marked),
        "onion_": (model, left, left_marked),
        "tuned_": (tuned, clean, marked),
        "mixed_": (mixture, clean, marked),
    }.items():
        found[f"{name}clean"], found[f"{name}asr"] = both(scores, *texts)
    words, words_left = (sum(len(split(one)) for one in texts) for texts in (clean, left))  # fmt: skip
    return found | {"false": 1 - words_left / words}


def _lab(seed: int) -> TextEncoderConfig:
    return TextEncoderConfig(seed=seed)


GRID = Grid(
    home=Path(__file__).parent,
    about="Take a backdoor out of texts (ONION) or out of a fine-tuned language encoder (Fine-mixing).",
    presets={one: Setting(attack=one) for one in get_args(Attack)},
    shown="word",
    measure=measure,
    columns={
        name: Column()
        for name in (
            "clean",
            "asr",
            "onion_clean",
            "onion_asr",
            "false",
            "tuned_clean",
            "tuned_asr",
            "mixed_clean",
            "mixed_asr",
        )
    },
    told=[
        Told(preset="word", measure="onion_asr", better="lower"),
        Told(preset="phrase", measure="mixed_asr", better="lower"),
    ],
    chart=("asr", "onion_asr", "tuned_asr", "mixed_asr"),
    tasks=("topic",),
    model=_lab,
    images=100,
    quick={"victim": FineTuning(steps=2), "tuning": FineTuning(steps=2), "planting": 2},
    says={
        "few": Setting().sentences,
        "labelled": Setting().labelled,
        "removed": f"{Setting().removed:.0%}",
        "kept": f"{Setting().kept:.0%}",
    },
    examples=["--count 60", "--preset por --task color --kept 0.3"],
    smoke="--victim.steps 2 --tuning.steps 2 --planting 2",
)
