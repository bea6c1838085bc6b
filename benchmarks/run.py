"""`make bench`: every promised figure, measured here, beside its target; kept in results.json.

`python benchmarks/run.py links` measures one part again, and leaves the figures of the others with the day they are of.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import advclip_step
import decree_step
import explorer
import files_build
import gen_af_steps
import importing
import links
import page
import recalled
import scaling
import site_build
import validate
from rich.console import Console

RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Figure:
    """One measured number and the most it may be."""

    name: str
    value: float
    target: float
    unit: str

    @property
    def ratio(self) -> float:
        """Share of the target that is used; above 1 it is missed."""
        return self.value / self.target


def catalog() -> Iterator[Figure]:
    """Reading, checking, writing and importing entries, without the site."""
    yield Figure("`list --help`", files_build.help_seconds() * 1000, 150, "ms")
    thousand = validate.measure(1_000)
    yield Figure("validate 1,000 entries", thousand.validate, 1, "s")
    yield Figure("the same beside a bare CSafeLoader pass", thousand.ratio, 4, "x")
    ten_thousand = validate.measure(10_000, runs=1)
    yield Figure("validate 10,000 entries", ten_thousand.validate, 10, "s")
    yield Figure(
        "build 1,000 entries, no site", files_build.build_seconds(1_000), 2, "s"
    )
    yield from unchanged()
    brought = importing.measure()
    yield Figure("import 10,000 BibTeX entries", brought.imported, 10, "s")
    yield Figure("one paper among 10,000", brought.looked * 1000, 200, "ms")


def checking() -> Iterator[Figure]:
    """Link checks beside what the latency allows, and beside linkinator."""
    checked = links.measure()
    times = 1 / checked.of_ideal
    yield Figure(
        "2,000 links, 50 ms latency, beside the ideal time", times, 1 / 0.75, "x"
    )
    if checked.ours and checked.linkinator:
        beside = checked.linkinator.links / checked.ours.links
        yield Figure("the same beside linkinator", beside, 1, "x")
    yield Figure("memory for 20,000 links", checked.memory, 120, "MB")


def site() -> Iterator[Figure]:
    """Building the site, and the table of papers in a browser."""
    real = site_build.measure()
    yield Figure(f"site, the {real.entries} papers, en + zh", real.wall, 8, "s")
    small, large = site_build.measure(1_000), site_build.measure(4_000)
    yield Figure("site, 1,000 papers, en + zh", small.wall, 15, "s")
    growth = large.per_paper / small.per_paper
    yield Figure("processor time per paper, 4,000 to 1,000", growth, 1.2, "x")
    table = explorer.measure(5_000)
    yield Figure("table of 5,000 papers, first results", table.first_results, 100, "ms")
    yield Figure("table of 5,000 papers, keystroke, p95", table.keystroke, 16, "ms")


def unchanged() -> Iterator[Figure]:
    """The real catalog when nothing has changed since the last pass, and from nothing."""
    real, most = recalled.measure(), recalled.LIMITS
    papers = f"the {real.entries:,} papers"
    yield Figure(f"build, {papers}, nothing changed", real.build, most["build"], "s")
    yield Figure("validate, nothing changed, beside a bare pass", real.ratio, most["validate"], "x")  # fmt: skip
    yield Figure("the same from nothing, imports excepted", real.cold_ratio, most["cold"], "x")  # fmt: skip


def detector() -> Iterator[Figure]:
    """One DECREE step beside one that costs what the published program's costs; one thread."""
    for encoder, times in (("small", 4), ("resnet18", 3.5)):
        step = decree_step.measure(encoder)
        beside = step.ours_bf16 / step.published
        yield Figure(
            f"DECREE step, {encoder}, beside the published", beside, 1 / times, "x"
        )
        together = step.nine_small / step.small_batch / 9
        yield Figure(
            f"nine restarts, {encoder}, beside nine single ones", together, 1, "x"
        )


def attack_and_defense() -> Iterator[Figure]:
    """Steps of AdvCLIP and Gen-AF beside the published ways; one thread."""
    step = advclip_step.measure(32, 16)
    yield Figure(
        "AdvCLIP's generator step, 32 px, beside the published",
        step.ours / step.published,
        1 / 4,
        "x",
    )
    costs = gen_af_steps.measure()
    beside = costs.our_pgd / costs.published_pgd
    yield Figure("Gen-AF's PGD-10 beside the published", beside, 0.8, "x")
    beside = costs.first_order / costs.exact
    yield Figure("first-order sensitivity beside the exact", beside, 1 / 20, "x")
    yield Figure(
        "rank correlation: 0.85 beside the measured",
        0.85 / costs.ranks,
        1,
        "x",
    )


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "catalog": catalog,
    "detector": detector,
    "steps": attack_and_defense,
    "links": checking,
    "site": site,
}
"""Name of a part -> its figures, the quick ones first."""
CURVES = {"catalog": scaling.papers, "links": scaling.checks}


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 0,
        "load_before": round(os.getloadavg()[0], 2),
    }


def main(parts: Sequence[str]) -> int:
    """Print each figure when it is measured, and keep it in the place of the one of before; 1 when a target is missed."""
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"no part {', '.join(unknown)}; known: {', '.join(PARTS)}")
    console, here = Console(), machine()
    results = {"machine": here, "figures": [], "curves": []}
    if parts:
        results = json.loads(RESULTS.read_text("utf-8"))
    missed = 0
    console.print(" · ".join(f"{name} {value}" for name, value in here.items()))
    console.print(_line("figure", "measured", "target", "ratio"), style="bold")
    for figure in chain.from_iterable(PARTS[part]() for part in parts or PARTS):
        missed += figure.ratio > 1
        row = {**asdict(figure), "ratio": round(figure.ratio, 3), "date": here["date"]}
        _keep(results, "figures", "name", row)
        value, target = (
            f"{n:.3g} {figure.unit}" for n in (figure.value, figure.target)
        )
        kept = "" if figure.ratio <= 1 else "missed"
        line = _line(figure.name, value, target, f"{figure.ratio:.2f}", kept)
        console.print(line, soft_wrap=True)
    for part in CURVES.keys() & set(parts or PARTS):
        for chart in CURVES[part]():
            _keep(results, "curves", "id", asdict(chart))
    page.write()
    return int(missed > 0)


def _keep(results: dict[str, Any], what: str, by: str, row: dict[str, Any]) -> None:
    """Keep a row where the one of its name stood; one that fails later takes none of them along."""
    rows = results[what]
    place = next((n for n, old in enumerate(rows) if old[by] == row[by]), len(rows))
    rows[place : place + 1] = [row]
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _line(name: str, value: str, target: str, ratio: str, kept: str = "") -> str:
    return f"{name:<56} {value:>10} {target:>10} {ratio:>6} {kept}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
