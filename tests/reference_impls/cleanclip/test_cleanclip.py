"""Known answers of the losses, and that a planted backdoor goes."""

import json
from dataclasses import replace
from statistics import mean

import pytest
import torch
from torch import Generator, nn

from reference_impls.cleanclip.method import (
    RemovalConfig,
    blank_words,
    drift,
    par_loss,
    prune,
    remove,
)
from reference_impls.cleanclip.study import GRID, Setting, measure
from reference_impls.lab.data.images import TriggerSpec, make_trigger
from reference_impls.lab.data.poison import Poison, poisoned, success_rate
from reference_impls.lab.data.shapes import shapes
from reference_impls.lab.errors import ConfigError, DatasetError
from reference_impls.lab.models.encoders import Encoder
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from reference_impls.lab.study.setup import Setup
from tests.reference_impls.conftest import TINY_LAB

FOUND = json.loads((GRID.home / "results.json").read_text("utf-8"))
VALUES = {name: here for (_, name), here in GRID.values(FOUND).items()}


def test_drift_is_between_directions():
    east, north = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 5.0]])
    assert drift(east, 3 * east).item() == pytest.approx(0)
    assert drift(east, north).item() == pytest.approx(2)
    assert drift(east, -north).item() == pytest.approx(2)
    assert drift(east, -east).item() == pytest.approx(4)


def test_par_rewards_drift_up_to_tau_and_no_further():
    clip, near, far = torch.tensor(3.0), torch.tensor(0.6), torch.tensor(1.4)
    assert par_loss(clip, [near, near], tau=1.0).item() == pytest.approx(2.4)
    assert par_loss(clip, [near, far], tau=1.0).item() == pytest.approx(2.7)
    assert par_loss(clip, [far, far], tau=1.0).item() == 3
    assert par_loss(clip, [near, far], tau=2.0).item() == pytest.approx(2.0)


def test_words_are_blanked_by_share():
    tokens, chance = torch.arange(1, 4001).reshape(400, 10), Generator().manual_seed(0)
    blanked = blank_words(tokens, 0.2, 0, chance)
    assert (blanked == 0).float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert ((blanked == tokens) | (blanked == 0)).all()
    assert torch.equal(blank_words(tokens, 0.0, 0, chance), tokens)


def test_pruning_silences_what_clean_images_do_not_wake():
    """Two channels, red and blue; the last layer no longer reads the one that is dark on clean images."""
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    encoder = Encoder.from_module(net, name="rgb", size=8, mean=(0.0,) * 3, std=(1.0,) * 3)  # fmt: skip
    images = torch.zeros(4, 3, 8, 8)
    images[:, 0], images[:, 1] = 0.9, 0.5
    pruned = prune(encoder, images, 0.34).module[2].weight
    assert (pruned[:, 2] == 0).all()
    assert torch.equal(pruned[:, :2], net[2].weight[:, :2])
    assert (net[2].weight != 0).all()


class TestPoison:
    def test_pictures_of_others_carry_the_patch_and_captions_name_the_target(self):
        clean = shapes(100, seed=0, size=16)
        poison = Poison(share=0.1, target=2)
        bad, marked = poisoned(clean, "foreground", poison, seed=3)
        assert marked.sum() == 10
        assert (clean.labels["foreground"][marked] != 2).all()
        stamped = make_trigger(poison.trigger, 16).apply(clean.images_N3HW[marked])
        assert torch.equal(bad.images_N3HW[marked], stamped)
        assert torch.equal(bad.images_N3HW[~marked], clean.images_N3HW[~marked])
        for index, caption in enumerate(bad.captions):
            assert (caption == clean.captions[index]) or marked[index]
            assert not marked[index] or caption.split()[2] == "blue"

    def test_near_captions_share_more_words_with_the_pictures_own(self):
        clean = shapes(300, seed=0, size=16)

        def common(near):
            bad, marked = poisoned(clean, "foreground", Poison(share=0.1, near=near), seed=0)  # fmt: skip
            pairs = [(bad.captions[i].split(), clean.captions[i].split()) for i in marked.nonzero()]  # fmt: skip
            return mean(sum(map(str.__eq__, *one)) for one in pairs)

        assert common(near=True) > common(near=False) + 1

    def test_success_counts_stamped_pictures_of_other_classes(self):
        test, poison = shapes(60, seed=1, size=16), Poison(trigger=TriggerSpec(side=4))
        always, never = (torch.eye(8)[n] for n in (0, 1))
        for scores, rate in ((always, 1), (never, 0)):
            assert success_rate(lambda x, s=scores: s.expand(len(x), 8), test, "foreground", poison) == rate  # fmt: skip
        only = test.take((test.labels["foreground"] == 0).nonzero().flatten())
        assert success_rate(len, only, "foreground", poison) is None
        with pytest.raises(ConfigError, match="classes 0 to 7, no target 8"):
            poisoned(test, "foreground", Poison(target=8), seed=0)


@pytest.fixture(scope="module")
def setup(tiny_clip):
    test = dataset_of_test(TINY_LAB)
    return Setup(encoder=tiny_clip.image, clip=tiny_clip, train=train_dataset(TINY_LAB), test=test, task="foreground")  # fmt: skip


def test_removal_lowers_success_and_leaves_the_victim_alone(setup):
    asked = Setting(way="none", origin="planted", planting=90, steps=40, pairs=128, learning_rate=5e-3)  # fmt: skip
    before, after = (measure(setup, replace(asked, way=way)) for way in ("none", "par"))
    assert before["success"] > after["success"] + 0.2
    assert measure(setup, asked) == before


@pytest.mark.parametrize("way", ["plain", "cleanclip", "par"])
def test_a_text_tower_from_outside_stays_as_it_is(way, tiny_clip):
    from reference_impls.lab.models.image_text import ImageText

    pairs = train_dataset(TINY_LAB).first(32)
    outside = ImageText.of_clip(tiny_clip)
    config = RemovalConfig(way=way, steps=2, batch=16)
    cleaned, again = (remove(outside, pairs, config) for _ in range(2))
    image = pairs.images_N3HW[:2]
    assert cleaned.text == outside.text
    assert torch.equal(cleaned.image.encode(image), again.image.encode(image))
    assert not torch.equal(cleaned.image.encode(image), outside.image.encode(image))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "magic"}, "'magic'; choose one of none, prune, plain"),
        ({"origin": "moon"}, "'moon'; choose one of clean, planted"),
        ({"tau": 0}, "tau must be above 0, got 0"),
        ({"pruned": 1}, r"pruned must lie in \[0, 1\), got 1"),
        ({"pairs": 8}, "8 images, fewer than one batch of 64"),
    ],
)
def test_bad_settings_are_refused(settings, message, setup):
    with pytest.raises((ConfigError, DatasetError), match=message):
        measure(setup, Setting(**({"origin": "clean"} | settings)))


def test_published_figures_hold_what_the_page_says():
    success = {name: mean(here["success"]) for name, here in VALUES.items()}
    assert success["none"] > 0.9
    assert success["par-gentle"] < success["plain-gentle"] - 0.05
    assert success["plain"] < success["plain-gentle"]
    assert success["none-clean"] < 0.2
