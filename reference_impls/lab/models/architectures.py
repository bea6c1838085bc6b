"""Architectures rebuilt from the shapes of their weights.

A checkpoint holds tensors and no description; depth, widths, stem and image size are read
off the names and shapes. Each function takes the tensors of the image encoder alone.
"""

from __future__ import annotations

import importlib
import itertools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from reference_impls.lab.errors import DeviceError, EncoderError
from reference_impls.lab.torchvision import import_torchvision

State = Mapping[str, Tensor]
HEAD_WIDTH = 64
"""Channels of an attention head in every published CLIP."""


def resnet(
    state: State, *, stem_padding: int = 1, stem_pool: bool | None = None
) -> nn.Module:
    """A torchvision ResNet without its classifier; a 3x3 stem has stride 1.

    Args:
        state: its weights.
        stem_padding: of a 3x3 stem: 1, and 2 in solo-learn.
        stem_pool: whether the stem ends with pooling; default: a 7x7 stem does.

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
    small = state["conv1.weight"].shape[-1] == 3
    if small:
        net.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=stem_padding, bias=False)
    if not (not small if stem_pool is None else stem_pool):
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
    depths = [count_children(state, name.format(i)) for i in range(1, 5)]
    if 0 in depths:
        raise EncoderError(
            f"a ResNet has four stages; the blocks found per stage are {depths}"
        )
    return depths


def count_children(state: State, prefix: str, child: str = r"(\d+)") -> int:
    """How many numbered children a name has."""
    pattern = re.compile(rf"{re.escape(prefix)}\.{child}\.")
    return len({match[1] for key in state if (match := pattern.match(key))})


def as_resnet(state: State, first: int) -> dict[str, Tensor]:
    """A ResNet in a `Sequential` under torchvision's names; `first` is the number of its first stage.

    A layer behind the stages becomes `fc`: pooling is linear, so a 1x1 convolution before it is a
    linear layer after it.
    """
    names = {"0": "conv1", "1": "bn1"}
    names |= {str(first + i): f"layer{i + 1}" for i in range(4)}
    behind = sorted(
        {n for key in state if (n := key.partition(".")[0]).isdigit()} - names.keys(),
        key=int,
    )
    if len(behind) == 1 and int(behind[0]) > first + 3:
        names[behind[0]] = "fc"
    renamed = {}
    for key, value in state.items():
        number, dot, rest = key.partition(".")
        name = f"{names.get(number, number)}{dot}{rest}".replace(
            ".shortcut.", ".downsample."
        )
        renamed[name] = value.flatten(1) if name == "fc.weight" else value
    return {key: _joined(key, value, renamed) for key, value in renamed.items()}


def _joined(key: str, value: Tensor, state: State) -> Tensor:
    """Statistics that lightly's split BatchNorm keeps per part of a batch, as it joins them to evaluate."""
    layer, _, what = key.rpartition(".")
    weight = state.get(f"{layer}.weight")
    if what not in ("running_mean", "running_var") or weight is None:
        return value
    parts, rest = divmod(value.numel(), max(1, weight.numel()))
    return value if rest or parts < 2 else value.view(parts, -1).mean(dim=0)


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
        layers=_depths(state, "layer{}"),
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
        image_size=patch * _side(state["positional_embedding"].shape[0] - 1),
        patch_size=patch,
        width=width,
        layers=count_children(state, block),
        heads=heads,
        mlp_ratio=state[f"{block}.0.mlp.c_fc.weight"].shape[0] / width,
        output_dim=state["proj"].shape[1],
        act_layer=quick_gelu() if activation == "quick_gelu" else nn.GELU,
    )
    return module


def need(module: str, package: str) -> Any:
    """A library that only some encoders need.

    Raises:
        DeviceError: it is not installed.
    """
    import_torchvision()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DeviceError(
            f"such encoders need {module}; pip install {package}"
        ) from error


# -- torchvision's other families ----------------------------------------------------


def without_classifier(net: nn.Module) -> nn.Module:
    """A torchvision model that ends where its classifier's first weights begin, changed in place."""
    for name in ("fc", "classifier", "heads", "head"):
        head = getattr(net, name, None)
        if head is not None:
            children = list(head.children()) if isinstance(head, nn.Sequential) else []
            kept = itertools.takewhile(_weightless, children)
            setattr(net, name, nn.Sequential(*kept))
            return net
    return net


def _weightless(layer: nn.Module) -> bool:
    return not isinstance(layer, (nn.Linear, nn.Conv2d))


