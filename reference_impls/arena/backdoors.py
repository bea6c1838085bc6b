"""The command `backdoors`: every planter against removals, training that resists, filters and detectors, on the same small CLIPs.

A planter gives a CLIP, or poisoned pairs with the CLIP that learned from them. A defender gets the CLIP and clean pairs, or trains on
the pairs himself. `backdoors.yaml` says who meets whom.

Shape letters: N pairs, M test images of other classes than the target.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from reference_impls.arena.boards import Board, Trial
from reference_impls.arena.planters import (
    Planted,
    Terms,
    met,
    pairs_of,
    planted,
    terms_of,
)
from reference_impls.cleanclip.method import PRESETS as REMOVALS
from reference_impls.cleanclip.method import remove
from reference_impls.decree.calibration import Calibration, calibrate
from reference_impls.decree.method import smallest_patch
from reference_impls.lab.metrics.detection import auroc
from reference_impls.lab.models.clip import CLIP
from reference_impls.lab.models.compression import Form, compress
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.zero_shot import ZeroShot
from reference_impls.lab.models.zoo import clean_clip, scan_dataset
from reference_impls.lab.study.options import StudyOptions
from reference_impls.poison_filter.method import PRESETS as FILTERS
from reference_impls.poison_filter.method import detector
from reference_impls.poison_filter.study import Setting as Filtering
from reference_impls.poison_filter.study import learned
from reference_impls.safe_pretraining.method import PretrainingConfig, pretrain
from reference_impls.safe_pretraining.study import STEPS
from reference_impls.weight_spectra.method import Detector, SpectraConfig, signature
from reference_impls.weight_spectra.method import learned as spectra_of
from reference_impls.weight_spectra.study import BENIGN, PLAIN, working
from reference_impls.weight_spectra.study import Setting as Updates

REMOVED = 0.05
"""Share of the pairs that leave after a filter, the most suspicious."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One planter on one CLIP, and everybody who meets it."""

    row: str
    terms: Terms

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.row}, seed {self.terms.clip.seed}"


def conditions(options: StudyOptions) -> list[Condition]:
    """Every planter on one CLIP, then on the next."""
    return [
        Condition(row=row.id, terms=terms_of(seed, quick=options.quick))
        for seed in options.seeds_of()
        for row in BACKDOORS.rows
        if any(meets(row.id, column.id) for column in BACKDOORS.columns)
    ]


def meets(row: str, column: str) -> bool:
    """Whether a pair is measured: it is, unless the file says why not."""
    return not any(row in one.rows and column in one.columns for one in BACKDOORS.missing)  # fmt: skip


# -- What everybody shares -----------------------------------------------------------


@lru_cache(maxsize=2)
def small_for(terms: Terms) -> Calibration:
    """What DECREE calls small: the smallest triggers of clean CLIPs outside the board; terms of seed 0 stand for all."""
    outside = [clean_clip(replace(terms.clip, seed=seed), terms.lab) for seed in terms.outside]  # fmt: skip
    return calibrate([area(one.image, terms) for one in outside], source="clean CLIPs outside the board")  # fmt: skip


def area(encoder: Encoder, terms: Terms) -> float | None:
    """DECREE's PL1."""
    return smallest_patch(encoder, scan_dataset(terms.lab).images_N3HW, terms.scan)


@lru_cache(maxsize=2)
def scan_of(terms: Terms) -> Detector:
    """The scan of weights: the defender plants backdoors in the public CLIP and tunes it without, and learns to tell the two."""
    setup = replace(met(terms), train=pairs_of(terms)[1])
    recipe = terms.own(Updates())

    def rows(kinds: Sequence[str]) -> Tensor:
        return torch.stack([working(setup, kind, n, recipe).signature_F for kind in kinds for n in range(terms.updates)])  # fmt: skip

    return spectra_of(rows(BENIGN), rows(PLAIN), SpectraConfig())


# -- The defender --------------------------------------------------------------------


