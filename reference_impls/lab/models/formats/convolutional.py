"""Convolutional networks that timm builds: ConvNeXt, and EfficientNets with TensorFlow's names."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.formats.family import Choices, Family, Plan, Site
from reference_impls.lab.models.formats.shapes import (
    State,
    count_children,
    fits,
    need,
    with_names,
)
from reference_impls.lab.models.normalisation import Statistics

_CONVNEXT_NAMES = (
    (r"^downsample_layers\.0\.", "stem."),
    (r"^downsample_layers\.(\d+)\.", r"stages.\1.downsample."),
    (r"^stages\.(\d+)\.(\d+)\.", r"stages.\1.blocks.\2."),
    (r"\.dwconv\.", ".conv_dw."),
    (r"\.pwconv(\d)\.", r".mlp.fc\1."),
    (r"\.grn\.gamma$", ".mlp.grn.weight"),
    (r"\.grn\.beta$", ".mlp.grn.bias"),
    (r"^norm\.", "head.norm."),
    (r"^head\.(weight|bias)$", r"head.fc.\1"),
)
"""Names of ConvNeXt's own program (Liu et al., CVPR 2022, and the second version's), and timm's."""


def as_convnext(state: State) -> dict[str, Tensor]:
    """ConvNeXt's tensors under timm's names, of its own program or of timm."""
    own = any(key.startswith("downsample_layers.") for key in state)
    return with_names(state, _CONVNEXT_NAMES) if own else dict(state)


def convnext(state: State) -> nn.Module:
    """A ConvNeXt of either version, by timm's names.

    Raises:
        DeviceError: timm is not installed.
    """
    timm = need("timm", "timm")
    stages = range(count_children(state, "stages"))
    block = "stages.0.blocks.0"
    net: nn.Module = timm.models.ConvNeXt(
        num_classes=0,
        depths=tuple(count_children(state, f"stages.{i}.blocks") for i in stages),
        dims=tuple(
            state[f"stages.{i}.blocks.0.conv_dw.weight"].shape[0] for i in stages
        ),
        kernel_sizes=state[f"{block}.conv_dw.weight"].shape[-1],
        patch_size=state["stem.0.weight"].shape[-1],
        ls_init_value=1.0 if f"{block}.gamma" in state else None,
        use_grn=f"{block}.mlp.grn.weight" in state,
        conv_mlp=state[f"{block}.mlp.fc1.weight"].ndim == 4,
    )
    return net


def _plan_convnext(state: State, site: Site, choices: Choices) -> Plan:
    if site.prefix.endswith("trunk."):
        raise EncoderError(
            "a ConvNeXt of OpenCLIP ends in layers that no shape tells; open it by its name, open_clip:ARCHITECTURE/TAG"
        )
    state = as_convnext(state)
    return Plan(
        module=convnext(state),
        weights=state,
        size=224,
        statistics="imagenet",
    )


_EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_se_reduce": "se.conv_reduce",
    "_se_expand": "se.conv_expand",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}

_FIRST = _EXPANDED | {"_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}

_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}


def tf_efficientnet(state: State) -> tuple[nn.Module, dict[str, Tensor], str]:
    """An EfficientNet of TensorFlow's weights (`_blocks.0._depthwise_conv`), its tensors renamed, its name in timm.

    Raises:
        EncoderError: no EfficientNet has these tensors.
        DeviceError: timm is not installed.
    """
    timm = need("timm", "timm")
    squeezed = "_blocks.0._se_reduce.weight" in state
    sizes = (
        [f"tf_efficientnet_b{i}" for i in range(9)]
        if squeezed
        else [f"tf_efficientnet_lite{i}" for i in range(5)]
    )
    for name in sizes:
        with torch.device("meta"):
            net = timm.create_model(name, num_classes=0)
        places = [
            f"{i}.{j}" for i, one in enumerate(net.blocks) for j in range(len(one))
        ]
        renamed = _as_timm(state, places)
        if fits(net, renamed):
            return net.to_empty(device="cpu"), renamed, name
    raise EncoderError(
        f"no EfficientNet has these tensors; {', '.join(sizes)} were compared"
    )


def _as_timm(state: State, places: list[str]) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        match = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
        if match and int(match[1]) < len(places):
            first = f"_blocks.{match[1]}._expand_conv.weight" not in state
            names = _FIRST if first else _EXPANDED
            layer = names.get(match[2], match[2])
            key = f"blocks.{places[int(match[1])]}.{layer}.{match[3]}"
        elif not match:
            layer, dot, rest = key.partition(".")
            key = f"{_OUTSIDE.get(layer, layer)}{dot}{rest}"
        renamed[key] = value
    return renamed


_LITE = Statistics((127 / 255,) * 3, (128 / 255,) * 3)
"""EfficientNet-Lite's images, as its published configuration has them."""


def _plan_tf_efficientnet(state: State, site: Site, choices: Choices) -> Plan:
    module, renamed, name = tf_efficientnet(state)
    size = module.pretrained_cfg["input_size"][-1]  # type: ignore[index]
    return Plan(
        module=module,
        weights=renamed,
        size=int(size),
        statistics=_LITE if "lite" in name else "imagenet",
    )


FAMILIES = (
    *(
        Family(label="ConvNeXt", anchors=anchors, plan=_plan_convnext)
        for anchors in (
            ("stages.0.blocks.0.conv_dw.weight", "stem.0.weight"),
            ("stages.0.0.dwconv.weight", "downsample_layers.0.0.weight"),
        )
    ),
    Family(
        label="EfficientNet of TensorFlow",
        anchors=("_conv_stem.weight", "_blocks.0._depthwise_conv.weight"),
        plan=_plan_tf_efficientnet,
    ),
)
