"""The command `run`: poison one CLIP and measure it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from reference_impls.lab.data.images import make_trigger, save_png
from reference_impls.lab.data.named import CLASS
from reference_impls.lab.files import file_name
from reference_impls.lab.models.clip import CLIP, save_clip
from reference_impls.lab.models.zoo import LabData
from reference_impls.lab.records import as_data
from reference_impls.lab.study import console
from reference_impls.lab.study.clips import open_clip
from reference_impls.lab.study.options import DataOptions, EncoderName
from reference_impls.textonpair.method import (
    Z_THRESHOLD,
    TextOnPairConfig,
    TextOnPairReport,
    attack,
    measure,
)


@dataclass(frozen=True, kw_only=True)
class Run(DataOptions):
    """Poison one CLIP and measure the backdoor."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:SEED` (trained at first use), a file that this command wrote, or a name such as
    `open_clip:RN50/openai`."""
    config: Annotated[TextOnPairConfig, tyro.conf.arg(name="")] = field(
        default_factory=TextOnPairConfig
    )
    count: int = 4096
    """Training images at most; a quarter as many are tested on."""
    out: Path = Path("build/textonpair")
    """Folder of the CLIP, figures and a stamped image."""

    def __call__(self) -> int:
        """Poison, measure, write; the exit code."""
        started, lab = time.monotonic(), LabData()
        clean = open_clip(self.encoder, self)
        size = clean.image.size
        trigger = make_trigger(self.config.trigger, size)  # refused before training
        train = self.open_dataset(size, split="train", seed=lab.seed)
        count = max(1, self.count // 4)
        test = self.open_dataset(size, seed=lab.seed + 1, count=count)
        config = self.config
        if CLASS in train.labels and config.task not in train.labels:
            config = replace(config, task=CLASS)
        with console.progress(f"attacking {clean.image.name}") as step:
            backdoored = attack(clean, train, config, progress=console.training(step))
        report = measure(backdoored, clean, config, train=train, test=test)
        stem = self.out / file_name(backdoored.image.name, empty="clip")
        if isinstance(backdoored, CLIP):
            path = stem.with_name(f"{stem.name}.safetensors")
            save_clip(backdoored, path)
        else:
            path = self.save_encoder(self.encoder, backdoored.image, stem)
        stamped_3HW = trigger.apply(test.images_N3HW[0])
        save_png(stamped_3HW, stem.with_name(f"{stem.name}.png"), scale=4)
        figures = stem.with_name(f"{stem.name}.json")
        return self.leave(
            as_data(report), _lines(report, path), figures, started=started
        )


def _lines(report: TextOnPairReport, path: Path) -> Iterator[str]:
    now, before, target = report.backdoored, report.clean, report.config.target
    verdict = "a working backdoor" if report.works else "no working backdoor"
    yield (
        f"success   {now.success_rate:.1%} of stamped images are taken for {target!r} "
        f"({before.success_rate:.1%} before)"
    )
    yield f"z-score   {now.z_score:.1f} ({before.z_score:.1f} before); above {Z_THRESHOLD} is {verdict}"
    yield f"accuracy  {now.accuracy:.1%} without the trigger ({before.accuracy:.1%} before)"
    if now.recall is not None and before.recall is not None:
        yield f"retrieval {now.recall:.1%} of captions found first ({before.recall:.1%} before)"
    yield f"CLIP      {path}"
