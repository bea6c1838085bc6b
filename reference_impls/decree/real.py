"""Published encoders: EfficientNet-Lite as trained on ImageNet, as they came and with a planted backdoor.

Photographs are those of Debian's Tux Paint: one half for attack and heads, the other for scans and success rates.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reference_impls.badencoder.method import BadEncoderConfig, attack, measure
from reference_impls.decree.attractor import SelfComparison
from reference_impls.decree.calibration import PAPER, Kind, calibrate
from reference_impls.decree.config import PRESETS
from reference_impls.decree.method import detect
from reference_impls.decree.population import PLACES
from reference_impls.decree.verdict import judge
from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.data.dataset import CLASS, Dataset
from reference_impls.lab.data.images import TriggerSpec
from reference_impls.lab.data.named import DatasetSpec, Split, open_dataset
from reference_impls.lab.models.checkpoints import Preprocessing
from reference_impls.lab.models.encoders import Encoder, save_weights
from reference_impls.lab.models.named import Weights, open_encoder
from reference_impls.lab.models.tensor_files import read_state
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study

WORDS = Words.beside(__file__)
DATASET = "debian:tuxpaint-stamps"
ENCODERS = tuple(f"package:efficientnet-lite{number}" for number in range(3))
ATTACK = BadEncoderConfig(steps=400, batch=16, learning_rate=5e-4)
"""Tried on the first of them with another trigger, reference image and seed (500 steps: success rate 1)."""

ATTACKED = 1
"""Of the encoders, those that get a backdoor: making and scanning one takes ten processor minutes or more."""


@dataclass(frozen=True, kw_only=True)
class RealOptions(StudyOptions):
    """Of the command `real`."""

    download: bool = False
    """Fetch encoders and photographs that are not there yet."""

    @property
    def chosen(self) -> list[str]:
        """As of every study; where files come from changes nothing."""
        return [word for word in super().chosen if word != "--download"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One encoder."""

    encoder: str
    """A published one."""
    attack: BadEncoderConfig | None = None
    """How it is backdoored; none leaves it as it came."""
    size: int = 48
    """Height and width of its images, in pixels; it was trained on 224 and more."""

    @property
    def name(self) -> str:
        """Unique."""
        plain = self.encoder.partition(":")[2]
        return f"{plain}+{self.attack.trigger}" if self.attack else plain


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One encoder under one preset."""

    name: str
    encoder: str
    size: int
    """Of its images, in pixels."""
    architecture: str
    """As in `lab.models.kind`."""
    trigger: str | None
    success: float | None
    """Attack success rate, in [0, 1]; none for a clean encoder."""
    accuracy: tuple[float, ...]
    """Of an MLP head, in [0, 1]: before the attack, and after it; empty for a clean encoder."""
    preset: str
    searched: float | None
    """PL1 of the search alone; none where it found no trigger."""
    sizes: tuple[float | None, ...]
    """As in `attractor.SelfComparison`; empty where no trigger was found."""
    stubbornness: tuple[float, ...]
    seconds: float
    """Processor time of the scan."""


def population(options: RealOptions) -> list[Condition]:
    """Every encoder as it came, the first with a backdoor, too; `--quick` takes the first alone, `--seeds` counts them.

    Raises:
        LabError: an encoder or the photographs are not there, and nobody asked to fetch them.
    """
    numbers = options.seeds or range(1 if options.quick else len(ENCODERS))
    asked = [(number, ENCODERS[number]) for number in numbers if number < len(ENCODERS)]
    for _, name in asked:
        open_encoder(name, weights=Weights(download=options.download))
    open_dataset(DATASET, DatasetSpec(download=options.download))
    clean = [Condition(encoder=name) for _, name in asked]
    attacked = [(n, name) for n, name in asked if n < ATTACKED]
    return [*clean, *(Condition(encoder=name, attack=_attack(n)) for n, name in attacked)]  # fmt: skip


def _attack(number: int) -> BadEncoderConfig:
    place, seed = PLACES[number + 1], 300 + number
    trigger = TriggerSpec(kind="random", side=8, place=place, seed=seed)
    return replace(ATTACK, trigger=trigger, seed=seed)


def photographs(size: int, split: Split, seed: int) -> Dataset:
    """All of a half; the seed is of their order."""
    return open_dataset(DATASET, DatasetSpec(size=size, split=split, seed=seed))


def measured(condition: Condition) -> list[Trial]:
    """Make the encoder, and scan it with every preset."""
    clean = open_encoder(condition.encoder, Preprocessing(size=condition.size)).encoder
    encoder, success, accuracy = _attacked(condition, clean)
    images_N3HW = photographs(condition.size, "test", 3).images_N3HW
    trials = []
    for preset, config in PRESETS.items():
        started = time.process_time()
        report = detect(encoder, images_N3HW, config)
        found = [one.score for one in report.restarts if one.score is not None]
        trials.append(
            Trial(
                name=condition.name,
                encoder=condition.encoder,
                size=condition.size,
                architecture=report.kind.architecture,
                trigger=str(condition.attack.trigger) if condition.attack else None,
                success=success,
                accuracy=accuracy,
                preset=preset,
                searched=min(found, default=None),
                sizes=report.comparison.sizes if report.comparison else (),
                stubbornness=report.comparison.stubbornness if report.comparison else (),
                seconds=round(time.process_time() - started, 1),
            )
        )  # fmt: skip
    return trials


def _attacked(
    condition: Condition, clean: Encoder
) -> tuple[Encoder, float | None, tuple[float, ...]]:
    """The encoder to scan, from the cache if there; success rate, accuracies before and after."""
    config = condition.attack
    if config is None:
        return clean, None, ()
    train, test = (photographs(condition.size, half, 0) for half in ("train", "test"))
    reference_3HW = photographs(condition.size, "train", 3).images_N3HW[config.seed % 64]  # fmt: skip
    path = cache_folder() / "real" / f"{condition.name}-{content_key(condition)}.safetensors"  # fmt: skip
    victim = clean.copy().named(condition.name)
    if path.exists():
        victim.module.load_state_dict(read_state(path))
    else:
        victim = attack(clean, train, reference_3HW, config)
        save_weights(victim, path)
    told = measure(victim, clean, reference_3HW, config, task=CLASS, train=train, test=test)  # fmt: skip
    return victim, told.attack_success_rate, (told.clean_accuracy, told.backdoored_accuracy)  # fmt: skip


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], _: Sequence[Condition]) -> dict[str, Any]:
    """Every trial with the answers of `run`: alone, and beside the published encoders of the others.

    Whoever scans a doubtful copy has its original, too, so a backdoored one stands beside all three.
    """
    return {"rows": [{**vars(one), **_answers(one, trials)} for one in trials]}


def _answers(trial: Trial, trials: Sequence[Trial]) -> dict[str, Any]:
    others = [
        one.searched
        for one in trials
        if one.trigger is None and one.name != trial.name and one.preset == trial.preset
    ]
    comparison = SelfComparison(sizes=trial.sizes, stubbornness=trial.stubbornness) if trial.sizes else None  # fmt: skip
    score = trial.sizes[0] if trial.sizes else None
    kind = Kind(architecture=trial.architecture, size=trial.size)
    beside = calibrate(others, source="published", kind=kind) if others else None
    config = PRESETS[trial.preset]
    return {
        "score": score,
        "prominence": comparison.prominence if comparison else None,
        "paper": "backdoored" if score and score < PAPER else "no backdoor found",
        "alone": judge(score, comparison, kind, config).answer,
        "beside": judge(score, comparison, kind, config, beside).answer,
        "clean": len(others),
    }


def tables(found: Found, language: Language) -> str:
    """A row for each encoder and preset."""
    first, run = found["rows"][0], found["run"]
    clean = {one["name"] for one in found["rows"] if one["trigger"] is None}
    about = WORDS["real.intro"].fill(
        clean=len(clean),
        bad=len({one["name"] for one in found["rows"]} - clean),
        size=first["size"],
        steps=ATTACK.steps,
        date=run["date"],
        minutes=round(sum(one["seconds"] for one in found["rows"]) / 60, 1),
    )
    heads = list(WORDS.group("real.heads").values())
    body = table(heads, map(_row, found["rows"]), language)
    return "\n".join([localize(about, language), "", *body]) + "\n"


def _row(row: Mapping[str, Any]) -> list[Text]:
    return list(_cells(row))


def _cells(row: Mapping[str, Any]) -> Iterator[Text]:
    yield row["name"].replace("efficientnet-lite", "Lite")
    before_after = [f"{100 * one:.1f}" for one in row["accuracy"]]
    yield " → ".join(before_after) or "–"
    yield "–" if row["success"] is None else f"{100 * row['success']:.1f}"
    yield row["preset"]
    yield _number(row["score"], 4)
    yield _number(row["prominence"], 2)
    yield from (WORDS[f"answers.{row[who]}"] for who in ("paper", "alone"))
    yield WORDS["real.beside"].fill(answer=WORDS[f"answers.{row['beside']}"], clean=row["clean"])  # fmt: skip


def _number(value: float | None, digits: int) -> str | Bilingual:
    return WORDS["tables.none"] if value is None else f"{value:.{digits}f}"


REAL = Study(
    home=Path(__file__).parent,
    part="real",
    about="Scan published encoders, as they came and with a planted backdoor.",
    options=RealOptions,
    trial=Trial,
    conditions=population,
    measure=measured,
    results=results,
    headline=lambda _: [],
    seeds=lambda _: [300 + number for number in range(ATTACKED)],
    tables=tables,
)
