"""The Python interface: its example runs, and every name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx

import surveykit

ROOT = Path(__file__).parents[1]
DOC = (ROOT / "docs/python.md").read_text(encoding="utf-8")


def test_the_example_of_the_documentation_runs(monkeypatch, tmp_path, capsys):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, text="<title>A page</title>" + "words " * 200)

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr("surveykit.links.session.transport", lambda *_, **__: transport)
    monkeypatch.chdir(ROOT)
    first, second = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    names: dict[str, object] = {}
    exec(first, names)  # noqa: S102 - our own documentation
    exec(second.replace("links.jsonl", f"{tmp_path}/links.jsonl"), names)  # noqa: S102
    said = capsys.readouterr().out
    assert "@inproceedings{" in said
    assert "stale: " in said
    assert asked
    assert re.search(r"^(ok|unverifiable) https://", said, re.MULTILINE)


def test_every_name_is_there_and_documented():
    for name in surveykit.__all__:
        assert getattr(surveykit, name).__doc__
        assert f"`{name}" in DOC or f"{name}(" in DOC or name in surveykit.__doc__
    homes = [name for names in surveykit._HOMES.values() for name in names]
    assert sorted(homes) == sorted(surveykit.__all__)


def test_importing_the_package_loads_nothing_else():
    code = "import sys, surveykit; print([m for m in sys.modules if m.startswith('surveykit.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout == "[]\n"
