"""torchvision's other families: vision transformers, Swin, ConvNeXt, DenseNet, RegNet, and those listed by size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.formats.attention import (
    activation_and_heads,
    heads_of,
    side,
)
from reference_impls.lab.models.formats.family import Choices, Family, Plan, Site
from reference_impls.lab.models.formats.shapes import (
    State,
    count_children,
    fits,
    with_names,
)
from reference_impls.lab.torchvision import import_torchvision


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
    return with_names(state, _OLD_NAMES)


def _vit(state: State, *, heads: int | None) -> nn.Module:
    """Its vision transformer (`encoder.layers.encoder_layer_0`)."""
    width, _, patch, _ = state["conv_proj.weight"].shape
    net = import_torchvision().models.VisionTransformer(
        image_size=patch * side(state["encoder.pos_embedding"].shape[1] - 1),
        patch_size=patch,
        num_layers=count_children(state, "encoder.layers", r"encoder_layer_(\d+)"),
        num_heads=heads or heads_of(width),
        hidden_dim=width,
        mlp_dim=state["encoder.layers.encoder_layer_0.mlp.0.weight"].shape[0],
    )
    return without_classifier(net)


def _swin(state: State) -> nn.Module:
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


def _convnext(state: State) -> nn.Module:
    """Its ConvNeXts."""
    convnext = import_torchvision().models.convnext
    stages = range(1, count_children(state, "features"), 2)
    widths = [state[f"features.{i}.0.layer_scale"].shape[0] for i in stages]
    blocks = [
        convnext.CNBlockConfig(width, after, count_children(state, f"features.{i}"))
        for i, width, after in zip(stages, widths, [*widths[1:], None], strict=True)
    ]
    return without_classifier(convnext.ConvNeXt(blocks))


def _densenet(state: State) -> nn.Module:
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


def _regnet(state: State) -> nn.Module:
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


def _listed(*families: str) -> Callable[[State], nn.Module]:
    """How to find a model of torchvision in families whose every size is a model of its own."""

    def build(state: State) -> nn.Module:
        models = import_torchvision().models
        names = models.list_models(module=models)
        for name in (n for one in families for n in names if n.startswith(one)):
            with torch.device("meta"):
                net = without_classifier(models.get_model(name, weights=None))
            if fits(net, state):
                return net.to_empty(device="cpu")
        raise EncoderError(
            f"no model of torchvision has these tensors; {', '.join(families)} were compared"
        )

    return build


def _plan_vit(state: State, site: Site, choices: Choices) -> Plan:
    state = as_torchvision(state)
    width = state["conv_proj.weight"].shape[0]
    _, heads, assumed = activation_and_heads(choices, width, "gelu", known=True)
    module = _vit(state, heads=heads)
    return Plan(
        module=module,
        weights=state,
        size=int(module.image_size),  # type: ignore[arg-type]
        statistics="imagenet",
        assumed=assumed,
    )


def _plan_by(
    build: Callable[[State], nn.Module],
) -> Callable[[State, Site, Choices], Plan]:
    """A family whose shapes tell everything."""

    def plan(state: State, site: Site, choices: Choices) -> Plan:
        state = as_torchvision(state)
        return Plan(module=build(state), weights=state, size=224, statistics="imagenet")

    return plan


FAMILIES = (
    Family(
        label="torchvision ViT",
        anchors=("encoder.layers.encoder_layer_0.ln_1.weight", "conv_proj.weight"),
        plan=_plan_vit,
        choices=("heads",),
    ),
    *(
        Family(label=f"torchvision {label}", anchors=anchors, plan=_plan_by(build))
        for label, anchors, build in (
            ("Swin", ("features.1.0.attn.qkv.weight", "features.0.0.weight"), _swin),
            (
                "ConvNeXt",
                ("features.1.0.layer_scale", "features.0.0.weight"),
                _convnext,
            ),
            (
                "DenseNet",
                (
                    "features.denseblock1.denselayer1.conv1.weight",
                    "features.conv0.weight",
                ),
                _densenet,
            ),
            (
                "RegNet",
                ("trunk_output.block1.block1-0.f.a.0.weight", "stem.0.weight"),
                _regnet,
            ),
            (
                "DenseNet",
                (
                    "features.denseblock1.denselayer1.conv.1.weight",
                    "features.conv0.weight",
                ),
                _densenet,
            ),
            (
                "MobileNet or EfficientNet",
                ("features.0.0.weight",),
                _listed("mobilenet", "efficientnet"),
            ),
            (
                "VGG, AlexNet or SqueezeNet",
                ("features.0.weight",),
                _listed("alexnet", "squeezenet", "vgg"),
            ),
            ("ShuffleNet", ("stage2.0.branch1.0.weight",), _listed("shufflenet")),
        )
    ),
)
