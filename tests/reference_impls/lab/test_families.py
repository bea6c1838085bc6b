"""Encoders of other kinds: what they are made of, that they learn, and what can be told of them by looking."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from reference_impls.lab.data.leaves import CLASSES, leaves
from reference_impls.lab.errors import DatasetError, EncoderError
from reference_impls.lab.models.encoders import Encoder, embed_all
from reference_impls.lab.models.families import (
    FAMILIES,
    OBJECTIVES,
    Recipe,
    clean,
    pictures,
    pretrain,
    untrained,
)
from reference_impls.lab.models.heads import fit_linear_probe
from reference_impls.lab.models.kind import architecture_of, check_trained

SHORT = Recipe(
    family="vit", objective="clip", pictures="leaves", steps=3, batch=16, count=64
)


class TestLeaves:
    def test_the_same_seed_gives_the_same_pictures_and_another_gives_others(self):
        one, same, other = leaves(8, seed=1), leaves(8, seed=1), leaves(8, seed=2)
        assert torch.equal(one.images_N3HW, same.images_N3HW)
        assert not torch.equal(one.images_N3HW, other.images_N3HW)
        assert one.images_N3HW.shape == (8, 3, 32, 32)
        assert 0 <= one.images_N3HW.min() < one.images_N3HW.max() <= 1

    def test_labels_say_what_captions_say(self):
        dataset = leaves(50, seed=0)
        for number, caption in enumerate(dataset.captions):
            words = [
                CLASSES[task][int(dataset.labels[task][number])]
                for task in ("grain", "colour", "form")
            ]
            assert caption == " ".join(words)

    def test_the_colour_is_on_the_picture(self):
        dataset = leaves(400, seed=0)
        means_N3 = dataset.images_N3HW.mean(dim=(2, 3))
        red, blue = (dataset.labels["colour"] == n for n in (0, 2))
        assert means_N3[red, 0].mean() > means_N3[blue, 0].mean() + 0.1
        assert means_N3[blue, 2].mean() > means_N3[red, 2].mean() + 0.1

    @pytest.mark.parametrize(("count", "size"), [(0, 32), (4, 7)])
    def test_none_and_tiny_ones_are_refused(self, count, size):
        with pytest.raises(DatasetError, match="8 pixels or more"):
            leaves(count, seed=0, size=size)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_kind_is_pretrained_in_every_way(family, objective):
    recipe = replace(SHORT, family=family, objective=objective)
    first, encoder = untrained(recipe), pretrain(recipe)
    before, after = first.module.state_dict(), encoder.module.state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert all(value.isfinite().all() for value in after.values())
    assert not any(weight.requires_grad for weight in encoder.module.parameters())
    assert not encoder.module.training


def test_the_same_recipe_gives_the_same_encoder_also_from_the_cache(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    images = torch.rand(4, 3, 32, 32)
    made, kept, again = clean(SHORT), clean(SHORT), pretrain(SHORT)
    expected = embed_all(again, images)
    torch.testing.assert_close(embed_all(made, images), expected)
    torch.testing.assert_close(embed_all(kept, images), expected)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1


def test_labels_teach_something():
    recipe = replace(SHORT, objective="supervised", steps=60, batch=32, count=512)
    train, test = pictures("leaves", 512, 0), pictures("leaves", 256, 7)
    rates = []
    for encoder in (untrained(recipe), pretrain(recipe)):
        embedded = embed_all(encoder, train.images_N3HW)
        head = fit_linear_probe(embedded, train.labels["grain"], classes=2)
        there = embed_all(encoder, test.images_N3HW)
        rates.append(head.accuracy(there, test.labels["grain"]))
    assert rates[1] > rates[0] + 0.05


EXPECTED = {
    "resnet": "batchnorm",
    "groupnorm": "convolutions",
    "mobilenet": "depthwise-batchnorm",
    "convnext": "depthwise",
    "vit": "transformer",
}


class TestKind:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_is_read_off_the_layers(self, family):
        module = untrained(replace(SHORT, family=family)).module
        assert architecture_of(module) == EXPECTED[family]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("resnet18", "batchnorm"),
            ("vit_tiny_patch16_224", "transformer"),
            ("swin_tiny_patch4_window7_224", "transformer"),
            ("mobilenetv3_small_050", "depthwise-batchnorm"),
            ("convnext_atto", "depthwise"),
            ("vgg11", "convolutions"),
            ("mixer_s32_224", "other"),
        ],
    )
    def test_of_models_that_a_library_builds(self, name, expected):
        timm = pytest.importorskip("timm")
        with torch.device("meta"):
            assert architecture_of(timm.create_model(name)) == expected

    def test_a_block_may_be_convolutional(self):
        """ConvNeXt's own program calls its blocks so, as transformers do."""
        block = type("Block", (nn.Sequential,), {})
        net = nn.Sequential(
            *(block(nn.Conv2d(8, 8, 7, groups=8), nn.LayerNorm(8)) for _ in range(3))
        )
        assert architecture_of(net) == "depthwise"

    def test_a_linear_layer_is_none_of_them(self):
        assert architecture_of(nn.Sequential(nn.Flatten(), nn.Linear(12, 3))) == "other"

    @pytest.mark.parametrize("family", FAMILIES)
    def test_an_untrained_network_is_refused_and_one_step_is_enough(self, family):
        recipe = replace(SHORT, family=family, steps=1)
        with pytest.raises(EncoderError, match="is untrained: all"):
            check_trained(untrained(recipe))
        check_trained(pretrain(recipe))

    def test_without_a_norm_layer_nothing_can_be_told(self):
        module = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
        check_trained(
            Encoder.from_module(module, name="x", size=2, mean=(0,) * 3, std=(1,) * 3)
        )
