"""What stands in the place of a CLIP, and what attacks within one budget leave of it.

An attack is made on the CLIP alone (universal ones, and Auto-PGD handed on), by the answers of what stands in its
place, or through it.

Shape letters: B batch, N images, H and W pixels, 3 colour channels, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reference_impls.advclip.method import AdvCLIPConfig
from reference_impls.advclip.method import attack as craft_advclip
from reference_impls.advencoder.suite import SuiteConfig, universal_attack
from reference_impls.arena.registry import ATTACKS
from reference_impls.lab.attacks.adaptive import eot, withstood
from reference_impls.lab.attacks.auto_pgd import auto_pgd
from reference_impls.lab.attacks.masking import flat_share, traced
from reference_impls.lab.attacks.pgd import Budget, Classifier, margin, pgd, project
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.clip import CLIPConfig
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zero_shot import ZeroShot, blank_text
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.study.setup import Setup, lab_setup
from reference_impls.query_attack.method import QueryConfig
from reference_impls.query_attack.method import attack as search
from reference_impls.robust_clip.method import PRESETS as TUNINGS
from reference_impls.robust_clip.method import tune
from reference_impls.smoothing.denoiser import behind_denoiser
from reference_impls.smoothing.method import SmoothingConfig
from reference_impls.test_time.method import PRESETS as REPAIRS
from reference_impls.test_time.method import defended as repaired

Defend = Callable[[ZeroShot, Dataset], Classifier]
"""A CLIP as a classifier, and images to learn from, to what stands in its place."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what, and with which means, attackers and defenders meet."""

    clip: CLIPConfig = field(default_factory=lambda: studied_clip(0))
    task: str = "texture"
    """What the CLIP tells of an image, and what tuned defenses learn to tell."""
    images: int = 48
    """Test images."""
    budget: Budget = field(default_factory=Budget)
    """Of every attack that changes all pixels."""
    queries: int = 100
    """Answers that a search may ask for, per image."""
    suite: SuiteConfig = field(
        default_factory=lambda: SuiteConfig(epsilon=4 / 255, steps=100, images=1024)
    )
    """Of universal attacks."""
    copies: int = 8
    """Noisy copies that a smoothed classifier averages over."""
    tuning: int = 200
    """Optimiser steps of tuned defenses and of the denoiser."""


# -- Defenses ------------------------------------------------------------------------


def built_in(name: str, setup: Setup, terms: Terms) -> Classifier:
    """What a defense of the registry puts in the place of the CLIP; `zero-shot` is the CLIP itself."""
    base, seed = setup.zero_shot(), setup.seed
    if name in TUNINGS and setup.clip:
        config = replace(TUNINGS[name], seed=seed, steps=terms.tuning)
        raw = base.with_encoder(setup.clip.image)  # its BatchNorms still apart
        tuned = tune(raw, setup.train, setup.task, config)
        return base.with_encoder(accelerated(tuned))
    if name in REPAIRS:
        blank_D = blank_text(setup.embed_text, setup.train)
        repair = replace(REPAIRS[name], seed=seed)
        encode = repaired(setup.encoder, setup.train, blank_D, repair)
        return lambda images: base.logits(encode(images))
    if name == "smoothing":
        noise = SmoothingConfig(seed=seed, steps=terms.tuning)
        return smoothed(base, setup.train, noise, terms.copies)
    return base


def smoothed(
    base: Classifier, train: Dataset, config: SmoothingConfig, copies: int
) -> Classifier:
    """Logarithm of class probabilities summed over noisy copies, behind a denoiser: a vote that has a gradient."""
    denoised = behind_denoiser(base, train, config)
    chance = Generator().manual_seed(config.seed)

    def logits(images_B3HW: Tensor) -> Tensor:
        repeated = images_B3HW.repeat_interleave(copies, dim=0)
        noise = torch.randn(repeated.shape, generator=chance).to(repeated)
        scores = denoised(repeated + config.sigma * noise).log_softmax(dim=1)
        summed: Tensor = scores.unflatten(0, (-1, copies)).logsumexp(dim=1)
        return summed

    return logits


# -- Attacks -------------------------------------------------------------------------


@lru_cache(maxsize=1)
def met(terms: Terms) -> tuple[Setup, dict[str, Tensor]]:
    """The CLIP with its data, and the test images under every attack that needs no defense, by id."""
    setup = lab_setup(terms.clip, terms.task, terms.images)
    clean, labels_N = setup.images_N3HW, setup.labels_N
    names = [one.id for one in ATTACKS if one.kind in ("control", "universal")]
    changes = {
        one: universal_attack(one, setup.encoder, terms.suite)
        for one in names
        if one != "advclip-patch"
    }
    pair = ImageText(image=setup.encoder, text=setup.embed_text)
    config = AdvCLIPConfig(
        patch=terms.suite.patch, steps=terms.suite.steps, seed=setup.seed
    )
    pictures = terms.suite.surrogate(setup.encoder.size)
    changes["advclip-patch"] = craft_advclip(pair, pictures, config)
    return setup, {
        "clean": clean,
        **{name: change.apply(clean) for name, change in changes.items()},
        "transfer": auto_pgd(setup.zero_shot(), clean, labels_N, terms.budget),
    }


def block_search(
    logits_of: Classifier, images: Tensor, labels_B: Tensor, terms: Terms
) -> Tensor:
    """Images (B, 3, H, W) within the budget that Sparse-RS finds: half of all 2 x 2 blocks go up or down by epsilon."""
    height, width = images.shape[2] // 2, images.shape[3] // 2
    gray = images.new_full((len(images), 3, height, width), 0.5)

    def change(blocks: Tensor) -> Tensor:
        signs = 2 * F.interpolate(blocks, size=images.shape[2:]) - 1
        return project(images + terms.budget.epsilon * signs, images, terms.budget)

    config = QueryConfig(
        queries=terms.queries,
        pixels=height * width // 2,
        population=1,
        mutation=0.3,
        zeros=0,
        domination="loss",
        seed=terms.clip.seed,
    )
    found = search(lambda x: logits_of(change(x)), gray, labels_B, config)
    return change(found.images_B3HW)


def figures(
    logits_of: Classifier, terms: Terms, *, draws: int = 1, searched: bool = True
) -> dict[str, float]:
    """Accuracy under every attack, by id, and under `flat` the share of images at which the loss has no slope.

    An attacker through the defense averages over so many draws of its noise; a defense that is too slow for it is
    not searched by answers.
    """
    setup, given = met(terms)
    seen, labels_N = traced(logits_of), setup.labels_N
    clean, budget = given["clean"], terms.budget
    longer = replace(budget, steps=2 * budget.steps)
    attacked = given | {
        "adaptive": auto_pgd(seen, clean, labels_N, budget),
        "eot-pgd": pgd(eot(seen, draws), clean, labels_N, longer, loss=margin),
    }
    if searched:
        few = QueryConfig(queries=terms.queries, seed=terms.clip.seed)
        attacked["block-search"] = block_search(seen, clean, labels_N, terms)
        attacked["sa-moo"] = search(seen, clean, labels_N, few).images_B3HW
    right = {name: withstood(seen, [x], labels_N) for name, x in attacked.items()}
    small = [right[one.id] for one in ATTACKS if one.id in right and not one.sparse]
    right["strongest"] = torch.stack(small).all(dim=0)
    shares = {name: one.float().mean().item() for name, one in right.items()}
    return shares | {"flat": flat_share(seen, clean, labels_N)}
