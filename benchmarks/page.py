"""`docs/performance.md` and its pictures, from `benchmarks/results.json`: nobody writes a figure of it by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import scaling

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs/performance.md"
PICTURES = HERE.parent / "docs/images"
HEAD = """# Performance

What is promised of time and memory, measured by `make bench` beside what others do with the same input in the same run. This page is
written by it: `python benchmarks/page.py` writes it again from [results.json](../benchmarks/results.json).

Measured on {date}: {system}, {cores} cores, Python {python}, load {load_before} before the start. A ratio above 1 misses its aim.

| figure | measured | aim | measured / aim |
|---|---:|---:|---:|
"""
CURVES = """
## How it grows

Both axes are in powers of ten: where a curve runs at 45 degrees, time is in proportion to the number.
"""
TABLE = "\n| seconds | {numbers} |\n|---|{rule}\n"


def written(results: dict[str, Any]) -> dict[Path, str]:
    """The page and its pictures, by where they stand."""
    lines = [
        f"| {one['name']}{_day(one, results['machine'])} | {one['value']:.3g} {one['unit']} | {one['target']:.3g} {one['unit']} | {one['ratio']:.2f} |\n"
        for one in results["figures"]
    ]
    text, files = HEAD.format(**results["machine"]) + "".join(lines), {}
    if results.get("curves"):
        text += CURVES
    for told in results.get("curves", ()):
        curves = [scaling.Curve(c["name"], {int(n): v for n, v in c["points"].items()}) for c in told["curves"]]  # fmt: skip
        chart = scaling.Chart(told["id"], told["title"], told["across"], curves)
        name = f"scaling-{chart.id}.svg"
        files[PICTURES / name] = scaling.svg(chart)
        numbers = sorted({n for curve in curves for n in curve.points})
        text += f"\n![{chart.title}](images/{name})\n"
        text += TABLE.format(numbers=" | ".join(f"{n:,}" for n in numbers), rule="---:|" * len(numbers))  # fmt: skip
        for curve in curves:
            cells = (f"{curve.points[n]:.3g}" if n in curve.points else "" for n in numbers)  # fmt: skip
            text += f"| {curve.name} | {' | '.join(cells)} |\n"
    return {PAGE: text, **files}


def _day(row: dict[str, Any], machine: dict[str, Any]) -> str:
    day = row.get("date", machine["date"])
    return "" if day == machine["date"] else f" ({day})"


def write() -> None:
    """Write all of it."""
    for path, text in written(json.loads((HERE / "results.json").read_text("utf-8"))).items():  # fmt: skip
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(write())
