"""How time grows with the number of papers and of links, ours and that of others on the same input, in processor seconds.

Readers of BibTeX are given the same file: ours drafts entries from it, pybtex and bibtexparser only read it. The YAML pass
reads the files of the catalog and does nothing else; the jinja2 pass renders a line for each paper.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import bibtexparser
import jinja2
import links
import synthetic
import validate
from files_build import PROGRAM
from pybtex.database import parse_file
from timing import child

from reference_impls.lab.study.chart import SMALL, WIDTH, Axis, Canvas, series
from surveykit.imports.run import import_file
from surveykit.load import check, load_catalog
from surveykit.render.bibtex import bibliography

PAPERS = (100, 300, 1_000, 3_000, 10_000)
LINKS = (1_000, 10_000, 100_000)
LINE = jinja2.Template("{% for p in papers %}- [{{ p.title.en }}](papers/{{ p.id }}.md), {{ p.year }}\n{% endfor %}")  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """Seconds by number, of one program."""

    name: str
    points: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Chart:
    """Curves over the same numbers."""

    id: str
    title: str
    across: str
    curves: Sequence[Curve]


CATALOG = ("surveykit validate", "bare YAML pass", "surveykit build", "jinja2 alone")
BIBTEX = ("surveykit import", "pybtex", "bibtexparser")


def papers() -> list[Chart]:
    """Catalogs and BibTeX of more and more papers."""
    found = {name: Curve(name) for name in (*CATALOG, *BIBTEX)}
    for count in PAPERS:
        with tempfile.TemporaryDirectory() as folder:
            for curve, seconds in zip(found.values(), _at(Path(folder), count), strict=True):  # fmt: skip
                curve.points[count] = seconds
    return [
        Chart(id_, title, "papers", [found[name] for name in names])
        for id_, title, names in (
            ("catalog", "A catalog: processor seconds", CATALOG),
            ("bibtex", "BibTeX: processor seconds", BIBTEX),
        )
    ]


def _at(folder: Path, count: int) -> list[float]:
    root = synthetic.write(folder, count)
    files = sorted((root / "catalog").rglob("*.yaml"))
    catalog = load_catalog(root)
    listed = folder / "all.bib"
    listed.write_text(bibliography(catalog.papers, catalog), encoding="utf-8")
    empty = replace(catalog, papers=(), cards={}, paths={})
    return [
        _seconds(lambda: check(root)),
        _seconds(lambda: [validate.bare(file) for file in files]),
        child(
            [*PROGRAM, "--root", str(root), "build"],
            os.environ | {"SURVEYKIT_FORGET": "1"},
        ),
        _seconds(lambda: LINE.render(papers=catalog.papers)),
        _seconds(lambda: import_file(listed, empty, date(2026, 11, 20))),
        _seconds(lambda: parse_file(str(listed))),
        _seconds(lambda: bibtexparser.parse_file(str(listed))),
    ]


def checks() -> list[Chart]:
    """More and more links, beside what the latency allows."""
    ours, ideal = Curve("surveykit check-links"), Curve("ideal: 100 at once, 50 ms each")  # fmt: skip
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=links.serve, args=(there,), daemon=True)
    server.start()
    try:
        port = here.recv()
        for count in LINKS:
            ours.points[count] = count / links.fresh_run(port, count)[0]
            ideal.points[count] = count * links.LATENCY_SECONDS / links.AT_ONCE
    finally:
        server.terminate()
    return [Chart("links", "Links: seconds", "links", [ours, ideal])]


def _seconds(act: Callable[[], object]) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


# -- Picture ---------------------------------------------------------------------------


def svg(chart: Chart) -> str:
    """Both axes in powers of ten, so that a straight line of 45 degrees is a time in proportion to the number."""
    canvas, marks = Canvas("en"), series(len(chart.curves))
    canvas.heading(chart.title)
    canvas.legend([(m, c.name) for m, c in zip(marks, chart.curves, strict=True)], columns=1 if len(chart.curves) < 4 else 2)  # fmt: skip
    numbers = sorted({n for curve in chart.curves for n in curve.points})
    values = [max(v, 1e-4) for curve in chart.curves for v in curve.points.values()]
    tens = [10.0**power for power in range(-4, 4)]
    low = max(t for t in tens if t <= min(values))
    high = min(t for t in tens if t >= max(values))
    top, bottom = canvas.y + 8, canvas.y + 268
    x = Axis(numbers[0], numbers[-1], 56, WIDTH - 22, logarithmic=True)
    y = Axis(low, high, bottom, top, logarithmic=True)
    canvas.across(x, numbers, top, bottom, ",")
    canvas.upwards(y, [t for t in tens if low <= t <= high], x.start, x.end, "g")
    for mark, curve in zip(marks, chart.curves, strict=True):
        points = [(x(n), y(max(v, low))) for n, v in curve.points.items()]
        canvas.line(points[0], points[1], *points[2:], tone=mark.tone, width=2)
        for (n, v), (across, up) in zip(curve.points.items(), points, strict=True):
            canvas.mark(across, up, mark, hint=f"{n:,}: {v:.3g} s", scale=0.8)
    canvas.text(WIDTH / 2, bottom + 38, chart.across, anchor="middle", size=SMALL)
    canvas.y = bottom + 44
    return canvas.svg(chart.title, "; ".join(_told(curve) for curve in chart.curves))


def _told(curve: Curve) -> str:
    most = max(curve.points)
    return f"{curve.name}: {curve.points[most]:.3g} s for {most:,}"
