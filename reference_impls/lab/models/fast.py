"""The same frozen encoder, faster: BatchNorm folded into convolutions, channels last.

Shape letters: B batch, H and W pixels, 3 colour channels.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.checkpoint import checkpoint

from reference_impls.lab.models.encoders import Encoder, channels_last

TOLERANCE = 1e-3
"""Largest change of an embedding, relative to its largest entry, that folding may make."""


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16. Processors without AVX-512 only emulate it, ten times slower than float32."""
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def in_bfloat16(device: torch.device, *, wanted: bool = True) -> torch.autocast:
    """Convolutions and products inside are computed in bfloat16, where it is wanted and the device computes it."""
    enabled = wanted and computes_bfloat16(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def accelerated(encoder: Encoder, *, bf16: bool = False) -> Encoder:
    """A faster copy with the same answers; an encoder that cannot be rewritten stays as it is.

    With `bf16` it computes in bfloat16, where its device does, and still takes and returns float32.
    """
    folded = fold_batchnorm(encoder.module)
    if folded is None or not _agree(encoder, folded):
        folded = copy.deepcopy(encoder.module)
    module = channels_last(_pooled_in_place(folded))
    return replace(encoder, module=InBfloat16(module) if bf16 else module)


class InBfloat16(nn.Module):
    """A module whose convolutions and products are computed in bfloat16."""

    def __init__(self, module: nn.Module) -> None:
        """Weights stay float32; autocast decides layer by layer."""
        super().__init__()
        self.module = module

    def forward(self, images_B3HW: Tensor) -> Tensor:
        """Float32 embeddings (B, D)."""
        with in_bfloat16(images_B3HW.device):
            embeddings_BD: Tensor = self.module(images_B3HW)
        return embeddings_BD.float()


class _ChannelsLastGradient(torch.autograd.Function):
    """The identity; gradients come back laid out as the convolutions before it want them."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].contiguous(memory_format=torch.channels_last)


class _MeanOverPixels(nn.Module):
    """Global average pooling that keeps gradients channels last.

    PyTorch's own gives them in the other layout, and every layer before it pays for that.
    """

    def forward(self, features_BCHW: Tensor) -> Tensor:
        kept: Tensor = _ChannelsLastGradient.apply(features_BCHW)  # type: ignore[no-untyped-call]
        return kept.mean(dim=(2, 3), keepdim=True)


def _pooled_in_place(module: nn.Module) -> nn.Module:
    for name, part in list(module.named_modules()):
        whole = isinstance(part, nn.AdaptiveAvgPool2d) and part.output_size in (
            1,
            (1, 1),
        )
        if whole and name:
            module.set_submodule(name, _MeanOverPixels())
    return module


def fold_batchnorm(module: nn.Module) -> nn.Module | None:
    """A copy with every BatchNorm merged into the convolution before it.

    None if the module's forward cannot be traced (control flow that depends on data).
    """
    try:
        traced = fx.symbolic_trace(copy.deepcopy(module).eval())
    except (
        fx.proxy.TraceError,
        TypeError,
        ValueError,
        RuntimeError,
        AttributeError,
        IndexError,
    ):
        return None
    parts = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        if not _is_convolution_then_norm(node, parts):
            continue
        convolution = node.args[0]
        folded = fuse_conv_bn_eval(parts[convolution.target], parts[node.target])
        traced.set_submodule(convolution.target, folded)
        parts[convolution.target] = folded
        node.replace_all_uses_with(convolution)
        traced.graph.erase_node(node)
    traced.recompile()
    traced.delete_all_unused_submodules()
    return traced.requires_grad_(False)


def _is_convolution_then_norm(node: fx.Node, parts: dict[str, nn.Module]) -> bool:
    if node.op != "call_module" or not isinstance(
        parts[str(node.target)], nn.BatchNorm2d
    ):
        return False
    before = node.args[0]
    return (
        isinstance(before, fx.Node)
        and before.op == "call_module"
        and isinstance(parts[str(before.target)], nn.Conv2d)
        and len(before.users) == 1
    )


@torch.no_grad()
def _agree(encoder: Encoder, folded: nn.Module) -> bool:
    generator = torch.Generator().manual_seed(0)
    images_B3HW = torch.rand(4, 3, encoder.size, encoder.size, generator=generator)
    images_B3HW = images_B3HW.to(encoder.device)
    expected: Tensor = encoder.encode(images_B3HW)
    got = replace(encoder, module=folded).encode(images_B3HW)
    return bool((got - expected).abs().max() <= TOLERANCE * expected.abs().max())


def encode_in_parts(
    encoder: Encoder, images_B3HW: Tensor, *, part: int | None
) -> Tensor:
    """Embeddings (B, D) with gradients, holding the activations of `part` images at a time.

    Memory no longer grows with the batch; each part is computed again when its gradient is
    asked for. None encodes all at once.
    """
    if part is None or part >= len(images_B3HW):
        return encoder.encode(images_B3HW)
    parts = images_B3HW.split(part)
    return torch.cat(
        [checkpoint(encoder.encode, images, use_reentrant=False) for images in parts]
    )
