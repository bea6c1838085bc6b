"""Benchmarks are run by hand and rarely; what they import goes on being there."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
LOAD = """
import importlib, json, page
from pathlib import Path
for path in sorted(Path(".").glob("*.py")):
    importlib.import_module(path.stem)
made = page.written(json.loads(Path("results.json").read_text("utf-8")))
print(json.dumps([str(path) for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]))
"""


def test_all_of_them_load_and_the_page_of_figures_is_theirs():
    path = f"{BENCHMARKS.parent}{os.pathsep}{BENCHMARKS}"
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=BENCHMARKS,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [], "run python benchmarks/page.py"
