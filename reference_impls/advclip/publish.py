"""The study as a command: measure, then write results, picture, and the README's tables."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

import torch

from reference_impls.advclip.chart import pictures
from reference_impls.advclip.downstream import PROBE, TO_IMAGE, TO_TEXT, ZERO_SHOT
from reference_impls.advclip.headline import headline
from reference_impls.advclip.present import grid
from reference_impls.advclip.run import lab_victim
from reference_impls.advclip.study import MAIN, QUICK, TASK, Plan, Row, craft, study
from reference_impls.advclip.tables import tables
from reference_impls.lab.attacks.universal import load
from reference_impls.lab.data.images import save_png
from reference_impls.lab.files import replacing
from reference_impls.lab.models.zoo import LabData, test_dataset
from reference_impls.lab.records import surroundings, today, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.chart import redraw
from reference_impls.lab.study.fleet import workers
from reference_impls.lab.study.readme import READMES, insert

HERE = Path(__file__).parent
START, END = "<!-- results: made by `publish` -->", "<!-- end of results -->"
SHOWN = (
    "fooling",
    *(
        f"{TASK}/{classifier}/{figure}"
        for classifier in (ZERO_SHOT, PROBE)
        for figure in ("before", "after", "fooling")
    ),
    *(
        f"{way}/R@1/{figure}"
        for way in (TO_TEXT, TO_IMAGE)
        for figure in ("before", "after")
    ),
)
"""Figures of a row that are kept where not all are shown."""


def publish(*, quick: bool, jobs: int, out: Path | None) -> None:
    """Measure everything; write `results.json`, the chart, `patches.png` and the tables."""
    started, plan = time.monotonic(), QUICK if quick else Plan()
    with workers(jobs) as executor, console.progress("study") as step:
        measured = study(
            plan,
            executor=executor,
            done=lambda finished, total: step(finished, total, "pieces"),
        )
    rows = [slim(row) for row in measured]
    seconds = time.monotonic() - started
    about = surroundings(device=torch.device("cpu"), seconds=seconds)
    date = today()
    found = {
        "plan": plan,
        "settings": plan.changes,
        "rows": [asdict(row) for row in rows],
        "date": date,
        "run": about,
    }
    found = headline(rows, about) | found
    folder = out or HERE
    write_json(found, folder / "results.json")
    redraw(folder, pictures)
    save_png(_pictures(plan), folder / "patches.png", scale=4)
    for language, name in READMES.items():
        text = tables(rows, plan, language, date, about)
        if out is None:
            insert(HERE / name, text, start=START, end=END)
        else:
            with replacing(folder / name) as new:
                new.write_text(text, encoding="utf-8")
    console.answer(tables(rows, plan, "en", date, about))


def _pictures(plan: Plan) -> torch.Tensor:
    """Eight test images, and the same under the main patch of the first victim."""
    victim = plan.victims[0]
    lab_victim(victim)
    path, _ = craft(victim, plan.changes[MAIN])
    shown_N3HW = test_dataset(LabData()).images_N3HW[:8]
    return grid(shown_N3HW, load(path).apply(shown_N3HW))


def slim(row: Row) -> Row:
    """The row with the figures that are shown: all of the main change at home, a few elsewhere."""
    if (row.change, row.made_on, row.defense) == (MAIN, row.victim, "none"):
        return row
    kept = {name: row.figures[name] for name in SHOWN if name in row.figures}
    return replace(row, figures=kept)
