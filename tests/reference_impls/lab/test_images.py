import io

import pytest
import torch
from PIL import Image

from reference_impls.lab.data.images import TriggerSpec, make_trigger, png_bytes, stamp
from reference_impls.lab.errors import ConfigError


def test_a_full_mask_replaces_and_an_empty_one_keeps():
    images, pattern = torch.rand(2, 3, 8, 8), torch.rand(3, 8, 8)
    torch.testing.assert_close(stamp(images, torch.ones(8, 8), pattern)[0], pattern)
    assert torch.equal(stamp(images, torch.zeros(8, 8), pattern), images)


@pytest.mark.parametrize(
    ("place", "rows", "columns"),
    [
        ("bottom-right", (21, 31), (21, 31)),  # BadEncoder's published trigger file
        ("top-left", (1, 11), (1, 11)),
        ("top-right", (1, 11), (21, 31)),
        ("bottom-left", (21, 31), (1, 11)),
        ("centre", (11, 21), (11, 21)),
    ],
)
def test_a_trigger_sits_where_its_place_says(place, rows, columns):
    trigger = make_trigger(TriggerSpec(side=10, place=place), 32)
    expected = torch.zeros(32, 32)
    expected[slice(*rows), slice(*columns)] = 1
    assert torch.equal(trigger.mask_HW, expected)
    assert trigger.covered == pytest.approx(100 / 1024)


def test_outside_of_the_trigger_no_pixel_changes():
    images = torch.rand(4, 3, 32, 32)
    trigger = make_trigger(TriggerSpec(kind="coloured", side=5), 32)
    outside = trigger.mask_HW == 0
    assert torch.equal(trigger.apply(images)[..., outside], images[..., outside])


def test_random_triggers_are_black_or_white_and_follow_their_seed():
    one, other = (make_trigger(TriggerSpec(kind="random", seed=s), 32) for s in (1, 2))
    again = make_trigger(TriggerSpec(kind="random", seed=1), 32)
    assert set(one.pattern_3HW.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(one.pattern_3HW, again.pattern_3HW)
    assert not torch.equal(one.pattern_3HW, other.pattern_3HW)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "plaid"}, "'plaid'; choose one of white"),
        ({"place": "middle"}, "'middle'; choose one of top-left"),
        ({"side": 0}, "got 0"),
    ],
)
def test_impossible_triggers_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        TriggerSpec(**settings)


def test_a_trigger_larger_than_the_image_is_refused():
    with pytest.raises(ConfigError, match="does not fit on 8x8"):
        make_trigger(TriggerSpec(side=8), 8)


def test_a_picture_has_the_pixels_it_was_given():
    image = torch.tensor([1.0, 0.0, 0.5]).view(3, 1, 1).expand(3, 2, 2)
    with Image.open(io.BytesIO(png_bytes(image, scale=3))) as picture:
        assert picture.size == (6, 6)
        assert picture.getpixel((5, 5)) == (255, 0, 128)


def test_a_trigger_is_looked_at_on_grey():
    visible = make_trigger(TriggerSpec(side=2, place="top-left"), 8).visible
    assert (visible[:, 1:3, 1:3] == 1).all()
    assert (visible[:, 3:] == 0.5).all()
