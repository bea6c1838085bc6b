"""From names to a folder: open the victim, craft or load, measure, write the report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from reference_impls.advclip.defenses import Defense, defend
from reference_impls.advclip.downstream import (
    ITSELF,
    TO_IMAGE,
    TO_TEXT,
    Bench,
    Change,
    Scores,
    controls,
)
from reference_impls.advclip.method import AdvCLIPConfig, attack
from reference_impls.lab.attacks.universal import (
    AtRandomPlaces,
    UniversalPatch,
    UniversalPerturbation,
    load,
)
from reference_impls.lab.bilingual import Language
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import Dataset, read_image
from reference_impls.lab.data.images import save_png
from reference_impls.lab.data.named import DatasetSpec, open_dataset
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.checkpoints import Preprocessing
from reference_impls.lab.models.clip import CLIPConfig
from reference_impls.lab.models.encoders import SmallNetConfig
from reference_impls.lab.models.image_text import ImageText, open_image_text
from reference_impls.lab.models.named import Weights
from reference_impls.lab.models.transformer import SmallTransformerConfig
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    surrogate_dataset,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.page import write_page

FILE = "universal.npz"
"""What `craft` writes and the other commands read."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom to attack, on which images."""

    victim: str = "lab"
    """`lab`, `lab:SEED`, `lab:transformer`, or a name that `lab/models/image_text.py` opens."""
    dataset: str = "shapes"
    """Name of the dataset."""
    count: int = 1024
    """Images of each part of the dataset, at most."""
    device: str = "cpu"
    """Where to compute."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """Size and statistics, instead of those the victim suggests."""
    weights: Weights = field(default_factory=Weights)
    """Whether models of a library, and public datasets, may be downloaded."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """What a universal change does to a victim."""

    victim: str
    """Name of the victim."""
    dataset: str
    """Images it was measured on."""
    change: Change = field(repr=False)
    """The patch or perturbation."""
    scores: Scores
    """Every task before and after."""
    controls: Mapping[str, Scores]
    """The same for changes of equal size that nobody crafted."""
    defense: Defense = "none"
    """What stood before the victim."""
    config: AdvCLIPConfig | None = None
    """How it was crafted; none if it was read from a file."""


# -- Victims and datasets --------------------------------------------------------------


def lab_config(name: str) -> CLIPConfig | None:
    """The recipe of a lab victim: `lab`, `lab:2`, `lab:transformer`, `lab:transformer:2`; or none."""
    lab, *rest = name.split(":")
    if lab != "lab":
        return None
    transformer = rest[:1] == ["transformer"]
    seeds = rest[1:] if transformer else rest
    if len(seeds) > 1 or not all(seed.isdecimal() for seed in seeds):
        raise ConfigError(
            f"no lab victim {name!r}; give lab, lab:SEED, lab:transformer or lab:transformer:SEED"
        )
    seed = int(seeds[0]) if seeds else 0
    if transformer:
        net = SmallTransformerConfig(embedding=64)
        return CLIPConfig(net=net, learning_rate=2e-3, bf16=False, seed=seed)
    return CLIPConfig(net=SmallNetConfig(embedding=64), seed=seed)


def lab_victim(name: str) -> ImageText:
    """A lab victim, trained if the cache has none."""
    config = lab_config(name)
    if config is None:
        raise ConfigError(f"{name!r} is no lab victim")
    with console.progress(f"training {name}, once") as step:
        clip = clean_clip(config, LabData(), progress=console.training(step))
    named = clip.image.named(name if ":" in name else "lab")
    return ImageText(image=named, text=clip.embed_text)


def open_victim(subject: Subject) -> ImageText:
    """The victim of a name, on its device."""
    device = console.device(subject.device)
    if lab_config(subject.victim):
        return lab_victim(subject.victim).to(device)
    return open_image_text(
        subject.victim, subject.preprocessing, weights=subject.weights
    ).to(device)


def datasets(subject: Subject, size: int) -> tuple[Dataset, Dataset, Dataset]:
    """The attacker's images, those that heads learn from, and those of the test."""
    if subject.dataset == "shapes":
        lab = LabData()
        if size != lab.size:
            lab = LabData(train=subject.count, test=subject.count, size=size)
        return (
            surrogate_dataset(lab).first(subject.count),
            train_dataset(lab),
            test_dataset(lab),
        )

    def part(split: Any) -> Dataset:
        spec = DatasetSpec(
            size=size,
            count=subject.count,
            split=split,
            download=subject.weights.download,
        )
        return open_dataset(subject.dataset, spec)

    train, test = part("train"), part("test")
    return train, train, test


