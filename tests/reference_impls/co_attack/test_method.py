"""Losses by hand, captions that keep to their rules, and what an attack on both adds."""

import math
import random
from dataclasses import replace

import pytest
import torch
from torch import Generator

from reference_impls.co_attack.captions import (
    SYNONYMS,
    caption_sets,
    one_word_changes,
    paraphrased,
    reworded,
    training_captions,
)
from reference_impls.co_attack.method import (
    PRESETS,
    AttackConfig,
    attack,
    co_loss,
    divergence,
    resized,
    set_loss,
)
from reference_impls.co_attack.run import one_of_each, retrieval
from reference_impls.lab.attacks.pgd import Budget
from reference_impls.lab.data.shapes import CLASSES
from reference_impls.lab.errors import ConfigError
from reference_impls.lab.models.clip import train_clip
from reference_impls.lab.models.zoo import test_dataset as dataset_of_test
from reference_impls.lab.models.zoo import train_dataset
from tests.reference_impls.conftest import TINY_CLIP, TINY_LAB

CAPTION = "a small red circle on a plain blue background"


class TestLosses:
    def test_divergence_is_kl_from_the_origin(self):
        origin, moved = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3), 0.0]])
        # Of (1/2, 1/2) from (3/4, 1/4).
        expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
        assert divergence(moved, origin).tolist() == pytest.approx([expected])
        assert divergence(origin, origin).item() == pytest.approx(0)

    def test_co_attack_weighs_the_caption_by_alpha(self):
        moved, clean = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        text = torch.tensor([[0.0, 1.0]])
        unit = torch.tensor([[1.0, 0.0]])
        first, second = divergence(moved, clean), divergence(unit, text)
        assert co_loss(moved, clean, text, 0) == first
        assert co_loss(moved, clean, text, 3) == pytest.approx(first + 3 * second)

    def test_sga_adds_the_cosines_to_all_captions(self):
        texts = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        assert set_loss(torch.tensor([[3.0, 4.0]]), texts).item() == pytest.approx(-1.4)

    @pytest.mark.parametrize("scale", [0.5, 1.5])
    def test_an_even_image_looks_alike_in_every_size(self, scale):
        images = torch.full((2, 3, 16, 16), 0.4)
        same = resized(images, scale, 0.0, Generator().manual_seed(0))
        torch.testing.assert_close(same, images)
        noisy = resized(images, scale, 0.05, Generator().manual_seed(0))
        assert noisy.shape == images.shape
        assert 0.005 < noisy.std() < 0.06


class TestCaptions:
    def test_every_word_of_the_shapes_has_one_synonym_and_back(self):
        for words in CLASSES.values():
            assert set(words) <= set(SYNONYMS)
        assert all(SYNONYMS[other] == word for word, other in SYNONYMS.items())

    def test_a_paraphrase_says_the_same(self):
        chance = random.Random(0)
        found = {paraphrased(CAPTION, chance) for _ in range(300)}
        assert len(found) == 32
        for one in found:
            pairs = zip(one.split(), CAPTION.split(), strict=True)
            assert all(new == old or SYNONYMS[old] == new for new, old in pairs)

    def test_changes_are_of_one_word_that_stands_at_that_place_or_means_the_same(self):
        corpus = [CAPTION, "a large red square on a plain blue background"]
        assert set(one_word_changes(corpus, "any")(CAPTION)) == {
            "a large red circle on a plain blue background",
            "a small red square on a plain blue background",
        }
        same = "a small crimson circle on a plain blue background"
        assert one_word_changes([*corpus, same], "synonyms")(CAPTION) == [same]
        assert one_word_changes(corpus, "synonyms")(CAPTION) == []

    def test_the_word_is_chosen_that_raises_the_loss_and_none_where_none_does(self):
        def embed(captions):
            return torch.tensor([[float(one.count("b"))] for one in captions])

        def changes(caption):
            return [caption + "b", caption + "bb"]

        found = reworded(embed, ["x", "y"], changes, lambda e, i: e[:, 0] * (1 - 2 * i))
        assert found == ["xbb", "y"]


