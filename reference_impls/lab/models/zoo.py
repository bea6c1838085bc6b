"""The lab's own encoders: trained and attacked at first use, then read from the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.models.clip import (
    CLIP,
    CLIPConfig,
    load_clip,
    save_clip,
    train_clip,
)
from reference_impls.lab.models.encoders import (
    Encoder,
    SmallNet,
    SmallNetConfig,
    load_encoder,
    save_encoder,
)
from reference_impls.lab.models.training import Progress, SimCLRConfig, train_simclr

STUDIED = SmallNetConfig(widths=(16, 32, 64), embedding=64)
"""Image tower of the CLIPs that studies train, one for each of their seeds."""


def studied_clip(seed: int) -> CLIPConfig:
    """Settings of a CLIP that is trained in a dozen seconds on one core."""
    return CLIPConfig(steps=250, batch=128, bf16=False, net=STUDIED, seed=seed)


def studied_encoder(seed: int) -> SimCLRConfig:
    """Settings of an encoder that is trained in half a minute on one core."""
    net = SmallNetConfig(widths=(24, 48, 96))
    return SimCLRConfig(steps=200, net=net, bf16=False, seed=seed)


@dataclass(frozen=True, kw_only=True)
class LabData:
    """Which shapes datasets an experiment draws; their pictures never overlap."""

    train: int = 4096
    """Pictures for training encoders, attacks and heads."""
    test: int = 1024
    """Pictures for accuracies and success rates."""
    scan: int = 512
    """Pictures for detectors."""
    size: int = 32
    """Height and width, in pixels."""
    seed: int = 1
    """First of five consecutive seeds."""


@lru_cache(maxsize=8)
def train_dataset(lab: LabData) -> Dataset:
    """The pictures that encoders and heads learn from."""
    return shapes(lab.train, seed=lab.seed, size=lab.size)


@lru_cache(maxsize=8)
def test_dataset(lab: LabData) -> Dataset:
    """The pictures that accuracies are measured on."""
    return shapes(lab.test, seed=lab.seed + 1, size=lab.size)


@lru_cache(maxsize=8)
def scan_dataset(lab: LabData) -> Dataset:
    """The pictures a detector is given."""
    return shapes(lab.scan, seed=lab.seed + 2, size=lab.size)


@lru_cache(maxsize=8)
def reference_dataset(lab: LabData) -> Dataset:
    """The pictures an attacker chooses a reference image from."""
    return shapes(64, seed=lab.seed + 3, size=lab.size)


@lru_cache(maxsize=8)
def surrogate_dataset(lab: LabData) -> Dataset:
    """The captioned pictures an attacker of public encoders has; nobody trains on them."""
    return shapes(1024, seed=lab.seed + 4, size=lab.size)


def clean_encoder(
    config: SimCLRConfig,
    lab: LabData = LabData(),
    *,
    progress: Progress | None = None,
) -> Encoder:
    """A clean SimCLR encoder of the shapes dataset, trained if the cache has none."""
    return kept(
        f"simclr-{config.seed}",
        (config, lab),
        lambda checkpoint: train_simclr(
            train_dataset(lab), config, checkpoint=checkpoint, progress=progress
        ),
    )


def kept(name: str, recipe: Sequence[Any], make: Callable[[Path], Encoder]) -> Encoder:
    """An encoder of a recipe, made if the cache has none; `make` is told where its checkpoint may lie.

    One of another architecture than the lab's is made every time.
    """
    file = f"{name}-{content_key(*recipe)}.safetensors"
    path = cache_folder() / "encoders" / file
    if not path.exists():
        encoder = make(path.with_suffix(".checkpoint"))
        if not isinstance(encoder.module, SmallNet):
            return encoder
        save_encoder(encoder, path)
    return load_encoder(path)


def clean_clip(
    config: CLIPConfig,
    lab: LabData = LabData(),
    *,
    progress: Progress | None = None,
) -> CLIP:
    """A clean CLIP of the shapes dataset, trained if the cache has none."""
    name = f"clip-{config.seed}-{content_key(config, lab)}"
    path = cache_folder() / "clips" / f"{name}.safetensors"
    if not path.exists():
        checkpoint = path.with_suffix(".checkpoint")
        clip = train_clip(
            train_dataset(lab), config, checkpoint=checkpoint, progress=progress
        )
        save_clip(clip, path)
    return load_clip(path)


PARENT = SimCLRConfig(steps=200)
"""How the encoder called `lab` is trained."""


def _lab(progress: Progress | None = None) -> Encoder:
    return clean_encoder(PARENT, progress=progress)


LAB_ENCODERS: Mapping[str, Callable[[Progress | None], Encoder]] = {"lab": _lab}
"""Encoders that need no file: trained at first use, then read from the cache."""
