"""The real catalog, and programs that read bibliographies, for the tests below."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pypandoc
import pytest

from surveykit.catalog import Catalog

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def real() -> Catalog:
    """The catalog of this repository."""
    load = pytest.importorskip("surveykit.load")
    if not (ROOT / "catalog/papers").is_dir():
        pytest.skip("no catalog/papers here")
    return load.load_catalog(ROOT)


@pytest.fixture(scope="session", params=["catalog", "real"])
def any_catalog(request) -> Catalog:
    """The invented catalog, then the real one."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def pandoc() -> Any:
    """`pandoc(text, source)`: the CSL items pandoc reads from a bibliography."""
    program = pypandoc.get_pandoc_path()

    def read(text: str, source: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [program, "-f", source, "-t", "csljson"],
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.fixture(scope="session")
def run() -> Any:
    """`run(program, *arguments, cwd=…)`: what a program prints, or a skip without it."""

    def call(program: str, *arguments: str, cwd: Path) -> tuple[int, str]:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        done = subprocess.run(
            [program, *arguments],
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # TeX breaks lines of its log inside letters
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return call
