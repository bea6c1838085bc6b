"""Attacks on a segmenter: known answers, the effect against noise, the command, and what the pages claim."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch

from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.segmenter import SegmenterConfig
from reference_impls.lab.models.segmenter import segmenter as segmenter_of
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.segment_attack.__main__ import PROGRAM
from reference_impls.segment_attack.method import (
    AttackConfig,
    attacked,
    displacement,
    removal,
)
from reference_impls.segment_attack.study import GRID, Setting, measure
from tests.reference_impls.conftest import TINY_LAB, one_error

LEARNED = SegmenterConfig(steps=250, batch=32, learning_rate=1e-2)
BUDGET = Budget(epsilon=24 / 255, steps=8)


def test_removal_is_squared_above_the_floor_and_nothing_below():
    scores = torch.tensor([[[2.0, -30.0], [-10.0, -7.0]]], requires_grad=True)
    found = removal(scores, -10.0)
    assert found.item() == pytest.approx(-(12**2 + 3**2) / 4)
    found.sum().backward()
    assert scores.grad.flatten().tolist() == [-6.0, 0.0, 0.0, -1.5]


def test_displacement_is_the_distance_of_each_embedding():
    clean = torch.zeros(2, 2, 1, 2)
    moved = torch.tensor([[[[3.0, 0.0]], [[0.0, 4.0]]], [[[0.0, 0.0]], [[0.0, 2.0]]]])
    assert displacement(moved, clean).tolist() == [5.0, 2.0]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(tmp_path_factory.mktemp("segmenters")))
        yield


@pytest.fixture(scope="module")
def setup(tiny_clip, cache):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB).first(40)
    return Setup(encoder=tiny_clip.image, clip=None, train=train, test=test, task="")


@pytest.fixture(scope="module")
def found(setup):
    """Every attack on a tiny segmenter."""
    return {
        name: measure(setup, Setting(**{**vars(one), "budget": BUDGET, "segmenter": LEARNED}))
        for name, one in GRID.presets.items() if name in ("noise", "mask", "embedding")
    }  # fmt: skip


def test_removing_a_mask_hits_its_own_prompt_most(found):
    assert found["mask"]["prompt"] < found["noise"]["prompt"] - 0.1
    assert found["mask"]["prompt"] < found["mask"]["others"]


def test_moving_the_embedding_hits_prompts_that_nobody_knew(found):
    for measured in ("others", "ground"):
        assert found["embedding"][measured] < found["noise"][measured] - 0.03
    assert found["embedding"]["clean"] == found["noise"]["clean"]


def test_a_universal_perturbation_is_one_for_all_images_within_its_budget(setup):
    tool = segmenter_of(setup.encoder, setup.train, LEARNED)
    config = AttackConfig(attack="universal", budget=BUDGET, rounds=3, batch=16)
    grey = torch.full((2, 3, 16, 16), 0.5) + torch.tensor([0.0, 0.1]).view(2, 1, 1, 1)
    change = attacked(config, tool, grey, None, setup.train.images_N3HW) - grey
    torch.testing.assert_close(change[0], change[1])
    assert 0 < change.abs().max() <= BUDGET.epsilon + 1e-6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attack": "magic"}, "'magic'; choose one of noise, mask"),
        ({"floor": 1.0}, "floor must be below 0, where masks end, got 1.0"),
        ({"prompts": 0}, "prompts must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        replace(AttackConfig(), **settings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--floor", "2"], "floor must be below 0"),
        (["--dataset", "folder:{images}"], "has no masks"),
        (["--dataset", "moon"], "unknown dataset 'moon'"),
    ],
)
def test_bad_input_is_one_line(options, message, small_files, tmp_path, capsys):
    words = [option.format(**small_files) for option in options]
    out = ["--count", "8", "--train", "256", "--out", str(tmp_path / "out")]
    assert PROGRAM.main(["run", str(small_files["encoder"]), *words, *out]) == 2
    assert message in one_error(capsys)


def published(preset, measured):
    values = GRID.values(json.loads((GRID.home / "results.json").read_text("utf-8")))
    return mean(values["", preset][measured])


def test_the_published_figures_say_what_the_pages_claim():
    """Attack-SAM is worst for its own prompt and reaches others; the embedding's reaches background prompts, too."""
    own, others = published("mask", "prompt"), published("mask", "others")
    assert own < others - 0.1 < published("noise", "others") - 0.2
    assert published("mask-8", "others") < others
    assert published("embedding", "others") < published("noise", "others") - 0.05
    assert published("embedding", "ground") < published("mask-8", "ground")