_OLD_NAMES = (
    (r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2"),
    (r"(encoder_layer_\d+\.mlp)\.linear_1\.", r"\1.0."),
    (r"(encoder_layer_\d+\.mlp)\.linear_2\.", r"\1.3."),
)
"""Names in torchvision's published files that its modules have no longer, and what they are now."""


def as_torchvision(state: State) -> dict[str, Tensor]:
    """Tensors under the names of today's torchvision."""
    return _renamed(state, _OLD_NAMES)


def torchvision_vit(state: State, *, heads: int | None) -> nn.Module:
    """Its vision transformer (`encoder.layers.encoder_layer_0`)."""
    width, _, patch, _ = state["conv_proj.weight"].shape
    net = import_torchvision().models.VisionTransformer(
        image_size=patch * _side(state["encoder.pos_embedding"].shape[1] - 1),
        patch_size=patch,
        num_layers=count_children(state, "encoder.layers", r"encoder_layer_(\d+)"),
        num_heads=heads or heads_of(width),
        hidden_dim=width,
        mlp_dim=state["encoder.layers.encoder_layer_0.mlp.0.weight"].shape[0],
    )
    return without_classifier(net)


def torchvision_swin(state: State) -> nn.Module:
    """Its Swin transformers; heads and windows are shapes of theirs, in both versions."""
    swin = import_torchvision().models.swin_transformer
    width, _, patch, _ = state["features.0.0.weight"].shape
    stages = [1 + 2 * i for i in range(count_children(state, "features") // 2)]
    second = "features.1.0.attn.logit_scale" in state
    table = "relative_coords_table" if second else "relative_position_bias_table"
    scale = "logit_scale" if second else table
    heads = [state[f"features.{i}.0.attn.{scale}"] for i in stages]
    window = state[f"features.1.0.attn.{table}"]
    edge = window.shape[1] if second else math.isqrt(window.shape[0])
    net = swin.SwinTransformer(
        [patch, patch],
        width,
        [count_children(state, f"features.{i}") for i in stages],
        [one.shape[0 if second else 1] for one in heads],
        [(edge + 1) // 2] * 2,
        mlp_ratio=state["features.1.0.mlp.0.weight"].shape[0] / width,
        **(
            {
                "block": swin.SwinTransformerBlockV2,
                "downsample_layer": swin.PatchMergingV2,
            }
            if second
            else {}
        ),
    )
    return without_classifier(net)


def torchvision_convnext(state: State) -> nn.Module:
    """Its ConvNeXts."""
    convnext = import_torchvision().models.convnext
    stages = range(1, count_children(state, "features"), 2)
    widths = [state[f"features.{i}.0.layer_scale"].shape[0] for i in stages]
    blocks = [
        convnext.CNBlockConfig(width, after, count_children(state, f"features.{i}"))
        for i, width, after in zip(stages, widths, [*widths[1:], None], strict=True)
    ]
    return without_classifier(convnext.ConvNeXt(blocks))


def torchvision_densenet(state: State) -> nn.Module:
    """Its DenseNets."""
    layer = "features.denseblock1.denselayer1"
    growth = state[f"{layer}.conv2.weight"].shape[0]
    depths = [
        count_children(state, f"features.denseblock{i}", r"denselayer(\d+)")
        for i in range(1, count_children(state, "features", r"denseblock(\d+)") + 1)
    ]
    net = import_torchvision().models.DenseNet(
        growth_rate=growth,
        block_config=tuple(depths),
        num_init_features=state["features.conv0.weight"].shape[0],
        bn_size=state[f"{layer}.conv1.weight"].shape[0] // growth,
    )
    return without_classifier(net)


def torchvision_regnet(state: State) -> nn.Module:
    """Its RegNets, X and Y."""
    regnet = import_torchvision().models.regnet
    blocks = range(1, count_children(state, "trunk_output", r"block(\d+)") + 1)
    first = [f"trunk_output.block{i}.block{i}-0.f" for i in blocks]
    middle = [state[f"{one}.b.0.weight"] for one in first]
    widths = [state[f"{one}.c.0.weight"].shape[0] for one in first]
    squeezed = state.get(f"{first[0]}.se.fc1.weight")
    stem = state["stem.0.weight"].shape[0]
    # The squeezed width follows from what comes into a block.
    params = regnet.BlockParams(
        depths=[
            count_children(state, f"trunk_output.block{i}", rf"block{i}-(\d+)")
            for i in blocks
        ],
        widths=widths,
        group_widths=[weight.shape[1] for weight in middle],
        bottleneck_multipliers=[
            weight.shape[0] / width
            for weight, width in zip(middle, widths, strict=True)
        ],
        strides=[2] * len(widths),
        se_ratio=None if squeezed is None else squeezed.shape[0] / stem,
    )
    return without_classifier(regnet.RegNet(params, stem_width=stem))


def listed(*families: str) -> Callable[[State], nn.Module]:
    """How to find a model of torchvision in families whose every size is a model of its own."""

    def build(state: State) -> nn.Module:
        models = import_torchvision().models
        names = models.list_models(module=models)
        for name in (n for one in families for n in names if n.startswith(one)):
            with torch.device("meta"):
                net = without_classifier(models.get_model(name, weights=None))
            wanted = net.state_dict()
            if all(
                key in state and state[key].shape == value.shape
                for key, value in wanted.items()
                if not key.endswith("num_batches_tracked")
            ):
                return net.to_empty(device="cpu")
        raise EncoderError(
            f"no model of torchvision has these tensors; {', '.join(families)} were compared"
        )

    return build


# -- EfficientNets of TensorFlow -------------------------------------------------------

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
        wanted = net.state_dict()
        if all(
            key in renamed and renamed[key].shape == value.shape
            for key, value in wanted.items()
            if not key.endswith("num_batches_tracked")
        ):
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


# -- ConvNeXt --------------------------------------------------------------------------

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
    return _renamed(state, _CONVNEXT_NAMES) if own else dict(state)


def _renamed(state: State, names: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        for old, new in names:
            key = re.sub(old, new, key)
        flat = ".grn." in key  # its own program keeps a pixel's axes
        renamed[key] = value.flatten() if flat else value
    return renamed


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


# -- Vision transformers of timm, DINO, MAE, MoCo and DeiT ----------------------------


def heads_of(width: int) -> int:
    """Attention heads by custom: 64 channels each; the huge and giant ones have sixteen."""
    return 16 if width in (1280, 1408, 1664) else max(1, width // HEAD_WIDTH)


def blocks_vit(state: State, *, heads: int, activation: str) -> tuple[nn.Module, int]:
    """A vision transformer with the names that timm, DINO, MAE, MoCo v3 and DeiT share (`blocks.0.attn.qkv`), and its image size in pixels.

    Raises:
        EncoderError: its positions are no square.
        DeviceError: timm is not installed.
    """
    timm = need("timm", "timm")
    from timm.models.deit import VisionTransformerDistilled

    width, _, patch, _ = state["patch_embed.proj.weight"].shape
    before, patches = _tokens(state)
    size = patch * _side(patches)
    hidden = state["blocks.0.mlp.fc1.weight"].shape[0]
    packed = hidden != state["blocks.0.mlp.fc2.weight"].shape[1]
    distilled = "dist_token" in state
    make = VisionTransformerDistilled if distilled else timm.models.VisionTransformer
    net: nn.Module = make(
        img_size=size,
        patch_size=patch,
        num_classes=0,
        global_pool="avg"
        if "fc_norm.weight" in state or "cls_token" not in state
        else "token",
        embed_dim=width,
        depth=count_children(state, "blocks"),
        num_heads=heads,
        mlp_ratio=hidden / width,
        qkv_bias="blocks.0.attn.qkv.bias" in state,
        qk_norm="blocks.0.attn.q_norm.weight" in state,
        init_values=1.0 if "blocks.0.ls1.gamma" in state else None,
        class_token="cls_token" in state,
        no_embed_class=before == 0,
        reg_tokens=state["reg_token"].shape[1] if "reg_token" in state else 0,
        pre_norm="norm_pre.weight" in state,
        fc_norm="fc_norm.weight" in state,
        act_layer=quick_gelu() if activation == "quick_gelu" else nn.GELU,
        mlp_layer=timm.layers.SwiGLUPacked if packed else timm.layers.Mlp,
    )
    if "patch_embed.proj.bias" not in state:
        net.patch_embed.proj.bias = None  # type: ignore[union-attr]
    return net, size


def _tokens(state: State) -> tuple[int, int]:
    """How many tokens before the patches have a position, and how many patches there are."""
    total = state["pos_embed"].shape[1]
    named = sum(name in state for name in ("cls_token", "dist_token"))
    for before in (named, 0):
        if math.isqrt(total - before) ** 2 == total - before:
            return before, total - before
    raise EncoderError(f"{total} positions are no square of patches")


def as_blocks_vit(state: State) -> dict[str, Tensor]:
    """DINOv2's names under timm's: chunks of blocks, register tokens, and the packed MLP."""
    renamed = {
        re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", key)
        .replace(".mlp.w12.", ".mlp.fc1.")
        .replace(".mlp.w3.", ".mlp.fc2."): value
        for key, value in state.items()
    }
    if (
        "register_tokens" in renamed
    ):  # only the class token and the patches have positions
        renamed["reg_token"] = renamed.pop("register_tokens")
        positions = renamed["pos_embed"]
        renamed["cls_token"] = renamed["cls_token"] + positions[:, :1]
        renamed["pos_embed"] = positions[:, 1:]
    return renamed


def quick_gelu() -> type[nn.Module]:
    """The activation of OpenAI's CLIPs: x times the sigmoid of 1.702 x."""
    need("open_clip", "open_clip_torch")
    from open_clip.transformer import QuickGELU

    activation: type[nn.Module] = QuickGELU
    return activation


def _side(patches: int) -> int:
    side = math.isqrt(patches)
    if side**2 != patches:
        raise EncoderError(f"{patches} positions are no square of patches")
    return side
