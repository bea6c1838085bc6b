"""Vision transformers with the names that timm, DINO, MAE, MoCo v3 and DeiT share."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from torch import Tensor, nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.formats.attention import (
    activation_and_heads,
    quick_gelu,
    side,
)
from reference_impls.lab.models.formats.clip import clip_statistics
from reference_impls.lab.models.formats.family import (
    IMAGENET_ASSUMED,
    Choices,
    Family,
    Plan,
    Site,
)
from reference_impls.lab.models.formats.shapes import State, count_children, need


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
    size = patch * side(patches)
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


def _plan(state: State, site: Site, choices: Choices) -> Plan:
    state = as_blocks_vit(state)
    width = state["patch_embed.proj.weight"].shape[0]
    # MoCo v3 has twelve heads in its small transformer too, the others six.
    twelve = re.search(r"(base|momentum)_encoder\.$", site.prefix) and width % 12 == 0
    clip = "norm_pre.weight" in state
    activation, heads, assumed = activation_and_heads(
        choices, width, "gelu", known=not clip, heads=12 if twelve else None
    )
    module, size = blocks_vit(state, heads=heads, activation=activation)
    told = clip or any(_TOLD.search(key) for key in site.state)
    plan = Plan(
        module=module,
        weights=state,
        size=size,
        statistics="clip" if clip else "imagenet",
        assumed=(*assumed, *(() if told else IMAGENET_ASSUMED)),
    )
    return _projected(plan, site) if site.prefix.endswith("trunk.") else plan


def _projected(plan: Plan, site: Site) -> Plan:
    """OpenCLIP's towers of timm: what lies beside the trunk projects its features.

    Raises:
        EncoderError: that is more than one linear layer.
    """
    tower = site.prefix.removesuffix("trunk.")
    beside = {
        key.removeprefix(tower): value.float()
        for key, value in site.state.items()
        if key.startswith(tower) and not key.startswith(site.prefix)
    }
    if not beside:
        return plan
    if beside.keys() - {"head.proj.weight", "head.proj.bias"}:
        raise EncoderError(
            f"layers beside the trunk are no projection: {', '.join(beside)}"
        )
    width_out, width_in = beside["head.proj.weight"].shape
    plan.module.head = nn.Linear(width_in, width_out, bias="head.proj.bias" in beside)
    heads = {key.replace(".proj", ""): value for key, value in beside.items()}
    return replace(
        plan,
        weights={**plan.weights, **heads},
        beside=frozenset(tower + key for key in beside),
        statistics=clip_statistics(site),
    )


_TOLD = re.compile(
    r"decoder_|dist_token|ls1\.gamma|_encoder\.|teacher|last_layer|mask_token"
)
"""Names of MAE, DeiT, DINO and MoCo v3, which all use ImageNet's statistics; timm's own often do not."""


FAMILIES = tuple(
    Family(
        label=label,
        anchors=(f"blocks.{first}.attn.qkv.weight", "patch_embed.proj.weight"),
        plan=_plan,
        choices=("activation", "heads"),
        owners={"base_encoder.": "MoCo v3", "backbone.": "DINO"},
    )
    for label, first in (("ViT", "0"), ("ViT in chunks", "0.0"))
)
