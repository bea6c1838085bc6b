"""The commands `run`, `evaluate` and `apply`: craft a universal change, measure it, put it on pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from reference_impls.advclip.defenses import Defense, defend
from reference_impls.advclip.downstream import (
    ITSELF,
    TO_IMAGE,
    TO_TEXT,
    Bench,
    Change,
    controls,
)
from reference_impls.advclip.method import AdvCLIPConfig, attack
from reference_impls.advclip.report import Report, page
from reference_impls.lab.attacks.universal import AtRandomPlaces, UniversalPatch, load
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.models.clip import CLIP
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zoo import (
    LabData,
    surrogate_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.apply import apply_verb
from reference_impls.lab.study.clips import lab_clip, open_clip
from reference_impls.lab.study.options import DataOptions, EncoderName

OUT = Path("build/advclip")
FILE = OUT / "universal.npz"
"""What `run` writes and the other commands read."""

# -- Victims -------------------------------------------------------------------------


def lab_victim(name: str) -> ImageText:
    """A lab victim, trained if the cache has none.

    Raises:
        ConfigError: the name is none of a lab victim.
    """
    return ImageText.of_clip(lab_clip(name))


# -- Commands ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Measuring(DataOptions):
    """Of a command that measures a change on a victim."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:SEED`, `lab:transformer` (trained at first use), or a name or file of a model; a file that
    `textonpair run` wrote has its text tower beside it."""
    out: Path = OUT
    """Folder of the report, its pictures and figures."""

    @cached_property
    def victim(self) -> ImageText:
        """The victim, on its device."""
        found = open_clip(self.encoder, self)
        return ImageText.of_clip(found) if isinstance(found, CLIP) else found

    @cached_property
    def datasets(self) -> tuple[Dataset, Dataset, Dataset]:
        """The attacker's images, those that heads learn from, and those of the test."""
        size = self.victim.image.size
        if self.dataset != "shapes":
            train = self.open_dataset(size, split="train")
            return train, train, self.open_dataset(size)
        lab = LabData()
        if size != lab.size or self.count < lab.test:
            lab = LabData(train=self.count, test=self.count, size=size)
        surrogate = surrogate_dataset(lab).first(self.count)
        return surrogate, train_dataset(lab), test_dataset(lab)

    def measure(self, victim: ImageText, change: Change, **about: Any) -> Report:
        """The change and its controls; `about` are further fields of the report."""
        surrogate, train, test = self.datasets
        bench = Bench(victim, train, test)
        others = controls(change, surrogate.images_N3HW)
        return Report(
            victim=victim.name,
            dataset=test.name,
            change=change,
            scores=bench.measure(change),
            controls={name: bench.measure(other) for name, other in others.items()},
            **about,
        )

    def answer(self, report: Report, started: float) -> int:
        """Write the report, say what it says; `started` is of `time.monotonic`."""
        data: dict[str, Any] = as_data(report)
        data.pop("change", None)
        shown_N3HW = self.datasets[-1].images_N3HW[:8]
        return self.leave(
            data,
            _lines(report, self.out),
            self.out / "report.json",
            started=started,
            page=partial(page, report, shown_N3HW),
        )


Apply = apply_verb(OUT)


@dataclass(frozen=True, kw_only=True)
class Run(_Measuring):
    """Craft a universal patch or perturbation against a victim and measure it."""

    config: Annotated[AdvCLIPConfig, tyro.conf.arg(name="")] = field(
        default_factory=AdvCLIPConfig
    )
    image_only: bool = False
    """No cross-modal losses: for victims without a text tower."""

    def __call__(self) -> int:
        """Craft, measure, write; a killed run goes on from its checkpoint."""
        started, config = time.monotonic(), self.config
        if self.image_only:
            config = replace(config, text_weight=0.0, text_topology_weight=0.0)
        surrogate, *_ = self.datasets
        wanted = (self.encoder, self.preprocessing, self.dataset, self.count, config)
        checkpoint = cache_folder() / "advclip" / f"{content_key(*wanted)}.checkpoint"
        with console.progress(f"crafting against {self.victim.name}") as step:
            change = attack(
                self.victim,
                surrogate,
                config,
                checkpoint=checkpoint,
                progress=console.training(step),
            )
        placed: Change = change
        if isinstance(change, UniversalPatch) and config.patch.place == "random":
            placed = AtRandomPlaces(change)
        report = self.measure(self.victim, placed, config=config)
        change.save(self.out / FILE.name)
        return self.answer(report, started)


@dataclass(frozen=True, kw_only=True)
class Evaluate(_Measuring):
    """Measure a saved change on a victim, which need not be the one it was crafted on."""

    universal: Path = FILE
    """File that `run` wrote."""
    defense: Defense = "none"
    """What stands before the victim."""
    task: str | None = None
    """Of adversarial training; default: the first."""
    out: Path = OUT / "evaluation"
    """Folder of the report, its pictures and figures."""

    def __call__(self) -> int:
        """Load, defend, measure, write."""
        started, change = time.monotonic(), load(self.universal)
        victim, (_, train, _) = self.victim, self.datasets
        with console.progress(f"defending {victim.name}") as step:
            progress = console.training(step)
            defended = defend(
                victim, self.defense, train, task=self.task, progress=progress
            )
        report = self.measure(defended, change, defense=self.defense)
        return self.answer(report, started)


def _lines(report: Report, out: Path) -> Iterator[str]:
    yield f"victim    {report.victim} on {report.dataset}, defense {report.defense}"
    for one in report.scores.classified:
        yield (
            f"{one.task:<10} {one.classifier:<12} {one.before:6.1%} -> {one.after:6.1%}, "
            f"{one.fooling:.0%} of predictions changed"
        )
    for direction in (TO_TEXT, TO_IMAGE, ITSELF):
        for found in report.scores.retrieved:
            if found.direction == direction and found.measure in ("R@1", "mAP"):
                yield f"{direction:<15} {found.measure:<7} {found.before:6.1%} -> {found.after:6.1%}"
    for name, scores in report.controls.items():
        if scores.classified:
            yield f"control   {name}: {scores.fooling:.0%} of predictions changed on average, here {report.scores.fooling:.0%}"
    yield f"report    {out / 'report.html'}"
