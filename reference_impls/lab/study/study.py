"""A study: what a method measures, from conditions to the committed results, README tables and charts.

A method says what is measured and what is told of it; how it runs, resumes, is kept and published is said here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from reference_impls.lab.bilingual import Language
from reference_impls.lab.cache import cache_folder, content_key
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.files import replacing
from reference_impls.lab.records import as_data, surroundings, today, write_json
from reference_impls.lab.study import console
from reference_impls.lab.study.fleet import workers
from reference_impls.lab.study.headline import summary
from reference_impls.lab.study.options import DrawOptions, StudyOptions
from reference_impls.lab.study.readme import READMES, insert

START, END = "<!-- results: made by `study --publish` -->", "<!-- end of results -->"

Condition = TypeVar("Condition")
"""What is measured at once: a frozen dataclass with a `name`, whose fields decide the outcome."""
Trial = TypeVar("Trial")
"""One row of `results.json`: a dataclass of what JSON can hold."""
Found = Mapping[str, Any]
"""The content of `results.json`."""
Prepare = Callable[[], object]
"""Makes what several conditions share, such as their common encoder, in the cache."""


def _nothing(*_: object) -> tuple[()]:
    return ()


def _seeds(trials: Sequence[Any]) -> list[int]:
    return sorted({one.seed for one in trials})


def _no_files(_: Found) -> dict[str, str]:
    return {}


def _alone(condition: Any) -> Hashable:
    return content_key(condition)


@dataclass(frozen=True, kw_only=True)
class Study(Generic[Condition, Trial]):
    """What a method measures, and what is told of it."""

    home: Path
    """Folder of the method."""
    trial: type[Trial]
    options: type[StudyOptions] = StudyOptions
    """Of the command `study`; a subclass has further ones, and `conditions` reads them."""
    conditions: Callable[[Any], Sequence[Condition]]
    """All of them, in the order of the results; `quick` and `seeds` choose."""
    measure: Callable[[Condition], Sequence[Trial]]
    """Runs in a worker process; its trials are kept in the lab's cache under the condition's content."""
    prepare: Callable[[Sequence[Condition]], Sequence[Sequence[Prepare]]] = _nothing
    """Stages that come first, one after the other; what stands in one may run side by side. Gets those
    conditions whose trials are not kept."""
    chain: Callable[[Condition], Hashable] = _alone
    """Conditions with the same answer share work, so they stay in one process."""
    results: Callable[[Sequence[Trial], Sequence[Condition]], Found]
    """`results.json` but for headline, provenance and `run`."""
    headline: Callable[[Found], Sequence[dict[str, Any]]]
    """Figures of the website, from `results`."""
    seeds: Callable[[Sequence[Trial]], Sequence[int]] = _seeds
    """Of the provenance."""
    tables: Callable[[Found, Language], str]
    """The README's part, from `results.json`."""
    charts: Callable[[Found], Mapping[str, str]] = _no_files
    """File names and SVG texts, from `results.json`."""
    pictures: Callable[[Sequence[Condition], Path], object] = _nothing
    """Writes example images into a folder."""
    more: Callable[[Found, Path], object] = _nothing
    """Writes further files into the folder of `results.json`."""
    version: int = 1
    """Counted up when a change of code makes the same condition give another outcome."""
    part: str = ""
    """Name of a further study of a method: of its command, its JSON file and its markers in the README."""
    about: str = "Measure what the README reports: results, tables and charts."
    """What its command is for."""
    parts: Sequence[Study[Any, Any]] = ()
    """Further studies of the same method."""

    @property
    def method(self) -> str:
        """Name of the folder."""
        return self.home.name

    @property
    def file(self) -> str:
        """Name of its results."""
        return f"{self.part or 'results'}.json"

    @property
    def markers(self) -> dict[str, str]:
        """Between which its tables stand in the READMEs."""
        if not self.part:
            return {"start": START, "end": END}
        start = f"<!-- {self.part}: made by `{self.part} --publish` -->"
        return {"start": start, "end": f"<!-- end of {self.part} -->"}

    def __getstate__(self) -> dict[str, Any]:
        """What a worker process needs; the rest need not be fit to be sent there."""
        needed = ("home", "trial", "measure", "version")
        return {name: getattr(self, name) for name in needed}

    # -- Running ---------------------------------------------------------------------

    def path(self, condition: Condition) -> Path:
        """Where the trials of a condition are kept."""
        key = content_key(self.method, self.version, condition)
        return cache_folder() / self.method / "trials" / f"{key}.json"

    def trials(self, condition: Condition) -> list[Trial]:
        """The trials of a condition, from the cache if it has them."""
        torch.set_num_threads(
            1
        )  # two threads on shared cores spin more than they compute
        path = self.path(condition)
        if not path.exists():
            write_json(list(self.measure(condition)), path)
        return self.read(json.loads(path.read_text(encoding="utf-8")))

    def read(self, rows: Sequence[Mapping[str, Any]]) -> list[Trial]:
        """Trials as JSON holds them.

        Raises:
            ConfigError: another method's, or of another version.
        """
        tuples = {one.name for one in fields(self.trial) if "tuple" in str(one.type)}  # type: ignore[arg-type]
        try:
            return [
                self.trial(
                    **{k: tuple(v) if k in tuples else v for k, v in row.items()}
                )
                for row in rows
            ]
        except TypeError as error:
            raise ConfigError(f"no trials of {self.method}: {error}") from error

    def run(self, conditions: Sequence[Condition], *, jobs: int = 1) -> list[Trial]:
        """All trials in the order of the conditions; a killed run goes on where it was."""
        finished: dict[int, list[Trial]] = {}
        with workers(jobs) as pool, console.progress(self.method) as step:
            step(0, len(conditions), "")
            missing = [one for one in conditions if not self.path(one).exists()]
            for stage in self.prepare(missing):
                for _ in _each(pool, stage):
                    step(0, len(conditions), "preparing")
            for number, trials in self._measured(pool, conditions):
                finished[number] = trials
                words = str(getattr(conditions[number], "name", ""))
                step(len(finished), len(conditions), words)
        return [one for n in range(len(conditions)) for one in finished[n]]

    def _measured(
        self, pool: Executor | None, conditions: Sequence[Condition]
    ) -> Iterator[tuple[int, list[Trial]]]:
        chains: dict[Hashable, list[int]] = {}
        for number, one in enumerate(conditions):
            chains.setdefault(self.chain(one), []).append(number)
        if pool is None:
            for number, one in enumerate(conditions):
                yield number, self.trials(one)
            return
        waiting = {
            pool.submit(_chain, self, [conditions[i] for i in chain]): chain
            for chain in chains.values()
        }
        for future in as_completed(waiting):
            yield from zip(waiting[future], future.result(), strict=True)

    # -- Publishing ------------------------------------------------------------------

    def verb(self) -> Any:
        """The command that measures."""
        owner = self

        @dataclass(frozen=True, kw_only=True)
        class RunStudy(self.options):  # type: ignore[misc, name-defined]
            def __call__(self) -> int:
                owner.publish(self)
                return 0

        RunStudy.__doc__ = self.about
        return RunStudy

    def verbs(self) -> dict[str, Any]:
        """The commands `study` and `draw`, and those of further studies."""
        owner = self

        @dataclass(frozen=True, kw_only=True)
        class Draw(DrawOptions):
            """Write tables and charts of results.json again; nothing is measured."""

            def __call__(self) -> int:
                folder = self.folder or owner.home
                there = [one for one in owner.parts if (folder / one.file).exists()]
                for one in (owner, *there):
                    for path in one.draw(folder):
                        console.answer(str(path))
                return 0

        further = {one.part: one.verb() for one in self.parts}
        return {"study": self.verb(), **further, "draw": Draw}

    def publish(self, options: StudyOptions) -> None:
        """Measure and write: `results.json`, tables, charts; the committed ones on request.

        Raises:
            ConfigError: `--publish` of a part, or nothing is finished.
        """
        if options.publish and options.chosen:
            raise ConfigError(
                f"--publish writes the whole study; omit {' '.join(options.chosen)}"
            )
        started, conditions = time.monotonic(), self.conditions(options)
        if options.finished:
            conditions = [one for one in conditions if self.path(one).exists()]
        if not conditions:
            raise ConfigError("nothing is finished yet; run without --finished")
        trials = self.run(conditions, jobs=options.jobs)
        about = surroundings(
            device=torch.device("cpu"), seconds=time.monotonic() - started
        )
        found = self.found(trials, conditions, about, command=self._command(options))
        out = options.out or Path("build") / self.method / (self.part or "study")
        for folder in [out, *([self.home] if options.publish else [])]:
            write_json(found, folder / self.file)
            self.more(found, folder)
            self.pictures(conditions, folder)
            self.draw(folder)
        console.report(found, [self.tables(found, "en")], as_json=options.json)

    def found(
        self,
        trials: Sequence[Trial],
        conditions: Sequence[Condition],
        about: Mapping[str, Any],
        *,
        command: str,
    ) -> Found:
        """The content of `results.json`."""
        results = as_data(self.results(trials, conditions))
        told = dict(about) | {"date": today(), "command": command}
        seeds = list(dict.fromkeys(self.seeds(trials)))
        figures = self.headline(results)
        top = summary(figures, command=command, seeds=seeds, about=told)
        return {**(top if figures else {}), **results, "run": told}

    def draw(self, folder: Path) -> list[Path]:
        """Write the charts and tables of the `results.json` in a folder; the READMEs' own beside the method.

        Raises:
            ConfigError: no such file, or another content.
        """
        path = folder / self.file
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            charts = self.charts(found)
            tables = {language: self.tables(found, language) for language in READMES}
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(
                f"{path} holds no results of this method ({type(error).__name__}: {error})"
            ) from error
        if folder == self.home:
            for language, text in tables.items():
                insert(folder / READMES[language], text, **self.markers)
        else:
            texts = {f"{path.stem}.{k}.md": v for k, v in tables.items()}
            charts = {**charts, **texts}
        for name, text in charts.items():
            with replacing(folder / name) as new:
                new.write_text(text, encoding="utf-8")
        return [folder / name for name in charts]

    def _command(self, options: StudyOptions) -> str:
        flags = ["--publish"] if options.publish else []
        verb = self.part or "study"
        words = [f"python -m reference_impls.{self.method} {verb}", *flags]
        return " ".join([*words, *options.chosen])


def _chain(study: Study[Any, Any], conditions: Sequence[Any]) -> list[list[Any]]:
    return [study.trials(one) for one in conditions]


def _each(pool: Executor | None, stage: Sequence[Prepare]) -> Iterator[object]:
    if pool is None:
        for one in stage:
            yield one()
    else:
        for future in as_completed([pool.submit(one) for one in stage]):
            yield future.result()
