"""Universal patches and perturbations: bounds, places, files, and bad input as one line."""

from typing import get_args

import numpy
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reference_impls.lab.attacks.universal import (
    UniversalPatch,
    UniversalPerturbation,
    as_patch,
    fooling_rate,
    load,
    mean_colour_patch,
    random_patch,
    random_sign_perturbation,
)
from reference_impls.lab.data.images import Trigger
from reference_impls.lab.data.patches import (
    PatchPlace,
    PatchSpec,
    paste,
    patch_side,
    place_patch,
    random_corners,
)
from reference_impls.lab.errors import ConfigError

PLACES = get_args(PatchPlace)
SIZE = 16


def pictures(seed=0, count=3, size=SIZE):
    return torch.rand(
        count, 3, size, size, generator=torch.Generator().manual_seed(seed)
    )


class TestPatches:
    @pytest.mark.parametrize(
        ("share", "edge", "side"),
        [(0.03, 224, 38), (0.03, 32, 5), (0.0625, 32, 8), (0.06, 32, 7), (1, 32, 32)],
    )
    def test_its_side_is_advclips(self, share, edge, side):
        assert patch_side(share, edge, edge) == side

    def test_advclips_place_at_224_pixels(self):
        spec = PatchSpec(share=0.03, margin=14)
        assert spec.corner(224, 224) == (172, 172)  # rows and columns 172..209

    @settings(max_examples=60, deadline=None)
    @given(
        seed=st.integers(0, 99),
        share=st.floats(0.01, 0.7),
        place=st.sampled_from(PLACES),
        height=st.integers(12, 20),
        width=st.integers(12, 20),
    )
    def test_pixels_outside_stay_bit_identical_and_inside_is_the_pattern(
        self, seed, share, place, height, width
    ):
        assume(patch_side(share, height, width) < min(height, width))  # and a margin
        spec = PatchSpec(share=share, place=place)
        side = spec.side(height, width)
        generator = torch.Generator().manual_seed(seed)
        images = torch.rand(2, 3, height, width, generator=generator)
        pixels = torch.rand(3, side, side, generator=generator)
        patch = as_patch(pixels, spec, height, width)
        changed = patch.apply(images)
        outside = patch.mask_HW == 0
        assert torch.equal(changed[..., outside], images[..., outside])
        assert changed.min() >= 0
        assert changed.max() <= 1
        inside = changed[..., ~outside].reshape(2, 3, side, side)
        torch.testing.assert_close(inside, pixels.expand(2, -1, -1, -1))
        torch.testing.assert_close(patch.pixels, pixels)
        assert patch.side == side
        assert patch.covered <= share + 1e-6

    def test_a_random_place_changes_a_square_of_every_image_and_nothing_else(self):
        patch = random_patch(PatchSpec(share=0.1, place="random"), SIZE, seed=1)
        images = torch.zeros(32, 3, SIZE, SIZE)
        changed = patch.apply_randomly(images, torch.Generator().manual_seed(0))
        touched = (changed != images).any(dim=1)
        assert touched.sum(dim=(1, 2)).tolist() == [patch.side**2] * 32
        corners = {tuple(map(int, mask.nonzero()[0])) for mask in touched}
        assert len(corners) > 16

    def test_random_corners_reach_both_ends(self):
        tops, lefts = random_corners(400, 5, 8, 6, torch.Generator().manual_seed(0))
        assert set(tops.tolist()) == {0, 1, 2, 3}
        assert set(lefts.tolist()) == {0, 1}

    @pytest.mark.parametrize("place", PLACES)
    def test_gradients_reach_the_pixels_of_the_patch_only(self, place):
        spec = PatchSpec(share=0.1, place=place)
        side = spec.side(SIZE, SIZE)
        pixels = torch.rand(3, side, side, requires_grad=True)
        images = pictures().requires_grad_()
        changed = place_patch(pixels, images, spec, torch.Generator().manual_seed(0))
        changed.sum().backward()
        # Every pixel of the patch is on each of the three images, and hides theirs.
        assert torch.equal(pixels.grad, torch.full_like(pixels, 3))
        assert int((images.grad == 0).sum()) == 3 * 3 * side**2

    def test_a_fixed_place_pastes_what_the_finished_patch_applies(self):
        spec = PatchSpec(share=0.1, place="top-right")
        patch = random_patch(spec, SIZE, seed=3)
        pasted = place_patch(patch.pixels, pictures(), spec, torch.Generator())
        torch.testing.assert_close(pasted, patch.apply(pictures()))

    def test_each_image_can_have_its_own_place(self):
        pixels = torch.ones(3, 2, 2)
        places = torch.tensor([0, 3]), torch.tensor([1, 0])
        pasted = paste(pixels, torch.zeros(2, 3, 5, 5), *places)
        assert pasted[0, :, 0:2, 1:3].eq(1).all()
        assert pasted[1, :, 3:5, 0:2].eq(1).all()
        assert pasted.sum() == 2 * 3 * 4

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"share": 0}, r"must lie in \(0, 1\], got 0"),
            ({"share": 1.2}, "got 1.2"),
            ({"share": float("nan")}, "got nan"),
            ({"place": "middle"}, "'middle'; choose one of top-left"),
            ({"margin": -1}, "margin must be 0 or more, got -1"),
        ],
    )
    def test_impossible_specs_are_refused(self, settings, message):
        with pytest.raises(ConfigError, match=message):
            PatchSpec(**settings)

    @pytest.mark.parametrize(("share", "size"), [(1, 8), (0.001, 8)])
    def test_a_patch_that_does_not_fit_is_refused(self, share, size):
        with pytest.raises(ConfigError, match="does not fit on 8x8"):
            PatchSpec(share=share).side(size, size)

    def test_a_patch_may_fill_the_image_where_no_margin_is_asked_for(self):
        assert PatchSpec(share=1, place="centre").corner(8, 8) == (0, 0)
        assert PatchSpec(share=1, place="random").corner(8, 8) == (0, 0)

    def test_masks_that_are_no_square_are_refused(self):
        ring = torch.ones(4, 4)
        ring[1:3, 1:3] = 0
        for mask in (ring, torch.zeros(4, 4), torch.eye(4)):
            with pytest.raises(ConfigError, match="one square"):
                UniversalPatch(mask, torch.zeros(3, 4, 4))
        with pytest.raises(ConfigError, match="0 or 1"):
            UniversalPatch(torch.full((4, 4), 0.5), torch.zeros(3, 4, 4))
        with pytest.raises(ConfigError, match=r"pattern must lie in \[0, 1\]"):
            UniversalPatch(torch.ones(4, 4), torch.full((3, 4, 4), 1.01))

    def test_images_of_another_size_are_refused(self):
        patch = random_patch(PatchSpec(), SIZE, seed=0)
        with pytest.raises(ConfigError, match="images of 16x16 pixels, got 20x20"):
            patch.apply(pictures(size=20))

    def test_a_patch_is_a_trigger(self):
        assert isinstance(random_patch(PatchSpec(), SIZE, seed=0), Trigger)