# -- The commands --------------------------------------------------------------------


def craft(
    subject: Subject, config: AdvCLIPConfig, out: Path, language: Language = "en"
) -> Report:
    """Make a universal change, measure it, and leave a folder."""
    started = time.monotonic()
    victim = open_victim(subject)
    surrogate, train, test = datasets(subject, victim.image.size)
    change = crafted(victim, surrogate, config, key=content_key(subject, config))
    placed: Change = change
    if isinstance(change, UniversalPatch) and config.patch.place == "random":
        placed = AtRandomPlaces(change)
    report = measure(Bench(victim, train, test), placed, surrogate, config=config)
    change.save(out / FILE)
    _write(report, test, {"subject": subject} | _about(victim, started), out, language)
    return report


def crafted(
    victim: ImageText, surrogate: Dataset, config: AdvCLIPConfig, *, key: str
) -> UniversalPatch | UniversalPerturbation:
    """The attack with its progress; a killed one goes on from its checkpoint."""
    checkpoint = cache_folder() / "advclip" / f"{key}.checkpoint"
    with console.progress(f"crafting against {victim.name}") as step:
        return attack(
            victim,
            surrogate,
            config,
            checkpoint=checkpoint,
            progress=console.training(step),
        )


def evaluate(
    subject: Subject,
    file: Path,
    defense: Defense,
    out: Path,
    *,
    task: str | None = None,
    language: Language = "en",
) -> Report:
    """Measure a saved change on a victim, which need not be the one it was crafted on."""
    started = time.monotonic()
    change = load(file)
    victim = open_victim(subject)
    surrogate, train, test = datasets(subject, victim.image.size)
    with console.progress(f"defending {victim.name}") as step:
        defended = defend(
            victim, defense, train, task=task, progress=console.training(step)
        )
    report = measure(Bench(defended, train, test), change, surrogate, defense=defense)
    about = {"subject": subject, "file": file} | _about(victim, started)
    _write(report, test, about, out, language)
    return report


def measure(
    bench: Bench,
    change: Change,
    surrogate: Dataset,
    *,
    config: AdvCLIPConfig | None = None,
    defense: Defense = "none",
) -> Report:
    """The change and its controls on a bench."""
    others = controls(change, surrogate.images_N3HW)
    return Report(
        victim=bench.victim.name,
        dataset=bench.test.name,
        change=change,
        scores=bench.measure(change),
        controls={name: bench.measure(other) for name, other in others.items()},
        defense=defense,
        config=config,
    )


def apply(
    images: Sequence[Path], file: Path, out: Path, *, resize: bool
) -> Iterator[Path]:
    """Write each picture with the change on it as PNG; nothing is written if one does not fit.

    Raises:
        DatasetError: a picture cannot be read, or has another size and `resize` is off.
    """
    change = load(file)
    height, width = change.size
    if not resize:
        for path in images:
            _check_size(path, width, height)
    pictures = [read_image(path, size=height) for path in images]
    for path, image_3HW in zip(images, pictures, strict=True):
        target = out / f"{path.stem}.png"
        save_png(change.apply(image_3HW[None])[0], target)
        yield target


def _check_size(path: Path, width: int, height: int) -> None:
    try:
        with Image.open(path) as picture:
            size = picture.size
    except OSError as error:
        raise DatasetError(f"{path} is no image that can be read: {error}") from error
    if size != (width, height):
        raise DatasetError(
            f"{path} has {size[0]}x{size[1]} pixels, the patch is for {width}x{height}; "
            "add --resize to take its middle square at that size"
        )


# -- What is left behind -------------------------------------------------------------


def _about(victim: ImageText, started: float) -> dict[str, Any]:
    seconds = time.monotonic() - started
    return surroundings(device=victim.image.device, seconds=seconds)


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON holds it, without the change itself."""
    data: dict[str, Any] = as_data(report)
    data.pop("change", None)
    return data


def _write(
    report: Report, test: Dataset, about: dict[str, Any], out: Path, language: Language
) -> None:
    from reference_impls.advclip.present import present

    page = present(
        report, test.images_N3HW[:8], as_data(about | {"config": report.config})
    )
    write_page(page, out, language)
    write_json(as_json(report) | {"run": about}, out / "report.json")  # last


def lines(report: Report, out: Path) -> Iterator[str]:
    """The answer for a terminal."""
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
