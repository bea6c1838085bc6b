"""Image encoders of the library transformers: from a folder with its configuration, or from tensors alone.

The library builds the network and renames old names of tensors; nothing is fetched, and no code
that comes with a model is run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.formats.shapes import State, count_children
from reference_impls.lab.torchvision import import_library, import_torchvision

Config = Mapping[str, Any]

_LAYER = "encoder.layer.0.attention.attention.query.weight"
ANCHORS = {
    "clip": (
        "vision_model.embeddings.class_embedding",
        "vision_model.pre_layrnorm.weight",
    ),
    "dinov2": ("embeddings.cls_token", _LAYER, "encoder.layer.0.layer_scale1.lambda1"),
    "vit": ("embeddings.cls_token", _LAYER),
    "resnet": ("embedder.embedder.convolution.weight",),
    "convnext": (
        "embeddings.patch_embeddings.weight",
        "encoder.stages.0.layers.0.dwconv.weight",
    ),
}
"""Names that lie together below one prefix, by the library's name of the architecture."""
_CLASS_TOKEN = ("vit", "deit", "dinov2", "dinov2_with_registers", "vit_msn", "beit")
"""Architectures whose embedding is the class token: their poolers belong to other tasks."""


def load_transformers() -> Any:
    """The library, quiet.

    Raises:
        DeviceError: it is not installed.
    """
    import_torchvision()
    transformers = import_library("transformers", "transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


class HuggingFaceImages(nn.Module):
    """A model of the library as one from images to vectors."""

    def __init__(self, model: nn.Module, *, class_token: bool) -> None:
        """`class_token` takes the first token of the last layer, else what the model pools."""
        super().__init__()
        self.model, self.class_token = model, class_token

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Embeddings (B, D): projected, pooled, or the class token."""
        out = self.model(pixel_values=images_B3HW)
        projected: Tensor | None = getattr(out, "image_embeds", None)
        if projected is not None:
            return projected
        pooled: Tensor | None = getattr(out, "pooler_output", None)
        if pooled is not None and not self.class_token:
            return pooled.flatten(1)
        last: Tensor = out.last_hidden_state
        return last[:, 0] if last.ndim == 3 else last.mean(dim=(2, 3))


def build(state: State, config: Config) -> tuple[HuggingFaceImages, int, list[str]]:
    """The encoder with its weights, its image size in pixels, and the names that it did not take, as it calls them.

    Args:
        state: tensors under the library's names, old or new.
        config: what its `config.json` holds.

    Raises:
        EncoderError: the architecture is none of images, or weights are missing or of another shape.
        DeviceError: the library is not installed.
    """
    library = load_transformers()
    kind = str(config.get("model_type"))
    settings, make = _architecture(library, kind, config, state)
    class_token = kind in _CLASS_TOKEN
    optional = r"pooler\." if class_token else "$^"
    net, left = with_weights(make, settings, state, kind, optional)
    if class_token and getattr(net, "pooler", None) is not None:
        net.pooler = None
    size = settings.image_size if hasattr(settings, "image_size") else 224
    left += [key for key in state if class_token and re.search(r"(^|\.)pooler\.", key)]
    return HuggingFaceImages(net, class_token=class_token), _edge(size), left


def with_weights(
    make: Any, settings: Any, state: State, kind: str, optional: str
) -> tuple[Any, list[str]]:
    """The library's network with weights, and the names that it did not take; names that begin as `optional` may be missing.

    Raises:
        EncoderError: weights are missing or of another shape.
    """
    try:
        net, found = make.from_pretrained(
            None,
            config=settings,
            state_dict=dict(state),
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
        )
    except Exception as error:
        first_line = str(error).partition("\n")[0]
        raise EncoderError(f"its {kind} cannot be built: {first_line}") from error
    lacking = [key for key in found["missing_keys"] if not re.match(optional, key)]
    if lacking := sorted(lacking):
        raise EncoderError(
            f"lacks weights of its architecture: {', '.join(lacking[:4])}"
            + (f" and {len(lacking) - 4} more" if len(lacking) > 4 else "")
        )
    if found["mismatched_keys"]:
        key, has, wanted = sorted(found["mismatched_keys"])[0]
        raise EncoderError(
            f"is another architecture: {key} has shape {tuple(has)}, {tuple(wanted)} was expected"
        )
    return net, sorted(found["unexpected_keys"])


def _edge(size: Any) -> int:
    return int(size[0] if isinstance(size, (list, tuple)) else size)


def _architecture(
    library: Any, kind: str, config: Config, state: State
) -> tuple[Any, Any]:
    """Settings and class of a kind; of a CLIP, its image tower."""
    if kind not in library.CONFIG_MAPPING:
        raise EncoderError(f"transformers has no architecture {kind!r}")
    try:
        settings = library.CONFIG_MAPPING[kind].from_dict(dict(config))
    except Exception as error:  # the library checks with many kinds of its own
        first_line = str(error).partition("\n")[0]
        raise EncoderError(
            f"its configuration is none of {kind}: {first_line}"
        ) from error
    if kind in ("clip", "clip_vision_model"):
        if kind == "clip":
            projection = settings.projection_dim
            settings = settings.vision_config
            settings.projection_dim = projection
        projected = "visual_projection.weight" in state
        name = "CLIPVisionModelWithProjection" if projected else "CLIPVisionModel"
        return settings, getattr(library, name)
    if type(settings) not in library.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        raise EncoderError(
            f"{kind} is no architecture of images that transformers classifies"
        )
    return settings, library.MODEL_MAPPING[type(settings)]


# -- Settings from shapes, where no configuration lies beside the tensors -------------


def width(kind: str, state: State) -> int:
    """Channels of a token, or of the first layer."""
    name = {
        "clip": "vision_model.embeddings.class_embedding",
        "resnet": "embedder.embedder.convolution.weight",
        "convnext": "embeddings.patch_embeddings.weight",
    }.get(kind, "embeddings.cls_token")
    shape = state[name].shape
    return shape[0] if kind in ("clip", "resnet", "convnext") else shape[-1]


def config_of(
    kind: str, state: State, *, heads: int, activation: str
) -> dict[str, Any]:
    """What the `config.json` of these tensors would say; heads and activation are no shapes."""
    if kind == "resnet":
        return _resnet_config(state)
    if kind == "convnext":
        return _convnext_config(state)
    clip = kind == "clip"
    embeddings = "vision_model.embeddings" if clip else "embeddings"
    patches = "patch_embedding" if clip else "patch_embeddings.projection"
    positions = "position_embedding.weight" if clip else "position_embeddings"
    layers = "vision_model.encoder.layers" if clip else "encoder.layer"
    hidden = {"vit": "intermediate.dense"}.get(kind, "mlp.fc1")
    channels = width(kind, state)
    patch = state[f"{embeddings}.{patches}.weight"].shape[-1]
    inner = state[f"{layers}.0.{hidden}.weight"].shape[0]
    config = {
        "model_type": "clip_vision_model" if clip else kind,
        "hidden_size": channels,
        "num_hidden_layers": count_children(state, layers),
        "num_attention_heads": heads,
        "hidden_act": activation,
        "patch_size": patch,
        "image_size": patch
        * math.isqrt(state[f"{embeddings}.{positions}"].shape[-2] - 1),
    }
    if kind == "dinov2":
        return config | {"mlp_ratio": inner // channels}
    projection = state.get("visual_projection.weight")
    if projection is not None:
        config["projection_dim"] = projection.shape[0]
    return config | {"intermediate_size": inner}


def _resnet_config(state: State) -> dict[str, Any]:
    stages = range(count_children(state, "encoder.stages"))
    depths = [count_children(state, f"encoder.stages.{i}.layers") for i in stages]
    last = 2 if "encoder.stages.0.layers.0.layer.2.convolution.weight" in state else 1
    tail = f"layers.0.layer.{last}.convolution.weight"
    return {
        "model_type": "resnet",
        "embedding_size": width("resnet", state),
        "hidden_sizes": [state[f"encoder.stages.{i}.{tail}"].shape[0] for i in stages],
        "depths": depths,
        "layer_type": "bottleneck" if last == 2 else "basic",
    }


def _convnext_config(state: State) -> dict[str, Any]:
    stages = range(count_children(state, "encoder.stages"))
    widths = [
        state[f"encoder.stages.{i}.layers.0.dwconv.weight"].shape[0] for i in stages
    ]
    return {
        "model_type": "convnext",
        "patch_size": state["embeddings.patch_embeddings.weight"].shape[-1],
        "num_stages": len(widths),
        "hidden_sizes": widths,
        "depths": [count_children(state, f"encoder.stages.{i}.layers") for i in stages],
    }
