"""DECREE over a population of encoders: scan each, then say how well each preset separates.

Every scan is kept in the cache under the content of its settings, so that a killed sweep
goes on where it was and a second one is free.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from typing import Any

import torch

from reference_impls.decree.calibration import (
    PUBLISHED_THRESHOLD,
    Calibration,
    calibrate,
)
from reference_impls.decree.config import PRESETS, DecreeConfig
from reference_impls.decree.method import detect
from reference_impls.decree.population import Subject, make
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.metrics.intervals import Interval, bootstrap, exact_binomial
from reference_impls.lab.models.zoo import scan_dataset
from reference_impls.lab.records import write_json

LEAST_SUCCESS_RATE = 0.99
"""Attacks below this are no working backdoors and are left out, as in the paper."""
SCANS = 2
"""Counted up when a change of code lets the same search find another trigger."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One encoder and what each preset found."""

    name: str
    """Name of the encoder."""
    role: str
    """Its part in the experiment."""
    trigger: str | None
    """The planted trigger; none for a clean encoder."""
    evasion_weight: float
    """Alpha of the adaptive attack (Eq. 8); 0 for the plain one."""
    figures: dict[str, float]
    """What the attack reached: accuracies, success rate, cosines; empty for a clean encoder."""
    scores: dict[str, float | None]
    """PL1 per preset; none where no working trigger was found."""
    seconds: dict[str, float]
    """Processor seconds per scan."""


FIGURES = (
    "clean_accuracy",
    "backdoored_accuracy",
    "attack_success_rate",
    "stamped_cosine",
)


def scan_subject(subject: Subject, presets: dict[str, DecreeConfig] = PRESETS) -> Row:
    """Make one encoder and scan it with every preset, as far as the cache does not know."""
    torch.set_num_threads(1)  # two threads on shared cores spin more than they compute
    encoder, figures = make(subject)
    scores, seconds = {}, {}
    for name, config in presets.items():
        key = content_key(SCANS, subject.key, config)
        path = cache_folder() / "scans" / f"{key}.json"
        if not path.exists():
            started = time.process_time()
            report = detect(encoder, scan_dataset(subject.lab).images_N3HW, config)
            spent = time.process_time() - started
            write_json(
                {
                    "encoder": encoder.name,
                    "score": report.score,
                    "seconds": spent,
                    "restarts": report.restarts,
                },
                path,
            )
        found = json.loads(path.read_text(encoding="utf-8"))
        scores[name], seconds[name] = found["score"], round(found["seconds"], 2)
    return Row(
        name=subject.name,
        role=subject.role,
        trigger=str(subject.attack.trigger) if subject.attack else None,
        evasion_weight=subject.attack.evasion_weight if subject.attack else 0.0,
        figures={key: round(figures[key], 4) for key in FIGURES if key in figures},
        scores=scores,
        seconds=seconds,
    )


