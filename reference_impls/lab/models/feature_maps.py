"""What an encoder sees place by place, before it pools: feature maps, and decoders that are trained on them.

Shape letters: B batch, H and W pixels, C channels, h and w places of a map, T places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import isqrt
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.tensor_files import write_tensors


def feature_maps(encoder: Encoder, images_B3HW: Tensor) -> list[Tensor]:
    """The last map (B, C, h, w) of each size that passes through the encoder, finest first; gradients reach the images.

    The tokens of a transformer are a map, too, where their number, or one less for the class token, is a square.

    Raises:
        EncoderError: nothing in it is a map.
    """
    batch, side = len(images_B3HW), images_B3HW.shape[-1]
    last: dict[int, Tensor] = {}

    def see(_module: nn.Module, taken: tuple[Any, ...], given: Any) -> None:
        for one in (*taken, given):
            seen = _as_map(one, batch)
            # An input is seen again when its module ends: never let it displace what came later.
            if seen is not None and 1 < seen.shape[-1] < side:
                last.pop(seen.shape[-1], None)
                last[seen.shape[-1]] = seen

    # Every module that has none inside: what they are given shows what functions between them made.
    parts = [one for one in encoder.module.modules() if not list(one.children())]
    hooks = [one.register_forward_hook(see) for one in parts]
    try:
        encoder.encode(images_B3HW)
    finally:
        for hook in hooks:
            hook.remove()
    if not last:
        raise EncoderError(f"{encoder.name} shows no feature maps to read")
    return [last[one] for one in sorted(last, reverse=True)]


def _as_map(value: Any, batch: int) -> Tensor | None:
    if not isinstance(value, Tensor) or len(value) != batch or value.ndim not in (3, 4):
        return None
    if value.ndim == 4:
        return value if value.shape[-1] == value.shape[-2] else None
    for skipped in (0, 1):
        places = value.shape[1] - skipped
        if isqrt(max(places, 0)) ** 2 == places:
            map_BChw: Tensor = value[:, skipped:].mT.unflatten(2, (isqrt(places), isqrt(places)))  # fmt: skip
            return map_BChw
    return None


def image_tokens(encoder: Encoder, images_B3HW: Tensor) -> Tensor:
    """Tokens (B, T, C): the coarsest map, which the encoder would pool next."""
    return feature_maps(encoder, images_B3HW)[-1].flatten(2).mT


def keep(
    kind: str,
    decoder: nn.Module,
    train: Callable[[], None],
    encoder: Encoder,
    data: Dataset,
    *recipe: Any,
) -> None:
    """Give a decoder its weights: from the cache, else by training, for this encoder, dataset and recipe."""
    digest = hashlib.sha256()
    for tensor in (*encoder.module.state_dict().values(), data.images_N3HW[:64]):
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy())
    key = content_key(digest.hexdigest(), data.name, len(data), data.captions, *recipe)
    path = cache_folder() / kind / f"{key}.safetensors"
    if not path.exists():
        train()
        state = decoder.state_dict().items()
        write_tensors({name: one.contiguous() for name, one in state}, path, {})
    decoder.load_state_dict(load_file(path, device=str(encoder.device)))
    decoder.eval().requires_grad_(False)
