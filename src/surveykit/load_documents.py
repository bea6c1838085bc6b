"""The documents of a repository: files below `docs/`, where that folder has a page of contents.

They are no facts: one that cannot be read is left out, and stops nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from surveykit import files
from surveykit.documents import CONTENTS, FOLDER, Document, Documents, divided
from surveykit.intake import Intake, inside

DOCUMENT_BYTES = 1024 * 1024
DEEPEST = 3
"""Folders within each other that are looked into."""


def read_documents(intake: Intake) -> Documents:
    """Documents by name and language."""
    found: dict[str, dict[str, Document]] = {}
    if not os.path.lexists(intake.root / FOLDER / f"{CONTENTS}.md"):
        return found
    for path in _paths(intake, FOLDER):
        with contextlib.suppress(OSError):
            raw = files.read(intake.root, path, DOCUMENT_BYTES)
            for lang, document in divided(path, raw.decode("utf-8", "replace")):
                found.setdefault(document.name, {})[lang] = document
    return {name: both for name, both in found.items() if "en" in both}


def _paths(intake: Intake, folder: str) -> Iterator[str]:
    for name, deep in inside(intake, folder):
        path = f"{folder}/{name}"
        if deep and path.count("/") < DEEPEST:
            yield from _paths(intake, path)
        elif name.endswith(".md") and not deep:
            yield path
