"""Checkpoint files as people publish them, loaded into an `Encoder` without running them.

Format and architecture are read off the names and shapes of the tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models import architectures
from reference_impls.lab.models.encoders import RGB, Encoder, load_encoder
from reference_impls.lab.models.tensor_files import is_lab_encoder, read_state


@dataclass(frozen=True)
class Statistics:
    """What an encoder subtracts from and divides its images by, on the [0, 1] scale."""

    mean: RGB
    std: RGB


STATISTICS = {
    "cifar": Statistics((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "stl10": Statistics(
        (0.44087798, 0.42790666, 0.38678814), (0.25507198, 0.24801506, 0.25641308)
    ),
    "imagenet": Statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": Statistics(
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    ),
    "none": Statistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""Normalisations in use, by name; cifar and stl10 as in BadEncoder's and DECREE's programs."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What to do with images instead of what the format suggests."""

    size: int | None = None
    """Height and width in pixels."""
    statistics: str | None = None
    """A name of `STATISTICS`."""

    def __post_init__(self) -> None:
        """Refuse what is unknown."""
        if self.statistics is not None and self.statistics not in STATISTICS:
            known = ", ".join(STATISTICS)
            raise ConfigError(
                f"unknown statistics {self.statistics!r}; choose one of {known}"
            )
        if self.size is not None and self.size < 1:
            raise ConfigError(f"image size must be at least 1 pixel, got {self.size}")


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

    def lines(self) -> list[str]:
        """The same for a reader."""
        image = (
            f"{self.encoder.size} px, mean {self.encoder.mean}, std {self.encoder.std}"
        )
        lines = [
            f"{self.encoder.name}: {self.format}; {image}; {self.encoder.dimension} features"
        ]
        for what, keys in (("missing", self.missing), ("not used", self.unexpected)):
            if keys:
                lines.append(f"{what}: {_some(keys)}")
        return lines


