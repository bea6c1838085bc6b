"""Statistics of matrices that are known, a detector that separates, and updates that are what they are called."""

import json
import math
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator

from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.encoders import SmallNetConfig, digest, small_encoder
from reference_impls.lab.models.image_text import ImageText
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.weight_spectra.__main__ import PROGRAM
from reference_impls.weight_spectra.method import (
    STATISTICS,
    SpectraConfig,
    learned,
    signature,
    statistics,
)
from reference_impls.weight_spectra.study import (
    GRID,
    Setting,
    blended,
    drawn,
    measure,
    working,
)
from tests.reference_impls.conftest import TINY_LAB, one_error

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
SHORT = Setting(draws=2, steps=3)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(
        encoder=tiny_clip.image,
        clip=tiny_clip,
        train=train_dataset(TINY_LAB),
        test=dataset_of_test(TINY_LAB).first(64),
        task="foreground",
    )


def told(matrix):
    return dict(zip(STATISTICS, statistics(torch.tensor(matrix)).tolist(), strict=True))


def test_a_matrix_of_rank_one_is_concentrated_and_an_orthogonal_one_is_not():
    one, many = told([[3.0, 0.0], [4.0, 0.0]]), told([[2.0, 0.0], [0.0, 2.0]])
    assert one["leading"] == pytest.approx(5) == one["frobenius"]
    assert one["concentration"] == pytest.approx(1)
    assert one["entropy"] == pytest.approx(0, abs=1e-6)
    assert many["frobenius"] == pytest.approx(math.sqrt(8))
    assert many["concentration"] == pytest.approx(0.5)
    assert many["entropy"] == pytest.approx(1)
    assert many["kurtosis"] == pytest.approx(1 - 3)  # entries ±1 from their mean


def test_shape_does_not_change_with_the_size_of_an_update():
    matrix = torch.randn(6, 9, generator=Generator().manual_seed(0))
    small, large = statistics(matrix), statistics(10 * matrix)
    torch.testing.assert_close(small[2:], large[2:])
    torch.testing.assert_close(10 * small[:2], large[:2])


def test_nothing_changed_is_a_signature_of_zeros_five_for_each_layer(setup):
    same = signature(setup.encoder, setup.encoder.copy())
    assert len(same) == 8 * len(STATISTICS)
    assert not same.any()


def test_another_architecture_is_refused(setup):
    net = SmallNetConfig(widths=(8, 16, 40), embedding=16)
    with pytest.raises(EncoderError, match="is no update of"):
        signature(setup.encoder, small_encoder(net, name="other", size=16, seed=0))


@pytest.mark.parametrize("features", ["size", "shape", "spectra"])
def test_a_detector_sees_what_it_reads_and_nothing_else(features):
    benign = torch.randn(20, 10, generator=Generator().manual_seed(0)).double()
    for entry in range(10):
        bad = benign.clone()
        bad[:, entry] += 20
        read = {"size": (1,), "shape": (2, 3, 4), "spectra": range(5)}[features]
        detector = learned(benign, bad, SpectraConfig(features=features))
        separates = bool(detector.score(bad).min() > detector.score(benign).max())
        assert separates == (entry % 5 in read)


def test_a_detector_needs_both_kinds():
    with pytest.raises(ConfigError, match="both kinds"):
        learned(torch.zeros(3, 5), torch.zeros(0, 5), SpectraConfig())


def test_a_blend_changes_by_both_updates(setup):
    one, other = (drawn(setup, kind, 0, SHORT).encoder for kind in ("badencoder", "tuned"))  # fmt: skip
    both = blended(setup.encoder, one, other)
    weights = [x.module.head.weight for x in (both, setup.encoder, one, other)]
    torch.testing.assert_close(weights[0], weights[2] + weights[3] - weights[1])


@pytest.mark.parametrize("kind", ["pairs", "harmless", "latent", "textonpair"])
def test_updates_repeat_and_leave_the_public_model_alone(kind, setup):
    before = digest(setup.encoder)
    one, again, other = (drawn(setup, kind, number, SHORT) for number in (0, 0, 1))
    assert digest(one.encoder) == digest(again.encoder) != digest(other.encoder)
    assert digest(setup.encoder) == before
    assert bool(len(one.tried)) == (kind != "pairs")


def test_what_collapses_is_tried_again_and_then_slower(setup, monkeypatch):
    tries = []

    def collapses(_setup, _kind, number, _setting, slower=1):
        tries.append((number, slower))
        raise EncoderError("the encoder has collapsed")

    monkeypatch.setattr("reference_impls.weight_spectra.study.drawn", collapses)
    with pytest.raises(EncoderError, match="collapsed"):
        working(setup, "badencoder", 3, SHORT)
    assert tries == [(3, 1), (13, 1), (23, 4)]


def test_every_figure_is_a_share(setup):
    found = measure(setup, replace(SHORT, unseen=True))
    assert set(found) == set(GRID.columns)
    assert all(0 <= value <= 1 for value in found.values())


def test_an_encoder_without_a_text_tower_has_no_updates_from_pairs(setup):
    alone = replace(setup, clip=ImageText(image=setup.encoder))
    found = measure(alone, SHORT)
    assert set(found) == set(GRID.columns)
    assert [name for name, value in found.items() if value is None] == ["textonpair"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": "magic"}, "unknown features 'magic'"),
        ({"penalty": 0}, "penalty must be above 0"),
        ({"draws": 1}, "draws must be at least 2"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Setting(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["clip"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main([*words, "--draws", "1"]) == 2
    assert "draws must be at least 2" in one_error(capsys)


def test_published_spectra_know_what_they_have_seen_and_lose_what_hides():
    here = {one: {k: mean(v) for k, v in GRID.values(FOUND)["foreground", one].items()} for one in GRID.presets}  # fmt: skip
    assert here["spectra"]["latent"] > 0.8
    assert here["spectra"]["success-blended"] > 0.5
    assert here["spectra"]["blended"] < here["spectra"]["badencoder"]
    assert here["unseen"]["found"] < here["size"]["found"] < here["spectra"]["found"]
