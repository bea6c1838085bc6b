"""`make gpu`: every method on a GPU, its time and memory, and how far its answer is from the CPU's, in docs/gpu.md.

Without a GPU nothing is run and the page stays as it is.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/gpu.md"
TESTS = ("-m", "gpu", "-q", "-p", "no:cacheprovider", "tests/reference_impls")
HEAD = {
    "en": (
        "# On a GPU",
        "[中文](#在-gpu-上)",
        "Every method runs on the GPU and on the CPU with the same settings; its answer must be as close as its test says. "
        "`make gpu` measures all of this again, without a network, and writes this page.",
        ("what", "seconds", "ms a step", "peak MiB", "difference from the CPU"),
        "not run: no machine with a GPU has been at hand since this page was laid out. Nothing here has been measured yet.",
        "{device}, {date}, {system}, Python {python}, torch {torch}; {seconds:.0f} s in all, {passed} of {tests} tests passed.",
    ),
    "zh": (
        "# 在 GPU 上",
        "[English](#on-a-gpu)",
        "每种方法以相同设置在 GPU 与 CPU 上各运行一次，两者结果的差异须在测试规定的范围之内。`make gpu` 会在不联网的情况下重新测量并写出本页。",
        ("内容", "秒", "每步毫秒", "显存峰值 MiB", "与 CPU 的差异"),
        "尚未运行：本页建立以来没有可用的 GPU，因此没有任何测量结果。",
        "{device}，{date}，{system}，Python {python}，torch {torch}；共 {seconds:.0f} 秒，{tests} 项测试中 {passed} 项通过。",
    ),
}


def page(run: Mapping[str, Any] | None) -> str:
    """The page in both languages; without a run it says that there was none."""
    parts = []
    for title, link, about, heads, nothing, how in HEAD.values():
        body = (
            [nothing]
            if run is None
            else [how.format_map(run), "", *_table(heads, run["figures"])]
        )
        parts.append("\n".join([title, "", link, "", about, "", *body, ""]))
    return "\n".join(parts)


def _table(heads: Sequence[str], figures: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        (
            one["what"],
            f"{one['seconds']:.2f}",
            f"{1000 * one['seconds'] / one['steps']:.1f}" if one["steps"] else "",
            f"{one['mebibytes']:,.0f}",
            ""
            if one["difference"] is None
            else f"{one['difference']:.2g} ({one['of']})",
        )
        for one in figures
    ]
    lines = [
        " | ".join(row) for row in (heads, ("---", "--:", "--:", "--:", "---"), *rows)
    ]
    return [f"| {line} |" for line in lines]


def measure() -> dict[str, Any]:
    """Run all GPU tests here; their figures, and on what they were made."""
    import torch

    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        kept, report = Path(folder) / "figures.jsonl", Path(folder) / "report.xml"
        words = [sys.executable, "-m", "pytest", *TESTS, f"--junit-xml={report}"]
        # A method that asks a hub for a file would be told no, and fail.
        offline = {"HF_HUB_OFFLINE": "1", "GPU_FIGURES": str(kept)}
        code = subprocess.run(
            words, cwd=ROOT, env=os.environ | offline, check=False
        ).returncode
        figures = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]
        tests, failed = _counts(report)
    return {
        "figures": figures,
        "tests": tests,
        "passed": tests - failed,
        "code": code,
        "device": torch.cuda.get_device_name(),
        "date": started.date().isoformat(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "seconds": (datetime.now(UTC) - started).total_seconds(),
    }


def _counts(report: Path) -> tuple[int, int]:
    """Tests that ran, and those of them that failed, from pytest's own report."""
    from xml.etree import ElementTree

    suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
    number = {
        name: int(suite.get(name, 0))
        for name in ("tests", "skipped", "failures", "errors")
    }
    return number["tests"] - number["skipped"], number["failures"] + number["errors"]


def main() -> int:
    """Measure and write; 0 also where there is no GPU, as that is no failure."""
    import torch

    if not torch.cuda.is_available():
        print("not run: no CUDA device here; docs/gpu.md stays as it is")  # noqa: T201
        return 0
    run = measure()
    PAGE.write_text(page(run), encoding="utf-8")
    print(f"{len(run['figures'])} figures in {PAGE.relative_to(ROOT)}")  # noqa: T201
    return int(run["code"])


if __name__ == "__main__":
    sys.exit(main())