def load_checkpoint(path: Path, preprocessing: Preprocessing = AS_SUGGESTED) -> Loaded:
    """The image encoder in a checkpoint file.

    Raises:
        EncoderError: the file cannot be read, holds code, is in no known format, lacks
            weights of its architecture, or holds NaN.
        DeviceError: its architecture needs a library that is not installed.
    """
    if not path.is_file():
        raise EncoderError(f"no encoder file {path}")
    if is_lab_encoder(path):
        return Loaded(
            encoder=_with(load_encoder(path), preprocessing), format="lab encoder"
        )
    state = read_state(path)
    found = _recognise(state, path)
    weights = {key: value.float() for key, value in found.weights.items()}
    module = _build(found, weights, path)
    missing, extra = _fill(module, weights, path)
    statistics = STATISTICS[preprocessing.statistics or found.statistics]
    encoder = Encoder.from_module(
        module,
        name=path.stem,
        size=preprocessing.size or found.size,
        mean=statistics.mean,
        std=statistics.std,
    )
    elsewhere = [key for key in state if key not in found.keys]
    return Loaded(
        encoder=encoder,
        format=found.format,
        missing=missing,
        unexpected=(*elsewhere, *(found.prefix + key for key in extra)),
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


# -- Formats -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Where the image encoder lies in a state dict, and how it is built."""

    format: str
    prefix: str
    build: Callable[[Mapping[str, Tensor]], nn.Module]
    weights: dict[str, Tensor]
    """By the names of the architecture."""
    keys: frozenset[str]
    """The same tensors by the names of the file."""
    size: int
    statistics: str


# What tells an architecture, in the order in which it is tried: no name of one is in another.
_ANCHORS = {
    "clip-resnet": "attnpool.positional_embedding",
    "clip-vit": "transformer.resblocks.0.attn.in_proj_weight",
    "resnet": "layer1.0.conv1.weight",
    "numbered-resnet": "3.0.conv1.weight",
}
_COPIES = ("momentum", "encoder_k", "teacher", "target", "ema")
"""Words in the names of second copies that training keeps beside the encoder."""


def _recognise(state: dict[str, Tensor], path: Path) -> _Found:
    for kind, anchor in _ANCHORS.items():
        prefixes = [key.removesuffix(anchor) for key in state if _ends(key, anchor)]
        for prefix in sorted(
            prefixes, key=lambda p: (any(c in p for c in _COPIES), len(p))
        ):
            if _stem(kind, prefix) in state and (
                kind != "clip-vit" or f"{prefix}proj" in state
            ):
                return _described(kind, prefix, state)
    raise EncoderError(
        f"{path} is in no known format; known are ResNets named as in torchvision, SimCLR, MoCo "
        f"and solo-learn, and CLIP's ResNets and vision transformers; it holds {_some([*state])}"
    )


def _ends(key: str, anchor: str) -> bool:
    return key == anchor or key.endswith(f".{anchor}")


def _stem(kind: str, prefix: str) -> str:
    return f"{prefix}0.weight" if kind == "numbered-resnet" else f"{prefix}conv1.weight"


def _described(kind: str, prefix: str, state: dict[str, Tensor]) -> _Found:
    inside = {
        key.removeprefix(prefix): v
        for key, v in state.items()
        if key.startswith(prefix)
    }
    weights = architectures.as_resnet(inside) if kind == "numbered-resnet" else inside
    size, statistics = _preprocessing(kind, prefix, state, weights)
    return _Found(
        format=_named(kind, prefix),
        prefix=prefix,
        build=_builder(kind, prefix, state),
        weights=weights,
        keys=frozenset(key for key in state if key.startswith(prefix)),
        size=size,
        statistics=statistics,
    )


def _builder(
    kind: str, prefix: str, state: Mapping[str, Tensor]
) -> Callable[[Mapping[str, Tensor]], nn.Module]:
    if kind == "clip-resnet":
        return architectures.clip_resnet
    if kind == "clip-vit":
        # OpenAI's files alone carry their settings as tensors.
        quick = "input_resolution" in state
        return lambda weights: architectures.clip_vit(weights, quick_gelu=quick)
    # solo-learn pads its small stem by 2, BadEncoder and MoCo on CIFAR by 1.
    padding = 2 if prefix.endswith("backbone.") else 1
    return lambda weights: architectures.resnet(weights, stem_padding=padding)


def _preprocessing(
    kind: str, prefix: str, state: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> tuple[int, str]:
    """Image size and statistics that the published programs use with such files."""
    if kind.startswith("clip"):
        positions = (
            "attnpool.positional_embedding"
            if kind == "clip-resnet"
            else "positional_embedding"
        )
        patch = 32 if kind == "clip-resnet" else weights["conv1.weight"].shape[-1]
        size = patch * round((weights[positions].shape[0] - 1) ** 0.5)
        # BadEncoder and DECREE keep the image tower alone and feed it ImageNet's statistics.
        return size, "clip" if "logit_scale" in _ends_of(state) else "imagenet"
    small = weights["conv1.weight"].shape[-1] == 3
    return (32, "cifar") if small else (224, "imagenet")


def _ends_of(state: Mapping[str, Tensor]) -> set[str]:
    return {key.rpartition(".")[2] for key in state}


_OWNERS = {
    "encoder_q.": "MoCo",
    "backbone.": "solo-learn",
    "visual.": "CLIP's `visual`",
    "f.": "SimCLR",
}


def _named(kind: str, prefix: str) -> str:
    owner = next(
        (name for end, name in _OWNERS.items() if prefix.endswith(end)), "plain"
    )
    network = {"clip-resnet": "CLIP ResNet", "clip-vit": "CLIP ViT"}.get(kind, "ResNet")
    return f"{network}, {owner} keys" + (f" below {prefix!r}" if prefix else "")


# -- Weights -------------------------------------------------------------------------


def _build(found: _Found, weights: dict[str, Tensor], path: Path) -> nn.Module:
    try:
        return found.build(weights)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise EncoderError(
            f"{path} looked like a {found.format} but is none: {error}"
        ) from error
    except EncoderError as error:
        raise EncoderError(f"{path}: {error}") from error


def _fill(
    module: nn.Module, weights: dict[str, Tensor], path: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the weights into the module; what was missing, and what was not needed."""
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
    module.load_state_dict(
        {key: weights[key] for key in wanted if key in weights}, strict=False
    )
    return missing, tuple(key for key in weights if key not in wanted)


def _some(keys: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(keys[:4])
    return shown if len(keys) <= 4 else f"{shown} and {len(keys) - 4} more"
