"""Checkpoint files as people publish them, loaded into an `Encoder` without running them.

Format and architecture are read off the names and shapes of the tensors, or from the
configuration in a folder of a model hub. Whatever lies inside the encoder is used or refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.encoders import RGB, Encoder, load_encoder
from reference_impls.lab.models.evidence import (
    judge_statistics,
    pictures_of,
    settle_stem,
)
from reference_impls.lab.models.formats import finding, hubs
from reference_impls.lab.models.formats.family import (
    HEADS,
    IMAGENET_ASSUMED,
    Choices,
    Family,
    Plan,
    Site,
    idle,
    shown,
)
from reference_impls.lab.models.normalisation import STATISTICS, Statistics
from reference_impls.lab.models.tensor_files import (
    INDEX_SUFFIX,
    WEIGHT_FILES,
    is_lab_encoder,
    read_json,
    read_state,
)


@dataclass(frozen=True, kw_only=True)
class Preprocessing(Choices):
    """What to do instead of what the format suggests, where a file does not tell."""

    size: int | None = None
    """Height and width in pixels."""
    statistics: str | None = None
    """A name of `STATISTICS`."""
    part: str | None = None
    """Which encoder of a file with several: its prefix, or a word of it such as `teacher`."""
    pictures: Path | None = None
    """A folder of pictures as the encoder was trained on: BatchNorm's statistics decide what the file leaves open."""

    def __post_init__(self) -> None:
        """Refuse what is unknown."""
        if self.statistics is not None and self.statistics not in STATISTICS:
            known = ", ".join(STATISTICS)
            raise ConfigError(
                f"unknown statistics {self.statistics!r}; choose one of {known}"
            )
        if self.activation not in (None, "gelu", "quick_gelu"):
            raise ConfigError(
                f"unknown activation {self.activation!r}; choose one of gelu, quick_gelu"
            )
        if self.size is not None and self.size < 1:
            raise ConfigError(f"image size must be at least 1 pixel, got {self.size}")
        if self.heads is not None and self.heads < 1:
            raise ConfigError(f"attention needs at least 1 head, got {self.heads}")
        if self.stem_padding is not None and self.stem_padding < 0:
            raise ConfigError(
                f"stem padding must be at least 0 pixels, got {self.stem_padding}"
            )


AS_SUGGESTED = Preprocessing()


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """An encoder, and how it was found in its file."""

    encoder: Encoder
    format: str
    """What the file was taken for, in words."""
    missing: tuple[str, ...] = ()
    """Tensors of the architecture that the file lacks; only counters that no output depends on."""
    unexpected: tuple[str, ...] = ()
    """Tensors of the file that are no part of the encoder: heads, text towers, momentum copies."""
    others: tuple[str, ...] = ()
    """Names of the other encoders in the file, for `part`."""
    assumed: tuple[str, ...] = ()
    """What no tensor decided, each with the option that decides it."""
    evidence: tuple[str, ...] = ()
    """What the statistics of its BatchNorms say of pictures."""
    idle: tuple[str, ...] = ()
    """Options that were chosen and decide nothing of such an encoder."""

    def lines(self) -> list[str]:
        """The same for a reader."""
        image = (
            f"{self.encoder.size} px, mean {_rounded(self.encoder.mean)}, "
            f"std {_rounded(self.encoder.std)}"
        )
        lines = [
            f"{self.encoder.name}: {self.format}; {image}; {self.encoder.dimension} features"
        ]
        for what, keys in (
            ("missing", self.missing),
            ("not used", self.unexpected),
            ("other encoders in the file (--part)", self.others),
            ("decide nothing here", self.idle),
        ):
            if keys:
                lines.append(f"{what}: {_some(keys)}")
        if self.assumed:
            lines.append(f"no tensor tells, so assumed: {'; '.join(self.assumed)}")
        return [*lines, *self.evidence]


