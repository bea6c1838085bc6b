"""Prompts of a lab CLIP of which all words but the class's name are vectors that can be learned.

CoOp: Zhou et al., IJCV 2022, https://arxiv.org/abs/2109.01134. CoCoOp, whose vectors depend on the image: Zhou et al.,
CVPR 2022, https://arxiv.org/abs/2203.05557.

Shape letters: B images, L words of a caption, W width of a word vector, C classes, D embedding width.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.clip import TextTower


class Context(nn.Module):
    """Word vectors of a caption of which one is the class's name; the others are learned, and the same for all classes."""

    fixed_CLW: Tensor
    named_L: Tensor

    def __init__(
        self, text: TextTower, captions: list[str], device: torch.device | None = None
    ) -> None:
        """Begin at one caption for each class, the same but for one word."""
        super().__init__()
        # In a tuple it is no part of what is learned.
        self.mlp = (copy.deepcopy(text.mlp).to(device),)
        tokens_CL = text.tokens(captions)
        named_L = (tokens_CL != tokens_CL[0]).any(dim=0)
        self.register_buffer("fixed_CLW", text.words(tokens_CL).detach().to(device))
        self.register_buffer("named_L", named_L.to(device))
        self.vectors_LW = nn.Parameter(self.fixed_CLW.mean(dim=0).clone())

    def forward(self, shifts_BW: Tensor | None = None) -> Tensor:
        """Unit-length text embeddings (C, D); (B, C, D) where every image adds a shift of its own to the learned vectors."""
        learned: Tensor = self.vectors_LW
        if shifts_BW is not None:
            learned = learned + shifts_BW[:, None, None]
        words = torch.where(self.named_L.unsqueeze(1), self.fixed_CLW, learned)
        return F.normalize(self.mlp[0](words.flatten(-2)), dim=-1)


def captions_of(dataset: Dataset, task: str) -> list[str]:
    """The dataset's first caption, once for each class of a task, with this class's name in its place.

    Raises:
        DatasetError: its captions do not name the class at one place.
    """
    names, labels = dataset.classes[task], dataset.labels[task].tolist()
    rows = [caption.split() for caption in dataset.captions]
    for place in range(min(map(len, rows), default=0)):
        if all(row[place] == names[n] for row, n in zip(rows, labels, strict=True)):
            first = rows[0]
            return [" ".join([*first[:place], name, *first[place + 1 :]]) for name in names]  # fmt: skip
    raise DatasetError(f"captions of {dataset.name} do not tell {task!r} in one word at one place")  # fmt: skip


def few(dataset: Dataset, task: str, shots: int) -> Tensor:
    """Indices of the first images of each class."""
    labels_N = dataset.labels[task]
    parts = [
        (labels_N == number).nonzero().flatten()[:shots]
        for number in range(len(dataset.classes[task]))
    ]
    return torch.cat(parts)
