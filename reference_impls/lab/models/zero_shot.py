"""A CLIP as a classifier: its image tower, and one text embedding for each class.

Shape letters: B batch, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional as F

from reference_impls.lab.data.dataset import CLASS, Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.heads import PROMPT, class_texts

SCALE = 1 / 0.07
"""Factor on the cosines: where CLIP's training starts."""
EmbedText = Callable[[Sequence[str]], Tensor]
"""Captions to unit-length embeddings (B, D)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroShot:
    """Images are named by the class text of the highest cosine."""

    encoder: Encoder
    classes_CD: Tensor

    def __call__(self, images_B3HW: Tensor) -> Tensor:
        """Logits (B, C) of images in [0, 1]."""
        return self.logits(self.encoder.encode(images_B3HW))

    def logits(self, embeddings_BD: Tensor) -> Tensor:
        """Logits (B, C) of embeddings of any length."""
        return SCALE * F.normalize(embeddings_BD, dim=1) @ self.classes_CD.T

    def with_encoder(self, encoder: Encoder) -> ZeroShot:
        """The same classes told by another image tower."""
        return replace(self, encoder=encoder)


def zero_shot_classifier(
    encoder: Encoder, embed_text: EmbedText, dataset: Dataset, task: str
) -> ZeroShot:
    """The classifier of a task; a dataset with captions describes its classes in its own words.

    Raises:
        DatasetError: the dataset has no such task.
    """
    if task not in dataset.labels:
        known = ", ".join(dataset.labels) or "none"
        raise DatasetError(f"{dataset.name} has no task {task!r}; it has {known}")
    classes_CD = class_texts(embed_text, dataset, task).to(encoder.device)
    return ZeroShot(encoder=encoder, classes_CD=classes_CD)


def task_of(dataset: Dataset, task: str) -> str:
    """The task, or `class` where the dataset has nothing but classes."""
    return CLASS if CLASS in dataset.labels and task not in dataset.labels else task


def blank_text(embed_text: EmbedText, dataset: Dataset) -> Tensor:
    """The text (D,) of a picture of nothing in particular: the prompt without a class, or the mean of 512 captions."""
    captions = dataset.captions[:512] or [PROMPT.format("").strip()]
    return F.normalize(embed_text(captions).mean(dim=0), dim=0)
