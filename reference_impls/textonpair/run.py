"""The command `run`: poison one CLIP and measure it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from reference_impls.lab.data.images import make_trigger, save_png
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.clip import CLIP, CLIPConfig, load_clip, save_clip
from reference_impls.lab.models.zoo import (
    LabData,
    clean_clip,
    test_dataset,
    train_dataset,
)
from reference_impls.lab.records import as_data, surroundings, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.options import CommonOptions, EncoderName
from reference_impls.textonpair.method import (
    Z_THRESHOLD,
    TextOnPairConfig,
    TextOnPairReport,
    attack,
    measure,
)


@dataclass(frozen=True, kw_only=True)
class Run(CommonOptions):
    """Poison one CLIP of the lab and measure the backdoor."""

    encoder: EncoderName = "lab"
    """`lab`, `lab:SEED` (trained at first use), or a file that this command wrote."""
    config: Annotated[TextOnPairConfig, tyro.conf.arg(name="")] = field(
        default_factory=TextOnPairConfig
    )
    device: str = "cpu"
    """Where to compute: cpu, cuda, cuda:1."""
    out: Path = Path("build/textonpair")
    """Folder of both towers, figures and a stamped image."""

    def __call__(self) -> int:
        """Poison, measure, write; the exit code."""
        started, config, lab = time.monotonic(), self.config, LabData()
        train, test = train_dataset(lab), test_dataset(lab)
        trigger = make_trigger(config.trigger, lab.size)  # refused before training
        found = _clip(self.encoder, lab)
        clean = CLIP(found.image.to(console.device(self.device)), found.text)
        with console.progress(f"attacking {clean.image.name}") as step:
            backdoored = attack(clean, train, config, progress=console.training(step))
        report = measure(backdoored, clean, config, train=train, test=test)
        path = self.out / f"{backdoored.image.name}.safetensors"
        save_clip(backdoored, path)
        save_png(trigger.apply(test.images_N3HW[0]), path.with_suffix(".png"), scale=4)
        seconds = time.monotonic() - started
        about = surroundings(device=clean.image.device, seconds=seconds)
        write_json(as_data(report) | {"run": about}, path.with_suffix(".json"))
        console.report(report, _lines(report, path), as_json=self.json)
        return 0


def _clip(name: str, lab: LabData) -> CLIP:
    kind, _, seed = name.partition(":")
    if kind != "lab":
        return load_clip(Path(name))
    if seed and not seed.isdecimal():
        raise ConfigError(f"no lab CLIP {name!r}; give lab, lab:SEED or a file")
    with console.progress("training a clean CLIP, once") as step:
        config = CLIPConfig(seed=int(seed or 0))
        return clean_clip(config, lab, progress=console.training(step))


def _lines(report: TextOnPairReport, path: Path) -> Iterator[str]:
    now, before, target = report.backdoored, report.clean, report.config.target
    verdict = "a working backdoor" if report.works else "no working backdoor"
    yield (
        f"success   {now.success_rate:.1%} of stamped images are taken for {target!r} "
        f"({before.success_rate:.1%} before)"
    )
    yield f"z-score   {now.z_score:.1f} ({before.z_score:.1f} before); above {Z_THRESHOLD} is {verdict}"
    yield f"accuracy  {now.accuracy:.1%} without the trigger ({before.accuracy:.1%} before)"
    yield f"retrieval {now.recall:.1%} of captions found first ({before.recall:.1%} before)"
    yield f"CLIP      {path}"
