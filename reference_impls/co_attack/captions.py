"""Several captions for a picture, and the words that may stand in the place of another.

The captions of the shapes dataset get synonyms, because a set-level attack needs sets of captions.

Shape letters: C candidates for a caption.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.clip import (
    CLIP,
    CLIPConfig,
    load_clip,
    save_clip,
    train_clip,
)
from reference_impls.lab.models.training import Progress
from reference_impls.lab.models.zoo import LabData, train_dataset

Changes = Callable[[str], list[str]]
"""A caption to captions that differ from it in one word."""
Substitutes = Literal["any", "synonyms"]
PAIRS = (
    "small little, large big, red crimson, green emerald, blue azure, yellow golden, pink rosy, "
    "cyan turquoise, orange tangerine, purple violet, circle disc, square box, triangle wedge, "
    "star asterisk, cross plus, diamond rhombus, ring hoop, bar rod, plain uniform, "
    "striped banded, dotted spotted, gradient shaded, noisy grainy, checkered chequered"
)
SYNONYMS = {
    word: other
    for pair in PAIRS.split(", ")
    for word, other in (pair.split(), pair.split()[::-1])
}


def paraphrased(caption: str, chance: random.Random) -> str:
    """Each word that has a synonym gives way to it in one of two cases."""
    words = caption.split()
    return " ".join(SYNONYMS.get(w, w) if chance.random() < 0.5 else w for w in words)


def caption_sets(
    captions: Sequence[str], count: int, *, seed: int
) -> list[tuple[str, ...]]:
    """So many paraphrases of each caption; those without synonyms repeat themselves."""
    chance = random.Random(seed)
    return [tuple(paraphrased(one, chance) for _ in range(count)) for one in captions]


def one_word_changes(corpus: Sequence[str], substitutes: Substitutes) -> Changes:
    """The changes that an attacker may choose from.

    `any` takes the words that captions of the corpus have at the same place, which is what a masked
    language model of them would offer; `synonyms` keeps what the caption says, by words of the corpus.
    """
    seen: dict[int, dict[str, None]] = {}
    for caption in corpus:
        for place, word in enumerate(caption.split()):
            seen.setdefault(place, {})[word] = None

    known = {word for words in seen.values() for word in words}

    def changes(caption: str) -> list[str]:
        words, found = caption.split(), []
        for place, word in enumerate(words):
            others = list(seen.get(place, ()))
            if substitutes == "synonyms":
                others = [SYNONYMS[word]] if SYNONYMS.get(word) in known else []
            before, after = words[:place], words[place + 1 :]
            found += [" ".join([*before, one, *after]) for one in others if one != word]
        return found

    return changes


@torch.no_grad()
def reworded(
    embed_text: Callable[[Sequence[str]], Tensor],
    captions: Sequence[str],
    changes: Changes,
    loss: Callable[[Tensor, int], Tensor],
) -> list[str]:
    """Each caption with the word changed that raises the loss most, or as it was."""
    found = []
    for number, caption in enumerate(captions):
        candidates = [caption, *changes(caption)]
        losses_C = loss(embed_text(candidates), number)
        found.append(candidates[int(losses_C.argmax())])
    return found


def training_captions(train: Dataset, seed: int) -> Dataset:
    """The dataset with one paraphrase for each picture."""
    chance = random.Random(seed)
    return replace(
        train, captions=tuple(paraphrased(one, chance) for one in train.captions)
    )


def paraphrase_clip(
    config: CLIPConfig, lab: LabData, progress: Progress | None = None
) -> CLIP:
    """A CLIP that learned from paraphrased captions, trained if the cache has none."""
    key = content_key("paraphrases", PAIRS, config, lab)
    path = cache_folder() / "clips" / f"paraphrases-{key}.safetensors"
    if not path.exists():
        train = training_captions(train_dataset(lab), lab.seed)
        checkpoint = path.with_suffix(".checkpoint")
        save_clip(
            train_clip(train, config, checkpoint=checkpoint, progress=progress), path
        )
    return load_clip(path)
