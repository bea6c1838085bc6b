"""A command of the program, run in this process or in one of its own."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import traceback
from pathlib import Path

from surveykit.cli import main as program


def inside(words: list[str], root: Path) -> tuple[int | None, str]:
    """Exit code of a command run in this process, and what it raised."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2)]
    before = sys.argv, sys.stdout, sys.stderr
    sys.argv = ["surveykit", "--root", str(root), *words]
    sys.stdout, sys.stderr = streams
    try:
        with contextlib.chdir(root):
            program()
    except SystemExit as stop:
        return int(stop.code or 0), ""
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        return None, traceback.format_exc()
    finally:
        sys.argv, sys.stdout, sys.stderr = before
    return None, "the command did not end"


def outside(words: list[str], root: Path) -> tuple[int | None, str]:
    """The same as a program of its own."""
    command = [sys.executable, "-m", "surveykit.cli", "--root", str(root), *words]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None, "no end within a minute"
    told = done.stderr.decode("utf-8", "replace")
    return done.returncode, told if "Traceback" in told else ""
