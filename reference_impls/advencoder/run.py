"""From names to a folder: craft a change, evaluate it, apply it to pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reference_impls.advencoder.evaluate import Evaluation, controls, evaluate
from reference_impls.advencoder.method import AdvEncoderConfig, attack
from reference_impls.advencoder.present import OURS, present
from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    load,
)
from reference_impls.lab.bilingual import Language
from reference_impls.lab.cache import content_key
from reference_impls.lab.data.dataset import Dataset, read_image
from reference_impls.lab.data.images import save_png
from reference_impls.lab.data.named import DatasetSpec, Split, open_dataset
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.checkpoints import Preprocessing
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.models.training import SimCLRConfig
from reference_impls.lab.models.zoo import clean_encoder
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.page import write_page

LAB = "lab"
LAB_PARENT = SimCLRConfig(steps=200)
"""The lab's own encoder: trained at first use, then read from the cache."""
OUT = Path("build/advencoder")
CHANGE = "change.npz"
"""The file that `craft` writes and `evaluate` reads."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Which encoder on which pictures, and where to compute."""

    encoder: str = LAB
    """`lab`, a file, or a name as in `library:model`."""
    images: str = "shapes"
    """Name of the dataset."""
    device: str = "cpu"
    """Where to compute."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """Size and statistics, instead of those the file suggests."""
    weights: Weights = field(default_factory=Weights)
    """Whether models of a library, and public datasets, may be downloaded."""

    def open_encoder(self) -> Encoder:
        """The victim, on its device."""
        if self.encoder == LAB:
            with console.progress("training a lab encoder, once") as step:
                encoder = clean_encoder(LAB_PARENT, progress=console.training(step))
        else:
            loaded = open_encoder(
                self.encoder, self.preprocessing, weights=self.weights
            )
            for line in loaded.lines():
                console.say(line)
            encoder = loaded.encoder
        return encoder.to(console.device(self.device))

    def dataset(self, size: int, count: int, *, split: Split, seed: int) -> Dataset:
        """Pictures; seeds keep those of attacker, heads and test apart in the shapes dataset."""
        spec = DatasetSpec(
            size=size,
            count=count,
            split=split,
            seed=seed,
            download=self.weights.download,
        )
        return open_dataset(self.images, spec)


# -- Craft ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CraftOrder:
    """What to attack, how, and where the change goes."""

    source: Source = field(default_factory=Source)
    config: AdvEncoderConfig = field(default_factory=AdvEncoderConfig)
    count: int = 2048
    """Unlabelled pictures the attacker has, at most."""
    out: Path = OUT
    """Folder of the change."""


def craft(order: CraftOrder) -> tuple[UniversalPatch | UniversalPerturbation, Path]:
    """The change, and the file it was written to; a killed run goes on from its checkpoint."""
    started = time.monotonic()
    encoder = order.source.open_encoder()
    surrogate = order.source.dataset(encoder.size, order.count, split="train", seed=11)
    # Named by its settings, so that other settings never go on from this checkpoint.
    key = content_key(order.config, order.source, order.count)
    with console.progress(f"attacking {encoder.name}") as step:
        change = attack(
            encoder,
            surrogate,
            order.config,
            checkpoint=order.out / f"craft-{key}.checkpoint",
            progress=console.training(step),
        )
    path = order.out / CHANGE
    change.save(path)
    save_png(change.visible, order.out / "change.png", scale=_scale(encoder.size))
    about = surroundings(device=encoder.device, seconds=time.monotonic() - started)
    write_json({"order": as_data(order), "run": about}, order.out / "craft.json")
    return change, path


def _scale(size: int) -> int:
    return max(1, 256 // size)


# -- Evaluate ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class EvaluateOrder:
    """Which change to measure, on what."""

    file: Path = OUT / CHANGE
    """A change that `craft` wrote."""
    source: Source = field(default_factory=Source)
    tasks: tuple[str, ...] = ()
    """Downstream tasks; none are all of the dataset."""
    train: int = 4096
    """Labelled pictures the downstream models learn from, at most."""
    test: int = 1024
    """Pictures that figures are measured on, at most."""
    seed: int = 0
    """Of heads and controls."""
    language: Language = "en"
    """What the report opens in; it holds both."""
    out: Path | None = None
    """Folder of the report; none is that of the change."""


def evaluation(order: EvaluateOrder) -> tuple[Evaluation, Path]:
    """The figures, and the report's path."""
    started = time.monotonic()
    if not order.file.exists():
        raise ConfigError(
            f"no change {order.file}; make one with `python -m reference_impls.advencoder craft`"
        )
    change, encoder = load(order.file), order.source.open_encoder()
    train = order.source.dataset(encoder.size, order.train, split="train", seed=1)
    test = order.source.dataset(encoder.size, order.test, split="test", seed=2)
    changes = {OURS: change} | controls(change, train.images_N3HW, seed=order.seed)
    with console.progress(f"evaluating on {encoder.name}") as step:
        step(0, 1, f"{len(changes)} changes")
        found = evaluate(
            encoder,
            changes,
            train=train,
            test=test,
            tasks=order.tasks,
            seed=order.seed,
        )
    out = order.out or order.file.parent
    about = surroundings(device=encoder.device, seconds=time.monotonic() - started)
    about = as_data({"order": order} | about)
    page = present(found, change, test.images_N3HW[:6], about)
    path = write_page(page, out, order.language)
    write_json(
        as_data(found) | {"run": about}, out / "report.json"
    )  # last: it says the rest is there
    return found, path


# -- Apply ---------------------------------------------------------------------------


def apply(file: Path, pictures: Sequence[Path], out: Path) -> list[Path]:
    """The pictures, cropped and resized to the change's size, with it; the files written."""
    change = load(file)
    written = []
    for picture in pictures:
        image_13HW = read_image(picture, size=change.size[0]).unsqueeze(0)
        target = out / f"{picture.stem}-attacked.png"
        save_png(change.apply(image_13HW)[0], target)
        written.append(target)
    return written
