"""The segmenter: known masks, points and overlaps, and that it learns."""

from dataclasses import replace

import pytest
import torch
from torch import Generator

from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.segmenter import (
    SegmenterConfig,
    draw_points,
    iou,
    segmenter,
)
from reference_impls.lab.models.zoo import train_dataset
from tests.reference_impls.conftest import TINY_LAB


def test_shapes_know_which_pixels_show_the_object():
    data = shapes(60, seed=0)
    assert data.masks_NHW.shape == (60, 32, 32)
    assert data.masks_NHW.dtype == torch.bool
    # A plain ground is one colour: inside and outside differ far more than either within itself.
    plain = data.take((data.labels["texture"] == 0).nonzero().flatten())
    for image, mask in zip(plain.images_N3HW, plain.masks_NHW, strict=True):
        inside, outside = image[:, mask], image[:, ~mask]
        apart = (inside.median(dim=1).values - outside.median(dim=1).values).abs().max()
        assert (inside - inside.median(dim=1, keepdim=True).values).abs().median() < 0.2 * apart  # fmt: skip
    large = data.labels["size"] == 1
    covered = data.masks_NHW.flatten(1).float().mean(dim=1)
    assert covered[large].mean() > 1.5 * covered[~large].mean()
    assert torch.equal(data.take([3, 1]).masks_NHW, data.masks_NHW[[3, 1]])


def test_overlap_is_of_each_pair_and_of_empty_ones_whole():
    one = torch.tensor([[[1, 1], [0, 0]], [[0, 0], [0, 0]], [[1, 1], [1, 1]]]).bool()
    other = torch.tensor([[[0, 1], [1, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]).bool()
    torch.testing.assert_close(iou(one, other), torch.tensor([1 / 3, 1.0, 0.0]))


def test_points_lie_inside_and_are_drawn_anew():
    masks = shapes(40, seed=1).masks_NHW
    chance = Generator().manual_seed(0)
    first, second = draw_points(masks, chance), draw_points(masks, chance)
    for points in (first, second):
        assert masks[torch.arange(40), points[:, 0], points[:, 1]].all()
    assert not torch.equal(first, second)


def test_it_learns_object_and_background_and_no_prompt_changes_the_embedding(tiny_clip, tmp_path, monkeypatch):  # fmt: skip
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    train, test = train_dataset(TINY_LAB), shapes(50, seed=9, size=16)
    weak, good = (segmenter(tiny_clip.image, train, SegmenterConfig(steps=n, batch=32)) for n in (2, 80))  # fmt: skip
    chance = Generator().manual_seed(0)
    for meant in (test.masks_NHW, ~test.masks_NHW):
        points = draw_points(meant, chance)
        before, after = (iou(one.scores(one.embed(test.images_N3HW), points) > 0, meant).mean() for one in (weak, good))  # fmt: skip
        assert after > max(before, 0.4)


def test_a_dataset_without_masks_is_refused(tiny_clip):
    bare = replace(train_dataset(TINY_LAB), masks_NHW=None)
    with pytest.raises(DatasetError, match="has no masks for a segmenter"):
        segmenter(tiny_clip.image, bare)
