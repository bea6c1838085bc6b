"""Whether the tests notice a fault: one small change of the code at a time, made by cosmic-ray, and the tests run on it.

All changes that cosmic-ray knows would take days, so a sample is drawn: of each part the same number, by a seed. They are
made in a copy of the repository. Changes inside type annotations are left out: most are never evaluated.

    pip install -e '.[prove]' && python -m tests.reliability.mutants --each 30 --write
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.reliability import counted

ROOT = Path(__file__).parents[2]
SRC = "src/surveykit"
PARTS = {
    "models": (
        [f"{SRC}/models.py"],
        "tests/test_fields.py tests/test_load.py tests/test_rules.py tests/test_canon.py tests/test_python.py tests/render/test_schema.py tests/render/test_citation.py tests/render/test_bibtex.py",
    ),
    "rules": (
        [f"{SRC}/rules/*.py"],
        "tests/test_rule_words.py tests/test_rules.py tests/test_load.py tests/test_measured.py tests/test_texts.py tests/test_retraction.py tests/test_published.py",
    ),
    "bibtex": (
        [f"{SRC}/render/bibtex.py", f"{SRC}/references/bibtex*.py"],
        "tests/render/test_bibtex.py tests/render/test_latex.py tests/render/test_casing.py tests/imports",
    ),
    "names": (
        [f"{SRC}/text/names.py"],
        "tests/test_names.py tests/imports/test_bibtex.py tests/render/test_citation.py",
    ),
    "links": (
        [f"{SRC}/links/*.py"],
        "tests/links",
    ),
}
"""Part -> its modules, and the tests that are about it."""
SECONDS = 400
"""A run of tests that takes longer has noticed: a loop that never ends."""


def changes(part: str) -> list[Any]:
    """All changes of a part's modules that are no mere annotation, in a fixed order."""
    from cosmic_ray.commands.init import _all_work_items

    modules = sorted({path for glob in PARTS[part][0] for path in Path().glob(glob)})
    passed = {str(path): _annotations(path) for path in modules}
    every = [item.mutations[0] for item in _all_work_items(modules, {})]
    return [
        one
        for one in every
        if not any(
            a <= one.start_pos and one.end_pos <= b
            for a, b in passed[str(one.module_path)]
        )
    ]


def _annotations(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where each annotation begins and ends: line from 1, column from 0."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for name in ("annotation", "returns"):
            if note := getattr(node, name, None):
                start = note.lineno, note.col_offset
                found.append((start, (note.end_lineno, note.end_col_offset)))
    return found


def command(part: str) -> str:
    """What runs the tests of a part, those of time excepted; Hypothesis draws alike each time."""
    return f"{sys.executable} -m pytest -x -q -p no:cacheprovider --hypothesis-seed=0 -k not(time_grows) {PARTS[part][1]}"


def killed(part: str, change: Any) -> bool:
    """Whether the tests of a part fail with a change; prints one that they pass with."""
    from cosmic_ray.mutating import mutate_and_test
    from cosmic_ray.work_item import TestOutcome

    result = mutate_and_test([change], command(part), SECONDS)
    if result.test_outcome is not TestOutcome.SURVIVED:
        return True
    sys.stdout.write(f"survived {part}: {change.operator_name}\n{result.diff}\n")
    sys.stdout.flush()
    return False


def enter_copy(home: Path) -> None:
    """Go into a copy of the committed repository, and let programs that start there run its code."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(home)], check=True)
    os.chdir(home)
    os.environ |= {"PYTHONPATH": f"{home}/src:{home}", "CI": "true"}


def main() -> int:
    """Draw, change, run; 1 if the tests notice fewer than 85 of 100."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=30, help="changes of each part")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seed", default="20261203")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--write", action="store_true", help="docs/reliability.md")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    scenes = {}
    try:
        enter_copy(folder / "repo")
        for part in options.part or PARTS:
            every = changes(part)
            random.Random(f"{options.seed} {part}").shuffle(every)
            subprocess.run(command(part).split(), stdout=subprocess.DEVNULL, check=True)
            drawn = every[options.first : options.first + options.each]
            counts = Counter(killed(part, one) for one in drawn)
            scenes[part] = {
                "of": len(every),
                "tried": len(drawn),
                "killed": counts[True],
            }
            sys.stdout.write(f"{part}: {scenes[part]}\n")
            sys.stdout.flush()
    finally:
        os.chdir(ROOT)
        shutil.rmtree(folder)
    if options.write:
        counted.keep("mutants", {"seed": options.seed, "scenes": scenes})
    tried = sum(scene["tried"] for scene in scenes.values())
    return int(sum(scene["killed"] for scene in scenes.values()) < 0.85 * tried)


if __name__ == "__main__":
    sys.exit(main())
