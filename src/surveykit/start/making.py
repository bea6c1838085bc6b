"""Puts a new survey on disk: all of it, or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from surveykit import files, outputs
from surveykit.catalog import Catalog
from surveykit.errors import MachineError
from surveykit.load import load_catalog


def refused(folder: Path) -> str:
    """Why a survey cannot be made there; empty where it can."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return f"{folder} is no folder"
    if folder.is_dir() and any(folder.iterdir()):
        return f"{folder} is not empty; name a new folder"
    return ""


def make(
    folder: Path,
    texts: Mapping[str, str],
    generated: Callable[[Catalog], Mapping[str, str]],
) -> Catalog:
    """Write the files and all that is generated from them, into a folder without a name first, then put them in their place.

    An empty folder stays the one that it is, for the reader may stand in it. Raises MachineError, and CatalogError for a skeleton that is no catalog; then nothing is left.
    """
    try:
        there = folder.is_dir()
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = (folder if there else folder.parent) / files.temporary()
        try:
            outputs.write(unfinished, texts)
            catalog = load_catalog(unfinished)
            outputs.write(unfinished, generated(catalog))
            if not there:
                unfinished.rename(folder)
            for path in sorted(unfinished.iterdir()) if there else ():
                path.rename(folder / path.name)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise MachineError(f"{folder}: {error.strerror or error}") from error
    except MachineError as error:
        raise MachineError(f"{folder}: {error}") from error
    return catalog
