"""Architectures rebuilt from the shapes of their weights.

A checkpoint holds tensors and no description; depth, widths, stem and image size are read
off the names and shapes. Each function takes the tensors of the image encoder alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from torch import Tensor, nn

from reference_impls.lab.errors import DeviceError, EncoderError
from reference_impls.lab.torchvision import import_torchvision

State = Mapping[str, Tensor]
HEAD_WIDTH = 64
"""Channels of an attention head in every published CLIP."""


def resnet(state: State, *, stem_padding: int = 1) -> nn.Module:
    """A torchvision ResNet without its classifier; a 3x3 stem has stride 1 and no pooling.

    `stem_padding` is that of a 3x3 stem: 1, and 2 in solo-learn.

    Raises:
        EncoderError: the shapes are no ResNet's.
    """
    models = import_torchvision().models.resnet
    bottleneck = "layer1.0.conv3.weight" in state
    net = models.ResNet(
        models.Bottleneck if bottleneck else models.BasicBlock,
        _depths(state, "layer{}"),
        **(_bottleneck_widths(state) if bottleneck else {}),
    )
    if state["conv1.weight"].shape[-1] == 3:
        net.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=stem_padding, bias=False)
        net.maxpool = nn.Identity()
    net.fc = nn.Identity()
    module: nn.Module = net
    return module


def _bottleneck_widths(state: State) -> dict[str, int]:
    """Groups and width of ResNeXt and Wide ResNet, from the 3x3 convolution of layer 1."""
    width, per_group = state["layer1.0.conv2.weight"].shape[:2]
    groups = max(1, width // per_group)
    return {"groups": groups, "width_per_group": width // groups}


def _depths(state: State, name: str) -> list[int]:
    depths = [_count(state, name.format(i)) for i in range(1, 5)]
    if 0 in depths:
        raise EncoderError(
            f"a ResNet has four stages; the blocks found per stage are {depths}"
        )
    return depths


def _count(state: State, prefix: str) -> int:
    """How many numbered children a name has."""
    pattern = re.compile(rf"{re.escape(prefix)}\.(\d+)\.")
    return len({match[1] for key in state if (match := pattern.match(key))})


STAGES = ("conv1", "bn1", "relu", "layer1", "layer2", "layer3", "layer4", "avgpool")
"""Children of a torchvision ResNet without maxpool and fc: SimCLR's `f` numbers them."""


def as_resnet(state: State) -> dict[str, Tensor]:
    """SimCLR's numbered keys (`3.0.conv1.weight`) under torchvision's names."""
    renamed = {}
    for key, value in state.items():
        number, dot, rest = key.partition(".")
        known = number.isdigit() and int(number) < len(STAGES)
        renamed[f"{STAGES[int(number)]}{dot}{rest}" if known else key] = value
    return renamed


def clip_resnet(state: State) -> nn.Module:
    """CLIP's modified ResNet with attention pooling.

    Raises:
        EncoderError: the shapes are no such network's.
        DeviceError: open_clip is not installed.
    """
    _need_open_clip()
    from open_clip.modified_resnet import ModifiedResNet

    positions, width = state["attnpool.positional_embedding"].shape
    module: nn.Module = ModifiedResNet(
        layers=_depths(state, "layer{}"),
        output_dim=state["attnpool.c_proj.weight"].shape[0],
        heads=width // HEAD_WIDTH,
        image_size=32 * math.isqrt(positions - 1),
        width=state["conv3.weight"].shape[0],
    )
    return module


def clip_vit(state: State, *, quick_gelu: bool) -> nn.Module:
    """CLIP's vision transformer; OpenAI's use `quick_gelu`, most others GELU.

    Raises:
        DeviceError: open_clip is not installed.
    """
    _need_open_clip()
    from open_clip.transformer import QuickGELU, VisionTransformer

    width, _, patch, _ = state["conv1.weight"].shape
    positions = state["positional_embedding"].shape[0]
    block = "transformer.resblocks"
    module: nn.Module = VisionTransformer(
        image_size=patch * math.isqrt(positions - 1),
        patch_size=patch,
        width=width,
        layers=_count(state, block),
        heads=max(1, width // HEAD_WIDTH),
        mlp_ratio=state[f"{block}.0.mlp.c_fc.weight"].shape[0] / width,
        output_dim=state["proj"].shape[1],
        act_layer=QuickGELU if quick_gelu else nn.GELU,
    )
    return module


def _need_open_clip() -> None:
    import_torchvision()
    try:
        import open_clip  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise DeviceError(
            "CLIP's encoders need open_clip; pip install open_clip_torch"
        ) from error