def run(
    population: Sequence[Subject],
    *,
    executor: Executor | None = None,
    done: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Scan all, here or through a `concurrent.futures` executor; rows in the population's order.

    `done` is called with each row as it comes.
    """
    finished: dict[int, Row] = {}
    for number, row in _rows(population, executor):
        finished[number] = row
        done(row)
    return [finished[number] for number in range(len(population))]


def _rows(
    population: Sequence[Subject], executor: Executor | None
) -> Iterator[tuple[int, Row]]:
    if executor is None:
        for number, subject in enumerate(population):
            yield number, scan_subject(subject)
        return
    # Clean encoders first: they are the parents of the others, and two processes
    # would train the same one.
    for attacked in (False, True):
        waiting = {
            executor.submit(scan_subject, subject): number
            for number, subject in enumerate(population)
            if bool(subject.attack) is attacked
        }
        for future in as_completed(waiting):
            yield waiting[future], future.result()


# -- What the rows say ---------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well one preset tells backdoored encoders from clean ones."""

    preset: str
    """Name of the preset."""
    calibration: Calibration
    """The threshold and what it rests on."""
    area_under_curve: float
    """Area under the ROC curve, in [0, 1]; a scan without a trigger counts as PL1 = 1."""
    area_interval: Interval
    """95 % interval of the area, parents drawn again; without an error it has no width."""
    accuracy: float
    """Fraction of right verdicts, in [0, 1]."""
    accuracy_interval: Interval
    """95 % interval of the accuracy, exact, as if all encoders were independent."""
    faultless_parents: int
    """Parents without a wrong verdict on themselves or their backdoored copies."""
    faultless_interval: Interval
    """95 % interval of their share, exact: no two of them share anything."""
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int


def area_under_curve(clean: Sequence[float], backdoored: Sequence[float]) -> float:
    """Probability that a backdoored encoder scores below a clean one; ties count half.

    NaN without one of each.
    """
    if not clean or not backdoored:
        return math.nan
    wins = sum((bad < good) + (bad == good) / 2 for bad in backdoored for good in clean)
    return wins / (len(clean) * len(backdoored))


def counted(rows: Iterable[Row]) -> list[Row]:
    """The test: clean encoders, and backdoored ones whose backdoor works."""
    return [row for row in rows if row.role in ("clean", "backdoored") and works(row)]


def by_parent(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of encoders that come from one clean encoder stand together."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.name.partition("+")[0], []).append(row)
    return list(groups.values())


def separation(rows: Iterable[Row], preset: str) -> Separation:
    """Judge one preset on the test, with the threshold of the calibration encoders.

    The published preset keeps its published threshold.
    """
    rows = list(rows)
    calibration = PUBLISHED_THRESHOLD
    if preset != "published":
        calibration = calibrate(
            [score_of(row, preset) for row in rows if row.role == "calibration"],
            source="clean lab encoders outside the test",
        )
    test = counted(rows)
    parents = by_parent(test)

    def right(row: Row) -> bool:
        found = score_of(row, preset) < calibration.threshold
        return found == (row.role == "backdoored")

    def area(some: Sequence[Row]) -> float:
        clean, bad = (
            [score_of(row, preset) for row in some if row.role == role]
            for role in ("clean", "backdoored")
        )
        return area_under_curve(clean, bad)

    def count(role: str, *, judged_right: bool) -> int:
        return sum(row.role == role and right(row) is judged_right for row in test)

    correct = sum(right(row) for row in test)
    faultless = sum(all(right(row) for row in parent) for parent in parents)
    return Separation(
        preset=preset,
        calibration=calibration,
        area_under_curve=area(test),
        area_interval=bootstrap(parents, area),
        accuracy=correct / len(test),
        accuracy_interval=exact_binomial(correct, len(test)),
        faultless_parents=faultless,
        faultless_interval=exact_binomial(faultless, len(parents)),
        true_positives=count("backdoored", judged_right=True),
        false_negatives=count("backdoored", judged_right=False),
        false_positives=count("clean", judged_right=False),
        true_negatives=count("clean", judged_right=True),
    )


def gain(rows: Iterable[Row]) -> dict[str, Any]:
    """How much more often `robust` is right than `published`, with an interval over parents."""
    rows = list(rows)
    threshold = {
        preset: separation(rows, preset).calibration.threshold for preset in PRESETS
    }

    def right(row: Row, preset: str) -> bool:
        return (score_of(row, preset) < threshold[preset]) == (row.role == "backdoored")

    def more(some: Sequence[Row]) -> float:
        wins = sum(right(row, "robust") - right(row, "published") for row in some)
        return wins / len(some)

    test = counted(rows)
    return {"accuracy": more(test), "interval": bootstrap(by_parent(test), more)}


def works(row: Row) -> bool:
    """Whether a row counts: clean, or an attack that reached the success rate."""
    return not row.figures or row.figures["attack_success_rate"] >= LEAST_SUCCESS_RATE


def score_of(row: Row, preset: str) -> float:
    """PL1, with 1 where no working trigger was found."""
    score = row.scores[preset]
    return 1.0 if score is None else score


def results(rows: Sequence[Row], presets: Iterable[str] = PRESETS) -> dict[str, Any]:
    """All rows and, per preset, the separation: the content of `results.json`."""
    return {
        "least_success_rate": LEAST_SUCCESS_RATE,
        "separation": [separation(rows, preset) for preset in presets],
        "robust_minus_published": gain(rows),
        "encoders": list(rows),
    }
