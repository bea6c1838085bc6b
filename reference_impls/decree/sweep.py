"""DECREE over a population of encoders: scan each, then say how well each preset separates.

Every scan is kept in the cache under the content of its settings, so that a killed sweep
goes on where it was and a second one is free.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
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
from reference_impls.lab.errors import DeviceError
from reference_impls.lab.report import write_json
from reference_impls.lab.zoo import scan_world

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
            report = detect(encoder, scan_world(subject.lab).images_N3HW, config)
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
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BrokenExecutor as error:
            raise DeviceError(
                "a worker process died (out of memory?); what was finished is kept, run it again"
            ) from error


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
    accuracy: float
    """Fraction of right verdicts, in [0, 1]."""
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int


def area_under_curve(clean: Sequence[float], backdoored: Sequence[float]) -> float:
    """Probability that a backdoored encoder scores below a clean one; ties count half."""
    wins = sum((bad < good) + (bad == good) / 2 for bad in backdoored for good in clean)
    return wins / (len(clean) * len(backdoored))


def separation(rows: Iterable[Row], preset: str) -> Separation:
    """Judge one preset on the test, with the threshold of the calibration encoders.

    The published preset keeps its published threshold.
    """
    by_role: dict[str, list[float]] = {"calibration": [], "clean": [], "backdoored": []}
    for row in rows:
        if row.role in by_role and works(row):
            by_role[row.role].append(score_of(row, preset))
    calibration = PUBLISHED_THRESHOLD
    if preset != "published":
        calibration = calibrate(
            by_role["calibration"], source="clean lab encoders outside the test"
        )
    found = sum(score < calibration.threshold for score in by_role["backdoored"])
    wrong = sum(score < calibration.threshold for score in by_role["clean"])
    bad, good = len(by_role["backdoored"]), len(by_role["clean"])
    return Separation(
        preset=preset,
        calibration=calibration,
        area_under_curve=area_under_curve(by_role["clean"], by_role["backdoored"]),
        accuracy=(found + good - wrong) / (good + bad),
        true_positives=found,
        false_negatives=bad - found,
        false_positives=wrong,
        true_negatives=good - wrong,
    )


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
        "encoders": list(rows),
    }
