import math

import pytest
import torch
from torch.nn import functional as F

from reference_impls.lab.data.dataset import Dataset
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError, EncoderError
from reference_impls.lab.models.clip import (
    CLIPConfig,
    clip_loss,
    load_clip,
    save_clip,
    train_clip,
)
from reference_impls.lab.models.encoders import SmallNetConfig, embed_all, save_encoder
from reference_impls.lab.models.heads import recall_at
from reference_impls.lab.models.zoo import LabData, clean_clip


def rows(seed, shape=(5, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_clip_loss_of_matching_pairs_vanishes_and_of_equal_ones_does_not():
    scale = torch.tensor(100.0)
    assert clip_loss(torch.eye(4), torch.eye(4), scale).item() == pytest.approx(
        0, abs=1e-6
    )
    same = torch.ones(4, 3)
    assert clip_loss(same, same, scale).item() == pytest.approx(math.log(4))


def test_clip_loss_agrees_with_the_loop():
    images, texts = rows(3), rows(4)
    scale = torch.tensor(2.0)
    cosines = F.cosine_similarity(images[:, None], texts[None], dim=2) * 2
    losses = [
        -(table[i, i] - table[i].logsumexp(0))
        for table in (cosines, cosines.T)
        for i in range(5)
    ]
    torch.testing.assert_close(
        clip_loss(images, texts, scale), torch.stack(losses).mean()
    )


def test_a_small_clip_learns_to_match_pictures_and_captions():
    dataset = shapes(256, seed=0, size=16)
    net = SmallNetConfig(widths=(8, 16, 32), embedding=16)
    clip = train_clip(dataset, CLIPConfig(steps=60, batch=64, net=net, bf16=False))
    images, texts = (
        embed_all(clip.image, dataset.images_N3HW),
        clip.embed_text(dataset.captions),
    )
    assert recall_at(images, texts, k=10) > 3 * 10 / 256


def test_unknown_words_are_named():
    dataset = shapes(32, seed=0, size=16)
    net = SmallNetConfig(widths=(8, 8, 16), embedding=8)
    clip = train_clip(dataset, CLIPConfig(steps=1, batch=8, net=net, bf16=False))
    with pytest.raises(DatasetError, match="'zebra'"):
        clip.embed_text(["a large zebra circle on a plain red background"])


def test_a_dataset_without_captions_trains_no_clip():
    silent = Dataset(name="silent", images_N3HW=torch.rand(16, 3, 16, 16))
    with pytest.raises(DatasetError, match="silent has no captions"):
        train_clip(silent, CLIPConfig(steps=1, batch=8))


def test_a_tower_without_a_common_space_is_refused():
    with pytest.raises(ConfigError, match=r"needs net\.embedding"):
        CLIPConfig(net=SmallNetConfig())


CAPTIONS = ["a small red circle on a plain blue background"] * 2


def test_both_towers_come_back_from_their_files(tiny_clip, tmp_path):
    save_clip(tiny_clip, tmp_path / "new" / "clip.safetensors")
    again = load_clip(tmp_path / "new" / "clip.safetensors")
    images = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(
        again.image.encode(images), tiny_clip.image.encode(images)
    )
    assert torch.equal(again.embed_text(CAPTIONS), tiny_clip.embed_text(CAPTIONS))
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"clip.safetensors", "clip.text.safetensors"}


def test_a_missing_or_strange_text_tower_is_one_line(tiny_clip, tmp_path):
    path = tmp_path / "clip.safetensors"
    save_encoder(tiny_clip.image, path)
    with pytest.raises(EncoderError, match=r"no text tower beside it \(clip\.text"):
        load_clip(path)
    (tmp_path / "clip.text.safetensors").write_text("hello")
    with pytest.raises(EncoderError, match="no readable text tower"):
        load_clip(path)
    save_encoder(tiny_clip.image, tmp_path / "clip.text.safetensors")
    with pytest.raises(EncoderError, match="was not written by the lab"):
        load_clip(path)


def test_a_clean_clip_is_trained_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    net = SmallNetConfig(widths=(8, 8, 16), embedding=8)
    config = CLIPConfig(steps=2, batch=8, net=net, bf16=False)
    lab, steps = LabData(train=32, size=16), []
    clips = [
        clean_clip(config, lab, progress=lambda *told: steps.append(told))
        for _ in range(2)
    ]
    assert len(steps) == 2
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(*(clip.image.encode(images) for clip in clips))
