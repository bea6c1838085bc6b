"""The catalog as commands read it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from surveykit import load, outputs
from surveykit.catalog import Catalog
from surveykit.cli.terminal import known, openable, repository
from surveykit.errors import CatalogError, MachineError, Severity
from surveykit.models import Paper


def open_catalog(given: Path | None) -> Catalog:
    """The catalog of the repository. Raises CatalogError when it has errors."""
    return load.load_catalog(repository(given))


SHARED = ("catalog/survey.yaml", "catalog/taxonomy.yaml", "catalog/venues.yaml")


def readable(home: Path, rewritten: str = "") -> Catalog:
    """The entries that can be read, unfinished ones among them.

    Raises CatalogError where survey, taxonomy or venues are faulty: without them nothing can be said of an entry; and where
    the file is that is to be `rewritten`: what it holds would be lost.
    """
    checked = load.check(home)
    bad = [
        problem
        for problem in checked.problems
        if problem.severity is Severity.ERROR and problem.path in (*SHARED, rewritten)
    ]
    if bad:
        raise CatalogError(bad)
    return checked.readable


def chosen(catalog: Catalog, ids: Sequence[str]) -> list[Paper]:
    """The papers with these ids, each once; all of them without any. Raises click.UsageError."""
    named = dict.fromkeys(known(id_, catalog.by_id, "paper") for id_ in ids)
    return [catalog.by_id[id_] for id_ in named] or list(catalog.papers)


def entry_names(home: Path) -> frozenset[str]:
    """Names of all entry files, those among them that cannot be read."""
    return frozenset(path.stem for path in (home / load.PAPERS).rglob("*.yaml"))


def write_new(home: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Write new entries, and give back their paths; no file that holds anything else is written over. Raises MachineError."""
    for path in outputs.stale_paths(home, texts):
        if os.path.lexists(home / path):
            raise MachineError(
                f"{openable(home, path)} exists already; nothing is written"
            )
    return outputs.write(home, texts)
