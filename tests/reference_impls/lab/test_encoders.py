import pytest
import torch
from torch import nn

from reference_impls.lab.errors import EncoderError
from reference_impls.lab.models.encoders import (
    Encoder,
    SmallNetConfig,
    check_usable,
    embed_all,
    load_encoder,
    save_encoder,
    small_encoder,
)

GRAY = (0.5, 0.5, 0.5)
NET = SmallNetConfig(widths=(8, 8, 16))


def flat(size=8, **more):
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * size * size, 5))
    return Encoder.from_module(
        module, name="flat", size=size, mean=GRAY, std=(0.25,) * 3, **more
    )


def test_the_encoder_normalises():
    encoder, images = flat(), torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(
        encoder.encode(images), encoder.module((images - 0.5) / 0.25)
    )


def test_images_of_another_size_are_refused():
    with pytest.raises(EncoderError, match=r"\(3, 8, 8\), got \(3, 9, 9\)"):
        flat().encode(torch.rand(2, 3, 9, 9))


def test_weights_are_frozen_but_gradients_reach_the_images():
    encoder, images = flat(), torch.rand(2, 3, 8, 8, requires_grad=True)
    encoder.encode(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in encoder.module.parameters())


@pytest.mark.parametrize("module", [nn.Conv2d(3, 4, 3), nn.Linear(7, 2)])
def test_a_module_that_gives_no_vectors_is_refused(module):
    with pytest.raises(EncoderError, match="odd"):
        Encoder.from_module(module, name="odd", size=8, mean=GRAY, std=GRAY)


def test_embedding_in_batches_changes_nothing():
    encoder, images = flat(), torch.rand(7, 3, 8, 8)
    torch.testing.assert_close(
        embed_all(encoder, images, batch=3), encoder.encode(images)
    )


def test_nan_weights_are_named():
    encoder = flat()
    encoder.module[1].weight[0, 0] = float("nan")
    with pytest.raises(EncoderError, match=r"1\.weight holds NaN"):
        check_usable(encoder, torch.rand(4, 3, 8, 8))


def test_a_constant_encoder_is_refused():
    encoder = flat()
    encoder.module[1].weight.zero_()
    with pytest.raises(EncoderError, match="constant: 4 different images"):
        check_usable(encoder, torch.rand(4, 3, 8, 8))


def test_lab_encoders_follow_their_seed():
    images = torch.rand(2, 3, 32, 32)
    one, same, other = (small_encoder(NET, name="x", seed=s) for s in (1, 1, 2))
    assert torch.equal(one.encode(images), same.encode(images))
    assert not torch.equal(one.encode(images), other.encode(images))


def test_building_an_encoder_leaves_the_global_stream_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    small_encoder(NET, name="x", seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_a_saved_encoder_comes_back(tmp_path):
    encoder = small_encoder(
        SmallNetConfig(widths=(8, 8, 16), embedding=6), name="x", seed=1
    )
    save_encoder(encoder, tmp_path / "x.safetensors")
    back, images = load_encoder(tmp_path / "x.safetensors"), torch.rand(2, 3, 32, 32)
    assert torch.equal(back.encode(images), encoder.encode(images))
    assert (back.name, back.size, back.mean, back.dimension) == (
        "x",
        32,
        encoder.mean,
        6,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


def test_only_lab_encoders_can_be_saved(tmp_path):
    with pytest.raises(EncoderError, match="flat is no lab encoder"):
        save_encoder(flat(), tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"{}"])
def test_a_damaged_file_is_one_line(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(EncoderError, match="not a readable safetensors file"):
        load_encoder(tmp_path / "x.safetensors")


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(EncoderError, match="no encoder file"):
        load_encoder(tmp_path / "x.safetensors")


def test_copies_are_independent():
    encoder = flat()
    copy = encoder.copy()
    copy.module[1].weight.zero_()
    assert encoder.module[1].weight.abs().sum() > 0


def test_widths_that_crash_some_processors_are_refused():
    with pytest.raises(EncoderError, match="at least 8 channels"):
        SmallNetConfig(widths=(4, 8, 16))
