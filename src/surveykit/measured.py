"""What was measured here: the part of `results.json` and `arena.json` that readers are shown.

The files are written by programs (`reference_impls`) and read as data. Numbers stand as they are to be
printed: whoever writes them rounds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticKnownError

from surveykit.models import Bilingual, Model
from surveykit.scalars import (
    Command,
    Day,
    MethodId,
    PaperId,
    PlainText,
    Slug,
    Source,
    Unit,
)

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0)]
Better = Literal["higher", "lower"]


class Published(Model):
    """The figure that the authors report, under their conditions."""

    value: Number
    """The figure, in the unit of the measured one."""
    setting: Bilingual | None = None
    """Their conditions: data, model, number of runs."""
    source: Source
    """Where it stands: `arXiv:2303.15180, Table 1`."""


class Figure(Model):
    """One measured figure."""

    label: Bilingual
    """What was measured."""
    value: Number
    """The figure, rounded for print; a mean where there are several runs."""
    sd: Number | None = None
    """Standard deviation over the runs, in the unit of the figure."""
    n: Count | None = None
    """Number of runs, models or images behind it."""
    unit: Unit = ""
    """Symbol that needs no translation: `%`, `s`; empty for a pure number."""
    better: Better
    """Which way is good for who runs the method: `higher` or `lower`."""
    setting: Bilingual | None = None
    """Under which conditions, where the figures differ in them."""
    published: Published | None = None
    """The authors' figure that comes nearest; absent where there is none to compare with."""


class Run(Model):
    """What a reader needs to repeat and to judge figures."""

    command: Command
    """One line that makes the figures again, from the root of the repository."""
    seeds: tuple[Seed, ...] = ()
    """Seeds of the runs."""
    hardware: PlainText
    """What it ran on: `CPU, 2 cores, 1 thread`, `NVIDIA H200`."""
    hardware_zh: PlainText | None = None
    """The same in Chinese, if there are words in it: `2 核 CPU，单线程`."""
    versions: Mapping[PlainText, PlainText]
    """Package -> version."""

    def machine(self, lang: str) -> str:
        """What it ran on, for readers of `lang`."""
        return self.hardware_zh if lang == "zh" and self.hardware_zh else self.hardware


class Provenance(Run):
    """How the figures came about: what a reader needs to repeat and to judge them."""

    date: Day
    """Day of the run, `2026-11-20`."""


class Results(Model):
    """`reference_impls/<id>/results.json`: its summary. Other keys of the file are the method's own."""

    model_config = ConfigDict(extra="ignore")

    headline: Annotated[tuple[Figure, ...], Field(min_length=1)]
    """The figures that a reader should see first, the most telling one first."""
    provenance: Provenance
    """How they came about."""


class Contender(Model):
    """An attack or a defense of the arena."""

    id: Slug
    """Id inside the arena; used in the cells."""
    label: Bilingual
    """Name shown to readers."""
    paper: PaperId | None = None
    """Entry of the catalog that it comes from."""
    card: MethodId | None = None
    """Method of `reference_impls/` that runs it."""
    warning: Bilingual | None = None
    """Of a defense: why its figures may promise too much, such as signs of masked gradients; it gets no rank."""


def arena_path(name: str) -> str:
    """The file of an arena."""
    return f"reference_impls/arena{'-' * bool(name)}{name}.json"


MOST_CELLS = 20_000


def _not_too_many(cells: Any) -> Any:
    """Refuse a list that is too long before its items are read: each may be wrong in six ways, and all are collected."""
    if isinstance(cells, list | tuple) and len(cells) > MOST_CELLS:
        told = {
            "field_type": "Tuple",
            "max_length": MOST_CELLS,
            "actual_length": len(cells),
        }
        raise PydanticKnownError("too_long", told)
    return cells


class Cell(Model):
    """One figure of one attack against one defense."""

    row: Slug
    """Id of a row."""
    column: Slug
    """Id of a column."""
    metric: Bilingual
    """What was measured; cells of one metric make one table."""
    value: Number
    """The figure, rounded for print; a mean where there are several runs."""
    sd: Number | None = None
    """Standard deviation over the runs."""
    n: Count | None = None
    """Number of runs."""
    unit: Unit = ""
    """As in a headline."""
    better: Better
    """Which way is good for the defender: `higher` or `lower`."""


class NotRun(Model):
    """Why attacks did not meet defenses."""

    rows: Annotated[tuple[Slug, ...], Field(max_length=200)]
    """Ids of the attacks."""
    columns: Annotated[tuple[Slug, ...], Field(max_length=200)]
    """Ids of the defenses."""
    why: Bilingual
    """The reason, for those pairs of them that have no figure."""


class Further(Provenance):
    """A later run that added figures."""

    about: Bilingual
    """Which of the figures are its."""


class Arena(Run):
    """`reference_impls/arena.json` and `arena-<name>.json`: attacks run against defenses on the same models."""

    model_config = ConfigDict(extra="ignore")

    schema_version: Literal[1]
    """1; raised when a key changes its meaning or goes away."""
    title: Bilingual | None = None
    """What it is about, as the heading of its page: `Seedlings`; that of `arena-<name>.json` has one."""
    lead: Bilingual | None = None
    """One or two sentences below the heading."""
    generated_at: PlainText
    """Day or time of the run."""
    rows: Annotated[tuple[Contender, ...], Field(max_length=200)]
    """The attacks, in the order in which they are shown."""
    columns: Annotated[tuple[Contender, ...], Field(max_length=200)]
    """The defenses, in the order in which they are shown."""
    cells: Annotated[
        tuple[Cell, ...], Field(max_length=MOST_CELLS), BeforeValidator(_not_too_many)
    ]
    """The figures; a pair without one was not run."""
    missing: Annotated[tuple[NotRun, ...], Field(max_length=200)] = ()
    """Why pairs were not run; the first that names both counts."""
    further: Annotated[tuple[Further, ...], Field(max_length=20)] = ()
    """Runs whose figures are among the cells, too."""

    def why(self, row: str, column: str) -> Bilingual | None:
        """Why a pair has no figure, where that is told."""
        told = (one.why for one in self.missing if row in one.rows and column in one.columns)  # fmt: skip
        return next(told, None)
