"""The command `clips`: defenses of frozen CLIPs against attacks within one budget, and signs that gradients mislead."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from reference_impls.arena.frozen import Terms, built_in, figures, met
from reference_impls.arena.matrix import frozen_cells
from reference_impls.arena.present import frozen_sections, markdown
from reference_impls.arena.published import Frozen, joined
from reference_impls.arena.registry import ATTACKS, FROZEN, WORDS
from reference_impls.lab.attacks.masking import SLACK
from reference_impls.lab.bilingual import Bilingual, Language, localize
from reference_impls.lab.models.zoo import studied_clip
from reference_impls.lab.records import write_json
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.study import Found, Study

HERE = Path(__file__).parent
FLAT = 0.5
"""Share of images without a slope from which on it is a sign."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One defense before one CLIP."""

    defense: str
    terms: Terms

    @property
    def name(self) -> str:
        """For progress."""
        return f"{self.defense}, seed {self.terms.clip.seed}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What attacks left of it."""

    defense: str
    seed: int
    figures: dict[str, float]
    """Accuracies by attack, and `flat`."""
    seconds: float
    """Processor seconds."""


def terms_of(seed: int, *, quick: bool = False, **other: Any) -> Terms:
    """What is published, of one CLIP; `quick` only shows that all of it runs."""
    terms = Terms(clip=studied_clip(seed), **other)
    if not quick:
        return terms
    suite = replace(terms.suite, steps=2, images=128)
    budget = replace(terms.budget, steps=2)
    return replace(terms, images=8, queries=4, suite=suite, budget=budget, copies=2, tuning=2)  # fmt: skip


def conditions(options: StudyOptions) -> list[Condition]:
    """Every defense before one CLIP, then before the next: they share what is made on the CLIP alone."""
    return [
        Condition(defense=one.id, terms=terms_of(seed, quick=options.quick))
        for seed in options.seeds_of()
        for one in FROZEN
    ]


def measured(condition: Condition) -> list[Trial]:
    """Put the defense up, then attack."""
    terms = condition.terms
    (defense,) = (one for one in FROZEN if one.id == condition.defense)
    setup, _ = met(terms)
    started = time.process_time()
    stands = built_in(defense.id, setup, terms)
    found = figures(stands, terms, draws=defense.draws, searched=defense.searched)
    seconds = round(time.process_time() - started, 1)
    rounded = {name: round(value, 4) for name, value in found.items()}
    return [Trial(defense=defense.id, seed=setup.seed, figures=rounded, seconds=seconds)]  # fmt: skip


# -- What the trials say -------------------------------------------------------------


def sign(found: Mapping[str, float]) -> Bilingual | None:
    """What speaks for masked gradients, from mean accuracies by attack and the share `flat`; None if nothing does."""
    if found["flat"] >= FLAT:
        return WORDS["masking.flat"].fill(share=found["flat"])
    small = [one for one in ATTACKS if one.id in found and not one.sparse]
    blind = [one for one in small if one.kind in ("control", "universal", "black-box")]
    black = min(blind, key=lambda one: found[one.id])
    white = min(found[one.id] for one in small if one.kind == "white-box")
    if found[black.id] + SLACK >= white:
        return None
    return WORDS["masking.beaten"].fill(
        attack=black.label, black=found[black.id], white=white
    )


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each figure, over seeds."""
    return {name: mean(row[name] for row in rows) for name in rows[0]}


def read(found: Found) -> Frozen:
    """Cells and warnings from the content of `clips.json`."""
    trials, terms = CLIPS.read(found["rows"]), found["settings"]
    by_defense = {
        one.id: [trial.figures for trial in trials if trial.defense == one.id]
        for one in FROZEN
    }
    signs = {name: sign(means(held)) for name, held in by_defense.items() if held}
    task = f"{terms['task']} {round(255 * terms['budget']['epsilon'])}/255"
    return Frozen(
        found=frozen_cells({(one.defense, one.seed): one.figures for one in trials}, task),
        warnings={name: told for name, told in signs.items() if told},
        run=found["run"],
    )  # fmt: skip


def tables(found: Found, language: Language) -> str:
    """The README's part."""
    frozen, run, terms = read(found), found["run"], found["settings"]
    about = WORDS["tables.clips"].fill(
        seeds=len({seed for cell in frozen.found for seed in cell.seeds}),
        torch=run["versions"]["torch"],
        **{name: terms[name] for name in ("images", "queries")},
        **{name: run[name] for name in ("date", "command", "device", "threads")},
    )
    parts = frozen_sections(frozen.found, frozen.warnings)
    return f"{localize(about, language)}\n\n{markdown(parts, language)}"


def clips_of(folder: Path) -> Frozen | None:
    """What the committed `clips.json` holds, if there is one."""
    path = folder / CLIPS.file
    return read(json.loads(path.read_text("utf-8"))) if path.exists() else None


def publish(found: Found, folder: Path) -> None:
    """Put the figures into the website's `arena.json`, if they are the committed ones."""
    path = HERE.parent / "arena.json"
    if folder == HERE:
        write_json(joined(json.loads(path.read_text("utf-8")), read(found)), path)


def results(trials: Sequence[Trial], asked: Sequence[Condition]) -> Found:
    """All trials, and the terms of the first."""
    return {"settings": asked[0].terms, "rows": trials}


CLIPS = Study(
    home=HERE,
    part="clips",
    about="Measure defenses of frozen CLIPs; --publish adds them to the website's matrix.",
    trial=Trial,
    conditions=conditions,
    measure=measured,
    results=results,
    headline=lambda _: [],
    seeds=lambda trials: [one.seed for one in trials],
    tables=tables,
    more=publish,
)
