"""How long a step takes."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence


def least(step: Callable[[], object], repeats: int) -> float:
    """The least processor time of several runs, in seconds, after one for warmth."""
    step()
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        step()
        seconds.append(time.process_time() - started)
    return min(seconds)


def child(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Processor seconds of a program, start and end included. Raises CalledProcessError."""
    begin = _spent()
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=600)  # fmt: skip
    return _spent() - begin


def _spent() -> float:
    """Processor seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
