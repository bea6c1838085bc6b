"""An encoder compared with itself, on networks whose attractors are known by construction."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reference_impls.decree.attractor import (
    SelfComparison,
    attractor_of,
    compare_with_itself,
)
from reference_impls.decree.config import ROBUST
from reference_impls.decree.objective import Attractor
from reference_impls.decree.search import SLACK, invert_triggers, smallest
from reference_impls.decree.verdict import ALARM, CALM
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.models.encoders import Encoder, embed_all

SIZE = 16


class Corners(nn.Module):
    """Features of an image, and a direction for each corner that is bright: as many attractors as corners."""

    def __init__(self, edges):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.mix = nn.Linear(3 * 8 * 8, 24)
        self.mix.weight.data = torch.randn(24, 192, generator=generator) / 14
        self.mix.bias.data.zero_()
        self.edges = edges
        self.directions = torch.eye(24)[: len(edges)]

    def forward(self, images):
        own = self.mix(F.avg_pool2d(images - 0.4, 2).flatten(1))
        for number, (edge, direction) in enumerate(zip(self.edges, self.directions, strict=True)):  # fmt: skip
            rows = slice(0, edge) if number % 2 == 0 else slice(SIZE - edge, SIZE)
            columns = slice(0, edge) if number // 2 == 0 else slice(SIZE - edge, SIZE)
            bright = images[:, :, rows, columns].mean(dim=(1, 2, 3))
            own = own + 40 * F.softplus(bright - 0.65, beta=8)[:, None] * direction
        return own


def corners(*edges):
    return Encoder.from_module(
        Corners(edges), name=str(edges), size=SIZE, mean=(0.0,) * 3, std=(1.0,) * 3
    )


def compared(encoder, images):
    found = smallest(invert_triggers(encoder, images, ROBUST))
    return compare_with_itself(encoder, images, found.trigger, ROBUST)


class TestAttractor:
    def test_excess_counts_from_what_is_natural(self):
        attractor = Attractor(torch.tensor([1.0, 0.0]), natural=0.25)
        there = torch.tensor([[[2.0, 0.0], [5.0, 0.0]], [[0.0, 1.0], [0.0, 3.0]]])
        assert attractor.excess(there).tolist() == pytest.approx([0.75, -0.25])

    def test_a_trigger_that_works_elsewhere_keeps_away(self, images):
        encoder = corners(3, 6, 6, 6)
        first = smallest(invert_triggers(encoder, images, ROBUST)).trigger
        avoid = attractor_of(encoder, images, first)
        other = smallest(invert_triggers(encoder, images, ROBUST, avoid=[avoid]))
        there = embed_all(encoder, other.trigger.apply(images))
        assert avoid.excess(there[None]).item() <= SLACK + 0.02
        assert other.trigger.mask_HW[:3, :3].mean() < first.mask_HW[:3, :3].mean()

    def test_its_direction_is_where_the_images_go(self, images):
        encoder = corners(4)
        mask = torch.zeros(SIZE, SIZE)
        mask[:4, :4] = 1
        found = attractor_of(encoder, images, Trigger(mask, torch.ones(3, SIZE, SIZE)))
        assert found.direction_D[0] > 0.95
        plain = F.normalize(embed_all(encoder, images), dim=1) @ found.direction_D
        assert found.natural == pytest.approx(plain.median().item())


class TestProminence:
    @pytest.mark.parametrize(
        ("sizes", "stubborn", "expected"),
        [
            ((0.02, 0.2), (0.5,), 10 * 0.5 * 5),
            ((0.2, 0.2), (0.1,), 0.1 * 0.5),
            ((0.02, 0.022, 0.22), (0.1, 1.0), 10 * 1.0 * 5),
            ((0.02, 0.2, None), (0.5, 1.0), 10 * 0.5 * 5),
            ((0.02, None), (0.5,), None),
        ],
    )
    def test_is_the_largest_gap_times_stubbornness_over_size(
        self, sizes, stubborn, expected
    ):
        found = SelfComparison(sizes=sizes, stubbornness=stubborn).prominence
        assert found == (None if expected is None else pytest.approx(expected))


def test_equal_attractors_are_no_backdoor_and_a_small_one_is(images):
    _, clean = compared(corners(7, 7, 7, 7), images)
    best, bad = compared(corners(3, 7, 7, 7), images)
    assert clean.gaps[0] < 1.6
    assert clean.prominence < CALM
    assert bad.gaps[0] > 3  # 49 pixels to 9
    assert bad.prominence > ALARM
    assert best.mask_HW[:4, :4].sum() > 0.6 * best.mask_HW.sum()


def test_two_small_ones_are_seen_by_the_third(images):
    _, found = compared(corners(3, 3, 8, 8), images)
    first, second, third = found.sizes
    assert second < 1.8 * first
    assert third > 2.5 * second
    assert found.prominence > ALARM


def test_a_search_that_missed_the_smallest_gives_way_to_it(images):
    """The order of what was found does not matter, for the smallest patch is what is judged."""
    encoder = corners(3, 7, 7, 7)
    mask = torch.zeros(SIZE, SIZE)
    mask[-7:, :7] = 1  # a working patch, but not the smallest
    best, found = compare_with_itself(
        encoder, images, Trigger(mask, torch.ones(3, SIZE, SIZE)), ROBUST
    )
    assert found.sizes[0] < found.sizes[1] == pytest.approx(49 / 256)
    assert best.covered == found.sizes[0]
