"""A method whose table is settings × measures: its study and its command `run` follow from a few declarations.

Sentences stand in the method's `words.yaml` under `presets`, `measures`, `headline`, `tables`, `chart`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from reference_impls.lab.bilingual import (
    LAB,
    Language,
    Text,
    Words,
    localize,
)
from reference_impls.lab.data.shapes import TASK_NAMES
from reference_impls.lab.metrics.mean_std import MeanStd
from reference_impls.lab.models.clip import CLIPConfig
from reference_impls.lab.models.text_encoder import TextEncoderConfig
from reference_impls.lab.models.zoo import studied_encoder
from reference_impls.lab.study.bars import bars
from reference_impls.lab.study.chart import both
from reference_impls.lab.study.headline import figure, percent
from reference_impls.lab.study.options import StudyOptions
from reference_impls.lab.study.program import Program
from reference_impls.lab.study.readme import table
from reference_impls.lab.study.setup import ModelConfig, setup_of, trained
from reference_impls.lab.study.single import Column, Kind, Measures, Single
from reference_impls.lab.study.study import Found, Prepare, Study
from reference_impls.lab.study.text_single import text_options

Config = TypeVar("Config")
"""Settings of a method: a frozen dataclass."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A figure of the website; its sentences are `headline.<preset>-<measure>.label` and `.setting`.

    They may name any figure of its task as `{preset/measure}`, of another as `{task/preset/measure}`.
    """

    preset: str
    measure: str
    better: Literal["higher", "lower"]
    task: str = ""
    """The first unless told."""


@dataclass(frozen=True, kw_only=True)
class Condition(Generic[Config]):
    """One setting on one task of one model."""

    preset: str
    task: str
    config: Config
    model: ModelConfig
    images: int
    quick: bool

    @property
    def name(self) -> str:
        """For progress."""
        parts = self.preset, self.task, f"seed {self.model.seed}"
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one condition gave."""

    preset: str
    task: str
    seed: int
    measures: dict[str, float | None]
    seconds: float
    """Processor seconds."""

    def __post_init__(self) -> None:
        """Figures as they are published."""
        rounded = {k: None if v is None else round(v, 4) for k, v in self.measures.items()}  # fmt: skip
        object.__setattr__(self, "measures", rounded)