class TestPerturbations:
    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 99), epsilon=st.floats(1e-3, 1))
    def test_the_bound_holds_and_so_does_the_range(self, seed, epsilon):
        perturbation = random_sign_perturbation(epsilon, SIZE, seed=seed)
        changed = perturbation.apply(pictures(seed))
        assert (changed - pictures(seed)).abs().max() <= epsilon + 1e-6
        assert changed.min() >= 0
        assert changed.max() <= 1

    def test_random_signs_take_both_ends(self):
        delta = random_sign_perturbation(0.1, SIZE, seed=0).delta_3HW
        assert delta.abs().eq(0.1).all()
        assert 0.4 < (delta > 0).float().mean() < 0.6

    @pytest.mark.parametrize("epsilon", [0, -0.1, 1.5, float("nan")])
    def test_epsilon_outside_its_range_is_refused(self, epsilon):
        with pytest.raises(ConfigError, match=r"epsilon must lie in \(0, 1\]"):
            UniversalPerturbation(torch.zeros(3, 4, 4), epsilon)

    def test_a_perturbation_beyond_its_bound_is_refused(self):
        with pytest.raises(ConfigError, match=r"reaches 0\.2, above epsilon 0\.1"):
            UniversalPerturbation(torch.full((3, 4, 4), 0.2), 0.1)


