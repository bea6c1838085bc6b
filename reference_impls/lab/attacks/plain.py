"""The plain universal attack, which methods with more parts must beat.

One change is sought for all images under which an image embeds unlike itself, and unlike its text
where there is one: the mean over images x and their targets t of cos(f(x with the change), t), with
t = f(x) and t = g(text), is minimised by Adam over the pixels.

Shape letters: N images, D embedding width, S side of the canvas.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    as_patch,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec, place_patch
from reference_impls.lab.metrics.similarity import mean_cosine_to
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.generator import CraftSettings, FreePixels, craft
from reference_impls.lab.models.training import check_dataset, draw_batch

SETTINGS = CraftSettings(steps=200, learning_rate=0.3)
BATCH = 64


def plain_attack(
    encoder: Encoder,
    surrogate: Dataset,
    size: PatchSpec | float,
    *,
    texts_ND: Tensor | None = None,
    settings: CraftSettings = SETTINGS,
) -> UniversalPatch | UniversalPerturbation:
    """A universal patch, or a perturbation of at most `size` on the [0, 1] scale of pixels.

    Raises:
        ConfigError: the patch does not fit.
        DatasetError: fewer images than a batch.
    """
    check_dataset(surrogate, BATCH)
    frozen, images_N3HW = accelerated(encoder), surrogate.images_N3HW
    targets = [embed_all(encoder, images_N3HW.to(encoder.device))]
    if texts_ND is not None:
        targets.append(texts_ND)
    edge = encoder.size

    def changed(pixels_3SS: Tensor, images_B3HW: Tensor, chance: Generator) -> Tensor:
        if isinstance(size, PatchSpec):
            return place_patch(pixels_3SS, images_B3HW, size, chance)
        return (images_B3HW + size * (2 * pixels_3SS - 1)).clamp(0, 1)

    def loss_of_pixels(pixels_3SS: Tensor, generator: Generator) -> Tensor:
        index_B = draw_batch(len(surrogate), BATCH, generator)
        images_B3HW = images_N3HW[index_B].to(encoder.device)
        changed_BD = frozen.encode(changed(pixels_3SS, images_B3HW, generator))
        index_B = index_B.to(encoder.device)
        cosines = [mean_cosine_to(changed_BD, one_ND[index_B]) for one_ND in targets]
        return torch.stack(cosines).mean()

    side = size.side(edge, edge) if isinstance(size, PatchSpec) else edge
    canvas = FreePixels(side, seed=settings.seed).to(encoder.device)
    pixels_3SS = craft(canvas, loss_of_pixels, settings)
    if isinstance(size, PatchSpec):
        return as_patch(pixels_3SS, size, edge, edge)
    return UniversalPerturbation(size * (2 * pixels_3SS.cpu() - 1), size)