@dataclass(frozen=True, kw_only=True)
class Grid(Generic[Config]):
    """A method that is measured by the same function for each setting, task and seed."""

    home: Path
    """Folder of the method."""
    about: str
    """One sentence, of its command line."""
    presets: Mapping[str, Config]
    """Rows of the table; the first is the control that `run` shows beside any other."""
    shown: str = ""
    """Which of them `run` takes unless told; the last."""
    kept: Sequence[str] = ()
    """Settings of a row that the control beside it has as well, although rows differ in them."""
    measure: Callable[[Any, Any], Measures]
    """Of a `Setup`, or a `TextSetup`, under a setting."""
    columns: Mapping[str, Column]
    """Of the table, by measure."""
    told: Sequence[Told]
    """Figures of the website."""
    chart: Sequence[str] = ()
    """Measures that are drawn, each in [0, 1], of the first task."""
    tasks: Sequence[str] = ("foreground", "texture")
    """`("",)` where it has nothing to do with a task."""
    model: Callable[[int], ModelConfig] = studied_encoder
    """Settings of the lab's model of a seed."""
    texts: str = ""
    """What a text encoder is tried on, if it is not what it has read."""
    images: int = 200
    """Test images."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """That are published."""
    quick: Mapping[str, Any] = field(default_factory=dict)
    """Settings of a run that only shows that everything works."""
    says: Mapping[str, object] = field(default_factory=dict)
    """Further values for the sentence above the table."""
    examples: Sequence[str] = ("",)
    """What follows `run` in commands that work."""
    smoke: str = ""
    """What follows `run ENCODER` in a run of seconds."""
    version: int = 1
    """Counted up when a change of code makes the same setting give another outcome."""

    @property
    def words(self) -> Words:
        """The method's sentences."""
        return Words(self.home / "words.yaml")

    @property
    def kind(self) -> Kind:
        """What it is tried on."""
        kinds: dict[type, Kind] = {CLIPConfig: "clip", TextEncoderConfig: "text"}
        return kinds.get(type(self.model(0)), "encoder")

    # -- Measuring -------------------------------------------------------------------

    def conditions(self, options: StudyOptions) -> list[Condition[Config]]:
        """Every setting on every task of every model."""
        quick = options.quick
        return [
            Condition(
                preset=preset,
                task=task,
                config=self.seeded(config, seed, quick=quick),
                model=self.model(seed),
                images=16 if quick else self.images,
                quick=quick,
            )
            for task in self.tasks
            for preset, config in self.presets.items()
            for seed in options.seeds_of(self.seeds)
        ]

    def seeded(self, config: Any, seed: int, *, quick: bool) -> Any:
        """The setting with the seed of the model, if it draws anything."""
        changed = dict(self.quick) if quick else {}
        if hasattr(config, "seed"):
            changed["seed"] = seed
        return replace(config, **changed)

    # -- What the trials say -----------------------------------------------------------

    def values(self, found: Found) -> dict[tuple[str, str], dict[str, list[float]]]:
        """Every measure over the seeds, by task and setting."""
        grouped: dict[tuple[str, str], dict[str, list[float]]] = {}
        for row in self.study.read(found["rows"]):
            here = grouped.setdefault((row.task, row.preset), {name: [] for name in self.columns})  # fmt: skip
            for name, values in here.items():
                value = row.measures[name]
                values += [] if value is None else [value]
        return grouped

    def headline(self, found: Found) -> list[dict[str, Any]]:
        """The figures of the website."""
        grouped, told = self.values(found), []
        for one in self.told:
            task, column = one.task or self.tasks[0], self.columns[one.measure]
            said = {
                start + f"{preset}/{name}": self.columns[name].told(
                    mean(values) if values else None
                )
                for (of, preset), here in grouped.items()
                for name, values in here.items()
                for start in ([f"{of}/", ""] if of == task else [f"{of}/"])
            }
            label, setting = (
                self.words[f"headline.{one.preset}-{one.measure}.{part}"].fill(**said)
                for part in ("label", "setting")
            )
            values = grouped[task, one.preset][one.measure]
            if not values:
                continue
            if column.share:
                told.append(percent(label, values, better=one.better, setting=setting))
                continue
            over = MeanStd.of(values)
            numbers = float(f"{over.mean:{column.form}}"), float(f"{over.std:{column.form}}")  # fmt: skip
            told.append(
                figure(
                    label,
                    numbers[0],
                    sd=numbers[1],
                    n=over.count,
                    better=one.better,
                    setting=setting,
                )
            )
        return told

    def tables(self, found: Found, language: Language) -> str:
        """Mean and standard deviation of every measure."""
        words, run, rows = self.words, found["run"], found["rows"]
        body: list[list[Text]] = []
        for (task, preset), here in self.values(found).items():
            cells = [self.columns[name].shown(values) for name, values in here.items()]
            names = [_task(task)] if task else []
            body.append([*names, words[f"presets.{preset}"], *cells])
        about = words["tables.about"].fill(
            seeds=len(found["provenance"]["seeds"]),
            images=found["settings"]["images"],
            date=run["date"],
            torch=run["versions"].get("torch", "?"),
            seconds=f"{max(row['seconds'] for row in rows):.0f}",
            **self.says,
        )
        heads: list[Text] = [LAB["grid.task"]] if any(self.tasks) else []
        heads += [LAB["grid.setting"]]
        heads += [words[f"measures.{name}"] for name in self.columns]
        lines = table(heads, body, language)
        return "\n".join([localize(about, language), "", *lines, ""])

    def charts(self, found: Found) -> dict[str, str]:
        """Means of the first task."""
        if not self.chart:
            return {}
        words = self.words
        shown = [
            (words[f"presets.{preset}"], [mean(here[name]) if here[name] else None for name in self.chart])
            for (task, preset), here in self.values(found).items()
            if task == self.tasks[0]
        ]  # fmt: skip
        names = [words[f"measures.{name}"] for name in self.chart]
        title, about = words["chart.title"], words["chart.about"]
        return both("results", partial(bars, shown, names, title=title, about=about))

    # -- The method's two commands ---------------------------------------------------

    @property
    def study(self) -> Study[Condition[Config], Trial]:
        """All settings on all tasks of all models."""
        return Study(
            home=self.home,
            trial=Trial,
            conditions=self.conditions,
            measure=partial(measured, self.measure, texts=self.texts),
            prepare=models,
            results=results,
            headline=self.headline,
            tables=self.tables,
            charts=self.charts,
            version=self.version,
        )

    @property
    def program(self) -> Program:
        """The command line."""
        module = f"reference_impls.{self.home.name}"
        return Program(
            module=module,
            about=self.about,
            verbs={"run": self.verb()},
            study=self.study,
            examples={"run": self.examples},
            smoke=f"run {{{self.kind}}} --count 8 {self.smoke}",
        )

    def verb(self) -> Any:
        """The command `run`: one setting on a model and data of the reader's."""
        preset = self.shown or list(self.presets)[-1]
        config = self.presets[preset]
        options: dict[str, tuple[Any, Any, str]] = {
            "preset": (Literal[tuple(self.presets)], preset, "Settings to begin with, a row of the published table; other options change them."),
            "task": (str if any(self.tasks) else tyro.conf.Suppress[str], self.tasks[0], "What is told of an input; a dataset of classes has `class` alone."),
            "count": (int, self.images, "Inputs to test on, at most."),
            "out": (Path, Path("build") / self.home.name, "Folder of the figures."),
        }  # fmt: skip
        fields_: list[Any] = [
            (name, Annotated[kind, tyro.conf.arg(help=told)], field(default=default))
            for name, (kind, default, told) in options.items()
        ]
        settings: Any = Annotated[type(config), tyro.conf.arg(name="")]
        fields_.append(("config", settings, field(default=config)))
        model = self.model(0)
        base = text_options(model, self.texts) if isinstance(model, TextEncoderConfig) else Single  # fmt: skip
        own = {"method": self, "presets": self.presets, "__doc__": self.about, "__module__": __name__}  # fmt: skip
        return make_dataclass("Run", fields_, bases=(base,), namespace=own, frozen=True, kw_only=True)  # fmt: skip


def _task(name: str) -> Text:
    return TASK_NAMES.get(name, name)


def measured(
    measure: Callable[[Any, Any], Measures], condition: Condition[Any], texts: str = ""
) -> list[Trial]:
    """The trial of a condition, on the lab's model."""
    of = condition.model, condition.task, condition.images
    setup = setup_of(*of, quick=condition.quick, texts=texts)
    started = time.process_time()
    found = measure(setup, condition.config)
    return [
        Trial(
            preset=condition.preset,
            task=condition.task,
            seed=condition.model.seed,
            measures=dict(found),
            seconds=round(time.process_time() - started, 1),
        )
    ]


def models(missing: Sequence[Condition[Any]]) -> list[list[Prepare]]:
    """The lab's models of the conditions: two processes would train the same one."""
    wanted = {str(one.model): one.model for one in missing}.values()
    return [[partial(trained, one) for one in wanted]]


def results(rows: Sequence[Trial], asked: Sequence[Condition[Any]]) -> Found:
    """All trials, and the settings of each."""
    one = asked[0]
    presets = {condition.preset: condition.config for condition in asked}
    settings = {"images": one.images, "model": one.model, "presets": presets}
    return {"settings": settings, "rows": rows}
