"""Image towers of CLIP under OpenAI's names: its modified ResNet and its vision transformer."""

from __future__ import annotations

import math
import re

from torch import nn

from reference_impls.lab.models.formats.attention import (
    HEAD_WIDTH,
    activation_and_heads,
    quick_gelu,
    side,
)
from reference_impls.lab.models.formats.family import Choices, Family, Plan, Site, shown
from reference_impls.lab.models.formats.resnets import stage_depths
from reference_impls.lab.models.formats.shapes import State, count_children, need


def clip_resnet(state: State) -> nn.Module:
    """CLIP's modified ResNet with attention pooling.

    Raises:
        EncoderError: the shapes are no such network's.
        DeviceError: open_clip is not installed.
    """
    need("open_clip", "open_clip_torch")
    from open_clip.modified_resnet import ModifiedResNet

    positions, width = state["attnpool.positional_embedding"].shape
    module: nn.Module = ModifiedResNet(
        layers=stage_depths(state),
        output_dim=state["attnpool.c_proj.weight"].shape[0],
        heads=width // HEAD_WIDTH,
        image_size=32 * math.isqrt(positions - 1),
        width=state["conv3.weight"].shape[0],
    )
    return module


def clip_vit(state: State, *, heads: int, activation: str) -> nn.Module:
    """CLIP's vision transformer; OpenAI's use `quick_gelu`, most others `gelu`.

    Raises:
        EncoderError: its positions are no square.
        DeviceError: open_clip is not installed.
    """
    need("open_clip", "open_clip_torch")
    from open_clip.transformer import VisionTransformer

    width, _, patch, _ = state["conv1.weight"].shape
    block = "transformer.resblocks"
    module: nn.Module = VisionTransformer(
        image_size=patch * side(state["positional_embedding"].shape[0] - 1),
        patch_size=patch,
        width=width,
        layers=count_children(state, block),
        heads=heads,
        mlp_ratio=state[f"{block}.0.mlp.c_fc.weight"].shape[0] / width,
        output_dim=state["proj"].shape[1],
        act_layer=quick_gelu() if activation == "quick_gelu" else nn.GELU,
    )
    return module


def clip_statistics(site: Site) -> str:
    """Normalisation of an image tower: CLIP's in a whole CLIP, ImageNet's where it lies alone.

    BadEncoder and DECREE keep the image tower alone and feed it ImageNet's statistics.
    """
    whole = any(
        key.rpartition(".")[2] == "logit_scale" for key in map(shown, site.state)
    )
    return "clip" if whole else "imagenet"


def _plan_resnet(state: State, site: Site, choices: Choices) -> Plan:
    positions = state["attnpool.positional_embedding"].shape[0]
    return Plan(
        module=clip_resnet(state),
        weights=state,
        size=32 * round((positions - 1) ** 0.5),
        statistics=clip_statistics(site),
    )


def _plan_vit(state: State, site: Site, choices: Choices) -> Plan:
    width, _, patch, _ = state["conv1.weight"].shape
    # OpenAI's files alone carry their settings as tensors.
    official = any(shown(key) == "input_resolution" for key in site.state)
    activation, heads, assumed = activation_and_heads(
        choices, width, "quick_gelu" if official else "gelu", known=official
    )
    positions = state["positional_embedding"].shape[0]
    return Plan(
        module=clip_vit(state, heads=heads, activation=activation),
        weights=state,
        size=patch * round((positions - 1) ** 0.5),
        statistics=clip_statistics(site),
        assumed=assumed,
    )


_TOWER = re.compile(r"$^")
"""Whatever lies below the prefix of an image tower belongs to it."""

FAMILIES = (
    Family(
        label="CLIP ResNet",
        anchors=("attnpool.positional_embedding", "conv1.weight"),
        plan=_plan_resnet,
        heads=_TOWER,
    ),
    Family(
        label="CLIP ViT",
        anchors=(
            "transformer.resblocks.0.attn.in_proj_weight",
            "conv1.weight",
            "proj",
        ),
        plan=_plan_vit,
        choices=("activation", "heads"),
        heads=_TOWER,
    ),
)
