import torch

from reference_impls.lab.data.augment import (
    Views,
    change_colours,
    crop_and_flip,
    gray,
    random_views,
)


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def test_views_follow_their_generator():
    images = torch.rand(6, 3, 16, 16)
    one, same, other = (random_views(images, Views(), draw(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_views_are_images():
    view = random_views(torch.rand(50, 3, 16, 16), Views(jitter=0.9), draw())
    assert view.shape == (50, 3, 16, 16)
    assert view.min() >= 0
    assert view.max() <= 1


def test_a_crop_of_everything_is_the_image_or_its_mirror():
    images = torch.rand(20, 3, 16, 16)
    cropped = crop_and_flip(images, 1.0, draw())
    kept = (cropped - images).abs().amax(dim=(1, 2, 3)) < 1e-4
    mirrored = (cropped - images.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-4
    assert (kept ^ mirrored).all()
    assert 0 < kept.sum() < 20


def test_graying_leaves_no_colour():
    views = Views(gray_probability=1.0)
    gray_images = change_colours(torch.rand(5, 3, 8, 8), views, draw())
    assert (gray_images.amax(dim=1) - gray_images.amin(dim=1)).max() < 1e-6


def test_luma_of_white_is_one():
    torch.testing.assert_close(gray(torch.ones(1, 3, 2, 2)), torch.ones(1, 1, 2, 2))
