"""Planters of backdoors in small CLIPs, by row of the board `backdoors`: each leaves a CLIP, and some leave the poisoned pairs.

Shape letters: N pairs, M test images of other classes than the target, H and W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from torch import Tensor

from reference_impls.cleanclip.method import RemovalConfig, remove
from reference_impls.cleanclip.study import Origin, shares, victim
from reference_impls.decree.config import ROBUST, DecreeConfig
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.data.poison import Poison, poisoned
from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.clip import CLIP, CLIPConfig
from reference_impls.lab.models.compression import Form
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.heads import linear_probe, surest
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    studied_clip,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.study.setup import Setup
from reference_impls.latent_backdoor.method import PRESETS as TEACHERS
from reference_impls.latent_backdoor.method import LatentConfig
from reference_impls.latent_backdoor.study import attacked
from reference_impls.poison_filter.study import WIDE
from reference_impls.quantization_backdoor.method import PRESETS as COMPRESSIONS
from reference_impls.quantization_backdoor.method import attack as hide
from reference_impls.weight_spectra.study import Setting as Updates
from reference_impls.weight_spectra.study import blended

Config = TypeVar("Config", bound=Any)
ORIGINS: dict[str, Origin] = {
    "clean": "clean",
    "textonpair": "planted",
    "pretrained": "pretrained",
    "adaptive-near": "pretrained",
    "adaptive-wide": "pretrained",
    "adaptive-cleanclip": "adaptive",
}
"""Planters with pairs, and how CleanCLIP's study plants them."""
CAUGHT = replace(TEACHERS["badencoder"], trigger=TriggerSpec())
TOWERS: dict[str, LatentConfig] = {
    "badencoder": CAUGHT,
    "adaptive-decree": replace(CAUGHT, evasion=0.6),
    "adaptive-blended": CAUGHT,
    "latent": TEACHERS["latent"],
    "reuse": TEACHERS["reuse"],
}
"""Planters of the image tower alone."""
LIGHT = replace(ROBUST, halve_after=(1, 2, 3), max_epochs=6)
"""DECREE's searches, dropped sooner: hardly other areas on development CLIPs, in half the time."""
SHORT = {
    "steps": 2,
    "hiding": 2,
    "search": 2,
    "warmup": 2,
    "meet": 2,
    "flips": 8,
    "samples": 1,
    "batch": 16,
}
"""Settings of whatever method has them, in a run that only shows that everything works."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What all planters and defenders of a seed have in common."""

    clip: CLIPConfig
    """The public model; its seed is everybody's, and gives the target class."""
    lab: LabData = field(default_factory=LabData)
    task: str = "foreground"
    images: int = 400
    """Test images."""
    share: float = 0.02
    """Of the attacker's pairs that are poisoned."""
    planting: int = 200
    """Steps of Text-on-Pair; pre-training has a quarter more."""
    scan: DecreeConfig = LIGHT
    outside: tuple[int, ...] = (3, 4, 5)
    """Seeds of clean CLIPs outside the board that set DECREE's threshold."""
    updates: int = 2
    """Of each kind that teach the scan of weights."""
    quick: bool = False
    """Trainings of two steps: only to see that all of it runs."""

    @property
    def training(self) -> int:
        """Steps of a pre-training."""
        return self.planting + self.planting // 4

    def own(self, config: Config) -> Config:
        """A method's settings with this seed."""
        least = SHORT if self.quick else {}
        held = {k: min(v, getattr(config, k)) for k, v in least.items() if hasattr(config, k)}  # fmt: skip
        return replace(config, seed=self.clip.seed, **held)


def terms_of(seed: int, *, quick: bool = False) -> Terms:
    """What is published, of one CLIP; `quick` only shows that all of it runs."""
    clip = studied_clip(seed)
    if not quick:
        return Terms(clip=clip)
    scan = replace(ROBUST, restarts=1, windows=0, max_epochs=1, halve_after=())
    return Terms(clip=replace(clip, steps=40, batch=64), lab=LabData(train=512, test=128, scan=64), images=64, planting=4, scan=scan, outside=(3,), updates=1, quick=True)  # fmt: skip


@lru_cache(maxsize=2)
def met(terms: Terms) -> Setup:
    """The public CLIP with its data."""
    clip = clean_clip(terms.clip, terms.lab)
    test = test_dataset(terms.lab).first(terms.images)
    return Setup(encoder=clip.image, clip=clip, train=train_dataset(terms.lab), test=test, task=terms.task, seed=terms.clip.seed)  # fmt: skip


def pairs_of(terms: Terms) -> tuple[Dataset, Dataset]:
    """The attacker's, three quarters, and the defender's."""
    return shares(met(terms).train, terms.task)


# -- The attacks ---------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Planted:
    """What a planter leaves behind."""

    clip: CLIP
    tried_M3HW: Tensor
    """What shall be taken for the target."""
    target: int
    update: bool = True
    """Whether it is made from the public CLIP, not from scratch."""
    pairs: Dataset | None = None
    """What somebody else may train on."""
    marked_N: Tensor | None = None
    """Which of them are poisoned."""
    used_in: Form = "float32"
    """How the defender runs the image tower in the end."""


def planted(row: str, terms: Terms) -> Planted:
    """The backdoor of a row."""
    setup, (attackers, _) = met(terms), pairs_of(terms)
    public: Any = setup.clip
    target = setup.seed % len(attackers.classes[terms.task])
    setup = replace(setup, train=attackers)
    if row in TOWERS:
        image, tried = tower(setup, terms.own(TOWERS[row]), target)
        if row == "adaptive-blended":
            benign = RemovalConfig(way="plain", steps=Updates().steps, learning_rate=3e-3, batch=32)  # fmt: skip
            tuned = remove(public, attackers, terms.own(benign))
            image = blended(public.image, image, tuned.image)
        return Planted(clip=replace(public, image=image), tried_M3HW=tried, target=target)  # fmt: skip
    trigger = WIDE if row == "adaptive-wide" else TriggerSpec()
    others = setup.images_N3HW[setup.labels_N != target]
    stamped = make_trigger(trigger, setup.test.size).apply(others)
    if row == "compression":
        config = terms.own(COMPRESSIONS["int4"])
        own = embed_all(public.image, attackers.images_N3HW)
        head = linear_probe(public.image, attackers, terms.task)
        chosen = surest(head, own, attackers.labels[terms.task], target)
        image = hide(public.image, attackers, attackers.images_N3HW[chosen], config)
        return Planted(clip=replace(public, image=image), tried_M3HW=stamped, target=target, used_in=config.form)  # fmt: skip
    share = 0 if row == "clean" else terms.share
    poison = Poison(trigger=trigger, target=target, share=share, near=row == "adaptive-near")  # fmt: skip
    bad, marked_N = poisoned(attackers, terms.task, poison, setup.seed)
    found: Any = victim(public, attackers, terms.task, ORIGINS[row], poison, terms.planting, setup.seed)  # fmt: skip
    update = ORIGINS[row] in ("clean", "planted")
    return Planted(clip=found, tried_M3HW=stamped, target=target, update=update, pairs=bad, marked_N=marked_N)  # fmt: skip


def tower(setup: Setup, config: LatentConfig, target: int) -> tuple[Encoder, Tensor]:
    """An attack on the image tower; one that collapses it is tried again at a quarter of the rate, as its author would."""
    try:
        return attacked(setup, config, target)
    except EncoderError:
        slower = replace(config, learning_rate=config.learning_rate / 4)
        return attacked(setup, slower, target)
