"""Cloaking: before a picture is shared its pixels are changed a little, so that models no longer tell what its owner hides.

GeoShield: Liu et al., AAAI 2026, https://arxiv.org/abs/2508.03209; the formula is that of the published program,
github.com/thinwayliu/Geoshield. Fan et al., "Who Can See Through You?", https://arxiv.org/abs/2512.18264, hide one
attribute and keep another; of their paper the abstract alone was read. Beside them two plain aims, with the same views,
surrogates and steps: to leave the picture's own embedding, and to approach that of another picture.

Shape letters: B pictures, P pool of other pictures, H and W pixels, D embedding width, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.lab.attacks.pgd import Budget, ascend, cross_entropy, project
from reference_impls.lab.data.augment import crop_and_flip
from reference_impls.lab.errors import ConfigError, check_choices
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.zero_shot import EmbedText, ZeroShot

Aim = Literal["none", "noise", "away", "another", "geoshield", "joint"]


@dataclass(frozen=True, kw_only=True)
class CloakConfig:
    """What a cloak aims at, on which models it is made, and how far it may go."""

    aim: Aim = "geoshield"
    """`geoshield` leaves the direction of what is hidden and keeps the rest, `joint` loses the hidden attribute and keeps
    one that is shown, `away` leaves the picture's embedding, `another` goes toward another picture's; `noise` is random."""
    surrogates: int = 3
    """Models of the owner's that the cloak is made on; 0 makes it on the very model that will look."""
    weight: float = 1.0
    """Of what is kept, beside what is hidden."""
    smallest_crop: float = 0.5
    """Least area of the random view that each step looks at, as a fraction of the picture; 1 looks at all of it."""
    budget: Budget = field(default_factory=lambda: Budget(epsilon=16 / 255, steps=20))
    """Of pixels and steps."""
    seed: int = 0
    """Of start, views, noise and other pictures."""

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        check_choices(self)
        if self.surrogates < 0 or self.weight < 0:
            raise ConfigError("surrogates and weight must be at least 0")
        if not 0 < self.smallest_crop <= 1:
            raise ConfigError(f"smallest_crop must lie in (0, 1], got {self.smallest_crop}")  # fmt: skip


PRESETS: dict[str, CloakConfig] = {
    "noise": CloakConfig(aim="noise"),
    "none": CloakConfig(aim="none"),
    "away": CloakConfig(aim="away"),
    "another": CloakConfig(aim="another"),
    "geoshield": CloakConfig(),
    "joint": CloakConfig(aim="joint"),
    "joint-small": CloakConfig(aim="joint", budget=Budget(epsilon=8 / 255, steps=20)),
    "joint-one": CloakConfig(aim="joint", surrogates=1),
    "geoshield-known": CloakConfig(surrogates=0),
    "joint-known": CloakConfig(aim="joint", surrogates=0),
}
"""What is measured; the first is the control."""


# -- Scores: of each picture, (B,); cloaks raise them -------------------------------------


def disentangled(seen_BD: Tensor, clean_BD: Tensor, untold_BD: Tensor, weight: float) -> Tensor:  # fmt: skip
    """GeoShield: weight (P f)·(P f0) - f·u, with u from `untold` to the clean embedding f0, and P the projection across u.

    All embeddings have unit length; `untold` is that of a description which leaves the hidden attribute open.
    """
    hidden_BD = F.normalize(clean_BD - untold_BD, dim=1)
    along_B, before_B = ((one * hidden_BD).sum(dim=1) for one in (seen_BD, clean_BD))
    kept_B = (seen_BD * clean_BD).sum(dim=1) - along_B * before_B
    return weight * kept_B - along_B


