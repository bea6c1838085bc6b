"""A few kills of each command; `python -m tests.reliability.kills` kills for as long as one likes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are of forked processes")
def test_a_killed_command_loses_tears_and_blocks_nothing():
    """In a process of its own, which has no threads when it forks."""
    scenes = ("build", "fmt", "import", "check-links")
    words = ("--runs", "8", "--seconds", "40", "--seed", "short")
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.kills", *scenes, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'killed'" in done.stdout
