"""What is measured: a population of clean and backdoored encoders, each scanned with every preset."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reference_impls.decree import by_kind, transfer, transfer_chart
from reference_impls.decree.calibration import Kind, calibrate, save, search_key
from reference_impls.decree.chart import charts
from reference_impls.decree.config import PRESETS, ROBUST
from reference_impls.decree.foreign import FOREIGN
from reference_impls.decree.method import smallest_patch
from reference_impls.decree.population import (
    CONFIRMATION,
    DEVELOPMENT,
    QUICK,
    Condition,
    conditions,
    make,
)
from reference_impls.decree.real import REAL
from reference_impls.decree.separation import (
    LEAST_SUCCESS_RATE,
    Trial,
    by_parent,
    counted,
    gain,
    separation,
    works,
)
from reference_impls.lab.bilingual import Bilingual, Language, Text, Words, localize
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.metrics.intervals import Interval
from reference_impls.lab.models.zoo import clean_encoder, scan_dataset
from reference_impls.lab.records import write_json
from reference_impls.lab.study.headline import figure, published
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Prepare, Study

WORDS = Words.beside(__file__)
FIGURES = (
    "clean_accuracy",
    "backdoored_accuracy",
    "attack_success_rate",
    "stamped_cosine",
)
LAB_KIND = Kind(architecture="batchnorm", size=32)
THEIRS = {"found": (330, 333), "flagged": (2, 111)}
"""Table 3, "Summary", the three attack targets together; the same 111 clean encoders stand against each."""


@dataclass(frozen=True, kw_only=True)
class PopulationOptions(StudyOptions):
    """Of the command `study`."""

    development: bool = False
    """The population that the presets were built on, instead of the one that confirms them."""


# -- Measuring -----------------------------------------------------------------------


def population(options: PopulationOptions) -> list[Condition]:
    """Those that set the threshold, then the test; seeds are the parents'.

    Raises:
        ConfigError: no parent has one of the seeds.
    """
    config = DEVELOPMENT if options.development else CONFIRMATION
    every = conditions(QUICK if options.quick else config)
    known = {one.parent.seed for one in every if one.role == "clean"}
    if unknown := set(options.seeds) - known:
        raise ConfigError(
            f"no parent has seed {min(unknown)}; they have {min(known)} to {max(known)}"
        )
    chosen = set(options.seeds) or known
    return [o for o in every if o.role == "calibration" or o.parent.seed in chosen]


def parents(asked: Sequence[Condition]) -> list[list[Prepare]]:
    """The clean encoders: two processes would train the same one."""
    distinct = {(one.parent.seed, one.lab.seed): one for one in asked}.values()
    return [[partial(clean_encoder, one.parent, one.lab) for one in distinct]]


def measured(condition: Condition) -> list[Trial]:
    """Make the encoder, and scan it with every preset."""
    encoder, figures = make(condition)
    images_N3HW = scan_dataset(condition.lab).images_N3HW
    scores, seconds = {}, {}
    for name, config in condition.presets.items():
        started = time.process_time()
        scores[name] = smallest_patch(encoder, images_N3HW, config)
        seconds[name] = round(time.process_time() - started, 2)
    attack = condition.attack
    return [
        Trial(
            name=condition.name,
            role=condition.role,
            trigger=str(attack.trigger) if attack else None,
            evasion_weight=attack.evasion_weight if attack else 0.0,
            figures={key: round(figures[key], 4) for key in FIGURES if key in figures},
            scores=scores,
            seconds=seconds,
        )
    ]


# -- What the trials say -------------------------------------------------------------


def results(trials: Sequence[Trial], _: Sequence[Condition]) -> dict[str, Any]:
    """All rows and, per preset, the separation."""
    return {
        "least_success_rate": LEAST_SUCCESS_RATE,
        "separation": [separation(trials, preset) for preset in PRESETS],
        "robust_minus_published": gain(trials),
        "processor_seconds": {
            preset: round(sum(one.seconds[preset] for one in trials), 1)
            for preset in PRESETS
        },
        "rows": trials,
    }


def headline(found: Found) -> list[dict[str, Any]]:
    """Other kinds of encoders, then the default preset on the lab's, then the published one beside the authors' figures."""
    path = TRANSFER.home / TRANSFER.file
    carried = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    first = by_kind.headline(carried) if carried else []
    own = (one for judged in reversed(found["separation"]) for one in _figures(judged))
    return [*first, *own]


def _figures(judged: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    bad = judged["true_positives"] + judged["false_negatives"]
    good = judged["true_negatives"] + judged["false_positives"]
    setting = WORDS["headline.preset"].fill(preset=judged["preset"])
    for name, part, whole in (
        ("found", judged["true_positives"], bad),
        ("flagged", judged["false_positives"], good),
    ):
        theirs = published(
            _share(*THEIRS[name]),
            "arXiv:2303.15180, Table 3",
            setting=WORDS["headline.theirs"],
        )
        yield figure(
            WORDS[f"headline.{name}"],
            _share(part, whole),
            unit="%",
            n=whole,
            better="higher" if name == "found" else "lower",
            setting=setting,
            published=theirs if judged["preset"] == "published" else None,
        )
    yield figure(
        WORDS["headline.area"],
        round(judged["area_under_curve"], 3),
        n=bad + good,
        better="higher",
        setting=setting,
    )


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1)


def tables(found: Found, language: Language) -> str:
    """How well each preset separates, and what it says of the hard cases."""
    trials, separations = STUDY.read(found["rows"]), found["separation"]
    gained = found["robust_minus_published"]
    points = dict(
        zip(
            ("mean", "low", "high"),
            (gained["accuracy"], *gained["interval"]),
            strict=True,
        )
    )
    signed = {name: f"{100 * value:+.1f}" for name, value in points.items()}
    heads = list(WORDS.group("heads").values())
    groups = len(by_parent(counted(trials)))
    lines = [
        localize(_intro(trials), language),
        "",
        *table(heads, (_separation_row(o, groups) for o in separations), language),
        "",
        localize(WORDS["tables.gain"].fill(**signed), language),
    ]
    if hard := [one for one in trials if one.role == "hard"]:
        presets = [one["preset"] for one in separations]
        kinds = WORDS["tables.trigger"], WORDS["tables.attack"], "ASR", *presets
        rows = [_hard_row(one, separations) for one in hard]
        told = localize(WORDS["tables.hard"], language)
        lines += ["", told, "", *table(kinds, rows, language)]
    return "\n".join(lines) + "\n"


def _intro(trials: Sequence[Trial]) -> Bilingual:
    test = counted(trials)
    bad = [one for one in test if one.role == "backdoored"]
    dropped = sum(one.role == "backdoored" and not works(one) for one in trials)
    return WORDS["tables.intro"].fill(
        clean=len(test) - len(bad),
        bad=len(bad),
        parents=len(by_parent(test)),
        attacked=len(by_parent(bad)),
        dropped=dropped,
        attacks=dropped + len(bad),
        calibrated=sum(one.role == "calibration" for one in trials),
    )


def _separation_row(judged: Mapping[str, Any], groups: int) -> list[Text]:
    low, high = judged["area_interval"]
    faultless = WORDS["tables.faultless"].fill(
        found=judged["faultless_parents"],
        parents=groups,
        interval=_percent(judged["faultless_interval"]),
    )
    counts = (
        "true_positives",
        "false_negatives",
        "false_positives",
        "true_negatives",
    )
    return [
        judged["preset"],
        f"{judged['calibration']['threshold']:.4f}",
        f"{judged['area_under_curve']:.3f} [{low:.3f}, {high:.3f}]",
        f"{judged['accuracy']:.1%} {_percent(judged['accuracy_interval'])}",
        *(str(judged[name]) for name in counts),
        faultless,
    ]


def _percent(interval: Interval) -> str:
    return f"[{interval[0]:.0%}, {interval[1]:.0%}]"


def _hard_row(trial: Trial, separations: Sequence[Mapping[str, Any]]) -> list[Text]:
    attack = WORDS["tables.plain"]
    if trial.evasion_weight:
        attack = WORDS["tables.adaptive"].fill(alpha=trial.evasion_weight)
    rate = f"{trial.figures['attack_success_rate']:.3f}"
    verdicts = (_verdict(trial, judged) for judged in separations)
    return [trial.trigger or "", attack, rate, *verdicts]


def _verdict(trial: Trial, judged: Mapping[str, Any]) -> Bilingual:
    score = trial.scores[judged["preset"]]
    flagged = score is not None and score < judged["calibration"]["threshold"]
    number = WORDS["tables.none"] if score is None else f"{score:.4f}"
    return WORDS[f"tables.{'found' if flagged else 'missed'}"].fill(score=number)


def _seeds(trials: Sequence[Trial]) -> list[int]:
    names = [re.match(r"[a-z]+-([0-9]+)", one.name) for one in trials if works(one)]
    return sorted({int(name[1]) for name in names if name})


def save_calibration(found: Found, folder: Path) -> None:
    """Write what the default preset found in the clean encoders outside the test."""
    clean = found["separation"][-1]["calibration"]["clean_scores"]
    save(
        calibrate(
            clean,
            source=f"{len(clean)} clean lab encoders outside the test",
            kind=LAB_KIND,
            search=search_key(ROBUST),
        ),
        folder / "calibration.json",
    )


def save_headline(_: Found, folder: Path) -> None:
    """Write the headline of `results.json` anew: the transfer comes first in it."""
    path = folder / "results.json"
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        write_json(found | {"headline": headline(found)}, path)


TRANSFER = Study(
    home=Path(__file__).parent,
    part="transfer",
    about="Measure how far thresholds carry: encoders of five architectures, pre-trained in four ways.",
    trial=by_kind.Trial,
    conditions=transfer.population,
    chain=lambda condition: condition.recipe.name,
    measure=transfer.measured,
    results=lambda trials, _: by_kind.results(trials, transfer.known()),
    headline=lambda _: [],
    seeds=by_kind.seeds,
    tables=by_kind.tables,
    charts=transfer_chart.charts,
    more=save_headline,
)
STUDY = Study(
    home=Path(__file__).parent,
    trial=Trial,
    options=PopulationOptions,
    conditions=population,
    prepare=parents,
    measure=measured,
    results=results,
    headline=headline,
    seeds=_seeds,
    tables=tables,
    charts=charts,
    more=save_calibration,
    parts=(TRANSFER, FOREIGN, REAL),
)
