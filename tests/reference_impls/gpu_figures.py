"""What the GPU tests measure, kept for `make gpu`: seconds, memory, and how far the answer is from the CPU's."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch


@dataclass
class Figure:
    """One measured piece of work on a GPU."""

    what: str
    seconds: float = 0.0
    steps: int | None = None
    """Optimiser steps that the seconds went to; none where the work has no steps."""
    mebibytes: float = 0.0
    """Most memory that torch had in use at once."""
    difference: float | None = None
    """From the CPU's answer; none where only the work itself is measured."""
    of: str = ""
    """What the difference is measured in."""

    def differs(self, gpu: float, cpu: float, of: str) -> None:
        """Note both answers."""
        self.difference, self.of = abs(gpu - cpu), of


@contextmanager
def measured(what: str, *, steps: int | None = None) -> Iterator[Figure]:
    """Time and memory of the block; with `$GPU_FIGURES`, a line of that file."""
    figure = Figure(what, steps=steps)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    yield figure
    torch.cuda.synchronize()
    figure.seconds = round(time.perf_counter() - started, 3)
    figure.mebibytes = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    FIGURES.append(figure)


FIGURES: list[Figure] = []


def keep() -> None:
    """Write all figures to `$GPU_FIGURES`, if that is set."""
    path = os.environ.get("GPU_FIGURES")
    if path and FIGURES:
        lines = (json.dumps(asdict(one)) for one in FIGURES)
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
