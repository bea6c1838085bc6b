"""Feature maps of encoders, and the captioner that reads them."""

import pytest
import torch
from torch import nn

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import DatasetError, EncoderError
from reference_impls.lab.models.captioner import CaptionerConfig, captioner
from reference_impls.lab.models.encoders import Encoder, small_encoder
from reference_impls.lab.models.fast import accelerated
from reference_impls.lab.models.feature_maps import feature_maps, image_tokens
from reference_impls.lab.models.transformer import SmallTransformerConfig
from reference_impls.lab.models.zoo import train_dataset
from tests.reference_impls.conftest import TINY_LAB

FAST = CaptionerConfig(steps=120, batch=64, width=32)


def encoder_of(module, size=16):
    return Encoder.from_module(module, name="odd", size=size, mean=(0, 0, 0), std=(1, 1, 1))  # fmt: skip


def test_maps_are_those_before_pooling_with_batchnorm_folded_or_not(tiny_clip):
    images = train_dataset(TINY_LAB).images_N3HW[:3]
    plain, folded = (feature_maps(one, images) for one in (tiny_clip.image, accelerated(tiny_clip.image)))  # fmt: skip
    assert [tuple(one.shape) for one in plain] == [(3, 8, 8, 8), (3, 16, 4, 4), (3, 32, 2, 2)]  # fmt: skip
    for one, other in zip(plain, folded, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    pooled = tiny_clip.image.module.head(image_tokens(tiny_clip.image, images).mean(dim=1))  # fmt: skip
    torch.testing.assert_close(pooled, tiny_clip.image.encode(images))


def test_tokens_of_a_transformer_are_a_map_without_its_class_token():
    vit = small_encoder(SmallTransformerConfig(), name="vit", size=32, seed=0)
    images = shapes(2, seed=0).images_N3HW.requires_grad_()
    tokens = image_tokens(vit, images)
    assert tokens.shape[:2] == (2, (32 // vit.module.config.patch) ** 2)
    (gradient,) = torch.autograd.grad(tokens.square().sum(), images)
    assert gradient.abs().sum() > 0


def test_an_encoder_without_maps_is_refused():
    flat = encoder_of(nn.Sequential(nn.Flatten(), nn.Linear(768, 4)))
    with pytest.raises(EncoderError, match="odd shows no feature maps"):
        feature_maps(flat, torch.rand(2, 3, 16, 16))


def test_it_learns_to_tell_attributes_and_comes_from_the_cache(tiny_clip, tmp_path, monkeypatch):  # fmt: skip
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    train, told = train_dataset(TINY_LAB), []
    made = captioner(tiny_clip.image, train, FAST, progress=lambda *step: told.append(step))  # fmt: skip
    again = captioner(tiny_clip.image, train, FAST, progress=lambda *step: told.append(step))  # fmt: skip
    assert len(told) == 120
    words, right = made.write(train.images_N3HW), made.indices(train.captions)
    assert torch.equal(words, again.write(train.images_N3HW))
    assert (words[:, 7] == right[:, 7]).float().mean() > 0.5  # the background's colour
    assert made.captions(right) == list(train.captions)
    assert all(one.endswith("background") for one in made.captions(words[:20]))


def test_a_short_caption_ends_and_wrong_ones_are_refused(tiny_clip, tmp_path, monkeypatch):  # fmt: skip
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    images = train_dataset(TINY_LAB).images_N3HW[:64]
    mixed = Dataset(name="mixed", images_N3HW=images, captions=("dark", "a bright one") * 32)  # fmt: skip
    made = captioner(tiny_clip.image, mixed, CaptionerConfig(steps=3, batch=64, width=32))  # fmt: skip
    assert made.indices(["dark"]).tolist() == [[made.vocabulary.index("dark"), 0, 0, 0]]
    for captions, message in ((["light"], "know the word 'light'"), (["a a a a"], "at most 3 words")):  # fmt: skip
        with pytest.raises(DatasetError, match=message):
            made.indices(captions)
    silent = Dataset(name="silent", images_N3HW=images)
    with pytest.raises(DatasetError, match="silent has no captions"):
        captioner(tiny_clip.image, silent)
