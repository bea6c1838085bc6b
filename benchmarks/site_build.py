"""How fast the website is built, both languages side by side."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import synthetic

CONFIGS = {"en": "mkdocs.yml", "zh": "site/mkdocs.zh.yml"}


@dataclass(frozen=True)
class Cost:
    """What building the site in both languages took."""

    entries: int
    wall: float
    """Seconds on the clock."""
    processor: float
    """Processor seconds of both builds; other work on the machine does not count."""

    @property
    def per_paper(self) -> float:
        """Processor seconds for one paper."""
        return self.processor / self.entries


def measure(entries: int | None = None, keep: Path | None = None) -> Cost:
    """Cost for a synthetic catalog of that size, or for the real one; the site is kept in `keep`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if entries:
            synthetic.write(root, entries)
        else:
            shutil.copytree(synthetic.REPOSITORY / "catalog", root / "catalog")
            for card in synthetic.REPOSITORY.glob("reference_impls/*/card.yaml"):
                target = root / "reference_impls" / card.parent.name
                target.mkdir(parents=True)
                for file in card.parent.iterdir():
                    if file.suffix in (".yaml", ".json", ".svg", ".png", ".webp"):
                        shutil.copy(file, target)
        text = (synthetic.REPOSITORY / "mkdocs.yml").read_text("utf-8")
        if not (root / "catalog/glossary.yaml").exists():
            text = text.replace("  - glossary.md\n", "")  # no page to lead to
        (root / "mkdocs.yml").write_text(text, encoding="utf-8")
        shutil.copytree(synthetic.REPOSITORY / "site", root / "site")
        before = _children_seconds()
        begin = time.perf_counter()
        _build(root)
        wall = time.perf_counter() - begin
        if keep:
            shutil.copytree(root / "build", keep, dirs_exist_ok=True)
        papers = entries or len(list((root / "catalog/papers").rglob("*.yaml")))
        return Cost(papers, wall, _children_seconds() - before)


def _build(root: Path) -> None:
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    program = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    builds = [
        subprocess.Popen(
            [*program, "-f", str(root / config), "-d", str(root / "build" / lang)],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for lang, config in CONFIGS.items()
    ]
    codes = [build.wait(timeout=1800) for build in builds]
    if any(codes):
        raise SystemExit("the site of the synthetic catalog could not be built")


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