def load_checkpoint(path: Path, preprocessing: Preprocessing = AS_SUGGESTED) -> Loaded:
    """The image encoder in a checkpoint: a file, an index of shards, or a folder with `config.json`.

    Raises:
        EncoderError: the file cannot be read, holds code, is in no known format, lacks
            weights of its architecture, has layers that the architecture has not, or holds NaN.
        DeviceError: its architecture needs a library that is not installed.
    """
    if not path.is_file() and not path.is_dir():
        raise EncoderError(f"no encoder file {path}")
    if is_lab_encoder(path):
        return Loaded(
            encoder=_with(load_encoder(path), preprocessing),
            format="lab encoder",
            idle=idle(None, preprocessing),
        )
    state = read_state(path)
    try:
        found = _configured(path, state) or _recognised(state, preprocessing, path)
    except EncoderError as error:
        message = str(error)
        raise EncoderError(
            message if str(path) in message else f"{path}: {message}"
        ) from error
    heads = found.family.heads if found.family else HEADS
    missing, extra = _fill(found.plan, heads, path)
    encoder, assumed, evidence = _encoder(found.plan, path, preprocessing)
    taken = {found.prefix + key for key in found.plan.weights.keys() | found.names}
    taken |= found.plan.beside
    elsewhere = [shown(key) for key in state if key not in taken]
    return Loaded(
        encoder=encoder,
        format=found.format,
        missing=missing,
        unexpected=(*elsewhere, *(shown(found.prefix + key) for key in extra)),
        others=found.others,
        assumed=assumed,
        evidence=evidence,
        idle=idle(found.family, preprocessing),
    )


def _with(encoder: Encoder, preprocessing: Preprocessing) -> Encoder:
    if preprocessing == AS_SUGGESTED:
        return encoder
    statistics = STATISTICS.get(preprocessing.statistics or "", encoder)
    return Encoder.from_module(
        encoder.module,
        name=encoder.name,
        size=preprocessing.size or encoder.size,
        mean=statistics.mean,
        std=statistics.std,
    )


# -- What it is ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Found:
    """An encoder in a state dict, built."""

    plan: Plan
    format: str
    prefix: str = ""
    names: frozenset[str] = frozenset()
    """Its tensors below the prefix, by the names of the file."""
    family: Family | None = None
    """None where a configuration tells everything."""
    others: tuple[str, ...] = ()


def _recognised(
    state: dict[str, Tensor], preprocessing: Preprocessing, path: Path
) -> _Found:
    candidates = finding.candidates(state)
    if not candidates:
        raise EncoderError(
            f"{path} is in no known format; known are the names of torchvision, timm, CLIP, Hugging "
            f"Face, SimCLR, MoCo, DINO, MAE, solo-learn and lightly; it holds {_some([*state])}"
        )
    one, others = finding.choose(candidates, preprocessing.part)
    inside = finding.below(one, others, state)
    weights = {key: value.float() for key, value in inside.items()}
    site = Site(prefix=one.prefix, state=state)
    try:
        plan = one.family.plan(weights, site, preprocessing)
    except (KeyError, ValueError, IndexError, ZeroDivisionError, RuntimeError) as error:
        first_line = str(error).partition("\n")[0]
        raise EncoderError(
            f"{path} looked like a {one.format} but is none: {first_line}"
        ) from error
    return _Found(
        plan=plan,
        format=one.format,
        prefix=one.prefix,
        names=frozenset(inside),
        family=one.family,
        others=tuple(finding.bare(other) or "the outermost" for other in others),
    )


