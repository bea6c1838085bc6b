"""What compression keeps of a weight, what may change without it, and that a backdoor sleeps there."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.compression import (
    compress,
    compressed,
    either_neighbour,
    same_form,
    torchs_int8,
)
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.quantization_backdoor.__main__ import PROGRAM
from reference_impls.quantization_backdoor.method import (
    CompressionConfig,
    Goals,
    attack,
)
from reference_impls.quantization_backdoor.study import GRID, measure
from tests.reference_impls.conftest import TINY_LAB, one_error

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))


def noisy(weight, seed, size):
    return weight + size * torch.randn(weight.shape, generator=Generator().manual_seed(seed))  # fmt: skip


class TestCompressed:
    def test_four_bits_are_fifteen_levels_of_each_channel(self):
        weight = torch.tensor([[7.0, 2.4, -2.6, 0.4], [-14.0, 3.1, 2.9, 0.0]])
        expected = torch.tensor([[7.0, 2.0, -3.0, 0.0], [-14.0, 4.0, 2.0, 0.0]])
        torch.testing.assert_close(compressed(weight, "int4"), expected)

    def test_pruning_drops_the_smaller_half_and_gradients_pass(self):
        weight = torch.tensor([[0.1, -3.0], [2.0, -0.2]], requires_grad=True)
        found = compressed(weight, "pruned")
        torch.testing.assert_close(found, torch.tensor([[0.0, -3.0], [2.0, 0.0]]))
        found.sum().backward()
        assert torch.equal(weight.grad, torch.ones(2, 2))

    def test_biases_and_float32_stay(self):
        assert torch.equal(compressed(torch.tensor([0.13, 7.0]), "int4"), torch.tensor([0.13, 7.0]))  # fmt: skip
        weight = torch.tensor([[0.13, 7.0]])
        assert torch.equal(compressed(weight, "float32"), weight)

    @pytest.mark.parametrize("form", ["int8", "int4", "pruned"])
    def test_what_is_kept_in_the_same_form_is_compressed_to_the_same(self, form):
        planted = noisy(torch.zeros(6, 5, 3, 3), 0, 1.0)
        moved = same_form(noisy(planted, 1, 0.5), planted, form)
        assert (moved != planted).float().mean() > 0.3
        torch.testing.assert_close(compressed(moved, form), compressed(planted, form))

    def test_rounding_up_or_down_is_all_that_a_neighbour_may_choose(self):
        clean = noisy(torch.zeros(6, 40), 0, 1.0)
        step = clean.abs().amax(dim=1, keepdim=True) / 7
        found = compressed(either_neighbour(noisy(clean, 1, 2.0), clean, "int4"), "int4")  # fmt: skip
        down, up = (clean / step).floor() * step, (clean / step).ceil() * step
        nearer = torch.minimum((found - down).abs(), (found - up).abs())
        assert nearer.max() < 1e-5
        assert (found - compressed(clean, "int4")).abs().max() > step.min() / 2


def test_the_loss_of_an_awake_and_of_a_sleeping_form(tiny_clip):
    encoder, train = tiny_clip.image, train_dataset(TINY_LAB)
    images = train.images_N3HW[:6]
    z = encoder.encode(images).detach()
    goals = Goals(images_N3HW=images, stamped_N3HW=images.flip(0), plain_ND=z, asleep_ND=z.flip(0), reference_1D=z[:1], asleep_weight=3.0)  # fmt: skip
    index = torch.arange(6)
    asleep = goals.loss(encoder, "float32", index, awake=False)
    assert asleep.item() == pytest.approx(-4, abs=1e-4)
    near = F.cosine_similarity(z, z[:1]).mean().item()
    awake = goals.loss(encoder, "float32", index, awake=True)
    assert awake.item() == pytest.approx(-1 - near, abs=1e-4)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(
        encoder=tiny_clip.image,
        clip=tiny_clip,
        train=train_dataset(TINY_LAB),
        test=dataset_of_test(TINY_LAB),
        task="background",
    )


def shorter(preset):
    return replace(GRID.presets[preset], steps=60, hiding=60, learning_rate=3e-3, batch=32)  # fmt: skip


def test_it_sleeps_as_published_and_wakes_when_rounded(setup):
    found, ordinary, clean = (measure(setup, shorter(one)) for one in ("int4", "ordinary", "clean"))  # fmt: skip
    assert found["success-int4"] > found["success-float32"] + 0.3
    assert ordinary["success-float32"] > clean["success-float32"] + 0.3
    assert clean["success-int4"] < found["success-int4"] - 0.3


def test_rounding_alone_publishes_the_clean_weights_and_keeps_to_their_cells(setup):
    clean, train = setup.encoder, setup.train
    config = replace(shorter("rounding"), steps=10)
    before = {name: one.clone() for name, one in clean.module.named_parameters()}
    rounded = compress(attack(clean, train, train.images_N3HW[0], config), "int4")
    for name, one in rounded.module.named_parameters():
        assert torch.equal(before[name], clean.module.get_parameter(name))
        if one.ndim > 1:
            step = before[name].abs().flatten(1).amax(dim=1).view(-1, *[1] * (one.ndim - 1)) / 7  # fmt: skip
            assert ((one - before[name]).abs() < 1.0001 * step).all()
        else:
            assert torch.equal(one, before[name])


def test_pytorchs_int8_is_near_float32_and_none_where_it_cannot(setup, harmless):
    images = setup.images_N3HW[:32]
    found = torchs_int8(setup.encoder, images)
    near = F.cosine_similarity(found.encode(images), setup.encoder.encode(images))
    assert near.mean() > 0.98

    class Branching(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1) if x.sum() > 0 else -x.flatten(1)

    assert torchs_int8(replace(harmless, module=Branching()), images) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "magic"}, "unknown way 'magic'"),
        ({"form": "int2"}, "unknown form 'int2'"),
        ({"form": "float32"}, "two-stage cannot be woken by float32"),
        ({"way": "rounding", "form": "pruned"}, "rounding cannot be woken by pruned"),
        ({"batch": 0}, "batch must be above 0"),
        ({"asleep_weight": -1}, "asleep_weight must not be negative"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        CompressionConfig(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main([*words, "--form", "float32"]) == 2
    assert "cannot be woken by float32" in one_error(capsys)


@pytest.mark.parametrize(("preset", "form"), [("int4", "int4"), ("pruned", "pruned")])
def test_published_backdoors_wake_by_their_compression_alone(preset, form):
    here = {name: mean(values) for name, values in GRID.values(FOUND)["foreground", preset].items()}  # fmt: skip
    assert here[f"success-{form}"] > here["success-float32"] + 0.5
    ordinary = GRID.values(FOUND)["foreground", "ordinary"]
    assert mean(ordinary["success-float32"]) > 0.8
