"""Figures of an evaluation, on an encoder that sees nothing but the mean colour."""

import pytest
import torch
from torch import nn

from reference_impls.advencoder.evaluate import controls, evaluate
from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    as_patch,
)
from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.patches import PatchSpec
from reference_impls.lab.errors import DatasetError
from reference_impls.lab.models.encoders import Encoder

SIZE = 8


class MeanColour(nn.Module):
    """Three numbers: red, green, blue."""

    def forward(self, images):
        return images.mean(dim=(2, 3))


@pytest.fixture(scope="module")
def encoder():
    zero, one = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return Encoder.from_module(MeanColour(), name="mean", size=SIZE, mean=zero, std=one)


def two_colours(count, *, seed):
    """Reddish and bluish pictures; every third is blue."""
    labels = (torch.arange(count) % 3 == 0).long()
    noise = torch.rand(
        count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)
    )
    palette = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    images = (palette[labels][:, :, None, None] + 0.1 * noise).clamp(0, 1)
    return Dataset(
        name="two",
        images_N3HW=images,
        labels={"colour": labels},
        classes={"colour": ("red", "blue")},
    )


@pytest.fixture(scope="module")
def datasets():
    return {"train": two_colours(90, seed=0), "test": two_colours(60, seed=1)}


def nothing():
    return UniversalPerturbation(torch.zeros(3, SIZE, SIZE), 0.1)


def all_blue():
    blue = torch.tensor([0.15, 0.15, 0.85]).view(3, 1, 1).expand(3, SIZE, SIZE)
    return UniversalPatch(torch.ones(SIZE, SIZE), blue.clone())


def test_changing_nothing_changes_no_figure(encoder, datasets):
    found = evaluate(encoder, {"nothing": nothing()}, **datasets)
    assert [one.model for one in found.outcomes] == ["knn", "mlp"]
    for one in found.outcomes:
        assert one.clean_accuracy == one.attacked_accuracy == 1.0
        assert one.fooling_rate == one.decline == 0.0
        assert one.chance == pytest.approx(2 / 3)
    assert found.cosines["nothing"] == pytest.approx(1.0)


def test_a_change_that_makes_all_blue_leaves_the_share_of_blue(encoder, datasets):
    found = evaluate(encoder, {"blue": all_blue()}, **datasets)
    for one in found.outcomes:
        assert one.attacked_accuracy == pytest.approx(1 / 3)
        assert one.decline == pytest.approx(2 / 3)
        assert one.fooling_rate == pytest.approx(2 / 3)
    assert found.of("blue", task="colour", model="knn").model == "knn"


def test_controls_have_the_size_and_place_of_the_change(datasets):
    images = datasets["train"].images_N3HW
    spec = PatchSpec(share=0.25, place="top-left")
    patch = as_patch(torch.ones(3, 4, 4), spec, SIZE, SIZE)
    of_patch = controls(patch, images, seed=0)
    assert set(of_patch) == {"random-patch", "mean-colour-patch"}
    assert all(one.mask_HW.equal(patch.mask_HW) for one in of_patch.values())
    mean = of_patch["mean-colour-patch"].pixels
    torch.testing.assert_close(mean[:, 0, 0], images.mean(dim=(0, 2, 3)))
    assert mean.std(dim=(1, 2)).max() < 1e-6
    (noise,) = controls(nothing(), images, seed=0).values()
    assert (noise.delta_3HW.abs() - 0.1).abs().max() < 1e-6


def test_a_dataset_that_cannot_be_learnt_is_refused(encoder, datasets):
    unlabelled = Dataset(name="plain", images_N3HW=datasets["test"].images_N3HW)
    with pytest.raises(DatasetError, match="no downstream task"):
        evaluate(encoder, {}, train=unlabelled, test=unlabelled)
    with pytest.raises(DatasetError, match="no task 'taste'; choose among colour"):
        evaluate(encoder, {}, **datasets, tasks=("taste",))
    only_red = datasets["train"].take([1, 2, 4, 5])
    with pytest.raises(DatasetError, match="are of one class of 'colour'"):
        evaluate(encoder, {}, train=only_red, test=datasets["test"])
