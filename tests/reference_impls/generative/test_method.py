"""The losses by hand, the budget, and that a trained generator fools where noise does not."""

from dataclasses import replace

import pytest
import torch
from torch import Generator

from reference_impls.generative.method import (
    GeneratorConfig,
    Universal,
    gap_loss,
    relativistic_loss,
    within,
)
from reference_impls.generative.study import GRID, measure
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.generator import ImageGenerator
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB, one_error


def test_gap_is_the_logarithm_of_the_cross_entropy_to_the_least_likely_class():
    clean, attacked = torch.tensor([[3.0, 1.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0]])
    cross_entropy = torch.log(2 + torch.e * torch.ones(())) - 1
    torch.testing.assert_close(gap_loss(attacked, clean), cross_entropy.log())


def test_the_relativistic_loss_is_of_the_difference_and_knows_no_common_shift():
    clean, attacked = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    expected = -torch.log(1 + torch.tensor(3.0).exp())
    torch.testing.assert_close(relativistic_loss(attacked, clean), expected)
    torch.testing.assert_close(relativistic_loss(clean + 5, clean), -torch.tensor(2.0).log())  # fmt: skip


def test_a_change_stays_within_reach_and_grey_is_none():
    images = torch.rand(2, 3, 4, 4, generator=Generator().manual_seed(0))
    for pixels in (torch.zeros_like(images), torch.ones_like(images)):
        changed = within(pixels, images, 0.1)
        assert (changed - images).abs().max() <= 0.1 + 1e-6
        assert 0 <= changed.min() <= changed.max() <= 1
    torch.testing.assert_close(within(torch.full_like(images, 0.5), images, 0.1), images)  # fmt: skip


def test_generators_take_odd_sizes_and_only_one_of_them_looks_at_the_image():
    images = torch.rand(2, 3, 15, 15, generator=Generator().manual_seed(0))
    own, same = (net(images) for net in (ImageGenerator(seed=0), Universal(15, seed=0)))
    assert own.shape == same.shape == images.shape
    assert torch.equal(same[0], same[1])
    assert not torch.equal(own[0], own[1])
    assert torch.equal(own, ImageGenerator(seed=0)(images))
    assert not torch.equal(own, ImageGenerator(seed=1)(images))


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(
        encoder=tiny_clip.image,
        clip=None,
        train=train_dataset(TINY_LAB),
        test=dataset_of_test(TINY_LAB).first(100),
        task="background",
    )


@pytest.mark.parametrize("preset", ["gap-universal", "gap", "cda"])
def test_a_generator_fools_more_than_noise_and_nobody_unseen_is_nobody_told(preset, setup):  # fmt: skip
    short = {"steps": 60, "unseen": 0}
    trained, noise = (measure(setup, replace(GRID.presets[one], **short)) for one in (preset, "noise"))  # fmt: skip
    assert trained["surrogate"] > noise["surrogate"] + 0.15
    assert trained["sibling"] is trained["other"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attack": "magic"}, "'magic'; choose one of noise, pgd, universal"),
        ({"domain": "moon"}, "'moon'; choose one of own, leaves"),
        ({"steps": 0}, "steps must be above 0, got 0"),
        ({"reach": Budget(epsilon=0)}, "reach.epsilon must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        GeneratorConfig(**settings)


def test_fewer_images_than_a_batch_are_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--batch", "5000", "--unseen", "0"]
    assert GRID.program.main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "fewer than one batch of 5000" in one_error(capsys)
