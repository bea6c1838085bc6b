"""Small CLIPs that no setting of an attack was chosen on: other architectures, other data, other seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.leaves import leaves
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.models.clip import (
    CLIP,
    CLIPConfig,
    load_clip,
    save_clip,
    train_clip,
)
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.transformer import SmallTransformerConfig

DATASETS: dict[str, Callable[..., Dataset]] = {"shapes": shapes, "leaves": leaves}


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """A CLIP, and the pictures that go with it."""

    name: str
    config: CLIPConfig
    """How it is trained."""
    dataset: str
    """A name of `DATASETS`."""
    pictures: int = 2048
    """To train it with."""

    def draw(self, count: int, seed: int) -> Dataset:
        """Pictures of its kind; seed 41 is its own training's."""
        return DATASETS[self.dataset](count, seed=seed)


HELD_BACK = (
    HeldBack(
        name="narrow",
        config=CLIPConfig(
            steps=200,
            batch=128,
            bf16=False,
            seed=11,
            net=SmallNetConfig(widths=(16, 32, 64), embedding=32),
        ),
        dataset="shapes",
    ),
    HeldBack(
        name="transformer",
        config=CLIPConfig(
            steps=300,
            batch=128,
            learning_rate=2e-3,
            bf16=False,
            seed=12,
            net=SmallTransformerConfig(patch=4, width=64, depth=2, embedding=32),
        ),
        dataset="shapes",
    ),
    HeldBack(
        name="leaves",
        config=CLIPConfig(
            steps=250,
            batch=128,
            bf16=False,
            seed=13,
            net=SmallNetConfig(widths=(24, 48, 96), embedding=48),
        ),
        dataset="leaves",
    ),
)
"""The lab's own CLIPs, on which AdvCLIP's settings were tried, are wider and have seen other pictures."""


def held_back(one: HeldBack) -> CLIP:
    """The CLIP, trained if the cache has none."""
    path = cache_folder() / "clips" / f"{one.name}-{content_key(one)}.safetensors"
    if not path.exists():
        clip = train_clip(one.draw(one.pictures, seed=41), one.config)
        save_clip(clip, path)
    clip = load_clip(path)
    return CLIP(clip.image.named(one.name), clip.text)
