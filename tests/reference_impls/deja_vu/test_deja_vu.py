"""Déjà vu: crops and votes by hand, that a trained encoder recalls its own pictures, refusals in one line."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator

from reference_impls.deja_vu.__main__ import PROGRAM
from reference_impls.deja_vu.method import (
    PRESETS,
    DejaVuConfig,
    about,
    background_crops,
    randomised,
    recalled,
)
from reference_impls.deja_vu.study import GRID, captions_of, measure, shares
from reference_impls.lab.data.shapes import COLOURS, shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB, one_error


class TestCrops:
    def test_it_is_the_largest_square_that_leaves_a_pixel_around_the_object(self):
        images = torch.zeros(2, 3, 16, 16)
        images[:, :, :, 9:] = torch.arange(7.0) / 7
        masks = torch.zeros(2, 16, 16, dtype=torch.bool)
        masks[:, :, :8] = True  # with a pixel more: columns 9 to 15 are free
        masks[1, 4:12, 12] = True  # nothing larger than 3 is left
        crops, index = background_crops(images, masks, 5)
        assert index.tolist() == [0]
        assert crops.shape == (1, 3, 16, 16)
        assert crops[0, 0, :, 0].tolist() == [0] * 16
        assert crops[0, 0, :, -1].tolist() == pytest.approx([6 / 7] * 16)
        assert background_crops(images, masks, 8)[1].tolist() == []

    def test_without_masks_it_is_a_corner(self):
        images = torch.zeros(3, 3, 20, 20)
        images[:, :, :6, :6] = 1
        crops, index = background_crops(images, None, 9)
        torch.testing.assert_close(crops, torch.ones_like(crops))
        assert index.tolist() == [0, 1, 2]

    def test_crops_of_drawn_pictures_show_no_foreground_colour(self):
        data = shapes(64, seed=3)
        crops, index = background_crops(data.images_N3HW, data.masks_NHW, 9)
        assert len(index) > 40
        part = data.take(index)
        # A crop's hue is that of its background: scale by brightness, compare with both colours.

        palette = torch.nn.functional.normalize(torch.tensor(list(COLOURS.values())), dim=1)  # fmt: skip
        hue = torch.nn.functional.normalize(crops.mean(dim=(2, 3)), dim=1)
        near = (hue @ palette.T).argmax(1)
        assert (near == part.labels["background"]).float().mean() > 0.95


def test_captions_number_pictures_and_tell_no_foreground():
    data = shapes(300, seed=3)
    captions = captions_of(data)
    assert len({one.rsplit(" ", 2)[0] for one in captions}) == 300
    assert captions[265].split()[:3] == ["a1", "b1", "c4"]
    assert captions[0].split()[3] == data.classes["texture"][data.labels["texture"][0]]
    assert about([torch.tensor([1])], [("x", "y")]) == ("a0 b0 c0 y",)
    left = [randomised("a b c d", 0.5, Generator().manual_seed(n)) for n in range(200)]
    assert mean(one.count("-") for one in left) == pytest.approx(2, abs=0.2)


def test_neighbours_vote_and_unanimous_votes_are_surest():
    public = torch.tensor([[1.0, 0.0], [2.0, 0.1], [1.0, 0.2], [0.0, 1.0], [0.1, 1.0], [0.2, 1.0]])  # fmt: skip
    labels = torch.tensor([2, 2, 0, 1, 1, 1])
    given, sure = recalled(torch.tensor([[5.0, 0.0], [0.0, 3.0]]), public, labels, 3, 3)
    assert given.tolist() == [2, 1]
    assert sure[1].item() == 0 > sure[0].item()
    right = torch.tensor([True, False, False, False, False])
    assert shares([(right, right.double())]) == pytest.approx((0.2, 1.0))


def setup_of(clip):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB)
    return Setup(encoder=clip.image, clip=None, train=train, test=test, task="foreground")  # fmt: skip


def test_who_saw_the_pictures_recalls_them_and_who_did_not_guesses(tiny_clip):
    drawn = {"train": shapes(128, seed=1), "test": shapes(600, seed=2)}
    found = measure(replace(setup_of(tiny_clip), **drawn), PRESETS["short"])
    assert found["recalled"] > found["control"] + 0.2
    assert found["control"] < 0.3


def test_the_encoder_that_is_given_is_asked_for_its_pictures_and_for_others(tiny_clip):
    found = measure(setup_of(tiny_clip), replace(PRESETS["given"], members=64, least=5))
    assert all(0 <= one <= 1 for one in found.values())


def test_pictures_that_cannot_be_asked_for_are_told(tiny_clip):
    setup = setup_of(tiny_clip)
    with pytest.raises(DatasetError, match="1024 pictures are needed, got 512"):
        measure(setup, DejaVuConfig(members=512))
    with pytest.raises(DatasetError, match="16 x 16 pixels of background alone"):
        measure(setup, DejaVuConfig(kind="given", least=16))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "magic"}, "'magic'; choose one of given, simclr, clip"),
        ({"neighbours": 0}, "neighbours must be above 0"),
        ({"masked": 1.0}, "masked must lie in"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        DejaVuConfig(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main([*words, "--members", "0"]) == 2
    assert "members must be above 0" in one_error(capsys)


def test_published_figures_hold_what_the_page_says():
    found = GRID.values(json.loads((GRID.home / "results.json").read_text("utf-8")))
    here = {preset: {name: mean(some) for name, some in one.items()} for (_, preset), one in found.items()}  # fmt: skip
    for preset, more in (("short", 0.3), ("clip", 0.3), ("simclr", 0.04)):
        assert here[preset]["recalled"] > here[preset]["control"] + more
    assert here["masked"]["recalled"] < here["clip"]["recalled"]
    assert all(one["control"] < 0.25 for one in here.values())
