"""Payloads in weights: known answers, what is seen, what honestly is not, and what the README says of it."""

import json
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import save_file

from reference_impls.artifact_scan.__main__ import PROGRAM
from reference_impls.artifact_scan.study import SCANNERS, most_unseen, values
from reference_impls.artifact_scan.weights import (
    HiddenConfig,
    deviation,
    embed,
    suspicious,
)

CONFIG = HiddenConfig()
TEXT = Path(__file__).read_bytes()


@pytest.fixture
def trained():
    return numpy.random.default_rng(0).normal(size=20_000).astype("f4")


def test_deviation_of_even_counts_and_of_one_value():
    even = numpy.tile(numpy.arange(16, dtype="u4"), 100)
    assert deviation(even, 16) == pytest.approx((2 / 135 - 1) / (2 / 135) ** 0.5)
    assert deviation(numpy.zeros(1600, "u4"), 16) > 40
    draws = numpy.random.default_rng(1).integers(16, size=(200, 4096)).astype("u4")
    found = [deviation(one, 16) for one in draws]
    assert abs(numpy.mean(found)) < 0.3
    assert numpy.std(found) == pytest.approx(1, abs=0.2)


def test_embed_writes_the_payload_and_nothing_else(trained):
    changed = embed(trained, b"\xa5\x0f", 8, 0.5).view("u4")
    assert (changed[:4] & 0xFF).tolist() == [0xA5, 0x0F, 0xA5, 0x0F]
    assert (changed >> 8 == trained.view("u4") >> 8).all()
    assert (changed[10_000:] == trained.view("u4")[10_000:]).all()


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_trained_and_rounded_weights_give_no_alarm(half, trained):
    assert not any(suspicious(trained, CONFIG))
    rounded = torch.from_numpy(trained).to(half).float().numpy()
    assert not any(suspicious(rounded, CONFIG))
    grid = (trained * 2**20).round() / numpy.float32(2**20)  # small ones end in zeros
    assert not any(suspicious(grid.astype("f4"), CONFIG))


def test_text_is_seen_in_few_bits_and_ciphertext_only_where_it_takes_all(trained):
    cipher = numpy.random.default_rng(2).bytes(1 << 16)
    assert set(suspicious(embed(trained, TEXT, 8, 1), CONFIG)) == {"uneven"}
    assert set(suspicious(embed(trained, cipher, 23, 1), CONFIG)) == {"even"}
    assert not any(suspicious(embed(trained, cipher, 16, 1), CONFIG))


def test_run_tells_of_weights_that_were_written(trained, tmp_path, capsys):
    for name, weights, code in (("a", trained, 0), ("b", embed(trained, TEXT, 8, 1), 4)):  # fmt: skip
        path = tmp_path / f"{name}.safetensors"
        save_file({"w": torch.from_numpy(weights).reshape(100, 200)}, path)
        words = ["run", str(path), "--weights", "--out", str(tmp_path)]
        assert PROGRAM.main(words) == code
    assert "the bits of 4 of 4 stretches" in capsys.readouterr().out


def test_the_published_figures_are_possible_and_nothing_was_cleared():
    found = json.loads((PROGRAM.study.home / "results.json").read_text())
    assert set(values(found, "policy", "cleared")) == {0.0}
    assert set(values(found, "policy", "others_cleared")) == {0.0}
    for scanner in SCANNERS:
        for measure in ("flagged", "functions", "alarms", "unsure"):
            assert all(0 <= one <= 1 for one in values(found, scanner, measure))
    assert max(most_unseen(found)) >= 16  # an honest limit, not to be hidden
