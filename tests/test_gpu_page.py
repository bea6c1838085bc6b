"""docs/gpu.md: without a GPU it says so; with one it shows what was measured."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("gpu", ROOT / "benchmarks/gpu.py")
gpu = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gpu)
RUN = {
    "figures": [
        {"what": "BadEncoder", "seconds": 0.6, "steps": 60, "mebibytes": 1234.5, "difference": 0.01234, "of": "cosine"},
        {"what": "forward", "seconds": 0.02, "steps": None, "mebibytes": 9.0, "difference": None, "of": ""},
    ],
    "tests": 3,
    "passed": 2,
    "device": "An invented GPU",
    "date": "2026-11-29",
    "system": "Linux",
    "python": "3.11.7",
    "torch": "2.13.0",
    "seconds": 61.4,
}  # fmt: skip


def test_a_run_is_shown_in_both_languages():
    english, chinese = gpu.page(RUN).split("# 在 GPU 上")
    for half in (english, chinese):
        assert "| BadEncoder | 0.60 | 10.0 | 1,234 | 0.012 (cosine) |" in half
        assert "| forward | 0.02 |  | 9 |  |" in half
        assert "An invented GPU" in half
        assert "61" in half
    assert "2 of 3 tests passed" in english
    assert "3 项测试中 2 项通过" in chinese


def test_without_a_run_the_page_claims_nothing():
    nothing = gpu.page(None)
    assert "not run" in nothing
    assert "尚未运行" in nothing
    assert "|" not in nothing.replace("| --", "")


def test_the_committed_page_is_a_run_or_says_that_there_was_none():
    committed = (ROOT / "docs/gpu.md").read_text("utf-8")
    assert committed == gpu.page(None) or "torch 2" in committed


def test_without_a_gpu_nothing_is_run_and_the_page_stays(monkeypatch, tmp_path, capsys):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gpu, "measure", lambda: pytest.fail("something ran"))
    monkeypatch.setattr(gpu, "PAGE", tmp_path / "gpu.md")
    assert gpu.main() == 0
    assert "not run: no CUDA device here" in capsys.readouterr().out
    assert not (tmp_path / "gpu.md").exists()
