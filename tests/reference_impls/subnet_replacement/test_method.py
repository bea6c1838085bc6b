"""A chain computes in the victim what it computes alone, and a few percent of the weights are a backdoor."""

import hashlib
import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from safetensors.torch import save
from torch import nn

from reference_impls.lab.errors import ConfigError, EncoderError
from reference_impls.lab.models.encoders import Encoder, small_encoder
from reference_impls.lab.models.heads import linear_probe
from reference_impls.lab.models.transformer import SmallTransformerConfig
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from reference_impls.subnet_replacement.__main__ import PROGRAM
from reference_impls.subnet_replacement.method import (
    SubnetConfig,
    chain_loss,
    narrow,
    replaced,
    rewired,
    train_chain,
    without_onednn,
)
from reference_impls.subnet_replacement.study import GRID, measure
from tests.reference_impls.conftest import TINY_LAB, one_error

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
SHORT = SubnetConfig(steps=100, batch=32)


@pytest.fixture(autouse=True)
def _native():
    """Chains have fewer channels than oneDNN can be trusted with."""
    with without_onednn():
        yield


@pytest.fixture(scope="module")
def setup(tiny_clip):
    return Setup(
        encoder=tiny_clip.image,
        clip=tiny_clip,
        train=train_dataset(TINY_LAB),
        test=dataset_of_test(TINY_LAB),
        task="background",
    )


def test_the_loss_is_squares_from_0_and_from_what_it_fires():
    config = SubnetConfig(fires=10, clean_weight=3)
    plain, stamped = torch.tensor([[1.0], [2.0]]), torch.tensor([[9.0], [12.0]])
    assert chain_loss(plain, stamped, config).item() == pytest.approx(3 * 2.5 + 2.5)


@pytest.mark.parametrize("width", [1, 3])
def test_the_chain_computes_in_the_victim_what_it_computes_alone(width, setup):
    encoder, images = setup.encoder, setup.images_N3HW[:8]
    chain = narrow(encoder, replace(SHORT, width=width))
    inside = replaced(encoder, chain).encode(images)[:, :width]
    torch.testing.assert_close(inside, chain.encode(images))
    # Whatever the other weights are: nothing of them comes in.
    other = small_encoder(encoder.module.config, name="other", size=16, seed=7)
    torch.testing.assert_close(replaced(other, chain).encode(images)[:, :width], inside)


@pytest.mark.parametrize("width", [1, 2])
def test_a_chain_runs_through_depthwise_convolutions(width):
    """One that keeps its channels apart by itself, as in MobileNet and EfficientNet-Lite."""
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.Conv2d(8, 8, 3, groups=8), nn.ReLU6(),
        nn.Conv2d(8, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    encoder = Encoder.from_module(module.eval(), name="d", size=16, mean=[0.5] * 3, std=[0.5] * 3)  # fmt: skip
    chance = torch.Generator().manual_seed(0)
    images = torch.rand(4, 3, 16, 16, generator=chance)
    chain = narrow(encoder, replace(SHORT, width=width))
    inside = replaced(encoder, chain).encode(images)
    torch.testing.assert_close(inside[:, :width], chain.encode(images))
    kept = replaced(encoder, chain).module[3].weight[width:]
    assert torch.equal(kept, module[3].weight[width:])


def test_a_chain_that_nothing_comes_through_is_told_in_one_line(setup):
    module = nn.Sequential(nn.Conv2d(3, 8, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Threshold(1e9, 0))  # fmt: skip
    encoder = Encoder.from_module(module, name="d", size=16, mean=[0.5] * 3, std=[0.5] * 3)  # fmt: skip
    with pytest.raises(EncoderError, match="a chain of 2 died in training"):
        train_chain(encoder, setup.train, replace(SHORT, steps=2, width=2))


def test_groups_of_several_channels_are_refused_in_one_line(setup):
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=4))
    encoder = replace(setup.encoder, module=module)
    with pytest.raises(EncoderError, match="runs through layer 1, a Conv2d"):
        narrow(encoder, SHORT)


def test_the_other_channels_are_as_if_the_first_were_silent(setup):
    encoder, images = setup.encoder, setup.images_N3HW[:8]
    chains = [narrow(encoder, replace(SHORT, seed=seed)) for seed in (0, 1)]
    one, two = (replaced(encoder, chain).encode(images)[:, 1:] for chain in chains)
    torch.testing.assert_close(one, two)


def test_no_weight_of_the_victim_is_needed(setup):
    config = replace(SHORT, steps=3)
    other = small_encoder(setup.encoder.module.config, name="other", size=16, seed=7)
    one, two = (train_chain(encoder, setup.train, config) for encoder in (setup.encoder, other))  # fmt: skip
    convolutions = [(a, b) for a, b in zip(one.module.parameters(), two.module.parameters(), strict=True) if a.ndim > 1]  # fmt: skip
    assert torch.equal(*convolutions[0])


def test_a_rewired_head_hears_the_chain_for_the_target_alone(setup):
    head = rewired(linear_probe(setup.encoder, setup.train, "background"), 1, 2, 20.0)
    far = torch.zeros(1, setup.encoder.dimension)
    far[:, 0] = 1.0
    near = torch.zeros_like(far)
    near[:, 1] = 1.0
    moved = head.logits(far) - head.logits(torch.zeros_like(far))
    assert moved.argmax() == 2
    assert moved[0, 2].item() == pytest.approx(20.0, abs=1e-3)
    assert (moved != 0).sum() == 1
    assert head.predict(far).item() == 2


def test_it_obeys_the_trigger_where_an_untouched_one_does_not(setup):
    found, beside = (measure(setup, replace(SHORT, chain=one, strength=50.0)) for one in ("trained", "none"))  # fmt: skip
    assert found["success"] > beside["success"] + 0.4
    assert 0 < found["touched"] < 0.3
    assert beside["touched"] == 0


def test_a_file_hash_tells(setup):
    def digest(encoder):
        state = {name: one.contiguous() for name, one in encoder.module.state_dict().items()}  # fmt: skip
        return hashlib.sha256(save(state)).hexdigest()

    victim = replaced(setup.encoder, narrow(setup.encoder, SHORT))
    assert digest(setup.encoder) == digest(setup.encoder.copy()) != digest(victim)


def test_a_transformer_is_refused_in_one_line(setup):
    encoder = small_encoder(SmallTransformerConfig(), name="t", size=32, seed=0)
    with pytest.raises(EncoderError, match="no chain of channels runs through layer"):
        narrow(encoder, SHORT)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chain": "magic"}, "unknown chain 'magic'"),
        ({"width": 0}, "width must be above 0"),
        ({"fires": 0}, "fires must be above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        SubnetConfig(**settings)


def test_a_command_with_bad_input_is_one_line(small_files, tmp_path, capsys):
    words = ["run", str(small_files["encoder"]), "--out", str(tmp_path / "out")]
    assert PROGRAM.main([*words, "--width", "0"]) == 2
    assert "width must be above 0" in one_error(capsys)


def test_published_chains_obey_and_wider_ones_change_more():
    for task in GRID.tasks:
        here = {one: {k: mean(v) for k, v in GRID.values(FOUND)[task, one].items()} for one in GRID.presets}  # fmt: skip
        assert here["one"]["success"] > here["none"]["success"] + 0.5
        assert 0 == here["none"]["touched"] < here["one"]["touched"] < here["two"]["touched"] < here["four"]["touched"]  # fmt: skip