class TestFiles:
    def test_a_patch_comes_back(self, tmp_path):
        patch = random_patch(PatchSpec(place="centre"), SIZE, seed=0)
        patch.save(tmp_path / "new" / "patch.npz")
        found = load(tmp_path / "new" / "patch.npz")
        assert isinstance(found, UniversalPatch)
        assert torch.equal(found.apply(pictures()), patch.apply(pictures()))
        assert [p.name for p in (tmp_path / "new").iterdir()] == ["patch.npz"]

    def test_a_perturbation_comes_back(self, tmp_path):
        perturbation = random_sign_perturbation(8 / 255, SIZE, seed=0)
        perturbation.save(tmp_path / "delta.npz")
        found = load(tmp_path / "delta.npz")
        assert isinstance(found, UniversalPerturbation)
        assert found.epsilon == 8 / 255
        assert torch.equal(found.delta_3HW, perturbation.delta_3HW)

    def test_what_is_no_such_file_is_refused(self, tmp_path):
        with pytest.raises(ConfigError, match="no patch or perturbation"):
            load(tmp_path / "none.npz")
        (tmp_path / "text.npz").write_text("hello")
        with pytest.raises(ConfigError, match="is no patch or perturbation"):
            load(tmp_path / "text.npz")
        (tmp_path / "empty.npz").write_bytes(b"")
        with pytest.raises(ConfigError, match="is no patch or perturbation"):
            load(tmp_path / "empty.npz")
        numpy.savez(tmp_path / "other.npz", mask=numpy.ones((4, 4)))
        with pytest.raises(ConfigError, match="was not written by the lab"):
            load(tmp_path / "other.npz")

    def test_a_file_with_code_in_it_is_not_run(self, tmp_path):
        class Planted:
            def __reduce__(self):
                return (tmp_path.joinpath("ran").touch, ())

        content = numpy.array([Planted()], dtype=object)
        numpy.savez(tmp_path / "evil.npz", format=content)
        with pytest.raises(ConfigError, match="is no patch or perturbation"):
            load(tmp_path / "evil.npz")
        assert not (tmp_path / "ran").exists()

    def test_a_file_that_breaks_its_bound_is_refused(self, tmp_path):
        random_sign_perturbation(0.5, 4, seed=0).save(tmp_path / "delta.npz")
        with numpy.load(tmp_path / "delta.npz") as file:
            arrays = dict(file)
        arrays["epsilon"] = numpy.array(0.1)
        numpy.savez(tmp_path / "delta.npz", **arrays)
        with pytest.raises(ConfigError, match="above epsilon"):
            load(tmp_path / "delta.npz")
        del arrays["epsilon"]
        numpy.savez(tmp_path / "delta.npz", **arrays)
        with pytest.raises(ConfigError, match="lacks epsilon"):
            load(tmp_path / "delta.npz")


class TestControls:
    def test_the_mean_colour_is_the_images(self):
        images = torch.tensor([0.2, 0.4, 0.9]).view(1, 3, 1, 1).expand(2, 3, 16, 16)
        patch = mean_colour_patch(PatchSpec(), images)
        torch.testing.assert_close(patch.apply(images), images)

    def test_random_patches_follow_their_seed(self):
        one, again, other = (
            random_patch(PatchSpec(), SIZE, seed=seed).pattern_3HW for seed in (0, 0, 1)
        )
        assert torch.equal(one, again)
        assert not torch.equal(one, other)

    def test_the_fooling_rate_counts_changed_predictions(self):
        clean, attacked = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 2, 1, 3])
        assert fooling_rate(clean, attacked) == 0.5
        assert fooling_rate(clean, clean) == 0
