"""The paper's fourth question: what a scan says that is made with pictures unlike those of the pre-training.

Encoders of `transfer.py` that were pre-trained on shapes are scanned with leaves, and the other way round.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_impls.decree import transfer
from reference_impls.decree.by_kind import (
    Tally,
    Trial,
    alone,
    area,
    below,
    likeness,
    read,
    size_of,
    tally,
    verdicts,
)
from reference_impls.decree.calibration import PAPER
from reference_impls.lab.bilingual import Language, Text, Words, localize
from reference_impls.lab.models.families import PICTURES, Pictures
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study

WORDS = Words.beside(__file__)
HOME = Path(__file__).parent
EACH = 12
"""Clean encoders, and backdoored ones."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One encoder of the transfer, and the pictures it is scanned with."""

    of: transfer.Condition
    pictures: Pictures

    @property
    def name(self) -> str:
        """As in the transfer."""
        return self.of.name


def own() -> dict[str, Trial]:
    """What `transfer.json` says of each encoder, by name."""
    found = json.loads((HOME / "transfer.json").read_text(encoding="utf-8"))
    return {row["name"]: read(row) for row in found["rows"]}


def population(options: StudyOptions) -> list[Condition]:
    """The first clean and the first backdoored encoders of the transfer, of those that work."""
    known, each = own(), 2 if options.quick else EACH
    every = [
        one
        for one in transfer.population(StudyOptions(seeds=options.seeds))
        if one.name in known and known[one.name].works
    ]
    return [
        Condition(of=one, pictures=_other(one.recipe.pictures))
        for role in ("clean", "backdoored")
        for one in [one for one in every if one.role == role][:each]
    ]


def _other(kind: Pictures) -> Pictures:
    return next(one for one in PICTURES if one != kind)


def measured(condition: Condition) -> list[Trial]:
    """Scan the encoder with the other pictures."""
    return transfer.measured(condition.of, condition.pictures)


def results(trials: Sequence[Trial], _: Sequence[Condition]) -> dict[str, Any]:
    """The same encoders with their own pictures and with the others."""
    known = own()
    same = [known[one.name] for one in trials]
    return {
        **{name: _summary(some) for name, some in (("own", same), ("other", trials))},
        "rows": trials,
    }


def _summary(trials: Sequence[Trial]) -> dict[str, float | Tally]:
    return {
        "area_size": area(trials, size_of),
        "area_prominence": area(trials, likeness),
        "alone": tally(trials, alone),
        "paper": tally(trials, below(PAPER)),
    }


def tables(found: Found, language: Language) -> str:
    """Both sums, and whoever is answered otherwise."""
    counts = found["own"]["alone"]
    about = WORDS["foreign.intro"].fill(
        clean=counts["clean"], bad=counts["backdoored"], date=found["run"]["date"]
    )
    heads = list(WORDS.group("foreign.heads").values())
    body = table(heads, [_row(name, found[name]) for name in ("own", "other")], language)  # fmt: skip
    changed = [f"- {line}" for line in _changed(found["rows"], language)]
    if changed:
        changed = ["", localize(WORDS["foreign.changed"], language), "", *changed]
    return "\n".join([localize(about, language), "", *body, *changed]) + "\n"


def _row(name: str, one: Mapping[str, Any]) -> list[Text]:
    return [
        WORDS[f"foreign.{name}"],
        f"{one['area_size']:.3f}",
        f"{one['area_prominence']:.3f}",
        verdicts(one["alone"]),
        verdicts(one["paper"]),
    ]


def _changed(rows: Sequence[Mapping[str, Any]], language: Language) -> Iterator[str]:
    known = own()
    for row in rows:
        trial = read(row)
        before, after = alone(known[trial.name]), alone(trial)
        if before != after:
            told = WORDS["foreign.one"].fill(
                name=trial.name,
                before=WORDS[f"answers.{before}"],
                after=WORDS[f"answers.{after}"],
                score=size_of(trial),
                prominence=-likeness(trial),
            )
            yield localize(told, language)


FOREIGN = Study(
    home=HOME,
    part="foreign",
    about="Scan encoders with pictures unlike those of their pre-training.",
    trial=Trial,
    conditions=population,
    measure=measured,
    results=results,
    headline=lambda _: [],
    seeds=lambda _: [],
    tables=tables,
)
