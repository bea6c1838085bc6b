"""Encoders by name: a file, a model of a library, or a factory of one's own.

Nothing is downloaded unless asked for; the libraries are imported only for their own names.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reference_impls.lab.errors import (
    ConfigError,
    DeviceError,
    EncoderError,
    LabError,
)
from reference_impls.lab.models.architectures import without_classifier
from reference_impls.lab.models.checkpoints import (
    AS_SUGGESTED,
    Loaded,
    Preprocessing,
    load_checkpoint,
)
from reference_impls.lab.models.encoders import RGB, Encoder, told
from reference_impls.lab.models.formats import idle
from reference_impls.lab.models.hugging_face import (
    HuggingFaceImages,
    load_transformers,
)
from reference_impls.lab.models.normalisation import STATISTICS, Statistics
from reference_impls.lab.models.packages import package_weights
from reference_impls.lab.models.tensor_files import WEIGHT_FILES
from reference_impls.lab.torchvision import import_torchvision

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
            name, _factory(library, model, name), preprocessing, "module of your own"
        )
    if not (weights.download or weights.random):
        raise ConfigError(
            f"the weights of {name} would be downloaded; add --download to allow it"
        )
    try:
        if library == "hf":
            found = load_checkpoint(_hf_folder(model, weights.download), preprocessing)
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


@dataclass(frozen=True)
class _Built:
    """A module and what it expects of its images."""

    module: nn.Module
    size: int = 224
    mean: RGB = STATISTICS["imagenet"].mean
    std: RGB = STATISTICS["imagenet"].std
    assumed: tuple[str, ...] = ()


def _loaded(
    name: str, built: _Built, preprocessing: Preprocessing, what: str
) -> Loaded:
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


# -- Libraries -----------------------------------------------------------------------


def _torchvision(model: str, download: bool) -> _Built:
    models = import_torchvision().models
    if model not in models.list_models(module=models):
        raise EncoderError(
            f"torchvision has no classification model {model!r}; try resnet18 or vit_b_16"
        )
    weights = models.get_model_weights(model).DEFAULT if download else None
    net = models.get_model(model, weights=weights)
    without_classifier(net)
    if weights is None:
        return _Built(net)
    crop = weights.transforms()
    return _Built(net, crop.crop_size[0], _rgb(crop.mean), _rgb(crop.std))


def _timm(model: str, download: bool) -> _Built:
    timm = import_library("timm", "timm")
    if not timm.is_model(model.partition(".")[0]):
        raise EncoderError(
            f"timm has no model {model!r}; `timm.list_models()` lists them"
        )
    net = timm.create_model(model, pretrained=download, num_classes=0)
    config = timm.data.resolve_model_data_config(net)
    return _Built(
        net, config["input_size"][-1], _rgb(config["mean"]), _rgb(config["std"])
    )


@dataclass(frozen=True)
class OpenClip:
    """A whole OpenCLIP model and what its image tower expects."""

    net: Any
    size: int
    """Height and width of its images, in pixels."""
    statistics: Statistics


def open_clip_model(model: str, download: bool) -> OpenClip:
    """A whole OpenCLIP model, `ARCHITECTURE` or `ARCHITECTURE/TAG`.

    Raises:
        EncoderError: there is no such architecture, or no such weights of it.
        ConfigError: the published weights are wanted and not said which.
        DeviceError: open_clip is not installed.
    """
    open_clip = import_library("open_clip", "open_clip_torch")
    architecture, _, tag = model.partition("/")
    if architecture not in open_clip.list_models():
        raise EncoderError(
            f"open_clip has no model {architecture!r}; `open_clip.list_models()` lists them"
        )
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if download and not tag:
        raise ConfigError(
            f"which weights of {architecture}? open_clip:{architecture}/TAG, with TAG of {', '.join(tags) or 'none'}"
        )
    if download and tag not in tags:
        raise EncoderError(
            f"open_clip has no weights {tag!r} of {architecture}, but {', '.join(tags) or 'none'}"
        )
    about = open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
    net = open_clip.create_model(
        architecture,
        pretrained=tag if download else None,
        # Otherwise weights that were trained with QuickGELU are computed with GELU, with a warning alone.
        force_quick_gelu=bool(about.get("quick_gelu")),
    )
    wanted = open_clip.get_model_preprocess_cfg(net)
    size = wanted["size"]
    return OpenClip(
        net,
        int(size[0] if isinstance(size, (tuple, list)) else size),
        Statistics(_rgb(wanted["mean"]), _rgb(wanted["std"])),
    )


def _open_clip(model: str, download: bool) -> _Built:
    found = open_clip_model(model, download)
    statistics = found.statistics
    return _Built(found.net.visual, found.size, statistics.mean, statistics.std)


def _hf_clip(model: str, download: bool) -> _Built:
    transformers = load_transformers()
    kind = transformers.CLIPVisionModelWithProjection
    # With a folder as name the library reads it; without `download` nothing else is allowed.
    net = (
        kind.from_pretrained(model)
        if download
        else kind(transformers.CLIPVisionConfig())
    )
    clip = STATISTICS["clip"]
    images = HuggingFaceImages(net, class_token=False)
    return _Built(images, net.config.image_size, clip.mean, clip.std)


def _hf_folder(model: str, download: bool) -> Path:
    """Configuration and weights of a model of the hub, as a folder; its code is left there."""
    if not download:
        raise ConfigError(
            f"what hf:{model} is stands on the hub; add --download to allow asking"
        )
    hub = import_library("huggingface_hub", "huggingface_hub")
    about = ["config.json", "preprocessor_config.json"]
    found = Path(
        hub.snapshot_download(
            model, allow_patterns=[*about, "model*.safetensors", *WEIGHT_FILES[:2]]
        )
    )
    if not any((found / name).exists() for name in WEIGHT_FILES):
        found = Path(
            hub.snapshot_download(
                model, allow_patterns=[*about, "pytorch_model*.bin", *WEIGHT_FILES]
            )
        )
    return found


def _rgb(values: Any) -> RGB:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def import_library(module: str, package: str) -> Any:
    """A library that only some names need.

    Raises:
        DeviceError: it is not installed.
    """
    if importlib.util.find_spec("torchvision"):
        import_torchvision()  # they import it too, and do not know how
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DeviceError(f"this needs {module}; pip install {package}") from error


LIBRARIES: dict[str, Callable[[str, bool], _Built]] = {
    "torchvision": _torchvision,
    "timm": _timm,
    "open_clip": _open_clip,
    "hf-clip": _hf_clip,
}


# -- A module of one's own -----------------------------------------------------------


def _factory(module: str, attribute: str, name: str) -> _Built:
    """Call `module.attribute()`; attributes size, mean, std of what it returns are used."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does
    try:
        make = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise EncoderError(
            f"{name}: no module {error.name!r}; known libraries: {', '.join(LIBRARIES)}"
        ) from error
    except (Exception, SystemExit) as error:
        if isinstance(error, AttributeError) and module in sys.modules:
            raise EncoderError(
                f"{name}: module {module} has no {attribute!r}"
            ) from error
        raise EncoderError(f"{name}: importing it raised {told(error)}") from error
    try:
        net = make()
    except (Exception, SystemExit) as error:  # whatever a stranger's code does
        raise EncoderError(f"{name} raised {told(error)}") from error
    if not isinstance(net, nn.Module):
        raise EncoderError(
            f"{name} must return a torch.nn.Module, got {type(net).__name__}"
        )
    buffers = {"mean", "std"} & dict(net.named_buffers()).keys()
    return _Built(
        net,
        _size_of(net, name),
        _statistic(net, "mean", 0.0, name),
        _statistic(net, "std", 1.0, name),
        assumed=(
            "its buffers mean and std are applied to its images (--statistics none if it does so itself)",
        )
        if buffers
        else (),
    )


