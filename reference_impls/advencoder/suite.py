"""The universal attacks that defenses are tried against, made on one encoder at first use.

Each is crafted on the public encoder and unlabelled images alone, or from nothing: the
controls say how much any change of that size does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from reference_impls.advencoder.method import AdvEncoderConfig, attack
from reference_impls.lab.attacks.universal import (
    Universal,
    load,
    mean_colour_patch,
    random_patch,
    random_sign_perturbation,
)
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.training import Progress


@dataclass(frozen=True, kw_only=True)
class SuiteConfig:
    """How large the attacks are, and how long they are sought."""

    epsilon: float = 10 / 255
    """Bound of perturbations, on the [0, 1] scale."""
    share: float = 0.0625
    """Of the image's area that patches cover. The published 3 % do little to 32 px images: 5 x 5
    pixels cost hardly more than noise, 8 x 8 do (README)."""
    steps: int = 300
    """Of every attack that is optimised."""
    images: int = 2048
    """Unlabelled pictures the attacker has."""
    dataset_seed: int = 11
    """Of those pictures; no encoder and no head of the lab has seen them."""
    seed: int = 0
    """Of the attacks."""

    @property
    def patch(self) -> PatchSpec:
        """Size and place of patches."""
        return PatchSpec(share=self.share)

    def surrogate(self, size: int) -> Dataset:
        """The attacker's pictures."""
        return shapes(self.images, seed=self.dataset_seed, size=size)


def advencoder_settings(config: SuiteConfig) -> dict[str, AdvEncoderConfig]:
    """The attacks of the suite that are optimised, by name."""
    plain = AdvEncoderConfig(
        epsilon=config.epsilon, patch=config.patch, seed=config.seed
    )
    plain = replace(plain, steps=config.steps)
    return {
        "advencoder-per": plain,
        "advencoder-pat": replace(plain, variant="patch"),
        "uap": replace(
            plain, crafter="signs", quality_weight=0.0, frequency_weight=0.0
        ),
    }


CONTROLS: dict[str, Callable[[SuiteConfig, int], Universal]] = {
    "random-perturbation": lambda config, size: random_sign_perturbation(
        config.epsilon, size, seed=config.seed
    ),
    "random-patch": lambda config, size: random_patch(
        config.patch, size, seed=config.seed
    ),
    "mean-colour-patch": lambda config, size: mean_colour_patch(
        config.patch, config.surrogate(size).images_N3HW
    ),
}
"""Changes of equal size that are made without the encoder."""
NAMES = (*advencoder_settings(SuiteConfig()), *CONTROLS)


def universal_attack(
    name: str,
    encoder: Encoder,
    config: SuiteConfig = SuiteConfig(),
    *,
    recipe: object = None,
    progress: Progress | None = None,
) -> Universal:
    """One attack of the suite on an encoder.

    With a `recipe`, whatever determines the encoder, a finished attack is read from the
    lab's cache and an interrupted one goes on.

    Raises:
        ConfigError: no attack of that name.
        EncoderError: the encoder is broken.
    """
    if name in CONTROLS:
        return CONTROLS[name](config, encoder.size)
    settings = advencoder_settings(config).get(name)
    if settings is None:
        raise ConfigError(f"unknown attack {name!r}; choose one of {', '.join(NAMES)}")
    path = _place(name, encoder, config, settings, recipe)
    if path is not None and path.exists():
        return load(path)
    made = attack(
        encoder,
        config.surrogate(encoder.size),
        settings,
        checkpoint=path.with_suffix(".checkpoint") if path else None,
        progress=progress,
    )
    if path is not None:
        made.save(path)
    return made


def _place(
    name: str,
    encoder: Encoder,
    config: SuiteConfig,
    settings: AdvEncoderConfig,
    recipe: object,
) -> Path | None:
    if recipe is None:
        return None
    key = content_key(
        recipe, settings, config.images, config.dataset_seed, encoder.size
    )
    return cache_folder() / "attacks" / f"{name}-{encoder.name}-{key}.npz"
