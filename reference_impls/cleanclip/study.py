"""What is measured: attack success and utility after each removal, of backdoors planted in three ways."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from reference_impls.cleanclip.method import PRESETS, RemovalConfig, remove
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.poison import Poison, poisoned, success_rate
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.clip import CLIP, train_clip
from reference_impls.lab.models.encoders import embed_all
from reference_impls.lab.models.heads import captioned, recall_at
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.grid import Grid, Told
from reference_impls.lab.study.setup import Setup
from reference_impls.lab.study.single import Column
from reference_impls.textonpair.method import TextOnPairConfig, attack

Origin = Literal["clean", "planted", "pretrained", "adaptive"]
RETRIEVED = 200
"""Test pairs that retrieval searches."""


@dataclass(frozen=True, kw_only=True)
class Setting(RemovalConfig):
    """A removal, and what it is tried on."""

    origin: Origin = "planted"
    """`planted` into the CLIP with Text-on-Pair; `pretrained`: a small CLIP that learned from poisoned pairs from the start,
    whatever CLIP is given; `adaptive`: then trained on with CleanCLIP's loss and poisoned pairs; `clean`: without a backdoor."""
    poison: Poison = field(default_factory=lambda: Poison(share=0.02))
    """The attacker's trigger, target and share of poisoned pairs; Text-on-Pair takes 5 %."""
    planting: int = 200
    """Steps of the attacker."""


@lru_cache(maxsize=16)
def victim(
    clip: CLIP | ImageText, pairs: Dataset, task: str, origin: Origin, poison: Poison, steps: int, seed: int
) -> CLIP | ImageText:  # fmt: skip
    """A CLIP with a backdoor, made with the attacker's pairs."""
    if origin == "clean":
        return clip
    if origin == "planted":
        config = TextOnPairConfig(trigger=poison.trigger, task=task, target=poison.target_name(pairs, task), steps=steps, bf16=False, seed=seed)  # fmt: skip
        return attack(clip, pairs, config)
    bad, _ = poisoned(pairs, task, poison, seed)
    if origin == "pretrained":
        longer = replace(studied_clip(seed), steps=steps + steps // 4)
        return train_clip(bad, longer)
    before = victim(clip, pairs, task, "pretrained", poison, steps, seed)
    own = RemovalConfig(
        way="cleanclip", steps=steps // 2, learning_rate=3e-3, seed=seed
    )
    return remove(before, bad, own)


@lru_cache(maxsize=8)
def shares(train: Dataset, task: str) -> tuple[Dataset, Dataset]:
    """The attacker's pairs, three quarters, and the others, from which the defender takes his."""
    cut, pairs = 3 * len(train) // 4, captioned(train, task)
    return pairs.first(cut), pairs.take(range(cut, len(pairs)))


def measure(setup: Setup, setting: Setting) -> dict[str, float | None]:
    """Attack success, zero-shot accuracy and image-to-text R@1 after removal."""
    if setup.clip is None:
        raise DatasetError("an encoder without a text tower learns from no pairs")
    attackers, defenders = shares(setup.train, setup.task)
    planted = setting.origin, setting.poison, setting.planting, setting.seed
    before = victim(setup.clip, attackers, setup.task, *planted)
    after = remove(before, defenders.first(setting.pairs), setting, setup.progress)
    found = replace(setup, clip=after, encoder=after.image)
    answer = found.zero_shot()
    right_N = answer(setup.images_N3HW).argmax(dim=1) == setup.labels_N
    some = setup.test.first(RETRIEVED)
    return {
        "success": success_rate(answer, setup.test, setup.task, setting.poison),
        "accuracy": right_N.float().mean().item(),
        "recall": recall_at(embed_all(after.image, some.images_N3HW), found.embed_text(some.captions)) if some.captions else None,
    }  # fmt: skip


def _on(origin: Origin, *names: str) -> dict[str, Setting]:
    mark = "" if origin == "pretrained" else f"-{origin}"
    return {
        name + mark: Setting(**vars(PRESETS[name]), origin=origin) for name in names
    }


GENTLE = ("plain-gentle", "cleanclip-gentle", "par-gentle")
SETTINGS = {
    **_on("pretrained", *PRESETS),
    **_on("planted", "none", *GENTLE),
    **_on("adaptive", "none", *GENTLE[1:]),
    **_on("clean", "none"),
}

GRID = Grid(
    home=Path(__file__).parent,
    about="Plant a backdoor in a CLIP, and take it out with a few clean pairs.",
    presets=SETTINGS,
    shown="par-gentle-planted",
    measure=measure,
    columns={"success": Column(), "accuracy": Column(), "recall": Column()},
    told=[
        Told(preset=f"{one}-gentle", measure="success", better="lower")
        for one in ("par", "cleanclip")
    ],
    chart=("success", "accuracy", "recall"),
    tasks=("foreground",),
    model=studied_clip,
    images=400,
    quick={"steps": 2, "planting": 4, "batch": 16},
    examples=["--pairs 256", "--preset cleanclip --origin planted --task texture"],
    smoke="--steps 2 --planting 2 --batch 8",
)