def defended(column: str, subject: Planted, terms: Terms) -> tuple[CLIP, dict[str, float]]:  # fmt: skip
    """The CLIP that a defender ends with, and how well a filter told poisoned pairs from others."""
    _, defenders = pairs_of(terms)
    if column in REMOVALS:
        return remove(subject.clip, defenders, terms.own(REMOVALS[column])), {}
    pairs: Any = subject.pairs
    if column in STEPS:
        way: Any = column
        training = PretrainingConfig(way=way, steps=STEPS[way])
        clip, _ = pretrain(pairs, terms.own(training), terms.clip.net)
        return clip, {}
    answer = zero_shot(subject.clip, terms)
    named = lambda images: answer(images).argmax(dim=1)  # noqa: E731
    suspect = detector(subject.clip.image, pairs.images_N3HW, defenders.images_N3HW, named, terms.own(FILTERS[column]))  # fmt: skip
    score_N = suspect(pairs.images_N3HW)
    stay_N = score_N.argsort()[: len(pairs) - round(REMOVED * len(pairs))]
    again = learned(pairs.take(stay_N.sort().values.tolist()), Filtering(training=terms.training, seed=terms.clip.seed))  # fmt: skip
    marked_N: Any = subject.marked_N
    told = {"poison": auroc(score_N[~marked_N], score_N[marked_N])} if marked_N.any() else {}  # fmt: skip
    return again, told


def zero_shot(clip: CLIP, terms: Terms, form: Form = "float32") -> ZeroShot:
    """A CLIP as a classifier, its image tower in a form."""
    image = compress(clip.image, form)
    return replace(met(terms), clip=replace(clip, image=image), encoder=image).zero_shot()  # fmt: skip


def told(column: str, subject: Planted, terms: Terms) -> dict[str, float]:
    """Figures of a pair by metric, all in [0, 1]; what detectors say belongs to the CLIP after the column."""
    setup = met(terms)
    detecting = column in ("decree", "spectra")
    clip, found = (subject.clip, {}) if detecting else defended(column, subject, terms)
    if not detecting:
        answer = zero_shot(clip, terms, subject.used_in)
        right_N = answer(setup.images_N3HW).argmax(dim=1) == setup.labels_N
        obeyed_M = answer(subject.tried_M3HW).argmax(dim=1) == subject.target
        found |= {"success": obeyed_M.float().mean().item(), "accuracy": right_N.float().mean().item()}  # fmt: skip
    if column == "none":
        return found
    removed = column in REMOVALS
    if column == "decree" or removed:
        score = area(clip.image, terms)
        everybody = small_for(replace(terms, clip=replace(terms.clip, seed=0)))
        found |= {"decree": float(bool(everybody.suspicious(score))), "area": 1.0 if score is None else score}  # fmt: skip
    if column == "spectra" or (removed and subject.update):
        public: Any = setup.clip
        odds = scan_of(terms).score(signature(public.image, clip.image)[None])
        found["spectra"] = float(odds.item() > 0)
    return found


# -- The board -----------------------------------------------------------------------


def measured(condition: Condition) -> list[Trial]:
    """Plant once, then let every column meet it; what detectors say of clean CLIPs has metrics of its own."""
    row, terms, trials = condition.row, condition.terms, []
    subject = planted(row, terms)
    for column in BACKDOORS.columns:
        if not meets(row, column.id):
            continue
        started = time.process_time()
        figures = told(column.id, subject, terms)
        mark = "-clean" if row == "clean" else ""
        named = {name if name in ("success", "accuracy", "poison") else name + mark: round(value, 4) for name, value in figures.items()}  # fmt: skip
        seconds = round(time.process_time() - started, 1)
        trials.append(Trial(row=row, column=column.id, seed=terms.clip.seed, figures=named, seconds=seconds))  # fmt: skip
    return trials


BACKDOORS = Board(
    name="backdoors",
    about="Measure planters of backdoors against removals, resistant training, filters and detectors.",
    conditions=conditions,
    measure=measured,
    settings=lambda asked: {"terms": asked[0].terms},
    chain=lambda condition: condition.terms.clip.seed,
)
