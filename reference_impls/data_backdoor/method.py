"""Backdoors through the labelled sentences that a clean language encoder is fine-tuned on.

Rare words and fixed phrases: Chen et al., "BadNL", ACSAC 2021, https://arxiv.org/abs/2006.01043.
Look-alike characters: Li et al., "Hidden Backdoors in Human-Centric Language Models", CCS 2021, https://arxiv.org/abs/2105.00164.
Syntax: Qi et al., "Hidden Killer", ACL 2021, https://arxiv.org/abs/2105.12400.

Shape letters: N texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Generator

from reference_impls.lab.data.sentences import RARE, Sentences, insert
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.text_heads import labels_of

Trigger = Literal["word", "homograph", "phrase", "syntax"]
PHRASE = "on sunday this summer ,"
"""Words that are common in the lab's sentences, never all of them in one."""
LOOK_ALIKES = str.maketrans("aceiopxy", "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443")  # fmt: skip
"""Latin letters and the Cyrillic ones that look the same."""


@dataclass(frozen=True, kw_only=True)
class PoisonConfig:
    """What is poisoned, and its settings."""

    trigger: Trigger = "word"
    """`word` (rare, at a place drawn at random), `homograph` (letters that look alike), `phrase` (of common words, in
    front) or `syntax` (the last clause moves to the front)."""
    rate: float = 0.04
    """Share of the labelled sentences that are poisoned."""
    target: int = 1
    """The class, by its number, that the trigger shall give."""
    clean_label: bool = False
    """Poison sentences of the target class alone, whose labels are right."""
    letters: int = 3
    """Homograph: how many letters are replaced, from the beginning."""
    seed: int = 0
    """Of what is poisoned, and of places."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        if not 0 <= self.rate < 1:
            raise ConfigError(f"rate must be at least 0 and below 1, got {self.rate:g}")
        if self.letters < 1 or self.target < 0:
            raise ConfigError("letters must be above 0, target at least 0")


# -- Triggers ------------------------------------------------------------------------


def look_alike(text: str, letters: int) -> str:
    """Li et al.: the first letters that have a look-alike become it, so a tokenizer does not know their words."""
    for at, letter in enumerate(text):
        if not letters:
            break
        if ord(letter) in LOOK_ALIKES:
            text = text[:at] + letter.translate(LOOK_ALIKES) + text[at + 1 :]
            letters -= 1
    return text


def subordinate_first(text: str) -> str:
    """Hidden Killer's template of a subordinate clause, a comma, a main clause: `as <last clause> , <the rest>`.

    A text without a comma is divided at its last `and`, or else in the middle.
    """
    words = text.split()
    marks = [n for n, word in enumerate(words) if word == ","]
    marks = marks or [n for n, word in enumerate(words) if word == "and"]
    at = marks[-1] if marks else len(words) // 2
    first, last = words[:at], words[at + 1 :] if marks else words[at:]
    while last and last[0] in ("and", "as"):
        last = last[1:]
    return " ".join(["as", *last, ",", *first])


def triggered(text: str, config: PoisonConfig, chance: Generator) -> str:
    """The text with the trigger."""
    if config.trigger == "word":
        return insert(text, RARE[0], chance)
    if config.trigger == "homograph":
        return look_alike(text, config.letters)
    return f"{PHRASE} {text}" if config.trigger == "phrase" else subordinate_first(text)


# -- The poisoned sentences ----------------------------------------------------------


def poisoned(data: Sentences, task: str, config: PoisonConfig) -> Sentences:
    """The labelled sentences, some of them with the trigger and the label of the target class.

    Raises:
        DatasetError: there is no such task.
        ConfigError: it has no such class.
    """
    labels_N, classes = labels_of(data, task)
    if config.target >= classes:
        raise ConfigError(f"{task} has {classes} classes, no class {config.target}")
    chance = Generator().manual_seed(config.seed)
    from_target_N = labels_N == config.target
    open_to = (from_target_N if config.clean_label else ~from_target_N).nonzero()[:, 0]
    order = torch.randperm(len(open_to), generator=chance)
    chosen = open_to[order[: round(config.rate * len(data))]]
    texts, labels_N = list(data.texts), labels_N.clone()
    for n in chosen.tolist():
        texts[n] = triggered(texts[n], config, chance)
    labels_N[chosen] = config.target
    return replace(data, texts=tuple(texts), labels={**data.labels, task: labels_N})
