"""Many soft patches on the same images at once, with gradients that cost little.

Shape letters: B batch, H and W pixels, 3 colour channels, K patches.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def stamp_each(images_B3HW: Tensor, mask_KHW: Tensor, pattern_K3HW: Tensor) -> Tensor:
    """Every image under every patch, `(1 - m) x + m t`: (K * B, 3, H, W), channels last.

    The same numbers as `images.stamp`, and gradients for masks and patterns alone.
    """
    stamped: Tensor = _StampEach.apply(images_B3HW, mask_KHW, pattern_K3HW)  # type: ignore[no-untyped-call]
    return stamped


class _StampEach(torch.autograd.Function):
    """What autograd would compute, from two sums over the batch instead of images of gradients.

    With g the gradient of the stamped images, the pattern's is m sum_b g and the mask's
    is the sum over channels of t (sum_b g) - sum_b g x.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, mask_KHW: Tensor, pattern: Tensor) -> Tensor:
        rows_BHW3 = images.permute(0, 2, 3, 1).contiguous()
        ctx.save_for_backward(rows_BHW3, mask_KHW, pattern)
        mask_K1HW1 = mask_KHW[:, None, :, :, None]
        pattern_K1HW3 = pattern.permute(0, 2, 3, 1)[:, None].contiguous()
        added_K1HW3 = mask_K1HW1 * pattern_K1HW3
        kept_K1HW3 = (1 - mask_K1HW1).expand_as(added_K1HW3).contiguous()
        stamped_KBHW3 = torch.addcmul(added_K1HW3, rows_BHW3, kept_K1HW3)
        return stamped_KBHW3.flatten(0, 1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor]:
        rows_BHW3, mask_KHW, pattern_K3HW = ctx.saved_tensors
        g_KBHW3 = gradients[0].permute(0, 2, 3, 1).contiguous()
        g_KBHW3 = g_KBHW3.unflatten(0, (len(mask_KHW), -1))
        sum_KHW3 = g_KBHW3.sum(dim=1)
        product_KHW = (g_KBHW3 * rows_BHW3).sum(dim=1).sum(dim=-1)
        by_mask = (sum_KHW3 * pattern_K3HW.permute(0, 2, 3, 1)).sum(dim=-1)
        by_pattern = (mask_KHW[..., None] * sum_KHW3).permute(0, 3, 1, 2)
        return None, by_mask - product_KHW, by_pattern