@pytest.fixture(scope="module")
def pairs():
    """A CLIP that read paraphrases, twenty images, and three captions of each."""
    torch.set_num_threads(1)
    clip = train_clip(training_captions(train_dataset(TINY_LAB), 1), TINY_CLIP)
    data = one_of_each(dataset_of_test(TINY_LAB), 40)
    sets = caption_sets(data.captions, 3, seed=0)
    return clip, data.images_N3HW, sets


def attacked(pairs, preset, **changes):
    clip, images, sets = pairs
    config = replace(PRESETS[preset], budget=Budget(epsilon=4 / 255), **changes)
    corpus = [one for several in sets for one in several]
    words = one_word_changes(corpus, config.substitutes)
    return attack(clip, images, sets, config, words)


class TestAttack:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_images_keep_to_the_budget_and_captions_to_one_word(self, pairs, preset):
        _, images, sets = pairs
        moved, changed = attacked(pairs, preset)
        assert (moved - images).abs().max() <= 4 / 255 + 1e-6
        assert 0 <= moved.min() <= moved.max() <= 1
        for before, after in zip(sets, changed, strict=True):
            for old, new in zip(before, after, strict=True):
                differ = sum(
                    a != b for a, b in zip(old.split(), new.split(), strict=True)
                )
                assert differ <= 1
        config = PRESETS[preset]
        assert torch.equal(moved, images) == (config.image == "none")
        assert (changed == sets) == (config.text == "none")

    def test_both_together_leave_less_than_noise_and_than_either_alone(self, pairs):
        found = {
            name: sum(retrieval(pairs[0], *attacked(pairs, name))) for name in PRESETS
        }
        assert found["image"] < found["noise"] - 0.1
        assert found["text-any"] < found["text"] - 0.1
        assert max(found["sga"], found["co-attack"]) < found["image"] - 0.1
        assert max(found["sga"], found["co-attack"]) < found["text"] - 0.1

    def test_one_caption_in_one_size_is_another_attack_than_the_set(self, pairs):
        single, whole = attacked(pairs, "sga-single")[0], attacked(pairs, "sga")[0]
        assert not torch.equal(single, whole)
        again = attacked(pairs, "sga")[0]
        assert torch.equal(again, whole)


class Known:
    """Embeddings that are given, of images by number and of captions by name."""

    def __init__(self, images, texts):
        self.image, self.images, self.texts = self, images, texts

    def encode(self, numbers):
        return self.images[numbers]

    def embed_text(self, captions):
        return torch.stack([self.texts[one] for one in captions])


def test_retrieval_counts_what_is_found_first_in_both_directions():
    rows = {"a": (1.0, 0.0), "b": (0.0, 1.0), "c": (0.8, 0.6), "d": (-0.6, 0.8)}
    texts = {name: torch.tensor(row) for name, row in rows.items()}
    clip, both = Known(torch.eye(2), texts), torch.arange(2)
    assert retrieval(clip, both, [("a", "c"), ("b", "d")]) == (1, 1)
    # b looks like the other image, and c lies closer to it.
    assert retrieval(clip, both, [("a", "b"), ("c", "d")]) == (0.5, 0.5)
    tied = Known(torch.ones(2, 2), texts)
    assert retrieval(tied, both, [("a",), ("b",)]) == (0, 0)


def test_images_with_the_same_caption_are_left_out():
    data = dataset_of_test(TINY_LAB)
    data = replace(data, captions=("x", "y", "x", *["y"] * (len(data) - 3)))
    assert one_of_each(data, 10).captions == ("x", "y")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image": "blur"}, "'blur'; choose one of none, noise, kl, co, set"),
        ({"text": "bert"}, "'bert'; choose one of none, noise, kl, guided"),
        ({"substitutes": "rhymes"}, "'rhymes'; choose one of any, synonyms"),
        ({"alpha": -1}, "must not be below 0, got -1"),
        ({"captions": 0}, "captions must be at least 1"),
        ({"scales": (0.0,)}, "scales above 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        AttackConfig(**settings)
