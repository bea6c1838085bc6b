"""Known answers of the scores, and that a planted patch is found."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator, nn

from reference_impls.lab.data.poison import Poison
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.poison_filter.method import (
    FilterConfig,
    deviation,
    dimension,
    gram,
    local_outlier,
    neighbours_of,
)
from reference_impls.poison_filter.patches import (
    Search,
    cut_out,
    heat,
    hottest,
    k_means,
    paste,
    search,
)
from reference_impls.poison_filter.study import GRID, Setting, measure
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
VALUES = {name: here for (_, name), here in GRID.values(FOUND).items()}


class TestLocalOutlier:
    line = torch.tensor([[0.0], [1.0], [2.0], [3.0], [10.0]])

    def test_a_point_is_not_its_own_neighbour(self):
        distances, who = neighbours_of(self.line, self.line, 2)
        assert distances[-1].tolist() == [7, 8]
        assert who[-1].tolist() == [3, 2]

    def test_slof_is_the_mean_ratio_of_distances(self):
        scores = local_outlier(self.line, self.line, 2, by_dimension=False)
        # The second neighbour of 3 lies 2 away, that of 2 lies 1 away.
        assert scores[-1].item() == pytest.approx((8 / 2 + 8 / 1) / 2)
        assert scores.argmax() == 4

    def test_dao_weighs_the_logarithm_by_the_neighbours_dimension(self):
        scores = local_outlier(self.line, self.line, 2, by_dimension=True)
        # -1 / mean(ln 1/2, ln 1) of 3; both neighbours of 2 lie 1 away: the logarithm is cut.
        of_three, of_two = 2 / torch.tensor(2.0).log(), 1e4
        expected = (of_three * torch.tensor(4.0).log() + of_two * torch.tensor(8.0).log()) / 2  # fmt: skip
        assert scores[-1].item() == pytest.approx(expected.item(), rel=1e-4)

    def test_dimension_of_a_line_and_of_a_plane(self):
        rank = torch.arange(1, 2001) / 2000
        assert dimension(rank[None]).item() == pytest.approx(1, rel=0.01)
        assert dimension(rank[None].sqrt()).item() == pytest.approx(2, rel=0.01)


class TestBeatrix:
    def test_gram_is_of_powers_and_brought_back(self):
        tokens = torch.tensor([[[1.0, 2.0], [3.0, 0.0]]])  # two places, two channels
        assert gram(tokens, 1)[0].tolist() == [10, 2, 4]
        torch.testing.assert_close(gram(tokens, 2)[0], torch.tensor([82.0, 4.0, 16.0]).sqrt())  # fmt: skip

    def test_only_what_lies_outside_the_bounds_deviates(self):
        clean = torch.tensor([[9.0], [10.0], [11.0]])  # median 10, MAD 1
        found = deviation(torch.tensor([[12.0], [15.0], [4.0]]), clean, width=2)
        torch.testing.assert_close(found, torch.tensor([0.0, 3 / 12, 4 / 8]))


def brightness():
    """Three channel means behind one convolution, so that there is a map."""
    conv = nn.Conv2d(3, 3, 2, stride=2, bias=False)
    conv.weight.data = torch.eye(3)[:, :, None, None].expand(3, 3, 2, 2) / 4
    net = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Encoder.from_module(net, name="rgb", size=16, mean=(0.0,) * 3, std=(1.0,) * 3)  # fmt: skip


class TestPatchSearch:
    def test_heat_lies_where_the_centres_channel_is(self):
        image = torch.full((1, 3, 16, 16), 0.1)
        image[:, 0, 8:12, 4:8] = 1
        hot = heat(brightness(), image, torch.tensor([[1.0, 0.0, 0.0]]))
        place = hottest(hot, 4)
        assert place.tolist() == [[8, 4]]
        patch = cut_out(image, place, 4)
        assert (patch[0, 0] == 1).all()
        pasted = paste(torch.zeros(1, 3, 16, 16), patch, torch.tensor([[0, 1]]))
        assert pasted[0, 0].sum() == 16
        assert (pasted[0, 0, :4, 1:5] == 1).all()

    def test_centres_are_unit_length_and_in_the_two_heaps(self):
        heaps = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(10, 1)
        centres = k_means(heaps, 2, Generator().manual_seed(1))
        torch.testing.assert_close(centres.norm(dim=1), torch.ones(2))
        assert set(map(tuple, centres.tolist())) <= {(1.0, 0.0), (0.0, 1.0)}

    def test_every_cluster_is_tried_once_at_least_and_a_score_is_a_count(self):
        images, config = shapes(60, seed=0, size=16).images_N3HW, Search(clusters=4, flips=8, window=4)  # fmt: skip
        scores, patches = search(brightness(), images, config, Generator().manual_seed(0))  # fmt: skip
        tried = ~scores.isnan()
        assert 4 <= tried.sum() <= 60
        assert (scores[tried].abs() <= 8).all()
        assert patches.shape == (60, 3, 4, 4)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    test = dataset_of_test(TINY_LAB)
    return Setup(encoder=tiny_clip.image, clip=tiny_clip, train=train_dataset(TINY_LAB), test=test, task="foreground")  # fmt: skip


def test_beatrix_finds_more_than_chance_and_the_seed_decides(setup):
    asked = Setting(detector="beatrix", training=60, poison=Poison(share=0.1), removed=0.1)  # fmt: skip
    found, beside = (measure(setup, replace(asked, detector=one)) for one in ("beatrix", "random"))  # fmt: skip
    assert found["auroc"] > beside["auroc"] + 0.15
    assert found["before"] == beside["before"]
    assert found["after"] is None
    assert measure(setup, asked) == found


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detector": "magic"}, "'magic'; choose one of random, slof"),
        ({"neighbours": 0}, "neighbours must be above 0, got 0"),
        ({"dropped": 1}, r"dropped must lie in \(0, 1\), got 1"),
        ({"removed": 1}, r"removed must lie in \(0, 1\), got 1"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Setting(**settings)


def test_too_few_pictures_and_no_classes_are_refused(setup):
    few = replace(setup, train=setup.train.first(200))
    with pytest.raises(DatasetError, match="12 pictures have no 16 neighbours"):
        measure(few, Setting(detector="slof", pool=12, training=2))
    with pytest.raises(DatasetError, match="no task 'moon'"):
        measure(replace(setup, task="moon"), Setting())
    assert FilterConfig().detector == "patchsearch"


def test_published_figures_hold_what_the_page_says():
    auroc, after = ({name: mean(here[one] or [0]) for name, here in VALUES.items()} for one in ("auroc", "after"))  # fmt: skip
    assert auroc["patchsearch-many"] > auroc["slof-many"] + 0.2
    assert auroc["beatrix-many"] > auroc["slof-many"] + 0.2
    assert auroc["slof-many"] > auroc["random-many"] + 0.1
    assert after["patchsearch"] < after["random"] - 0.5
    for aware in ("patchsearch-wide", "beatrix-wide"):
        assert mean(VALUES[aware]["recall"]) < 0.01
        assert auroc[aware] < auroc[aware.removesuffix("-wide")] - 0.1
    assert all(row["measures"]["recall"] <= 1 for row in FOUND["rows"])
