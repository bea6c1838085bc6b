"""The sweep as a command: run the population, write results, table and picture."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import torch

from reference_impls.decree import calibration
from reference_impls.decree.chart import draw
from reference_impls.decree.headline import headline
from reference_impls.decree.population import QUICK, Plan, subjects
from reference_impls.decree.sweep import Row, Separation, results, run, works
from reference_impls.lab import console
from reference_impls.lab.report import surroundings, write_json

HERE = Path(__file__).parent
START, END = "<!-- results: made by `sweep --publish` -->", "<!-- end of results -->"


def sweep(*, quick: bool, jobs: int, out: Path, publish: bool) -> None:
    """Scan a population; write `results.json`, `results.svg`, `results.md`, `calibration.json`."""
    started = time.monotonic()
    population = subjects(QUICK if quick else Plan())
    # Spawned, because a forked child of a threaded torch can hang.
    pool = (
        ProcessPoolExecutor(jobs, get_context("spawn")) if jobs > 1 else nullcontext()
    )
    with pool as executor, console.progress("sweep") as step:
        finished: list[str] = []

        def done(row: Row) -> None:
            finished.append(row.name)
            step(len(finished), len(population), row.name)

        rows = run(population, executor=executor, done=done)
    about = surroundings(device=torch.device("cpu"), seconds=time.monotonic() - started)
    found = results(rows)
    found |= headline(rows, found["separation"], about) | {
        "run": about | {"processor_seconds": _seconds(rows)}
    }
    separations: list[Separation] = found["separation"]
    for folder in [out, *([HERE] if publish else [])]:
        write_json(found, folder / "results.json")
        calibration.save(separations[-1].calibration, folder / "calibration.json")
        (folder / "results.svg").write_text(draw(rows, separations), encoding="utf-8")
    (out / "results.md").write_text(table(rows, separations), encoding="utf-8")
    if publish:
        insert(HERE / "README.md", table(rows, separations))
    console.answer(table(rows, separations))


def _seconds(rows: Iterable[Row]) -> dict[str, float]:
    total: dict[str, float] = {}
    for row in rows:
        for preset, seconds in row.seconds.items():
            total[preset] = round(total.get(preset, 0.0) + seconds, 1)
    return total


# -- Markdown ------------------------------------------------------------------------


def table(rows: Sequence[Row], separations: Sequence[Separation]) -> str:
    """The results for the README."""
    kept = [row for row in rows if works(row)]
    count = {
        role: sum(row.role == role for row in kept)
        for role in ("calibration", "clean", "backdoored")
    }
    dropped = [row for row in rows if not works(row) and row.role == "backdoored"]
    seeds = len(
        {row.name.partition("+")[0] for row in kept if row.role == "backdoored"}
    )
    lines = [
        f"{count['clean']} clean and {count['backdoored']} backdoored encoders (from {seeds} seeds; attack success "
        f"rate at least 99 %, {len(dropped)} of {len(dropped) + count['backdoored']} attacks fell short and are left "
        f"out); τ of `robust` from {count['calibration']} clean encoders outside the test.",
        "",
        "| preset | τ | AUC | accuracy | found | missed | false alarms | right silences |",
        "|---|---|---|---|---|---|---|---|",
        *(_separation_row(judged) for judged in separations),
        *_hard_cases([row for row in rows if row.role == "hard"], separations),
    ]
    return "\n".join(lines) + "\n"


def _hard_cases(
    rows: Sequence[Row], separations: Sequence[Separation]
) -> Iterable[str]:
    if not rows:
        return
    presets = " | ".join(judged.preset for judged in separations)
    yield from ("", "Hard cases, not counted above:", "")
    yield f"| trigger | attack | ASR | {presets} |"
    yield "|---|---|---|" + "---|" * len(separations)
    yield from (_hard_row(row, separations) for row in rows)


def _separation_row(judged: Separation) -> str:
    cells = (
        judged.preset,
        f"{judged.calibration.threshold:.4f}",
        f"{judged.area_under_curve:.3f}",
        f"{judged.accuracy:.1%}",
        judged.true_positives,
        judged.false_negatives,
        judged.false_positives,
        judged.true_negatives,
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _hard_row(row: Row, separations: Sequence[Separation]) -> str:
    attack = f"adaptive, α = {row.evasion_weight:g}" if row.evasion_weight else "plain"
    cells = [row.trigger, attack, f"{row.figures['attack_success_rate']:.3f}"]
    for judged in separations:
        score = row.scores[judged.preset]
        found = score is not None and score < judged.calibration.threshold
        cells.append(
            f"{'none' if score is None else f'{score:.4f}'} {'found' if found else 'missed'}"
        )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def insert(readme: Path, text: str) -> None:
    """Put the results between the markers of a README."""
    before, _, rest = readme.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}\n{text}{END}{after}", encoding="utf-8")
