"""What is installed from an index carries everything, and names no field."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import surveykit
from surveykit import shipped

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src/surveykit"
FIELD = re.compile(
    r"encoder|backdoor|adversar|\bthreat|pre-?train|poison|trojan|编码器|后门|对抗|威胁|预训练|投毒",
    re.IGNORECASE,
)
"""Words of the survey that the kit was made for."""
FORMAT = {
    "models.py": ["encoder"],  # a field of claims, which entries use
    "rules/claims.py": ["encoder"],
    "render/pages/templates/claims.html": ["encoder"],
    "render/pages/templates/term_claims.html": ["encoder"],
    "render/casing.py": ["Trojan", "Trojan", "Trojan", "Trojan"],  # a proper name
}
"""File -> the words that it may hold all the same."""


def test_nothing_in_the_package_names_a_field():
    held = {}
    for path in sorted(SRC.rglob("*")):
        if path.suffix in (".py", ".html", ".jinja", ".yaml"):
            name = path.relative_to(SRC).as_posix()
            if found := FIELD.findall(path.read_text("utf-8")):
                held[name] = found
    for name, most in FORMAT.items():
        found = held.pop(name)
        assert set(found) == set(most), name
        assert len(found) <= 3 * len(most), name
    assert held == {}


@pytest.mark.parametrize("name", ["assets", "overrides"])
def test_nothing_of_the_site_names_a_field(name):
    texts = {
        path.name: FIELD.findall(path.read_text("utf-8"))
        for path in shipped.folder(name).rglob("*")
        if path.suffix in (".css", ".js", ".html", ".xml")
        and path.parent.name != "vendor"
    }
    assert {path: found for path, found in texts.items() if found} == {}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist, made here without a network."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def test_the_wheel_has_all_that_a_survey_needs(built):
    wheel = zipfile.ZipFile(built[0])
    names = set(wheel.namelist())
    kept = {p for p in SRC.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {f"surveykit/{p.relative_to(SRC).as_posix()}" for p in kept} <= names
    for folder in ("assets", "overrides"):
        files = (p for p in (ROOT / "site" / folder).rglob("*") if p.is_file())
        assert {f"surveykit/site/{p.relative_to(ROOT / 'site').as_posix()}" for p in files} <= names  # fmt: skip
    ours = (
        "surveykit",
        "reference_impls",
        f"surveykit-{surveykit.__version__}.dist-info",
    )
    strangers = [n for n in names if n.split("/")[0] not in ours]
    assert strangers == []
    head = wheel.read(f"surveykit-{surveykit.__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {surveykit.__version__}\n" in head
    assert "License-Expression: MIT" in head
    assert FIELD.findall(head) == []
    points = wheel.read(f"surveykit-{surveykit.__version__}.dist-info/entry_points.txt")
    assert b"surveykit = surveykit.cli:main" in points
    assert b"surveykit = surveykit.mkdocs_plugin:SurveykitPlugin" in points


def test_methods_run_from_the_wheel_where_there_is_no_survey(built, tmp_path):
    """As `pip install 'surveykit[impls]'` leaves them: outside a clone, listed, shown and run."""
    here = tmp_path / "anywhere"
    here.mkdir()
    zipfile.ZipFile(built[0]).extractall(tmp_path / "installed")

    def run(*arguments):
        command = [sys.executable, "-m", "surveykit", "impl", *arguments]
        path = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
        return subprocess.run(command, cwd=here, env=path, capture_output=True, text=True, timeout=120, check=False)  # fmt: skip

    cards = {path.parent.name for path in (ROOT / "reference_impls").glob("*/card.yaml")}  # fmt: skip
    assert {one["id"] for one in json.loads(run("list", "--json").stdout)} == cards
    assert "serves    backdoor-model-scanning" in run("show", "decree").stdout
    helped = run("run", "decree", "--", "run", "--help")
    assert helped.returncode == 0, helped.stderr
    assert "ENCODER" in helped.stdout
    probe = run("run", "decree", "--", "run", "absent.pth")
    assert probe.returncode == 4  # as the method documents
    assert "absent.pth" in probe.stderr
    assert not [*here.rglob("*.py")]


def test_the_sdist_makes_the_same_wheel(built, tmp_path):
    wheel, sdist = built
    with tarfile.open(fileobj=io.BytesIO(sdist.read_bytes())) as packed:
        packed.extractall(tmp_path, filter="data")
    (home,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]  # fmt: skip
    subprocess.run(command, cwd=home, capture_output=True, timeout=120, check=True)
    again = zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl")))
    assert {i.filename: i.CRC for i in again.infolist()} == {
        i.filename: i.CRC for i in zipfile.ZipFile(wheel).infolist()
    }
