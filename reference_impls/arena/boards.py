"""A board: a page of the arena that a YAML file describes and trials fill, one row against one column on one seed.

The file says who meets whom and why some do not meet; `study` measures, keeps each trial, and writes the README's
tables and, with `--publish`, the website's `reference_impls/arena-<name>.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from reference_impls.lab.bilingual import (
    LAB,
    Bilingual,
    Language,
    Text,
    listed,
    localize,
)
from reference_impls.lab.cache import content_key
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.records import as_data, write_json
from reference_impls.lab.study.headline import ran_on
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.study import Found, Study

HERE = Path(__file__).parent
SCHEMA_VERSION = 1


def _both(text: str | Mapping[str, str]) -> Bilingual:
    return Bilingual(text, text) if isinstance(text, str) else Bilingual(**text)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A row or a column."""

    id: str
    label: Bilingual
    card: str | None = None
    """Folder of the method that runs it."""
    paper: str | None = None
    """Entry of the catalog that it runs."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a table shows."""

    id: str
    label: Bilingual
    better: Literal["higher", "lower"]
    """What a defender wants."""
    unit: Literal["%", ""] = "%"
    """Of print: shares become percent; what has none keeps three digits."""

    @property
    def scale(self) -> tuple[int, int]:
        """By what a figure is multiplied for print, and how many digits it keeps."""
        return (100, 1) if self.unit else (1, 3)


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Why some pairs have no figure."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    why: Bilingual


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one row against one column gave on one seed."""

    row: str
    column: str
    seed: int
    figures: dict[str, float]
    """By id of the metric; a metric that does not apply is absent."""
    seconds: float
    """Processor seconds."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """One page of the arena."""

    name: str
    """Of its command, of `<name>.yaml` and `<name>.json` beside this file, and of the website's `arena-<name>.json`."""
    about: str
    """What its command is for, in one sentence."""
    conditions: Callable[[StudyOptions], Sequence[Any]]
    measure: Callable[[Any], Sequence[Trial]]
    """Runs in a worker process; its trials are kept under the content of its condition."""
    settings: Callable[[Sequence[Any]], Mapping[str, Any]]
    """Of the published JSON, from the conditions."""
    chain: Callable[[Any], Hashable] = content_key
    """Conditions with the same answer share work, so they stay in one process."""
    version: int = 1
    """Counted up when a change of code makes the same condition give another outcome."""

    @cached_property
    def _file(self) -> dict[str, Any]:
        read: dict[str, Any] = yaml.safe_load((HERE / f"{self.name}.yaml").read_text("utf-8"))  # fmt: skip
        return read

    def _contenders(self, part: str) -> tuple[Contender, ...]:
        return tuple(Contender(**one | {"label": _both(one["label"])}) for one in self._file[part])  # fmt: skip

    @cached_property
    def rows(self) -> tuple[Contender, ...]:
        """The attacks."""
        return self._contenders("rows")

    @cached_property
    def columns(self) -> tuple[Contender, ...]:
        """The defenses."""
        return self._contenders("columns")

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured, a table each."""
        return tuple(Metric(**one | {"label": _both(one["label"])}) for one in self._file["metrics"])  # fmt: skip

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """Why pairs have no figure; the first that names both counts."""
        return tuple(
            Missing(rows=tuple(one["rows"]), columns=tuple(one["columns"]), why=_both(one["why"]))
            for one in self._file.get("missing", ())
        )  # fmt: skip

    @cached_property
    def study(self) -> Study[Any, Trial]:
        """Its command, and what it writes."""
        return Study(
            home=HERE,
            part=self.name,
            about=self.about,
            trial=Trial,
            conditions=self.conditions,
            measure=self.measure,
            results=lambda trials, asked: {"settings": self.settings(asked), "rows": trials},
            headline=lambda _: [],
            seeds=lambda trials: [one.seed for one in trials],
            tables=self.tables,
            more=self._publish,
            version=self.version,
            chain=self.chain,
        )  # fmt: skip

    # -- What the trials say -----------------------------------------------------------

    def figures(self, found: Found) -> dict[tuple[str, str, str], dict[int, float]]:
        """Figures by seed, of each metric, row and column, in the order of the file."""
        rows: list[Trial] = self.study.read(found["rows"])
        held: dict[tuple[str, str, str], dict[int, float]] = {}
        for metric in self.metrics:
            for row in self.rows:
                for column in self.columns:
                    met = {
                        one.seed: one.figures[metric.id]
                        for one in rows
                        if (one.row, one.column) == (row.id, column.id)
                        and metric.id in one.figures
                    }
                    if met:
                        held[metric.id, row.id, column.id] = met
        return held

    def published(self, found: Found) -> dict[str, Any]:
        """What the website reads: `docs/format.md`, section Arena."""
        run = found["run"]
        return {
            "schema_version": SCHEMA_VERSION,
            "title": as_data(_both(self._file["title"])),
            "lead": as_data(_both(self._file["lead"])),
            "generated_at": run["date"],
            "command": run["command"],
            **ran_on(run),
            "versions": run["versions"],
            "seeds": sorted({one["seed"] for one in found["rows"]}),
            "rows": [_named(one) for one in self.rows],
            "columns": [_named(one) for one in self.columns],
            "cells": [
                self._cell(*key, values) for key, values in self.figures(found).items()
            ],
            "missing": as_data(self.missing),
        }

    def _cell(
        self, metric: str, row: str, column: str, values: Mapping[int, float]
    ) -> dict[str, Any]:
        (what,) = (one for one in self.metrics if one.id == metric)
        scale, digits = what.scale
        spread = MeanStd.of(list(values.values()))
        several = {"sd": round(scale * spread.std, digits)} if spread.count > 1 else {}
        return {
            "row": row,
            "column": column,
            "metric": as_data(what.label),
            "value": round(scale * spread.mean, digits),
            **several,
            "n": spread.count,
            **({"unit": what.unit} if what.unit else {}),
            "better": what.better,
        }

    def _publish(self, found: Found, folder: Path) -> None:
        """Write the website's file, if these are the committed figures."""
        if folder == HERE:
            write_json(self.published(found), HERE.parent / f"arena-{self.name}.json")

    def tables(self, found: Found, language: Language) -> str:
        """The README's part: a table for each metric, rows against columns."""
        held, run = self.figures(found), found["run"]
        seeds = {one["seed"] for one in found["rows"]}
        about = LAB["board.about"].fill(
            seeds=len(seeds),
            torch=run["versions"]["torch"],
            **{name: run[name] for name in ("date", "command", "device", "threads")},
        )
        lines = [localize(about, language), ""]
        for metric in self.metrics:
            columns = [c for c in self.columns if any((metric.id, r.id, c.id) in held for r in self.rows)]  # fmt: skip
            body: list[list[Text]] = []
            for row in self.rows:
                met = [held.get((metric.id, row.id, c.id)) for c in columns]
                if any(met):
                    shown = (str(MeanStd.of(list(v.values()))) if v else "–" for v in met)  # fmt: skip
                    body.append([row.label, *shown])
            heads: list[Text] = ["", *(one.label for one in columns)]
            title = localize(metric.label, language)
            lines += [f"### {title}", "", *table(heads, body, language), ""]
        for one in self.missing:
            names = [
                listed(c.label for c in known if c.id in ids)
                for known, ids in ((self.rows, one.rows), (self.columns, one.columns))
            ]
            told = LAB["board.missing"].fill(
                rows=names[0], columns=names[1], why=one.why
            )
            lines += [localize(told, language), ""]
        return "\n".join(lines)


def _named(one: Contender) -> dict[str, Any]:
    label = Bilingual(one.label.en[:1].upper() + one.label.en[1:], one.label.zh)
    links = {"paper": one.paper, "card": one.card}
    held = {name: value for name, value in links.items() if value}
    return {"id": one.id, "label": as_data(label), **held}
