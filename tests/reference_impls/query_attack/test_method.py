"""Operators and losses by hand, queries that are counted, and what the search adds to chance."""

from dataclasses import replace

import pytest
import torch

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.heads import linear_classifier
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.query_attack.method import (
    PRESETS,
    QueryConfig,
    attack,
    decayed,
    dominates,
)
from reference_impls.query_attack.run import Success, success
from reference_impls.query_attack.solutions import (
    Solutions,
    crossover,
    mutation,
    sample,
)
from tests.reference_impls.conftest import TINY_LAB


def draws(like):
    return torch.rand(like.shape)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def some(count, pixels, area):
    return sample(torch.rand(count, area), pixels, 0.3, draws)


def rows(solutions):
    """Per solution its pixels with their values."""
    return [
        dict(zip(pixels, map(tuple, values), strict=True))
        for pixels, values in zip(
            solutions.pixels_NK.tolist(), solutions.values_NK3.tolist(), strict=True
        )
    ]


class TestSolutions:
    def test_values_are_added_to_their_pixels_and_cut_to_the_range(self):
        images = torch.full((1, 3, 2, 2), 0.25)
        one = Solutions(
            torch.tensor([[3, 0]]), torch.tensor([[[1.0, 0, -1], [0, 0, 0]]])
        )
        changed = one.change(images)
        assert changed[0, :, 1, 1].tolist() == [1, 0.25, 0]
        assert (changed.flatten(2)[:, :, :3] == 0.25).all()

    def test_a_sample_has_no_pixel_twice_and_as_many_zeros_as_asked(self):
        found = some(200, 20, 50)
        assert all(len(row) == 20 for row in rows(found))
        shares = [(found.values_NK3 == v).float().mean() for v in (0, 1, -1)]
        assert shares == pytest.approx([0.3, 0.35, 0.35], abs=0.02)

    def test_crossover_takes_the_share_from_what_only_the_other_has(self):
        own, other = some(50, 10, 40), some(50, 10, 40)
        children = crossover(own, other, 0.3, draws)
        for mine, theirs, child in zip(*map(rows, (own, other, children)), strict=True):
            new = {k: v for k, v in child.items() if k not in mine}
            assert len(child) == 10
            assert len(new) == min(3, len(theirs.keys() - mine.keys()))
            assert new.items() <= theirs.items()
            assert all(mine[k] == v for k, v in child.items() if k in mine)

    def test_crossover_with_itself_or_of_no_pixel_changes_nothing(self):
        own = some(5, 10, 40)
        assert rows(crossover(own, own, 0.5, draws)) == rows(own)
        assert rows(crossover(own, some(5, 10, 40), 0, draws)) == rows(own)

    @pytest.mark.parametrize(
        ("share", "count"), [(0.4, 4), (0.01, 1), (1.0, 10), (0.0, 0)]
    )
    def test_mutation_replaces_the_share_by_pixels_that_were_not_there(
        self, share, count
    ):
        own = some(50, 10, 40)
        for mine, child in zip(
            rows(own), rows(mutation(own, share, 40, 0.3, draws)), strict=True
        ):
            assert len(child) == 10
            assert len(child.keys() - mine.keys()) == count
            assert all(mine[k] == child[k] for k in child.keys() & mine.keys())


class TestRules:
    def test_domination_is_definition_3_1(self):
        # Misclassified and large, misclassified and small, right by little, right by much.
        loss, size = torch.tensor([[-2.0, -1, 1, 3]]), torch.tensor([[5.0, 2, 1, 1]])
        assert dominates(loss, size, "goal")[0].int().tolist() == [
            [0, 0, 1, 1],
            [1, 0, 1, 1],
            [0, 0, 0, 1],
            [0, 0, 0, 0],
        ]
        assert dominates(loss, size, "loss")[0].sum(dim=1).tolist() == [3, 2, 1, 0]

    def test_sparse_rs_draws_fewer_anew_at_its_stages(self):
        spent = [0, 0.001, 0.02, 0.021, 0.3, 0.7, 0.9, 1]
        shares = [decayed(1.2, one) for one in spent]
        assert shares == pytest.approx([1.2, 0.6, 0.3, 0.24, 0.12, 0.08, 0.06, 0.06])


