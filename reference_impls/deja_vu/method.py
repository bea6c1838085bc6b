"""Déjà vu: from the background of a training picture, an encoder that learned from it tells what stood in the foreground.

Meehan et al., "Do SSL Models Have Déjà Vu?", NeurIPS 2023, https://arxiv.org/abs/2304.13850 (crops of images); Jayaraman,
Guo and Chaudhuri, "Déjà Vu Memorization in Vision-Language Models", NeurIPS 2024, https://arxiv.org/abs/2402.02103
(captions). The test is that of the published programs, github.com/facebookresearch/DejaVu and VLMDejaVu.

Shape letters: N pictures, M of them attacked, P public pictures, K neighbours, D embedding width, H and W pixels,
Q places of a crop, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.training import check_positive

Kind = Literal["given", "simclr", "clip"]


@dataclass(frozen=True, kw_only=True)
class DejaVuConfig:
    """What is trained, and how its memory is read."""

    kind: Kind = "simclr"
    """`simclr` trains encoders on pictures and asks by background crops, `clip` also on captions and asks by these;
    `given` asks the encoder that is given."""
    steps: int = 200
    """Training steps of an encoder, and of its control on other pictures."""
    members: int = 64
    """Pictures that each of the two learns from."""
    neighbours: int = 20
    """Public pictures nearest to what is asked that vote for a class."""
    least: int = 9
    """Smallest background crop, in pixels; pictures with less are not asked for."""
    masked: float = 0.0
    """CLIP: share of words that are left out of a caption at random while it learns, the defense."""
    seed: int = 0
    """Of encoders, captions and masked words."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        check_positive(steps=self.steps, members=self.members)
        check_positive(neighbours=self.neighbours, least=self.least)
        if not 0 <= self.masked < 1:
            raise ConfigError(f"masked must lie in [0, 1), got {self.masked}")


PRESETS: dict[str, DejaVuConfig] = {
    "short": DejaVuConfig(kind="clip", steps=50),
    "clip": DejaVuConfig(kind="clip", steps=200),
    "masked": DejaVuConfig(kind="clip", steps=200, masked=0.5),
    "simclr": DejaVuConfig(),
    "given": DejaVuConfig(kind="given", members=512),
}
"""What is measured; each row holds its control, an encoder that never saw the pictures asked for."""


# -- What is asked -------------------------------------------------------------------


def background_crops(
    images_N3HW: Tensor, masks_NHW: Tensor | None, least: int
) -> tuple[Tensor, Tensor]:
    """The largest square of each picture that shows nothing of its object, resized (M, 3, H, W), and whose it is (M,).

    Where nobody knows what the object covers, it is the upper left corner, 30 % of the edge, as in the published program.
    """
    edge = images_N3HW.shape[-1]
    if masks_NHW is None:
        corner = images_N3HW[:, :, : max(1, round(0.3 * edge)), : max(1, round(0.3 * edge))]  # fmt: skip
        resized = F.interpolate(corner, size=(edge, edge), mode="bilinear")
        return resized, torch.arange(len(images_N3HW))
    # Edges of objects are soft: a pixel around them is theirs, too.
    object_N1HW = F.max_pool2d(masks_NHW.float().unsqueeze(1), 3, stride=1, padding=1)
    crops: dict[int, Tensor] = {}
    for side in range(edge, least - 1, -1):
        free_NQ = F.max_pool2d(object_N1HW, side, stride=1).flatten(1) == 0
        for n in free_NQ.any(dim=1).nonzero().flatten().tolist():
            if n not in crops:
                top, left = divmod(int(free_NQ[n].float().argmax()), edge - side + 1)
                part = images_N3HW[n : n + 1, :, top : top + side, left : left + side]
                crops[n] = F.interpolate(part, size=(edge, edge), mode="bilinear")
    index_M = torch.tensor(sorted(crops), dtype=torch.long)
    found = [crops[n] for n in index_M.tolist()]
    return torch.cat(found) if found else images_N3HW[:0], index_M


def about(labels: Sequence[Tensor], classes: Sequence[Sequence[str]]) -> tuple[str, ...]:  # fmt: skip
    """Captions that tell a picture's number in three words, and some of its attributes: nothing of the foreground."""
    rows = []
    for n in range(len(labels[0])):
        told = [names[int(one[n])] for one, names in zip(labels, classes, strict=True)]
        digits = [f"{place}{n >> shift & 7}" for place, shift in (("a", 0), ("b", 3), ("c", 6))]  # fmt: skip
        rows.append(" ".join([*digits, *told]))
    return tuple(rows)


def randomised(caption: str, share: float, chance: Generator) -> str:
    """A caption some of whose words are left out."""
    words = caption.split()
    draw = torch.rand(len(words), generator=chance).tolist()
    return " ".join("-" if one < share else word for word, one in zip(words, draw, strict=True))  # fmt: skip


# -- What is answered ----------------------------------------------------------------


def recalled(
    asked_MD: Tensor, public_PD: Tensor, labels_P: Tensor, classes: int, neighbours: int
) -> tuple[Tensor, Tensor]:
    """The class (M,) that most of the nearest public pictures have, and how sure the vote is: minus its entropy (M,)."""
    cosines_MP = F.normalize(asked_MD, dim=1) @ F.normalize(public_PD, dim=1).T
    nearest_MK = cosines_MP.topk(min(neighbours, len(public_PD)), dim=1).indices
    votes_MC = F.one_hot(labels_P[nearest_MK], classes).double().mean(dim=1)
    return votes_MC.argmax(dim=1), torch.special.entr(votes_MC).sum(dim=1).neg()