def _size_of(net: nn.Module, name: str) -> int:
    size = getattr(net, "size", 224)
    if isinstance(size, (tuple, list)) and len(set(size)) == 1:
        size = size[0]
    try:
        edge = int(size)
    except (TypeError, ValueError) as error:
        raise EncoderError(
            f"{name}: size must be a number of pixels, got {size!r}"
        ) from error
    if edge < 1:
        raise EncoderError(f"{name}: size must be at least 1 pixel, got {edge}")
    return edge


def _statistic(net: nn.Module, what: str, default: float, name: str) -> RGB:
    """Three numbers of an attribute: numbers, tuples, arrays or tensors, of three channels or one."""
    values = getattr(net, what, None)
    if values is None or callable(values):  # a method of that name says nothing
        values = default
    try:
        numbers = torch.as_tensor(values, dtype=torch.float64).flatten().tolist()
    except (TypeError, ValueError, RuntimeError) as error:
        raise EncoderError(
            f"{name}: {what} must be three numbers, got {values!r}"
        ) from error
    numbers = numbers * 3 if len(numbers) == 1 else numbers
    if len(numbers) != 3 or not all(-1 <= one <= 2 for one in numbers):
        raise EncoderError(
            f"{name}: {what} must be one number or three for images in [0, 1], got {numbers}"
        )
    if what == "std" and min(numbers) <= 0:
        raise EncoderError(f"{name}: std must be above 0, got {numbers}")
    return _rgb(numbers)