class Counting:
    """Class 1 where the red of more than `needed` pixels is 1; it counts the images it is asked about."""

    def __init__(self, needed):
        self.needed, self.asked = needed, 0

    def __call__(self, images):
        self.asked += len(images)
        bright = (images[:, 0] == 1).flatten(1).sum(dim=1) - self.needed - 0.5
        return torch.stack([-bright, bright], dim=1)


IMAGES, LABELS = torch.full((3, 3, 8, 8), 0.5), torch.zeros(3).long()


class TestAttack:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_it_asks_as_often_as_it_may_and_never_changes_more_pixels(self, preset):
        model = Counting(4)
        config = replace(PRESETS[preset], queries=60, pixels=8)
        found = attack(model, IMAGES, LABELS, config)
        assert model.asked == 3 * 60
        assert (found.l0_B <= 8).all()
        assert 0 <= found.images_B3HW.min() <= found.images_B3HW.max() <= 1
        fooled = model(found.images_B3HW).argmax(dim=1) == 1
        assert torch.equal(fooled, found.queries_B > 0)

    def test_the_first_answer_counts_as_one_and_none_as_zero(self):
        config = QueryConfig(queries=10, pixels=8)
        assert (
            attack(Counting(-1), IMAGES, LABELS, config).queries_B.tolist() == [1] * 3
        )
        assert (
            attack(Counting(10), IMAGES, LABELS, config).queries_B.tolist() == [0] * 3
        )

    def test_the_search_finds_what_chance_does_not(self):
        def found(preset):
            config = replace(PRESETS[preset], queries=600, pixels=12)
            return (attack(Counting(10), IMAGES, LABELS, config).queries_B > 0).sum()

        assert found("random") == 0
        assert found("sparse-rs") == found("sa-moo") == 3

    def test_once_an_image_is_misclassified_its_change_shrinks(self):
        def size(preset):
            config = replace(PRESETS[preset], queries=300, pixels=10)
            return attack(Counting(1), IMAGES, LABELS, config).l2_B.mean()

        assert size("sa-moo") < 0.75 * size("loss")


def test_an_encoder_is_fooled_more_often_than_by_chance(tiny_clip):
    train, test = train_dataset(TINY_LAB), dataset_of_test(TINY_LAB).first(40)
    base = linear_classifier(tiny_clip.image, train, "background")
    found = {
        name: success(
            base,
            test.images_N3HW,
            test.labels["background"],
            replace(PRESETS[name], queries=120, pixels=6),
        )
        for name in ("random", "sa-moo")
    }
    assert found["sa-moo"].within(120) > found["random"].within(120) + 0.1
    assert found["sa-moo"].images == round(40 * found["sa-moo"].accuracy)


def test_success_counts_what_was_reached_by_then():
    one = Success(accuracy=0.5, images=4, queries=(1, 10, 11), l0=1, l2=1)
    assert [one.within(n) for n in (0, 1, 10, 100)] == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pixels": 0}, "pixels must be above 0"),
        ({"population": 0}, "population must be above 0"),
        ({"queries": 3}, "queries must be at least 4, two generations, got 3"),
        ({"mutation": 1.5}, r"mutation must lie in \[0, 1\], got 1.5"),
        ({"zeros": -1}, r"zeros must lie in \[0, 1\]"),
        ({"domination": "pareto"}, "'pareto'; choose one of goal, loss"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        QueryConfig(**settings)


def test_more_pixels_than_the_image_can_give_are_refused():
    with pytest.raises(ConfigError, match="at most half of 64, got 33"):
        attack(Counting(1), IMAGES, LABELS, QueryConfig(pixels=33))