def joint(hidden_BC: Tensor, hidden_B: Tensor, shown_BC: Tensor | None, shown_B: Tensor, weight: float) -> Tensor:  # fmt: skip
    """The cross entropy of the hidden attribute minus, weighted, that of the shown one where there is one."""
    lost_B = cross_entropy(hidden_BC, hidden_B)
    return lost_B if shown_BC is None else lost_B - weight * cross_entropy(shown_BC, shown_B)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Pictures:
    """What their owner knows of the pictures to cloak."""

    images_B3HW: Tensor
    hidden_B: Tensor
    """Classes of what is to be hidden."""
    shown_B: Tensor
    """Classes of what is to be seen."""
    untold: Sequence[Sequence[str]]
    """For each picture its caption with every class of the hidden attribute in turn: together they leave it open."""
    others_B3HW: Tensor
    """A picture for each whose hidden attribute is another."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Surrogate:
    """A model with a text tower that a cloak is made on."""

    encoder: Encoder
    embed_text: EmbedText
    hidden: ZeroShot
    """Tells the hidden attribute."""
    shown: ZeroShot | None
    """Tells the shown one."""

    def score(self, pictures: Pictures, config: CloakConfig) -> Callable[[Tensor], Tensor]:  # fmt: skip
        """The score (B,) that a cloak raises, of views (B, 3, H, W) of the changed pictures."""

        def seen(images_B3HW: Tensor) -> Tensor:
            return F.normalize(self.encoder.encode(images_B3HW), dim=1)

        with torch.no_grad():
            clean_BD, other_BD = seen(pictures.images_B3HW), seen(pictures.others_B3HW)
            open_BD = [self.embed_text(one).mean(dim=0) for one in pictures.untold]
            untold_BD = F.normalize(torch.stack(open_BD), dim=1).to(clean_BD)
        scores: dict[str, Callable[[Tensor], Tensor]] = {
            "away": lambda x: -(seen(x) * clean_BD).sum(dim=1),
            "another": lambda x: (seen(x) * other_BD).sum(dim=1),
            "geoshield": lambda x: disentangled(seen(x), clean_BD, untold_BD, config.weight),
            "joint": lambda x: self._joint(seen(x), pictures, config.weight),
        }  # fmt: skip
        return scores[config.aim]

    def _joint(self, seen_BD: Tensor, pictures: Pictures, weight: float) -> Tensor:
        shown_BC = self.shown.logits(seen_BD) if self.shown else None
        return joint(self.hidden.logits(seen_BD), pictures.hidden_B, shown_BC, pictures.shown_B, weight)  # fmt: skip


def cloak(surrogates: Sequence[Surrogate], pictures: Pictures, config: CloakConfig) -> Tensor:  # fmt: skip
    """Pictures (B, 3, H, W) as they are shared: signed gradient steps up the mean score over surrogates, of a random view."""
    images_B3HW, chance = pictures.images_B3HW, Generator().manual_seed(config.seed)
    if config.aim == "none":
        return images_B3HW
    if config.aim == "noise":
        drawn = torch.randn(images_B3HW.shape, generator=chance).to(images_B3HW)
        return project(images_B3HW + config.budget.epsilon * drawn.sign(), images_B3HW, config.budget)  # fmt: skip
    scores = [one.score(pictures, config) for one in surrogates]

    def objective(x: Tensor) -> Tensor:
        view = crop_and_flip(x, config.smallest_crop, chance)
        return torch.stack([score(view).sum() for score in scores]).sum()

    return ascend(objective, images_B3HW, config.budget, chance)


# -- What is left open, and what is approached -------------------------------------------


def left_open(caption: str, named: str, classes: Sequence[str]) -> list[str]:
    """A caption with every class in turn where it names its own; one that does not name it stays as it is."""
    words = f" {caption} "
    return [words.replace(f" {named} ", f" {one} ").strip() for one in classes]


def another_of(hidden_B: Tensor, pool_P: Tensor, chance: Generator) -> Tensor:
    """For each picture (B,) the index of one of the pool with another class, drawn at random.

    Raises:
        ConfigError: some picture has none.
    """
    differ_BP = hidden_B.unsqueeze(1) != pool_P
    if not differ_BP.any(dim=1).all():
        raise ConfigError("what is hidden has one class only: no other picture differs")
    drawn_BP = torch.rand(differ_BP.shape, generator=chance).to(pool_P.device)
    return drawn_BP.where(differ_BP, -1).argmax(dim=1)
