"""The files of a catalog as they are read, what is wrong with each, and where."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from surveykit import json_tree
from surveykit.errors import Problem, plural
from surveykit.fields import LANGUAGES, validated
from surveykit.files import TEMPORARY, NotPlainError, folder
from surveykit.rules import BY_ID
from surveykit.yaml_tree import MAX_BYTES, Fault, Tree, read

_LINK = "a symbolic link is not followed; put the thing itself here"
MAX_MESSAGE = 400
MOST_FAULTS = 100
"""Faults of one file that are reported one by one."""
SHARED_BYTES = 2 * 1024 * 1024
RESULTS_BYTES = 2 * 1024 * 1024


@dataclass
class Intake:
    """The files read so far, and what is wrong with them."""

    root: Path
    trees: dict[str, Tree] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    languages: tuple[str, ...] = LANGUAGES
    """In which the survey has its texts; known once `catalog/kit.yaml` is read."""
    left_out: Counter[str] = field(default_factory=Counter)
    """File -> faults beyond those that are reported of one file."""
    _seen: Counter[str] = field(default_factory=Counter)

    def report(self, path: str, *faults: Fault) -> None:
        """Keep faults of one file as problems, as many as anybody reads; the others are counted."""
        for f in faults:
            self._seen[path] += 1
            if self._seen[path] > MOST_FAULTS:
                self.left_out[path] += 1
                continue
            severity = BY_ID[f.rule].severity
            cut = len(f.message) > MAX_MESSAGE
            message = f"{f.message[:MAX_MESSAGE]} …" if cut else f.message
            self.problems.append(
                Problem(path, f.line, f.column, f.rule, message, severity)
            )

    def read(self, path: str, form: TypeAdapter[Any], limit: int = MAX_BYTES) -> Any:
        """One YAML file as models, or None after reporting why not."""
        tree = read(self.root / path, limit, root=self.root)
        return self._fitted(path, form, tree)

    def read_json(self, path: str, form: TypeAdapter[Any], needs: str = "") -> Any:
        """One JSON file as models; None where it is absent, wrong, or lacks the key `needs`."""
        if not os.path.lexists(self.root / path):
            return None
        tree = json_tree.read(self.root / path, RESULTS_BYTES, root=self.root)
        if needs and isinstance(tree.data, dict) and needs not in tree.data:
            return None
        return self._fitted(path, form, tree)

    def _fitted(self, path: str, form: TypeAdapter[Any], tree: Tree) -> Any:
        self.trees[path] = Tree(tree.text)  # enough to find places; the data may go
        faults = list(tree.faults)
        # A file with another fault than a repeated key does not say what was meant.
        whole = all(fault.rule == "SK110" for fault in faults)
        value = validated(form, tree, faults, self.languages) if whole else None
        self.report(path, *faults)
        return value

    def sum_up(self) -> None:
        """Say of each file how many of its faults are not shown."""
        for path, count in self.left_out.items():
            said = f"{plural(count, 'more fault')} in this file; mend these first"
            self.problems.append(Problem(path, 1, 1, "SK011", said))


def inside(files: Intake, path: str) -> Iterator[tuple[str, bool]]:
    """Names of what lies in a folder, and whether that is one; links are reported, not followed."""
    try:
        with folder(files.root, path) as here:
            names = [n for n in here.names() if not n.startswith(TEMPORARY)]
            modes = [(name, here.state(name).st_mode) for name in names]
    except FileNotFoundError:
        return
    except NotPlainError as error:
        message = f"{error.strerror}; put the folder itself there"
        files.report(path, Fault("SK003", 1, 1, message))
        return
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        files.report(path, Fault("SK001", 1, 1, message))
        return
    for name, mode in modes:
        if stat.S_ISLNK(mode):
            files.report(f"{path}/{name}", Fault("SK003", 1, 1, _LINK))
        else:
            yield name, stat.S_ISDIR(mode)
