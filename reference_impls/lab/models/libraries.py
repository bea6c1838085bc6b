"""Models of torchvision, timm, OpenCLIP and Hugging Face by the libraries' own names.

The libraries are imported only for their own names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.encoders import RGB
from reference_impls.lab.models.formats.torchvision_models import without_classifier
from reference_impls.lab.models.hugging_face import (
    HuggingFaceImages,
    load_transformers,
)
from reference_impls.lab.models.normalisation import STATISTICS, Statistics
from reference_impls.lab.models.tensor_files import WEIGHT_FILES
from reference_impls.lab.torchvision import import_library, import_torchvision


@dataclass(frozen=True)
class Built:
    """A module and what it expects of its images."""

    module: nn.Module
    size: int = 224
    mean: RGB = STATISTICS["imagenet"].mean
    std: RGB = STATISTICS["imagenet"].std
    assumed: tuple[str, ...] = ()


def _torchvision(model: str, download: bool) -> Built:
    models = import_torchvision().models
    if model not in models.list_models(module=models):
        raise EncoderError(
            f"torchvision has no classification model {model!r}; try resnet18 or vit_b_16"
        )
    weights = models.get_model_weights(model).DEFAULT if download else None
    net = models.get_model(model, weights=weights)
    without_classifier(net)
    if weights is None:
        return Built(net)
    crop = weights.transforms()
    return Built(net, crop.crop_size[0], rgb(crop.mean), rgb(crop.std))


def _timm(model: str, download: bool) -> Built:
    timm = import_library("timm", "timm")
    if not timm.is_model(model.partition(".")[0]):
        raise EncoderError(
            f"timm has no model {model!r}; `timm.list_models()` lists them"
        )
    net = timm.create_model(model, pretrained=download, num_classes=0)
    config = timm.data.resolve_model_data_config(net)
    return Built(net, config["input_size"][-1], rgb(config["mean"]), rgb(config["std"]))


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
        Statistics(rgb(wanted["mean"]), rgb(wanted["std"])),
    )


def _open_clip(model: str, download: bool) -> Built:
    found = open_clip_model(model, download)
    statistics = found.statistics
    return Built(found.net.visual, found.size, statistics.mean, statistics.std)


def _hf_clip(model: str, download: bool) -> Built:
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
    return Built(images, net.config.image_size, clip.mean, clip.std)


def hf_folder(model: str, download: bool) -> Path:
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


def rgb(values: Any) -> RGB:
    """Three numbers, one a channel."""
    red, green, blue = (float(value) for value in values)
    return red, green, blue


LIBRARIES: dict[str, Callable[[str, bool], Built]] = {
    "torchvision": _torchvision,
    "timm": _timm,
    "open_clip": _open_clip,
    "hf-clip": _hf_clip,
}
