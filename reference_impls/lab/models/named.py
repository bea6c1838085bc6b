"""Encoders by name: a file, a model of a library, or a factory of one's own.

Nothing is downloaded unless asked for; the libraries are imported only for their own names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reference_impls.lab.errors import (
    ConfigError,
    DeviceError,
    EncoderError,
    LabError,
)
from reference_impls.lab.models import own_module
from reference_impls.lab.models.checkpoints import (
    AS_SUGGESTED,
    Loaded,
    Preprocessing,
    load_checkpoint,
)
from reference_impls.lab.models.encoders import Encoder, told
from reference_impls.lab.models.formats.family import idle
from reference_impls.lab.models.libraries import LIBRARIES, Built, hf_folder
from reference_impls.lab.models.normalisation import STATISTICS
from reference_impls.lab.models.packages import package_weights

EXAMPLES = (
    "encoder.safetensors",
    "model_last.pth",
    "torchvision:resnet18",
    "timm:resnet50",
    "open_clip:RN50/openai",
    "hf:facebook/dinov2-base",
    "hf-clip:openai/clip-vit-base-patch32",
    "package:efficientnet-lite0",
    "mypackage.models:build",
)


@dataclass(frozen=True)
class Weights:
    """Where the weights of a library's model may come from."""

    download: bool = False
    """Let the library fetch published weights."""
    random: bool = False
    """Leave the weights as initialised: for tests of programs, never for an answer."""


def open_encoder(
    name: str,
    preprocessing: Preprocessing = AS_SUGGESTED,
    *,
    weights: Weights = Weights(),
) -> Loaded:
    """The encoder of a name: a file, `library:model`, or `package.module:callable`.

    Raises:
        EncoderError: there is none, or it does not work.
        ConfigError: the model's weights would have to be downloaded and nobody asked for it.
        DeviceError: its library is not installed.
    """
    if Path(name).exists():
        return load_checkpoint(Path(name), preprocessing)
    library, colon, model = name.partition(":")
    if not colon or not model:
        raise EncoderError(
            f"no encoder {name!r}; give a file or a name such as {', '.join(EXAMPLES[2:])}"
        )
    if library == "package":
        return _packaged(name, model, preprocessing, weights)
    if library not in LIBRARIES and library != "hf":
        return _loaded(
            name,
            own_module.build(library, model, name),
            preprocessing,
            "module of your own",
        )
    if not (weights.download or weights.random):
        raise ConfigError(
            f"the weights of {name} would be downloaded; add --download to allow it"
        )
    try:
        if library == "hf":
            found = load_checkpoint(hf_folder(model, weights.download), preprocessing)
            return replace(found, encoder=found.encoder.named(name))
        built = LIBRARIES[library](model, weights.download)
    except LabError:
        raise
    except OSError as error:
        raise DeviceError(
            f"the weights of {name} could not be fetched: {told(error)}"
        ) from error
    except Exception as error:  # the libraries raise many kinds for names and files
        raise EncoderError(f"{name} cannot be opened: {told(error)}") from error
    return _loaded(name, built, preprocessing, f"{library} model")


def _packaged(
    name: str, model: str, preprocessing: Preprocessing, weights: Weights
) -> Loaded:
    path, package = package_weights(model, download=weights.download)
    found = load_checkpoint(path, preprocessing)
    return replace(
        found,
        encoder=found.encoder.named(name),
        format=f"{found.format}, trained on {package.trained_on}; {package}",
    )


def _loaded(name: str, built: Built, preprocessing: Preprocessing, what: str) -> Loaded:
    chosen = STATISTICS.get(preprocessing.statistics or "", built)
    encoder = Encoder.from_module(
        built.module,
        name=name,
        size=preprocessing.size or built.size,
        mean=chosen.mean,
        std=chosen.std,
    )
    assumed = () if preprocessing.statistics else built.assumed
    return Loaded(
        encoder=encoder, format=what, assumed=assumed, idle=idle(None, preprocessing)
    )
