"""How fast everything but the website is built: load, check, render, write."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import synthetic

from surveykit.memory import FORGET

PROGRAM = [sys.executable, "-m", "surveykit.cli"]


def build_seconds(entries: int, runs: int = 3) -> float:
    """Seconds of `surveykit build` into an empty repository, start of the interpreter included; the best of some runs."""
    with tempfile.TemporaryDirectory() as folder:
        root = synthetic.write(Path(folder), entries)
        times = []
        for _ in range(runs):
            for path in ("README.md", "README.zh-CN.md", "survey.bib"):
                (root / path).unlink(missing_ok=True)
            times.append(_seconds([*PROGRAM, "--root", str(root), "build"]))
        return min(times)


def help_seconds(runs: int = 9) -> float:
    """Seconds until `surveykit list --help` has answered; the best of some runs."""
    return min(_seconds([*PROGRAM, "list", "--help"]) for _ in range(runs))


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    environment = {**os.environ, FORGET: "1"}
    subprocess.run(command, check=True, capture_output=True, timeout=600, env=environment)  # fmt: skip
    return time.perf_counter() - begin