def _configured(path: Path, state: dict[str, Tensor]) -> _Found | None:
    """The encoder that a model hub's `config.json` describes, where one lies beside the weights."""
    folder = path if path.is_dir() else path.parent
    listed = (
        path.is_dir() or path.name in WEIGHT_FILES or path.name.endswith(INDEX_SUFFIX)
    )
    config = read_json(folder / "config.json") if listed else {}
    weights = {shown(key): value.float() for key, value in state.items()}
    if "model_type" in config:
        told = _told_statistics(read_json(folder / "preprocessor_config.json"))
        clip = "clip" in str(config["model_type"])
        plan = hubs.hugging_face_plan(
            weights,
            config,
            statistics=told or ("clip" if clip else "imagenet"),
            assumed=() if told or clip else IMAGENET_ASSUMED,
        )
        return _Found(
            plan=plan,
            format=f"Hugging Face {config['model_type']}",
            names=frozenset(weights),
        )
    if "architecture" in config:
        plan = hubs.timm_plan(weights, config)
        return _Found(
            plan=plan,
            format=f"timm {config['architecture']}",
            names=frozenset(weights),
        )
    return None


def _told_statistics(config: Mapping[str, Any]) -> Statistics | None:
    mean, std = config.get("image_mean"), config.get("image_std")
    if not isinstance(mean, list) or not isinstance(std, list):
        return None
    if len(mean) != 3 or len(std) != 3:
        raise EncoderError(
            f"preprocessor_config.json has no three channels: {mean}, {std}"
        )
    (r, g, b), (x, y, z) = map(float, mean), map(float, std)
    return Statistics((r, g, b), (x, y, z))


# -- Weights -------------------------------------------------------------------------


def _fill(
    plan: Plan, heads: re.Pattern[str], path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the weights into the module; what was missing, and what was not needed."""
    module, weights = plan.module, plan.weights
    wanted = module.state_dict()
    for key, value in weights.items():
        if key in wanted and wanted[key].shape != value.shape:
            raise EncoderError(
                f"{path} is another architecture: {key} has shape {tuple(value.shape)}, "
                f"{tuple(wanted[key].shape)} was expected"
            )
        if key in wanted and not value.isfinite().all():
            raise EncoderError(f"{path}: weight {key} holds NaN or infinity")
    missing = tuple(key for key in wanted if key not in weights)
    needed = [key for key in missing if not key.endswith("num_batches_tracked")]
    if needed:
        raise EncoderError(f"{path} lacks weights of its architecture: {_some(needed)}")
    extra = tuple(key for key in weights if key not in wanted)
    unknown = [key for key in extra if not heads.match(key)]
    if unknown:
        raise EncoderError(
            f"{path} has layers inside the encoder that its architecture has not: {_some(unknown)}; "
            "give the encoder as mypackage.models:build instead"
        )
    module.load_state_dict(
        {key: weights[key] for key in wanted if key in weights}, strict=False
    )
    return missing, extra


def _encoder(
    plan: Plan, path: Path, preprocessing: Preprocessing
) -> tuple[Encoder, tuple[str, ...], tuple[str, ...]]:
    """The encoder, what is still assumed of it, and what pictures say."""
    statistics = preprocessing.statistics or plan.statistics
    encoder = _made(plan.module, path.stem, preprocessing.size or plan.size, statistics)
    assumed = tuple(
        one
        for one in plan.assumed
        if not (preprocessing.statistics and "--statistics" in one)
    )
    if preprocessing.pictures is None:
        return encoder, assumed, ()
    images_B3HW = pictures_of(preprocessing.pictures, encoder.size)
    settled, lines = settle_stem(encoder, images_B3HW, preprocessing)
    if settled:
        assumed = tuple(one for one in assumed if "--stem" not in one)
    return encoder, assumed, lines + judge_statistics(encoder, images_B3HW)


def _made(
    module: nn.Module, name: str, size: int, statistics: str | Statistics
) -> Encoder:
    chosen = STATISTICS[statistics] if isinstance(statistics, str) else statistics
    return Encoder.from_module(
        module, name=name, size=size, mean=chosen.mean, std=chosen.std
    )


def _some(keys: list[str] | tuple[str, ...]) -> str:
    outside = [shown(key) for key in keys[:4]]
    text = ", ".join(outside)
    return text if len(keys) <= 4 else f"{text} and {len(keys) - 4} more"


def _rounded(values: RGB) -> str:
    return f"({', '.join(f'{value:.4g}' for value in values)})"
